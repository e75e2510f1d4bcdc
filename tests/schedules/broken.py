"""The rules of the protocol, each broken on purpose as `tests/engine/test_ten_rules.py` breaks it, where chance can find it.

Out of the reach of schedules: told data of full-data polls (rule 3), fetches (rule 4), who waits for whom while all comes
right in the end (rule 9), and the brake, which is for a dozen incidents (rule 10). Not shown to be found by chance: the
cursor and the overlap (rules 2, 3), torn transactions (rule 4), the lease of a long call (rule 6).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from casemirror.engine import inbound, looking
from casemirror.engine import reconcile as reconciling
from casemirror.engine.inbound import Window
from casemirror.engine.turn import Turn
from casemirror.runtime.wire import replies
from casemirror.store import entries, lanes, links
from schedules.stage import Kind

Patch = pytest.MonkeyPatch
STRICT = Kind(strict=True)


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A broken rule; `kind` of the schedules that find it, `weather` that is set for them, `first` seed of them."""

    breaks: Callable[[Patch], None]
    kind: Kind = Kind()
    weather: tuple[str, ...] = ()
    first: int = 1000


def finish_writes_the_newest(patch: Patch) -> None:
    """Rule 1."""

    def finish(turn: Turn, work: reconciling.Work) -> None:
        with turn.write() as tx:
            links.finish(tx, work.link.id, links.load(tx, work.link.id).wanted)

    patch.setattr(reconciling, "finish", finish)


def sync_time_is_taken_after_the_call(patch: Patch) -> None:
    """Rule 2."""

    def late(*, since: Any, started: Any, ended: Any) -> Window:
        return Window(since=since, started=ended, ended=ended)

    patch.setattr(looking, "Window", late)


def entries_are_not_recognised(patch: Patch) -> None:
    """Rule 3."""

    def all_of_them(tx: Any, link: Any, found: Any, window: Any, arrived: Any) -> Any:
        return [(entry, inbound.fingerprint(entry)) for entry in found]

    patch.setattr(inbound, "only_new", all_of_them)


def pulls_inside_a_transaction(patch: Patch) -> None:
    """Rule 4."""
    real = reconciling.pull

    def pull(turn: Turn, work: reconciling.Work) -> inbound.Pulled:
        with turn.app.store.read():
            return real(turn, work)

    patch.setattr(reconciling, "pull", pull)


def nobody_looks_at_the_epoch(patch: Patch) -> None:
    """Rule 5."""
    patch.setattr(lanes, "guard", lambda tx, lane: None)


def sent_before_the_call(patch: Patch) -> None:
    """Rule 7."""
    real = entries.mark_intended

    def mark(tx: Any, link_id: Any, ids: Any, now: Any) -> None:
        real(tx, link_id, ids, now)
        entries.mark_sent(tx, link_id, ids, now)

    patch.setattr(entries, "mark_intended", mark)


def never_intended(patch: Patch) -> None:
    """Rule 7: no trace before the call; what arrived is noted all the same."""
    intended, sent = entries.mark_intended, entries.mark_sent

    def mark(tx: Any, link_id: Any, ids: Any, now: Any) -> None:
        intended(tx, link_id, ids, now)
        sent(tx, link_id, ids, now)

    patch.setattr(entries, "mark_intended", lambda *_: None)
    patch.setattr(entries, "mark_sent", mark)


def errors_are_data(patch: Patch) -> None:
    """Rule 8."""
    patch.setattr(replies, "_raise_for", lambda reply: None)


BROKEN = (
    Broken(breaks=finish_writes_the_newest, first=5170),
    Broken(breaks=sync_time_is_taken_after_the_call, kind=STRICT, first=1090),
    Broken(breaks=entries_are_not_recognised),
    Broken(breaks=pulls_inside_a_transaction),
    Broken(breaks=nobody_looks_at_the_epoch, first=1030),
    Broken(breaks=sent_before_the_call),
    Broken(breaks=never_intended),
    Broken(breaks=errors_are_data, weather=("failing",)),
)
