"""One worker's turn on a lane: the lease it holds, and the writes that only the holder may do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from casemirror.engine import lateness
from casemirror.engine.app import App
from casemirror.engine.commands import Caller
from casemirror.mapping.outside import Outside
from casemirror.model.entry import FileRef
from casemirror.model.instance import Instance
from casemirror.model.lane import Lane
from casemirror.model.settings import Settings
from casemirror.runtime.command import Reply
from casemirror.store import files, instances, lanes

if TYPE_CHECKING:
    from sqlalchemy import Connection

LEASE_MARGIN_S = 10.0
"""The lease outlives a command's time limit by this much: time to kill the process group and to write the outcome."""


@dataclass(kw_only=True)
class Turn:
    """A lane that this worker owns for now. Mutable: the lease is renewed and the lane's columns move."""

    caller: Caller
    lane: Lane

    @property
    def app(self) -> App:
        """The App."""
        return self.caller.app

    @property
    def instance(self) -> Instance:
        """The lane's instance, as it was when the turn began."""
        return self.caller.instance

    @property
    def settings(self) -> Settings:
        """The settings, as they were when the turn began."""
        return self.caller.settings

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A write transaction that first proves we still own the lane (rule 5). Raises LaneLost."""
        with self.app.store.write() as tx:
            lanes.guard(tx, self.lane)
            yield tx

    @property
    def lease_s(self) -> float:
        """How long the lease still lasts, seconds."""
        until = self.lane.lease_until
        return (until - self.app.clock.now()).total_seconds() if until else 0.0

    @property
    def overlap(self) -> timedelta:
        """What is taken off every `lastUpdate` now."""
        return lateness.overlap(self.settings, self.lane, self.app.clock.now())

    def outside(self) -> Outside:
        """The world around an evaluation; a script that it runs keeps the lease alive."""
        return self.caller.outside(self.hold_for)

    def hold_for(self, seconds: float) -> None:
        """Make the lease outlive a command of that length (rule 6). Raises LaneLost.

        It is renewed for twice that, so that most commands cost no write. A worker that dies loses the lane long before
        the lease ends: its heartbeat goes stale, and its children die with it.
        """
        needed = seconds + LEASE_MARGIN_S
        if self.lease_s < needed:
            with self.app.store.write() as tx:
                self.lane = lanes.renew(tx, self.lane, 2 * needed)

    def prove(self) -> None:
        """Look once more, right before a call that writes, whether the lane is still ours: whoever slept past it stops here.

        Raises LaneLost.
        """
        with self.app.store.read() as tx:
            lanes.guard(tx, self.lane)

    def keep(self, tx: Connection, reply: Reply) -> None:
        """Commit what the integration noted for itself, in the transaction of the result it belongs to."""
        if reply.last_run is not None:
            instances.save_last_run(tx, self.instance.id, reply.last_run)
        if reply.last_mirror_run is not None:
            instances.save_mirror_run(tx, self.instance.id, reply.last_mirror_run)

    def take_file(self, source: Path, name: str) -> FileRef:
        """Take a file that a command wrote into the store. Raises what `files.put` raises."""
        return files.put(self.app.store, source, name, self.settings.count("files.max"))

    def note(self, tx: Connection, **columns: Any) -> None:
        """Write columns of the lane."""
        self.lane = lanes.save(tx, self.lane, **columns)


@dataclass(kw_only=True)
class Onlooker(Turn):
    """Looks at a lane that it does not own: it reads and asks; whatever would write is a bug.

    at   the present that mappings see; None: now
    """

    at: datetime | None = None

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """An onlooker writes nothing."""
        raise RuntimeError(f"a look at {self.instance.name} wanted to write")
        yield

    def outside(self) -> Outside:
        """The world around an evaluation."""
        found = self.caller.outside()
        return replace(found, now=self.at) if self.at else found

    def hold_for(self, seconds: float) -> None:
        """There is no lease to keep alive."""

    def take_file(self, source: Path, name: str) -> FileRef:
        """What the file would be in the store; its bytes are only read. Raises FileRefused."""
        return files.measure(source, name, self.settings.count("files.max"))
