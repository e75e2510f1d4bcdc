"""The context of an incident: what commands told in its war room, one JSON object each (`mapping.outputs` merges it)."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Connection

from casemirror.model.ids import IncidentId
from casemirror.model.values import Fields
from casemirror.store import schema
from casemirror.store.upsert import upsert

_TABLE = schema.context


def load(tx: Connection, incident_id: IncidentId) -> Fields:
    """What is known; empty when no command told anything yet."""
    query = sa.select(_TABLE.c.data).where(_TABLE.c.incident_id == incident_id)
    found: Fields | None = tx.execute(query).scalar_one_or_none()
    return found or {}


def save(tx: Connection, incident_id: IncidentId, context: Fields) -> None:
    """Write all of it."""
    upsert(tx, _TABLE, {"incident_id": incident_id}, {"data": dict(context)})
