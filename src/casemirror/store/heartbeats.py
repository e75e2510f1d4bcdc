"""Heartbeats: which processes live. A lane belongs to its owner only while that one does."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from casemirror.store import schema
from casemirror.store.database import now as database_now
from casemirror.store.upsert import upsert

DEAD_AFTER_S: Final = 8.0
"""A process whose heartbeat is older than that counts as dead."""

_TABLE = schema.heartbeat


def beat(tx: Connection, executor: str) -> None:
    """Say that a process lives."""
    upsert(tx, _TABLE, {"executor": executor}, {"at": database_now(tx)})


def alive(tx: Connection) -> set[str]:
    """Processes whose heartbeat is young."""
    since = database_now(tx) - timedelta(seconds=DEAD_AFTER_S)
    return set(tx.execute(sa.select(_TABLE.c.executor).where(_TABLE.c.at >= since)).scalars())


def is_alive(tx: Connection, executor: str) -> bool:
    """Say whether one process lives."""
    return executor in alive(tx)


def names(tx: Connection) -> list[str]:
    """All processes that ever beat and were not forgotten."""
    return list(tx.execute(sa.select(_TABLE.c.executor).order_by(_TABLE.c.executor)).scalars())


def forget(tx: Connection, executor: str) -> None:
    """A process ended, or is known to be dead: its lanes are free at once."""
    tx.execute(_TABLE.delete().where(_TABLE.c.executor == executor))
