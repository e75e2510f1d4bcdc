"""JavaScript beyond the small evaluator, and the transform language around it (content.md §3.3 (6), §7.3)."""

import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casemirror.mapping import javascript, script, transform_language
from casemirror.mapping.value import NOTHING, OperatorFailed, absent

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
PROGRAMS = [
    ("val.s.split(',').map(x => x.trim())", {"s": "a , b"}, ["a", "b"]),
    ("{name: val.n, parts: [1, 2]}", {"n": "x"}, {"name": "x", "parts": [1, 2]}),
    ("function (v) { return {key: v.n}; }", {"n": "x"}, {"key": "x"}),
    ("var twice = function (x) { return x * 2 }; twice(val)", 21, 42),
    ("if (val > 1) { 'many' } else { 'one' }", 2, "many"),
    ("/(\\d+)/.exec(val)[1]", "INC0012", "0012"),
    ("val.gone", {}, NOTHING),
    ("", {}, NOTHING),
    ("1 / 0", {}, None),
    ("obj === val", {}, True),
    ("new Date('2020-01-02').toISOString()", None, "2020-01-02T00:00:00.000Z"),
    ("'\\ud83d'.length + val.length", "\ud83d", 2),
]


@pytest.mark.parametrize(("text", "val", "result"), PROGRAMS)
def test_the_engine_does_what_the_small_evaluator_cannot(text, val, result):
    """content.md §7.3."""
    assert script.evaluate(text, val) == result


BROKEN = [
    ("val.x.y", "cannot read property"),
    ("syntax error here", "SyntaxError"),
    ("throw 1", "failed: 1"),
    ("throw ''", "failed"),
    ("Math.random()", "not a function"),
    ("new Date().toISOString()", "present time is not known"),
    ("Date.now()", "present time is not known"),
    ("while (true) {}", "longer than 1 s"),
    ("let a = []; while (true) a.push('x'.repeat(1e6))", "out of memory"),
    ("(function f() { return f() })()", "stack overflow"),
    ("require('fs')", "not defined"),
    ("std.open('/etc/passwd')", "not defined"),
    ("'x'.repeat(2000000)", "answer is too long"),
]


@pytest.mark.parametrize(("text", "reason"), BROKEN)
def test_what_goes_wrong_in_an_expression_fails_the_operator(text, reason):
    """content.md §7.3: no file, no network, no random number, bounded time and memory."""
    with pytest.raises(OperatorFailed, match=reason):
        script.evaluate(text, {})


def test_the_present_is_the_one_that_the_caller_knows():
    """A mapping gives the same twice for the same present."""
    assert script.evaluate("new Date().toISOString()", None, NOW) == "2026-11-24T12:00:00.000Z"
    assert script.evaluate("Date.now()", None, NOW) == NOW.timestamp() * 1000


def test_a_value_that_is_too_long_is_refused(monkeypatch):
    monkeypatch.setattr(javascript, "MAX_LENGTH", 10)
    with pytest.raises(OperatorFailed, match="value is too long"):
        javascript.evaluate("val", "x" * 20)


def test_without_the_engine_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "quickjs", None)
    assert script.evaluate("val + 1", 1) == 2
    with pytest.raises(OperatorFailed, match=r"cannot read.*casemirror\[javascript\]"):
        script.evaluate("val => 1", 1)


WORDS = st.sampled_from(
    ["val", "'a'", "1", "2.5", "true", "null", "undefined", "''", "[1, 'b']", "val.a", "val.length"]
)
SIGNS = st.sampled_from(["+", "-", "*", "==", "!=", "===", "!==", "<", ">", "<=", ">=", "&&", "||"])
EXPRESSIONS = st.recursive(
    WORDS,
    lambda inner: (
        st.builds("({} {} {})".format, inner, SIGNS, inner)
        | st.builds("({} ? {} : {})".format, inner, inner, inner)
        | st.builds("!{}".format, inner)
        | st.builds("('' + {}).toUpperCase()".format, inner)
        | st.builds("'xaby'.indexOf({})".format, inner)
        | st.builds("[{}, {}]".format, inner, inner)
    ),
    max_leaves=6,
)
VALUES = st.sampled_from([None, "", "ab", "12", 0, 1, 2.5, True, False, {"a": "x"}, {"a": 3}, [], ["b", 1], {}])


@settings(max_examples=300, deadline=None)
@given(text=EXPRESSIONS, val=VALUES)
def test_the_small_evaluator_agrees_with_the_engine(text, val):
    """Whatever the small evaluator answers, JavaScript answers too (null and undefined are both no value)."""
    try:
        small = script.compile_script(text)(val)
    except (OperatorFailed, ArithmeticError):
        return
    real = javascript.evaluate(text, val)
    assert _plain(small) == _plain(real)
    assert isinstance(small, bool) == isinstance(real, bool)


def _plain(value):
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return None if absent(value) else value


FILES = {"File": [{"Name": "a", "Size": 20}, {"Name": "b)", "Size": 5}, {"Name": "c", "Size": 30}], "n": "x"}
TRANSFORMED = [
    ("n", "x"),
    (".", FILES),
    ("gone", NOTHING),
    ("gone=val", NOTHING),
    (".=val.n", "x"),
    ("n=val + '='", "x="),
    ("File.[0].Name", "a"),
    ("File(val.Size > 10).Name", ["a", "c"]),
    ("File(val.Name == 'b)').Size", 5),
    ("File(val.Size > 100).Name", NOTHING),
    ("File(val.Size > 100).Name=val", NOTHING),
    ("File.Name=val.toUpperCase()", ["A", "B)", "C"]),
    ("File(val.Name.match(/[ac]/)).Size=val * 2", [40, 60]),
    ("File(val.Size > (5 + 5)).Size=[val, 1]", [20, 1, 30, 1]),
    ("File(val.Size < 10)", {"Name": "b)", "Size": 5}),
    (r"a\.b", NOTHING),
]


@pytest.mark.parametrize(("text", "result"), TRANSFORMED)
def test_the_transform_language(text, result):
    """content.md §3.3 (6): conditions and changes, `val` bound to each value."""
    assert transform_language.evaluate(text, FILES) == result


@pytest.mark.parametrize(("text", "reason"), [("", "empty"), ("  ", "empty"), ("File(val", "closing bracket")])
def test_the_transform_language_refuses_what_it_cannot_read(text, reason):
    with pytest.raises(OperatorFailed, match=reason):
        transform_language.evaluate(text, FILES)
