"""Single operators and the tiny expression language (content.md §4.2, §4.3, §7.3)."""

import time

import pytest

from casemirror.mapping import filters, patterns, script, transformers
from casemirror.mapping.operators import Arguments, Sides
from casemirror.mapping.value import FAILURES, NOTHING, OperatorFailed

TRANSFORMED = [
    ("toLowerCase", "AB", {}, "ab"),
    ("trim", "  x ", {}, "x"),
    ("strLength", "abc", {}, 3),
    ("substringFrom", "abc", {"from": "z"}, "abc"),
    ("substringTo", "abc", {"to": "z"}, "abc"),
    ("substring", "abcdef", {"from": "1", "to": "3"}, "bc"),
    ("split", "a,b", {}, ["a", "b"]),
    ("split", ["a.b", "c"], {"delimiter": "."}, ["a", "b", "c"]),
    ("splitAndTrim", "a , b", {}, ["a", "b"]),
    ("concat", {"a": 1}, {"prefix": "="}, '={"a":1}'),
    ("concat", True, {"suffix": "!"}, "true!"),
    ("Stringify", {"a": [1, None]}, {}, '{"a":[1,null]}'),
    ("Stringify", "text", {}, "text"),
    ("replaceMatch", "a1b2", {"regex": r"\d"}, "ab"),
    ("replaceMatch", "ab", {"regex": "(a)(?P<n>b)", "replaceWith": "${n}$1$$$9"}, "ba$"),
    ("addition", "2", {"by": "0.5"}, 2.5),
    ("addition", "1.5", {"by": "0.5"}, 2),
    ("subtraction", 5, {"by": "7"}, -2),
    ("multiply", 2, {"by": "20"}, 40),
    ("division", 5, {"by": "2"}, 2.5),
    ("modulo", 7, {"by": "4"}, 3),
    ("floor", "2.7", {}, 2),
    ("ceil", 2.1, {}, 3),
    ("round", 2.5, {}, 3),
    ("round", -2.5, {}, -3),
    ("abs", -4, {}, 4),
    ("toUnix", "1970-01-01T00:01:00Z", {}, 60),
    ("uniq", [1, 1.0, "1", {"a": 1}, {"a": 1}, True], {}, [1, "1", {"a": 1}, True]),
    ("count", None, {}, 0),
    ("join", [1, "b", None], {}, "1,b,"),
    ("atIndex", ["a"], {"index": "3"}, NOTHING),
    ("indexOf", ["a", "b"], {"item": "b"}, 1),
    ("slice", [1, 2, 3], {"from": "1", "to": "2"}, [2]),
    ("splice", [1, 2, 3], {"index": "1", "deleteCount": "1", "item": ["x", "y"]}, [1, "x", "y", 3]),
    ("sort", [3, 1, 2], {"descending": "true"}, [3, 2, 1]),
    ("sort", ["b", 10, "a"], {}, [10, "a", "b"]),
    ("append", ["a"], {"item": "b"}, ["a", "b"]),
    ("general.getField", [{"a": {"b": 1}}, {"x": 1}], {"field": "a.b"}, [1]),
    ("MapValuesTransformer", "true", {"input_values": "true,false", "mapped_values": "yes,no"}, "yes"),
    ("MapValuesTransformer", {"s": 1, "t": "x"}, {"input_values": "s: 1,t:x", "mapped_values": "one,ex"}, '{"s": "one", "t": "ex"}'),
    ("MapValuesTransformer", "1 - High", {"input_values": "1 - High", "mapped_values": "1"}, "1"),
    ("DateStringToISOFormat", "no date at all", {}, "no date at all"),
    ("DateStringToISOFormat", "2022-05-01 10:00", {"dayfirst": "false", "add_utc_timezone": "true"}, "2022-05-01T10:00:00+00:00"),
    ("FormattedDateToEpoch", "01/02/1970", {"formatter": "%d/%m/%Y"}, 31 * 86400),
    ("FormattedDateToEpoch", "Thu, 01 Jan 1970 00:00:10 GMT", {}, 10),
    ("TimeStampToDate", "1525006939 and more", {}, "2018-04-29T13:02:19.000Z"),
    ("TimeStampToDate", 1525006939123, {}, "2018-04-29T13:02:19.123Z"),
    ("SetIfEmpty", ["none"], {"defaultValue": "d"}, "d"),
    ("SetIfEmpty", "", {"defaultValue": "d", "applyIfEmpty": "false"}, ""),
    ("SetIfEmpty", "x", {"defaultValue": "d"}, "x"),
    ("FirstArrayElement", ["a", "b"], {}, "a"),
    ("FirstArrayElement", "a", {}, "a"),
    ("LastArrayElement", ["a", "b"], {}, "b"),
    ("ConvertToSingleElementArray", "a", {}, ["a"]),
    ("ConvertAllExcept", "b", {"except": "a, b", "convertTo": "other"}, "b"),
    ("ConvertAllExcept", "c", {"except": "a,b", "convertTo": "other"}, "other"),
    ("StripChars", "~!x!~", {"chars": "!~"}, "x"),
    ("URLEncode", "a b/ü", {}, "a%20b/%C3%BC"),
    ("URLDecode", "a%20b", {}, "a b"),
    ("ReverseList", [1, 2], {}, [2, 1]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "arguments", "result"), TRANSFORMED, ids=lambda v: str(v)[:30])
def test_transformer(name, value, arguments, result):
    """content.md §4.2."""
    found = transformers.apply(transformers.find(name), value, Arguments(arguments))
    assert found == result


FAILING = [
    ("toUpperCase", {"a": 1}, {}),
    ("addition", "x", {"by": "1"}),
    ("addition", 1, {}),
    ("division", 1, {"by": "0"}),
    ("multiply", "1e200", {"by": "1e200"}),
    ("addition", "nan", {"by": "1"}),
    ("replaceMatch", "a", {"regex": "(["}),
    ("TimeStampToDate", "soon", {}),
    ("TimeStampToDate", "9" * 18, {}),
    ("FormattedDateToEpoch", "", {}),
    ("FormattedDateToEpoch", "10:00", {}),
    ("FormattedDateToEpoch", "2 days ago", {}),
    ("MapValuesTransformer", "a", {"input_values": "a,b", "mapped_values": "x"}),
    ("ParseJSON", "{", {}),
    ("ParseJSON", "NaN", {}),
    ("ConvertKeysToTableFieldFormat", "text", {}),
    ("DT", "x", {"dt": ".=process.exit()"}),
]


@pytest.mark.parametrize(("name", "value", "arguments"), FAILING, ids=lambda v: str(v)[:30])
def test_a_transformer_fails_on_what_it_cannot_cast(name, value, arguments):
    """content.md §4.2, casting: the caller drops the field."""
    with pytest.raises(FAILURES):
        transformers.apply(transformers.find(name), value, Arguments(arguments))


PASSING = [
    ("isEqual", 2, "2.0", True),
    ("isEqual", "a", "a", True),
    ("isEqualNumber", "2", 2, True),
    ("isNotEqualString", ["a", "b"], "b", False),
    ("isNotEqualString", None, "b", True),
    ("isEqualString", None, "", False),
    ("general.isNotEmpty", [None, ""], None, False),
    ("isEmpty", {}, None, True),
    ("isEmpty", 0, None, False),
    ("isExists", "", None, True),
    ("isNotExists", None, None, True),
    ("endWith", "abc", "bc", True),
    ("notStartWith", "abc", "b", True),
    ("containsString", "abc", "b", True),
    ("containsGeneral", ["abc", 5], "5", True),
    ("containsGeneral", ["abc"], "b", True),
    ("notContainsGeneral", None, "b", True),
    ("hasLength", [1, 2], "2", True),
    ("inList", "b", "a, b", True),
    ("notIn", "c", ["a", "b"], True),
    ("greaterThan", "10", "9", True),
    ("lessThanOrEqual", 9, "9", True),
    ("isTrue", "True", None, True),
    ("isFalse", False, None, True),
    ("isBefore", "2022-01-01", "2022-01-01T00:00:01Z", True),
    ("isSame", "2022-01-01T01:00:00+01:00", "Sat, 01 Jan 2022 00:00:00 GMT", True),
    ("isAfter", 1700000000, "2022-01-01", True),
]


@pytest.mark.parametrize(("name", "left", "right", "result"), PASSING)
def test_filter(name, left, right, result):
    """content.md §4.3."""
    assert filters.passes(filters.find(name), left, right, Sides()) is result


def test_every_built_in_filter_of_the_contract_but_identity_is_there():
    """content.md §4.3."""
    survey = """isEqualString isNotEmpty isEqual startWith containsGeneral isAfter match stringHasLength isExists containsString
    isEmpty isNotEqualString greaterThanOrEqual inList isEqualNumber notContainsGeneral isTrue in hasLength isNotExists
    notContainsString greaterThan lessThanOrEqual notIn isFalse lessThan endWith isNotEqualNumber notInList notStartWith
    notEndWith isSame isBefore"""
    assert set(survey.split()) <= filters.KNOWN.keys()


def test_a_pattern_that_never_ends_is_stopped(monkeypatch):
    """Users' patterns cannot hold a lane."""
    monkeypatch.setattr(patterns, "TIMEOUT_S", 0.05)
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        patterns.found_in(r"(?:a|aa)+$", "a" * 60 + "c")
    assert time.monotonic() - began < 5


SCRIPTS = [
    ("1 + 2 * 3", None, 7),
    ("(1 + 2) * 3", None, 9),
    ("'a' + 1", None, "a1"),
    ("val.a.b", {"a": {"b": 4}}, 4),
    ("val['a']", {"a": 4}, 4),
    ("val.gone", {}, NOTHING),
    ("val.length", "abc", 3),
    ("val.split('/')[1]", "a/b", "b"),
    ("val[0]", ["x"], "x"),
    ("val.substr(1, 2)", "abcd", "bc"),
    ("!val", "", True),
    ("val || 'none'", "", "none"),
    ("val == null ? 1 : 2", None, 1),
    ("val === '1'", 1, False),
    ("val == '1'", 1, True),
    ("val !== 'x' && val != 'y'", "z", True),
    ("val === true", True, True),
    ("val === 1", True, False),
    ("val === 1", 1.0, True),
    ("val === val", [1], True),
    ("null === undefined", 1, False),
    ("'b' > 'a'", None, True),
    ("'x' < 1", None, False),
    ("-val", 3, -3),
    ("val.toUpperCase().indexOf('B') > -1", "abc", True),
    ("[val, 'a'].join('-')", "x", "x-a"),
    ("'\\u0041\\n\\''", None, "A\n'"),
    ("7 % 4", None, 3),
    ("val;", 1, 1),
]


@pytest.mark.parametrize(("text", "val", "result"), SCRIPTS)
def test_script(text, val, result):
    """content.md §7.3."""
    found = script.evaluate(text, val)
    assert found == result
    assert type(found) is type(result)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "val.",
        "val.constructor('x')",
        "alert(1)",
        "a = 1",
        "function(){}",
        "(" * 100,
        "!" * 1000,
        "val.x.y",
        "1 / 0",
        "'a",
        "val,val",
    ],
)
def test_the_small_evaluator_refuses_what_it_does_not_know(text):
    """content.md §7.3: then the engine is asked."""
    with pytest.raises((OperatorFailed, ZeroDivisionError)):
        script.compile_script(text)({})
