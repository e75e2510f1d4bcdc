"""What plans and replays read, on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta

from casemirror.model.incident import Incident, NewIncident, Status
from casemirror.model.instance import Instance
from casemirror.model.link import Direction, Link
from casemirror.model.plan import Decision, Rule
from casemirror.store import decisions, incidents, links, payloads, polls, replays, upcoming
from casemirror.store.database import Store

MINUTE = timedelta(minutes=1)


def another(
    store: Store, instance: Instance, now: datetime, remote_id: str, direction: Direction = Direction.BOTH
) -> Link:
    with store.write() as tx:
        incident = incidents.create(tx, NewIncident(fields={"name": remote_id}), now, status=Status.ACTIVE, actor="me")
        return links.add(
            tx,
            incident_id=incident.id,
            instance_id=instance.id,
            instance_name=instance.name,
            remote_id=remote_id,
            direction=direction,
            since_at=now,
        )


def test_all_due_links_in_the_order_of_the_lane(store: Store, instance: Instance, link: Link, now: datetime) -> None:
    """The first of them is the one that the lane takes."""
    urgent, idle = another(store, instance, now, "R2"), another(store, instance, now, "R3")
    failed, stuck = another(store, instance, now, "R4"), another(store, instance, now, "R5")
    with store.write() as tx:
        for each, priority in ((link, 5), (urgent, 0), (failed, 5), (stuck, 5)):
            links.want(tx, each.id, now, priority=priority)
        links.wait(tx, failed.id, now + MINUTE)
        links.hold(tx, stuck.id, "look there")
    with store.read() as tx:
        found = upcoming.due(tx, instance.id, now)
        assert [each.id for each in found] == [urgent.id, link.id]
        assert found[0] == links.due(tx, instance.id, now)
        assert (upcoming.waiting(tx, instance.id, now), upcoming.held(tx, instance.id)) == (1, 1)
        assert upcoming.waiting(tx, instance.id, now + MINUTE) == 0
        assert idle.id not in {each.id for each in upcoming.due(tx, instance.id, now + MINUTE)}


def test_the_ledger_is_read_without_being_written(store: Store, instance: Instance, now: datetime) -> None:
    """Rule 3."""
    with store.read() as tx:
        assert not polls.was_told(tx, instance.id, "R1", "a")
    with store.write() as tx:
        assert polls.is_news(tx, instance.id, "R1", "a", now)
        assert polls.was_told(tx, instance.id, "R1", "a")
        assert not polls.was_told(tx, instance.id, "R1", "b")
        assert not polls.was_told(tx, instance.id, "R2", "a")


def test_the_newest_payload_of_each_link(
    store: Store, instance: Instance, link: Link, incident: Incident, now: datetime
) -> None:
    other, out = another(store, instance, now, "R2"), another(store, instance, now, "R3", Direction.OUT)
    with store.write() as tx:
        payloads.add(tx, link.id, now - MINUTE, "pull", {"n": 0})
        payloads.add(tx, link.id, now, "pull", {"n": 1})
        newest = payloads.add(tx, link.id, now + MINUTE, "pull", {"n": 2})
        only = payloads.add(tx, other.id, now, "pull", {"n": 3})
        payloads.add(tx, out.id, now, "pull", {"n": 4})
    with store.read() as tx:
        found = replays.newest(tx, instance.id, now)
        assert [(k.link_id, k.incident_id, k.payload_id, k.at, k.earlier) for k in found] == [
            (link.id, incident.id, newest, now + MINUTE, 1),
            (other.id, other.incident_id, only, now, 0),
        ]
        assert [k.link_id for k in replays.newest(tx, instance.id, now, [other.incident_id])] == [other.id]
        assert replays.newest(tx, instance.id, now + 2 * MINUTE) == []
    with store.write() as tx:
        links.delete(tx, other.id)
        assert [k.link_id for k in replays.newest(tx, instance.id, now)] == [link.id]


def test_forgotten_payloads_are_told_from_those_that_never_were(
    store: Store, instance: Instance, link: Link, now: datetime
) -> None:
    """The decision that rested on a payload outlives it."""
    silent, sent = another(store, instance, now, "R2"), another(store, instance, now, "R3")
    with store.write() as tx:
        kept = payloads.add(tx, link.id, now, "pull", {"n": 1})
        told = [Decision(field="severity", rule=Rule.REMOTE_CHANGED, base=1, local=1, remote=2)]
        decisions.add(tx, link, told, now, payload_id=kept)
        ours = [Decision(field="severity", rule=Rule.LOCAL_CHANGED, base=1, local=2)]
        decisions.add(tx, sent, ours, now, payload_id=None)
        assert replays.without(tx, instance.id, now) == (0, 2)
        payloads.forget_old(tx, now + MINUTE)
        assert replays.without(tx, instance.id, now) == (1, 2)
        assert replays.without(tx, instance.id, now, [silent.incident_id]) == (0, 1)
        assert replays.without(tx, instance.id, now + MINUTE) == (0, 3)
