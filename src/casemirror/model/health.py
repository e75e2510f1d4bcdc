"""How an instance is: one state, decided from what is stored. Pure.

`casemirror doctor` looks at more, one precondition after the other; what both ask is asked by the functions here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from casemirror.model.instance import Instance
from casemirror.model.lane import Lane
from casemirror.model.settings import Settings

MISSED_CYCLES = 3
"""So many intervals without a good cycle mean that nobody works for the instance."""

LEAST_GRACE_S = 30.0
"""However short the interval, a cycle takes its time."""
SHORT = 300
"""Characters of an error within a reason."""


class State(StrEnum):
    """How an instance is, the best first."""

    OK = "ok"
    WAITING = "waiting"
    """the remote, the integration or its budget of requests asks for a pause"""
    PAUSED = "paused"
    """a person, or a safety brake, stopped it"""
    DEGRADED = "degraded"
    """it works, and not for everything"""
    FAILING = "failing"
    """it does not work"""


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Links of an instance: how many fail and wait to be tried again, how many are held, how many have open conflicts.

    any_well   there is a link that neither fails nor is held
    """

    failing: int = 0
    held: int = 0
    conflicts: int = 0
    any_well: bool = True


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the state of an instance follows from."""

    instance: Instance
    lane: Lane
    counts: Counts = field(default_factory=Counts)
    settings: Settings


@dataclass(frozen=True, kw_only=True)
class Health:
    """A state, why it is so (empty when all is well), and since when."""

    state: State
    reason: str = ""
    since: datetime


def state_of(facts: Facts, former: Health | None, now: datetime) -> Health:
    """Decide the state; the first that has a reason counts, in the order of how much it says.

    former   what was noted last: it tells since when, and what the instance comes back from
    """
    looks = (
        (State.PAUSED, stopped(facts)),
        (State.WAITING, "" if is_stuck(facts) else waits(facts, now)),
        (State.FAILING, fails(facts, now)),
        (State.DEGRADED, lacks(facts, former, now)),
        (State.WAITING, former.reason if former and _resumes(facts, former, now) else ""),
    )
    state, reason = next(((state, reason) for state, reason in looks if reason), (State.OK, ""))
    return Health(state=state, reason=reason, since=former.since if former and former.state is state else now)


def stopped(facts: Facts) -> str:
    """Who stopped the instance; empty: nobody did."""
    if not facts.instance.enabled:
        return "the instance is disabled"
    if not facts.settings.flag("sync.mirror.job.enable"):
        return "the mirror job is off (sync.mirror.job.enable)"
    return facts.lane.held_reason


def waits(facts: Facts, now: datetime) -> str:
    """What the remote, or the integration, asked for; empty: nothing, or the lane waits because something failed."""
    lane = facts.lane
    if lane.not_before and now < lane.not_before and not follows_an_error(lane, lane.not_before_reason):
        return _until(lane.not_before, lane.not_before_reason)
    if lane.in_not_before is None or lane.may_ask(now) or follows_an_error(lane, lane.in_not_before_reason):
        return ""
    return "" if _spent(facts) else _until(lane.in_not_before, lane.in_not_before_reason)


def follows_an_error(lane: Lane, reason: str) -> bool:
    """The reason of a wait is what went wrong last, not a wish of the remote."""
    return bool(reason) and lane.last_error.startswith(reason)


def _until(at: datetime, reason: str) -> str:
    return f"until {at:%Y-%m-%d %H:%M:%S} UTC: {_short(reason or 'no reason was noted')}"


def _spent(facts: Facts) -> bool:
    """The wait for the next cycle is an ordinary one: the pulls of this one are spent (`mirror.instance.budget`)."""
    budget, lane = facts.settings.count("mirror.instance.budget"), facts.lane
    return 0 < budget <= lane.pulls_this_cycle and lane.in_not_before == lane.next_poll_at


def is_stuck(facts: Facts) -> bool:
    """Cycles are tried, and each one is put off: a cycle began when the last good one was several intervals old."""
    began = facts.lane.last_poll_at
    return began is not None and began - _well_at(facts, None) > grace(facts.settings)


def _resumes(facts: Facts, former: Health, now: datetime) -> bool:
    """A wait is over, and nothing went well since: the cycle that will tell is under way."""
    ends = [at for at in (facts.lane.not_before, facts.lane.in_not_before) if at]
    good = facts.lane.good_poll_at
    return (
        former.state is State.WAITING
        and bool(ends)
        and timedelta(0) <= now - max(ends) <= grace(facts.settings)
        and (good is None or good < max(ends))
    )


def fails(facts: Facts, now: datetime) -> str:
    """Why nothing works; empty: something does."""
    lane, counts = facts.lane, facts.counts
    if lane.poll_error:
        return f"the last poll failed: {_short(lane.poll_error)}"
    if lane.fetch_error:
        return f"the last fetch failed: {_short(lane.fetch_error)}"
    if lane.not_before and now < lane.not_before and follows_an_error(lane, lane.not_before_reason):
        return _short(lane.last_error)
    if (counts.failing or counts.held) and not counts.any_well:
        return f"no link works: {_troubles(counts)}"
    return ""


def _short(error: str) -> str:
    """One line of it; the whole text is in the log, and in what `casemirror doctor` tells."""
    text = " ".join(error.split())
    return text if len(text) <= SHORT else f"{text[:SHORT]}…"


def lacks(facts: Facts, former: Health | None, now: datetime) -> str:
    """What does not work although the instance does; empty: all does."""
    parts = [_troubles(facts.counts)]
    since = f"no cycle went well since {_well_at(facts, former):%Y-%m-%d %H:%M:%S} UTC"
    if is_stuck(facts) and waits(facts, now):
        parts.insert(0, f"{since}, each is put off {waits(facts, now)}")
    elif is_overdue(facts, former, now):
        parts.insert(0, f"{since}; is a server running?")
    return "; ".join(part for part in parts if part)


def is_overdue(facts: Facts, former: Health | None, now: datetime) -> bool:
    """The last good cycle is several intervals old; what was paused or waited first gets the time for one."""
    if former and (former.state is State.PAUSED or _resumes(facts, former, now)):
        return False
    return now - _well_at(facts, former) > grace(facts.settings)


def grace(settings: Settings) -> timedelta:
    """How long an instance may go without a good cycle."""
    return timedelta(seconds=max(MISSED_CYCLES * settings.interval_s, LEAST_GRACE_S))


def _well_at(facts: Facts, former: Health | None) -> datetime:
    """When the instance last gave no cause for concern: a good cycle, a change by a person, or its coming back."""
    was_well = [former.since] if former and former.state is State.OK else []
    polled = [facts.lane.good_poll_at] if facts.lane.good_poll_at else []
    return max(facts.instance.created_at, facts.instance.modified_at, *polled, *was_well)


def _troubles(counts: Counts) -> str:
    parts = (
        _counted(counts.failing, "link fails", "links fail"),
        _counted(counts.held, "link is held", "links are held"),
        _counted(counts.conflicts, "link has an open conflict", "links have open conflicts"),
    )
    return ", ".join(part for part in parts if part)


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}" if count else ""
