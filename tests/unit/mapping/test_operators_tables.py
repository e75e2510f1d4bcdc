"""Operators on lists, tables, addresses and versions: the arguments of their scripts, and where they end.   content.md §4.2, §4.3."""

import time

import pytest

from casemirror.mapping import filters, transformers
from casemirror.mapping.operators import Arguments, Sides
from casemirror.mapping.transformers import addresses, merging, sequences
from casemirror.mapping.value import OperatorFailed, absent
from support.cases import addresses as address_cases
from support.cases import filtered
from support.cases import sequences as sequence_cases
from support.cases import tables as table_cases

CASES = [*table_cases.TRANSFORMED, *sequence_cases.TRANSFORMED, *address_cases.TRANSFORMED]


def run(operator, value, args):
    return transformers.apply(transformers.KNOWN[operator], value, Arguments(args))


@pytest.mark.parametrize(("operator", "value", "args", "expected"), CASES)
def test_transformers_give_what_their_scripts_give(operator, value, args, expected):
    """content.md §3.5, §4.2."""
    found = run(operator, value, args)
    assert (None if absent(found) else found) == expected


@pytest.mark.parametrize(("operator", "left", "right", "passes"), filtered.FILTERED)
def test_filters_say_what_their_scripts_say(operator, left, right, passes):
    """content.md §4.3."""
    assert filters.passes(filters.KNOWN[operator], left, right, Sides()) is passes


def test_values_of_fields_are_got_for_an_empty_list():
    """The script's documentation asks for ``${.=[]}`` as value; content.md §4.2 row 53."""
    assert run("GetValuesOfMultipleFields", [], {"key": [{"a": 1, "b": [2, 3]}], "list": "a,b"}) == [1, 2, 3]


def test_one_range_of_several_is_enough():
    """The script answers once for each; content.md §4.3 row 35."""
    assert filters.passes(filters.KNOWN["GreaterCidrNumAddresses"], "10.0.0.0/30, 10.0.0.0/8", "300", Sides())


NESTED = {
    "first": {"a": "val"},
    "second": "b",
    "not_important": "no",
    "more": [{"x": 1, "y": [True, 2]}, [], {"x": None}],
}
CELLS = [
    ({}, "first: a: val<br>second: b<br>not_important: no<br>more: x: 1<br>y: true,<br>2,<br>,<br>x: "),
    (
        {"is_auto_json_transform": "true"},
        "**first**:<br>\t***a***: val<br>***second***: b<br>***not_important***: no<br>**more**:<br>"
        "\t**-**\t***x***: 1<br>\t\t**y**:<br>\t\t\t***values***: true, 2<br>\t**-**\t***values***: <br>\t**-**\t***x***: ",
    ),
    (
        {"json_transform_properties": '{"n": {"keys": ["second", "first"]}}'},
        "**first**:<br>\t***a***: val<br>***second***: b",
    ),
    ({"json_transform_properties": {"n": {"keys": ["a"], "is_nested": "true"}}}, "**first**:<br>\t***a***: val"),
    ({"json_transform_properties": {"n": {"keys": "a", "is_nested": True}, "m": {}}}, "**first**:<br>\t***a***: val"),
    ({"json_transform_properties": {"n": {"flatten": True, "keys": ["a"]}}}, None),
    ({"json_transform_properties": ""}, None),
]


@pytest.mark.parametrize(("args", "cell"), CELLS)
def test_nested_cells_of_a_table(args, cell):
    """content.md §4.2 row 24; the forms are those of the public packs' README files."""
    assert run("JsonToTable", [{"n": NESTED}], args) == f"|n|\n|---|\n| {cell or CELLS[0][1]} |\n"


TABLES = [
    ([{"n": "text"}, {"n": None}, {"n": [1, 2]}], "| text |\n|  |\n| ***values***: 1, 2 |\n"),
    ([{"n": [{}, {"a": 1}]}], "| **-**\t***a***: 1 |\n"),
    ([{"n": {"a": {}, "b": 1}}], "| ***b***: 1 |\n"),
]


@pytest.mark.parametrize(("value", "rows"), TABLES)
def test_plain_cells_of_a_transformed_column(value, rows):
    assert run("JsonToTable", value, {"is_auto_json_transform": "true"}) == "|n|\n|---|\n" + rows


REST = [
    ("JsonToTable", ["x"], {"title": "T"}, "no JSON object or list"),
    ("JsonToTable", "[NaN]", {}, "no JSON object or list"),
    ("JsonToTable", [1, 2], {}, "one header"),
    ("JsonToTable", [1, 2], {"headers": "a,b"}, "one header"),
    ("JsonToTable", [{"a": 1}, "x"], {}, "objects as rows"),
    ("JsonToTable", [{"a": 1}], {"json_transform_properties": "[1]"}, "no JSON object"),
    ("JsonToTable", [{"a": 1}], {"json_transform_properties": {"a": {"func": "x"}}}, "keys, is_nested"),
    ("JsonToTable", [{"a": 1}], {"json_transform_properties": {"a": 1}}, "keys, is_nested"),
    ("WhereFieldEquals", [], {"field": "a"}, "'equalTo' is missing"),
    ("GetValuesOfMultipleFields", "v", {"key": ["x"], "list": "a"}, "no object"),
    ("JoinListsOfDicts", [], {"right": [{"k": 1}], "key": "k"}, "two lists"),
    ("JoinListsOfDicts", [{}], {"key": "k"}, "two lists"),
    ("JoinListsOfDicts", ["x"], {"right": [{"k": 1}], "key": "k"}, "no object"),
    ("JoinListsOfDicts", [{}], {"right": ["x"], "key": "k"}, "no object"),
    ("ListGroupBy", [{"a": "1", "b": 2}], {"keys": "a", "outputkey": "b"}, "is no text"),
    ("ListGroupBy", [{"a": "1"}], {"keys": "a"}, "'outputkey' is missing"),
    ("MergeDictArray", [{"a": 1}], {"merge_with": [1]}, "'mapping' is missing"),
    ("MergeDictArray", [{"a": 1}], {"merge_with": [1], "mapping": "a"}, "no list of pairs"),
    ("MergeDictArray", [{"k": 1}], {"merge_with": {"k": 1}, "mapping": "k:k", "conflict_strategy": "odd"}, "conflict_strategy"),
    ("MergeDictArray", [{"k": 1}], {"merge_with": {"k": 1}, "mapping": "k:k", "out_path": "a..b"}, "empty key"),
    ("MergeDictArray", [{"k": 1}], {"merge_with": {"k": 1}, "mapping": "k:k", "out_path": "a."}, "empty key"),
    ("MergeDictArray", [1], {"merge_with": {"k": 1}, "mapping": "k:k", "array_path": "l"}, "no object"),
    ("MergeDictArray", [], {"mapping": "k:k", "overwrite_by_source": "a", "overwrite_by_destination": "a"}, "both in"),
    ("jmespath", {"a": 1}, {"expression": "&a"}, "no value"),
    ("jmespath", {"a": 1}, {"expression": "`NaN`"}, "no finite number"),
    ("jmespath", {"a": [1e308, 1e308]}, {"expression": "sum(a)"}, "no finite number"),
    ("jmespath", {}, {"expression": "(" * 5000}, "fails"),
    ("jmespath", "[" * 100_000, {"expression": "@"}, "no JSON"),
    ("IPv4Whitelist", ["10.0.0.1"], {}, "'cidr_ranges' is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("operator", "value", "args", "reason"), REST)
def test_what_cannot_be_done_says_why(operator, value, args, reason):
    """content.md §3.4: it costs the field only."""
    with pytest.raises(OperatorFailed, match=reason):
        run(operator, value, args)


@pytest.mark.parametrize("text", ["1", "1.2.3.4.5", "v1.2", "1.-2", "1.", "1.99999999999", ""])
def test_what_is_no_version_is_refused(text):
    """One number alone is none."""
    with pytest.raises(OperatorFailed, match="is no version"):
        filters.passes(filters.KNOWN["VersionEqualTo"], text, "1.0", Sides())


@pytest.mark.parametrize("step", ["|[@,@][]", "|[@,@]", "|{a:@,b:@}", "|join('',[to_string(@),to_string(@)])"])
def test_an_expression_that_doubles_its_value_is_stopped(step, monkeypatch):
    """A short expression could fill the memory: forty such steps make 2^40 elements."""
    monkeypatch.setattr(sequences, "_MOST_PARTS", 100_000)
    began = time.monotonic()
    with pytest.raises(OperatorFailed, match="too much"):
        run("jmespath", [1], {"expression": "@" + step * 40})
    assert time.monotonic() - began < 5


def test_comparisons_are_bounded(monkeypatch):
    monkeypatch.setattr(addresses, "_MOST", 1)
    with pytest.raises(OperatorFailed, match="more than 1 comparisons"):
        run("IPv4Whitelist", "10.0.0.1,10.0.0.2", {"cidr_ranges": "10.0.0.0/8"})
    many = {"k": list(range(2000))}
    with pytest.raises(OperatorFailed, match=f"more than {merging.MOST} comparisons"):
        run("MergeDictArray", [many], {"merge_with": [many], "mapping": "k:k"})
