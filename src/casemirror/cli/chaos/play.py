"""From an empty folder to the exit code."""

from __future__ import annotations

import contextlib
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from rich.console import Console
from rich.text import Text
from sqlalchemy.exc import DBAPIError

from casemirror.cli.chaos import look, oracle, quiet, report, stage
from casemirror.cli.chaos.faults import Faults
from casemirror.cli.chaos.ledger import Ledger
from casemirror.cli.chaos.oracle import Verdict, Violation
from casemirror.cli.chaos.people import People
from casemirror.cli.chaos.stage import Stage
from casemirror.cli.chaos.world import World
from casemirror.model.errors import Conflict

WIDTH: Final = 160
QUIET_S: Final = 240.0
"""Limit of the wait for the next step towards quiet: an error that nobody expected makes a lane wait a minute, and one after
another may.
"""
SWEEP_S: Final = 90.0
PACE_S: Final = 0.12
TICKETS: Final = 8
"""Tickets that people make, and as many for each minute above the first."""
SHOWN: Final = 5
"""Violations that are shown with their history."""


@dataclass(kw_only=True)
class Result:
    """What a run came to; busy: what was still on its way."""

    ledger: Ledger
    world: World
    verdict: Verdict
    busy: list[str] = field(default_factory=list)
    healed: list[Violation] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Nothing is wrong."""
        return not (self.busy or self.verdict.violations)


def play(*, seed: int, minutes: float, database_url: str, wanted: Path | None, without: Collection[str]) -> int:
    """Run once, print the account; returns the exit code. Raises Conflict for a folder or database that is in use."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False, emoji=False)
    seed = seed or random.SystemRandom().randrange(1, 10**6)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    folder = _folder(wanted)
    ledger, holds, stopped = Ledger(), False, False
    try:
        with stage.running(folder, database_url, seed, ledger) as running:
            _introduce(console, running, seed, minutes)
            result = run(running, ledger, seed, minutes, without)
            holds = result.holds
            _account(console, running, result, seed)
    except KeyboardInterrupt:
        stopped = True
        console.print("\nStopped.")
    finally:
        if wanted is None and (holds or stopped):
            shutil.rmtree(folder, ignore_errors=True)
        else:
            console.print(f"Everything is kept in {folder}.", soft_wrap=True)
    return 0 if holds else 1


def _end(number: int, _: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _folder(wanted: Path | None) -> Path:
    if wanted is None:
        return Path(tempfile.mkdtemp(prefix="casemirror-chaos-"))
    if wanted.exists() and any(wanted.iterdir()):
        raise Conflict(f"{wanted} is not empty; chaos wants a folder of its own")
    wanted.mkdir(parents=True, exist_ok=True)
    return wanted.absolute()


def run(running: Stage, ledger: Ledger, seed: int, minutes: float, without: Collection[str] = ()) -> Result:
    """People and faults, then quiet, then the proof; what only the sweep healed is told apart."""
    dice = random.Random(seed)
    tickets = TICKETS + int(TICKETS * max(0.0, minutes - 1))
    people = People(running, ledger, random.Random(dice.random()), tickets)
    faults = Faults(running, ledger, random.Random(dice.random()), without)
    running.fleet.start()
    try:
        _work(running, people, faults, minutes * 60)
    finally:
        faults.stop()
    ledger.note("fault", "people and faults have stopped")
    busy = _calm(running, ledger, people)
    before = oracle.judge(look.look(running), ledger)
    if not busy:
        busy = quiet.sweep(running, ledger, SWEEP_S)
    world = look.look(running)
    verdict = oracle.judge(world, ledger)
    still = {(v.kind, v.case, v.tickets, v.word) for v in verdict.violations}
    healed = [v for v in before.violations if (v.kind, v.case, v.tickets, v.word) not in still]
    return Result(ledger=ledger, world=world, verdict=verdict, busy=busy, healed=healed)


def _work(running: Stage, people: People, faults: Faults, seconds: float) -> None:
    pace = random.Random(0)
    ends = time.monotonic() + seconds
    people.begin()
    standstill, backlog = quiet.Standstill(running, people.ledger), quiet.Backlog(running)
    while time.monotonic() < ends:
        rests = False
        with contextlib.suppress(DBAPIError):
            rests = backlog.look()
        if not rests:
            people.act(only_there=faults.database_is_locked and pace.random() < 0.95)
        if not faults.database_is_locked and pace.random() < 0.2:
            people.link()
        with contextlib.suppress(DBAPIError):
            faults.tick()
            standstill.look()
        running.fleet.keep_up()
        time.sleep(pace.expovariate(1 / PACE_S))


def _calm(running: Stage, ledger: Ledger, people: People) -> list[str]:
    """Link what was fetched last, too, and wait for quiet again."""
    ends = time.monotonic() + QUIET_S
    busy = quiet.Watch(running, ledger).wait(QUIET_S)
    before = ledger.done["link"]
    people.link()
    if ledger.done["link"] > before and not busy:
        busy = quiet.Watch(running, ledger).wait(max(20.0, ends - time.monotonic()))
    return busy


def _introduce(console: Console, running: Stage, seed: int, minutes: float) -> None:
    drawn = running.weather
    clocks = ", ".join(
        f"{name} at {running.simulators[name].url}: clock {drawn.clocks[name]:+g} s, zone {drawn.zones[name]}"
        for name in running.simulators
    )
    console.print(
        f"casemirror chaos, seed {seed}, {minutes:g} minutes on {'PostgreSQL' if running.database_url else 'SQLite'}\n"
        f"{clocks}\nlists up to {drawn.longest_lag_s:g} s late, overlap {drawn.overlap_s:g} s, conflicts: {drawn.conflict}",
        soft_wrap=True,
    )


def _account(console: Console, running: Stage, result: Result, seed: int) -> None:
    ledger, world, verdict = result.ledger, result.world, result.verdict
    console.print(report.table(running, ledger, world, verdict, len(result.healed)))
    for healed in result.healed:
        console.print(Text(f"healed by the sweep: {healed.kind}: {healed.text}", style="yellow"), soft_wrap=True)
    for wrong in result.busy:
        console.print(Text(f"not quiet: {wrong}", style="bold red"), soft_wrap=True)
    for line in report.last_errors(running) if result.busy else ():
        console.print(Text(f"  {line}"), soft_wrap=True)
    for number, violation in enumerate(verdict.violations):
        console.print(Text(f"\n{violation.kind}: {violation.text}", style="bold red"), soft_wrap=True)
        for line in report.history(running, ledger, world, violation) if number < SHOWN else ():
            console.print(Text(f"  {line}"), soft_wrap=True)
    if result.holds:
        console.print(Text(f"All sides agree (seed {seed}).", style="bold green"))
    else:
        console.print(Text(f"Seed {seed} found something.", style="bold red"))
