"""Lanes: one owner, and a fence that refuses the late one. Over SQLite and PostgreSQL."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest

from casemirror.model.errors import LaneLost
from casemirror.model.ids import LaneId
from casemirror.model.instance import Instance
from casemirror.model.lane import Lane
from casemirror.model.link import Link
from casemirror.store import heartbeats, instances, lanes, links
from casemirror.store.database import Store

FAR = timedelta(days=1)


def lane_of(instance: Instance) -> LaneId:
    return LaneId(f"{instance.id}/0")


def owned(store: Store, lane_id: LaneId, owner: str, lease_s: float = 60) -> Lane | None:
    with store.write() as tx:
        heartbeats.beat(tx, owner)
        return lanes.acquire(tx, lane_id, owner, lease_s)


def test_a_lane_has_one_owner(store: Store, instance: Instance) -> None:
    """MIR-019: while the first one lives and its lease runs, a second one gets nothing."""
    first = owned(store, lane_of(instance), "a")
    assert first is not None
    assert first.epoch == 1
    assert owned(store, lane_of(instance), "b") is None
    with store.write() as tx:
        lanes.release(tx, first)
    second = owned(store, lane_of(instance), "b")
    assert second is not None
    assert second.epoch == 2


def test_a_late_writer_is_refused(store: Store, instance: Instance) -> None:
    """Rule 5: whoever lost the lane writes nothing more, whatever it tries."""
    late = owned(store, lane_of(instance), "a", lease_s=0)
    assert late is not None
    assert owned(store, lane_of(instance), "b") is not None
    for work in (
        lambda tx: lanes.guard(tx, late),
        lambda tx: lanes.save(tx, late, last_error="late"),
        lambda tx: lanes.renew(tx, late, 60),
        lambda tx: lanes.release(tx, late),
    ):
        with pytest.raises(LaneLost), store.write() as tx:
            work(tx)
    with store.read() as tx:
        assert lanes.load(tx, lane_of(instance)).owner == "b"


def test_an_owner_may_look_whether_the_lane_is_still_its_own(store: Store, instance: Instance) -> None:
    """Right before a call that writes, without a write of our own."""
    ours = owned(store, lane_of(instance), "a", lease_s=0)
    assert ours is not None
    with store.read() as tx:
        lanes.guard(tx, ours)
    assert owned(store, lane_of(instance), "b") is not None
    with pytest.raises(LaneLost), store.read() as tx:
        lanes.guard(tx, ours)


def test_a_guarded_write_and_a_takeover_do_not_cross(store: Store, instance: Instance) -> None:
    """Rule 5: a takeover waits for a guarded transaction that is under way; what that one wrote stands before it."""
    ours = owned(store, lane_of(instance), "a", lease_s=0)
    assert ours is not None
    taken = threading.Event()

    def take() -> None:
        assert owned(store, lane_of(instance), "b") is not None
        taken.set()

    with store.write() as tx:
        lanes.guard(tx, ours)
        thread = threading.Thread(target=take)
        thread.start()
        assert not taken.wait(0.3)
        instances.save_last_run(tx, instance.id, {"by": "a"})
    thread.join(30)
    assert taken.is_set()
    with store.read() as tx:
        assert instances.load(tx, instance.id).last_run == {"by": "a"}


def test_a_dead_owners_lane_is_free_before_its_lease_ends(store: Store, instance: Instance) -> None:
    """Design §5: the heartbeat decides who lives."""
    assert owned(store, lane_of(instance), "a", lease_s=3600) is not None
    with store.write() as tx:
        heartbeats.forget(tx, "a")
    assert owned(store, lane_of(instance), "b") is not None


def test_an_owner_may_take_its_own_lane_again(store: Store, instance: Instance) -> None:
    """A process that dispatched twice to itself fences its former turn."""
    first, second = owned(store, lane_of(instance), "a"), owned(store, lane_of(instance), "a")
    assert first is not None
    assert second is not None
    with pytest.raises(LaneLost), store.write() as tx:
        lanes.guard(tx, first)


def quiet(store: Store, instance: Instance, now: datetime) -> None:
    with store.write() as tx:
        lanes.ask(tx, lane_of(instance), next_poll_at=now + FAR, next_fetch_at=now + FAR)


def due(store: Store, now: datetime, *, mirroring: bool = True) -> list[LaneId]:
    with store.read() as tx:
        return lanes.due(tx, now, mirroring=mirroring)


def test_a_lane_is_due_when_it_has_something_to_do(store: Store, instance: Instance, link: Link, now: datetime) -> None:
    """A new lane polls at once; then a poll, a fetch, a request or a due link makes it due, and nothing else does."""
    ours = [lane_of(instance)]
    assert due(store, now) == ours
    quiet(store, instance, now)
    assert due(store, now) == []
    for column in ("next_poll_at", "next_fetch_at", "poll_asked_at"):
        with store.write() as tx:
            lanes.ask(tx, ours[0], **{column: now})
        assert due(store, now) == ours, column
        quiet(store, instance, now)
        with store.write() as tx:
            lanes.ask(tx, ours[0], poll_asked_at=None)
    with store.write() as tx:
        links.want(tx, link.id, now, priority=0)
    assert due(store, now) == ours
    assert due(store, now - FAR) == []


@pytest.mark.parametrize("stop", ["disabled", "held", "waits", "owned", "job off"])
def test_a_lane_that_must_not_run_is_not_due(
    store: Store, instance: Instance, link: Link, now: datetime, stop: str
) -> None:
    """MIR-005, MIR-014, rule 10: disabled, held by a brake, waiting, owned by somebody alive, mirror job off."""
    quiet(store, instance, now)
    with store.write() as tx:
        links.want(tx, link.id, now, priority=0)
        if stop == "disabled":
            instances.update(tx, instance.id, now, enabled=False)
        elif stop == "held":
            lanes.ask(tx, lane_of(instance), held_reason="too many closed at once")
        elif stop == "waits":
            lanes.ask(tx, lane_of(instance), not_before=now + FAR)
    if stop == "owned":
        assert owned(store, lane_of(instance), "a") is not None
    assert due(store, now, mirroring=stop != "job off") == []


def test_heartbeats_say_who_lives(store: Store) -> None:
    """A process lives from its first beat until it is forgotten."""
    with store.write() as tx:
        heartbeats.beat(tx, "a")
        heartbeats.beat(tx, "a")
        heartbeats.beat(tx, "b")
        assert heartbeats.alive(tx) == {"a", "b"}
        heartbeats.forget(tx, "a")
        assert heartbeats.names(tx) == ["b"]
        assert not heartbeats.is_alive(tx, "a")


def test_a_lane_that_could_not_be_given_back_is_free_again(store: Store, instance: Instance) -> None:
    """Its owner lives but does not work on it: the database refused the release. One that moved since is left alone."""
    first = owned(store, lane_of(instance), "a")
    assert first is not None
    taken = owned(store, lane_of(instance), "a")
    assert taken is not None
    with store.write() as tx:
        assert lanes.owned_by(tx, "b") == []
        assert lanes.owned_by(tx, "a") == [taken]
        assert not lanes.give_back(tx, first)
        assert lanes.give_back(tx, taken)
        assert not lanes.give_back(tx, taken)
        assert lanes.owned_by(tx, "a") == []
    with pytest.raises(LaneLost), store.write() as tx:
        lanes.guard(tx, taken)
    assert owned(store, taken.id, "b") is not None
