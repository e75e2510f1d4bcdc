"""Incidents: create, load, list, save with a version check."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from casemirror.model.errors import IncidentChanged, NotFound
from casemirror.model.ids import IncidentId
from casemirror.model.incident import Incident, NewIncident, Status
from casemirror.model.values import Json, is_empty, time_text
from casemirror.store import audit, former, rows, schema, search
from casemirror.store.search import Condition

_TABLE = schema.incident
_ONE = sa.select(_TABLE).where(_TABLE.c.id == sa.bindparam("one"))


def create(tx: Connection, new: NewIncident, now: datetime, *, status: Status, actor: str) -> Incident:
    """Write a new incident; empty fields are left out, `occurred` is always there."""
    occurred = new.occurred_at or now
    fields = {name: value for name, value in new.fields.items() if not is_empty(value)}
    fields["occurred"] = time_text(occurred)
    values: dict[str, Any] = {
        "guid": str(uuid.uuid4()),
        "version": 1,
        "type": new.type,
        "status": int(status),
        "fields": fields,
        "labels": [dict(label) for label in new.labels],
        "raw_json": new.raw_json,
        "created_at": now,
        "modified_at": now,
        "occurred_at": occurred,
        "activated_at": now if status is Status.ACTIVE else None,
    }
    found = tx.execute(_TABLE.insert().values(**values)).inserted_primary_key
    assert found is not None
    audit.add(tx, now, actor, "incident.created", f"incident {found[0]}", {"type": new.type})
    return load(tx, IncidentId(found[0]))


def load(tx: Connection, incident_id: IncidentId) -> Incident:
    """The incident with that id. Raises NotFound."""
    row = tx.execute(_ONE, {"one": incident_id}).mappings().one_or_none() if abs(incident_id) <= rows.MAX_ID else None
    if row is None:
        raise NotFound(f"no incident {incident_id}; `casemirror incident list` shows what there is")
    return rows.incident(row)


def find(
    tx: Connection,
    *,
    status: Status | None = None,
    type: str = "",
    instance: str = "",
    conditions: Sequence[Condition] = (),
    limit: int = 50,
    offset: int = 0,
) -> list[Incident]:
    """Incidents, newest first; `instance` keeps those with a link to the instance of that name.

    conditions   on fields; all of them must hold. Raises Invalid for one that suits no field of its type
    """
    query = sa.select(_TABLE).order_by(_TABLE.c.id.desc()).limit(limit).offset(offset)
    if status is not None:
        query = query.where(_TABLE.c.status == int(status))
    if type:
        query = query.where(_TABLE.c.type == type)
    if instance:
        linked = sa.select(schema.link.c.incident_id).where(schema.link.c.instance_name == instance, former.THERE)
        query = query.where(_TABLE.c.id.in_(linked))
    for condition in conditions:
        query = query.where(search.where(tx, condition))
    return [rows.incident(row) for row in tx.execute(query).mappings()]


def count_of_type(tx: Connection, type: str) -> int:
    """How many incidents have this type."""
    return int(tx.execute(sa.select(sa.func.count()).select_from(_TABLE).where(_TABLE.c.type == type)).scalar_one())


def count_with(tx: Connection, field: str) -> int:
    """How many incidents hold a value of this field."""
    holds = search.where(tx, Condition(field=field, operator="!=", value=""))
    return int(tx.execute(sa.select(sa.func.count()).select_from(_TABLE).where(holds)).scalar_one())


def count(tx: Connection) -> int:
    """How many incidents there are."""
    return int(tx.execute(sa.select(sa.func.count()).select_from(_TABLE)).scalar_one())


def save(
    tx: Connection,
    incident_id: IncidentId,
    expected_version: int,
    *,
    now: datetime,
    fields: Mapping[str, Json] | None = None,
    **columns: Any,
) -> Incident:
    """Lay `fields` over the stored ones and change columns; the version grows by one.

    Raises IncidentChanged when somebody wrote since `expected_version`, NotFound when it is gone.
    """
    before = load(tx, incident_id)
    values = {**columns, "version": expected_version + 1, "modified_at": now}
    if fields:
        values["fields"] = {**before.fields, **fields}
        values["changed"] = {**before.changed, **dict.fromkeys(fields, time_text(now))}
    where = sa.and_(_TABLE.c.id == incident_id, _TABLE.c.version == expected_version)
    if tx.execute(_TABLE.update().where(where).values(**values)).rowcount == 0:
        raise IncidentChanged(f"incident {incident_id} was changed meanwhile")
    return load(tx, incident_id)


def delete(tx: Connection, incident_id: IncidentId) -> None:
    """Delete an incident with its entries and links (MIR-184)."""
    tx.execute(_TABLE.delete().where(_TABLE.c.id == incident_id))
