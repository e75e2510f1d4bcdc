"""Configured methods of conflicts, and owners of fields."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Connection

from casemirror.model.ids import InstanceId
from casemirror.model.plan import Method
from casemirror.model.policies import Choice, Owner
from casemirror.store import schema

_TABLE, _OWNER = schema.merge_policy, schema.field_owner


def put(tx: Connection, choice: Choice) -> None:
    """Keep a choice in place of the one for the same incident, instance, type and field."""
    remove(tx, choice)
    tx.execute(
        _TABLE.insert().values(
            incident_id=choice.incident or None,
            instance_id=choice.instance or None,
            type=choice.type,
            field=choice.field,
            method=choice.method.value,
        )
    )


def remove(tx: Connection, choice: Choice) -> bool:
    """Drop the choice for this incident, instance, type and field; False when there is none."""
    where = sa.and_(
        _is(_TABLE.c.incident_id, choice.incident),
        _is(_TABLE.c.instance_id, choice.instance),
        _TABLE.c.type == choice.type,
        _TABLE.c.field == choice.field,
    )
    return tx.execute(_TABLE.delete().where(where)).rowcount > 0


def _is(column: sa.ColumnElement[object], value: str | int) -> sa.ColumnElement[bool]:
    return column == value if value else column.is_(None)


def list_all(tx: Connection, instance_id: InstanceId | None = None) -> list[Choice]:
    """All choices, or those that concern one instance."""
    query = sa.select(_TABLE).order_by(_TABLE.c.id)
    if instance_id is not None:
        query = query.where(sa.or_(_TABLE.c.instance_id.is_(None), _TABLE.c.instance_id == instance_id))
    return [
        Choice(
            method=Method(row.method),
            instance=row.instance_id or "",
            type=row.type,
            field=row.field,
            incident=row.incident_id or 0,
        )
        for row in tx.execute(query)
    ]


def put_owner(tx: Connection, owner: Owner) -> None:
    """Let an instance own a field in place of the one that owns it for the same incident and type."""
    remove_owner(tx, owner.field, owner.type, owner.incident)
    incident = owner.incident or None
    values = {"instance_id": owner.instance, "incident_id": incident, "type": owner.type, "field": owner.field}
    tx.execute(_OWNER.insert().values(**values))


def remove_owner(tx: Connection, field: str, type: str = "", incident: int = 0) -> bool:
    """Let nobody own the field for exactly this type and incident; False when nobody does."""
    where = sa.and_(_is(_OWNER.c.incident_id, incident), _OWNER.c.type == type, _OWNER.c.field == field)
    return tx.execute(_OWNER.delete().where(where)).rowcount > 0


def owners(tx: Connection) -> list[Owner]:
    """All owners of fields."""
    return [
        Owner(instance=row.instance_id, field=row.field, type=row.type, incident=row.incident_id or 0)
        for row in tx.execute(sa.select(_OWNER).order_by(_OWNER.c.id))
    ]
