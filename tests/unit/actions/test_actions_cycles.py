"""A cycle by hand is run by whoever owns the lane."""

from __future__ import annotations

from dataclasses import replace

import pytest

from casemirror.actions import cycles, incidents, instances
from casemirror.engine.app import App
from casemirror.model.actor import Actor
from casemirror.model.clock import ManualClock
from casemirror.model.errors import CommandFailed, Conflict, RateLimited, RetryLater
from casemirror.store import heartbeats, lanes
from casemirror.store import instances as store
from support.scripted import NOW, Remote


class ServingClock(ManualClock):
    """While somebody waits, the running server does what it was asked for (or nothing, when it is stuck)."""

    def __init__(self, app: App, snow: str, stuck: bool = False) -> None:
        super().__init__(NOW)
        self._app, self._snow, self._stuck = app, snow, stuck

    def sleep(self, seconds: float) -> None:
        """Time goes by for both."""
        super().sleep(seconds)
        with self._app.store.write() as tx:
            heartbeats.beat(tx, "server")
            lane = lanes.of_instance(tx, store.by_name(tx, self._snow).id)
            if lane.poll_asked_at and not self._stuck:
                lanes.ask(tx, lane.id, poll_asked_at=None, last_poll_at=self.now())


def owned_by_a_server(app: App, snow: str) -> None:
    """Another living process owns the lane."""
    with app.store.write() as tx:
        heartbeats.beat(tx, "server")
        lanes.acquire(tx, lanes.of_instance(tx, store.by_name(tx, snow).id).id, "server", 600)


def test_an_idle_lane_is_worked_off_here(app: App, me: Actor, snow: str, remote: Remote) -> None:
    """MIR-001, MIR-179: one poll, then everything that is due; the lane is given back."""
    remote.will("get-modified-remote-data", ["R1"])
    remote.will("get-remote-data", [{"short_description": "Printer on fire"}])
    remote.will("update-remote-system", "R1")
    incidents.create(app, me, {"name": "Printer on fire", "dbotMirrorInstance": snow, "dbotMirrorDirection": "Both"})
    cycle = cycles.mirror_now(app, me, snow)
    assert (cycle.by_server, cycle.failures) == (False, [])
    assert [step for outcome in cycle.outcomes for step in outcome.steps].count("pushed") == 1
    with app.store.read() as tx:
        assert lanes.of_instance(tx, store.by_name(tx, snow).id).owner == ""


def test_a_failure_is_told_and_the_others_go_on(app: App, me: Actor, snow: str, remote: Remote) -> None:
    """Rule 9."""
    remote.will("update-remote-system", {"Type": 4, "ContentsFormat": "text", "Contents": "no such table"})
    for number in (1, 2):
        incidents.create(app, me, {"name": f"case {number}", "dbotMirrorInstance": snow, "dbotMirrorDirection": "Out"})
    cycle = cycles.mirror_now(app, me, snow)
    assert [failure.partition(":")[0] for failure in cycle.failures] == ["incident 1", "incident 2"]
    assert "no such table" in cycle.failures[0]


def test_a_fetch_that_fails_is_told(app: App, me: Actor, snow: str, remote: Remote) -> None:
    """MIR-038."""
    with pytest.raises(Conflict, match="does not fetch"):
        cycles.fetch_now(app, me, snow)
    instances.update(app, me, snow, {"isFetch": "true"})
    remote.will("fetch-incidents", {"Type": 4, "ContentsFormat": "text", "Contents": "401 Unauthorized"})
    with pytest.raises(CommandFailed, match="401"):
        cycles.fetch_now(app, me, snow)
    assert incidents.list_all(app, me) == []


def test_a_rate_limit_stops_the_lane_as_it_does_in_a_server(app: App, me: Actor, snow: str, remote: Remote) -> None:
    """MIR-064."""
    remote.will("get-modified-remote-data", {"Type": 4, "ContentsFormat": "text", "Contents": "API rate limit"})
    incidents.create(
        app, me, {"name": "x", "dbotMirrorInstance": snow, "dbotMirrorDirection": "In", "dbotMirrorId": "R1"}
    )
    with pytest.raises(RateLimited):
        cycles.mirror_now(app, me, snow)
    with app.store.read() as tx:
        assert lanes.of_instance(tx, store.by_name(tx, snow).id).in_not_before is not None


def test_a_running_server_is_asked_and_waited_for(app: App, me: Actor, snow: str, remote: Remote) -> None:
    """MIR-019: one cycle at a time, in one process."""
    owned_by_a_server(app, snow)
    waiting = replace(app, clock=ServingClock(app, snow))
    assert cycles.mirror_now(waiting, me, snow).by_server
    assert remote.asked == []


def test_a_server_that_does_not_answer_is_not_waited_for_for_ever(app: App, me: Actor, snow: str) -> None:
    """It was asked, and will come to it."""
    owned_by_a_server(app, snow)
    with pytest.raises(RetryLater, match="did not get to snow"):
        cycles.mirror_now(replace(app, clock=ServingClock(app, snow, stuck=True)), me, snow)


def test_a_disabled_instance_and_a_stopped_lane_are_refused(app: App, me: Actor, snow: str) -> None:
    """MIR-014; rule 10: a person must say go on."""
    with app.store.write() as tx:
        lanes.ask(tx, lanes.of_instance(tx, store.by_name(tx, snow).id).id, held_reason="everything closed at once")
    with pytest.raises(Conflict, match="everything closed at once"):
        cycles.mirror_now(app, me, snow)
    instances.disable(app, me, snow)
    with pytest.raises(Conflict, match="is disabled"):
        cycles.fetch_now(app, me, snow)
