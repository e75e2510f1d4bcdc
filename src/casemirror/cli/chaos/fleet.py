"""casemirror's own processes: a server, or two workers with PostgreSQL; killed without a word, and started again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

from casemirror.cli.chaos.ledger import Ledger
from casemirror.store import keys

KEPT_LINES: Final = 200_000
END_S: Final = 60.0
"""Wait for a process to end by itself."""


@dataclass(kw_only=True)
class Member:
    """One process, and how often it was started."""

    name: str
    process: subprocess.Popen[bytes]
    down_until: float = 0.0


@dataclass(kw_only=True)
class Fleet:
    """All of them. Their logs come by pipes, so that a full disk does not stop them from logging."""

    home: Path
    database_url: str
    ledger: Ledger
    members: list[Member] = field(default_factory=list)
    lines: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    is_closing: bool = False

    def start(self) -> None:
        """Start what the database calls for."""
        names = ("worker-1", "worker-2") if self.database_url else ("server",)
        self.members = [Member(name=name, process=self._process(name)) for name in names]

    def keep_up(self) -> None:
        """Start again what is down; an end that nobody caused is noted."""
        for member in self.members:
            if member.process.poll() is None:
                continue
            if not member.down_until:
                self.ledger.faults[f"{member.name.partition('-')[0]} ended by itself"] += 1
                self.ledger.note("fault", f"{member.name} ended by itself with {member.process.returncode}")
                member.down_until = time.monotonic() + 0.5
            if time.monotonic() >= member.down_until:
                member.process, member.down_until = self._process(member.name), 0.0

    def kill(self, member: Member, down_s: float) -> None:
        """SIGKILL; it stays down for a while."""
        member.down_until = time.monotonic() + down_s
        member.process.kill()
        member.process.wait()

    def warm(self, member: Member) -> list[int]:
        """Its warm processes."""
        return [pid for pid in children_of(member.process.pid) if b"guest" in _command_line(pid)]

    def stop(self) -> list[str]:
        """End all in order; returns what did not end well."""
        self.is_closing = True
        wrong = []
        for member in self.members:
            if member.process.poll() is None:
                member.process.send_signal(signal.SIGTERM)
        for member in self.members:
            try:
                code = member.process.wait(END_S)
            except subprocess.TimeoutExpired:
                member.process.kill()
                code = member.process.wait()
            if code != 0 and not member.down_until:
                wrong.append(f"{member.name} ended with {code}")
        return wrong

    def errors(self) -> Iterator[str]:
        """Events that were logged as errors, without their texts."""
        return (str(line.get("event")) for line in list(self.lines) if line.get("level") in ("error", "critical"))

    def _process(self, name: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "casemirror.cli.main", "--home", str(self.home)]
        command += ["--database-url", self.database_url, "worker"] if self.database_url else ["serve"]
        kept = {n: v for n, v in os.environ.items() if not n.startswith("CASEMIRROR_") or n == keys.ENVIRONMENT}
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**kept, "CASEMIRROR_LOG_FORMAT": "json", "CASEMIRROR_LOG_LEVEL": "info"},
        )
        assert process.stdout is not None
        threading.Thread(target=self._read, args=(name, process.stdout), daemon=True).start()
        self.ledger.note("casemirror", f"{name} started, process {process.pid}")
        return process

    def _read(self, name: str, pipe: IO[bytes]) -> None:
        with pipe, (self.home / f"{name}.log").open("ab") as kept:
            for line in pipe:
                kept.write(line)
                kept.flush()
                self.lines.append(_parsed(name, line))


def _parsed(name: str, line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        found = {"text": line.decode(errors="replace").rstrip()}
    return {**(found if isinstance(found, Mapping) else {"text": str(found)}), "process": name, "at": time.time()}


def children_of(pid: int) -> list[int]:
    """Living child processes."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in task.read_text().split()]
        except OSError:
            continue
    return found


def runs_command(pid: int) -> bool:
    """A child that stands by for the next command is in no folder of one yet."""
    try:
        return os.readlink(f"/proc/{pid}/cwd") != "/"
    except OSError:
        return False


def kill_quietly(pid: int) -> bool:
    """SIGKILL; False when it was gone already."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
