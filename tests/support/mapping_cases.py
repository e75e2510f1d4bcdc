"""MAP-001…MAP-102 as data: what each statement of content.md §9 demands, in values of our own (a harbour and its ships).

`tests/unit/mapping/test_contract.py` runs the tables as pure functions, `tests/acceptance/test_cli_map.py` through
`casemirror map`. A number has a second case where one leaves a gap. Where a rule is a text, it is a path.
"""

from __future__ import annotations

from typing import Any

TYPE = "Port Call"
"""The incident type of all cases that name none."""
COMMON = "*"
"""The common section, in the tables."""
BRAND, INSTANCE = "Harbour Office", "north-pier"
"""Of the instance that MAP-083 and MAP-084 name."""

FIELDS = {
    "Berth State": "singleSelect",
    "Crew": "multiSelect",
    "Draught": "number",
    "Remark": "shortText",
    "Manifest": "grid",
    "Quarantine": "boolean",
    "Unloading SLA": "timer",
    "Anything": "internal",
    "Harbour Mirror Error": "shortText",
}
"""Incident field → its type; its cliName is the name without blanks, in small letters."""


def cli_name(name: str) -> str:
    """The machine name of a field of ours."""
    return name.replace(" ", "").lower()


def field_bodies() -> list[dict[str, Any]]:
    """The incident fields as a pack holds them."""
    return [
        {"id": f"incident_{cli_name(name)}", "name": name, "cliName": cli_name(name), "type": kind}
        for name, kind in FIELDS.items()
    ]


def mapping_of(sections: dict[str, dict[str, Any]], common: str = "dbot_classification_incident_type_all") -> dict:
    """The `mapping` member of a mapper file; a section's `labels` says that unused keys become labels."""
    return {
        common if section == COMMON else section: {
            "dontMapEventToLabels": not rules.get("labels", False),
            "internalMapping": {
                key: {"simple": rule} if isinstance(rule, str) else rule
                for key, rule in rules.items()
                if key != "labels"
            },
        }
        for section, rules in sections.items()
    }


def simple(path: str) -> dict[str, Any]:
    """A simple value."""
    return {"simple": path}


def fetched(root: str, accessor: str | None = "", **more: Any) -> dict[str, Any]:
    """A complex value."""
    return {"complex": {"root": root, "accessor": accessor, **more}}


def args(**texts: str | None) -> dict[str, Any]:
    """Literal arguments; None is an argument that was left empty. A trailing _ makes room for Python's own words."""
    return {
        name.rstrip("_"): None if text is None else {"value": {"simple": text}, "isContext": False}
        for name, text in texts.items()
    }


def path(simple_path: str) -> dict[str, Any]:
    """An operand that is a path on the source."""
    return {"isContext": True, "value": {"simple": simple_path}}


def chain(root: str, *steps: Any, accessor: str = "") -> dict[str, Any]:
    """A complex value with transformers, each a name or (name, arguments)."""
    pairs = [step if isinstance(step, tuple) else (step, {}) for step in steps]
    return fetched(root, accessor, transformers=[{"operator": name, "args": given} for name, given in pairs])


def condition(operator: str, left: str, right: Any = None, **more: Any) -> dict[str, Any]:
    """One comparison of a path with a literal, or with another operand."""
    side = {"value": {"simple": right}} if isinstance(right, str) else right
    return {"operator": operator, "left": path(left), "right": side, **more}


def selected(root: str, *groups: list[Any], accessor: str = "") -> dict[str, Any]:
    """A complex value with filters: all groups must hold, one condition of each."""
    return fetched(root, accessor, filters=list(groups))


SHIPS = {"ships": [{"name": "Aurora", "flag": "no"}, {"flag": "dk"}, {"name": "Beluga", "flag": "no"}]}
CREWS = {"ships": [{"crew": [{"rank": "mate"}, {"rank": "cook"}]}, {"crew": []}, {"crew": [{"rank": "pilot"}]}]}
BERTHS = {
    "berths": [
        {"no": 4, "side": {"name": "lee"}},
        {"no": 5, "side": {"name": "luv"}},
        {"no": 6, "side": {"name": "lee"}},
    ]
}
HELD = [[condition("isEqualString", "hold", "open")], [condition("isNotEmpty", "seal.number")]]
TIDES = args(input_values="0,0.5,1,3", mapped_values="ebb,ebb,slack,flood")
SPRING = args(dt='.=val && val.toLowerCase().indexOf("spring") > -1 ? "spring tide" : "other tide"')

EXPRESSIONS: list[tuple[str, Any, Any, Any]] = [
    # statement, expression, source, result (None is no value)
    ("MAP-001 text", simple("flag"), {"flag": "Norway", "tons": 900}, "Norway"),
    ("MAP-001 number", simple("tons"), {"flag": "Norway", "tons": 900}, 900),
    ("MAP-001 boolean", simple("laden"), {"laden": False}, False),
    ("MAP-001 object", simple("home"), {"home": {"port": "Bergen"}}, {"port": "Bergen"}),
    ("MAP-002", simple("owner.office.town"), {"owner": {"office": {"town": "Bergen"}}}, "Bergen"),
    ("MAP-003 null on the way", simple("owner.office.town"), {"owner": {"office": None}}, None),
    ("MAP-003 text on the way", simple("owner.office.town"), {"owner": "nobody"}, None),
    ("MAP-003 nothing at all", simple("owner"), {}, None),
    ("MAP-004 odd characters", simple("log.a-b @c/d: #e f"), {"log": {"a-b @c/d: #e f": 7}}, 7),
    ("MAP-004 case", simple("log.Draught"), {"log": {"draught": 1, "Draught": 2}}, 2),
    ("MAP-004 exact", simple("log.Draught"), {"log": {"draught": 1, "Draught ": 2}}, None),
    ("MAP-005", simple("feed:2\\.1.pier"), {"feed:2.1": {"pier": "north"}}, "north"),
    ("MAP-005 unescaped", simple("feed:2.1.pier"), {"feed:2.1": {"pier": "north"}}, None),
    ("MAP-006", simple("ships.name"), SHIPS, ["Aurora", "Beluga"]),
    ("MAP-007", simple("ships.crew.rank"), CREWS, ["mate", "cook", "pilot"]),
    ("MAP-008 one", simple("ships.name"), {"ships": [{"x": 1}, {"name": "Aurora"}]}, "Aurora"),
    ("MAP-008 none", simple("ships.name"), {"ships": [{"x": 1}]}, None),
    ("MAP-009", simple("ports"), {"ports": ["Bergen"]}, ["Bergen"]),
    ("MAP-010", simple("ships.[2].name"), SHIPS, "Beluga"),
    ("MAP-010 of a projection", simple("ships.name.[1]"), SHIPS, "Beluga"),
    ("MAP-010 out of range", simple("ships.[3].name"), SHIPS, None),
    ("MAP-011 accessor", fetched("ships", "[0].name"), SHIPS, "Aurora"),
    ("MAP-011 no dot", simple("ships[2].flag"), SHIPS, "no"),
    ("MAP-012", simple("depths.[1:2]"), {"depths": [9, 8, 7, 6]}, [8, 7]),
    ("MAP-013", fetched("eta", "[0]"), {"eta": "06:30"}, "06:30"),
    ("MAP-013 not [1]", fetched("eta", "[1]"), {"eta": "06:30"}, None),
    ("MAP-014", simple("pilots.[]"), {"pilots": ["Ida"]}, ["Ida"]),
    ("MAP-014 scalar", simple("pilots.[]"), {"pilots": "Ida"}, ["Ida"]),
    ("MAP-015", chain(".", ("getField", args(field="flag"))), {"flag": "dk"}, "dk"),
    ("MAP-015 bare", fetched("."), {"flag": "dk"}, {"flag": "dk"}),
    ("MAP-016 blank", fetched("  "), {"  ": 1}, None),
    ("MAP-016 empty", simple(""), {"": 1}, None),
    ("MAP-017", simple('"Pier 4, east"'), {"Pier 4, east": "no"}, "Pier 4, east"),
    ("MAP-018 array", simple(".=['tug', 'ferry']"), {}, ["tug", "ferry"]),
    ("MAP-018 text", simple(".='tug'"), {}, "tug"),
    ("MAP-018 number", simple(".=2.5"), {}, 2.5),
    ("MAP-018 boolean", simple(".=false"), {}, False),
    ("MAP-019 root", fetched("${holds}"), {"holds": [1, 2]}, [1, 2]),
    ("MAP-019 simple", simple("${owner.tons}"), {"owner": {"tons": 3}}, 3),
    ("MAP-019 root and accessor", fetched("${owner", "tons}"), {"owner": {"tons": 3}}, 3),
    ("MAP-020", simple("${ship}/${voyage}, ${pilot}."), {"ship": "Aurora", "voyage": 12}, "Aurora/12, ."),
    ("MAP-021", chain("ship", ("concat", args(prefix=None, suffix=" of ${port}"))), {"ship": "Aurora", "port": "Bergen"}, "Aurora of Bergen"),
    ("MAP-022", fetched("owner", "fleet.size"), {"owner": {"fleet": {"size": 11}}}, 11),
    ("MAP-023 null", fetched("tons", None, filters=None, transformers=None), {"tons": 5}, 5),
    ("MAP-023 empty", fetched("tons", "", filters=[], transformers=[]), {"tons": 5}, 5),
    ("MAP-023 missing", {"complex": {"root": "tons"}}, {"tons": 5}, 5),
    ("MAP-024", {"simple": "tons", "complex": {"root": "flag"}}, {"tons": 5, "flag": "dk"}, "dk"),
    ("MAP-025", {"simple": "", "complex": None}, {"tons": 5}, None),
    ("MAP-026", selected("ships", [condition("isEqualString", "ships.flag", "no")], accessor="name"), SHIPS, ["Aurora", "Beluga"]),
    ("MAP-026 accessor after", selected("ships", [condition("isEqualString", "ships.flag", "dk")], accessor="name"), SHIPS, None),
    ("MAP-027", selected("berths", [condition("isEqualString", "berths.side.name", "lee")], accessor="no"), BERTHS, [4, 6]),
    ("MAP-028", selected("depths", [condition("greaterThan", "depths", "7")]), {"depths": [9, 8, 7]}, [9, 8]),
    ("MAP-028 empty", selected("tug", [condition("isNotEmpty", "tug")]), {"tug": ""}, None),
    ("MAP-029 passes", selected("tug", [condition("startWith", "tug", "Hav")]), {"tug": "Havhest"}, "Havhest"),
    ("MAP-029 disappears", selected("tug", [condition("startWith", "tug", "Hav")]), {"tug": "Skarv"}, None),
    ("MAP-030", selected("tide", [condition("isEqualString", "tide", "ebb"), condition("isEqualString", "tide", "flood")]), {"tide": "flood"}, "flood"),
    ("MAP-030 neither", selected("tide", [condition("isEqualString", "tide", "ebb"), condition("isEqualString", "tide", "flood")]), {"tide": "slack"}, None),
    ("MAP-031 both", selected(".", *HELD, accessor="hold"), {"hold": "open", "seal": {"number": "9"}}, "open"),
    ("MAP-031 one", selected(".", *HELD, accessor="hold"), {"hold": "open", "seal": {"number": ""}}, None),
    ("MAP-032 string", selected("berths", [condition("string.isEqual", "berths.side.name", "luv")], accessor="no"), BERTHS, 5),
    ("MAP-032 number", selected("depths", [condition("number.isEqual", "depths", "8.0")]), {"depths": [9, 8]}, 8),
    ("MAP-032 last dot", selected("tug", [condition("a.general.isNotEmpty", "tug")]), {"tug": "Skarv"}, "Skarv"),
    ("MAP-033", selected("tide", [condition("isEqualString", "tide", "Ebb", ignoreCase=True)]), {"tide": "eBB"}, "eBB"),
    ("MAP-033 default", selected("tide", [condition("isEqualString", "tide", "Ebb")]), {"tide": "eBB"}, None),
    ("MAP-034", selected("berths", [condition("isEqualString", "berths.lines", "bow")], accessor="no"), {"berths": [{"no": 1, "lines": ["stern", "bow"]}, {"no": 2, "lines": ["stern"]}]}, 1),
    ("MAP-035 never", selected("left", [condition("isAfter", "left", "0001-01-01T00:00:00Z")]), {"left": "0001-01-01T00:00:00Z"}, None),
    ("MAP-035 once", selected("left", [condition("isAfter", "left", "0001-01-01T00:00:00Z")]), {"left": "2023-03-04T05:06:07Z"}, "2023-03-04T05:06:07Z"),
    ("MAP-035 instants", selected("left", [condition("isAfter", "left", "2023-03-04T05:00:00Z")]), {"left": "2023-03-04T06:30:00+02:00"}, None),
    ("MAP-036 text", selected("route", [condition("containsGeneral", "route", "via-kiel")]), {"route": "oslo-via-kiel-riga"}, "oslo-via-kiel-riga"),
    ("MAP-036 list", selected("legs", [condition("containsGeneral", "legs.stops", "kiel")], accessor="no"), {"legs": [{"no": 1, "stops": ["oslo", "kiel"]}, {"no": 2, "stops": ["riga"]}]}, 1),
    ("MAP-036 each element alone", selected("legs", [condition("containsGeneral", "legs.stops", "o,k")], accessor="no"), {"legs": [{"no": 1, "stops": ["oslo", "kiel"]}]}, None),
    ("MAP-037", selected("calls", [condition("match", "calls", "[A-Z]{2}\\d+")]), {"calls": ["x-OX12", "ox12"]}, "x-OX12"),
    ("MAP-038", selected("signs", [condition("stringHasLength", "signs", "4")]), {"signs": ["LAKE", "LA", "LAKES"]}, "LAKE"),
    ("MAP-039", chain("tons", ("division", args(by="40")), ("addition", args(by="3")), "floor"), {"tons": 90}, 5),
    ("MAP-040", chain("tugs", "toUpperCase"), {"tugs": ["hav", "skarv"]}, ["HAV", "SKARV"]),
    ("MAP-041", chain("tug", "count"), {"tug": "hav"}, 1),
    ("MAP-042", chain("tug", ("concat", args(prefix="MS ", suffix=None))), {"hav": 1}, None),
    ("MAP-043", chain("tug", ("SetIfEmpty", args(defaultValue="no tug", applyIfEmpty="true"))), {}, "no tug"),
    ("MAP-044", chain("pier", ("concat", {"prefix": {"value": {"simple": "P"}}, "suffix": {}}), ("concat", {"prefix": {"value": None}}), ("trim", None)), {"pier": 4}, "P4"),
    ("MAP-044 no args", fetched("pier", transformers=[{"operator": "trim"}]), {"pier": " 4 "}, "4"),
    ("MAP-045", chain("ship", ("concat", args(suffix=", ")), ("concat", {"suffix": path("owner.town")})), {"ship": "Aurora", "owner": {"town": "Oslo"}}, "Aurora, Oslo"),
    ("MAP-046", chain("route", ("replace", args(toReplace=".", replaceWith=None, limit=None))), {"route": "a.b.c"}, "abc"),
    ("MAP-046 limit", chain("route", ("replace", args(toReplace=".", replaceWith="-", limit="1"))), {"route": "a.b.c"}, "a-b.c"),
    ("MAP-047", chain("class", ("replace", args(toReplace="A", replaceWith="C")), ("replace", args(toReplace="C", replaceWith="A"))), {"class": "A"}, "A"),
    ("MAP-048 hit", chain("tide", ("MapValuesTransformer", TIDES)), {"tide": 0.5}, "ebb"),
    ("MAP-048 no hit", chain("tide", ("MapValuesTransformer", TIDES)), {"tide": "neap"}, "neap"),
    ("MAP-049", chain("tide", ("MapValuesTransformer", TIDES)), {"tide": 3.0}, "flood"),
    ("MAP-050 seconds", chain("at", "TimeStampToDate"), {"at": 1700000000}, "2023-11-14T22:13:20.000Z"),
    ("MAP-050 milliseconds", chain("at", "TimeStampToDate"), {"at": 1700000000123}, "2023-11-14T22:13:20.123Z"),
    ("MAP-051", chain("at", "number.TimeStampToDate"), {"at": "1700000000000"}, "2023-11-14T22:13:20.000Z"),
    ("MAP-052", chain("ships", "uniq", accessor="flag"), SHIPS, ["no", "dk"]),
    ("MAP-053", chain("ports", ("join", args(separator=" > "))), {"ports": ["Oslo", "Kiel", "Riga"]}, "Oslo > Kiel > Riga"),
    ("MAP-054 from", chain("log", ("substringFrom", args(from_="at "))), {"log": "moored at pier 4 at noon"}, "pier 4 at noon"),
    ("MAP-054 to", chain("log", ("substringTo", args(to=" at"))), {"log": "moored at pier 4 at noon"}, "moored"),
    ("MAP-055", chain("sign", ("substring", args(from_="2", to="5"))), {"sign": "LA-77-X"}, "-77"),
    ("MAP-055 to the end", chain("sign", ("substring", args(from_="3", to=None))), {"sign": "LA-77-X"}, "77-X"),
    ("MAP-056", chain("log", ("replaceMatch", args(regex="(?i)^pier (\\d+), (.*)$", replaceWith="$2 at $1"))), {"log": "PIER 12, Aurora"}, "Aurora at 12"),
    ("MAP-057", chain("route", ("split", args(delimiter="/")), ("atIndex", args(index="1"))), {"route": "oslo/kiel/riga"}, "kiel"),
    ("MAP-058", chain("cargo", "ConvertKeysToTableFieldFormat"), {"cargo": [{"Gross Tons": 4, "UN_Number": "1263"}]}, [{"grosstons": 4, "unnumber": "1263"}]),
    ("MAP-059", chain("moored", ("DateStringToISOFormat", args(dayfirst="false", yearfirst=None)), ("FormattedDateToEpoch", args(formatter=None)), ("TimeStampToDate", None)), {"moored": "2023-03-04 05:06:07"}, "2023-03-04T05:06:07.000Z"),
    ("MAP-060", chain("moored", ("DateStringToISOFormat", args(dayfirst="false", yearfirst="true", add_utc_timezone=None))), {"moored": "2023-03-04 05:06:07"}, "2023-03-04T05:06:07"),
    ("MAP-060 day first", chain("moored", "DateStringToISOFormat"), {"moored": "03/04/2023"}, "2023-04-03T00:00:00"),
    ("MAP-061", chain("pilot", ("concat", args(prefix='{"pilot": "', suffix='"}')), "ParseJSON", ("getField", args(field="pilot"))), {"pilot": "Ida"}, "Ida"),
    ("MAP-062", chain("tide", ("DT", SPRING)), {"tide": "Spring flood"}, "spring tide"),
    ("MAP-062 no hit", chain("tide", ("DT", SPRING)), {"tide": "Neap"}, "other tide"),
]  # fmt: skip

FAILING: list[tuple[str, Any, Any, str, bool]] = [
    # statement, expression, source, operator that is blamed, whether an empty source explains it
    ("MAP-063 transformer", chain("tons", "WeighAgain"), {"tons": 5}, "WeighAgain", False),
    ("MAP-063 filter", selected("tons", [condition("weighsMore", "tons", "3")]), {"tons": 5}, "weighsMore", False),
    ("MAP-078 empty", chain("left", "FormattedDateToEpoch"), {"left": ""}, "FormattedDateToEpoch", True),
    ("MAP-078 no number", chain("tons", "floor"), {"tons": "heavy"}, "floor", False),
]

SHIP_KINDS = {
    "type": "classification",
    "transformer": {"simple": "vessel.kind"},
    "keyTypeMap": {"tanker": "Tanker Call", "ferry": "Ferry Call", "2": "Tug Call"},
}
CLASSIFIED: list[tuple[str, dict[str, Any] | None, Any, str, str, str]] = [
    # statement, classifier, event, the instance's type, the integration's type, result
    ("MAP-064", {**SHIP_KINDS, "defaultIncidentType": "Any Call"}, {"vessel": {"kind": "ferry"}}, "", "", "Ferry Call"),
    ("MAP-064 as text", {**SHIP_KINDS, "defaultIncidentType": "Any Call"}, {"vessel": {"kind": 2}}, "", "", "Tug Call"),
    ("MAP-065", {**SHIP_KINDS, "defaultIncidentType": "Any Call"}, {"vessel": {"kind": "Ferry"}}, "X", "Y", "Any Call"),
    ("MAP-065 no value", {**SHIP_KINDS, "defaultIncidentType": "Any Call"}, {}, "", "", "Any Call"),
    ("MAP-066", {**SHIP_KINDS, "defaultIncidentType": ""}, {"vessel": {"kind": "raft"}}, "Harbour Call", "Y", "Harbour Call"),
    ("MAP-067 instance first", None, {"vessel": "raft"}, "Harbour Call", "Raft Call", "Harbour Call"),
    ("MAP-067 integration", None, {"vessel": "raft"}, "", "Raft Call", "Raft Call"),
    ("MAP-067 nobody", None, {"vessel": "raft"}, "", "", "Unclassified"),
    ("MAP-068", {"transformer": {"simple": ""}, "keyTypeMap": {}, "defaultIncidentType": "Any Call"}, {"x": 1}, "X", "", "Any Call"),
    ("MAP-069", {"transformer": {"simple": ".='pier'"}, "keyTypeMap": {"pier": "Pier Call"}}, {"x": 1}, "X", "", "Pier Call"),
]  # fmt: skip

LOW = chain("risk", ("replace", args(toReplace="calm", replaceWith="1")))
GIVEN_LABELS = [{"type": "Brand", "value": BRAND}, {"type": "Instance", "value": INSTANCE}]

INCOMING: list[tuple[str, dict[str, Any], Any, dict[str, Any]]] = [
    # statement, sections, event, what is expected: fields, mirror, labels, warned (keys that are left out), type (asked for)
    ("MAP-070", {TYPE: {"Berth State": "state"}}, {"state": "moored"}, {"fields": {"berthstate": "moored"}}),
    ("MAP-071", {TYPE: {"name": "ship", "dbotMirrorId": "no"}}, {"ship": "Aurora", "no": 31}, {"fields": {"name": "Aurora"}, "mirror": {"dbotMirrorId": "31"}}),
    ("MAP-072", {TYPE: {"BERTH state": "s", "remark": "r", "Pilot": "r"}}, {"s": "moored", "r": "late"}, {"fields": {"berthstate": "moored", "remark": "late"}, "warned": ["Pilot"]}),
    ("MAP-073", {COMMON: {"severity": "class", "Remark": "r"}, TYPE: {"severity": "danger"}}, {"danger": "critical", "class": 1, "r": "late"}, {"fields": {"severity": 4, "remark": "late"}}),
    ("MAP-073 whatever the order", {TYPE: {"severity": "danger"}, COMMON: {"severity": "class"}}, {"danger": 2, "class": 1}, {"fields": {"severity": 2}}),
    ("MAP-074 missing", {COMMON: {"Remark": "r"}, TYPE: {"Remark": "gone"}}, {"r": "late"}, {"fields": {"remark": "late"}}),
    ("MAP-074 null", {COMMON: {"Remark": "r"}, TYPE: {"Remark": "q"}}, {"r": "late", "q": None}, {"fields": {"remark": "late"}}),
    ("MAP-075", {COMMON: {"Draught": "d"}, TYPE: {"Remark": "r"}}, {"r": "late", "d": "7"}, {"type": "Raft Call", "fields": {"draught": 7}}),
    ("MAP-076", {TYPE: {"Remark": "r", "Crew": "c", "Berth State": "s"}}, {"s": "left", "r": None}, {"fields": {"berthstate": "left"}}),
    ("MAP-077", {TYPE: {"Remark": "r"}}, {"r": ""}, {"fields": {"remark": ""}}),
    ("MAP-078", {TYPE: {"Remark": chain("tons", "floor"), "name": "ship"}}, {"tons": "heavy", "ship": "Aurora"}, {"fields": {"name": "Aurora"}, "warned": ["Remark"]}),
    ("MAP-079", {TYPE: {"Crew": "c", "Remark": "l"}}, {"c": "Ida", "l": ["bow", "stern"]}, {"fields": {"crew": ["Ida"], "remark": "bow,stern"}}),
    ("MAP-080", {TYPE: {"Draught": "d", "Quarantine": "q", "Manifest": "m"}}, {"d": "7.25", "q": "true", "m": {"tons": 9}}, {"fields": {"draught": 7.25, "quarantine": True, "manifest": [{"tons": 9}]}}),
    ("MAP-081 number", {TYPE: {"severity": "risk"}}, {"risk": 0.5}, {"fields": {"severity": 0.5}}),
    ("MAP-081 text", {TYPE: {"severity": LOW}}, {"risk": "calm"}, {"fields": {"severity": 1}}),
    ("MAP-081 zero", {TYPE: {"severity": "risk"}}, {"risk": "0"}, {"fields": {"severity": 0}}),
    ("MAP-081 none of them", {TYPE: {"severity": "risk"}}, {"risk": "9"}, {"fields": {}, "warned": ["severity"]}),
    ("MAP-082", {TYPE: {"severity": "risk"}}, {"risk": "MEDIUM"}, {"fields": {"severity": 2}}),
    ("MAP-082 half", {TYPE: {"severity": "risk"}}, {"risk": "informational"}, {"fields": {"severity": 0.5}}),
    ("MAP-083", {TYPE: {"Remark": "r"}}, {"r": "late", "wind": 7}, {"fields": {"remark": "late"}, "labels": GIVEN_LABELS}),
    ("MAP-084", {TYPE: {"labels": True, "Remark": "r.text"}}, {"r": {"text": "late"}, "wind": {"bft": 7}, "pier": "north"}, {"fields": {"remark": "late"}, "labels": [*GIVEN_LABELS, {"type": "wind", "value": '{"bft":7}'}, {"type": "pier", "value": "north"}]}),
    ("MAP-100", {"Raft Call": {"Remark": "other"}, TYPE: {"Remark": "r"}}, {"r": "late", "other": "x"}, {"fields": {"remark": "late"}}),
    ("MAP-101", {TYPE: {"Harbour Mirror Error": "in_mirror_error", "Remark": "r", "Draught": "d"}}, {"id": "31", "in_mirror_error": ""}, {"fields": {"harbourmirrorerror": ""}}),
]  # fmt: skip

CALL = {
    "id": "31",
    "type": TYPE,
    "name": "Aurora at pier 4",
    "severity": 3,
    "details": "two days",
    "owner": "",
    "closed": "0001-01-01T00:00:00Z",
    "CustomFields": {"berthstate": "moored", "unloadingsla": {"dueDate": "2023-03-04T05:06:07Z", "sla": 90}},
}
"""The incident that goes out, as the contract shows it."""
LEFT = selected("closed", [condition("isAfter", "closed", "0001-01-01T00:00:00Z")])
CLASS = chain("severity", ("replace", args(toReplace="3", replaceWith="3 - high")))
RISK = chain("severity", ("multiply", args(by="30")), ("addition", args(by="2")))
PASSED_ON = ("closeReason", "closeNotes", "closingUserId", "owner")

OUTGOING: list[tuple[str, dict[str, Any], dict[str, Any], list[str], dict[str, Any], dict[str, Any]]] = [
    # statement, sections, what CALL has beside, changed fields, data, delta
    ("MAP-085", {TYPE: {"title": "name", "state": "berthstate"}}, {}, [], {"title": "Aurora at pier 4", "state": "moored"}, {}),
    ("MAP-086", {TYPE: {"due": "unloadingsla.dueDate", "minutes": "unloadingsla.sla"}}, {}, [], {"due": "2023-03-04T05:06:07Z", "minutes": 90}, {}),
    ("MAP-087", {TYPE: {"left": LEFT, "pilot": "nobody", "title": "name"}}, {}, [], {"title": "Aurora at pier 4"}, {}),
    ("MAP-088", {COMMON: {"class": "name", "state": "berthstate"}, TYPE: {"class": "severity"}}, {}, [], {"class": 3, "state": "moored"}, {}),
    ("MAP-088 other type", {COMMON: {"class": "name"}, TYPE: {"class": "severity"}}, {"type": "Raft Call"}, [], {"class": "Aurora at pier 4"}, {}),
    ("MAP-089", {TYPE: {"class": CLASS, "risk": RISK}}, {}, [], {"class": "3 - high", "risk": 92}, {}),
    ("MAP-090", {TYPE: {"state": "berthstate", "label": "${name}: ${berthstate}", "title": "name"}}, {}, ["berthstate"], {"state": "moored", "label": "Aurora at pier 4: moored", "title": "Aurora at pier 4"}, {"state": "moored", "label": "Aurora at pier 4: moored"}),
    ("MAP-091", {TYPE: {"state": "berthstate"}}, {"closeReason": "Left", "closingUserId": "ida", "owner": "per"}, ["berthstate", "closeReason", "closingUserId", "owner"], {"state": "moored", "closeReason": "Left", "closingUserId": "ida", "owner": "per"}, {"state": "moored", "closeReason": "Left", "closingUserId": "ida", "owner": "per"}),
    ("MAP-093", {TYPE: {"state": "berthstate"}}, {"closeReason": "Left", "closeNotes": "at noon"}, [], {"state": "moored", "closeReason": "Left", "closeNotes": "at noon"}, {}),
    ("MAP-094", {TYPE: {"call.title": "name"}}, {}, [], {"call.title": "Aurora at pier 4"}, {}),
]  # fmt: skip

UNMAPPED: tuple[str, list[str], dict[str, Any]] = (
    "MAP-092",
    ["berthstate", "severity"],
    {"berthstate": "moored", "severity": 3},
)
"""Without an outgoing mapper: changed fields of CALL, and the delta."""

LEGACY = {
    "id": "harbour-v1",
    "brandName": BRAND,
    "transformer": {"simple": "kind"},
    "keyTypeMap": {"tanker": "Tanker Call"},
    "defaultIncidentType": TYPE,
    "mapping": {"Tanker Call": {"internalMapping": {"Remark": {"simple": "cargo"}}}},
}
"""A v1 item (MAP-098)."""

KINDS: list[tuple[str, dict[str, Any], list[str]]] = [
    # statement, a file's body, kinds of the items that are in it
    ("MAP-095 classifier", {"id": "k1", **SHIP_KINDS}, ["classifier"]),
    ("MAP-095 incoming", {"id": "k2", "type": "mapping-incoming", "mapping": {}}, ["mapper-in"]),
    ("MAP-095 outgoing", {"id": "k3", "type": "mapping-outgoing", "mapping": {}}, ["mapper-out"]),
    ("MAP-095 legacy", LEGACY, ["classifier", "mapper-in"]),
    ("MAP-095 bare legacy", {"id": "k4", "brandName": BRAND, "mapping": {}, "keyTypeMap": {}, "transformer": {}}, ["classifier", "mapper-in"]),
    ("MAP-095 other type", {"id": "k5", "type": "dashboard", "layout": []}, []),
]  # fmt: skip

BOUNDS: list[tuple[str, dict[str, str], bool]] = [
    # statement, version bounds of a mapper, whether the emulated server 6.10 takes it
    ("MAP-096 none", {}, True),
    ("MAP-096 from, before", {"fromVersion": "6.9.0"}, True),
    ("MAP-096 from, equal", {"fromVersion": "6.10.0"}, True),
    ("MAP-096 from, after", {"fromVersion": "8.0.0"}, False),
    ("MAP-096 to, before", {"toVersion": "6.9.9"}, False),
    ("MAP-096 to, after", {"toVersion": "99.99.99"}, True),
    ("MAP-096 both", {"fromVersion": "5.0.0", "toVersion": "6.10.0"}, True),
]

REFERENCES: list[tuple[str, str, str]] = [
    # statement, reference, id of the mapper that it means; empty for none
    ("MAP-097 id", "harbour-in", "harbour-in"),
    ("MAP-097 name", "Harbour - Incoming", "harbour-in"),
    ("MAP-097 id before name", "harbour-named", "harbour-named"),
    ("MAP-097 null", "null", ""),
    ("MAP-097 unknown", "no such mapper", ""),
]
REFERRED = [
    {"id": "decoy", "name": "harbour-named", "type": "mapping-incoming", "mapping": {}},
    {"id": "harbour-in", "name": "Harbour - Incoming", "type": "mapping-incoming", "mapping": {}},
    {"id": "harbour-named", "name": "Something else", "type": "mapping-incoming", "mapping": {}},
]
"""The mappers that REFERENCES are looked up among; one bears the other's id as its name."""

OBJECTS: list[tuple[str, str, dict[str, Any], Any, str, dict[str, Any]]] = [
    # statement, kind of mapper, sections, object, type, flat result
    ("MAP-099 incoming", "mapper-in", {TYPE: {"Berth State": "state", "Remark": "r", "name": "ship"}}, {"state": "moored", "r": None, "ship": "Aurora"}, TYPE, {"berthstate": "moored", "name": "Aurora"}),
    ("MAP-099 outgoing", "mapper-out", {TYPE: {"call.state": "berthstate"}}, {"berthstate": "moored"}, TYPE, {"call.state": "moored"}),
    ("MAP-099 unknown type", "mapper-out", {COMMON: {"title": "name"}, TYPE: {"state": "berthstate"}}, {"berthstate": "moored", "name": "A"}, "Raft Call", {"title": "A"}),
]  # fmt: skip

SCHEMAS: list[tuple[str, Any, dict[str, list[str]]]] = [
    # statement, what get-mapping-fields tells, paths by remote type
    ("MAP-102", {"Call": {"berth": {"side": "text", "no": "int"}, "ship": "text"}}, {"Call": ["berth", "berth.side", "berth.no", "ship"]}),
    ("MAP-102 dots and lists", {"Call": {"a.b": "", "tugs": [{"name": ""}, {"name": "", "hp": ""}]}, "None": None}, {"Call": ["a\\.b", "tugs", "tugs.name", "tugs.hp"], "None": []}),
    ("MAP-102 no schema", ["nothing"], {}),
]  # fmt: skip
