"""Looking a mapper over: each finding, and what is no finding."""

from __future__ import annotations

import pytest

from casemirror.content import items
from casemirror.content.catalog import Catalog
from casemirror.mapping.lint import Finding, Level, check
from support import mapping_cases as cases
from support.mapping_cases import COMMON, TYPE, chain, condition, selected

SCRIPTS = [
    {"commonfields": {"id": "Weigh"}, "name": "Weigh", "type": "python", "subtype": "python3", "script": "pass"},
    {"commonfields": {"id": "TideTable"}, "name": "TideTable", "type": "javascript", "script": "return 1;"},
]
CLASSIFIER = {"id": "c", **cases.SHIP_KINDS, "defaultIncidentType": "Any Call"}
MIRRORED = {"dbotMirrorId": "id", "dbotMirrorInstance": '"pier"', "dbotMirrorDirection": '"Both"'}
SCHEMA = {"Call": {"state": "text", "title": "text"}, "None": None}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.of(
        [
            *(items.make("incidentfield", body) for body in cases.field_bodies()),
            *(items.make("script", body) for body in SCRIPTS),
            items.make("incidenttype", {"id": TYPE, "name": TYPE, "color": "#fff"}),
            items.make("classifier", CLASSIFIER),
        ]
    )


def looked_over(catalog, sections, kind="mapper-in", **how):
    """Level, section, key, text of each finding."""
    mapper = items.parse(kind, {"id": "m", "mapping": cases.mapping_of(sections)})
    return [(f.level.value, f.section, f.key, f.text) for f in check(mapper, catalog, **how)]


def of_line(catalog, rule, key="Remark", **how):
    """Level and text of what is found in one line of an incoming mapper."""
    found = looked_over(catalog, {TYPE: {**MIRRORED, key: rule}}, **how)
    assert all((section, name) == (TYPE, key) for _, section, name, _ in found)
    return [(level, text) for level, _, _, text in found]


GOOD = {
    "path": "r",
    "constant": '"late"',
    "template": "${a}, ${b}",
    "steps": chain("r", "toUpperCase", ("replaceMatch", cases.args(regex="a(b)?", replaceWith="$1"))),
    "filters": selected("r", [condition("match", "r", "^a"), condition("string.isEqual", "r", "b")]),
    "category": chain("r", "general.uniq"),
    "script": chain("r", "Weigh"),
    "script as filter": selected("r", [condition("Weigh", "r", "1")]),
    "pattern from the source": chain("r", ("replaceMatch", {"regex": cases.path("p")})),
    "pattern of a filter from the source": selected("r", [condition("match", "r", cases.path("p"))]),
    "no pattern": selected("r", [condition("match", "r")]),
}


@pytest.mark.parametrize("rule", GOOD.values(), ids=GOOD.keys())
def test_a_good_line_is_no_finding(rule, catalog):
    """MAP-017…045."""
    assert of_line(catalog, rule) == []


BAD = {
    "empty": ("", "note", "its expression is empty: it maps nothing"),
    "transformer": (chain("r", "uniqq"), "error", "unknown transformer 'uniqq'; did you mean 'uniq'?"),
    "transformer with a category": (chain("r", "a.uniqq"), "error", "unknown transformer 'a.uniqq'; did you mean 'uniq'?"),
    "nothing near": (chain("r", "Berthing"), "error", "unknown transformer 'Berthing'"),
    "filter": (selected("r", [condition("isBefor", "r", "1")]), "error", "unknown filter 'isBefor'; did you mean 'isBefore'?"),
    "JavaScript transformer": (chain("r", "TideTable"), "error", "the transformer 'TideTable' is a script in javascript, which casemirror does not run"),
    "JavaScript filter": (selected("r", [condition("TideTable", "r", "1")]), "error", "the filter 'TideTable' is a script in javascript, which casemirror does not run"),
}  # fmt: skip


@pytest.mark.parametrize(("rule", "level", "text"), BAD.values(), ids=BAD.keys())
def test_a_bad_line_is_a_finding(rule, level, text, catalog):
    """MAP-016, MAP-063."""
    assert of_line(catalog, rule) == [(level, text)]


@pytest.mark.parametrize(
    ("rule", "operator"),
    [
        (selected("r", [condition("match", "r", "a{2,1}")]), "match"),
        (chain("r", ("replaceMatch", cases.args(regex="(a", replaceWith=""))), "replaceMatch"),
    ],
)
def test_a_pattern_that_cannot_be_read_is_an_error(rule, operator, catalog):
    """MAP-037, MAP-056."""
    ((level, text),) = of_line(catalog, rule)
    assert level == "error"
    assert text.startswith(f"{operator}: the pattern cannot be read")


@pytest.mark.parametrize(
    ("key", "texts"),
    [
        ("Remark", []),
        ("remark", []),
        ("BERTH STATE", []),
        ("severity", []),
        ("dbotMirrorTags", []),
        ("Quarantin", ["no incident field has this name; did you mean 'Quarantine' or 'quarantine'?"]),
        ("Pilot", ["no incident field has this name"]),
        ("created", ["created is kept by casemirror itself; no mapper sets it"]),
        ("Created", ["created is kept by casemirror itself; no mapper sets it"]),
    ],
)
def test_an_incoming_line_must_set_a_field(key, texts, catalog):
    """MAP-070…072."""
    assert of_line(catalog, "r", key) == [("warning", text) for text in texts]


def test_an_outgoing_line_must_read_fields(catalog):
    """MAP-085, MAP-086; nothing is said of mirroring."""
    sections = {
        TYPE: {"a": "berthstate", "b": "unloadingsla.dueDate", "c": "CustomFields.remark", "d": "${name} ${crews}"}
    }
    text = "it reads 'crews', which is no field of an incident; did you mean 'crew'?"
    assert looked_over(catalog, sections, "mapper-out") == [("warning", TYPE, "d", text)]


def test_sections_of_types_that_nobody_gives_are_told(catalog):
    """MAP-100: types count that are installed or that a classifier gives."""
    lines = {name: dict(MIRRORED) for name in (COMMON, TYPE, "Ferry Call", "Any Call", "Raft Call")}
    text = "no such incident type is installed, and no classifier gives it: this section is never used"
    assert looked_over(catalog, lines) == [("warning", "Raft Call", "", text)]


def test_with_an_instance_its_own_types_count(catalog):
    """What is installed, but not given, is a note only."""
    lines = {name: dict(MIRRORED) for name in (COMMON, TYPE, "Ferry Call", "Raft Call")}
    never = "no such incident type is installed, and no classifier gives it: this section is never used"
    unused = "the instance never gives this incident type: this section is not used for what it fetches"
    assert looked_over(catalog, lines, types=["Raft Call"]) == [
        ("note", TYPE, "", unused),
        ("warning", "Ferry Call", "", never),
    ]


def test_a_mapper_without_sections_maps_nothing(catalog):
    assert looked_over(catalog, {}) == [("error", "", "", "it has no section, so it maps nothing")]


@pytest.mark.parametrize(
    ("sections", "found"),
    [
        ({TYPE: MIRRORED}, {}),
        ({COMMON: MIRRORED, TYPE: {"name": "n"}}, {}),
        ({COMMON: {"name": "n"}, TYPE: MIRRORED}, {}),
        ({COMMON: {"name": "n"}}, {"dbot_classification_incident_type_all": "dbotMirrorId, dbotMirrorInstance, dbotMirrorDirection"}),
        ({COMMON: {"dbotMirrorId": "id"}, TYPE: {"dbotMirrorDirection": "d"}}, {TYPE: "dbotMirrorInstance"}),
    ],
)  # fmt: skip
def test_what_keeps_incidents_from_mirroring_is_told(sections, found, catalog):
    """mirroring.md §3.1: all three names, from the common section and the type's own together."""
    told = {section: text for _, section, _, text in looked_over(catalog, sections)}
    assert told.keys() == found.keys()
    for section, names in found.items():
        assert told[section].startswith(
            f"this mapper will not mirror because it does not set {names}; only an integration"
        )


def test_a_schema_knows_remote_names(catalog):
    """MAP-102: what an outgoing mapper sends is a warning, what an incoming one reads a note."""
    outgoing = {TYPE: {"state": "berthstate", "titel": "name", "x": "name"}}
    assert looked_over(catalog, outgoing, "mapper-out", schema=SCHEMA) == [
        ("warning", TYPE, "titel", "the remote does not know 'titel', says its schema; did you mean 'title'?"),
        ("warning", TYPE, "x", "the remote does not know 'x', says its schema"),
    ]
    incoming = {TYPE: {**dict.fromkeys(MIRRORED, '"x"'), "Remark": "title", "name": "${state} ${stat}"}}
    assert looked_over(catalog, incoming, schema=SCHEMA) == [
        ("note", TYPE, "name", "the remote does not know 'stat', says its schema; did you mean 'state'?"),
    ]


@pytest.mark.parametrize("schema", [None, {}, {"Call": None}])
def test_without_a_schema_every_remote_name_is_good(schema, catalog):
    assert looked_over(catalog, {TYPE: {"x": "name"}}, "mapper-out", schema=schema) == []


def test_a_finding_is_told_once(catalog):
    """The same step twice in one line; a common line is not told again for each type."""
    assert len(of_line(catalog, chain("r", "uniqq", "uniqq"))) == 1
    sections = {COMMON: {**MIRRORED, "Pilot": "p"}, TYPE: {"name": "n"}}
    assert [section for _, section, _, _ in looked_over(catalog, sections)] == ["dbot_classification_incident_type_all"]


def test_findings_are_values():
    assert Finding(level=Level.NOTE, text="x") == Finding(level=Level("note"), section="", key="", text="x")
