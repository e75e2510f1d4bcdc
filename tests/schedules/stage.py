"""The world of a schedule, set up once for each kind and copied: migrating and linking anew would be most of its work."""

from __future__ import annotations

import atexit
import copy
import gc
import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import sqlalchemy as sa

from casemirror.content import items
from casemirror.content.pack import Pack
from casemirror.engine.app import App
from casemirror.model.clock import ManualClock
from casemirror.model.ids import IncidentId
from casemirror.store import content_items
from casemirror.store.database import Store
from casemirror.store.keys import KeyRing
from schedules.remote import ScheduleRemote
from support import postgres
from support.desk import Ticket
from support.world import CONTENT, MAPPED_IN, MAPPED_OUT, NOON, World, custom, mapper, simple

FIELDS = {
    "name": "title",
    "details": "description",
    "deskstate": "state",
    "deskcount": "count",
    "desklabels": "labels",
}
"""Incident field → field of the ticket."""
INSTANCES = ("desk", "second", "third")
WIDE_IN = {**MAPPED_IN, **simple(**{"Desk Labels": "labels"})}
WIDE_OUT = {**MAPPED_OUT, **simple(count="deskcount", labels="desklabels")}
WIDE = (
    ("incidentfield", custom("Desk Labels", "multiSelect")),
    ("mapper-in", mapper("wide-in", "mapping-incoming", common=WIDE_IN)),
    ("mapper-out", mapper("wide-out", "mapping-outgoing", common=WIDE_OUT)),
)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What is set up before a schedule begins.

    careful     the integration looks for what may be there already
    strict      no overlap, exact times: nothing but the protocol itself protects
    instances   to how many systems each incident is linked
    postgres    address of a PostgreSQL server; empty: SQLite
    """

    careful: bool = True
    strict: bool = False
    instances: int = 1
    postgres: str = ""


class Stage:
    """One world that is put back to its beginning for each schedule. Not for two schedules at once."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.world = World(_folder() / f"stage-{next(_NUMBERS)}")
        if kind.postgres:
            self.world.store.close()
            self._address = postgres.new_database(kind.postgres)
            self._use(self._address)
            self.world.store.migrate()
            with self.world.store.write() as tx:
                found = tuple(items.make(name, body) for name, body in CONTENT)
                content_items.install(tx, Pack(id="Desk", name="Desk", items=found), NOON)
        else:
            self._watch(self.world.store)
        for name, body in WIDE:
            self.world.content(name, body)
        self.incidents = self._set_up()
        self._began = self.world.clock.now()
        self._tickets = {name: copy.deepcopy(remote.tickets) for name, remote in self.remotes.items()}
        self._indexed = {name: copy.deepcopy(remote.indexed) for name, remote in self.remotes.items()}
        self._keep()

    @property
    def remotes(self) -> dict[str, ScheduleRemote]:
        """By the names of their instances."""
        found: dict[str, Any] = self.world.runtime.remotes
        return found

    def _set_up(self) -> tuple[IncidentId, ...]:
        world, kind = self.world, self.kind
        names = INSTANCES[: kind.instances]
        for name in names:
            integration = "Desk Safe" if kind.careful else "Desk"
            folder = world.instance(name, integration, mapper_in="wide-in", mapper_out="wide-out").folder
            remote = ScheduleRemote(world.clock, folder, name)
            remote.careful, remote.whole_seconds = kind.careful, not kind.strict
            world.runtime.remotes[name] = remote
        if kind.strict:
            world.set(mirror__overlap=0, mirror__first__lookback=0)
        made = tuple(self._linked(number, names) for number in range(2))
        world.cycle(2)
        return made

    def _linked(self, number: int, names: tuple[str, ...]) -> IncidentId:
        tickets: list[Ticket] = [self.remotes[name].ticket(title=f"t{number}") for name in names]
        incident = self.world.mirror(tickets[0], settle=False)
        for name, ticket in zip(names[1:], tickets[1:], strict=True):
            self.world.connect(incident, name, remote_id=ticket.id, tags=("comments",))
        self.world.work()
        return incident

    def _use(self, where: str) -> None:
        """Work on that database from now on."""
        world = self.world
        keys = KeyRing.load(world.folder / "key")
        world.store = Store.open(where, world.folder / "files", world.clock, keys)
        self._watch(world.store)

    def _watch(self, store: Store) -> None:
        if not store.is_postgresql:
            sa.event.listen(store.engine, "connect", _hurry)
        self.world.app = App(store=store, runtime=self.world.runtime, clock=self.world.clock, executor="one:1:a")

    @contextmanager
    def watched(self, on_statement: Callable[[str], None]) -> Iterator[None]:
        """While this lasts, each statement is told before it is run, and each commit."""

        def tell(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            on_statement(statement)

        def tell_commit(_connection: Any) -> None:
            on_statement("COMMIT")

        listeners = (("before_cursor_execute", tell), ("commit", tell_commit))
        for name, listener in listeners:
            sa.event.listen(self.world.store.engine, name, listener)
        try:
            yield
        finally:
            for name, listener in listeners:
                sa.event.remove(self.world.store.engine, name, listener)

    def _keep(self) -> None:
        """Keep the database as it is now."""
        self.world.store.close()
        if self.kind.postgres:
            self._kept = self._address
        else:
            shutil.copy(self.world.folder / "a.db", self.world.folder / "kept.db")

    def begin(self) -> World:
        """Put everything back to its beginning."""
        world = self.world
        world.store.close()
        world.clock = ManualClock(self._began)
        world.store.clock = world.clock
        if self.kind.postgres:
            if self._address != self._kept:
                postgres.drop_database(self.kind.postgres, self._address)
            self._address = postgres.new_database(self.kind.postgres, self._kept)
            self._use(self._address)
        else:
            for path in world.folder.glob("a.db*"):
                path.unlink()
            shutil.copy(world.folder / "kept.db", world.folder / "a.db")
        world.app = App(
            store=world.store, runtime=world.runtime, clock=world.clock, executor="one:1:a", library=world.app.library
        )
        world.calls_in_transactions = 0
        for name, remote in self.remotes.items():
            remote.clock, remote.shows_after_s = world.clock, lambda: 0.0
            remote.tickets, remote.indexed = copy.deepcopy(self._tickets[name]), copy.deepcopy(self._indexed[name])
            remote.calls.clear()
        return world


_NUMBERS = itertools.count(1)


@cache
def of(kind: Kind) -> Stage:
    """The stage of a kind; one for each process."""
    made = Stage(kind)
    gc.collect()
    gc.freeze()
    return made


@cache
def _folder() -> Path:
    """In memory where there is such a place."""
    memory = Path("/dev/shm")
    folder = Path(mkdtemp(prefix="casemirror-schedules-", dir=memory if memory.is_dir() else None))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _hurry(connection: Any, _: Any) -> None:
    """The data need not outlive the machine."""
    connection.execute("PRAGMA synchronous=OFF")
