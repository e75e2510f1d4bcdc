"""One round after another: read the integration, test it, let it work, until Ctrl-C."""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from casemirror.actions.contract import subject
from casemirror.actions.contract.remote import Remote
from casemirror.cli.dev.desk import Desk
from casemirror.cli.dev.story import Story
from casemirror.cli.dev.watch import LOOK_S, Watch
from casemirror.model.errors import CasemirrorError


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """How it is to go.

    once      one round, and end
    every_s   between two cycles while nothing is saved
    story     people do things at the simulator and here
    """

    once: bool
    every_s: float
    story: bool


def play(desk: Desk, remote: Remote | None, wishes: Wishes) -> int:
    """Round after round; returns the exit code: 1 when one round was asked for and something of it was not right."""
    trace = desk.trace
    watch = Watch(subject.read(desk.path).root)
    try:
        _round(desk, remote, wishes)
        while not wishes.once:
            changed = _until_changed(desk, watch, wishes.every_s)
            trace.heading(f"Saved: {', '.join(str(path.relative_to(watch.root)) for path in changed)}")
            _round(desk, remote, wishes)
    except KeyboardInterrupt:
        trace.forget()
        trace.heading("Stopped.")
        return 0
    return int(trace.failures > 0)


def _round(desk: Desk, remote: Remote | None, wishes: Wishes) -> None:
    """The whole of it once; the first failure of reading or testing ends it."""
    if not _succeeds(desk, desk.load) or not _succeeds(desk, desk.test):
        return
    if remote is not None and wishes.story:
        _succeeds(desk, Story(desk, remote).play)
    else:
        desk.trace.heading("A fetch and a mirror cycle")
        _succeeds(desk, desk.cycle)
    if not wishes.once:
        desk.trace.heading(
            f"Waiting for a saved file; a cycle every {wishes.every_s:g} s, shown when it finds something. Ctrl-C ends."
        )


def _succeeds(desk: Desk, work: Callable[[], object]) -> bool:
    try:
        work()
    except CasemirrorError as error:
        desk.trace.bad(f"{error.stable_code}: {error.message}")
        return False
    return True


def _until_changed(desk: Desk, watch: Watch, every_s: float) -> list[Path]:
    """Cycle after cycle until a file is saved. A failure that stays the same is shown once."""
    waited, shown = 0.0, ""
    while not (changed := watch.changed()):
        desk.app.clock.sleep(LOOK_S)
        waited += LOOK_S
        if waited >= every_s:
            waited, shown = 0.0, _quiet_cycle(desk, shown)
    return changed


def _quiet_cycle(desk: Desk, shown: str) -> str:
    """A cycle that is shown only when it finds something, or fails in another way than the last one; how it failed."""
    trace, failures = desk.trace, desk.trace.failures
    trace.hold()
    try:
        found = desk.cycle()
    except CasemirrorError as error:
        if error.message != shown:
            trace.bad(f"{error.stable_code}: {error.message}")
        trace.forget()
        return error.message
    if found or trace.failures > failures:
        trace.release()
    else:
        trace.forget()
    return ""


@contextmanager
def home_in(given: Path | None) -> Iterator[Path]:
    """The home folder: the given one, which is kept, or a temporary one, of which nothing is left."""
    if given is not None:
        yield given
        return
    folder = Path(tempfile.mkdtemp(prefix="casemirror-dev-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def stop_at_signals() -> None:
    """SIGINT and SIGTERM end it in order: said outright, since a shell's background job begins with SIGINT ignored."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)


def _stop(number: int, _: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
