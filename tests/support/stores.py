"""Stores for tests: SQLite in a folder, PostgreSQL on a real server; each test gets an empty one."""

from __future__ import annotations

from pathlib import Path

from casemirror.model.clock import Clock, SystemClock
from casemirror.store.database import Store
from casemirror.store.keys import KeyRing
from support import postgres

KINDS = ("sqlite", "postgresql")
KEY = bytes(range(32))


def new_store(kind: str, folder: Path, admin_url: str = "", clock: Clock | None = None) -> Store:
    """An empty, migrated store of that kind. Close it."""
    where = folder / "casemirror.db" if kind == "sqlite" else postgres.new_database(admin_url)
    store = Store.open(where, folder / "files", clock or SystemClock(), KeyRing((KEY,)))
    store.migrate()
    return store
