"""Transformers and filters that are scripts upstream, and the rarer built-in ones.   content.md §4.2, §4.3."""

from datetime import UTC, datetime

import dateparser
import pytest

from casemirror.mapping import filters, patterns, transformers
from casemirror.mapping.operators import Arguments, Sides
from casemirror.mapping.outside import Outside
from casemirror.mapping.transformers import sequences, tables
from casemirror.mapping.value import FAILURES, NOTHING, OperatorFailed, absent
from support.cases.scripts import FILTERED, TRANSFORMED

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def run(operator, value, args):
    return transformers.apply(transformers.KNOWN[operator], value, Arguments(args))


@pytest.mark.parametrize(("operator", "value", "args", "expected"), TRANSFORMED)
def test_transformers_give_what_their_scripts_give(operator, value, args, expected):
    """content.md §4.2."""
    found = run(operator, value, args)
    assert (None if absent(found) else found) == expected


@pytest.mark.parametrize(("operator", "left", "right", "passes"), FILTERED)
def test_filters_give_what_their_scripts_give(operator, left, right, passes):
    """content.md §4.3."""
    assert filters.passes(filters.KNOWN[operator], left, right, Sides()) is passes


AT = "2006-05-04T15:06:07.089Z"
WRITTEN = [
    ("", "04 May 06 15:06 UTC"),
    ("2006-01-02T15:04:05Z07:00", "2006-05-04T15:06:07Z"),
    ("2006-01-02 15:04:05.000 -0700", "2006-05-04 15:06:07.089 +0000"),
    ("Monday, January _2 2006 3:04PM", "Thursday, May  4 2006 3:06PM"),
    ("Mon Jan 2 1/06 03:4:5 pm -07:00 -07 Z0700", "Thu May 4 5/06 03:6:7 pm +00:00 +00 Z"),
    ("05.999999999", "07.089"),
    ("05,000", "07,089"),
]


@pytest.mark.parametrize(("layout", "text"), WRITTEN)
def test_dates_are_written_in_go_layouts(layout, text):
    """content.md §4.2 row 62: the default is RFC 822."""
    assert run("toString", AT, {"format": layout} if layout else {}) == text


def test_a_fraction_of_nothing_is_not_written():
    assert run("toString", "2006-05-04T15:06:07Z", {"format": "05.999"}) == "07"


REST = [
    ("toString", "2022-01-02T03:04:05+02:00", {"format": "Z07:00"}, "Z"),
    ("DateToTimeStamp", "1970-01-01T00:01:00Z", {}, 60),
    ("precision", "2.345", {"by": "1"}, 2.3),
    ("precision", 2.5, {}, 2),
    ("toPercent", "0.256", {}, "25.6%"),
    ("toPercent", 2, {}, "200%"),
    ("quadraticEquation", 1, {"b": "4", "c": "-21"}, [3, -7]),
    ("quadraticEquation", "1", {"b": "2", "c": "1"}, [-1]),
    ("sliceByItem", ["a", "b", "c", "d"], {"from": "b", "to": "d"}, ["b", "c"]),
    ("sliceByItem", ["a", "b", "c"], {"from": "b"}, ["b", "c"]),
    ("sliceByItem", ["a", "b"], {"to": "b"}, ["a"]),
    ("AppendIfNotEmpty", "a", {}, ["a"]),
    ("RemoveEmpty", ["a", "", None, [], {}, "n/a", 0], {"empty_values": "n/a, none"}, ["a", 0]),
    ("StringifyArray", ["a", 1], {}, '["a",1]'),
    ("ReplaceMatchGroup", "user=ann id=7", {"regex": r"user=(\w+) id=(\d)", "replace_with": "*"}, "user=* id=*"),
    ("ReplaceMatchGroup", "abc", {"regex": "((a)b)(x)?", "replace_with": "-"}, "-c"),
    ("GetFirstObject", [{"a": 1}], {}, {"a": 1}),
    ("SumList", "[1, 2]", {}, 3.0),
    ("SumList", "", {}, 0.0),
    ("IPv4Whitelist", '["10.0.0.1"]', {"cidr_ranges": "10.0.0.0/8"}, ["10.0.0.1"]),
    ("SumList", 4, {}, 4.0),
    ("jmespath", {"a": 1}, {"expression": "b"}, NOTHING),
    ("JsonToTable", [], {"title": "T"}, "### T\n**No entries.**\n"),
    ("GetValuesOfMultipleFields", "v", {"list": "a"}, NOTHING),
    ("GetValuesOfMultipleFields", "v", {"key": {"a": ["x", "y"]}, "list": "a,b"}, ["x", "y", "v"]),
    ("WhereFieldEquals", ["no object"], {"field": "a", "equalTo": "x", "stringify": "false"}, []),
]  # fmt: skip


@pytest.mark.parametrize(("operator", "value", "args", "expected"), REST)
def test_other_transformers(operator, value, args, expected):
    """content.md §4.2; decision 0010 where it is our reading."""
    assert run(operator, value, args) == expected


CHOICES = [
    ("a", {"equals": "a"}, True),
    (1, {"equals": "1"}, True),
    ("A", {"equals": "a"}, False),
    ("A", {"equals": "a", "options": "case_insensitive"}, True),
    ("a", {"rhs": "b"}, False),
    ("x", {"condition": "lhs==rhs", "lhs": "1", "rhs": "1"}, True),
    ("x", {"condition": "lhs != rhs", "lhs": "1", "rhs": "1"}, False),
    (1, {"condition": "value===rhs", "rhs": "1"}, False),
    (1, {"condition": "value!==rhs", "rhs": "1"}, True),
    (1, {"condition": "value===rhs", "rhs": "1", "options": "input_data_type:rhs=json"}, True),
    (5, {"condition": "value>rhs", "rhs": "4"}, True),
    (5, {"condition": "value>=rhs", "rhs": "6"}, False),
    ("b", {"condition": "value<rhs", "rhs": "c"}, True),
    (5, {"condition": "value<=rhs", "rhs": "5"}, True),
    ("Some text", {"condition": "value=~rhs", "rhs": "^some", "options": "case_insensitive"}, True),
    ("a\nb", {"condition": "value=~rhs", "rhs": "a.b", "options": "regex_dot_all,regex_full_match"}, True),
    ("ab", {"condition": "value=~rhs", "rhs": "a", "options": "regex_full_match"}, False),
    ("x\ny", {"condition": "value=~rhs", "rhs": "^y$", "options": "regex_multiline"}, True),
    ("b", {"condition": "value in list rhs", "rhs": "a, b"}, True),
    ("b", {"condition": "value not  in list rhs", "rhs": ["a", "c"]}, True),
]


@pytest.mark.parametrize(("value", "args", "holds"), CHOICES)
def test_if_then_else(value, args, holds):
    """content.md §4.2 row 18: the old form and the newer one."""
    given = {**args, "then": "yes", "else": "no"}
    assert run("If-Then-Else", value, given) == ("yes" if holds else "no")


def test_the_chosen_value_may_be_json():
    args = {"equals": "a", "then": '{"k": [1]}', "options": "input_data_type:then=json,input_data_type:odd"}
    assert run("If-Then-Else", "a", args) == {"k": [1]}


BROKEN = [
    ("RegexGroups", "a", {"regex": "(a)", "flags": "x"}, "unknown flag"),
    ("RegexGroups", "a", {"regex": "(a)", "groups": "x"}, "is no number"),
    ("RegexGroups", "a", {"regex": "(a)", "groups": "3"}, "no group 3"),
    ("RegexGroups", "a", {"regex": "(a)", "keys": "a,b"}, "2 keys for 1"),
    ("RegexGroups", "a", {"regex": "("}, "cannot be read"),
    ("RegexExtractAll", "a", {"regex": "x", "error_if_no_match": "true"}, "matches nothing"),
    ("Cut", "a-b", {"delimiter": "-", "fields": "3"}, "1 to 2"),
    ("Cut", "a-b", {"delimiter": "''", "fields": "1"}, "delimiter"),
    ("ModifyDateTime", "2022-01-01", {"variation": "nonsense"}, "no variation"),
    ("ModifyDateTime", "2022-01-01", {"variation": "x" * 200}, "no variation"),
    ("precision", 1, {"by": "99"}, "0 to 15"),
    ("quadraticEquation", 0, {"b": "1", "c": "1"}, "not quadratic"),
    ("quadraticEquation", 1, {"b": "0", "c": "1"}, "no real root"),
    ("If-Then-Else", "a", {"condition": "lhs ~ rhs"}, "the condition"),
    ("If-Then-Else", "a", {"equals": "a", "then": "{", "options": "input_data_type:then=json"}, "is no JSON"),
    ("SumList", ["x"], {}, "no number"),
    ("SumList", "[1, 2", {}, "no number"),
    ("SumList", "[1] and more", {}, "no number"),
    ("jmespath", "no json", {"expression": "a"}, "no JSON"),
    ("jmespath", {}, {"expression": "a["}, "fails"),
    ("jmespath", {}, {"expression": "a" * 20_000}, "too long"),
    ("JsonToTable", "no json", {}, "no JSON"),
    ("IPv4Whitelist", "x", {"cidr_ranges": "10.0.0.0/8"}, "no address"),
    ("IPv4Whitelist", "10.0.0.1", {"cidr_ranges": "x"}, "no address range"),
]


@pytest.mark.parametrize(("operator", "value", "args", "reason"), BROKEN)
def test_what_cannot_be_done_says_why(operator, value, args, reason):
    """content.md §3.4: it costs the field only."""
    with pytest.raises(OperatorFailed, match=reason):
        run(operator, value, args)


def test_results_are_bounded(monkeypatch):
    monkeypatch.setattr(patterns, "MOST", 2)
    monkeypatch.setattr(sequences, "_MOST", 2)
    monkeypatch.setattr(tables, "_MOST", 1)
    with pytest.raises(OperatorFailed, match="more than 2 times"):
        run("RegexExtractAll", "aaa", {"regex": "a"})
    with pytest.raises(OperatorFailed, match="more than 2 elements"):
        run("ProductJoin", "a,b", {"list2": "1,2"})
    with pytest.raises(OperatorFailed, match="more than 1 objects"):
        run("JoinListsOfDicts", [{"k": "1"}, {"k": "1"}], {"key": "k", "right": [{"k": 1}]})


def test_a_date_library_that_stumbles_moves_nothing(monkeypatch):
    monkeypatch.setattr(dateparser, "parse", lambda *args, **more: 1 / 0)
    with pytest.raises(OperatorFailed, match="no variation"):
        run("ModifyDateTime", "2022-01-01", {"variation": "in 1 day"})


PASSING = [
    ("StringContainsArray", "one two", ["x", "two"], True),
    ("StringContainsArray", ["one", "two"], "wo", True),
    ("StringContainsArray", "one", "TWO", False),
    ("VersionGreaterThan", "1.10", "1.9", True),
    ("VersionLessThan", "1.10", "1.9", False),
    ("isEqualCase", "a", "A", False),
    ("isNotEqualCase", "a", "A", True),
    ("isIdenticalIncident", {"a": [1]}, {"a": [1]}, True),
    ("isNotIdenticalIncident", {"a": [1]}, {"a": [2]}, True),
]


@pytest.mark.parametrize(("operator", "left", "right", "passes"), PASSING)
def test_other_filters(operator, left, right, passes):
    """content.md §4.3."""
    assert filters.passes(filters.KNOWN[operator], left, right, Sides()) is passes


def test_case_may_be_ignored():
    assert filters.passes(filters.KNOWN["StringContainsArray"], "ONE", ["one"], Sides(ignore_case=True))


def test_a_relative_date_needs_the_present():
    """content.md §4.3: 6 months ago."""
    found, now = filters.KNOWN["AfterRelativeDate"], Sides(outside=Outside(now=NOW))
    assert filters.passes(found, "2026-10-01T00:00:00Z", "6 months ago", now)
    assert not filters.passes(found, "2026-01-01T00:00:00Z", "6 months ago", now)
    with pytest.raises(OperatorFailed, match="present time"):
        filters.passes(found, "2026-01-01T00:00:00Z", "6 months ago", Sides())


@pytest.mark.parametrize(
    ("operator", "left", "right"),
    [("VersionEqualTo", "1.x", "1"), ("GreaterCidrNumAddresses", "x", "1"), ("IsInCidrRanges", "x", "10.0.0.0/8")],
)
def test_filters_refuse_what_they_cannot_read(operator, left, right):
    with pytest.raises(FAILURES):
        filters.passes(filters.KNOWN[operator], left, right, Sides())


DATES = [
    "Mon Jan  2 15:04:05 2006",
    "Mon Jan  2 15:04:05 MST 2006",
    "Mon Jan 02 15:04:05 -0700 2006",
    "02 Jan 06 15:04 MST",
    "02 Jan 06 15:04 -0700",
    "Monday, 02-Jan-06 15:04:05 MST",
    "Mon, 02 Jan 2006 15:04:05 MST",
    "Mon, 02 Jan 2006 15:04:05 -0700",
    "2006-01-02T15:04:05Z",
    "2006-01-02T15:04:05.999999999Z",
    "2006-01-02 15:04:05",
]


@pytest.mark.parametrize("text", DATES)
def test_dates_are_compared_in_every_documented_form(text):
    """content.md §4.3: ANSI C, Unix, Ruby, RFC 822, 850, 1123, 3339, and the common one."""
    assert filters.passes(filters.KNOWN["isAfter"], text, "2006-01-02T15:00:00Z", Sides())
    assert filters.passes(filters.KNOWN["isBefore"], text, "2006-01-03T00:00:00Z", Sides())


def test_all_operators_of_the_survey_are_there():
    """content.md §4.2, §4.3, and the list of built-in ones. What is the business of one product's pack is run from it."""
    built_in = (
        "toUpperCase toLowerCase substringFrom substringTo substring split splitAndTrim trim replace replaceMatch concat strLength "
        "round floor ceil addition subtraction multiply division modulo toPercent abs precision quadraticEquation toString toUnix "
        "getField sort count atIndex join uniq indexOf slice sliceByItem splice Stringify append"
    )
    scripts = (
        "TimeStampToDate ConvertKeysToTableFieldFormat DateStringToISOFormat MapValuesTransformer StripChars ParseJSON If-Then-Else "
        "FormattedDateToEpoch SetIfEmpty DT JsonToTable RegexGroups FirstArrayElement ConvertAllExcept ConvertToSingleElementArray "
        "RegexExtractAll ExtFilter jmespath WhereFieldEquals LastArrayElement Cut ProductJoin GetFirstObject GetValuesOfMultipleFields "
        "ReverseList SumList ModifyDateTime StringToArray IPv4Whitelist IPv4Blacklist ReplaceMatchGroup ExtractEmailTransformer "
        "JoinListsOfDicts ListGroupBy DateToTimeStamp URLEncode URLDecode AppendIfNotEmpty StringifyArray MergeDictArray RemoveEmpty"
    )
    tests = (
        "isEqualString isNotEmpty isEqual startWith containsGeneral isAfter match stringHasLength isExists containsString isEmpty "
        "isNotEqualString greaterThanOrEqual inList isEqualNumber notContainsGeneral isTrue in hasLength isNotExists "
        "notContainsString greaterThan lessThanOrEqual notIn isFalse lessThan endWith StringContainsArray isNotEqualNumber InRange "
        "notInList notStartWith IsInCidrRanges IsNotInCidrRanges notEndWith GreaterCidrNumAddresses LowerCidrNumAddresses isSame "
        "isBefore IsRFC1918Address isEqualCase isNotEqualCase contains notContains isNotEqual isIdenticalIncident "
        "isNotIdenticalIncident AfterRelativeDate VersionEqualTo VersionGreaterThan VersionLessThan"
    )
    assert {*built_in.split(), *scripts.split()} <= transformers.KNOWN.keys()
    assert set(tests.split()) <= filters.KNOWN.keys()
