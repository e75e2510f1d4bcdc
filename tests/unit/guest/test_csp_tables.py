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
        ({"t": [{"a": 0, "b": False}], "removeNull": True}, "### T\n|a|b|\n|---|---|\n| 0 | False |\n"),
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


@pytest.mark.parametrize(
    ("transformer", "value", "expected"),
    [
        (csp.JsonTransformer(), NESTED, "**first**:\n\t***a***: v\n\t***b***: 2\n***other***: noise"),
        (csp.JsonTransformer(keys=["first"]), NESTED, "**first**:\n\t***a***: v\n\t***b***: 2"),
        (csp.JsonTransformer(keys=["a"], is_nested=True), NESTED, "**first**:\n\t***a***: v"),
        (csp.JsonTransformer(keys=["a"]), NESTED, ""),
        (csp.JsonTransformer(flatten=True), {"a": 1, "b": [2]}, "a: 1\nb: 2"),
        (csp.JsonTransformer(func=lambda value: f"<{value}>"), 5, "<5>"),
        (csp.JsonTransformer(), "text", "text"),
        (csp.JsonTransformer(), [1, 2], "1, 2"),
    ],
)
def test_json_transformer(transformer, value, expected):
    """Nested data as indented lines, or only some keys of it."""
    assert transformer.json_to_str(value) == expected


def test_transformers_of_a_table():
    """By column, or for all of them."""
    rows = [{"a": {"x": 1, "y": 2}, "b": {"z": 3}}]
    named = csp.tableToMarkdown("T", rows, json_transform_mapping={"a": csp.JsonTransformer(keys=["x"])})
    assert named.endswith("| ***x***: 1 | z: 3 |\n")
    every = csp.tableToMarkdown("T", rows, is_auto_json_transform=True)
    assert every.endswith("| ***x***: 1<br>***y***: 2 | ***z***: 3 |\n")
