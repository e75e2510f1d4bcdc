"""Many schedules in several processes: which ones, what came of them, and the minimal history of one that failed."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from multiprocessing import get_context

import structlog

from schedules.crashing import Schedule
from schedules.stage import Kind

KINDS = (
    Kind(),
    Kind(careful=False),
    Kind(strict=True),
    Kind(),
    Kind(careful=False),
    Kind(strict=True),
    Kind(instances=2),
    Kind(),
    Kind(instances=3),
    Kind(careful=False, instances=2),
)
"""One schedule after another is of the next kind."""
CHUNK = 10
"""Schedules that a process plays before it tells what came of them."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came of one schedule; `wrong` is empty when all is right."""

    seed: int
    kind: Kind
    wrong: tuple[str, ...]
    history: tuple[str, ...]
    crashes: int


def kind_of(seed: int, postgres: str = "", share: int = 50) -> Kind:
    """The kind of the schedule with that seed; with a PostgreSQL server one of `share` runs on it."""
    kind = KINDS[seed % len(KINDS)]
    return replace(kind, postgres=postgres) if postgres and seed % share == 0 else kind


def play(seed: int, kind: Kind) -> Result:
    """Play one schedule; of one that goes wrong the shortest beginning that goes wrong, too."""
    result = _played(Schedule(seed, kind))
    if not result.wrong:
        return result
    shorter = (_played(Schedule(seed, kind, rounds)) for rounds in range(1, 12))
    return next((found for found in shorter if found.wrong), result)


def _played(schedule: Schedule) -> Result:
    try:
        wrong = schedule.run()
    except Exception as error:  # noqa: BLE001 - whatever escapes is what is looked for
        wrong = [f"{type(error).__name__}: {error}"]
    return Result(
        seed=schedule.seed,
        kind=schedule.kind,
        wrong=tuple(wrong),
        history=tuple(schedule.history) if wrong else (),
        crashes=schedule.crashes,
    )


def quietly() -> None:
    """The log of hundreds of schedules would drown what is told of them."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def many(seeds: Sequence[int], jobs: int, postgres: str = "") -> Iterator[Result]:
    """Play schedules in so many processes, in any order."""
    chunks = [seeds[n : n + CHUNK] for n in range(0, len(seeds), CHUNK)]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=quietly) as pool:
        for done in as_completed([pool.submit(_play_all, chunk, postgres) for chunk in chunks]):
            yield from done.result()


def _play_all(seeds: Sequence[int], postgres: str) -> list[Result]:
    return [play(seed, kind_of(seed, postgres)) for seed in seeds]


def told(result: Result) -> str:
    """A failure for people: the seed, what is wrong, and the history."""
    again = f"python -m schedules --seed {result.seed} --count 1"
    return "\n".join([f"seed {result.seed} ({again}), {result.kind}", *result.wrong, "", *result.history])


@dataclass
class Progress:
    """A line now and then."""

    total: int
    every_s: float = 10.0

    def __post_init__(self) -> None:
        self.began = self._last = time.monotonic()
        self.done = self.failed = self.crashes = 0

    def add(self, result: Result) -> str:
        """Count one; a line when it is time for one, else an empty text."""
        self.done += 1
        self.failed += bool(result.wrong)
        self.crashes += result.crashes
        if time.monotonic() - self._last < self.every_s and self.done < self.total:
            return ""
        self._last = time.monotonic()
        return self.line

    @property
    def line(self) -> str:
        """How far it is."""
        took = max(time.monotonic() - self.began, 0.001)
        rate = self.done / took
        left = (self.total - self.done) / rate if rate else 0.0
        counted = f"{self.done} of {self.total} schedules, {self.crashes} crashes, {self.failed} wrong"
        return f"{counted}; {rate:.2f} a second, {left:.0f} s left"
