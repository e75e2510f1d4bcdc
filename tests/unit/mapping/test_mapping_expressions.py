"""Value expressions: paths, literals, complex values, filters and transformers (MAP-001…063)."""

import copy

import pytest

from casemirror.mapping.compiling import compile_expression
from casemirror.mapping.expressions import StepFailed, produce
from casemirror.mapping.value import NOTHING


def value_of(expression, source):
    """Evaluate; no value is None, and the source stays as it was."""
    before = copy.deepcopy(source)
    found = produce(compile_expression(expression), source)
    assert source == before
    return None if found is NOTHING else found


def simple(path):
    return {"simple": path}


def args(**texts):
    """Literal arguments of a transformer; None is an argument that was left empty."""
    return {name: None if text is None else {"value": {"simple": text}} for name, text in texts.items()}


def steps(root, *transformers, accessor=""):
    """A complex value with transformers, each a name or (name, arguments)."""
    pairs = [t if isinstance(t, tuple) else (t, {}) for t in transformers]
    return {
        "complex": {"root": root, "accessor": accessor, "transformers": [{"operator": n, "args": a} for n, a in pairs]}
    }


def condition(operator, left, right=None, **more):
    side = None if right is None else {"value": {"simple": right}}
    return {"operator": operator, "left": {"isContext": True, "value": {"simple": left}}, "right": side, **more}


def selected(root, *groups, accessor=""):
    return {"complex": {"root": root, "accessor": accessor, "filters": [list(g) for g in groups]}}


PATHS = {
    "MAP-001 bare key, type kept": (simple("status"), {"status": "open", "n": 4}, "open"),
    "MAP-001 number": (simple("n"), {"status": "open", "n": 4}, 4),
    "MAP-002 dots descend": (simple("fields.priority.name"), {"fields": {"priority": {"name": "High"}}}, "High"),
    "MAP-003 missing is no error": (simple("fields.owner.mail"), {"fields": {"owner": None}}, None),
    "MAP-003 scalar in the way": (simple("a.b.c"), {"a": "text"}, None),
    "MAP-004 odd characters": (simple("hdr.Reply-To @x/y z"), {"hdr": {"Reply-To @x/y z": 1, "reply-to @x/y z": 2}}, 1),
    "MAP-004 no dotted fallback": (simple("a.b"), {"a.b": 1}, None),
    "MAP-005 escaped dot": (simple("ext:1\\.0.dept"), {"ext:1.0": {"dept": "SOC"}}, "SOC"),
    "MAP-006 projection": (simple("alerts.host"), {"alerts": [{"host": "a"}, {"x": 1}, {"host": "b"}]}, ["a", "b"]),
    "MAP-007 nested projection": (
        simple("assets.nics.ip"),
        {"assets": [{"nics": [{"ip": "1"}, {"ip": "2"}]}, {"nics": [{"ip": "3"}]}]},
        ["1", "2", "3"],
    ),
    "MAP-008 one hit is bare": (simple("alerts.host"), {"alerts": [{"host": "a"}]}, "a"),
    "MAP-008 no hit": (simple("alerts.host"), {"alerts": [{"x": 1}]}, None),
    "MAP-009 direct list": (simple("tags"), {"tags": ["one"]}, ["one"]),
    "MAP-010 index": (simple("rules.[1].name"), {"rules": [{"name": "r0"}, {"name": "r1"}]}, "r1"),
    "MAP-010 out of range": (simple("rules.[7].name"), {"rules": [{"name": "r0"}]}, None),
    "MAP-010 index on a projection": (simple("r.n.[1]"), {"r": [{"n": "a"}, {"n": "b"}]}, "b"),
    "MAP-011 accessor opens with an index": (
        {"complex": {"root": "rules", "accessor": "[0].name"}},
        {"rules": [{"name": "r0"}, {"name": "r1"}]},
        "r0",
    ),
    "MAP-011 no dot": (simple("rules[1].name"), {"rules": [{"name": "r0"}, {"name": "r1"}]}, "r1"),
    "MAP-012 range": (simple("v.[0:1]"), {"v": [10, 11, 12]}, [10, 11]),
    "MAP-013 [0] of a scalar": ({"complex": {"root": "created", "accessor": "[0]"}}, {"created": "2021"}, "2021"),
    "MAP-013 [1] of a scalar": (simple("created[1]"), {"created": "2021"}, None),
    "MAP-014 all": (simple("ip.[]"), {"ip": ["10.0.0.1"]}, ["10.0.0.1"]),
    "MAP-014 all of a scalar": (simple("ip[]"), {"ip": "10.0.0.1"}, ["10.0.0.1"]),
    "MAP-015 whole source": (steps(".", ("getField", args(field="state"))), {"state": "open"}, "open"),
    "MAP-016 blank": ({"complex": {"root": " "}}, {"a": 1}, None),
    "MAP-016 empty": (simple(""), {"": 1}, None),
    "brackets that select nothing are text": (simple("a[x].b"), {"a[x]": {"b": 1}}, 1),
}

LITERALS = {
    "MAP-017 quoted": (simple('"Prisma Cloud"'), {}, "Prisma Cloud"),
    "MAP-018 list": (simple(".=['a','b']"), {}, ["a", "b"]),
    "MAP-018 text": (simple(".='Both'"), {}, "Both"),
    "MAP-018 number": (simple(".=3"), {}, 3),
    "MAP-018 boolean": (simple(".=true"), {}, True),
    "MAP-019 placeholder alone": ({"complex": {"root": "${given}"}}, {"given": ["x", "y"]}, ["x", "y"]),
    "MAP-019 in simple": (simple("${a.b}"), {"a": {"b": 1}}, 1),
    "MAP-019 split over root and accessor": ({"complex": {"root": "${a", "accessor": "b}"}}, {"a": {"b": 1}}, 1),
    "MAP-020 template": (simple("${a} - ${b}!"), {"a": "cam", "b": None}, "cam - !"),
    "MAP-021 placeholder in an argument": (
        steps("given", ("concat", args(prefix=None, suffix=" ${sur}"))),
        {"given": "Ada", "sur": "L"},
        "Ada L",
    ),
}

COMPLEX = {
    "MAP-022 root and accessor": ({"complex": {"root": "a", "accessor": "b.c"}}, {"a": {"b": {"c": 7}}}, 7),
    "MAP-023 null parts": (
        {"complex": {"root": "x", "accessor": None, "filters": None, "transformers": None}},
        {"x": 1},
        1,
    ),
    "MAP-024 complex wins": ({"simple": "b", "complex": {"root": "a"}}, {"a": 1, "b": 2}, 1),
    "MAP-025 nothing mapped": ({"complex": None, "simple": ""}, {"a": 1}, None),
}

FILTERS = {
    "MAP-026 select, then access": (
        selected("headers", [condition("isEqualString", "headers.name", "Return-Path")], accessor="value"),
        {"headers": [{"name": "To", "value": "t"}, {"name": "Return-Path", "value": "r"}]},
        "r",
    ),
    "MAP-027 left path is relative": (
        selected("ev", [condition("isEqualString", "ev.src.zone", "dmz")], accessor="id"),
        {"ev": [{"id": 1, "src": {"zone": "dmz"}}, {"id": 2, "src": {"zone": "lan"}}, {"id": 3, "src": {"zone": "dmz"}}]},
        [1, 3],
    ),
    "MAP-028 the element itself": (selected("dest_ip", [condition("isNotEmpty", "dest_ip")]), {"dest_ip": ""}, None),
    "MAP-029 scalar root": (selected("subject", [condition("startWith", "subject", "Alert")]), {"subject": "Alert 7"}, "Alert 7"),
    "MAP-030 inner list is OR": (
        selected("svc", [condition("isEqualString", "svc", "ids"), condition("isEqualString", "svc", "vuln")]),
        {"svc": "vuln"},
        "vuln",
    ),
    "MAP-031 outer list is AND": (
        selected(".", [condition("isEqualString", "state", "open")], [condition("isNotEmpty", "head.sha")], accessor="state"),
        {"state": "open", "head": {"sha": ""}},
        None,
    ),
    "MAP-031 both hold": (
        selected(".", [condition("isEqualString", "state", "open")], [condition("isNotEmpty", "head.sha")], accessor="state"),
        {"state": "open", "head": {"sha": "1"}},
        "open",
    ),
    "MAP-032 category prefix": (
        selected("h", [condition("string.isEqual", "h.n", "x")], accessor="v"),
        {"h": [{"n": "x", "v": 1}, {"n": "y", "v": 2}]},
        1,
    ),
    "MAP-032 number.isEqual": (selected("n", [condition("number.isEqual", "n", "2.0")]), {"n": [1, 2]}, 2),
    "MAP-033 ignoreCase": (selected("k", [condition("isEqualString", "k", "HIGH", ignoreCase=True)]), {"k": "high"}, "high"),
    "MAP-033 case matters": (selected("k", [condition("isEqualString", "k", "HIGH")]), {"k": "high"}, None),
    "MAP-034 any element of a left list": (
        selected("e", [condition("isEqualString", "e.tags", "b")], accessor="id"),
        {"e": [{"id": 1, "tags": ["a", "b"]}, {"id": 2, "tags": ["c"]}]},
        1,
    ),
    "MAP-035 zero time": (
        selected("closed", [condition("isAfter", "closed", "0001-01-01T00:00:00Z")]),
        {"closed": "0001-01-01T00:00:00Z"},
        None,
    ),
    "MAP-035 a time": (
        selected("closed", [condition("isAfter", "closed", "0001-01-01T00:00:00Z")]),
        {"closed": "2022-01-01T00:00:00Z"},
        "2022-01-01T00:00:00Z",
    ),
    "MAP-036 containsGeneral of a text": (
        selected("t", [condition("containsGeneral", "t", "alertcenter")]),
        {"t": "type.alertcenter.v1"},
        "type.alertcenter.v1",
    ),
    "MAP-037 match": (selected("e", [condition("match", "e", "^[A-Z]{3}-\\d+$")]), {"e": ["ABC-12", "abc-1"]}, "ABC-12"),
    "MAP-038 stringHasLength": (selected("h", [condition("stringHasLength", "h", "5")]), {"h": ["abcdef", "short"]}, "short"),
    "a side from the whole source": (
        {"complex": {"root": "e", "accessor": "id", "filters": [[{
            "operator": "isEqualString",
            "left": {"isContext": True, "value": {"simple": "e.zone"}},
            "right": {"isContext": True, "value": {"simple": "home"}},
        }]]}},
        {"home": "b", "e": [{"id": 1, "zone": "a"}, {"id": 2, "zone": "b"}]},
        2,
    ),
}  # fmt: skip

TRANSFORMERS = {
    "MAP-039 in a row": (steps("s", ("division", args(by="50")), ("addition", args(by="2")), "floor"), {"s": 82}, 3),
    "MAP-040 item operator on a list": (steps("h", "toUpperCase"), {"h": ["a", "b"]}, ["A", "B"]),
    "MAP-041 list operator on a scalar": (steps("ev", "count"), {"ev": "x"}, 1),
    "MAP-042 item operator on nothing": (steps("gone", ("concat", args(prefix="ID ", suffix=None))), {}, None),
    "MAP-043 list operator on nothing": (
        steps("gone", ("SetIfEmpty", args(defaultValue="n/a", applyIfEmpty="true"))),
        {},
        "n/a",
    ),
    "MAP-044 arguments not given": (
        steps("id", ("concat", {"prefix": {"value": {"simple": "#"}}, "suffix": {}}), ("trim", None), ("trim", {"x": {"value": None}})),
        {"id": 9},
        "#9",
    ),
    "MAP-045 argument from the source": (
        steps("event_id", ("concat", args(suffix=" - ")), ("concat", {"suffix": {"isContext": True, "value": {"simple": "rule"}}})),
        {"event_id": "E1", "rule": "Brute force"},
        "E1 - Brute force",
    ),
    "MAP-046 replace all": (steps("t", ("replace", args(toReplace="Z", replaceWith=None, limit=None))), {"t": "10:00Z 11:00Z"}, "10:00 11:00"),
    "MAP-046 limit": (steps("t", ("replace", args(toReplace="a", replaceWith="b", limit="1"))), {"t": "aa"}, "ba"),
    "MAP-047 chained replace": (
        steps("s", ("replace", args(toReplace="1", replaceWith="3")), ("replace", args(toReplace="3", replaceWith="1"))),
        {"s": "1"},
        "1",
    ),
    "MAP-048 table": (
        steps("m", ("MapValuesTransformer", args(input_values="0,0.5,1,2", mapped_values="I,I,L,M"))),
        {"m": 0.5},
        "I",
    ),
    "MAP-048 no hit": (steps("m", ("MapValuesTransformer", args(input_values="0", mapped_values="I"))), {"m": 7}, "7"),
    "MAP-049 whole numbers": (
        steps("tlp", ("MapValuesTransformer", args(input_values="0,1,2,3", mapped_values="WHITE,GREEN,AMBER,RED"))),
        {"tlp": 2.0},
        "AMBER",
    ),
    "MAP-050 seconds": (steps("t", "TimeStampToDate"), {"t": 1525006939}, "2018-04-29T13:02:19.000Z"),
    "MAP-051 prefix, milliseconds": (steps("t", "number.TimeStampToDate"), {"t": "1525006939000"}, "2018-04-29T13:02:19.000Z"),
    "MAP-052 uniq": (steps("ev", "uniq", accessor="ip"), {"ev": [{"ip": "a"}, {"ip": "b"}, {"ip": "a"}]}, ["a", "b"]),
    "MAP-053 join": (steps("net", ("join", args(separator=", "))), {"net": ["n1", "n2"]}, "n1, n2"),
    "MAP-054 substringFrom, substringTo": (
        steps("l", ("substringFrom", args(**{"from": 'ip="'})), ("substringTo", args(to='",'))),
        {"l": 'a="1",ip="10.0.0.9",b="2"'},
        "10.0.0.9",
    ),
    "MAP-055 substring": (steps("s", ("substring", args(**{"from": "4", "to": None}))), {"s": "ABC-123"}, "123"),
    "MAP-056 replaceMatch": (
        steps("f", ("replaceMatch", args(regex="(?i).*<([a-z@.]+)>", replaceWith="$1"))),
        {"f": "Bob <bob@x.io>"},
        "bob@x.io",
    ),
    "MAP-057 split, atIndex": (
        steps("c", ("split", args(delimiter=".")), ("atIndex", args(index="0"))),
        {"c": "2021-08-25 13:42:53.777"},
        "2021-08-25 13:42:53",
    ),
    "MAP-058 column keys": (
        steps("a", "ConvertKeysToTableFieldFormat"),
        {"a": [{"File Name": "x", "SHA_256": "y"}]},
        [{"filename": "x", "sha256": "y"}],
    ),
    "MAP-059 date chain": (
        steps("o", ("DateStringToISOFormat", args(dayfirst="false", yearfirst=None)), ("FormattedDateToEpoch", args(formatter=None)), ("TimeStampToDate", None)),
        {"o": "2022-05-01 13:42:53"},
        "2022-05-01T13:42:53.000Z",
    ),
    "MAP-060 declared defaults": (
        steps("d", ("DateStringToISOFormat", args(dayfirst="false", yearfirst="true", fuzzy=None, add_utc_timezone=None))),
        {"d": "2022-05-01 13:42:53"},
        "2022-05-01T13:42:53",
    ),
    "MAP-060 day first unless told": (steps("d", "DateStringToISOFormat"), {"d": "2022-05-01"}, "2022-01-05T00:00:00"),
    "MAP-061 ParseJSON": (
        steps("m", ("concat", args(prefix='[{"value": "', suffix='"}]')), "ParseJSON"),
        {"m": "a@x"},
        [{"value": "a@x"}],
    ),
    "MAP-062 DT, hit": (
        steps("d", ("DT", args(dt='.=val && val.toLowerCase().indexOf("port scan") > -1 ? "PortScan" : "XDR Incident"'))),
        {"d": "Port Scan from 10.0.0.1"},
        "PortScan",
    ),
    "MAP-062 DT, no hit": (
        steps("d", ("DT", args(dt='.=val && val.toLowerCase().indexOf("port scan") > -1 ? "PortScan" : "XDR Incident"'))),
        {"d": "Malware"},
        "XDR Incident",
    ),
}  # fmt: skip

CASES = {**PATHS, **LITERALS, **COMPLEX, **FILTERS, **TRANSFORMERS}


@pytest.mark.parametrize(("expression", "source", "result"), CASES.values(), ids=CASES.keys())
def test_expression_gives_the_stated_value(expression, source, result):
    """MAP-001…062."""
    found = value_of(expression, source)
    assert found == result
    assert type(found) is type(result)


def test_an_unknown_operator_fails_by_name():
    """MAP-063."""
    with pytest.raises(StepFailed) as failure:
        value_of(steps("a", "NoSuchScript"), {"a": 1})
    assert failure.value.operator == "NoSuchScript"


def test_an_explicit_null_is_not_nothing():
    """mirroring.md §4.3.1: only a path that leads nowhere leaves the field alone."""
    assert produce(compile_expression(simple("a.b")), {"a": {"b": None}}) is None
    assert produce(compile_expression(simple("a.c")), {"a": {"b": None}}) is NOTHING
    assert produce(compile_expression(steps("gone", "uniq")), {}) is NOTHING
    assert produce(compile_expression(steps("here", "uniq")), {"here": []}) == []


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
