"""Configured methods of conflicts."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Connection

from casemirror.model.ids import InstanceId
from casemirror.model.plan import Method
from casemirror.model.policies import Choice
from casemirror.store import schema

_TABLE = schema.merge_policy


def put(tx: Connection, choice: Choice) -> None:
    """Keep a choice in place of the one for the same instance, type and field."""
    remove(tx, choice)
    tx.execute(
        _TABLE.insert().values(
            instance_id=choice.instance or None, type=choice.type, field=choice.field, method=choice.method.value
        )
    )


def remove(tx: Connection, choice: Choice) -> bool:
    """Drop the choice for this instance, type and field; False when there is none."""
    where = sa.and_(
        _TABLE.c.instance_id == choice.instance if choice.instance else _TABLE.c.instance_id.is_(None),
        _TABLE.c.type == choice.type,
        _TABLE.c.field == choice.field,
    )
    return tx.execute(_TABLE.delete().where(where)).rowcount > 0


def list_all(tx: Connection, instance_id: InstanceId | None = None) -> list[Choice]:
    """All choices, or those that concern one instance."""
    query = sa.select(_TABLE).order_by(_TABLE.c.id)
    if instance_id is not None:
        query = query.where(sa.or_(_TABLE.c.instance_id.is_(None), _TABLE.c.instance_id == instance_id))
    return [
        Choice(method=Method(row.method), instance=row.instance_id or "", type=row.type, field=row.field)
        for row in tx.execute(query)
    ]
