"""Everything that a store holds, to be compared."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from casemirror.store import schema
from casemirror.store.database import Store


def tables(store: Store) -> dict[str, list[Any]]:
    """All rows of all tables, by table."""
    with store.read() as tx:
        return {
            table.name: sorted(repr(tuple(row)) for row in tx.execute(sa.select(table)))
            for table in schema.metadata.sorted_tables
        }


def files(store: Store) -> list[str]:
    """All files that lie beside it."""
    return sorted(str(path.relative_to(store.files_folder)) for path in store.files_folder.rglob("*") if path.is_file())
