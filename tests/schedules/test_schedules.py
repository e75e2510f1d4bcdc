"""The protocol holds under random schedules with crashes, and each of its rules is needed.

CASEMIRROR_SCHEDULES=20000 runs more of them; CASEMIRROR_SEED repeats one.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from casemirror.engine import inbound, poll, reconcile, record
from casemirror.engine.turn import Turn
from casemirror.store import entries, lanes, links
from schedules.crashing import Schedule

COUNT = int(os.environ.get("CASEMIRROR_SCHEDULES", "90"))
SEED = int(os.environ.get("CASEMIRROR_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
TRIES = 60
"""Schedules within which a broken variant must be caught."""


@pytest.mark.timeout(7200)
@pytest.mark.parametrize(("careful", "strict"), [(True, False), (False, False), (True, True)])
def test_nothing_is_lost_or_doubled_in_any_schedule(careful: bool, strict: bool, tmp_path: Path) -> None:
    """Design §3: with kills, zombies and edits at every point both sides agree in the end, each word is there once.

    An integration that cannot look for its own words may say one twice, but only after a crash.
    """
    crashes = 0
    for number in range(max(COUNT // 3, 1)):
        schedule = Schedule(tmp_path / str(number), SEED + number, careful=careful, strict=strict)
        wrong = schedule.run()
        crashes += schedule.crashes
        assert not wrong, f"CASEMIRROR_SEED={SEED + number}\n" + "\n".join([*wrong, "", *schedule.history])
    assert crashes, "no schedule had a crash; the dice are loaded"


def finish_with_the_newest(tx: Any, link_id: Any, seen: int) -> None:
    """Broken rule 1."""
    del seen
    original_finish(tx, link_id, links.load(tx, link_id).wanted)


def window_after_the_call(*, since: datetime, started: datetime, ended: datetime) -> inbound.Window:
    """Broken rule 2: the pull counts from its end."""
    del started
    return inbound.Window(since=since, started=ended, ended=ended)


def cursor_after_the_call(turn: Turn, answer: Any, reply: Any, started: datetime) -> int:
    """Broken rule 2: the poll counts from its end."""
    del started
    return original_take(turn, answer, reply, turn.app.clock.now())


def cursor_apart(turn: Turn, answer: Any, reply: Any, started: datetime) -> int:
    """Broken rule 4: the cursor moves in a transaction of its own, before the found ids are written."""
    with turn.write() as tx:
        turn.note(tx, cursor_at=started)
    return original_take(turn, answer, reply, started)


def base_left_behind(turn: Any, tx: Any, link: Any, *rest: Any, **more: Any) -> Any:
    """Broken rule 4: the values are written, what they were agreed on is not."""
    original_write_link(turn, tx, link, *rest, **more)
    return links.save(tx, link.id, base=link.base)


def no_fence(tx: Any, lane: Any) -> None:
    """Broken rule 5."""


def nothing_recognised(tx: Any, link: Any, found: Any, window: Any, now: Any) -> list[Any]:
    """Broken rule 3: the overlap is read twice and believed twice."""
    return [(entry, inbound.fingerprint(entry)) for entry in found]


def sent_before_the_call(tx: Any, link_id: Any, ids: Any, now: Any) -> None:
    """Broken rule 7."""
    original_intended(tx, link_id, ids, now)
    entries.mark_sent(tx, link_id, ids, now)


def never_intended(tx: Any, link_id: Any, ids: Any, now: Any) -> None:
    """Broken rule 7: no trace before the call."""


def sent_without_intent(tx: Any, link_id: Any, ids: Any, now: Any) -> None:
    """The other half of `never_intended`: what arrived is noted all the same."""
    original_intended(tx, link_id, ids, now)
    original_sent(tx, link_id, ids, now)


original_finish, original_take, original_write_link = links.finish, poll.take, record.write_link
original_intended, original_sent = entries.mark_intended, entries.mark_sent

BROKEN: dict[str, tuple[bool, list[tuple[Any, str, Callable[..., Any]]]]] = {
    "rule 1: done is the newest wanted": (True, [(links, "finish", finish_with_the_newest)]),
    "rule 2: last_sync after the call": (True, [(reconcile, "Window", window_after_the_call)]),
    "rule 2: cursor after the call": (True, [(poll, "take", cursor_after_the_call)]),
    "rule 3: nothing is recognised": (False, [(inbound, "only_new", nothing_recognised)]),
    "rule 4: base apart": (False, [(record, "write_link", base_left_behind)]),
    "rule 4: cursor apart": (True, [(poll, "take", cursor_apart)]),
    "rule 5: no fence": (True, [(lanes, "guard", no_fence)]),
    "rule 7: sent before the call": (False, [(entries, "mark_intended", sent_before_the_call)]),
    "rule 7: never intended": (
        False,
        [(entries, "mark_intended", never_intended), (entries, "mark_sent", sent_without_intent)],
    ),
}


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", BROKEN)
def test_each_rule_is_needed(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A protocol that breaks one rule is caught within some dozens of schedules."""
    strict, patches = BROKEN[name]
    for module, attribute, broken in patches:
        monkeypatch.setattr(module, attribute, broken)
    for number in range(TRIES):
        if Schedule(tmp_path / str(number), 1000 + number, strict=strict).run():
            return
    raise AssertionError(f"{TRIES} schedules did not notice: {name}")
