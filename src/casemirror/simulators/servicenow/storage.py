"""A simulator's memory on disk: rows and file bodies in one SQLite file, written through, read once at the start."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

Row = dict[str, str]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS rows (tbl TEXT, sys_id TEXT, columns TEXT NOT NULL, PRIMARY KEY (tbl, sys_id));
CREATE TABLE IF NOT EXISTS files (sys_id TEXT PRIMARY KEY, body BLOB NOT NULL);
"""


class Storage:
    """Not thread-safe by itself: the store calls it under its lock.

    A killed process loses nothing that was answered; a crash of the machine may lose the last writes (synchronous=OFF),
    which a simulator can afford and which keeps a write below a millisecond.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = path
        self._open: sqlite3.Connection | None = None

    @property
    def _db(self) -> sqlite3.Connection:
        """The connection; opened again by the first use after `close`."""
        if self._open is None:
            self._open = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            self._open.execute("PRAGMA journal_mode=WAL")
            self._open.execute("PRAGMA synchronous=OFF")
            self._open.executescript(_SCHEMA)
        return self._open

    def load_rows(self) -> Iterator[tuple[str, Row]]:
        """All rows as (table, row), in the order in which they were first written."""
        for table, columns in self._db.execute("SELECT tbl, columns FROM rows ORDER BY rowid"):
            yield table, json.loads(columns)

    def load_files(self) -> Iterator[tuple[str, bytes]]:
        """All file bodies as (attachment's sys_id, bytes)."""
        yield from self._db.execute("SELECT sys_id, body FROM files")

    def save_row(self, table: str, row: Row) -> None:
        self._db.execute(
            "INSERT INTO rows VALUES (?, ?, ?) ON CONFLICT (tbl, sys_id) DO UPDATE SET columns = excluded.columns",
            (table, row["sys_id"], json.dumps(row)),
        )

    def drop_row(self, table: str, sys_id: str) -> None:
        self._db.execute("DELETE FROM rows WHERE tbl = ? AND sys_id = ?", (table, sys_id))

    def save_file(self, sys_id: str, body: bytes) -> None:
        self._db.execute("INSERT OR REPLACE INTO files VALUES (?, ?)", (sys_id, body))

    def drop_file(self, sys_id: str) -> None:
        self._db.execute("DELETE FROM files WHERE sys_id = ?", (sys_id,))

    def wipe(self) -> None:
        self._db.executescript("DELETE FROM rows; DELETE FROM files;")

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None
