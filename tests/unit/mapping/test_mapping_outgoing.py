"""Outgoing mapping beyond content.md §9 (mirroring.md §3.5, §4.4; MIR-146…158); those cases are in `test_contract.py`."""

import pytest

from casemirror.content import items
from casemirror.mapping.outgoing import map_out, readable_fields

PASS = ("closeReason", "closeNotes", "closingUserId", "owner")


def mapper(sections):
    mapping = {
        items.COMMON if name == "*" else name: {
            "internalMapping": {k: {"simple": v} if isinstance(v, str) else v for k, v in rules.items()}
        }
        for name, rules in sections.items()
    }
    return items.parse("mapper-out", {"id": "m", "type": "mapping-outgoing", "mapping": mapping})


def chain(root, *transformers):
    return {"complex": {"root": root, "transformers": [
        {"operator": name, "args": {k: {"value": {"simple": v}} for k, v in given.items()}} for name, given in transformers]}}  # fmt: skip


def out(source, sections, dirty=(), passthrough=PASS, incident_type="T"):
    return map_out(source, mapper(sections), incident_type, dirty=set(dirty), passthrough=passthrough)


DATA = {
    "CustomFields spelt out": ({"T": {"status": "CustomFields.xdrstatus"}}, {"status": "new"}),
    "a zero time is no value": ({"T": {"closed_at": "closed", "name": "name"}}, {"name": "N"}),
}


@pytest.mark.parametrize(("sections", "data"), DATA.values(), ids=DATA.keys())
def test_outgoing_data(sections, data, i0):
    """mirroring.md §4.4."""
    mapped = out(i0, sections)
    assert (mapped.data, mapped.delta, mapped.warnings) == (data, {}, ())


def test_a_dirty_field_that_reaches_no_key_is_in_no_delta(i0):
    """mirroring.md §3.5.7, MIR-148."""
    assert out(i0, {"T": {"status": "xdrstatus"}}, dirty=["details"]).delta == {}


def test_without_a_mapper_delta_has_no_name_of_the_engine(i0):
    """MIR-149, MIR-156: and names that only the engine writes are in no delta."""
    mapped = map_out(
        {**i0, "dbotDirtyFields": ["x"], "dbotMirrorId": "R"},
        None,
        "T",
        dirty={"xdrstatus", "severity", "dbotMirrorId", "gone"},
        passthrough=PASS,
    )
    assert mapped.delta == {"xdrstatus": "new", "severity": 2, "gone": ""}
    assert mapped.data == {**i0, "dbotMirrorId": "R"}


def test_the_mapper_wins_over_a_pass_through_name(i0):
    """MIR-152."""
    mapped = out({**i0, "owner": "bo"}, {"T": {"owner": "name"}}, dirty=["owner"])
    assert mapped.data == {"owner": "N"}
    assert mapped.delta == {}


def test_emptied_fields_go_out_empty(i0):
    """mirroring.md §3.5.5, MIR-151."""
    source = {**i0, "owner": "", "hosts": [], "note": None}
    rules = {"T": {"h": "hosts", "n": "note", "g": "gone", "s": "xdrstatus"}}
    mapped = out(source, rules, dirty=["owner", "hosts", "note", "gone"])
    assert mapped.delta == {"owner": "", "h": [], "n": None, "g": ""}
    assert mapped.data == {"s": "new", "h": [], "n": None, "g": ""}
    assert out(source, rules).data == {"s": "new"}


def test_delta_has_the_value_that_data_has(i0):
    """MIR-147, content#20620 inverted: a filter or argument that needs an unchanged field sees it."""
    rule = {"complex": {
        "root": "xdrstatus",
        "filters": [[{"operator": "isEqualString", "left": {"isContext": True, "value": {"simple": "name"}}, "right": {"value": {"simple": "N"}}}]],
        "transformers": [{"operator": "concat", "args": {"suffix": {"isContext": True, "value": {"simple": "severity"}}}}],
    }}  # fmt: skip
    for dirty in ("xdrstatus", "name", "severity"):
        mapped = out(i0, {"T": {"status": rule}}, dirty=[dirty])
        assert mapped.delta == mapped.data == {"status": "new2"}


def test_a_failing_transformer_leaves_the_key_out(i0):
    """mirroring.md §4.4.4."""
    mapped = out(i0, {"T": {"bad": chain("name", ("floor", {})), "ok": "name"}}, dirty=["name"])
    assert mapped.data == mapped.delta == {"ok": "N"}
    assert [(w.field, w.operator) for w in mapped.warnings] == [("bad", "floor")]


def test_sources_are_what_the_applicable_sections_read(i0):
    """mirroring.md §3.5.2: fields whose change must be pushed."""
    sections = {"*": {"a": "name"}, "T": {"b": "CustomFields.xdrstatus", "c": "${owner}/x"}, "Other": {"d": "details"}}
    assert readable_fields(mapper(sections), "T") == {"name", "xdrstatus", "owner"}
    assert out(i0, sections).sources == {"name", "xdrstatus", *PASS}
    assert readable_fields(mapper(sections), "Unknown") == {"name"}
    assert readable_fields(None, "T") is None
