"""Fields and types that people add, what they may write into them, how they search and close by them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from casemirror.actions import definitions, fields, incidents, packs, settings, users
from casemirror.content import items
from casemirror.content.catalog import Catalog
from casemirror.engine.app import App
from casemirror.model.actor import Actor, Role
from casemirror.model.errors import Conflict, Forbidden, Invalid, NotFound
from casemirror.model.incident import Status
from casemirror.store import incidents as store


def add(app: App, me: Actor, name: str, kind: str = "shortText", **more: Any) -> None:
    definitions.add_bodies(app, me, "incidentfield", [definitions.described(name, kind, **more)])


def test_a_field_of_ones_own_is_used_searched_and_removed(app: App, me: Actor) -> None:
    """content.md §5.1: display and machine name; what incidents hold keeps it from being removed."""
    add(app, me, "Risk Score (1-10)", "number")
    assert definitions.field(app, me, "riskscore110")[1] == definitions.LOCAL
    incident = incidents.create(app, me, {"name": "x", "Risk Score (1-10)": "7"})
    incidents.create(app, me, {"name": "y"})
    found = incidents.list_all(app, me, where=["Risk Score (1-10)>=7", "name~X"])
    assert [i.id for i, _ in found] == [incident.id]
    assert [i.name for i, _ in incidents.list_all(app, me, where=["riskscore110="])] == ["y"]
    with pytest.raises(Conflict, match="used by 1 incident"):
        definitions.remove(app, me, "incidentfield", "riskscore110")
    assert definitions.remove(app, me, "incidentfield", "riskscore110", force=True) == "Risk Score (1-10)"
    with pytest.raises(NotFound):
        definitions.field(app, me, "riskscore110")
    assert definitions.LOCAL not in {pack.id for pack in packs.list_all(app, me)}


def test_what_is_added_again_replaces_and_the_rest_stays(app: App, me: Actor) -> None:
    add(app, me, "Site", "singleSelect", options=["Berlin"], types=["T"])
    add(app, me, "Note two")
    add(app, me, "Site", "singleSelect", options=["Berlin", "Oslo"])
    assert definitions.field(app, me, "site")[0].select_values == ("Berlin", "Oslo")
    assert definitions.field(app, me, "notetwo")[0].name == "Note two"
    assert "Site" in {f.name for f in definitions.fields(app, me, "anything")}


def test_types_of_ones_own(app: App, me: Actor) -> None:
    """content.md §5.5."""
    body = {"id": "Lost laptop", "name": "Lost laptop", "color": "#fff"}
    definitions.add_bodies(app, me, "incidenttype", [body])
    add(app, me, "Serial", types=["Lost laptop"])
    found, pack, shown = definitions.type_(app, me, "Lost laptop")
    assert (found.name, pack) == ("Lost laptop", definitions.LOCAL)
    assert "Serial" in {f.name for f in shown}
    incidents.create(app, me, {"name": "x"}, type="Lost laptop")
    with pytest.raises(Conflict, match="1 incident"):
        definitions.remove(app, me, "incidenttype", "Lost laptop")
    definitions.add_bodies(app, me, "incidenttype", [{**body, "color": "#000"}])
    with pytest.raises(Conflict, match="already"):
        definitions.add_bodies(app, me, "incidenttype", [{"id": "other", "name": "Lost laptop"}])
    assert "Lost laptop" in {t.name for t in definitions.types(app, me)}


def test_a_file_may_hold_one_a_list_or_an_export(app: App, me: Actor, tmp_path: Path) -> None:
    """content.md §2.1: all three shapes."""
    body = {"id": "incident_alpha", "name": "Alpha", "cliName": "alpha", "type": "shortText", "group": 0}
    beta = {**body, "id": "incident_beta", "name": "Beta", "cliName": "beta"}
    for document in (body, [body, beta], {"incidentFields": [beta]}):
        file = tmp_path / "fields.json"
        file.write_text(json.dumps(document))
        assert definitions.add_file(app, me, "incidentfield", file)
    file.write_text(json.dumps([body, {**beta, "type": "colour"}]))
    with pytest.raises(Invalid, match=r"fields\.json \(\[1\]\.type\): 'colour' is none of"):
        definitions.add_file(app, me, "incidentfield", file)
    file.write_text("{oops")
    with pytest.raises(Invalid, match=r"fields\.json \(line 1, column 2\)"):
        definitions.add_file(app, me, "incidentfield", file)
    file.write_text("{}")
    with pytest.raises(Invalid, match="no incident field"):
        definitions.add_file(app, me, "incidentfield", file)


WRONG = [
    ({"name": "x", "kind": "colour"}, "none of shortText"),
    ({"name": "!!"}, "no letter or digit"),
    ({"name": "x", "kind": "grid"}, "JSON file"),
    ({"name": "x", "kind": "singleSelect"}, "needs options"),
]


@pytest.mark.parametrize(("given", "reason"), WRONG)
def test_a_description_that_cannot_be_is_refused(given: dict[str, Any], reason: str) -> None:
    with pytest.raises(Invalid, match=reason):
        definitions.described(**given)


def test_what_a_pack_brings_is_not_touched(app: App, me: Actor) -> None:
    """The first one installed counts; nothing is shadowed."""
    known = definitions.fields(app, me)[0]
    with pytest.raises(Conflict, match="there is a field"):
        add(app, me, "Something else", cli_name=known.cli_name)
    with pytest.raises(Conflict, match="there is a field"):
        add(app, me, known.name, cli_name="another")
    with pytest.raises(Conflict, match="every incident has"):
        add(app, me, "Owner", cli_name="owner")
    with pytest.raises(Conflict, match="comes with the pack"):
        definitions.remove(app, me, "incidentfield", known.name)
    with pytest.raises(NotFound):
        definitions.remove(app, me, "incidentfield", "nope")
    with pytest.raises(NotFound):
        definitions.type_(app, me, "nope")
    with pytest.raises(Invalid, match=r"\[1\]\.cliName"):
        bodies = [definitions.described("Fine"), {**definitions.described("Odd"), "cliName": "o-d"}]
        definitions.add_bodies(app, me, "incidentfield", bodies)
    with pytest.raises(Forbidden):
        add(app, Actor("ann", Role.ANALYST), "Mine")


def installed(app: App, me: Actor, folder: Path, name: str, body: dict[str, Any]) -> None:
    """A pack of one file."""
    (folder / f"{name}.json").write_text(json.dumps(body))
    packs.add(app, me, folder / f"{name}.json")


def test_no_pack_takes_the_place_of_what_was_added_here(app: App, me: Actor, tmp_path: Path) -> None:
    """A file or folder named local is no reason to lose one's own fields."""
    add(app, me, "Risk")
    with pytest.raises(Conflict, match="that of your own fields"):
        installed(app, me, tmp_path, "local", {"cliName": "other", "name": "Other", "type": "number"})
    assert definitions.field(app, me, "risk")[1] == definitions.LOCAL


def test_the_first_installed_stays_the_first(app: App, me: Actor, tmp_path: Path) -> None:
    """content.md §5.1: also when something is added to the local pack later."""
    add(app, me, "Risk", "number")
    app.clock.sleep(5)
    installed(app, me, tmp_path, "pack", {"id": "another", "cliName": "risk", "name": "Risk", "type": "longText"})
    app.clock.sleep(5)
    add(app, me, "Unrelated")
    assert definitions.field(app, me, "risk")[0].type == "number"
    definitions.remove(app, me, "incidentfield", "Unrelated")
    assert definitions.field(app, me, "risk")[0].type == "number"


def test_what_maps_or_classifies_keeps_it(app: App, me: Actor, tmp_path: Path) -> None:
    """Incoming mappers write fields by name in any case, outgoing ones read them; a remote name alike is no use of it."""
    for name in ("Risk One", "Risk Two", "Risk Three"):
        add(app, me, name)
    definitions.add_bodies(app, me, "incidenttype", [{"id": "Lost", "name": "Lost", "color": "#fff"}])
    lines = {"u_risk": {"simple": "riskone"}, "riskthree": {"simple": "severity"}}
    out = {"id": "m-out", "type": "mapping-outgoing", "mapping": {"T": {"internalMapping": lines}}}
    installed(app, me, tmp_path, "out", out)
    lines = {"RISK TWO": {"simple": "a"}}
    installed(app, me, tmp_path, "in", {**out, "id": "m-in", "type": "mapping-incoming", "mapping": {"T": {"internalMapping": lines}}})  # fmt: skip
    installed(app, me, tmp_path, "c", {"id": "c", "name": "c", "type": "classification", "keyTypeMap": {"a": "Lost"}})
    for kind, name, user in (
        ("incidentfield", "riskone", "mapper m-out"),
        ("incidentfield", "risktwo", "mapper m-in"),
        ("incidenttype", "Lost", "classifier c"),
    ):
        with pytest.raises(Conflict, match=f"used by {user}"):
            definitions.remove(app, me, kind, name)
    assert definitions.remove(app, me, "incidentfield", "riskthree") == "Risk Three"


def test_two_of_one_name_are_refused(app: App, me: Actor) -> None:
    """In one file, and when something that was added here gets the name of something else."""
    one, two = definitions.described("Risk"), {**definitions.described("Risk B"), "cliName": "risk"}
    with pytest.raises(Conflict, match="'Risk' and 'Risk B' have the same name"):
        definitions.add_bodies(app, me, "incidentfield", [one, two])
    add(app, me, "Risk")
    with pytest.raises(Conflict, match="every incident has"):
        definitions.add_bodies(app, me, "incidentfield", [{**one, "cliName": "owner", "name": "Boss"}])
    definitions.add_bodies(app, me, "incidentfield", [{**one, "type": "number"}])
    with pytest.raises(NotFound, match="did you mean risk"):
        definitions.field(app, me, "risc")
    with pytest.raises(NotFound, match="type list"):
        definitions.type_(app, me, "nothing alike at all")


def test_the_reason_of_a_closed_incident_can_be_changed(app: App, me: Actor) -> None:
    """A remote closes without the close form; what it lacks does not hinder a person afterwards."""
    incident = incidents.create(app, me, {"name": "x"})
    incidents.close(app, me, incident.id)
    body = {**definitions.described("Root cause"), "closeForm": True, "required": True}
    definitions.add_bodies(app, me, "incidentfield", [body])
    assert incidents.close(app, me, incident.id, reason="other").get("closeReason") == "Other"


def test_people_close_by_the_list_and_with_what_must_be_given(app: App, me: Actor) -> None:
    """content.md §5.6: in the list's own spelling; required fields of the close form first."""
    body = {**definitions.described("Root cause"), "closeForm": True, "required": True}
    definitions.add_bodies(app, me, "incidentfield", [body])
    incident = incidents.create(app, me, {"name": "x"})
    with pytest.raises(Invalid, match=r"none of False Positive, .*incident\.closereasons"):
        incidents.close(app, me, incident.id, reason="Bored")
    with pytest.raises(Invalid, match="first give Root cause"):
        incidents.close(app, me, incident.id, reason="resolved")
    incidents.edit(app, me, incident.id, {"rootcause": "dust"})
    closed = incidents.close(app, me, incident.id, reason="false positive")
    assert (closed.status, closed.get("closeReason")) == (Status.CLOSED, "False Positive")
    settings.put(app, me, "incident.closereasons", "")
    assert incidents.close(app, me, incident.id, reason="Bored").get("closeReason") == "Bored"


CONDITIONS = [
    ("severity>=high", ("severity", ">=", 3, False)),
    ("Severity = low", ("severity", "=", 1, False)),
    ("details~a=b", ("details", "~", "a=b", False)),
    ("details=a~b", ("details", "=", "a~b", False)),
    ("hosts!=ws-1", ("hosts", "!=", "ws-1", True)),
    ("hosts=", ("hosts", "=", "", False)),
    ("When<2026-01-02", ("when", "<", "2026-01-02T00:00:00Z", False)),
    ("done=yes", ("done", "=", True, False)),
]
CATALOG = Catalog.of(
    items.make("incidentfield", {"name": name, "cliName": name.lower(), "type": kind})
    for name, kind in [("Hosts", "multiSelect"), ("When", "date"), ("Done", "boolean"), ("Rows", "grid")]
)


@pytest.mark.parametrize(("text", "condition"), CONDITIONS)
def test_conditions_are_read_by_the_fields_type(text: str, condition: tuple[Any, ...]) -> None:
    found = fields.condition(text, CATALOG)
    assert (found.field, found.operator, found.value, found.is_list) == condition


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("severity", "FIELD=VALUE"),
        ("=x", "FIELD=VALUE"),
        ("hostz=x", "did you mean"),
        ("id=3", "no field"),
        ("severity=huge", "no number"),
        ("details>a", "no order"),
        ("When>soon", "no complete date"),
        ("Done~tr", "use = or !="),
        ("Rows>1", "no order"),
    ],
)
def test_conditions_that_make_no_sense_say_why(text: str, reason: str) -> None:
    with pytest.raises(Invalid, match=reason):
        fields.condition(text, CATALOG)


EDITS = [
    ("shortText", "text", "text"),
    ("longText", "two\nlines", "two\nlines"),
    ("markdown", "**b**", "**b**"),
    ("html", "<b>", "<b>"),
    ("url", "https://example.com", "https://example.com"),
    ("number", "4.5", 4.5),
    ("boolean", "no", False),
    ("date", "2 Jan 2026", "2026-01-02T00:00:00Z"),
    ("tagsSelect", "a, b", ["a", "b"]),
    ("role", '["Administrator"]', ["administrator"]),
    ("multiSelect", "A, b", ["a", "b"]),
    ("singleSelect", "A", "a"),
    ("user", "carol", "carol"),
    ("internal", {"any": 1}, {"any": 1}),
    ("internal", '[1, {"two": 2}]', [1, {"two": 2}]),
    ("internal", "{no JSON", "{no JSON"),
    ("grid", '[{"host": "ws-1", "up": "yes"}]', [{"host": "ws-1", "up": True}]),
    (
        "grid",
        '{"host": "ws-1", "up": "", "load": "5", "site": "A"}',
        [{"host": "ws-1", "up": "", "load": 5, "site": "a"}],
    ),
    ("timer", '{"sla": 5}', {"sla": 5}),
    ("timer", "5", {"sla": 5}),
]
COLUMNS = [
    {"key": "host", "required": True},
    {"key": "up", "type": "boolean"},
    {"key": "load", "type": "number"},
    {"key": "site", "type": "singleSelect", "selectValues": ["a"]},
    {"key": "page", "type": "url"},
    {"key": "tags", "type": "multiSelect", "selectValues": ["x", "y"]},
    {"key": "seen", "type": "date"},
]


def field_of(app: App, me: Actor, kind: str) -> None:
    """A field `f` of that kind."""
    body = {**definitions.described("F", "shortText"), "type": kind, "columns": COLUMNS, "selectValues": ["a", "b"]}
    definitions.add_bodies(app, me, "incidentfield", [body])


@pytest.mark.parametrize(("kind", "given", "stored"), EDITS, ids=[f"{kind}-{n}" for n, (kind, *_) in enumerate(EDITS)])
def test_every_kind_of_field_is_stored_and_searched(app: App, me: Actor, kind: str, given: Any, stored: Any) -> None:
    """content.md §5.2."""
    users.add(app, me, "carol")
    field_of(app, me, kind)
    incident = incidents.create(app, me, {"name": "x", "F": given})
    value = incident.get("f")
    assert (value["sla"] == 5) if isinstance(value, dict) and kind == "timer" else value == stored
    incidents.create(app, me, {"name": "without"}, labels={})
    assert incident.id in [i.id for i, _ in incidents.list_all(app, me, where=["F!="])]
    emptied = incidents.edit(app, me, incident.id, {"F": ""}).get("f")
    assert not emptied or kind == "timer"


REFUSED = [
    ("number", "many", "no number"),
    ("boolean", "perhaps", "neither true nor false"),
    ("date", "soon", "no complete date"),
    ("singleSelect", "c", "none of a, b"),
    ("multiSelect", "a,new", "'new' is none of a, b"),
    ("role", "boss", "none of read-only, analyst, administrator"),
    ("url", "not an address", "https://"),
    ("url", "www.example.com", "https://"),
    ("url", "http://[", "https://"),
    ("user", "nobody", "there is no user"),
    ("attachments", '[{"name": "x"}]', "incident attach"),
    ("grid", "text", "no table"),
    ("grid", '[{"host": "x", "hots": 1}]', "no column 'hots'; there are host, up, load"),
    ("grid", '[{"up": "yes"}]', "column 'host' must be given"),
    ("grid", '[{"host": "x", "up": "perhaps"}]', "neither true nor false"),
    ("grid", '[{"host": "x", "load": "much"}]', "row 1: load: "),
    ("grid", '[{"host": "x"}, {"host": "y", "site": "b"}]', "row 2: site: 'b' is none of a"),
    ("grid", '[{"host": "x", "page": "www"}]', "row 1: page: "),
    ("grid", '[{"host": "x", "tags": "x,z"}]', "row 1: tags: 'z' is none of x, y"),
    ("grid", '[{"host": "x", "seen": "soon"}]', "row 1: seen: "),
    ("timer", "soon", "no complete date"),
    ("timer", '{"slaa": 5}', "no 'slaa'; there are runStatus"),
    ("timer", '{"runStatus": "ended"}', "does not start or stop"),
    ("timer", '{"sla": "x"}', "f.sla: 'x' is no number"),
    ("timer", '{"sla": true}', "f.sla: True is no number"),
    ("timer", '{"breachTriggered": 1}', "neither true nor false"),
    ("timer", '{"dueDate": "soon"}', r"f\.dueDate: 'soon' is no|f\.dueDate: .*no complete date"),
]


@pytest.mark.parametrize(("kind", "given", "reason"), REFUSED)
def test_what_a_field_cannot_hold_is_refused(app: App, me: Actor, kind: str, given: Any, reason: str) -> None:
    """content.md §5.2, §5.3: people are told, while mappers only lose the field."""
    field_of(app, me, kind)
    with pytest.raises(Invalid, match=reason):
        incidents.create(app, me, {"name": "x", "F": given})


def test_what_a_remote_wrote_may_stay(app: App, me: Actor) -> None:
    """content.md §5.1: mapped values need not be options; an edit of something else does not stumble over them."""
    for kind, held in (
        ("multiSelect", ["theirs"]),
        ("singleSelect", "theirs"),
        ("role", ["theirs"]),
        ("url", "theirs"),
    ):
        field_of(app, me, kind)
        incident = incidents.create(app, me, {"name": "x"})
        with app.store.write() as tx:
            store.save(tx, incident.id, incident.version, now=app.clock.now(), fields={"f": held})
        assert incidents.edit(app, me, incident.id, {"F": held, "name": "y"}).get("f") == held
    field_of(app, me, "multiSelect")
    incident = incidents.create(app, me, {"name": "x"})
    with app.store.write() as tx:
        store.save(tx, incident.id, incident.version, now=app.clock.now(), fields={"f": ["theirs"]})
    assert incidents.edit(app, me, incident.id, {"F": "theirs,B"}).get("f") == ["theirs", "b"]


def test_a_timer_that_was_shown_can_be_given_back(app: App, me: Actor) -> None:
    """Its run status among the parts, as long as it is the same."""
    field_of(app, me, "timer")
    incident = incidents.create(app, me, {"name": "x", "F": '{"sla": 5}'})
    shown = incident.get("f")
    assert isinstance(shown, dict) and shown["runStatus"] == "idle"
    edited = incidents.edit(app, me, incident.id, {"F": json.dumps({**shown, "dueDate": "2026-01-02"})}).get("f")
    assert edited == {**shown, "dueDate": "2026-01-02T00:00:00Z"}


def test_a_field_of_choices_in_a_file_needs_some(app: App, me: Actor) -> None:
    body = {**definitions.described("Site"), "type": "multiSelect"}
    with pytest.raises(Invalid, match="selectValues: a multiSelect needs options"):
        definitions.add_bodies(app, me, "incidentfield", [body])
    definitions.add_bodies(app, me, "incidentfield", [{**body, "openEnded": True}])
