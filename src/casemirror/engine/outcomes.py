"""Pushes whose outcome nobody saw: when their look is believed, what became of a call that failed, what may be there twice.

A search of the remote may show late what was written (`mirror.overlap` says how late). Until that time has passed since
the call was over, an integration that looks by itself is asked to look only; what it finds is settled at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from casemirror.engine.turn import Turn
from casemirror.model.entry import Outgoing
from casemirror.model.errors import OutcomeUnknown
from casemirror.model.link import Link
from casemirror.runtime.wire import PushReport
from casemirror.store import doubts, entries, links

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from casemirror.engine.outbound import Package

_UNSEEN: Final = re.compile(
    r"timed? ?out|time-out|signal \d|without an answer|\b50[0234]\b|connection (?:reset|aborted)|was killed", re.I
)
"""An error of a creation call that leaves open whether the object was made."""


def to_be_sent(turn: Turn, outgoing: Sequence[Outgoing], now: datetime) -> tuple[Outgoing, ...]:
    """Entries of the next calls: what may only be looked for is marked so, and what was said after it waits for it."""
    marked = [replace(each, only_look=_is_early(turn, each, now)) for each in outgoing]
    first = next((number for number, each in enumerate(marked) if each.only_look), len(marked))
    return (*marked[:first], *(each for each in marked[first:] if each.only_look))


def _is_early(turn: Turn, outgoing: Outgoing, now: datetime) -> bool:
    if not (outgoing.uncertain and outgoing.ends_by and turn.caller.integration.resends_safely):
        return False
    return now < outgoing.ends_by + turn.overlap


def creation_is_early(turn: Turn, link: Link, now: datetime) -> bool:
    """A creation of unknown outcome: the integration may look for the object, and not create it yet."""
    if link.creating_at is None or not turn.caller.integration.creates_safely:
        return False
    return now < (link.creating_ends_by or link.creating_at) + turn.overlap


def note_doubts(turn: Turn, tx: Connection, link: Link, package: Package, now: datetime, *, create: bool) -> None:
    """Keep what the call that is about to begin may double: entries, or the object itself, sent again without a proof.

    An integration that looks by itself, late enough, has the proof.
    """
    integration = turn.caller.integration
    if not integration.resends_safely:
        asked = link.direction.inbound and integration.mirror_in
        for each in package.sends:
            if each.uncertain and each.intended_at:
                doubts.add(tx, link.id, each.entry.id, now, _why(turn, each.intended_at, asked=asked))
    if create and not integration.creates_safely and link.create_attempts and _UNSEEN.search(link.error_out):
        reason = f"created once more after a creation call had failed: {link.error_out[:500]}"
        doubts.add(tx, link.id, None, now, reason)


def _why(turn: Turn, intended_at: datetime, *, asked: bool) -> str:
    looked = "did not show it when it was asked" if asked else "cannot be asked for it"
    return (
        f"nobody saw the outcome of the call of {intended_at:%Y-%m-%d %H:%M:%S} UTC, and {turn.instance.name} {looked}"
    )


def call_ended(turn: Turn, link: Link, package: Package, report: PushReport) -> None:
    """A call ended badly, or it only looked: note what it wrote, as far as anybody knows, and that it is over."""
    now = turn.app.clock.now()
    written = [each for each in package.sends if not each.only_look]
    unsent = [each for each in written if each.entry.label in report.unsent]
    with turn.write() as tx:
        entries.mark_unsent(tx, link.id, unsent)
        entries.mark_ended(tx, link.id, [each.entry.id for each in written if each not in unsent], now)
        if package.creates and turn.caller.integration.creates_safely:
            before = {"creating_at": link.creating_at, "creating_ends_by": link.creating_ends_by}
            links.save(tx, link.id, **(before if report.record else {"creating_ends_by": now}))


def found(package: Package, report: PushReport) -> tuple[Package, tuple[Outgoing, ...]]:
    """A good call's package without the entries that were looked for in vain, and those."""
    unknown = tuple(each for each in package.sends if each.entry.label in report.unknown)
    return replace(package, sends=tuple(each for each in package.sends if each not in unknown)), unknown


def still_unknown(turn: Turn, link: Link, what: Iterable[Outgoing] | None) -> OutcomeUnknown:
    """The error by which a link waits for a later look, noted on the link; None: the object itself was looked for."""
    things = "the object that was to be created" if what is None else ", ".join(each.entry.label for each in what)
    error = OutcomeUnknown(
        f"{turn.instance.name} does not show {things} yet, and an earlier call may have written it: it is looked for again, "
        "and written once it would have to be seen (mirror.overlap)"
    )
    with turn.write() as tx:
        links.save(tx, link.id, error_out=error.message)
    return error
