"""Looks after a running command from outside: what it wrote, how many processes it has, how much memory they take together.

The kernel bounds each process; only somebody who looks can bound all of a command's processes and files together.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from casemirror.runtime.workplace import Desk

EVERY_S: Final = 1.0
_SHARE: Final = 20
"""a look may take that part of the time between two of them"""
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class Exceeded(Exception):
    """The command took more than it may; says what, and how to allow more."""


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """What a command may take: processes and threads, bytes of memory and of files, all of it together."""

    processes: int
    memory_bytes: int
    file_bytes: int


class Watch:
    """The look-out for one command. `look` is called often and does something every second."""

    def __init__(self, name: str, pid: int, desk: Desk, allowed: Allowed) -> None:
        self._name, self._pid, self._desk, self._allowed = name, pid, desk, allowed
        self._own = _private(pid)
        self._next = time.monotonic() + EVERY_S

    def look(self) -> None:
        """Compare what it takes with what it may take. Raises Exceeded."""
        began = time.monotonic()
        if began < self._next:
            return
        self._look_at_files()
        self._look_at_processes()
        ended = time.monotonic()
        self._next = ended + max(EVERY_S, (ended - began) * _SHARE)

    def _look_at_files(self) -> None:
        most = self._allowed.file_bytes
        if self._desk.size(most) > most:
            raise Exceeded(
                f"{self._name} was killed: it wrote more than {most} bytes into its folder; "
                "casemirror config set runtime.disk BYTES allows more"
            )

    def _look_at_processes(self) -> None:
        most, tasks, memory = self._allowed.processes, 0, 0
        for pid in tree(self._pid):
            tasks += len(_threads(pid))
            # what it shares with the warm process, each copy of it has, too
            memory += max(_private(pid) - (self._own if pid != self._pid else 0), 0)
            if tasks > most:
                raise Exceeded(
                    f"{self._name} was killed: it had more than {most} processes and threads; "
                    "casemirror config set runtime.processes NUMBER allows more"
                )
        if memory > self._allowed.memory_bytes:
            raise Exceeded(
                f"{self._name} was killed: its processes took more than {self._allowed.memory_bytes} bytes of memory together; "
                "casemirror config set runtime.memory BYTES allows more"
            )


def tree(pid: int) -> Iterator[int]:
    """A process and all that descend from it."""
    waiting = [pid]
    while waiting:
        one = waiting.pop()
        yield one
        for thread in _threads(one):
            try:
                waiting += map(int, Path(f"/proc/{one}/task/{thread}/children").read_text().split())
            except OSError:
                continue


def _threads(pid: int) -> list[str]:
    try:
        return os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []


def _private(pid: int) -> int:
    """Bytes of memory of a process that no file backs."""
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            _, resident, shared, *_ = map(int, file.read().split())
    except (OSError, ValueError):
        return 0
    return (resident - shared) * _PAGE
