"""Commands that asked to be run again: when, with which arguments, and until when at most.

A server takes one before it runs it. When it dies over it, another one runs it once more after a while: a command that asks
to be run again is one that may be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from casemirror.model.ids import IncidentId, InstanceId
from casemirror.model.values import Json
from casemirror.store import schema

_TABLE = schema.later


@dataclass(frozen=True, kw_only=True)
class Later:
    """One command that waits.

    user      who ran it first: it runs in his name
    due_at    when it runs; of one that is running, when it would be taken for lost
    ends_at   it is not run after that
    attempts  how often it was taken
    """

    id: int
    incident_id: IncidentId
    instance_id: InstanceId
    command: str
    args: Mapping[str, Json]
    user: str
    due_at: datetime
    ends_at: datetime
    attempts: int = 0


_COLUMNS = tuple(_TABLE.c[field.name] for field in fields(Later))


def add(
    tx: Connection,
    *,
    incident_id: IncidentId,
    instance_id: InstanceId,
    command: str,
    args: Mapping[str, Json],
    user: str,
    due_at: datetime,
    ends_at: datetime,
) -> None:
    """Have a command run then."""
    values = {"incident_id": incident_id, "instance_id": instance_id, "command": command, "args": dict(args)}
    tx.execute(_TABLE.insert().values(**values, user=user, due_at=due_at, ends_at=ends_at))


def list_all(tx: Connection, incident_id: IncidentId | None = None, *, limit: int = 1000) -> list[Later]:
    """What waits, the next one first; of one incident, or of all."""
    query = sa.select(*_COLUMNS).order_by(_TABLE.c.due_at, _TABLE.c.id).limit(limit)
    query = query if incident_id is None else query.where(_TABLE.c.incident_id == incident_id)
    return [Later(**row) for row in tx.execute(query).mappings()]


def due(tx: Connection, now: datetime, *, limit: int = 20) -> list[Later]:
    """What is to be run now, the oldest first."""
    query = sa.select(*_COLUMNS).where(_TABLE.c.due_at <= now).order_by(_TABLE.c.due_at, _TABLE.c.id)
    return [Later(**row) for row in tx.execute(query.limit(limit)).mappings()]


def take(tx: Connection, later: Later, until: datetime) -> bool:
    """Begin to run one: nobody else does before `until`. False: somebody did, or it is gone."""
    mine = (_TABLE.c.id == later.id, _TABLE.c.attempts == later.attempts)
    taken = _TABLE.update().where(*mine).values(attempts=later.attempts + 1, due_at=until)
    return tx.execute(taken).rowcount > 0


def remove(tx: Connection, later_id: int) -> bool:
    """It was run, or is not wanted any more; False when it was gone already."""
    return tx.execute(_TABLE.delete().where(_TABLE.c.id == later_id)).rowcount > 0
