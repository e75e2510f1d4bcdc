"""Transformers where upstream scripts surprise, and the far ends of Go's time layouts.   content.md §4.2."""

import pytest

from casemirror.mapping import transformers
from casemirror.mapping.operators import Arguments
from casemirror.mapping.value import OperatorFailed
from support.cases import choices, matches, times

CASES = [*choices.TRANSFORMED, *matches.TRANSFORMED, *times.TRANSFORMED]


def run(operator, value, args):
    return transformers.apply(transformers.KNOWN[operator], value, Arguments(args))


@pytest.mark.parametrize(("operator", "value", "args", "expected"), CASES)
def test_a_transformer_surprises_as_its_script_does(operator, value, args, expected):
    """content.md §4.2 rows 18, 39, 57."""
    assert run(operator, value, args) == expected


BROKEN = [
    ({"equals": "a", "then": "x", "options": "input_data_type:then=odd"}, "unknown type 'odd'"),
    ({"condition": "value==equals", "equals": "a"}, "the condition"),
    ({"condition": "value in list rhs", "rhs": "[a]"}, "is no JSON"),
    ({"condition": "value=~rhs", "rhs": "("}, "cannot be read"),
]


@pytest.mark.parametrize(("args", "reason"), BROKEN)
def test_a_choice_that_cannot_be_made_says_why(args, reason):
    """content.md §4.2 row 18."""
    with pytest.raises(OperatorFailed, match=reason):
        run("If-Then-Else", "a", args)


LAYOUTS = [
    ("Jan_2006", "May_2006"),
    ("002", "124"),
    ("__2", "124"),
    ("Month", "Month"),
    ("Mon Jan", "Thu May"),
    ("15Z07", "15Z"),
]


@pytest.mark.parametrize(("layout", "text"), LAYOUTS)
def test_go_layouts_know_long_parts_before_short_ones(layout, text):
    """content.md §4.2 row 62."""
    assert run("toString", "2006-05-04T15:06:07Z", {"format": layout}) == text
