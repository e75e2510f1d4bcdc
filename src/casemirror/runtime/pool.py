"""Runs commands: a warm parent for each integration, a child for each command.

The runtime never raises for what an integration does; whatever happens is told in the reply. Credentials go over the child's socket
only: never on a command line, in an environment, in a log or on disk.   Source: design §4.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from casemirror.runtime.command import Code, Command, Ending, Reply, Stop
from casemirror.runtime.conversation import Conversation
from casemirror.runtime.frames import Closed, Frames, Late, Unreadable
from casemirror.runtime.masking import Masker
from casemirror.runtime.warm import CannotStart, WarmParent
from casemirror.runtime.workplace import Desk, Workplace

_START_S: Final = 120.0
"""seconds that a warm parent may take to import an integration's libraries"""
_KILL_S: Final = 5.0
"""seconds in which a killed process group must be gone, before its parent is killed"""
_STARTS: Final = 5
"""tries to get a child that says hello; nothing of the integration has run before it does"""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """Limits that are the same for every command.

    answer_bytes   all results and fetched incidents of one command together
    file_bytes     the largest file that a command may write
    """

    answer_bytes: int = 512 << 20
    file_bytes: int = 1 << 30
    open_files: int = 1024


@dataclass(kw_only=True)
class _Slot:
    """The warm parent of one code; the lock keeps two threads from starting it twice."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    parent: WarmParent | None = None
    skip: frozenset[str] = frozenset()


class ProcessRuntime:
    """Implements `Runtime` with processes of this machine.

    work_folder  commands get their working folders in it; those that a killed server left there are removed
    idle_s       a warm parent without work for that long leaves
    python       interpreter of integrations that name none
    environment  further variables for the children (proxies); nothing is inherited from the server
    """

    def __init__(
        self,
        work_folder: Path,
        *,
        idle_s: float = 300.0,
        python: str = sys.executable,
        environment: Mapping[str, str] | None = None,
        bounds: Bounds | None = None,
    ) -> None:
        self._workplace = Workplace(work_folder)
        self._idle_s = idle_s
        self._python = python
        self._environment = {**_clean_environment(), **(environment or {})}
        self._bounds = bounds or Bounds()
        self._slots: dict[str, _Slot] = {}
        self._lock = threading.Lock()
        self._is_closed = False
        self.started_parents = 0
        """how many warm parents were started so far"""

    def run(self, command: Command) -> Reply:
        """Run one command to its end or its time limit; thread-safe, never raises for what the integration does."""
        began = time.monotonic()
        mask = Masker(command.secrets)
        desk = self._workplace.open()
        try:
            run = _Run(command, desk, mask, self._bounds, self._environment)
            ending, error = self._attempt(run)
        except BaseException:
            desk.discard()
            raise
        return run.reply(ending, mask(error), time.monotonic() - began)

    def _attempt(self, run: _Run) -> tuple[Ending, str]:
        words = ""
        for _ in range(_STARTS):
            try:
                parent = self._parent(run.command.code)
            except CannotStart as error:
                return Ending.DIED, str(error)
            outcome = run.on(parent)
            if outcome is not None:
                return outcome
            # it is about to leave (idle, killed, a library with threads), or could not fork: wait before the next try
            parent.gone(1.0)
            words = parent.last_words() or words
        return Ending.DIED, f"the warm process of {run.command.code.name} did not start: {words}".rstrip(": ")

    def _parent(self, code: Code) -> WarmParent:
        """The running parent of this code, or a new one. Raises CannotStart."""
        with self._lock:
            if self._is_closed:
                raise CannotStart("the runtime was closed")
            slot = self._slots.setdefault(code.key, _Slot())
        with slot.lock:
            if slot.parent is None or not slot.parent.alive:
                if slot.parent is not None:
                    slot.skip |= {slot.parent.threaded} - {""}
                log = self._workplace.folder / f"parent-{self._count()}.log"
                slot.parent = WarmParent(
                    code, code.python or self._python, self._environment, self._idle_s, slot.skip, log
                )
            return slot.parent

    def _count(self) -> int:
        with self._lock:
            self.started_parents += 1
            return self.started_parents

    def parents(self) -> dict[str, int]:
        """Key of each code that has a running warm parent → its process id."""
        with self._lock:
            slots = list(self._slots.items())
        return {key: slot.parent.pid for key, slot in slots if slot.parent is not None and slot.parent.alive}

    def close(self) -> None:
        """End all warm parents and their children, remove all working folders."""
        with self._lock:
            slots, self._slots, self._is_closed = list(self._slots.values()), {}, True
        for slot in slots:
            with slot.lock:
                if slot.parent is not None:
                    slot.parent.end()
        self._workplace.close()


class _Run:
    """One command on its way."""

    def __init__(
        self, command: Command, desk: Desk, mask: Masker, bounds: Bounds, environment: Mapping[str, str]
    ) -> None:
        self.command = command
        self._desk = desk
        self._mask = mask
        self._bounds = bounds
        self._environment = environment
        self._talk: Conversation | None = None

    def on(self, parent: WarmParent) -> tuple[Ending, str] | None:
        """Run in a child of this parent; None when the child did not come to say hello."""
        sock = parent.fork()
        if sock is None:
            return None
        frames = Frames(sock, self._bounds.answer_bytes)
        talk = Conversation(self.command, self._desk, frames, self._mask, self._bounds.answer_bytes)
        pid = None
        try:
            frames.deadline = time.monotonic() + _START_S
            pid = talk.hello()
            parent.started(pid)
            self._talk = talk
            return self._outcome(parent, talk, frames, pid)
        except Late:
            parent.destroy()
            return Ending.DIED, f"the libraries of {self.command.code.name} could not be imported within {_START_S:g} s"
        except (Closed, Unreadable):
            return None
        finally:
            parent.forget(sock, pid)
            frames.close()

    def _outcome(self, parent: WarmParent, talk: Conversation, frames: Frames, pid: int) -> tuple[Ending, str]:
        frames.deadline = time.monotonic() + self.command.timeout_s
        stop = self.command.stop or Stop()
        stop.arm(lambda: parent.kill(pid))
        try:
            talk.begin(self._environment, self._bounds.file_bytes, self._bounds.open_files)
            talk.listen()
        except Late:
            _kill(parent, pid)
            return Ending.TIMED_OUT, f"{self.command.name} took longer than {self.command.timeout_s:g} s and was killed"
        except Unreadable as error:
            _kill(parent, pid)
            return Ending.DIED, str(error)
        except Closed:
            return Ending.DIED, _cause_of_death(parent, parent.ended(pid, _KILL_S))
        except BaseException:
            _kill(parent, pid)  # a host call failed: that is the caller's error, but nothing may be left running
            raise
        finally:
            stop.disarm()
        if parent.ended(pid, _KILL_S) is None:
            _kill(parent, pid)
        trace = str((talk.end or {}).get("error") or "")
        return (Ending.RAISED, trace) if trace else (Ending.NORMAL, "")

    def reply(self, ending: Ending, error: str, duration_s: float) -> Reply:
        """What the caller gets; the working folder is gone unless something lies in it."""
        talk, desk = self._talk, self._desk
        kept = desk.produced()
        if talk is None:
            desk.discard()
            return Reply(ending=ending, error=error, duration_s=duration_s)
        for line in desk.printed():
            talk.log.add(line)
        if not kept:
            desk.discard()
        end = talk.end or {}
        return Reply(
            ending=ending,
            results=tuple(talk.results),
            incidents=None if talk.incidents is None else tuple(talk.incidents),
            last_run=end.get("last_run"),
            last_mirror_run=end.get("last_mirror_run"),
            requests=_count(end.get("requests")),
            health=talk.health,
            error=error,
            log=talk.log.lines(),
            folder=desk.work if kept else None,
            duration_s=duration_s,
            discard=desk.discard,
        )


def _kill(parent: WarmParent, pid: int) -> None:
    """Kill the child's group and see that nothing is left of it; a parent that does not manage that is killed, too."""
    parent.kill(pid)
    if parent.ended(pid, _KILL_S) is None and parent.alive:
        parent.destroy()
        parent.ended(pid, _KILL_S)


def _count(said: object) -> int | None:
    """A number that a child said; None when it said none."""
    return said if isinstance(said, int) and 0 <= said < 1_000_000 else None


def _cause_of_death(parent: WarmParent, status: int | None) -> str:
    if status is None:
        return "the warm process was killed and the command with it"
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        hint = " (out of memory?)" if number == signal.SIGKILL else ""
        return f"the command was killed by {signal.Signals(number).name}{hint}"
    return f"the command left with exit code {os.WEXITSTATUS(status)} and no answer"


def _clean_environment() -> dict[str, str]:
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "HOME": "/nonexistent",
        # each of glibc's arenas reserves 64 MB of address space, which the memory limit counts: a few threads would eat it up
        "MALLOC_ARENA_MAX": "2",
    }
