"""Server configuration as people set it: texts by key (`model.settings` reads them)."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Connection

from casemirror.store import schema
from casemirror.store.upsert import upsert

_TABLE = schema.setting


def get_all(tx: Connection) -> dict[str, str]:
    """Every setting that was set."""
    return dict(tx.execute(sa.select(_TABLE.c.name, _TABLE.c.value)).all())


def put(tx: Connection, name: str, value: str) -> None:
    """Set one."""
    upsert(tx, _TABLE, {"name": name}, {"value": value})


def remove(tx: Connection, name: str) -> None:
    """Back to the default."""
    tx.execute(_TABLE.delete().where(_TABLE.c.name == name))
