"""What may stand twice on a remote, and what is known of a call that carried entries. Over SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import datetime, timedelta

from casemirror.model.entry import Entry, NewEntry
from casemirror.model.incident import Incident
from casemirror.model.link import Direction, Link, RemoteState
from casemirror.store import doubts, entries, links
from casemirror.store.database import Store

MINUTE = timedelta(minutes=1)


def say(store: Store, incident: Incident, now: datetime, text: str = "hello") -> Entry:
    with store.write() as tx:
        return entries.add(tx, incident.id, NewEntry(contents=text, tags=("comments",)), now)


def test_each_stands_in_the_list_once_the_newest_first(
    store: Store, incident: Incident, link: Link, now: datetime
) -> None:
    """With how often it was sent again, and the last reason."""
    entry = say(store, incident, now)
    with store.write() as tx:
        doubts.add(tx, link.id, entry.id, now, "first")
        doubts.add(tx, link.id, None, now + MINUTE, "made twice")
        doubts.add(tx, link.id, entry.id, now + 2 * MINUTE, "again")
        doubts.add(tx, link.id, None, now + MINUTE, "made thrice")
    with store.read() as tx:
        found = doubts.find(tx)
        assert [(d.entry, d.what, d.times, d.reason) for d in found] == [
            (entry.label, "hello", 2, "again"),
            ("", "", 2, "made thrice"),
        ]
        assert {(d.incident_id, d.instance, d.remote_id) for d in found} == {(incident.id, "snow", "R1")}
        assert found[0].at == now + 2 * MINUTE
        assert (doubts.count(tx), doubts.count(tx, instance_name="snow"), doubts.count(tx, instance_name="x")) == (
            2,
            2,
            0,
        )
        assert doubts.find(tx, incident_id=incident.id, limit=1) == found[:1]


def test_a_link_that_is_made_again_keeps_its_doubts(
    store: Store, incident: Incident, link: Link, now: datetime
) -> None:
    """They are about the remote object, not about the row."""
    entry = say(store, incident, now)
    with store.write() as tx:
        doubts.add(tx, link.id, entry.id, now, "why")
        links.delete(tx, link.id)
        assert doubts.count(tx) == 1
        given = {"incident_id": incident.id, "instance_id": link.instance_id, "instance_name": "snow"}
        links.add(tx, remote_id="R1", direction=Direction.BOTH, since_at=now, **given)  # type: ignore[arg-type]
        assert [d.remote_id for d in doubts.find(tx)] == ["R1"]


def test_a_call_that_wrote_nothing_leaves_an_entry_as_it_was(
    store: Store, incident: Incident, link: Link, now: datetime
) -> None:
    """A new one is clean again; one that was in doubt is so still, since the same time."""
    entry = say(store, incident, now)
    with store.write() as tx:
        [before] = entries.unsent(tx, link)
        entries.mark_intended(tx, link.id, [entry.id], now, now + 5 * MINUTE)
        [intended] = entries.unsent(tx, link)
        assert (intended.uncertain, intended.ends_by) == (True, now + 5 * MINUTE)
        entries.mark_unsent(tx, link.id, [before])
        assert entries.unsent(tx, link) == (before,)
        entries.mark_intended(tx, link.id, [entry.id], now, now + 5 * MINUTE)
        entries.mark_ended(tx, link.id, [entry.id], now + MINUTE)
        [doubted] = entries.unsent(tx, link)
        assert (doubted.uncertain, doubted.ends_by) == (True, now + MINUTE)
        entries.mark_intended(tx, link.id, [entry.id], now + 2 * MINUTE, now + 9 * MINUTE)
        entries.mark_unsent(tx, link.id, [doubted])
        assert entries.unsent(tx, link) == (doubted,)
        entries.mark_sent(tx, link.id, [entry.id], now)
        entries.mark_ended(tx, link.id, [entry.id], now + 3 * MINUTE)
        entries.mark_unsent(tx, link.id, [doubted])
        assert entries.unsent(tx, link) == ()


def test_tags_that_a_person_gave_are_known(store: Store, incident: Incident, link: Link, now: datetime) -> None:
    """`mirror.resend.inbound` counts only those; one that is taken away is none."""
    with store.write() as tx:
        new = NewEntry(contents="theirs", tags=("own", "comments"), link_id=link.id, fingerprint="f", seen_until=now)
        entry = entries.add(tx, incident.id, new, now)
        assert entries.set_tags(tx, entry.id, ["own", "comments", "seen"], now).given == ("seen",)
        assert entries.unsent(tx, link, resend=True) == ()
        entries.set_tags(tx, entry.id, ["seen"], now)
        assert entries.set_tags(tx, entry.id, ["seen", "comments"], now).given == ("seen", "comments")
        assert [o.entry.contents for o in entries.unsent(tx, link, resend=True)] == ["theirs"]
        assert entries.unsent(tx, link) == ()
        assert entries.set_tags(tx, entry.id, ["own"], now).given == ("own",)
        assert entries.set_tags(tx, entry.id, [], now).given == ()


def test_a_gone_object_that_is_named_is_looked_at_soon(store: Store, link: Link, now: datetime) -> None:
    """Not at once, whatever a poll names; at once when a person asks, or when the instance was changed."""
    far = now + timedelta(hours=9)
    gone = {"remote_state": RemoteState.MISSING, "remote_since": now, "due_at": far, "wanted": 5}
    with store.write() as tx:
        assert links.save(tx, link.id, **gone).is_gone
        links.want(tx, link.id, now, priority=1)
        assert links.load(tx, link.id).due_at == far
        links.want(tx, link.id, now, priority=5, named=True)
        assert links.load(tx, link.id).due_at == now + links.NAMED_LOOK
        links.want(tx, link.id, now + MINUTE, priority=5, named=True)
        assert links.load(tx, link.id).due_at == now + links.NAMED_LOOK
        links.look_again(tx, now, link.instance_id)
        assert links.load(tx, link.id).due_at == now
        links.save(tx, link.id, due_at=far)
        links.want(tx, link.id, now, priority=0, reset=True)
        assert links.load(tx, link.id).due_at == now
