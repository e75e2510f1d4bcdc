"""Work off one lane: whoever owns it polls, fetches and reconciles one thing after another until nothing is due.

What an error means for the link and for the lane follows from its class alone (`model.errors`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from casemirror.engine import budgeting, commands, fetch, paging, poll
from casemirror.engine.app import App, log
from casemirror.engine.reconcile import Outcome, reconcile
from casemirror.engine.turn import LEASE_MARGIN_S, Turn
from casemirror.model.errors import (
    BrakePulled,
    CasemirrorError,
    LaneLost,
    LaneMustWait,
    NeedsAttention,
    NotFound,
    NotOurTurn,
    RateLimited,
    RetryLater,
)
from casemirror.model.ids import LaneId
from casemirror.model.link import Link
from casemirror.runtime.environments.folder import EnvironmentMissing
from casemirror.store import budgets, instances, lanes, links
from casemirror.store.database import DatabaseFailed

TURN_S = 30.0
"""A turn ends after that long even when more is due, so that new settings and other workers get their say."""
FIRST_RETRY_S = 30.0
"""Wait of a failing link after its first failure; doubled with each further one (rule 9)."""
DATABASE_PAUSE_S = 2.0
"""Wait of a lane after the database could not do something."""
STARVED = timedelta(seconds=30)
"""A poll or fetch that waited for that long behind people's edits is made all the same."""
BUG_PAUSE_S = 60.0
"""Wait of a lane after an error that nobody expected."""


def drain(app: App, lane_id: LaneId) -> int:
    """Take the lane, work until nothing is due or the turn is over, give it back. Returns how many steps were done.

    0 when somebody else owns it: a double dispatch is harmless.
    """
    try:
        turn = take(app, lane_id)
    except DatabaseFailed as error:
        log.warning("lane.cannot_be_taken", lane=lane_id, reason=why_failed(error))
        return 0
    return work_off(turn) if turn else 0


def work_off(turn: Turn) -> int:
    """Do what is due until the turn is over, then give the lane back. Never raises: what a step met is the lane's to bear."""
    app, steps = turn.app, 0
    ends = app.clock.now() + timedelta(seconds=TURN_S)
    try:
        while not app.stopping.is_set() and app.clock.now() < ends and step(turn):
            steps += 1
    except LaneLost as error:
        log.warning("lane.lost", lane=turn.lane.id, reason=error.message)
        return steps
    except DatabaseFailed as error:
        log.warning("database.failed", lane=turn.lane.id, reason=why_failed(error))
        pause(turn, DATABASE_PAUSE_S, f"the database failed: {why_failed(error)}")
    except Exception as error:
        log.exception("lane.failed", lane=turn.lane.id)
        pause(turn, BUG_PAUSE_S, f"internal error: {type(error).__name__}")
    release(turn)
    return steps


def take(app: App, lane_id: LaneId) -> Turn | None:
    """Own the lane for a while; None when another worker does, or when its instance is gone, disabled, or cannot run here."""
    settings = app.settings()
    lease_s = 2 * (settings.seconds("mirror.command.timeout") + LEASE_MARGIN_S)
    with app.store.write() as tx:
        lane = lanes.acquire(tx, lane_id, app.executor, lease_s)
        if lane is None:
            return None
        instance = instances.load(tx, lane.instance_id)
    try:
        caller = commands.caller(app, instance, settings)
        caller.code()
    except (NotFound, EnvironmentMissing) as error:
        with app.store.write() as tx:
            until, why = app.clock.now() + timedelta(minutes=1), error.message
            lane = lanes.save(tx, lane, last_error=why, poll_error=why, not_before=until, not_before_reason=why)
            lanes.release(tx, lane)
        log.warning("lane.cannot_run", instance=instance.name, reason=error.message)
        return None
    return Turn(caller=caller, lane=lane)


def release(turn: Turn) -> None:
    """Give the lane back; when it was lost meanwhile there is nothing to give. `dispatch` gives back what could not be."""
    with _whatever_the_database_says(turn), turn.app.store.write() as tx:
        lanes.release(tx, turn.lane)


def step(turn: Turn) -> bool:
    """Do the one thing that is due first; False when nothing is. People's edits go before polls, polls before pulls."""
    now = turn.app.clock.now()
    if turn.lane.held_reason or (turn.lane.not_before and now < turn.lane.not_before):
        return False
    if not mind_budgets(turn, now):
        return False
    mirrors = turn.settings.flag("sync.mirror.job.enable")
    link = next_link(turn) if mirrors else None
    starved = any(at and at < now - STARVED for at in (mirrors and turn.lane.next_poll_at, turn.lane.next_fetch_at))
    if link is not None and ((link.priority == 0 and not starved) or not turn.lane.may_ask(now)):
        return run_link(turn, link)
    if not turn.lane.may_ask(now):
        return False
    next_page = mirrors and link is None and paging.leave_page(turn)
    if next_page or (mirrors and (turn.lane.poll_asked_at or (turn.lane.next_poll_at or now) <= now)):
        return run_step(turn, "poll", poll.poll)
    if turn.lane.next_fetch_at is None or turn.lane.next_fetch_at <= now:
        return run_step(turn, "fetch", fetch.fetch)
    return link is not None and run_link(turn, link)


def next_link(turn: Turn) -> Link | None:
    """The due link that comes first; only one with something to send while the remote may not be asked."""
    now = turn.app.clock.now()
    with turn.app.store.read() as tx:
        return links.due(tx, turn.instance.id, now, only_to_send=not turn.lane.may_ask(now))


def mind_budgets(turn: Turn, now: datetime) -> bool:
    """Stop asking, or everything, when the budget of requests is spent; False: nothing at all may be done now."""
    if turn.lane.may_ask(now) and (spent := pulls_spent(turn, now) or budgeting.spent(turn, now, incoming=True)):
        with turn.write() as tx:
            turn.note(tx, in_not_before=spent[0], in_not_before_reason=spent[1])
    if not turn.lane.may_ask(now) and (spent := budgeting.spent(turn, now, incoming=False)):
        with turn.write() as tx:
            turn.note(tx, not_before=spent[0], not_before_reason=spent[1])
        return False
    return True


def pulls_spent(turn: Turn, now: datetime) -> tuple[datetime, str] | None:
    """Until when, and why, this cycle may make no more pulls; None: it may.   Source: MIR-094."""
    budget, next_poll_at = turn.settings.count("mirror.instance.budget"), turn.lane.next_poll_at
    if not 0 < budget <= turn.lane.pulls_this_cycle or next_poll_at is None or next_poll_at <= now:
        return None
    return next_poll_at, f"the {budget} pulls of this cycle (mirror.instance.budget) are spent"


def run_step(turn: Turn, name: str, work: Callable[[Turn], int]) -> bool:
    """Poll or fetch. A failure waits for the next interval; a rate limit means that nothing is asked until the next cycle."""
    started = turn.app.clock.now()
    try:
        found = work(turn)
    except (RetryLater, NeedsAttention) as error:
        poll_failed = name == "poll"
        with turn.write() as tx:
            why = {"last_error": error.message[:2000], f"{name}_error": error.message[:2000]}
            turn.note(tx, failed_in=turn.lane.failed_in + poll_failed, **why)
        log.warning(f"{name}.failed", instance=turn.instance.name, code=error.stable_code, reason=error.message[:500])
        if poll_failed:
            wait_for_cycle(turn, error, incoming=True)
        return True
    except LaneMustWait as error:
        wait_for_cycle(turn, error, incoming=True)
        return True
    took = (turn.app.clock.now() - started).total_seconds()
    with turn.write() as tx:
        turn.note(tx, **({"last_poll_s": took} if name == "poll" else {}))
    log.debug(f"{name}.finished", instance=turn.instance.name, found=found, duration_s=round(took, 3))
    return True


def run_link(turn: Turn, link: Link) -> bool:
    """Reconcile one link; what follows from an error is in `after_error`. False when the lane must wait."""
    started = turn.app.clock.now()
    try:
        outcome = reconcile(turn, link.id)
    except CasemirrorError as error:
        return after_error(turn, link, error)
    if "pulled" in outcome.steps:
        with turn.write() as tx:
            turn.note(tx, pulls_this_cycle=turn.lane.pulls_this_cycle + 1)
    _log(turn, link, outcome, (turn.app.clock.now() - started).total_seconds())
    return True


def _log(turn: Turn, link: Link, outcome: Outcome, took_s: float) -> None:
    log.info(
        "reconcile.finished",
        instance=turn.instance.name,
        incident=link.incident_id,
        outcome="+".join(outcome.steps) or "nothing",
        fields_in=outcome.fields_in,
        fields_out=outcome.fields_out,
        entries_in=outcome.entries_in,
        entries_out=outcome.entries_out,
        duration_s=round(took_s, 3),
    )


def after_error(turn: Turn, link: Link, error: CasemirrorError) -> bool:
    """React to an error of one link: it waits, or it is held, or the whole lane waits, or somebody else has the turn."""
    if isinstance(error, LaneLost):
        raise error
    if isinstance(error, NotOurTurn):
        return True
    where = {"instance": turn.instance.name, "incident": link.incident_id, "code": error.stable_code}
    if isinstance(error, BrakePulled):
        with turn.write() as tx:
            turn.note(tx, held_reason=error.message)
        log.warning("lane.held", reason=error.message, **where)
        return False
    if isinstance(error, LaneMustWait):
        with turn.write() as tx:
            links.save(tx, link.id, rate_limited=True)
        wait_for_cycle(turn, error, incoming=error.incoming)
        return error.incoming
    if isinstance(error, NeedsAttention):
        with turn.write() as tx:
            links.hold(tx, link.id, error.message, seen=link.wanted)
        log.warning("link.held", reason=error.message[:500], **where)
        return True
    wait_s = retry_wait_s(link.tries, turn.settings.seconds("mirror.retry.max"))
    until = turn.app.clock.now() + timedelta(seconds=wait_s)
    with turn.write() as tx:
        links.wait(tx, link.id, until, seen=link.wanted)
    log.warning("reconcile.failed", reason=error.message[:500], tries=link.tries + 1, wait_s=wait_s, **where)
    return True


def retry_wait_s(tries: int, longest_s: float) -> float:
    """Wait after the next failure, seconds: 30 s · 2ⁿ, at most `longest_s` (rule 9)."""
    return min(FIRST_RETRY_S * 2.0 ** min(tries, 20), longest_s)


def wait_for_cycle(turn: Turn, error: CasemirrorError, *, incoming: bool) -> None:
    """Wait for the next cycle, or for as long as the remote asked; nothing counts as a failure of a link.

    incoming   only asking waits: changes made here are sent meanwhile (§2.3: the outgoing phase always runs)
    """
    now = turn.app.clock.now()
    asked = re.search(r"retry after (\d+(?:\.\d+)?) ?s", error.message)
    next_cycle = turn.lane.next_poll_at if turn.lane.next_poll_at and turn.lane.next_poll_at > now else None
    until = next_cycle or now + timedelta(seconds=turn.settings.interval_s)
    if asked:
        until = max(until, now + timedelta(seconds=float(asked.group(1))))
    waits = ("in_not_before", "in_not_before_reason") if incoming else ("not_before", "not_before_reason")
    columns = dict(zip(waits, (until, error.message[:500]), strict=True))
    limited = isinstance(error, RateLimited)
    hits = turn.lane.rate_limit_hits + limited
    with turn.write() as tx:
        if limited and turn.settings.flag("mirror.budget.learn"):
            budgets.learn(tx, turn.instance.id, now)
        turn.note(tx, rate_limit_hits=hits, **columns)
    log.info("lane.waits", instance=turn.instance.name, code=error.stable_code, until=until.isoformat(), sends=incoming)


def pause(turn: Turn, seconds: float, reason: str) -> None:
    """Stop the lane for a while."""
    with _whatever_the_database_says(turn), turn.write() as tx:
        until = turn.app.clock.now() + timedelta(seconds=seconds)
        turn.note(tx, not_before=until, not_before_reason=reason, last_error=reason)


@contextmanager
def _whatever_the_database_says(turn: Turn) -> Iterator[None]:
    try:
        yield
    except LaneLost as error:
        log.warning("lane.lost", lane=turn.lane.id, reason=error.message)
    except DatabaseFailed as error:
        log.warning("database.failed", lane=turn.lane.id, reason=why_failed(error))


def why_failed(error: Exception) -> str:
    """The database's own words, without the statement and its values."""
    return str(getattr(error, "orig", error)).strip().partition("\n")[0]
