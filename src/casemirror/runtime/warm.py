"""The server's side of one warm parent: starts it, hands it sockets, hears from it which children ended.

The process is `guest/parent.py`; its orders and reports are described there.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import casemirror
from casemirror.runtime.command import Code
from casemirror.runtime.confinement import User

GUEST: Final = Path(casemirror.__file__).parent / "guest"

_PID: Final = struct.Struct("!I")
_PACKET: Final = 65536
"""bytes of the largest report"""
_LAST_WORDS: Final = 4000
"""characters of a dead parent's stderr that are shown"""


class CannotStart(Exception):
    """The interpreter could not be started at all."""


@dataclass(frozen=True, kw_only=True)
class Start:
    """How a parent is started.

    skip      libraries that it must not import: they start threads
    log       file for what it prints
    user      whom it runs as; None: as casemirror
    confine   what `guest/confinement.py` is told
    """

    python: str
    environment: Mapping[str, str]
    idle_s: float
    log: Path
    confine: Mapping[str, Any]
    skip: frozenset[str] = frozenset()
    user: User | None = None


@dataclass(frozen=True, kw_only=True)
class Used:
    """What a command and all its processes took: seconds of CPU, bytes of the largest process."""

    cpu_s: float = 0.0
    peak_bytes: int = 0


class WarmParent:
    """One running parent; thread-safe. `alive` turns False for good when it ends, for whatever reason.

    threaded   a library that starts a thread when it is imported: the parent left, start another one that skips it
    """

    def __init__(self, code: Code, start: Start) -> None:
        self.threaded = ""
        self.alive = True
        self._log = start.log
        self._change = threading.Condition()
        self._sockets: set[socket.socket] = set()
        self._running: set[int] = set()
        self._statuses: dict[int, int] = {}
        self._used: dict[int, Used] = {}
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = self._start(start, theirs)
        self._prepare(code, start)
        self._listener = threading.Thread(target=self._listen, name=f"warm {code.name}", daemon=True)
        self._listener.start()

    def _start(self, start: Start, control: socket.socket) -> subprocess.Popen[bytes]:
        # -I: no PYTHON* variables, no user site, but the interpreter's own packages; UTF-8 whatever the locale says
        command = [start.python, "-I", "-X", "utf8", str(GUEST / "parent.py"), str(control.fileno())]
        try:
            with open(self._log, "wb") as log:
                return subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    cwd="/",
                    env=dict(start.environment),
                    pass_fds=[control.fileno()],
                    start_new_session=True,
                    umask=0o077,
                    user=start.user.uid if start.user else None,
                    group=start.user.gid if start.user else None,
                    extra_groups=[] if start.user else None,
                )
        except OSError as error:
            self._control.close()
            raise CannotStart(f"{start.python} cannot be started: {error.strerror}") from error

    def _prepare(self, code: Code, start: Start) -> None:
        order = {
            "name": code.name,
            "source": code.source,
            "modules": dict(code.modules),
            "idle_s": start.idle_s,
            "skip": sorted(start.skip),
            "confine": dict(start.confine),
        }
        stdin = self._process.stdin
        assert stdin is not None
        with contextlib.suppress(BrokenPipeError):
            stdin.write(json.dumps(order).encode())
        with contextlib.suppress(BrokenPipeError):
            stdin.close()

    @property
    def pid(self) -> int:
        """Process id of the parent."""
        return self._process.pid

    def fork(self) -> socket.socket | None:
        """Order a child; our end of its socket (the caller's to close, after `forget`), or None when the parent has left."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs, self._change:
            if self.alive:
                self._sockets.add(ours)
                with contextlib.suppress(OSError):
                    socket.send_fds(self._control, [b"R"], [theirs.fileno()])
                    return ours
                self._sockets.discard(ours)
        ours.close()
        return None

    def started(self, pid: int) -> None:
        """A child said its number."""
        with self._change:
            self._running.add(pid)

    def forget(self, sock: socket.socket, pid: int | None) -> None:
        """The command is over."""
        with self._change:
            self._sockets.discard(sock)
            if pid is not None:
                self._running.discard(pid)
                self._statuses.pop(pid, None)
                self._used.pop(pid, None)

    def used(self, pid: int | None) -> Used:
        """What an ended child took; nothing when nobody can tell."""
        with self._change:
            return self._used.get(pid or 0, Used())

    def ended(self, pid: int, patience_s: float) -> int | None:
        """Wait until the child ended and nothing of its group is left; its wait status, None when nobody can tell (in time)."""
        with self._change:
            self._change.wait_for(lambda: pid in self._statuses or not self.alive, patience_s)
            return self._statuses.get(pid)

    def gone(self, patience_s: float) -> bool:
        """Wait until the parent left; whether it did."""
        with self._change:
            return self._change.wait_for(lambda: not self.alive, patience_s)

    def kill(self, pid: int) -> None:
        """Order that the child and its process group be killed."""
        with contextlib.suppress(OSError):
            self._control.send(b"K" + _PID.pack(pid))

    def last_words(self) -> str:
        """End of what the parent itself printed: why it died."""
        try:
            return self._log.read_text("utf-8", "replace")[-_LAST_WORDS:].strip()
        except OSError:
            return ""

    def end(self) -> None:
        """Let it go: it kills its children and leaves. Waits for it."""
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self.destroy()
        self._listener.join()

    def destroy(self) -> None:
        """Kill a parent that does not obey; its children die with it."""
        self._process.kill()

    def _listen(self) -> None:
        """Hear the parent's reports until it ends; runs in a thread of its own."""
        while True:
            try:
                packet = self._control.recv(_PACKET)
            except ConnectionResetError:
                continue  # it left without reading our last order; said once, and its own last words are still to come
            except OSError:
                packet = b""
            if not packet:
                break
            self._heard(json.loads(packet))
        self._process_gone()

    def _heard(self, report: Mapping[str, Any]) -> None:
        with self._change:
            if report["event"] == "exit":
                self._statuses[report["pid"]] = report["status"]
                self._used[report["pid"]] = Used(cpu_s=report["cpu_s"], peak_bytes=report["peak_bytes"])
            elif report["event"] == "threaded":
                self.threaded = report["library"]
            self._change.notify_all()

    def _process_gone(self) -> None:
        """The parent is gone or leaving: no child may go on, and whoever waits for one must hear of it."""
        with self._change:
            self.alive = False
        self._control.close()
        self._process.wait()
        with self._change:
            for pid in self._running - set(self._statuses):
                # the child itself died with its parent; its number is free only when its group is empty
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)
            for sock in self._sockets:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
            self._change.notify_all()
