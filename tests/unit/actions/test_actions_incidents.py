"""What a person does to an incident is saved, audited, and on its way out in the same transaction."""

from __future__ import annotations

import io
from typing import Any

import pytest

from casemirror.actions import case, incidents, links, settings, warroom
from casemirror.engine.app import App
from casemirror.model.actor import Actor, Role
from casemirror.model.errors import BadRequest, Conflict, Forbidden, Invalid, NotFound
from casemirror.model.ids import IncidentId
from casemirror.model.incident import Incident, Status
from casemirror.model.link import Direction, Link, LinkState
from casemirror.store import audit, entries
from casemirror.store import incidents as store
from casemirror.store import links as link_store
from support.scripted import NOW


def made(app: App, me: Actor, **fields: Any) -> Incident:
    """An incident without a link."""
    return incidents.create(app, me, {"name": "Printer on fire", **fields})


def mirrored(app: App, me: Actor, snow: str, **fields: Any) -> tuple[Incident, Link]:
    """An incident that is linked, agrees with its remote, and has nothing to do."""
    incident = made(app, me, **fields)
    link = links.add(app, me, incident.id, snow, remote_id="R1", tags=("comments",))
    with app.store.write() as tx:
        link_store.save(tx, link.id, base=incident.fields, pulled=link.named, out_status=int(incident.status))
        link_store.finish(tx, link.id, link.wanted)
    return incident, link_of(app, incident.id)


def link_of(app: App, incident_id: IncidentId) -> Link:
    """The primary link."""
    with app.store.read() as tx:
        found = link_store.primary_of(tx, incident_id)
    assert found is not None
    return found


def is_due(link: Link) -> bool:
    """A person waits for it."""
    return link.wanted > link.done and link.due_at == NOW and link.priority == 0


def test_an_edit_is_saved_audited_and_due_at_once(app: App, me: Actor, snow: str) -> None:
    """MIR-137; issue: outbound starts within a second."""
    incident, link = mirrored(app, me, snow)
    assert not is_due(link)
    edited = incidents.edit(app, me, incident.id, {"severity": "high", "Details": "Third floor"})
    assert (edited.version, edited.get("severity"), edited.get("details")) == (incident.version + 1, 3, "Third floor")
    assert is_due(link_of(app, incident.id))
    with app.store.read() as tx:
        last = audit.list_all(tx, limit=1)[0]
    assert (last["actor"], last["verb"], last["detail"]["fields"]) == (
        "carol",
        "incident.edited",
        ["details", "severity"],
    )
    assert last["detail"]["changes"] == {
        "details": {"old": incident.get("details"), "new": "Third floor"},
        "severity": {"old": incident.get("severity"), "new": 3},
    }


def test_an_edit_that_changes_nothing_writes_nothing(app: App, me: Actor, snow: str) -> None:
    """MIR-139."""
    incident, _ = mirrored(app, me, snow)
    assert incidents.edit(app, me, incident.id, {"name": "Printer on fire"}).version == incident.version
    assert not is_due(link_of(app, incident.id))


def test_a_waiting_link_is_tried_at_once_after_a_change(app: App, me: Actor, snow: str) -> None:
    """MIR-160: at once after a new local change; a held link, too."""
    incident, link = mirrored(app, me, snow)
    with app.store.write() as tx:
        link_store.save(tx, link.id, tries=5, state=LinkState.HELD, held_reason="stuck")
    incidents.edit(app, me, incident.id, {"name": "x"})
    again = link_of(app, incident.id)
    assert (again.tries, again.state, again.held_reason) == (0, LinkState.ACTIVE, "")
    assert is_due(again)


def test_edits_of_mirror_fields_change_the_link_and_no_field(app: App, me: Actor, snow: str) -> None:
    """MIR-156, MIR-177."""
    incident, link = mirrored(app, me, snow)
    same = incidents.edit(app, me, incident.id, {"dbotMirrorTags": "a, b", "dbotMirrorDirection": "out"})
    changed = link_of(app, incident.id)
    assert (same.version, changed.id, changed.tags, changed.direction) == (
        incident.version,
        link.id,
        ("a", "b"),
        Direction.OUT,
    )
    assert changed.base == link.base


def test_another_remote_id_is_another_link(app: App, me: Actor, snow: str) -> None:
    """mirroring.md §3.1: one remote object ↔ one incident; what was agreed with the old one is worth nothing."""
    incident, _ = mirrored(app, me, snow)
    incidents.edit(app, me, incident.id, {"dbotMirrorId": "R2"})
    changed = link_of(app, incident.id)
    assert (changed.remote_id, changed.tags, changed.base, changed.linked_later) == ("R2", ("comments",), {}, True)
    incidents.edit(app, me, incident.id, {"dbotMirrorInstance": ""})
    assert links.list_all(app, me, incident.id) == []
    with pytest.raises(Invalid, match="together"):
        incidents.edit(app, me, incident.id, {"dbotMirrorId": "R2"})


def test_an_incident_can_be_created_linked(app: App, me: Actor, snow: str) -> None:
    """MIR-179: instance and direction without id: the remote object is to be created."""
    incident = made(app, me, dbotMirrorInstance=snow, dbotMirrorDirection="Both", dbotMirrorTags="comments")
    link = link_of(app, incident.id)
    assert (link.remote_id, link.direction, link.tags) == ("", Direction.BOTH, ("comments",))
    assert is_due(link)


def test_a_close_stops_timers_and_is_due(app: App, me: Actor, snow: str) -> None:
    """MIR-153; mirroring.md §4.5."""
    incident, _ = mirrored(app, me, snow)
    with app.store.write() as tx:
        store.save(
            tx, incident.id, incident.version, now=NOW, fields={"timetoassign": {"runStatus": "running", "sla": 5}}
        )
    closed = incidents.close(app, me, incident.id, reason="Resolved", notes="New printer")
    assert (closed.status, closed.closed_at) == (Status.CLOSED, NOW)
    assert [closed.get(n) for n in ("closeReason", "closeNotes", "closingUserId")] == [
        "Resolved",
        "New printer",
        "carol",
    ]
    timer = closed.get("timetoassign")
    assert isinstance(timer, dict) and (timer["runStatus"], timer["sla"]) == ("ended", 5)
    assert is_due(link_of(app, incident.id))


def test_closing_a_closed_incident_changes_reason_and_notes_only(app: App, me: Actor) -> None:
    """mirroring.md §4.5: the time of the close and who closed it stay."""
    incident = made(app, me)
    incidents.close(app, Actor("dave", Role.ANALYST), incident.id, reason="Other")
    app.clock.sleep(60)
    again = incidents.close(app, me, incident.id, reason="Duplicate")
    assert (again.closed_at, again.get("closingUserId"), again.get("closeReason")) == (NOW, "dave", "Duplicate")


def test_a_reopen_empties_the_close_and_revives_purged_links(app: App, me: Actor, snow: str) -> None:
    """MIR-128, MIR-155, MIR-188."""
    incident, link = mirrored(app, me, snow)
    incidents.close(app, me, incident.id, reason="Resolved")
    with app.store.write() as tx:
        link_store.save(tx, link.id, state=LinkState.PURGED, out_status=int(Status.CLOSED))
    opened = incidents.reopen(app, me, incident.id)
    assert (opened.status, opened.closed_at, opened.get("closeReason")) == (Status.ACTIVE, None, "")
    revived = link_of(app, incident.id)
    assert (revived.state, revived.reopened_here, revived.remote_closed) == (LinkState.ACTIVE, True, True)
    assert revived.named > revived.pulled
    with pytest.raises(Conflict):
        incidents.reopen(app, me, incident.id)


def test_a_pending_incident_shows_what_came_in_once_it_is_opened(app: App, me: Actor, snow: str) -> None:
    """MIR-120, MIR-173."""
    settings.put(app, me, "incidents.create.active", "false")
    incident, link = mirrored(app, me, snow)
    assert incident.status is Status.PENDING
    with app.store.write() as tx:
        new = warroom.NewEntry(contents="came in", link_id=link.id)
        entries.add(tx, incident.id, new, NOW, held=True)
    assert case.show(app, me, incident.id).entries == ()
    said = warroom.comment(app, me, incident.id, "waits", tags=["comments"])
    assert (said.goes_to, said.waits) == (("snow",), "the incident is pending")
    incidents.open_(app, me, incident.id)
    assert [e.contents for e in case.show(app, me, incident.id).entries] == ["came in", "waits"]
    with pytest.raises(Conflict):
        incidents.open_(app, me, incident.id)


def test_only_what_bears_a_tag_of_the_link_makes_it_due(app: App, me: Actor, snow: str) -> None:
    """MIR-162…165, MIR-171."""
    incident, _ = mirrored(app, me, snow)
    quiet = warroom.comment(app, me, incident.id, "for us")
    assert (quiet.goes_to, quiet.takes) == ((), ("comments",))
    assert not is_due(link_of(app, incident.id))
    tagged = warroom.tag(app, me, quiet.entry.label, add=["comments, x"])
    assert (tagged.goes_to, tagged.entry.tags, tagged.entry.category) == (("snow",), ("comments", "x"), "chat")
    assert is_due(link_of(app, incident.id))
    assert warroom.tag(app, me, quiet.entry.label, remove=["comments"]).goes_to == ()


def test_a_file_is_kept_once_and_its_name_is_made_safe(app: App, me: Actor) -> None:
    """Issue: files content-addressed, size-limited."""
    incident = made(app, me)
    first = warroom.attach(app, me, incident.id, io.BytesIO(b"hot"), "../../etc/fire.txt").entry
    second = warroom.attach(app, me, incident.id, io.BytesIO(b"hot"), "again.txt").entry
    assert first.file is not None and second.file is not None
    assert (first.file.name, first.file.id) == ("fire.txt", second.file.id)
    settings.put(app, me, "files.max", "2")
    with pytest.raises(Invalid, match=r"files\.max"):
        warroom.attach(app, me, incident.id, io.BytesIO(b"hot"), "large.txt")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"status": "2"}, "use close, reopen or open"),
        ({"dbotDirtyFields": "x"}, "derived"),
        ({"severity": "enormous"}, "severity"),
        ({"Snow Sate": "x"}, "did you mean Snow State"),
        ({"owner": "nobody"}, "no user 'nobody'"),
        ({"occurred": "yesterday-ish"}, "occurred"),
    ],
)
def test_a_wrong_edit_says_what_would_be_right(app: App, me: Actor, given: dict[str, Any], words: str) -> None:
    """mirroring.md §4.3.2."""
    incident = made(app, me)
    with pytest.raises(Invalid, match=words):
        incidents.edit(app, me, incident.id, given)
    assert incidents.list_all(app, me)[0][0].version == incident.version


def test_links_are_refused_that_could_never_work(app: App, me: Actor, snow: str) -> None:
    """One instance twice, a direction that is none, an In without remote object, an instance that is not there."""
    incident, _ = mirrored(app, me, snow)
    other = made(app, me)
    for error, call in (
        (Conflict, {"incident_id": incident.id, "instance": snow}),
        (Invalid, {"incident_id": other.id, "instance": snow, "direction": "up"}),
        (Invalid, {"incident_id": other.id, "instance": snow, "direction": "In"}),
        (NotFound, {"incident_id": other.id, "instance": "nobody"}),
        (NotFound, {"incident_id": IncidentId(99), "instance": snow}),
    ):
        with pytest.raises(error):
            links.add(app, me, **call)  # type: ignore[arg-type]


def test_the_first_link_is_the_primary_one(app: App, me: Actor, snow: str) -> None:
    """Design §1.5: more links stand beside the one that dbotMirror* shows."""
    from casemirror.actions import instances

    instances.add(
        app,
        me,
        "tracker",
        "Roundup",
        {"url": "http://127.0.0.1:1/t/", "credentials.identifier": "m"},
        secrets={"credentials": "pw-pw"},
    )
    incident, first = mirrored(app, me, snow)
    links.add(app, me, incident.id, "tracker")
    assert [(link.instance_name, link.primary) for link in links.list_all(app, me, incident.id)] == [
        ("snow", True),
        ("tracker", False),
    ]
    assert case.show(app, me, incident.id).to_json()["dbotMirrorId"] == first.remote_id


def test_a_reader_may_look_and_nothing_else(app: App, me: Actor) -> None:
    """Every verb has a least role."""
    incident = made(app, me)
    reader, analyst = Actor("erin", Role.READ_ONLY), Actor("dave", Role.ANALYST)
    assert case.show(app, reader, incident.id).incident.id == incident.id
    for call in (
        lambda: incidents.edit(app, reader, incident.id, {"name": "x"}),
        lambda: incidents.close(app, reader, incident.id),
        lambda: warroom.comment(app, reader, incident.id, "x"),
        lambda: settings.put(app, analyst, "mirror.conflict", "remote"),
    ):
        with pytest.raises(Forbidden, match="needs the role"):
            call()
    with pytest.raises(BadRequest):
        warroom.comment(app, analyst, incident.id, "  ")
