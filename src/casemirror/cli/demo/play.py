"""From an empty folder to the proof."""

from __future__ import annotations

import shutil
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

from rich.console import Console
from rich.text import Text

from casemirror.cli.demo import proof, stage
from casemirror.cli.demo.day import Day
from casemirror.cli.demo.proof import Proof
from casemirror.cli.demo.stage import Stage
from casemirror.cli.demo.telling import Teller

INTRODUCTION = """\
Two ticket systems are kept the same by casemirror: a simulated ServiceNow and a real Roundup tracker, all on this machine.
Alice works in ServiceNow, Bob in Roundup, and you in casemirror. Each line is one change, and when it arrived elsewhere.
Starting …"""
WIDTH = 140
"""Characters of a line that does not go to a terminal."""


def play(wanted: Path | None, *, once: bool) -> int:
    """Play the day; returns the exit code: 0 when all sides agree.

    A temporary folder is removed again, unless the sides do not agree: then there is something to find out from it.
    """
    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False, emoji=False)
    for number in (signal.SIGINT, signal.SIGTERM):  # said outright: a shell's background job begins with SIGINT ignored
        signal.signal(number, _end)
    folder = stage.make_folder(wanted)
    agreed = stopped = False
    try:
        console.print(INTRODUCTION, soft_wrap=True)
        with stage.running(folder) as running:
            agreed = _act(running, console)
            if not once:
                _stay(running, console)
    except KeyboardInterrupt:
        stopped = True
        console.print("\nStopped.")
    finally:
        if wanted is None and (agreed or stopped):
            shutil.rmtree(folder, ignore_errors=True)
        else:
            console.print(f"Everything is kept in {folder}.", soft_wrap=True)
    return 0 if agreed else 1


def _end(number: int, _: FrameType | None) -> NoReturn:
    """Both end the demo as Ctrl-C does."""
    raise KeyboardInterrupt


def _act(running: Stage, console: Console) -> bool:
    console.print(f"ServiceNow at {running.snow.url}, Roundup at {running.tracker.url}, casemirror in {running.home}")
    teller = Teller(stage=running, console=console)
    day = Day(running, teller)
    day.play()
    quiet = proof.settle(running)
    found = proof.prove(day, teller)
    _account(day, teller, found, quiet, console)
    return found.holds and quiet


def _account(day: Day, teller: Teller, found: Proof, quiet: bool, console: Console) -> None:
    teller.chapter("The account of the day")
    console.print(proof.table(day, teller, found))
    for difference in found.differences:
        values = "; ".join(f"{side}: {value}" for side, value in difference.values.items())
        console.print(Text(f"incident {difference.case}, {difference.what} differs: {values}", style="bold red"))
    for lost in teller.lost:
        console.print(Text(f"lost: {lost.what} did not arrive in {lost.where}", style="bold red"))
    if not quiet:
        console.print(Text("something is still on its way; `casemirror records` shows what", style="bold red"))
    if found.holds and quiet:
        console.print(Text("All sides agree.", style="bold green"))
    else:
        console.print(Text("The sides do not agree.", style="bold red"))


def program() -> str:
    """What to type for this very program: its name when the shell finds it, else the way to it from here."""
    ours = Path(sys.executable).with_name("casemirror")
    found = shutil.which("casemirror")
    if not ours.exists() or (found and Path(found).resolve() == ours.resolve()):
        return "casemirror"
    return str(ours.relative_to(Path.cwd())) if ours.is_relative_to(Path.cwd()) else str(ours)


def _stay(running: Stage, console: Console) -> NoReturn:
    """Keep running, so that people can look around."""
    command = f"{program()} --home {running.home}"
    console.print(
        f"\nEverything keeps running. Look around, change tickets, and watch them follow:\n"
        f"  {command} incident list\n"
        f"  {command} incident show 1\n"
        f"  {command} incident edit 3 severity=critical\n"
        f"  {command} stats\n"
        f"  Roundup    {running.tracker.url}issue1   (bob, password bob)\n"
        f"  log        {running.log}\n"
        f"  database   {running.home / 'casemirror.db'}\n"
        f"Ctrl-C ends it and removes it.",
        soft_wrap=True,
    )
    while True:
        running.must_live()
        running.app.clock.sleep(1.0)
