"""Insert a row, or change the one that is there: one statement, so that two writers at once both succeed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite


def upsert(tx: Connection, table: sa.Table, key: Mapping[str, Any], values: Mapping[str, Any], **changes: Any) -> None:
    """Write one row under its primary key.

    values    columns of a new row, and of one that is there
    changes   columns of one that is there that differ from that
    """
    insert = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    statement = insert(table).values(**key, **values)
    tx.execute(statement.on_conflict_do_update(index_elements=list(key), set_={**values, **changes}))
