"""Ask an instance what changed, and write down which links that makes due. It pulls nothing itself.

Rules A–F are those of the contract: what an answer does to the cursor and to the links.   Source: mirroring.md §2.4.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from casemirror.engine import lateness, paging
from casemirror.engine.app import log
from casemirror.engine.turn import Turn
from casemirror.model.errors import CommandFailed
from casemirror.model.link import Link
from casemirror.model.values import canonical
from casemirror.runtime import wire
from casemirror.runtime.command import Reply
from casemirror.runtime.wire import PollAnswer
from casemirror.store import inbox, links, metrics, polls

if TYPE_CHECKING:
    from sqlalchemy import Connection

NAMED = 5
"""Priority of a link that a poll named; people's edits are 0, sweeps 9."""
SWEPT = 9
SWEEP_SIZE = 20
"""Links that one cycle pulls only because nobody looked for long.   Source: MIR-093."""


def begin_cycle(turn: Turn) -> None:
    """Note that a cycle begins; ticks that came while the last one ran are skipped and counted. One out of turn leaves the
    plan as it is.   Source: MIR-007.
    """
    now, interval = turn.app.clock.now(), timedelta(seconds=turn.settings.interval_s)
    planned = turn.lane.next_poll_at or now
    skipped = max(int((now - planned) / interval), 0)
    with turn.write() as tx:
        turn.note(
            tx,
            next_poll_at=planned + (skipped + 1) * interval if planned <= now else planned,
            skipped_cycles=turn.lane.skipped_cycles + skipped,
            last_poll_at=now,
            pulls_this_cycle=0,
            closed_this_cycle=0,
            poll_asked_at=None,
        )


def poll(turn: Turn) -> int:
    """Run one poll of an instance; returns how many links it made due.

    Raises RateLimited and PollSkipped (the lane waits for its next cycle, the cursor stays), CommandTimedOut, ProcessDied.
    """
    begin_cycle(turn)
    now = turn.app.clock.now()
    if not wants_poll(turn):
        with turn.write() as tx:
            turn.note(tx, good_poll_at=now, poll_error="")
        return sweep(turn, now)
    if not turn.lane.can_poll(now):
        with turn.write() as tx:
            turn.note(tx, good_poll_at=now, poll_error="")
            return name_all(turn, tx, now)
    turn.hold_for(turn.settings.seconds("mirror.command.timeout"))
    started = turn.app.clock.now()
    reply = turn.caller.run("get-modified-remote-data", wire.poll_arguments(poll_since(turn, started)))
    try:
        answer = wire.parse_poll(reply)
        found = take(turn, answer, reply, started)
    finally:
        reply.discard()
    return found + sweep(turn, now)


def wants_poll(turn: Turn) -> bool:
    """The instance mirrors in and has somebody to mirror for.   Source: MIR-001, MIR-018."""
    if not turn.caller.integration.mirror_in:
        return False
    if turn.settings.flag("mirror.probe.empty"):
        return True
    with turn.write() as tx:
        if links.inbound_count(tx, turn.instance.id):
            return True
        if turn.lane.cursor_at is not None:
            turn.note(tx, cursor_at=None)
    return False


def poll_since(turn: Turn, now: datetime) -> datetime:
    """`lastUpdate` of a poll: the last good call's start, and the overlap off it.   Source: MIR-062, MIR-063."""
    if turn.lane.cursor_at is not None:
        return turn.lane.cursor_at - turn.overlap
    with turn.app.store.read() as tx:
        first = links.first_since(tx, turn.instance.id) or now
    return first - timedelta(seconds=turn.settings.seconds("mirror.first.lookback"))


def take(turn: Turn, answer: PollAnswer, reply: Reply, started: datetime) -> int:
    """Write what an answer means: found links, cursor and the integration's own notebook in one transaction (rule 4)."""
    if answer.kind == "error" and turn.lane.cap_modified == "yes":
        raise CommandFailed(f"get-modified-remote-data failed: {answer.text}")  # rule F: nothing moves
    with turn.write() as tx:
        turn.note(tx, good_poll_at=started, poll_error="", last_error="")
        if answer.kind in ("ids", "data"):
            turn.note(tx, cap_modified="yes", cap_modified_until=None)
            turn.keep(tx, reply)
            found = name_ids(turn, tx, answer.ids, started) + _take_data(turn, tx, answer, started)
            metrics.add(tx, turn.instance.id, {metrics.SEEN: found})
            paging.note_answer(turn, tx, len(answer.ids) + len(answer.data), started)
        elif answer.kind == "silent" and turn.lane.cap_modified == "yes":
            turn.keep(tx, reply)
            paging.note_answer(turn, tx, 0, started)
            found = 0
        else:
            turn.note(tx, cursor_at=started)
            _learn_absent(turn, tx, answer, started)
            found = name_all(turn, tx, started)
        polls.forget_old(
            tx, turn.instance.id, started - timedelta(seconds=turn.settings.seconds("mirror.unmatched.ttl"))
        )
    return found


def name_ids(turn: Turn, tx: Connection, ids: Iterable[str], at: datetime) -> int:
    """Make every link with one of these remote ids due; ids without a link are remembered (MIR-076)."""
    found = 0
    for remote_id in dict.fromkeys(ids):
        matched = [link for link in links.by_remote(tx, turn.instance.id, remote_id) if link.direction.inbound]
        for link in matched:
            due = lateness.again_at(turn, link, at)
            links.want(tx, link.id, at, priority=NAMED, named=True, told_by=turn.lane.cursor_at, due=due)
        if not matched:
            polls.remember_unmatched(tx, turn.instance.id, remote_id, at)
        found += len(matched)
    return found


def _take_data(turn: Turn, tx: Connection, answer: PollAnswer, at: datetime) -> int:
    """Put full data aside for its links; the same data told again inside the overlap is recognised (rule 3)."""
    found = 0
    for remote_id, data in answer.data.items():
        body = wire.remote_data_to_json(data)
        if not polls.is_news(tx, turn.instance.id, remote_id, canonical(body), at):
            continue
        matched = [link for link in links.by_remote(tx, turn.instance.id, remote_id) if link.direction.inbound]
        for link in matched:
            inbox.put(tx, link.id, at, body)
            links.want(tx, link.id, at, priority=NAMED, named=True, told_by=turn.lane.cursor_at)
        if not matched:
            polls.remember_unmatched(tx, turn.instance.id, remote_id, at)
        found += len(matched)
    return found


def _learn_absent(turn: Turn, tx: Connection, answer: PollAnswer, now: datetime) -> None:
    """The command may not exist: believe a clear “not implemented” (or silence) for a while.   Source: rule E, MIR-074."""
    if answer.kind == "silent" or answer.not_implemented:
        until = now + timedelta(seconds=turn.settings.seconds("mirror.reprobe"))
        turn.note(tx, cap_modified="no", cap_modified_until=until)
        log.info("poll.not_implemented", instance=turn.instance.name, reason=answer.text[:200] or "no answer")
    else:
        turn.note(tx, last_error=answer.text[:2000])
        log.warning("poll.failed", instance=turn.instance.name, reason=answer.text[:500])


def name_all(turn: Turn, tx: Connection, now: datetime) -> int:
    """Without get-modified-remote-data every inbound link is pulled, longest unseen first.   Source: MIR-069…071."""
    found: list[Link] = links.inbound(tx, turn.instance.id)
    for link in found:
        if link.named <= link.pulled:
            links.want(tx, link.id, now, priority=NAMED, named=True)
    return len(found)


def sweep(turn: Turn, now: datetime) -> int:
    """Name links that nobody looked at for long, or since a poll that may have left something out: heals lost pages and late
    indexes.   Source: MIR-093; §2.9; `paging`.
    """
    before = swept_before(turn, now)
    if before is None:
        return 0
    with turn.write() as tx:
        found = links.stale(tx, turn.instance.id, before, SWEEP_SIZE)
        for link in found:
            links.want(tx, link.id, now, priority=SWEPT, named=True, told_by=turn.lane.cursor_at)
        if turn.lane.sweep_before and not found:
            turn.note(tx, sweep_before=None)
    return len(found)


def swept_before(turn: Turn, now: datetime) -> datetime | None:
    """Links not looked at since then are swept; None: nothing is."""
    age, since = turn.settings.seconds("mirror.reconcile"), turn.lane.sweep_before
    if not (age or since) or not turn.caller.integration.mirror_in or not turn.lane.can_pull(now):
        return None
    return max(filter(None, (now - timedelta(seconds=age) if age else None, since)))
