"""Real `casemirror` servers for tests: started, killed without mercy, started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path


class Server:
    """A `casemirror serve` (or `worker`) process on a home folder."""

    def __init__(self, home: Path, command: str = "serve", database: str | None = None) -> None:
        self.home, self.command = home, command
        self._environment = {**os.environ, "CASEMIRROR_HOME": str(home), "PYTHONWARNINGS": "default"}
        if database:
            self._environment["CASEMIRROR_DATABASE_URL"] = database
        self.log = home / f"{command}-{id(self)}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Server:
        """Start it; it takes up its work by itself."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "casemirror.cli.main", self.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
            )
        return self

    @property
    def pid(self) -> int:
        """Process id of the running server."""
        assert self.process is not None
        return self.process.pid

    def kill(self) -> None:
        """SIGKILL: nothing is said to it."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; returns its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def end(self) -> None:
        """Leave nothing behind."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def said(self) -> str:
        """Its log."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""


def children_of(pid: int) -> list[int]:
    """Living child processes."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in task.read_text().split()]
        except OSError:
            continue
    return found


def kill_quietly(pid: int) -> bool:
    """SIGKILL; False when it was gone already."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
