"""The database behind the store: engines, transactions, migrations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from casemirror.model.clock import Clock, ManualClock
from casemirror.store.keys import KeyRing

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_TIMEOUT_MS = 30_000
"""How long a writer waits for another one's transaction on SQLite."""
TRIES = 5

_T = TypeVar("_T")


class Store:
    """One database and one folder of files; thread-safe. Make it by `Store.open`."""

    def __init__(self, engine: Engine, files_folder: Path, clock: Clock, keys: KeyRing) -> None:
        self.engine = engine.execution_options(casemirror_store=self)
        self.files_folder = files_folder
        self.clock = clock
        self.keys = keys

    @classmethod
    def open(cls, url_or_path: str | Path, files_folder: Path, clock: Clock, keys: KeyRing) -> Store:
        """Open a database: a path is an SQLite file, a ``postgresql://`` URL a server. Nothing is created before `migrate`."""
        text = str(url_or_path)
        engine = _postgresql(text) if text.startswith("postgres") else _sqlite(text.removeprefix("sqlite:///"))
        files_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return cls(engine, files_folder, clock, keys)

    @property
    def is_postgresql(self) -> bool:
        """The database is a PostgreSQL server."""
        return self.engine.dialect.name == "postgresql"

    def migrate(self) -> None:
        """Bring the schema up to date."""
        with self.engine.connect().execution_options(casemirror_write=True) as connection:
            config = Config()
            config.set_main_option("script_location", str(MIGRATIONS))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that writes; it is rolled back when the block raises."""
        with self.engine.connect().execution_options(casemirror_write=True) as connection, connection.begin():
            yield connection

    def write_retry(self, work: Callable[[Connection], _T]) -> _T:
        """Run `work` in a write transaction; again when the database found it in another one's way."""
        for _ in range(TRIES - 1):
            try:
                with self.write() as tx:
                    return work(tx)
            except DBAPIError as error:
                if not _in_the_way(error):
                    raise
        with self.write() as tx:
            return work(tx)


def store_of(tx: Connection) -> Store:
    """The store that a transaction belongs to."""
    store = tx.get_execution_options()["casemirror_store"]
    assert isinstance(store, Store)
    return store


def now(tx: Connection) -> datetime:
    """The time that leases are compared by: the server's on PostgreSQL, the store's clock on SQLite (and in tests)."""
    store = store_of(tx)
    if store.is_postgresql and not isinstance(store.clock, ManualClock):
        at: datetime = tx.execute(sa.text("SELECT clock_timestamp()")).scalar_one()
        return at
    return store.clock.now()


def _in_the_way(error: DBAPIError) -> bool:
    state = getattr(error.orig, "sqlstate", None)
    return state in ("40001", "40P01") or "database is locked" in str(error.orig)


def _postgresql(url: str) -> Engine:
    scheme, _, rest = url.partition("://")
    del scheme
    return sa.create_engine(f"postgresql+psycopg://{rest}", pool_size=40, max_overflow=20, pool_pre_ping=True)


def _sqlite(path: str) -> Engine:
    engine = sa.create_engine(f"sqlite:///{path}", pool_size=40, max_overflow=20)

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", f"busy_timeout={BUSY_TIMEOUT_MS}", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("casemirror_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine
