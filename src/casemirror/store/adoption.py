"""Incidents that are not linked to an instance yet, for those who look for objects there that they belong to."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from casemirror.model.ids import IncidentId
from casemirror.model.incident import Incident
from casemirror.store import former, rows, schema, search
from casemirror.store.search import Condition

_TABLE = schema.incident


def unlinked(tx: Connection, instance_name: str, *, after: IncidentId, limit: int) -> list[Incident]:
    """Incidents behind that number without a link to the instance, in the order of their numbers."""
    where = (_TABLE.c.id > after, _has_no_link(instance_name))
    query = sa.select(_TABLE).where(*where).order_by(_TABLE.c.id).limit(limit)
    return [rows.incident(row) for row in tx.execute(query).mappings()]


def unlinked_count(tx: Connection, instance_name: str) -> int:
    """How many incidents have no link to the instance."""
    query = sa.select(sa.func.count()).select_from(_TABLE).where(_has_no_link(instance_name))
    return int(tx.execute(query).scalar_one())


def numbers_where(tx: Connection, conditions: Sequence[Condition]) -> set[IncidentId]:
    """Numbers of the incidents for which all conditions hold. Raises Invalid for one that suits no field of its type."""
    query = sa.select(_TABLE.c.id).where(*(search.where(tx, condition) for condition in conditions))
    return {IncidentId(number) for number in tx.execute(query).scalars()}


def _has_no_link(instance_name: str) -> sa.ColumnElement[bool]:
    link = schema.link.c
    there = sa.select(1).where(link.incident_id == _TABLE.c.id, link.instance_name == instance_name, former.THERE)
    return sa.not_(sa.exists(there))
