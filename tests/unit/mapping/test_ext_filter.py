"""`ExtFilter`: what its operators let pass and what they make of values.   content.md §4.2 row 43."""

import json
from datetime import UTC, datetime

import pytest

from casemirror.mapping import transformers
from casemirror.mapping.operators import Arguments
from casemirror.mapping.outside import Outside
from casemirror.mapping.transformers import ext_filter_language as language
from casemirror.mapping.value import NOTHING, OperatorFailed

NOW = datetime(2026, 11, 24, tzinfo=UTC)
FILES = [
    {"name": "a.exe", "size": 10, "tags": ["bad", "new"], "hash": {"md5": "A1"}},
    {"name": "b.txt", "size": 2, "tags": [], "hash": {"md5": "b2"}},
    {"name": "c.EXE", "size": "30"},
]


def run(value, operation, filter_="", **args):
    given = {"operation": operation, "filter": filter_ if isinstance(filter_, str) else json.dumps(filter_), **args}
    outside = Outside(now=NOW)
    return transformers.apply(transformers.KNOWN["ExtFilter"], value, Arguments(given, value, outside))


# what passes: value, operation, filter, what is left of the value (None: it does not pass)
TESTED = [
    ("", "is", "empty", ""),
    ("x", "is", "empty", None),
    ([], "is", "empty", []),
    ("x", "isn't", "empty", "x"),
    ([1, "a", None], "is", "string", ["a"]),
    ([1, "2", True, "x"], "is", "integer", [1]),
    ([1, "2", "x"], "is", "integer string", ["2"]),
    ([1, "2", "x", None], "is", "any integer", [1, "2"]),
    ([None, 1], "is", "null", [None]),
    ("x", "is", "existing key", "x"),
    ("x", "isn't", "existing key", None),
    ([1, 1.0, "1"], "===", "1", [1, 1.0]),
    ([1, "1"], "!==", "1", ["1"]),
    ([1, "1", "x", None, True], "==", "1", [1, "1", True]),
    (["true", True, None], "equals", "true", ["true", True]),
    ([None, 1], "equals", "null", [None]),
    ([1, 2], "!=", "1", [2]),
    ([1, 2], "doesn't equal", "2", [1]),
    ([1, "5", "x", None], ">=", "5", ["5"]),
    ([4, 5, 6], ">", "5", [6]),
    ([4, 5, 6], "<=", "5", [4, 5]),
    ([4, 5, 6], "less than", "5", [4]),
    ([4, 5, 6], "<", '"x"', []),
    ([1, 5, 9], "in range", "2,8", [5]),
    (["abc", "xbc", 1], "starts with", "a", ["abc"]),
    (["abc", "xbc"], "doesn't start with caseless", "A", ["xbc"]),
    (["abc", "abx"], "ends with caseless", "BC", ["abc"]),
    (["abc", "abx"], "includes", "bx", ["abx"]),
    (["abc", "abx"], "doesn't include", "bx", ["abc"]),
    (["abc", "abx"], "finds", "bx", ["abc", "abx"]),
    (["abc", "abx"], "doesn't find", "bx", None),
    (["abc", "ABC"], "matches", "abc", ["abc"]),
    (["abc", "ABC"], "matches caseless", "abc", ["abc", "ABC"]),
    (["abc", "abd", "x"], "wildcard: matches", "ab?", ["abc", "abd"]),
    (["abc", "x"], "wildcard: doesn't match", "a*", ["x"]),
    (["abc", "ABD", "x"], "regex: matches caseless", "ab.", ["abc", "ABD"]),
    (["abc", "xabc"], "regex: matches", "a.c", ["abc"]),
    (["a", "b", "c"], "matches any line of", "a\nc", ["a", "c"]),
    (["a", "b"], "matches any line of", '["b"]', ["b"]),
    (["a", "B"], "matches any caseless string of", ["b"], ["B"]),
    (["a", "b"], "contains", "b", ["a", "b"]),
    (["a", "b"], "doesn't contain", "b", None),
    ("abc", "regex: contains any line of", "x\n.*c", "abc"),
    ([1, "a", [2]], "in", [1, [2]], [1, [2]]),
    ([1, "a"], "not in", [1], ["a"]),
    (["A", 1], "in caseless", ["a"], ["A"]),
    (["a", "b", "c"], "in list", "a, c", ["a", "c"]),
    (["a", "B"], "not in caseless list", "b", ["a"]),
    (["a", "b"], "in list", '["a"]', []),
]


@pytest.mark.parametrize(("value", "operation", "filter_", "left"), TESTED)
def test_what_passes(value, operation, filter_, left):
    """The documented tests: of a list those elements are left that pass, `contains` and `finds` look at all of it."""
    assert run(value, operation, filter_) == left


MADE = [
    ({"a": 1}, "json: encode", {"indent": 1}, '{\n "a": 1\n}'),
    ([{"a": 1}, 2], "json: encode", "", ['{"a": 1}', "2"]),
    ([1, 2], "json: encode array", "", "[1, 2]"),
    ('{"a": [1]}', "json: decode", "", {"a": [1]}),
    ("ä", "base64: encode", "", "w6Q="),
    ("w6Q=", "base64: decode", "", "ä"),
    ("abc", "digest", {"algorithm": "md5"}, "900150983cd24fb0d6963f7d28e17f72"),
    ("=?utf-8?q?caf=C3=A9?=", "email-header: decode", "", "café"),
    ("user=ann", "regex: replace", {"pattern": r"user=(\w+)", "matched": r"<\1>"}, "<ann>"),
    ("USER", "regex: replace", {"pattern": "(?P<n>user)", "matched": r"\g<n>$\\\n\t", "caseless": True}, "USER$\\\n\t"),
    ("a\nb", "regex: replace", {"pattern": "(a).(b)", "matched": {"x": [r"\2", 1]}, "dotall": "true"}, {"x": ["b", 1]}),
    ("x", "regex: replace", {"pattern": "a", "matched": "y", "unmatched": None}, None),
    (1, "regex: replace", {"pattern": "1", "matched": "y"}, 1),
    ("x", "is replaced with", [1], [1]),
    ({"a": 1, "b": 1}, "is updated with", {"b": 2}, {"a": 1, "b": 2}),
    ("x", "is updated with", "y", "y"),
    ([1], "appends", [2, 3], [1, 2, 3]),
    ([{"a": 1, "b": 2}, 3], "collects values", "", [1, 2, 3]),
    ([{"a": 1}, {"b": 2}, 3], "collects keys", "", ["a", "b"]),
    ({"a": [1, {"b": 2}]}, "flattens with values", "", [1, 2]),
    ({"a": [1, {"b": 2}]}, "flattens with keys", "", ["a", "b"]),
    ([{"a": 1, "b": 2}, 3], "keeps", ["a"], [{"a": 1}, 3]),
    ({"a": 1, "b": 2}, "doesn't keep", '"a"', {"b": 2}),
]


@pytest.mark.parametrize(("value", "operation", "filter_", "made"), MADE)
def test_what_is_made(value, operation, filter_, made):
    """The documented changes."""
    assert run(value, operation, filter_) == made


NESTED = [
    # conditions: paths with the expressions that hold there
    (FILES, "is filtered with", {"name": {"ends with caseless": ".exe"}, "size": {">": 15}}, [FILES[2]]),
    (FILES, "matches conditions of", {"hash.md5": {"matches caseless": "a1"}}, [FILES[0]]),
    (FILES, "is filtered with", {"gone": {"isn't": "existing key"}, "size": {"<": 5}}, [FILES[1]]),
    (FILES, "is filtered with", [{"size": {"<": 5}}, "or", {"size": {">": 15}}], [FILES[1], FILES[2]]),
    (FILES, "is filtered with", ["not", {"size": {"<": 20}}], [FILES[2]]),
    (FILES[0], "is filtered with", {"size": {">": 50}}, None),
    # expressions, one behind the other
    (["a", "b", "c"], "matches expressions of", [{"matches": "a"}, "or", {"matches": "c"}], ["a", "c"]),
    (["ab", "b", "ac"], "matches expressions of", {"starts with": "a", "ends with": "c"}, ["ac"]),
    (["a", "b"], "matches expressions of", [{"contains": "a"}, "and", {"contains": "b"}], ["a", "b"]),
    (["a", "b"], "matches expressions of", [{"contains": "x"}, "or", {"contains": "b"}], ["a", "b"]),
    (["a"], "matches expressions of", [], ["a"]),
    ({"x": 1, "y": "z"}, "value matches expressions of", {"is": "integer"}, {"x": 1}),
    ([1, "z"], "value matches expressions of", {"is": "integer"}, [1]),
    ({"f": FILES[0], "g": FILES[1]}, "value matches conditions of", {"size": {">": 5}}, {"f": FILES[0]}),
    ([["a", "b"], ["c"]], "value is filtered with", {"contains": "a"}, [["a", "b"]]),
    # transformations
    (["a", "b"], "is transformed with", [{"matches": "a"}, {"json: encode": ""}], ['"a"']),
    (["a", "b"], "is transformed with", {"is replaced with": "x"}, ["x"]),
    ("a", "is transformed with", {"appends": ["b"]}, ["a", "b"]),
    (["a", "b"], "is individually transformed with", {"is replaced with": "x"}, ["x", "x"]),
    (["a", "b"], "is collectively transformed with", [{"json: encode": ""}, {"base64: encode": ""}], "WyJhIiwgImIiXQ=="),
    (["a", "b"], "is collectively transformed with", [{"contains": "x"}, {"json: encode": ""}], None),
    # choices
    (["a", "b"], "if-then-else", {"if": {"matches": "a"}, "then": {"is replaced with": 1}, "else": {"is replaced with": 2}}, [1, 2]),
    ("a", "if-then-else", {"lhs": "${.x}", "if": {"is": "null"}, "then": {"is replaced with": "none"}}, "none"),
    ("a", "if-then-else", {"then": {"is replaced with": 1}}, 1),
    ("b", "if-then-else", {"if": {"matches": "a"}, "then": {"is replaced with": 1}}, "b"),
    ("b", "switch-case", {"switch": {"first": {"matches": "a"}, "second": {"matches": "b"}}, "second": {"is replaced with": 2}}, 2),
    ("c", "switch-case", {"switch": {"first": {"matches": "a"}}, "default": {"is replaced with": "other"}}, "other"),
    ("c", "switch-case", {}, "c"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "operation", "filter_", "made"), NESTED)
def test_filters_within_filters(value, operation, filter_, made):
    """The documented syntax of conditions and expressions."""
    assert run(value, operation, filter_) == made


PATHS = [
    (FILES, "size", ">", "5", [FILES[0], FILES[2]]),
    (FILES, "hash.md5", "matches", "A1", [FILES[0]]),
    ({"a": {"b": "x"}}, "a.b", "is replaced with", "y", {"a": {"b": "y"}}),
    ({"a": 1}, "b.c", "is replaced with", "new", {"a": 1, "b": {"c": "new"}}),
    ({"a": 1}, "a.c", "is replaced with", "new", None),
    ({"a": 1}, "b", "isn't", "existing key", {"a": 1}),
    ([{"k": 1}, {"k": 2}], "k", "value is filtered with", {">": 1}, [{"k": 2}]),
]


@pytest.mark.parametrize(("value", "path", "operation", "filter_", "made"), PATHS)
def test_a_path_leads_to_what_is_filtered(value, path, operation, filter_, made):
    """What lies on the way is kept, in a copy."""
    before = json.dumps(value)
    assert run(value, operation, filter_, path=path) == made
    assert json.dumps(value) == before


REFERENCES = [
    ("x", "is replaced with", '"${local}"', {}, "x"),
    ({"k": "v"}, "is replaced with", '"${.k}"', {}, "v"),
    ({"k": "v"}, "is replaced with", '"<${..k}> ${..=val.k}"', {}, "<v> v"),
    ("x", "is replaced with", '"${..}"', {}, "x"),
    ("x", "is replaced with", '"${inputs.a}"', {"ctx_inputs": '{"a": [1]}'}, [1]),
    ("x", "is replaced with", '"${File.Name}"', {"ctx_demisto": {"File": {"Name": "f"}}}, "f"),
    ("x", "is replaced with", '{"${incident.id}": ["${list.l}"]}', {"ctx_incident": {"id": 7}, "ctx_lists": {"l": "L"}}, {"7": ["L"]}),
    ("x", "is replaced with", '"${incident.created=new Date(0).getTime()}"', {"ctx_incident": {"created": 1}}, 0),
]  # fmt: skip


@pytest.mark.parametrize(("value", "operation", "filter_", "contexts", "made"), REFERENCES)
def test_references_are_replaced(value, operation, filter_, contexts, made):
    """The value at hand, the whole, and the contexts that are given."""
    assert run(value, operation, filter_, **contexts) == made


def test_a_filter_may_be_a_reference():
    """Then it is read where it leads."""
    contexts = {"ctx_inputs": {"f": '{"matches": "a"}', "o": {"matches": "b"}}}
    assert run(["a", "b"], "matches expressions of", "${inputs.f}", **contexts) == ["a"]
    assert run(["a", "b"], "matches expressions of", "${inputs.o}", **contexts) == ["b"]


def test_the_older_argument_name_is_taken_and_nothing_stays_nothing():
    given = Arguments({"operator": "is", "filter": "string"})
    assert transformers.apply(transformers.KNOWN["ExtFilter"], "x", given) == "x"
    assert run(NOTHING, "is", "null") is None


BROKEN = [
    ("x", "resembles", "", "unknown operator"),
    ("x", "is", "nice", "known: empty"),
    ("x", "in range", "1", "min,max"),
    ("x", "matches any string of", "[1]", "list of texts"),
    ("x", "keeps", "[1]", "list of keys"),
    ("x", "json: decode", "", "no JSON"),
    ("NaN", "json: decode", "", "no JSON"),
    ("x", "json: encode", '{"indent": 99}', "may be 0 to 20"),
    ("x", "json: encode", "[1]", "object of parameters"),
    ("?", "base64: decode", "", "no Base64"),
    ("x", "digest", '{"algorithm": "nope"}', "no hash algorithm"),
    ("=?nope?q?x?=", "email-header: decode", "", "no mail header"),
    ("x", "regex: replace", "{}", "lacks 'pattern'"),
    ("x", "abort", "", 'aborted with "x"'),
    ("x", "is filtered with", "5", "an object or a list"),
    ("x", "is filtered with", "{broken", "no JSON"),
    ("x", "is replaced with", "{broken", "no JSON"),
    ("x", "matches expressions of", '["not"]', "ends with 'not'"),
    ("x", "matches expressions of", '[{"is": "string"}, "and"]', "ends with 'and'"),
    ("x", "is collectively transformed with", '["x"]', "no transformer"),
    ("x", "is replaced with", '"${inputs.a}"', "argument 'ctx_inputs' is missing"),
    ("x", "is replaced with", '"${File}"', "argument 'ctx_demisto' is missing"),
    ("x", "is filtered with", '{"a.[0]": {"is": "string"}}', "has an index"),
    ("a" * 60 + "c", "regex: matches", "(?:a|aa)+$", "takes too long"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "operation", "filter_", "reason"), BROKEN)
def test_what_cannot_be_done_says_why(value, operation, filter_, reason, monkeypatch):
    """With the operator, and the path where there is one."""
    monkeypatch.setattr("casemirror.mapping.patterns.TIMEOUT_S", 0.05)
    with pytest.raises(OperatorFailed, match=r"operator '.*" + reason.replace("(", r"\(")):
        run(value, operation, filter_)
    with pytest.raises(OperatorFailed, match="at 'k'"):
        run({"k": 1}, "resembles", "", path="k")


def test_filters_are_bounded(monkeypatch):
    """Steps, levels and sizes."""
    deep = {"is": "string"}
    for _ in range(40):
        deep = {"is individually transformed with": deep}
    with pytest.raises(OperatorFailed, match="levels"):
        run("x", "matches expressions of", deep)
    monkeypatch.setattr(language, "LARGEST", 50)
    with pytest.raises(OperatorFailed, match="characters"):
        run("x", "is replaced with", "x" * 100)
    with pytest.raises(OperatorFailed, match="characters"):
        run(["x"], "appends", ["y" * 30], ctx_inputs={})
        run(["x" * 40], "appends", ["y" * 30])
