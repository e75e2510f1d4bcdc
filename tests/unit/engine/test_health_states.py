"""The state of an instance as a table: what is stored → state and reason. No database, no clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from casemirror.model.health import Counts, Facts, Health, State, state_of
from casemirror.model.ids import InstanceId, LaneId
from casemirror.model.instance import Instance
from casemirror.model.lane import Lane
from casemirror.model.settings import Settings

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LONG_AGO = NOW - timedelta(days=30)
INSTANCE = Instance(id=InstanceId("i"), name="desk", brand="Desk", created_at=LONG_AGO, modified_at=LONG_AGO)
LANE = Lane(id=LaneId("i/0"), instance_id=InstanceId("i"), good_poll_at=NOW - MINUTE, last_poll_at=NOW - MINUTE)


def facts(*, enabled: bool = True, settings: dict[str, Any] | None = None, links: dict[str, Any] | None = None, **lane: Any) -> Facts:  # fmt: skip
    return Facts(
        instance=replace(INSTANCE, enabled=enabled),
        lane=replace(LANE, **lane),
        counts=Counts(**links or {}),
        settings=Settings(settings or {}),
    )


def noted(state: State, since: datetime = LONG_AGO) -> Health:
    return Health(state=state, since=since)


POLL_FAILED = {"poll_error": "401", "last_error": "401"}
WAITS = {"in_not_before": NOW + MINUTE, "in_not_before_reason": "API rate limit"}
ALL_WAITS = {"not_before": NOW + MINUTE, "not_before_reason": "API rate limit"}
FOUND = {
    "all is well": (facts(), State.OK, ""),
    "disabled": (facts(enabled=False), State.PAUSED, "disabled"),
    "disabled says more than any failure": (facts(enabled=False, **POLL_FAILED), State.PAUSED, "disabled"),
    "the job is off": (facts(settings={"sync.mirror.job.enable": False}), State.PAUSED, "sync.mirror.job.enable"),
    "a brake": (facts(held_reason="would close more than 50 %"), State.PAUSED, "would close more than 50 %"),
    "a rate limit": (facts(**WAITS), State.WAITING, "until 2026-03-01 12:01:00 UTC: API rate limit"),
    "a rate limit for writes": (facts(**ALL_WAITS), State.WAITING, "API rate limit"),
    "a rate limit after a failure": (facts(**WAITS, **POLL_FAILED), State.WAITING, "API rate limit"),
    "a rate limit that is over": (facts(in_not_before=NOW, in_not_before_reason="API rate limit"), State.OK, ""),
    "a spent budget is an ordinary day": (
        facts(settings={"mirror.instance.budget": 5}, pulls_this_cycle=5, next_poll_at=NOW + MINUTE, **WAITS),
        State.OK,
        "",
    ),
    "a poll failed, and waits for the next cycle": (
        facts(**{**POLL_FAILED, "in_not_before": NOW + MINUTE, "in_not_before_reason": "401"}),
        State.FAILING,
        "the last poll failed: 401",
    ),
    "a fetch failed": (facts(fetch_error="no such table"), State.FAILING, "the last fetch failed: no such table"),
    "a bug": (
        facts(not_before=NOW + MINUTE, not_before_reason="internal error: KeyError", last_error="internal error: KeyError"),
        State.FAILING,
        "internal error: KeyError",
    ),
    "an old error of another kind": (facts(last_error="401"), State.OK, ""),
    "no link works": (
        facts(links={"failing": 2, "held": 1, "any_well": False}),
        State.FAILING,
        "no link works: 2 links fail, 1 link is held",
    ),
    "some links fail": (facts(links={"failing": 1}), State.DEGRADED, "1 link fails"),
    "some links are held": (facts(links={"held": 2}), State.DEGRADED, "2 links are held"),
    "conflicts": (facts(links={"conflicts": 1}), State.DEGRADED, "1 link has an open conflict"),
    "nobody polls": (facts(good_poll_at=NOW - 4 * MINUTE), State.DEGRADED, "no cycle went well since 2026-03-01 11:56"),
    "late, and not too late": (facts(good_poll_at=NOW - 3 * MINUTE), State.OK, ""),
    "nobody ever polled": (facts(good_poll_at=None), State.DEGRADED, "is a server running?"),
}  # fmt: skip


@pytest.mark.parametrize("name", FOUND)
def test_a_state_follows_from_what_is_stored(name: str) -> None:
    """docs/health.md: paused before waiting before failing before degraded, each with its reason."""
    given, state, reason = FOUND[name]
    found = state_of(given, None, NOW)
    assert found.state is state
    assert reason in found.reason
    assert bool(found.reason) is (state is not State.OK)


def test_a_state_begins_when_it_is_first_seen_and_lasts() -> None:
    """Since when: the former note while the state is the same, whatever its reason is by now."""
    given = facts(links={"failing": 1})
    assert state_of(given, None, NOW).since == NOW
    assert state_of(given, noted(State.OK), NOW).since == NOW
    assert state_of(given, noted(State.DEGRADED, NOW - MINUTE), NOW).since == NOW - MINUTE


def test_who_was_paused_gets_the_time_for_a_cycle() -> None:
    """The last good cycle of an instance that was paused is old through nobody's fault."""
    given = facts(good_poll_at=LONG_AGO)
    assert state_of(given, noted(State.PAUSED), NOW).state is State.OK
    assert state_of(given, noted(State.OK, NOW - 3 * MINUTE), NOW).state is State.OK
    assert state_of(given, noted(State.OK, NOW - 4 * MINUTE), NOW).state is State.DEGRADED
    assert state_of(given, noted(State.DEGRADED, NOW - MINUTE), NOW).state is State.DEGRADED


def test_a_wait_lasts_until_a_cycle_goes_well() -> None:
    """Between the end of a wait and the answer that extends it nothing is well again; a good cycle ends it, and so does time."""
    waited = Health(state=State.WAITING, reason="API rate limit", since=NOW - 9 * MINUTE)
    over = {"in_not_before": NOW - MINUTE, "in_not_before_reason": "API rate limit"}
    late = NOW - 9 * MINUTE
    assert state_of(facts(**over, good_poll_at=late), waited, NOW) == waited
    assert state_of(facts(**over, good_poll_at=NOW), waited, NOW).state is State.OK
    assert state_of(facts(**over, good_poll_at=late), waited, NOW + 3 * MINUTE).state is State.DEGRADED


def test_cycles_that_are_put_off_again_and_again_are_no_mere_wait() -> None:
    """MIR-065: "skip update" is how integrations tell that they failed. A single long wait stays one."""
    one_long = facts(**WAITS, good_poll_at=NOW - 61 * MINUTE, last_poll_at=NOW - 60 * MINUTE)
    assert state_of(one_long, noted(State.WAITING), NOW).state is State.WAITING
    again = facts(**WAITS, good_poll_at=NOW - 61 * MINUTE, last_poll_at=NOW - MINUTE)
    found = state_of(again, noted(State.WAITING), NOW)
    assert found.state is State.DEGRADED
    assert found.reason == (
        "no cycle went well since 2026-03-01 10:59:00 UTC, each is put off until 2026-03-01 12:01:00 UTC: API rate limit"
    )


def test_a_short_interval_calls_nobody_late_at_once() -> None:
    """A cycle takes its time, however often one is wanted."""
    quick = {"sync.mirror.job.delayAdvanced": 0.3}
    assert state_of(facts(settings=quick, good_poll_at=NOW - timedelta(seconds=20)), None, NOW).state is State.OK
    assert state_of(facts(settings=quick, good_poll_at=NOW - timedelta(seconds=40)), None, NOW).state is State.DEGRADED


def test_a_change_by_a_person_gives_the_time_for_a_cycle() -> None:
    """A new instance, or one that was changed just now, was not polled yet."""
    given = facts(good_poll_at=None)
    fresh = replace(given, instance=replace(INSTANCE, modified_at=NOW - MINUTE))
    assert state_of(fresh, None, NOW).state is State.OK
