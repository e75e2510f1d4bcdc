"""That this process lives, said to the others: its lanes belong to it only while it does."""

from __future__ import annotations

import os
import socket
import threading
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

from casemirror.engine.app import App, log
from casemirror.store import heartbeats

if TYPE_CHECKING:
    from sqlalchemy import Connection

BEAT_S = 2.0


def executor_name() -> str:
    """A name for this process that tells where it runs: ``host:process namespace:pid:random``."""
    return f"{socket.gethostname()}:{_namespace()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


def _namespace() -> str:
    """Number of the process namespace: two containers may have one host name, and each its own processes."""
    try:
        return str(os.stat("/proc/self/ns/pid").st_ino)
    except OSError:
        return ""


class Presence:
    """Says that this process lives, every two seconds, until it is closed. Its lanes belong to it only while it does."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._loop = Loop("beat", BEAT_S, self.beat)

    def __enter__(self) -> Presence:
        with self._app.store.write() as tx:
            forget_dead(tx)
        self.beat()
        self._loop.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.stop()
        with self._app.store.write() as tx:
            heartbeats.forget(tx, self._app.executor)

    def beat(self) -> None:
        """Write the heartbeat."""
        with self._app.store.write() as tx:
            heartbeats.beat(tx, self._app.executor)


def is_dead_here(name: str) -> bool:
    """The executor ran beside this process and is gone: no need to wait for its heartbeat to go stale."""
    host, namespace, pid, *_ = (*name.split(":"), "", "", "")
    if (host, namespace) != (socket.gethostname(), _namespace()) or not (namespace and pid.isdigit()):
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def forget_dead(tx: Connection) -> set[str]:
    """Forget every process that is dead, by its heartbeat or because it is gone from this machine; returns the living."""
    living = heartbeats.alive(tx)
    for name in heartbeats.names(tx):
        if name not in living or is_dead_here(name):
            heartbeats.forget(tx, name)
            living.discard(name)
    return living


class Loop:
    """A thread that does one thing, at once and at an interval, until it is stopped; an error is logged and it goes on."""

    def __init__(self, name: str, every_s: float, work: Callable[[], None]) -> None:
        self._stop = threading.Event()
        self._every_s = every_s
        self._work = work
        self._name = name
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the round that is running."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._work()
            except Exception:
                log.exception("loop.failed", loop=self._name)
            self._stop.wait(self._every_s)
