"""The stage: everything that must run, set up and taken down again."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from casemirror.actions import instances, packs, settings
from casemirror.cli import build, session
from casemirror.engine.app import App
from casemirror.model.actor import Actor
from casemirror.model.errors import CasemirrorError, Conflict
from casemirror.simulators.roundup import USER as ROUNDUP_USER
from casemirror.simulators.roundup import RoundupTracker
from casemirror.simulators.servicenow import ServiceNowSimulator
from casemirror.store import keys

SNOW: Final = "servicenow"
TRACKER: Final = "roundup"
"""Names of the two instances."""
SNOW_TAGS: Final = ("comments", "work_notes", "ForServiceNow", "roundup-comment", "roundup-file")
TRACKER_TAGS: Final = ("comments", "ForRoundup", "servicenow-comment", "servicenow-file")
"""What each link takes: what is said here, and what came from the other system."""
QUICK: Final = {
    "sync.mirror.job.delayAdvanced": "1",
    "incidents.fetch.delayAdvanced": "1",
    "mirror.overlap": "5",
}
_END_S: Final = 40.0
"""Wait for the server to end by itself."""


class CannotStart(CasemirrorError):
    """Something of the stage did not come up."""

    code = "demo.cannot_start"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What runs.

    home    folder of this casemirror
    log     what its server writes
    """

    home: Path
    log: Path
    app: App
    me: Actor
    snow: ServiceNowSimulator
    tracker: RoundupTracker
    server: subprocess.Popen[bytes]

    def must_live(self) -> None:
        """Raise CannotStart when the server is gone."""
        if self.server.poll() is not None:
            raise CannotStart(
                f"casemirror's server ended with exit code {self.server.returncode}; its log is {self.log}"
            )


def make_folder(wanted: Path | None) -> Path:
    """The demo's own folder; None makes a temporary one. Raises Conflict for one that is in use."""
    if wanted is not None and wanted.exists() and any(wanted.iterdir()):
        raise Conflict(f"{wanted} is not empty; the demo wants a folder of its own")
    if wanted is None:
        folder = Path(tempfile.mkdtemp(prefix="casemirror-demo-"))
    else:
        wanted.mkdir(parents=True, exist_ok=True)
        folder = wanted.absolute()
    folder.chmod(0o711)  # the tracker may run as another user, who must get through to its folder
    return folder


@contextmanager
def running(folder: Path) -> Iterator[Stage]:
    """Everything started; everything ended at the end, whatever happens."""
    home = folder / "casemirror"
    with contextlib.ExitStack() as stack:
        snow = stack.enter_context(ServiceNowSimulator())
        tracker = stack.enter_context(_tracker(folder / "roundup"))
        app = stack.enter_context(build.opened(build.Options(home=home, database_url="", log_level="error")))
        me = session.me()
        set_up(app, me, snow, tracker)
        log = home / "serve.log"
        server = stack.enter_context(_server(home, log))
        yield Stage(home=home, log=log, app=app, me=me, snow=snow, tracker=tracker, server=server)


@contextmanager
def _tracker(folder: Path) -> Iterator[RoundupTracker]:
    tracker = RoundupTracker(folder)
    try:
        tracker.start()
    except RuntimeError as error:
        raise CannotStart(str(error)) from error
    try:
        yield tracker
    finally:
        tracker.stop()


def set_up(app: App, me: Actor, snow: ServiceNowSimulator, tracker: RoundupTracker) -> None:
    """Install our packs, and configure an instance for each system."""
    packs.add(app, me, packs.BUNDLED)
    for name, value in QUICK.items():
        settings.put(app, me, name, value)
    common = {"isFetch": "true", "mirror_direction": "Incoming And Outgoing"}
    for name, integration, url, user in (
        (SNOW, "casemirror ServiceNow", snow.url, "casemirror"),
        (TRACKER, "Roundup", tracker.url, ROUNDUP_USER),
    ):
        given = {**common, "url": url, "credentials.identifier": user}
        instances.add(app, me, name, integration, given, secrets={"credentials": user})


@contextmanager
def _server(home: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`casemirror serve` as a process of its own. Ctrl-C in this terminal is not for it: it is ended in order."""
    command = [sys.executable, "-m", "casemirror.cli.main", "--home", str(home), "serve"]
    kept = {n: v for n, v in os.environ.items() if not n.startswith("CASEMIRROR_") or n == keys.ENVIRONMENT}
    with log.open("ab") as out:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**kept, "CASEMIRROR_LOG_FORMAT": "json"},
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
