"""Stores for tests: SQLite in a folder, PostgreSQL on a real server; each test gets an empty one."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from casemirror.model.clock import Clock, SystemClock
from casemirror.store.database import Store
from casemirror.store.keys import KeyRing
from support import postgres

KINDS = ("sqlite", "postgresql")
KEY = bytes(range(32))


def new_store(kind: str, folder: Path, admin_url: str = "", clock: Clock | None = None) -> Store:
    """An empty, migrated store of that kind. Close it."""
    where = folder / "casemirror.db" if kind == "sqlite" else postgres.new_database(admin_url, _migrated(admin_url))
    store = Store.open(where, folder / "files", clock or SystemClock(), KeyRing((KEY,)))
    store.migrate()
    return store


@cache
def _migrated(admin_url: str) -> str:
    """A migrated database that others are copies of; made once for each server."""
    url = postgres.new_database(admin_url)
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(url, Path(folder), SystemClock(), KeyRing((KEY,)))
        store.migrate()
        store.close()
    return url
