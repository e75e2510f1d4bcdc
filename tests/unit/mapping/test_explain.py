"""What a mapper does with one object, line by line."""

from __future__ import annotations

import pytest

from casemirror.content import items
from casemirror.content.catalog import Catalog
from casemirror.mapping.explain import explain_in, explain_out
from casemirror.mapping.incoming import map_in
from casemirror.mapping.outgoing import map_out
from casemirror.mapping.value import NOTHING
from support import mapping_cases as cases
from support.mapping_cases import CALL, COMMON, TYPE, chain, condition, selected

EVENT = {"ship": "Aurora", "risk": "high seas", "depth": "7", "berths": [{"no": 4}, {"no": 5, "side": "lee"}]}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.of([items.make("incidentfield", body) for body in cases.field_bodies()])


def mapper(sections, kind="mapper-in"):
    return items.parse(kind, {"id": "m", "mapping": cases.mapping_of(sections)})


def line_of(catalog, rule, key="Remark", **how):
    """The one line of an incoming mapper, at work on EVENT."""
    _, (line,) = explain_in(EVENT, mapper({TYPE: {key: rule}}), TYPE, catalog, **how)
    return line


def steps_of(line):
    """Kind, name, what came in and went out."""
    return [(step.kind, step.name, step.before, step.after) for step in line.steps]


def test_a_path_is_fetched_and_cast(catalog):
    """MAP-001, MAP-080."""
    line = line_of(catalog, "depth", "Draught")
    assert steps_of(line) == [("path", "", NOTHING, "7"), ("cast", "number", "7", 7)]
    assert (line.rule.key, line.rule.path, line.rule.section) == ("Draught", "depth", TYPE)
    assert (line.target, line.kind, line.result, line.warning) == ("draught", "number", 7, "")


def test_filters_and_transformers_are_steps(catalog):
    """MAP-026, MAP-039: one step for each element and each operator, with what the operator was told."""
    rule = selected("berths", [condition("isEqualString", "berths.side", "lee")], accessor="no")
    rule["complex"]["transformers"] = chain("", ("addition", cases.args(by="2")))["complex"]["transformers"]
    line = line_of(catalog, rule, "Draught")
    assert steps_of(line) == [
        ("filter", "isEqualString", NOTHING, False),
        ("filter", "isEqualString", "lee", True),
        ("path", "berths.no", NOTHING, 5),
        ("transformer", "addition", 5, 7),
        ("cast", "number", 7, 7),
    ]
    assert [dict(step.args) for step in line.steps[:4]] == [{"right": "lee"}, {"right": "lee"}, {}, {"by": "2"}]


def test_a_line_without_a_source_gives_nothing_and_says_no_more(catalog):
    """MAP-003, MAP-076."""
    line = line_of(catalog, "tug")
    assert steps_of(line) == [("path", "", NOTHING, NOTHING)]
    assert (line.result, line.warning) == (NOTHING, "")


def test_a_failing_operator_is_the_last_step(catalog):
    """MAP-078: nothing comes out of it, and its reason is the line's."""
    line = line_of(catalog, chain("risk", "floor", "toUpperCase"))
    assert [step.kind for step in line.steps] == ["path", "transformer"]
    assert line.steps[-1].error == line.warning == "'high seas' is no number"
    assert line.result is NOTHING


def test_a_failing_cast_is_a_reason(catalog):
    """MAP-080."""
    line = line_of(catalog, "risk", "Draught")
    assert steps_of(line) == [("path", "", NOTHING, "high seas")]
    assert (line.result, line.warning) == (NOTHING, "'high seas' is no number")


def test_an_unknown_field_has_no_target(catalog):
    """MAP-072: the line is not even evaluated."""
    line = line_of(catalog, "ship", "Pilot")
    assert (line.target, line.kind, line.steps, line.result) == ("", "", (), NOTHING)
    assert line.warning == "no incident field has this name"


def test_a_protected_field_is_told(catalog):
    """mirroring.md §4.3.2."""
    line = line_of(catalog, "ship", "status")
    assert (line.target, line.kind, line.steps, line.result) == ("", "protected", (), NOTHING)
    assert line.warning == "status is kept by casemirror itself; no mapper sets it"


def test_null_empties_when_it_shall(catalog):
    """MAP-076; mirroring.md §4.3.1."""
    sections = mapper({TYPE: {"Remark": "r"}})
    _, (line,) = explain_in({"r": None}, sections, TYPE, catalog, null_empties=True)
    assert line.result == ""
    _, (line,) = explain_in({"r": None}, sections, TYPE, catalog)
    assert line.result is None


def test_lines_stand_in_the_mappers_order_common_ones_first(catalog):
    """MAP-073: each applicable line once, and what comes out is what `map_in` gives."""
    found = mapper(
        {TYPE: {"severity": "risk", "Remark": "ship"}, "Raft Call": {"name": "ship"}, COMMON: {"Remark": "x"}}
    )
    mapped, lines = explain_in(EVENT, found, TYPE, catalog)
    assert [(line.rule.section == TYPE, line.rule.key) for line in lines] == [
        (False, "Remark"),
        (True, "severity"),
        (True, "Remark"),
    ]
    assert mapped == map_in(EVENT, found, TYPE, catalog)


def test_a_mapper_without_lines_explains_nothing(catalog):
    mapped, lines = explain_in(EVENT, mapper({}), TYPE, catalog)
    assert (mapped.fields, lines) == ({}, ())


def test_an_outgoing_line_sets_a_remote_name():
    """MAP-085…091: nothing is cast; what comes out is what `map_out` gives."""
    incident = {**CALL["CustomFields"], **CALL, "closeReason": "Left"}
    rules = {"state": "berthstate", "class": cases.CLASS, "left": cases.LEFT, "bad": chain("name", "floor")}
    found = mapper({TYPE: rules}, "mapper-out")
    how = {"dirty": ["berthstate"], "passthrough": cases.PASSED_ON}
    mapped, lines = explain_out(incident, found, TYPE, **how)
    assert mapped == map_out(incident, found, TYPE, **how)
    state, kind, left, bad = lines
    assert [(line.target, line.kind) for line in lines] == [(name, "") for name in rules]
    assert (steps_of(state), state.result) == ([("path", "", NOTHING, "moored")], "moored")
    assert [step.name for step in kind.steps] == ["severity", "replace"]
    assert ([step.after for step in left.steps], left.result) == ([False, NOTHING], NOTHING)
    assert (bad.result, bad.warning) == (NOTHING, "'Aurora at pier 4' is no number")
