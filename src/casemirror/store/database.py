"""The database behind the store: engines, transactions, migrations."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError

from casemirror.model.clock import Clock, ManualClock
from casemirror.model.errors import Invalid
from casemirror.store import clean
from casemirror.store.keys import KeyRing

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_TIMEOUT_MS = 30_000
"""How long a writer waits for another one's transaction on SQLite."""
TRIES = 5
SCHEMES = ("postgres", "postgresql", "postgresql+psycopg")
MIGRATION_LOCK = 0x63617365
"""Number of the advisory lock that one process holds while it changes the schema of a PostgreSQL database."""

DatabaseFailed = (OperationalError, InterfaceError)
"""What a statement raises when the database could not do it now: locked, full, restarted, out of reach."""

_T = TypeVar("_T")


class Store:
    """One database and one folder of files; thread-safe. Make it by `Store.open`."""

    def __init__(self, engine: Engine, files_folder: Path, clock: Clock, keys: KeyRing) -> None:
        self.engine = engine.execution_options(casemirror_store=self)
        self.files_folder = files_folder
        self.clock = clock
        self.keys = keys
        self._queue = threading.Lock()
        self._writers: set[int] = set()

    @classmethod
    def open(cls, url_or_path: str | Path, files_folder: Path, clock: Clock, keys: KeyRing) -> Store:
        """Open a database: a path is an SQLite file, a ``postgresql://`` URL a server. Nothing is created before `migrate`."""
        text = str(url_or_path)
        scheme, separator, rest = text.partition("://")
        on_server = bool(separator) and scheme in SCHEMES
        engine = _postgresql(rest) if on_server else _sqlite(text.removeprefix("sqlite:///"))
        files_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return cls(engine, files_folder, clock, keys)

    @property
    def is_postgresql(self) -> bool:
        """The database is a PostgreSQL server."""
        return self.engine.dialect.name == "postgresql"

    def migrate(self) -> None:
        """Bring the schema up to date: all of it in one transaction, and one process at a time.

        Raises Invalid when a newer casemirror wrote the database.
        """
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        with self._schema_connection() as connection:
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                raise Invalid(
                    f"the schema of this database is not one that this version of casemirror knows ({error}); "
                    "was it written by a newer one?"
                ) from error

    @contextmanager
    def _schema_connection(self) -> Iterator[Connection]:
        if self.is_postgresql:
            with self.write() as tx:
                tx.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
                yield tx
            return
        if self.engine.url.database and self.engine.url.database != ":memory:":
            Path(self.engine.url.database).touch(mode=0o600)
        with self.engine.connect().execution_options(casemirror_write=True) as connection:
            raw = connection.connection.driver_connection
            assert raw is not None
            raw.execute("PRAGMA foreign_keys=OFF")  # a table that is rebuilt would take along what refers to it
            try:
                with connection.begin():
                    yield connection
                    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
                    assert not broken, broken
            finally:
                raw.execute("PRAGMA foreign_keys=ON")

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads. All its statements see the database as it was at the first one."""
        options: dict[str, Any] = {"casemirror_read": True}
        if self.is_postgresql:
            options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self.engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that writes; it is rolled back when the block raises. One inside another one is a RuntimeError."""
        options = {"casemirror_write": True}
        with self._alone(), self.engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """SQLite takes one writer at a time. Those of this process queue here: SQLite's own waiting is by sleeping ever
        longer, and an unlucky one then waits for half a second.
        """
        thread = threading.get_ident()
        if thread in self._writers:
            raise RuntimeError("this thread has a write transaction open already")
        with nullcontext() if self.is_postgresql else self._queue:
            self._writers.add(thread)
            try:
                yield
            finally:
                self._writers.discard(thread)

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


def writes(tx: Connection) -> bool:
    """Say whether a transaction may write (`Store.write`) or only looks (`Store.read`)."""
    return bool(tx.get_execution_options().get("casemirror_write", False))


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


def _postgresql(rest: str) -> Engine:
    try:
        url = sa.make_url(f"postgresql+psycopg://{rest}")
    except (ArgumentError, ValueError):
        raise Invalid("the address of the database is no URL like postgresql://user:password@host:5432/name") from None
    given = url.query.get("options", "")
    # a session in another zone could not read times of the year 1, which remotes do send
    options = f"{given if isinstance(given, str) else ' '.join(given)} -c timezone=UTC"
    return sa.create_engine(
        url,
        connect_args={"options": options},
        json_serializer=clean.to_json,
        pool_size=10,
        max_overflow=50,
        pool_pre_ping=True,
    )


def _lower(value: Any) -> Any:
    """SQLite's own `lower` knows ASCII only; PostgreSQL's knows all letters."""
    return value.lower() if isinstance(value, str) else value


def _sqlite(path: str) -> Engine:
    engine = sa.create_engine(f"sqlite:///{path}", json_serializer=clean.to_json, pool_size=40, max_overflow=20)

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        connection.create_function("lower", 1, _lower, deterministic=True)
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        _write_ahead(connection)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        only_reads = connection.get_execution_options().get("casemirror_read", False)
        if connection.info.get("only_reads") is not only_reads:
            connection.exec_driver_sql(f"PRAGMA query_only={'ON' if only_reads else 'OFF'}")
            connection.info["only_reads"] = only_reads
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes(connection) else "BEGIN")

    return engine


def _write_ahead(connection: Any) -> None:
    """Switch the file to write-ahead logging. SQLite's own waiting does not hold here: two that switch an empty file at once
    hold a lock that the other one needs, and one of them is refused at once.
    """
    until = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return
