"""Value expressions beyond content.md §9, whose cases are in `test_contract.py`."""

import pytest

from casemirror.mapping.compiling import compile_expression
from casemirror.mapping.expressions import produce
from casemirror.mapping.value import NOTHING
from support.mapping_cases import chain, condition, path, selected, simple

CASES = {
    "brackets that select nothing are text": (simple("a[x].b"), {"a[x]": {"b": 1}}, 1),
    "a side from the whole source": (
        selected("e", [condition("isEqualString", "e.zone", path("home"))], accessor="id"),
        {"home": "b", "e": [{"id": 1, "zone": "a"}, {"id": 2, "zone": "b"}]},
        2,
    ),
}


@pytest.mark.parametrize(("expression", "source", "result"), CASES.values(), ids=CASES.keys())
def test_expression_gives_the_stated_value(expression, source, result):
    """content.md §3.3, §3.4."""
    assert produce(compile_expression(expression), source) == result


def test_an_explicit_null_is_not_nothing():
    """mirroring.md §4.3.1: only a path that leads nowhere leaves the field alone."""
    assert produce(compile_expression(simple("a.b")), {"a": {"b": None}}) is None
    assert produce(compile_expression(simple("a.c")), {"a": {"b": None}}) is NOTHING
    assert produce(compile_expression(chain("gone", "uniq")), {}) is NOTHING
    assert produce(compile_expression(chain("here", "uniq")), {"here": []}) == []


def test_reads_are_the_first_keys_of_all_paths():
    """mirroring.md §3.5.2: root, operands of filters, arguments that are paths."""
    expression = {
        "complex": {
            "root": "a.b",
            "accessor": "c",
            "filters": [[{"operator": "isEqualString", "left": {"isContext": True, "value": {"simple": "other.x"}}}]],
            "transformers": [{"operator": "concat", "args": {
                "prefix": {"isContext": True, "value": {"simple": "CustomFields.team"}},
                "suffix": {"value": {"simple": "-${owner}"}},
            }}],
        }
    }  # fmt: skip
    assert compile_expression(expression).reads == {"a", "other", "CustomFields", "team", "owner"}
