"""Runs commands: a warm parent for each integration, a child for each command.

The runtime never raises for what an integration does; whatever happens is told in the reply. Credentials go over the child's socket
only: never on a command line, in an environment, in a log or on disk.   Source: design §4.
"""

from __future__ import annotations

import math
import os
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from casemirror.runtime import conversation, deaths
from casemirror.runtime.command import Code, Command, Ending, Reply, Stop
from casemirror.runtime.confinement import Confinement, NoSuchUser, User
from casemirror.runtime.conversation import Conversation
from casemirror.runtime.frames import Closed, Frames, Late, Unreadable
from casemirror.runtime.masking import Masker
from casemirror.runtime.warm import GUEST, CannotStart, Start, Used, WarmParent
from casemirror.runtime.watch import Allowed, Exceeded, Watch
from casemirror.runtime.workplace import Desk, Workplace

_START_S: Final = 120.0
"""seconds that a warm parent may take to import an integration's libraries"""
_KILL_S: Final = 5.0
"""seconds in which a killed process group must be gone, before its parent is killed"""
_LINGER_S: Final = 1.0
"""seconds that a command without connection may take to end"""
_STARTS: Final = 5
"""tries to get a child that says hello; nothing of the integration has run before it does"""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """Limits that are the same for every command.

    answer_bytes   all results and fetched incidents of one command together
    file_bytes     what a command may write, all its files together
    processes      processes and threads that it may have
    """

    answer_bytes: int = 512 << 20
    file_bytes: int = 1 << 30
    open_files: int = 1024
    processes: int = 256


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
    confinement  who the children are and what they may see
    """

    def __init__(
        self,
        work_folder: Path,
        *,
        idle_s: float = 300.0,
        python: str = sys.executable,
        environment: Mapping[str, str] | None = None,
        bounds: Bounds | None = None,
        confinement: Confinement | None = None,
    ) -> None:
        self._confinement = confinement or Confinement()
        folder = self._confinement.work_folder(work_folder, _needed(Path(python)))
        self._workplace = Workplace(folder, shared=os.geteuid() == 0)
        self._idle_s = idle_s
        self._python = python
        self._environment = {**_clean_environment(), **(environment or {})}
        self._bounds = bounds or Bounds()
        self._slots: dict[str, _Slot] = {}
        self._users: dict[Path, User | None] = {}
        self._lock = threading.Lock()
        self._is_closed = False
        self.started_parents = 0
        """how many warm parents were started so far"""

    def run(self, command: Command) -> Reply:
        """Run one command to its end or its time limit; thread-safe, never raises for what the integration does."""
        began = time.monotonic()
        mask = Masker(command.secrets)
        try:
            user = self._user_for(command.code)
        except NoSuchUser as refusal:
            return Reply(ending=Ending.DIED, error=str(refusal))
        desk = self._workplace.open(user)
        try:
            run = _Run(command, desk, mask, self._bounds, self._environment)
            ending, error = self._attempt(run, user)
        except BaseException:
            desk.discard()
            raise
        return run.reply(ending, mask(error), time.monotonic() - began)

    @property
    def folder(self) -> Path:
        """Folder of this process with the folders of its commands."""
        return self._workplace.folder

    def _user_for(self, code: Code) -> User | None:
        """Whom the code runs as. Raises NoSuchUser."""
        python = Path(code.python or self._python)
        if python not in self._users:
            self._users[python] = self._confinement.user_for(_needed(python), self._workplace.folder)
        return self._users[python]

    def _attempt(self, run: _Run, user: User | None) -> tuple[Ending, str]:
        words = ""
        for _ in range(_STARTS):
            try:
                parent = self._parent(run.command.code, user)
            except CannotStart as error:
                return Ending.DIED, str(error)
            outcome = run.on(parent)
            if outcome is not None:
                return outcome
            # it is about to leave (idle, killed, a library with threads), or could not fork: wait before the next try
            parent.gone(1.0)
            words = parent.last_words() or words
        return Ending.DIED, f"the warm process of {run.command.code.name} did not start: {words}".rstrip(": ")

    def _parent(self, code: Code, user: User | None) -> WarmParent:
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
                start = Start(
                    python=code.python or self._python,
                    environment=self._environment,
                    idle_s=self._idle_s,
                    skip=slot.skip,
                    log=log,
                    user=user,
                    confine=self._confinement.order(self._workplace.folder),
                )
                slot.parent = WarmParent(code, start)
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
        self._used = Used()

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
            self._used = parent.used(pid)
            parent.forget(sock, pid)
            frames.close()

    def _outcome(self, parent: WarmParent, talk: Conversation, frames: Frames, pid: int) -> tuple[Ending, str]:
        frames.deadline = time.monotonic() + self.command.timeout_s
        stop = self.command.stop or Stop()
        stop.arm(lambda: parent.kill(pid))
        try:
            talk.begin(self._environment, self._limits())
            frames.watch = self._watch(pid).look
            talk.listen()
        except Late:
            _kill(parent, pid)
            return Ending.TIMED_OUT, deaths.late(self.command)
        except (Unreadable, Exceeded) as error:
            _kill(parent, pid)
            return Ending.DIED, str(error)
        except Closed:
            return Ending.DIED, self._cause_of_death(parent, pid)
        except BaseException:
            _kill(parent, pid)  # a host call failed: that is the caller's error, but nothing may be left running
            raise
        finally:
            stop.disarm()
        if parent.ended(pid, _KILL_S) is None:
            _kill(parent, pid)
        trace = str((talk.end or {}).get("error") or "")
        bounds = self._bounds
        trace = deaths.of_limit(trace, self.command, bounds.file_bytes, bounds.processes)
        return (Ending.RAISED, trace) if trace else (Ending.NORMAL, "")

    def _limits(self) -> Mapping[str, int | None]:
        """Bounds of the child; seconds of CPU are those of all its threads, and the wall clock is what really ends a command."""
        command, bounds = self.command, self._bounds
        return {
            "memory_bytes": command.memory_bytes,
            "cpu_s": 2 * math.ceil(command.timeout_s) + 10 if math.isfinite(command.timeout_s) else None,
            "file_bytes": bounds.file_bytes,
            "open_files": bounds.open_files,
            "processes": bounds.processes,
        }

    def _watch(self, pid: int) -> Watch:
        bounds, memory = self._bounds, self.command.memory_bytes
        allowed = Allowed(processes=bounds.processes, memory_bytes=memory, file_bytes=bounds.file_bytes)
        return Watch(self.command.name, pid, self._desk, allowed)

    def _cause_of_death(self, parent: WarmParent, pid: int) -> str:
        """Why it said no more; one that goes on without its connection is killed."""
        status = parent.ended(pid, _LINGER_S)
        if status is None and parent.alive:
            _kill(parent, pid)
            return "the command closed its connection to the server and was killed"
        return deaths.cause(self.command, status)

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
        for host in end.get("refused") or ():
            talk.log.add(f"warning: {host} {conversation.advice(self.command, str(host))}")
        return Reply(
            ending=ending,
            results=tuple(talk.results),
            incidents=None if talk.incidents is None else tuple(talk.incidents),
            last_run=end.get("last_run"),
            last_mirror_run=end.get("last_mirror_run"),
            requests=_count(end.get("requests")),
            cpu_s=self._used.cpu_s,
            peak_bytes=self._used.peak_bytes,
            health=talk.health,
            error=error,
            log=talk.log.lines(),
            folder=desk.work if kept else None,
            duration_s=duration_s,
            discard=desk.discard,
        )


def _needed(python: Path) -> tuple[Path, ...]:
    """What whoever runs an integration must be able to read: the interpreter, the environment around it, our guest."""
    return python, python.parent.parent, GUEST


def _kill(parent: WarmParent, pid: int) -> None:
    """Kill the child's group and see that nothing is left of it; a parent that does not manage that is killed, too."""
    parent.kill(pid)
    if parent.ended(pid, _KILL_S) is None and parent.alive:
        parent.destroy()
        parent.ended(pid, _KILL_S)


def _count(said: object) -> int | None:
    """A number that a child said; None when it said none."""
    return said if isinstance(said, int) and 0 <= said < 1_000_000 else None


def _clean_environment() -> dict[str, str]:
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "HOME": "/nonexistent",
        # each of glibc's arenas reserves 64 MB of address space, which the memory limit counts: a few threads would eat it up
        "MALLOC_ARENA_MAX": "2",
    }
