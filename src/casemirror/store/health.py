"""The state of each instance, since when, and its former ones. Written only when it changes, by whoever sees it first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from casemirror.model.health import Counts, Health, State
from casemirror.model.ids import InstanceId
from casemirror.model.instance import Instance
from casemirror.model.lane import Lane
from casemirror.model.link import LinkState
from casemirror.store import metrics, rows, schema

KEPT: Final = timedelta(days=90)
"""How long former states are kept."""
KEPT_MOST: Final = 1000
"""So many of an instance are kept at most."""

_NOW, _PAST, _LINK = schema.health, schema.health_change, schema.link


def noted(tx: Connection) -> dict[InstanceId, Health]:
    """What was noted last of each instance."""
    found = tx.execute(sa.select(_NOW)).mappings()
    return {
        InstanceId(row["instance_id"]): Health(state=State(row["state"]), reason=row["reason"], since=row["since_at"])
        for row in found
    }


def change(tx: Connection, instance_id: InstanceId, former: Health | None, new: Health) -> bool:
    """Note a new state with its line of history; False when another process noted one since `former` was read."""
    columns = {"state": new.state.value, "reason": new.reason, "since_at": new.since}
    if former is None:
        insert = (postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert)(_NOW)
        first: Any = insert.values(instance_id=instance_id, **columns).on_conflict_do_nothing()
        is_first = tx.execute(first.returning(_NOW.c.instance_id)).first() is not None
    else:
        seen = (_NOW.c.state == former.state.value, _NOW.c.since_at == former.since)
        noted = tx.execute(_NOW.update().where(_NOW.c.instance_id == instance_id, *seen).values(**columns))
        is_first = noted.rowcount > 0
    if not is_first:
        return False
    was = former.state.value if former else ""
    line = {"instance_id": instance_id, "at": new.since, "state": new.state.value, "former": was, "reason": new.reason}
    tx.execute(_PAST.insert().values(**line))
    _forget(tx, instance_id, new.since - KEPT)
    return True


def _forget(tx: Connection, instance_id: InstanceId, before: datetime) -> None:
    mine = _PAST.c.instance_id == instance_id
    newest = sa.select(_PAST.c.id).where(mine).order_by(_PAST.c.id.desc())
    too_many = _PAST.c.id <= newest.offset(KEPT_MOST).limit(1).scalar_subquery()
    tx.execute(_PAST.delete().where(mine, sa.or_(_PAST.c.at < before, too_many)))


@dataclass(frozen=True, kw_only=True)
class Change:
    """One line of history; `former` empty: the first state that was seen."""

    at: datetime
    state: str
    former: str
    reason: str


def history(tx: Connection, instance_id: InstanceId, *, limit: int) -> list[Change]:
    """The newest changes of an instance's state, the newest first."""
    query = sa.select(_PAST.c.at, _PAST.c.state, _PAST.c.former, _PAST.c.reason)
    query = query.where(_PAST.c.instance_id == instance_id).order_by(_PAST.c.id.desc()).limit(limit)
    return [Change(**row) for row in tx.execute(query).mappings()]


def instances_of(tx: Connection) -> list[Instance]:
    """Every instance by name, with only what its state is decided by: parameters and notebooks may be large."""
    names = ("id", "name", "brand", "enabled", "created_at", "modified_at")
    table = schema.instance
    found = tx.execute(sa.select(*(table.c[name] for name in names)).order_by(table.c.name)).mappings()
    return [Instance(**row) for row in found]


def lanes_of(tx: Connection) -> dict[InstanceId, Lane]:
    """The first lane of every instance."""
    found = tx.execute(sa.select(schema.lane).where(schema.lane.c.number == 0)).mappings()
    return {lane.instance_id: lane for lane in map(rows.lane, found)}


def counts(tx: Connection, now: datetime) -> dict[InstanceId, Counts]:
    """What a state is decided by, for each instance that has a link with a trouble. Reads only such links."""
    busy, conflicts = metrics.work(tx, now), metrics.conflicts(tx)
    found = {}
    for instance_id in busy.keys() | conflicts.keys():
        work = busy.get(instance_id, metrics.Work())
        found[instance_id] = Counts(
            failing=work.failing,
            held=work.held,
            conflicts=conflicts.get(instance_id, 0),
            any_well=not (work.failing or work.held) or _any_well(tx, instance_id),
        )
    return found


def _any_well(tx: Connection, instance_id: InstanceId) -> bool:
    """Some link of the instance neither fails nor is held."""
    well = (_LINK.c.instance_id == instance_id, _LINK.c.state == LinkState.ACTIVE.value, _LINK.c.tries == 0)
    return tx.execute(sa.select(_LINK.c.id).where(*well).limit(1)).first() is not None
