"""The questions of `why`, `timeline` and `drift`, on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta

from casemirror.model.entry import DeliveryState, NewEntry
from casemirror.model.incident import Incident, Status
from casemirror.model.instance import Instance
from casemirror.model.link import Direction, Link, LinkState
from casemirror.model.plan import Decision, Rule
from casemirror.store import agreement, audit, decisions, entries, incidents, links, payloads
from casemirror.store.database import Store


def test_the_lines_about_one_object_newest_first(store: Store, now: datetime) -> None:
    """Those from before it came to be are not looked at."""
    with store.write() as tx:
        for number in range(5):
            at = now + timedelta(seconds=number)
            audit.add(tx, at, "me", f"verb.{number}", "incident 1", {"changes": {"a": {"old": None, "new": [1]}}})
            audit.add(tx, at, "me", "other", "incident 11")
        found = audit.of_object(tx, "incident 1", since=now + timedelta(seconds=1), limit=3)
        assert [line["verb"] for line in found] == ["verb.4", "verb.3", "verb.2"]
        assert found[0]["detail"]["changes"]["a"]["new"] == [1]
        assert len(audit.of_object(tx, "incident 1")) == 5


def test_decisions_of_a_field_and_the_fields_that_were_decided(store: Store, link: Link, now: datetime) -> None:
    """Newest first; null is a value."""
    made = [
        Decision(field=name, rule=Rule.REMOTE_CHANGED, base=None, local=None, remote=value)
        for name, value in (("a", 1), ("b", "x"), ("a", 2), ("a", None))
    ]
    with store.write() as tx:
        payload = payloads.add(tx, link.id, now, "pull", {"a": 1})
        for each in made:
            decisions.add(tx, link, [each], now, payload_id=payload)
        assert [row["remote"] for row in decisions.of_field(tx, link.id, "a", limit=2)] == [None, 2]
        assert decisions.decided_fields(tx, link.id) == {"a", "b"}
        assert payloads.kept_at(tx, payload) == now
        payloads.forget_old(tx, now + timedelta(seconds=1))
        assert payloads.kept_at(tx, payload) is None
        assert decisions.of_field(tx, link.id, "b")[0]["payload_id"] is None


def test_a_removed_link_still_has_its_name(store: Store, link: Link) -> None:
    """What was decided by it still tells of it."""
    with store.write() as tx:
        links.delete(tx, link.id)
        assert links.of_incident(tx, link.incident_id) == []
        assert links.names_of(tx, link.incident_id) == {link.id: "snow"}


def test_pages_hold_every_link_once(store: Store, incident: Incident, instance: Instance, now: datetime) -> None:
    """By id, so that links that come meanwhile move nothing; purged and removed ones are left out."""
    with store.write() as tx:
        made = [
            links.add(
                tx,
                incident_id=incident.id,
                instance_id=instance.id if number % 2 else None,
                instance_name="snow" if number % 2 else "gone",
                remote_id=f"R{number}",
                direction=Direction.BOTH,
                since_at=now,
                primary=False,
            )
            for number in range(9)
        ]
        links.save(tx, made[3].id, state=LinkState.PURGED)
        links.delete(tx, made[5].id)
    expected = [link.id for number, link in enumerate(made) if number not in (3, 5)]
    with store.read() as tx:
        seen, after = [], 0
        while pairs := agreement.page(tx, after=after, size=2):
            seen += pairs
            after = pairs[-1].link.id
        assert [pair.link.id for pair in seen] == expected
        one = seen[0]
        assert one.link == links.load(tx, one.link.id)
        assert (one.incident.id, one.incident.fields, one.incident.type) == (incident.id, incident.fields, "T")
        assert one.incident.status is Status.ACTIVE
        named = agreement.page(tx, instance_name="snow")
        assert [pair.link.id for pair in named] == [made[1].id, made[7].id]


def test_waiting_entries_are_counted_as_the_engine_sees_them(store: Store, link: Link, now: datetime) -> None:
    """The same as `entries.unsent`, for a whole page; what the incident's state keeps here is not counted."""
    with store.write() as tx:
        other = links.add(
            tx,
            incident_id=link.incident_id,
            instance_id=link.instance_id,
            instance_name="two",
            remote_id="R2",
            direction=Direction.BOTH,
            since_at=now,
            tags=("comments",),
            primary=False,
        )
        said = [
            NewEntry(contents="goes", tags=("comments", "x")),
            NewEntry(contents="other tag", tags=("work_notes",)),
            NewEntry(contents="no tag"),
            NewEntry(contents="came in", tags=("comments",), link_id=link.id),
            NewEntry(contents="came in by the other", tags=("comments",), link_id=other.id),
            NewEntry(contents="sent", tags=("comments",)),
            NewEntry(contents="on its way", tags=("comments",)),
        ]
        made = [entries.add(tx, link.incident_id, each, now) for each in said]
        entries.mark_intended(tx, link.id, [made[5].id, made[6].id], now)
        entries.mark_sent(tx, link.id, [made[5].id], now)
        entries.add(tx, link.incident_id, NewEntry(contents="held", tags=("comments",)), now, held=True)
        pairs = agreement.page(tx)
        found = agreement.waiting_entries(tx, pairs)
        assert found == {each.link.id: len(entries.unsent(tx, each.link)) for each in pairs}
        assert (found[link.id], found[other.id]) == (3, 4)
        states = {
            (way.entry_id, way.link_id): (way.state, way.attempts) for way in agreement.ways(tx, link.incident_id)
        }
        assert states == {
            (made[5].id, link.id): (DeliveryState.SENT, 1),
            (made[6].id, link.id): (DeliveryState.INTENDED, 1),
        }
        fresh = incidents.load(tx, link.incident_id)
        closed = incidents.save(tx, fresh.id, fresh.version, now=now, status=Status.CLOSED, closed_at=now)
        entries.add(tx, link.incident_id, NewEntry(contents="late", tags=("comments",)), now + timedelta(seconds=1))
        assert agreement.waiting_entries(tx, agreement.page(tx))[link.id] == 3
        incidents.save(tx, closed.id, closed.version, now=now, status=Status.PENDING, closed_at=None)
        assert not agreement.waiting_entries(tx, agreement.page(tx))
        assert not agreement.waiting_entries(tx, [])
