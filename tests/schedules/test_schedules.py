"""The protocol holds under random schedules with crashes.

Each run plays the same ones, so that a failure is a change's; CASEMIRROR_SEED=N begins elsewhere, CASEMIRROR_SCHEDULES=N plays
more. `python -m schedules` plays many new ones, in several processes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from schedules import run, stage
from schedules.broken import BROKEN, Broken
from schedules.crashing import Schedule
from support import postgres

COUNT = int(os.environ.get("CASEMIRROR_SCHEDULES", "60"))
SEED = int(os.environ.get("CASEMIRROR_SEED", "1"))
TRIES = 300
"""Schedules within which a broken variant must be caught."""


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    with postgres.running() as url:
        yield url


@pytest.mark.timeout(7200)
def test_nothing_is_lost_or_doubled_in_any_schedule() -> None:
    """Design §3: with kills, zombies and edits at every point all sides agree in the end, each word is there once.

    An integration that cannot look for its own words may say one twice, but only after a crash.
    """
    crashes = 0
    for seed in range(SEED, SEED + COUNT):
        result = run.play(seed, run.kind_of(seed))
        crashes += result.crashes
        assert not result.wrong, run.told(result)
    assert crashes, "no schedule had a crash; the dice are loaded"


@pytest.mark.timeout(1200)
def test_nor_on_postgresql(postgresql: str) -> None:
    """Likewise on the other database."""
    for seed in range(SEED, SEED + max(COUNT // 20, 2)):
        result = run.play(seed, run.kind_of(seed, postgresql, share=1))
        assert not result.wrong, run.told(result)


def test_a_seed_repeats_a_schedule() -> None:
    """What failed once can be looked at again."""
    histories = []
    for _ in range(2):
        schedule = Schedule(SEED)
        schedule.run()
        histories.append(schedule.history)
    assert histories[0] == histories[1]


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("broken", BROKEN, ids=[broken.breaks.__name__ for broken in BROKEN])
def test_a_broken_rule_is_found_by_chance(broken: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    """The schedules have teeth: a protocol that breaks a rule is caught; with fixed seeds, so that it is caught each time."""
    stage.of(broken.kind)
    seeds = range(broken.first, broken.first + TRIES)
    with monkeypatch.context() as patch:
        broken.breaks(patch)
        found = next((seed for seed in seeds if wrong_with(broken, seed)), None)
    assert found is not None, f"{TRIES} schedules did not notice"
    assert not wrong_with(broken, found), "the same schedule is wrong with the rule kept"


def wrong_with(broken: Broken, seed: int) -> list[str]:
    schedule = Schedule(seed, broken.kind)
    schedule.bear(*broken.weather)
    return schedule.run()
