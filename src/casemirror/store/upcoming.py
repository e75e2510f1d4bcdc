"""What the next cycle of an instance finds, as a whole: for those who look ahead. The lane takes one link after the other."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from casemirror.model.ids import InstanceId
from casemirror.model.link import Link, LinkState
from casemirror.store import links, rows, schema

_TABLE = schema.link


def due(tx: Connection, instance_id: InstanceId, now: datetime) -> list[Link]:
    """All links of an instance that are due, in the order in which the lane takes them."""
    query = sa.select(_TABLE).where(_TABLE.c.instance_id == instance_id, *links.due_condition(now))
    found = tx.execute(query.order_by(_TABLE.c.priority, _TABLE.c.due_at, _TABLE.c.id)).mappings()
    return [rows.link(row) for row in found]


def waiting(tx: Connection, instance_id: InstanceId, now: datetime) -> int:
    """How many links have work that waits for its time, after a failure."""
    active = _TABLE.c.state == LinkState.ACTIVE.value
    return _count(tx, instance_id, active, _TABLE.c.wanted > _TABLE.c.done, _TABLE.c.due_at > now)


def held(tx: Connection, instance_id: InstanceId) -> int:
    """How many links wait for a person, or for a new mapper."""
    return _count(tx, instance_id, _TABLE.c.state == LinkState.HELD.value)


def _count(tx: Connection, instance_id: InstanceId, *where: sa.ColumnElement[bool]) -> int:
    query = sa.select(sa.func.count()).select_from(_TABLE).where(_TABLE.c.instance_id == instance_id, *where)
    return int(tx.execute(query).scalar_one())
