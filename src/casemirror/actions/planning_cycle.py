"""Which links the next cycle would work off: those that are due, those that the poll names, those nobody saw for long.

The rules are those of `engine.poll` and `engine.lane`; the poll is the real one, and what it says is not written down.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from casemirror.actions.planning_link import Due
from casemirror.actions.planning_values import Poll
from casemirror.engine import budgeting, paging, poll
from casemirror.engine.turn import Onlooker
from casemirror.model.errors import CasemirrorError
from casemirror.model.ids import LinkId
from casemirror.model.link import Link, LinkState
from casemirror.model.values import canonical
from casemirror.runtime import wire
from casemirror.runtime.wire import PollAnswer
from casemirror.store import links, polls, upcoming
from casemirror.store.inbox import Row

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(kw_only=True)
class Round:
    """The work of one cycle, as far as it is known before any pull.

    stopped   why nothing would be asked of the remote; empty: it would. What changed here is sent all the same
    """

    at: datetime
    due: dict[LinkId, Due] = field(default_factory=dict)
    poll: Poll = field(default_factory=Poll)
    stopped: str = ""

    def name(self, link: Link, priority: int, told: tuple[Row, ...] = ()) -> None:
        """A link that would be named; one that waits after a failure goes on waiting, a pull that is only spread does not."""
        known = self.due.get(link.id, Due(link=link))
        was, idle = known.link, known.link.wanted <= known.link.done
        is_due = idle or was.due_at is None or was.due_at <= self.at
        if was.state is not LinkState.ACTIVE or not (is_due or not (was.tries or was.is_gone)):
            return
        named = replace(
            was,
            wanted=was.wanted + 1,
            named=was.named + 1,
            priority=priority if idle else min(was.priority, priority),
            due_at=was.due_at if is_due and not idle else self.at,
        )
        self.due[link.id] = Due(link=named, told=known.told + told)

    def in_order(self) -> list[Due]:
        """The links in the order in which the lane would take them."""
        return sorted(
            self.due.values(), key=lambda each: (each.link.priority, each.link.due_at or self.at, each.link.id)
        )


def look_round(turn: Onlooker) -> Round:
    """Ask what changed, and put together what would be worked off."""
    now = turn.app.clock.now()
    found = Round(at=now)
    with turn.app.store.read() as tx:
        found.due = {link.id: Due(link=link) for link in upcoming.due(tx, turn.instance.id, now)}
        asks = _asks(turn, tx)
    if not turn.lane.may_ask(now):
        until = f"{turn.lane.in_not_before:%Y-%m-%d %H:%M:%S} UTC"
        found.poll = Poll(said="not asked")
        found.stopped = f"{turn.instance.name} is asked nothing until {until}: {turn.lane.in_not_before_reason}"
    elif spent := budgeting.spent(turn, now, incoming=True):
        found.poll = Poll(said="not asked")
        found.stopped = f"{turn.instance.name} is asked nothing until {spent[0]:%Y-%m-%d %H:%M:%S} UTC: {spent[1]}"
    elif asks and turn.lane.can_poll(now):
        _ask(turn, found)
    elif asks:
        _all(turn, found, f"not asked: {turn.instance.brand} has no get-modified-remote-data; all links are looked at")
    else:
        found.poll = Poll(said="not asked: nothing is mirrored in")
    if not found.stopped:
        _sweep(turn, found)
    return found


def _asks(turn: Onlooker, tx: Connection) -> bool:
    if not turn.caller.integration.mirror_in:
        return False
    return turn.settings.flag("mirror.probe.empty") or links.inbound_count(tx, turn.instance.id) > 0


def _ask(turn: Onlooker, found: Round) -> None:
    since = poll.poll_since(turn, found.at)
    try:
        reply = turn.caller.run("get-modified-remote-data", wire.poll_arguments(since))
        try:
            answer = wire.parse_poll(reply)
        finally:
            reply.discard()
    except CasemirrorError as error:
        _failed(found, since, error.message)
        return
    if answer.kind == "error" and turn.lane.cap_modified == "yes":
        _failed(found, since, answer.text)
    elif answer.kind in ("ids", "data"):
        _named(turn, found, since, answer)
    elif answer.kind == "silent" and turn.lane.cap_modified == "yes":
        found.poll = Poll(since=since, said="nothing changed")
    else:
        _all(turn, found, f"no usable answer ({answer.text or 'none at all'}): all links are looked at", since)


def _failed(found: Round, since: datetime, text: str) -> None:
    found.poll = Poll(since=since, said="it failed", error=text)
    found.stopped = f"the poll fails, and nothing more would be asked before the next cycle: {text}"


def _named(turn: Onlooker, found: Round, since: datetime, answer: PollAnswer) -> None:
    """Links of the ids that the poll told, and of full data that was not told before (rule 3)."""
    named = unknown = 0
    with turn.app.store.read() as tx:
        news = {remote_id: body for remote_id, body in _bodies(answer) if _is_news(turn, tx, remote_id, body)}
        for remote_id in dict.fromkeys([*answer.ids, *news]):
            mine = [each for each in links.by_remote(tx, turn.instance.id, remote_id) if each.direction.inbound]
            body = news.get(remote_id)
            for link in mine:
                found.name(link, poll.NAMED, () if body is None else (Row(0, found.at, body),))
            named, unknown = named + bool(mine), unknown + (not mine)
    told = len(answer.ids) + len(answer.data)
    more = (
        f" (a full page of {told}: the cycle would ask for more)" if paging.is_full(told, turn.instance.params) else ""
    )
    said = f"changed or new there: {named + unknown}{more}"
    found.poll = Poll(since=since, said=said, named=named, unknown=unknown)


def _bodies(answer: PollAnswer) -> Iterable[tuple[str, object]]:
    return ((remote_id, wire.remote_data_to_json(data)) for remote_id, data in answer.data.items())


def _is_news(turn: Onlooker, tx: Connection, remote_id: str, body: object) -> bool:
    return not polls.was_told(tx, turn.instance.id, remote_id, canonical(body))  # type: ignore[arg-type]


def _all(turn: Onlooker, found: Round, said: str, since: datetime | None = None) -> None:
    with turn.app.store.read() as tx:
        mine = links.inbound(tx, turn.instance.id)
    for link in mine:
        if link.named <= link.pulled:
            found.name(link, poll.NAMED)
    found.poll = Poll(since=since, said=said, named=len(mine))


def _sweep(turn: Onlooker, found: Round) -> None:
    """Links that nobody looked at for long, or since a poll that may have left something out."""
    before = poll.swept_before(turn, found.at)
    if before is None:
        return
    with turn.app.store.read() as tx:
        stale = links.stale(tx, turn.instance.id, before, poll.SWEEP_SIZE)
    for link in stale:
        known = found.due.get(link.id)
        if known is None or known.link.named <= known.link.pulled:
            found.name(link, poll.SWEPT)
