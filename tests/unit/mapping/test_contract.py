"""MAP-001…MAP-102 as pure functions: every statement of content.md §9, table by table.

`tests/acceptance/test_cli_map.py` runs the same tables through the command.
"""

from __future__ import annotations

import copy
import json

import pytest

from casemirror.content import items, kinds
from casemirror.content.catalog import Catalog
from casemirror.content.loading import load
from casemirror.mapping.classify import classify
from casemirror.mapping.compiling import compile_expression
from casemirror.mapping.expressions import produce
from casemirror.mapping.incoming import map_in
from casemirror.mapping.labels import labels_for
from casemirror.mapping.objects import map_object
from casemirror.mapping.outgoing import map_out
from casemirror.mapping.schema import paths_of
from casemirror.mapping.value import NOTHING
from support import mapping_cases as cases
from support.mapping_cases import CALL, TYPE


@pytest.fixture(scope="module")
def catalog():
    return Catalog.of([items.make("incidentfield", body) for body in cases.field_bodies()])


def table(names, rows):
    """A parametrization whose ids are the statements."""
    return pytest.mark.parametrize(names, [row[1:] for row in rows], ids=[row[0] for row in rows])


def mapper(sections, kind="mapper-in"):
    return items.parse(kind, {"id": "m", "mapping": cases.mapping_of(sections)})


@table(("expression", "source", "result"), cases.EXPRESSIONS)
def test_an_expression_gives_its_value(expression, source, result):
    """MAP-001…062: the value with its JSON type; the source stays as it was."""
    before = copy.deepcopy(source)
    found = produce(compile_expression(expression), source)
    assert source == before
    assert (None if found is NOTHING else found) == result
    assert found is NOTHING or type(found) is type(result)


@table(("expression", "source", "operator", "expected"), cases.FAILING)
def test_a_failing_operator_costs_its_field_only(expression, source, operator, expected, catalog):
    """MAP-063, MAP-078, MIR-115: the warning names mapper, type, field and operator."""
    mapped = map_in(source, mapper({TYPE: {"Remark": expression, "name": '"Aurora"'}}), TYPE, catalog)
    assert mapped.fields == {"name": "Aurora"}
    (warning,) = mapped.warnings
    assert (warning.mapper, warning.type, warning.field, warning.operator) == ("m", TYPE, "Remark", operator)
    assert warning.expected is expected
    assert all(word in str(warning) for word in ("'m'", TYPE, "Remark", operator))


@table(("body", "event", "of_instance", "of_integration", "result"), cases.CLASSIFIED)
def test_an_event_gets_its_type(body, event, of_instance, of_integration, result):
    """MAP-064…069."""
    classifier = items.parse("classifier", {"id": "c", **body}) if body else None
    assert classify(event, classifier, of_instance, of_integration) == result


@table(("sections", "event", "expected"), cases.INCOMING)
def test_an_event_is_mapped_in(sections, event, expected, catalog):
    """MAP-070…084, MAP-100, MAP-101."""
    found, incident_type = mapper(sections), expected.get("type", TYPE)
    mapped = map_in(event, found, incident_type, catalog)
    assert mapped.fields == mapped.told == expected["fields"]
    assert mapped.mirror == expected.get("mirror", {})
    assert [warning.field for warning in mapped.warnings] == expected.get("warned", [])
    if "labels" in expected:
        labels = labels_for(event, found, incident_type, brand=cases.BRAND, instance=cases.INSTANCE)
        assert list(labels) == expected["labels"]


@table(("sections", "beside", "changed", "data", "delta"), cases.OUTGOING)
def test_an_incident_is_mapped_out(sections, beside, changed, data, delta):
    """MAP-085…091, MAP-093, MAP-094; MIR-146, MIR-150, MIR-153, MIR-158."""
    incident = {**CALL["CustomFields"], **CALL, **beside}
    found = mapper(sections, "mapper-out")
    mapped = map_out(incident, found, incident["type"], dirty=changed, passthrough=cases.PASSED_ON)
    assert (mapped.data, mapped.delta, mapped.warnings) == (data, delta, ())


def test_without_a_mapper_delta_has_local_names():
    """MAP-092."""
    _, changed, delta = cases.UNMAPPED
    incident = {**CALL["CustomFields"], **CALL}
    assert map_out(incident, None, TYPE, dirty=changed, passthrough=cases.PASSED_ON).delta == delta


@table(("body", "expected"), cases.KINDS)
def test_the_kind_of_an_item_is_told_by_its_content(body, expected):
    """MAP-095."""
    assert [kind for kind, _ in kinds.bodies(body)] == expected


def write_pack(folder, bodies):
    """A pack folder with these mappers and classifiers."""
    (folder / "Classifiers").mkdir(parents=True)
    (folder / "pack_metadata.json").write_text(json.dumps({"name": "Harbour", "currentVersion": "1.0.0"}))
    for number, body in enumerate(bodies):
        (folder / "Classifiers" / f"file-{number}.json").write_text(json.dumps(body))
    return folder


@table(("bounds", "is_loaded"), cases.BOUNDS)
def test_only_items_for_this_server_are_loaded(bounds, is_loaded, tmp_path):
    """MAP-096."""
    (pack,) = load(write_pack(tmp_path / "Harbour", [{**cases.REFERRED[0], **bounds}]))
    assert [item.id for item in pack.items] == ["decoy"] * is_loaded


def test_two_files_share_an_id_in_disjoint_ranges(tmp_path):
    """MAP-096: the one for this server is loaded."""
    old = {**cases.LEGACY, "id": "harbour", "toVersion": "5.9.9"}
    new = {"id": "harbour", "fromVersion": "6.0.0", **cases.SHIP_KINDS}
    (pack,) = load(write_pack(tmp_path / "Harbour", [old, new]))
    assert [(item.kind, item.id) for item in pack.items] == [("classifier", "harbour")]
    assert pack.problems == ()


@table(("reference", "expected"), cases.REFERENCES)
def test_a_reference_is_an_id_before_it_is_a_name(reference, expected):
    """MAP-097."""
    indexed = Catalog.of([items.make("mapper-in", body) for body in cases.REFERRED])
    integration = items.parse("integration", {"name": "H", "defaultmapperin": reference, "script": {}})
    found = indexed.find_mapper(integration.default_mapper_in)
    assert (found.id if found else "") == expected


def test_a_legacy_item_is_a_classifier_and_a_mapper():
    """MAP-098: both are bound by the integration's id."""
    made = [items.make(kind, body) for kind, body in kinds.bodies(cases.LEGACY)]
    assert [(item.kind, item.id) for item in made] == [("classifier", "harbour-v1"), ("mapper-in", "harbour-v1")]
    classifier, incoming = (items.parse(item.kind, item.body) for item in made)
    assert (classifier.brand, incoming.brand) == (cases.BRAND, cases.BRAND)
    assert classify({"kind": "tanker"}, classifier) == "Tanker Call"
    assert classify({"kind": "raft"}, classifier) == TYPE
    assert list(incoming.sections) == ["Tanker Call"]


@table(("kind", "sections", "source", "incident_type", "result"), cases.OBJECTS)
def test_an_object_is_mapped_flat(kind, sections, source, incident_type, result, catalog):
    """MAP-099."""
    assert map_object(source, mapper(sections, kind), incident_type, catalog) == result


@table(("schema", "expected"), cases.SCHEMAS)
def test_a_schema_gives_paths(schema, expected):
    """MAP-102."""
    assert {name: list(paths) for name, paths in paths_of(schema).items()} == expected


def test_every_statement_has_a_case():
    """content.md §9: none of the 102 is forgotten."""
    rows = [
        *(cases.EXPRESSIONS + cases.FAILING + cases.CLASSIFIED + cases.INCOMING + cases.OUTGOING + [cases.UNMAPPED]),
        *(cases.KINDS + cases.BOUNDS + cases.REFERENCES + [("MAP-098",)] + cases.OBJECTS + cases.SCHEMAS),
    ]
    assert {row[0].split()[0] for row in rows} == {f"MAP-{number:03}" for number in range(1, 103)}
