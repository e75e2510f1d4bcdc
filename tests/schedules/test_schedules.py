"""The protocol holds under random schedules with crashes.

CASEMIRROR_SCHEDULES=20000 runs more of them; CASEMIRROR_SEED repeats one.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from casemirror.engine import inbound
from casemirror.store import entries
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


def nothing_recognised(tx: Any, link: Any, found: Any, window: Any, arrived: Any) -> list[Any]:
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


original_intended, original_sent = entries.mark_intended, entries.mark_sent

BROKEN: dict[str, list[tuple[Any, str, Callable[..., Any]]]] = {
    "rule 3: nothing is recognised": [(inbound, "only_new", nothing_recognised)],
    "rule 7: sent before the call": [(entries, "mark_intended", sent_before_the_call)],
    "rule 7: never intended": [
        (entries, "mark_intended", never_intended),
        (entries, "mark_sent", sent_without_intent),
    ],
}
"""Those that chance finds soon; `tests/engine/test_ten_rules.py` breaks every rule at the very point where it matters."""


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_rule_is_found_by_chance(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The schedules have teeth: a protocol that breaks a rule is caught within some dozens of them."""
    for module, attribute, broken in BROKEN[name]:
        monkeypatch.setattr(module, attribute, broken)
    for number in range(TRIES):
        if Schedule(tmp_path / str(number), 1000 + number).run():
            return
    raise AssertionError(f"{TRIES} schedules did not notice: {name}")
