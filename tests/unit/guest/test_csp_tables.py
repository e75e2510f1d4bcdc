"""Markdown tables."""

import CommonServerPython as csp
import pytest


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"t": [{"b": 1, "a": 2}]}, "### T\n|a|b|\n|---|---|\n| 2 | 1 |\n"),
        ({"t": {"b": 1, "a": 2}, "headers": ["b"]}, "### T\n|b|\n|---|\n| 1 |\n"),
        ({"t": []}, "### T\n**No entries.**\n"),
        ({"t": None, "metadata": "m"}, "### T\nm\n**No entries.**\n"),
        ({"t": [{"a": 1}], "metadata": "m"}, "### T\nm\n|a|\n|---|\n| 1 |\n"),
        ({"t": {"only": [1, 2]}}, "### T\n|only|\n|---|\n| 1 |\n| 2 |\n"),
        ({"t": ["x", "y"], "headers": "h"}, "### T\n|h|\n|---|\n| x |\n| y |\n"),
        ({"t": ["x"]}, "### T\n|T|\n|---|\n| x |\n"),
        (
            {"t": [{"a_b": 1}], "headers": ["a_b"], "headerTransform": csp.string_to_table_header},
            "### T\n|A B|\n|---|\n| 1 |\n",
        ),
        (
            {"t": [{"a": 1, "b": ""}, {"a": None, "b": []}], "removeNull": True, "headers": ["a", "b"]},
            "### T\n|a|\n|---|\n| 1 |\n|  |\n",
        ),
        ({"t": [{"a": 0, "b": False}], "removeNull": True}, "### T\n|a|b|\n|---|---|\n| 0 | false |\n"),
        ({"t": [{"a": None, "b": 1}], "headers": ["a", "x", "b"]}, "### T\n|a|x|b|\n|---|---|---|\n|  |  | 1 |\n"),
        ({"t": [{"a": "x|y\nz", "b": 1}]}, "### T\n|a|b|\n|---|---|\n| x\\|y<br>z | 1 |\n"),
        ({"t": [{"a": {"k": [1, 2], "l": "m"}, "b": 1}]}, "### T\n|a|b|\n|---|---|\n| k: 1,<br>2<br>l: m | 1 |\n"),
        (
            {"t": [{"u": "http://x", "b": 1}], "url_keys": ["u"]},
            "### T\n|b|u|\n|---|---|\n| 1 | [http://x](http://x) |\n",
        ),
        (
            {"t": [{"d": 1700000000000, "e": "soon"}], "date_fields": ["d", "e"]},
            "### T\n|d|e|\n|---|---|\n| 2023-11-14 22:13:20 | soon |\n",
        ),
        (
            {"t": [{"a": [{"k": 1}, {"k": "v"}], "b": True}]},
            "### T\n|a|b|\n|---|---|\n| {'k': 1},<br>{'k': 'v'} | true |\n",
        ),
        ({"t": [{"a": b"\xc3\xa4", "b": 1}]}, "### T\n|a|b|\n|---|---|\n| ä | 1 |\n"),
    ],
)
def test_table(given, expected):
    """Headings, columns, cells."""
    assert csp.tableToMarkdown("T", **given) == expected


def test_plain_values_do_not_fit_under_two_headers():
    """Which of them would they belong to?"""
    with pytest.raises(ValueError, match="one header"):
        csp.tableToMarkdown("T", ["x"], headers=["a", "b"])


NESTED = {"first": {"a": "v", "b": 2}, "other": "noise"}
README = {"first": {"a": "val"}, "second": "b", "not_important": "no"}


@pytest.mark.parametrize(
    ("transformer", "value", "expected"),
    [
        # what the README of the public script JsonToTable shows
        (csp.JsonTransformer(), {"first": "a", "second": "b"}, "\n***first***: a\n***second***: b"),
        (csp.JsonTransformer(keys=["first", "second"]), {**README, "first": "a"}, "\n***first***: a\n***second***: b"),
        (
            csp.JsonTransformer(keys=["a", "second"], is_nested=True),
            README,
            "**first**:\n\t***a***: val\n\n***second***: b",
        ),
        (csp.JsonTransformer(), NESTED, "**first**:\n\t***a***: v\n\t***b***: 2\n\n***other***: noise"),
        (csp.JsonTransformer(keys=["first"]), NESTED, "**first**:\n\t***a***: v\n\t***b***: 2"),
        (csp.JsonTransformer(keys=["a"], is_nested=True), NESTED, "**first**:\n\t***a***: v"),
        (csp.JsonTransformer(keys=["a"]), NESTED, ""),
        (csp.JsonTransformer(), {"x": 1, "y": {"z": None}}, "\n***x***: 1\n**y**:\n\t***z***: "),
        (
            csp.JsonTransformer(),
            [{"a": 1, "b": {"c": True}}, "t"],
            "**-**\t***a***: 1\n\t**b**:\n\t\t***c***: true\n\n**-**\tt",
        ),
        (csp.JsonTransformer(keys=["a"]), [{"b": 1}, "t", ["u"]], ""),
        (csp.JsonTransformer(), {"x": {}, "y": []}, ""),
        (csp.JsonTransformer(flatten=True), {"a": 1, "b": [2]}, "a: 1\nb: 2"),
        (csp.JsonTransformer(func=lambda value: f"<{value}>"), 5, "<5>"),
        (csp.JsonTransformer(), "text", "text"),
        (csp.JsonTransformer(), None, ""),
        (csp.JsonTransformer(), [1, 2], "***values***: 1, 2"),
    ],
)
def test_json_transformer(transformer, value, expected):
    """Nested data as indented lines, or only some keys of it."""
    assert transformer.json_to_str(value) == expected


def test_transformers_of_a_table():
    """By column, or for all of them."""
    rows = [{"a": {"x": 1, "y": 2}, "b": {"z": 3}}]
    named = csp.tableToMarkdown("T", rows, json_transform_mapping={"a": csp.JsonTransformer(keys=["x"])})
    assert named.endswith("| <br>***x***: 1 | z: 3 |\n")
    every = csp.tableToMarkdown("T", rows, is_auto_json_transform=True)
    assert every.endswith("| <br>***x***: 1<br>***y***: 2 | <br>***z***: 3 |\n")


@pytest.mark.parametrize("name", [None, ""])
def test_table_without_a_name_has_no_heading(name):
    """As the README of JsonToTable shows."""
    assert csp.tblToMd(name, [{"a": 1, "b": None}]) == "|a|b|\n|---|---|\n| 1 |  |\n"
    assert csp.tblToMd(name, []) == "**No entries.**\n"


@pytest.mark.parametrize(
    ("value", "pretty", "compact"),
    [
        (None, "", ""),
        (True, "true", "true"),
        (1.5, "1.5", "1.5"),
        ("t", "t", "t"),
        ({"a": {"b": 1}, "c": [1, None]}, "a: b: 1\nc: 1,\n", '{"a": {"b": 1}, "c": [1, null]}'),
        ([1, "x", {"a": 1}, [2]], "1,\nx,\n{'a': 1},\n[2]", '[1, "x", {"a": 1}, [2]]'),
        ({"b", "a"}, "a,\nb", '["a", "b"]'),
    ],
)
def test_cell(value, pretty, compact):
    """In lines, or as compact JSON."""
    assert csp.flattenCell(value) == csp.formatCell(value) == pretty
    assert csp.flattenCell(value, is_pretty=False) == csp.formatCell(value, is_pretty=False) == compact
    assert csp.formatCell(value, json_transform=csp.JsonTransformer(func=lambda _: "f")) == "f"


@pytest.mark.parametrize(
    ("response", "table"),
    [
        ({"Instances": [{"Id": "i-1"}]}, "|Id|\n|---|\n| i-1 |\n"),
        ({"Key": {"Id": "k", "On": True}}, "|Id|On|\n|---|---|\n| k | true |\n"),
        ({"Names": ["a", "b"]}, "|Names|\n|---|\n| a |\n| b |\n"),
        ({"Count": 5}, "|Count|\n|---|\n| 5 |\n"),
        ([{"Id": "i-1"}], "|Id|\n|---|\n| i-1 |\n"),
        ({"A": 1, "B": {"C": 2}}, "|A|B|\n|---|---|\n| 1 | C: 2 |\n"),
        ({"Instances": []}, "**No entries.**\n"),
    ],
)
def test_table_of_an_aws_answer(response, table):
    """A single key at the top is opened."""
    assert csp.aws_table_to_markdown(response, "AWS") == "### AWS\n" + table
