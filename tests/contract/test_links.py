"""Links: what is wanted, what is due, what is remembered. Over SQLite and PostgreSQL."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest

from casemirror.model.errors import NotFound
from casemirror.model.ids import LinkId
from casemirror.model.incident import Incident, NewIncident, Status
from casemirror.model.instance import Instance
from casemirror.model.link import Direction, Link, LinkState, Pushed
from casemirror.store import incidents, instances, links, polls
from casemirror.store.database import Store

HOUR = timedelta(hours=1)


def load(store: Store, link: Link) -> Link:
    with store.read() as tx:
        return links.load(tx, link.id)


def another(store: Store, instance: Instance, now: datetime, **changes: object) -> Link:
    with store.write() as tx:
        made = incidents.create(tx, NewIncident(fields={"name": "x"}), now, status=Status.ACTIVE, actor="me")
        given = {"instance_id": instance.id, "instance_name": "snow", "remote_id": "R2", "direction": Direction.BOTH}
        return links.add(tx, incident_id=made.id, since_at=now, **{**given, **changes})  # type: ignore[arg-type]


def test_finish_writes_the_wanted_that_was_seen(store: Store, link: Link, now: datetime) -> None:
    """Rule 1: what was wanted since the reconcile began keeps the link due."""
    with store.write() as tx:
        links.want(tx, link.id, now, priority=5)
        links.want(tx, link.id, now, priority=5)
        links.finish(tx, link.id, 1)
    after = load(store, link)
    assert (after.wanted, after.done) == (2, 1)
    with store.read() as tx:
        assert links.due(tx, link.instance_id, now) is not None  # type: ignore[arg-type]
    with store.write() as tx:
        links.finish(tx, link.id, 2)
        links.finish(tx, link.id, 1)
    assert load(store, link).done == 2


def test_no_wish_is_lost_among_many_writers(store: Store, link: Link, now: datetime) -> None:
    """Eight threads want, each its own transactions: the counter has them all."""

    def many() -> None:
        for _ in range(10):
            store.write_retry(lambda tx: links.want(tx, link.id, now, priority=5, named=True))

    threads = [threading.Thread(target=many) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = load(store, link)
    assert (after.wanted, after.named) == (80, 80)


def test_the_most_urgent_link_comes_first_then_the_oldest(
    store: Store, instance: Instance, link: Link, now: datetime
) -> None:
    """A person's edit before a poll's find, a poll's find before a sweep; equal ones by how long they wait (MIR-084)."""
    second, third = another(store, instance, now), another(store, instance, now)
    with store.write() as tx:
        links.want(tx, link.id, now, priority=5)
        links.want(tx, second.id, now - HOUR, priority=5)
        links.want(tx, third.id, now, priority=0)
        order = []
        while (found := links.due(tx, instance.id, now)) is not None:
            order.append(found.id)
            links.finish(tx, found.id, found.wanted)
    assert order == [third.id, second.id, link.id]


def test_a_failing_link_waits_alone_and_a_person_wakes_it(
    store: Store, instance: Instance, link: Link, now: datetime
) -> None:
    """Rule 9; MIR-160: not due before its time; an edit makes it due at once and forgets the failures."""
    with store.write() as tx:
        links.want(tx, link.id, now, priority=5)
        links.wait(tx, link.id, now + HOUR)
        assert links.due(tx, instance.id, now) is None
        assert links.load(tx, link.id).tries == 1
        links.want(tx, link.id, now, priority=5)
        assert links.due(tx, instance.id, now) is None
        links.want_incident(tx, link.incident_id, now)
        found = links.due(tx, instance.id, now)
    assert found is not None
    assert (found.tries, found.priority) == (0, 0)


def test_a_held_link_is_tried_again_when_a_person_changes_something(store: Store, link: Link, now: datetime) -> None:
    """MIR-181: parked, not forgotten."""
    with store.write() as tx:
        links.save(tx, link.id, state=LinkState.HELD, held_reason="no id", create_attempts=3)
        links.want_incident(tx, link.incident_id, now)
        found = links.load(tx, link.id)
    assert (found.state, found.held_reason, found.create_attempts) == (LinkState.ACTIVE, "", 0)


def test_everything_of_a_link_is_kept(store: Store, link: Link, now: datetime) -> None:
    """Base, pushed values and times come back as they were given."""
    pushed = {"f": Pushed(before=[1], sent={"a": None}, at=now)}
    with store.write() as tx:
        links.save(
            tx, link.id, base={"f": [1, {"x": None}]}, pushed=pushed, sticky=frozenset({"b", "a"}), last_sync_at=now
        )
    after = load(store, link)
    assert after.base == {"f": [1, {"x": None}]}
    assert after.pushed == pushed
    assert (after.sticky, after.last_sync_at, after.tags) == (frozenset({"a", "b"}), now, ("comments",))


def test_links_are_found_by_instance_and_remote_id(store: Store, instance: Instance, link: Link, now: datetime) -> None:
    """MIR-077, MIR-091: of this instance only; all of them."""
    twin = another(store, instance, now, remote_id="R1")
    with store.write() as tx:
        other = instances.add(tx, "other", "ServiceNow", now)
    foreign = another(store, other, now, remote_id="R1", instance_name="other")
    with store.read() as tx:
        assert [found.id for found in links.by_remote(tx, instance.id, "R1")] == [link.id, twin.id]
        assert [found.id for found in links.by_remote(tx, other.id, "R1")] == [foreign.id]


def test_a_removed_instance_leaves_orphans_that_come_back(
    store: Store, instance: Instance, link: Link, now: datetime
) -> None:
    """MIR-015: records stay; an instance with that name takes them up again."""
    with store.write() as tx:
        instances.remove(tx, instance.id)
    assert load(store, link).instance_id is None
    with store.write() as tx:
        again = instances.add(tx, "snow", "ServiceNow", now)
    assert load(store, link).instance_id == again.id


def test_only_closed_records_are_purged(store: Store, instance: Instance, link: Link, now: datetime) -> None:
    """MIR-185, MIR-186, MIR-188: by age, by instance; purged ones are found by no poll."""
    old, fresh = another(store, instance, now, remote_id="old"), another(store, instance, now, remote_id="fresh")
    with store.write() as tx:
        for found, closed_at in ((old, now - 40 * 24 * HOUR), (fresh, now)):
            incidents.save(tx, found.incident_id, 1, now=now, status=int(Status.CLOSED), closed_at=closed_at)
        assert links.purge_closed(tx, "other", None) == 0
        assert links.purge_closed(tx, "snow", now - 30 * 24 * HOUR) == 1
        assert links.by_remote(tx, instance.id, "old") == []
        assert [f.id for f in links.by_remote(tx, instance.id, "fresh")] == [fresh.id]
        assert links.purge_closed(tx, "snow", None) == 1
        assert links.load(tx, link.id).state is LinkState.ACTIVE


def test_statistics_count_open_and_closed(store: Store, instance: Instance, link: Link, now: datetime) -> None:
    """MIR-189."""
    closed = another(store, instance, now)
    with store.write() as tx:
        incidents.save(tx, closed.incident_id, 1, now=now, status=int(Status.CLOSED), closed_at=now)
        links.save(tx, link.id, rate_limited=True)
        counts = links.statistics(tx, "snow")
    assert counts == {"totalMirrored": 1, "rateLimited": 1, "closedRecords": 1, "closedRateLimitedRecords": 0}


def test_the_longest_unseen_are_swept_closed_ones_last(
    store: Store, instance: Instance, link: Link, now: datetime
) -> None:
    """MIR-093."""
    closed, seen = another(store, instance, now - 3 * HOUR), another(store, instance, now)
    with store.write() as tx:
        links.save(tx, link.id, last_sync_at=now - 2 * HOUR)
        links.save(tx, seen.id, last_sync_at=now)
        incidents.save(tx, closed.incident_id, 1, now=now, status=int(Status.CLOSED), closed_at=now)
        found = links.stale(tx, instance.id, now - HOUR, 20)
    assert [f.id for f in found] == [link.id, closed.id]


def test_reported_ids_without_a_link_are_remembered_once(store: Store, instance: Instance, now: datetime) -> None:
    """MIR-076: taken when the incident appears; forgotten when they are old."""
    with store.write() as tx:
        polls.remember_unmatched(tx, instance.id, "R9", now)
        polls.remember_unmatched(tx, instance.id, "R9", now)
        polls.remember_unmatched(tx, instance.id, "R8", now - HOUR)
        polls.forget_old(tx, instance.id, now - HOUR / 2)
        assert polls.take_unmatched(tx, instance.id, "R9")
        assert not polls.take_unmatched(tx, instance.id, "R9")
        assert not polls.take_unmatched(tx, instance.id, "R8")


def test_the_ledger_knows_what_was_told(store: Store, instance: Instance, now: datetime) -> None:
    """Rule 3: the same version of the same object is no news; another version is."""
    with store.write() as tx:
        assert polls.is_news(tx, instance.id, "R1", "v1", now)
        assert not polls.is_news(tx, instance.id, "R1", "v1", now)
        assert polls.is_news(tx, instance.id, "R1", "v2", now)
        assert polls.is_news(tx, instance.id, "R2", "v1", now)


def test_a_missing_link_is_named(store: Store) -> None:
    """NotFound, not a stack of database words."""
    with pytest.raises(NotFound, match="no link 4711"), store.read() as tx:
        links.load(tx, LinkId(4711))


def test_deleting_an_incident_deletes_its_links(store: Store, incident: Incident, link: Link) -> None:
    """MIR-184."""
    with store.write() as tx:
        incidents.delete(tx, incident.id)
        assert links.of_incident(tx, incident.id) == []


def test_the_first_poll_that_names_a_link_says_by_when_it_should_have_been_told(
    store: Store, link: Link, now: datetime
) -> None:
    """A naming that no poll made (our own push) leaves that open; a pull begins anew."""

    def named(told_by: datetime | None = None) -> datetime | None:
        with store.write() as tx:
            links.want(tx, link.id, now, priority=5, named=True, told_by=told_by)
            return links.load(tx, link.id).told_by

    first, second = now - timedelta(minutes=2), now - timedelta(minutes=1)
    assert named() is None
    assert named(first) == first
    assert named(second) == first
    with store.write() as tx:
        links.save(tx, link.id, pulled=links.load(tx, link.id).named, told_by=None)
    assert named(second) == second
