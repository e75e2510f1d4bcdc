"""Classification, incoming mapping, labels beyond content.md §9 (mirroring.md §4.3); those cases are in `test_contract.py`."""

import pytest

from casemirror.content import items
from casemirror.content.catalog import Catalog
from casemirror.mapping.classify import classify
from casemirror.mapping.incoming import map_in
from casemirror.mapping.labels import labels_for

KINDS = {
    "type": "classification",
    "transformer": {"simple": "kind"},
    "keyTypeMap": {"incident": "Ticket", "sir": "SIR"},
}


def classifier(**body):
    return items.parse("classifier", {"id": "c", **body})


def mapper(sections):
    """An incoming mapper; `*` is the common section, rules are paths or expressions, labels are dropped unless asked for."""
    mapping = {}
    for name, rules in sections.items():
        keep = rules.pop("labels", False)
        expressions = {k: {"simple": v} if isinstance(v, str) else v for k, v in rules.items()}
        key = items.COMMON if name == "*" else name
        mapping[key] = {"dontMapEventToLabels": not keep, "internalMapping": expressions}
    return items.parse("mapper-in", {"id": "m", "type": "mapping-incoming", "mapping": mapping})


CLASSIFIED = {
    "Q11 list": (classifier(**KINDS), {"kind": ["zzz", "sir"]}, "D", "", "SIR"),
    "number as text": (classifier(transformer={"simple": "n"}, keyTypeMap={"1": "One"}), {"n": 1.0}, "", "", "One"),
    "failing transformer": (
        classifier(transformer={"complex": {"root": "n", "transformers": [{"operator": "Nope"}]}}, keyTypeMap={"1": "One"}),
        {"n": 1},
        "D",
        "",
        "D",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("found", "event", "default", "given", "result"), CLASSIFIED.values(), ids=CLASSIFIED.keys())
def test_classification(found, event, default, given, result):
    """content.md §3.6, Q11."""
    assert classify(event, found, default, given) == result


MAPPED = {
    "system name in any case": ({"T": {"Severity": "s"}}, {"s": 2}, {"severity": 2}),
    "alias": ({"T": {"dbotDueDate": "d"}}, {"d": "2022-01-01"}, {"dueDate": "2022-01-01T00:00:00Z"}),
    "date": ({"T": {"Seen": "d"}}, {"d": "2022-05-01T10:00:00+02:00"}, {"seen": "2022-05-01T08:00:00Z"}),
    "date, milliseconds": ({"T": {"Seen": "d"}}, {"d": 1525006939123}, {"seen": "2018-04-29T13:02:19.123000Z"}),
    "MIR-116 minutes": ({"T": {"Remediation SLA": "m"}}, {"m": 30}, {"remediationsla": {"sla": 30}}),
    "MIR-116 date": (
        {"T": {"Remediation SLA": "m"}},
        {"m": "2022-05-01 10:00:00"},
        {"remediationsla": {"dueDate": "2022-05-01T10:00:00Z"}},
    ),
    "MIR-116 object": (
        {"T": {"Remediation SLA": "m"}},
        {"m": {"runStatus": "running", "sla": 5, "x": 1}},
        {"remediationsla": {"sla": 5}},
    ),
    "a timer is never emptied": ({"T": {"Remediation SLA": "m"}}, {"m": ""}, {}),
    "choices are split where all parts are choices": ({"T": {"Teams": "t"}}, {"t": "red, blue"}, {"teams": ["red", "blue"]}),
    "a choice with a comma is one": ({"T": {"Teams": "t"}}, {"t": "x,y"}, {"teams": ["x,y"]}),
    "emptied by type": (
        {"T": {"Hosts": "e", "Score": "e", "Flag": "e", "Seen": "e", "Grid": "e", "owner": "e"}},
        {"e": ""},
        {"hosts": [], "score": None, "flag": None, "seen": None, "grid": [], "owner": ""},
    ),
    "protected names are never written": (
        {"T": {"id": "x", "status": "x", "created": "x", "rawJSON": "x", "dbotMirrorLastSync": "x", "type": "x", "labels": "x"}},
        {"x": "1"},
        {},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("sections", "event", "fields"), MAPPED.values(), ids=MAPPED.keys())
def test_incoming_fields(sections, event, fields, catalog):
    """mirroring.md §4.3."""
    mapped = map_in(event, mapper({k: dict(v) for k, v in sections.items()}), "T", catalog)
    assert mapped.fields == fields
    assert mapped.warnings == ()
    assert mapped.told == fields


def test_an_explicit_null_can_be_told_to_empty_the_field(catalog):
    """mirroring.md §4.3.1, with `mirror.null.empties`; MAP-076 decides otherwise and is the default."""
    found = mapper({"T": {"Note": "n", "Hosts": "n", "XDR Status": "s"}})
    assert map_in({"n": None}, found, "T", catalog, null_empties=True).fields == {"note": "", "hosts": []}


def test_mirror_values_are_kept_apart(catalog):
    """MAP-071; MIR-100: without mirror values none are told."""
    found = mapper(
        {"T": {"dbotMirrorId": "id", "dbotMirrorDirection": "d", "dbotMirrorInstance": "i", "dbotMirrorTags": "t"}}
    )
    mapped = map_in({"id": 77, "d": "Both", "i": None, "t": "a, b"}, found, "T", catalog)
    assert mapped.mirror == {"dbotMirrorId": "77", "dbotMirrorDirection": "Both", "dbotMirrorTags": ["a", "b"]}
    assert mapped.fields == {}
    assert map_in({}, found, "T", catalog).mirror == {}


@pytest.mark.parametrize(
    ("field", "value"),
    [("Score", "many"), ("Score", {"a": 1}), ("Flag", [1]), ("Seen", "soon"), ("Grid", "text"), ("Grid", 5), ("severity", "huge"), ("severity", 7), ("severity", True), ("Remediation SLA", "soon")],
)  # fmt: skip
def test_a_failing_cast_drops_only_its_field(field, value, catalog):
    """MIR-115."""
    mapped = map_in({"v": value, "n": "x"}, mapper({"T": {field: "v", "Note": "n"}}), "T", catalog)
    assert mapped.fields == {"note": "x"}
    assert [w.field for w in mapped.warnings] == [field]


def test_a_partial_object_tells_only_what_it_has(catalog):
    """MIR-098: defaults and counts of absent sources are produced, and not told."""
    count = {"complex": {"root": "alerts", "transformers": [{"operator": "count"}]}}
    default = {
        "complex": {
            "root": "gone",
            "transformers": [{"operator": "SetIfEmpty", "args": {"defaultValue": {"value": {"simple": "n/a"}}}}],
        }
    }
    uniq = {"complex": {"root": "hosts", "transformers": [{"operator": "uniq"}]}}
    found = mapper(
        {
            "T": {
                "Score": count,
                "Note": default,
                "Hosts": uniq,
                "IncomingMirrorError": "in_mirror_error",
                "XDR Status": '"x"',
            }
        }
    )
    mapped = map_in({"id": "R", "in_mirror_error": "boom"}, found, "T", catalog)
    assert mapped.told == {"incomingmirrorerror": "boom", "xdrstatus": "x"}
    assert mapped.fields == {**mapped.told, "score": 0, "note": "n/a"}


def test_without_a_mapper_only_the_safe_names_are_applied(catalog):
    """mirroring.md §4.3.10."""
    event = {
        "id": "1",
        "name": "x",
        "type": "x",
        "status": 2,
        "severity": "Low",
        "owner": "bo",
        "note": "n",
        "Note": "no",
        "score": "x",
    }
    mapped = map_in(event, None, "T", catalog)
    assert mapped.fields == {"severity": 1, "owner": "bo", "note": "n"}
    assert [w.field for w in mapped.warnings] == ["score"]


def test_a_custom_field_never_shadows_a_protected_name():
    """mirroring.md §4.3.2: a pack cannot open `status` to mappers by defining a field of that name."""
    catalog = Catalog.of(
        [items.make("incidentfield", {"name": "Remote State", "cliName": "status", "type": "shortText"})]
    )
    assert map_in({"s": "x"}, mapper({"T": {"Remote State": "s"}}), "T", catalog).fields == {}


BRAND = [{"type": "Brand", "value": "B"}, {"type": "Instance", "value": "I1"}]


def test_labels_that_the_integration_gave_come_before_unused_keys():
    """content.md §3.8."""
    found = mapper({"T": {"Note": "n", "labels": True}})
    labels = labels_for({"n": 1, "k": "v"}, found, "T", brand="B", instance="I1", given=[{"type": "g", "value": "1"}])
    assert list(labels) == [*BRAND, {"type": "g", "value": "1"}, {"type": "k", "value": "v"}]


def test_the_flag_of_the_types_own_section_counts():
    """content.md §3.8."""
    found = mapper({"*": {"Note": "n"}, "T": {"labels": True}})
    assert len(labels_for({"k": "v"}, found, "T", brand="B", instance="I")) == 3
    assert len(labels_for({"k": "v"}, found, "Other", brand="B", instance="I")) == 2


def test_without_a_mapper_the_whole_event_becomes_labels():
    """content.md §3.8."""
    assert labels_for({"k": None}, None, "T", brand="B", instance="I1")[2:] == ({"type": "k", "value": ""},)
