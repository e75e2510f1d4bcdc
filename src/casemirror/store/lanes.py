"""Lanes: who owns which line of work, until when, and the fence that refuses a late writer."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from casemirror.model.errors import LaneLost, NotFound
from casemirror.model.ids import InstanceId, LaneId
from casemirror.model.lane import Lane
from casemirror.store import heartbeats, links, rows, schema
from casemirror.store.database import now as database_now
from casemirror.store.database import store_of, writes

_TABLE = schema.lane
_ONE = sa.select(_TABLE).where(_TABLE.c.id == sa.bindparam("one"))
_OURS = sa.select(_TABLE.c.id).where(_TABLE.c.id == sa.bindparam("one"), _TABLE.c.epoch == sa.bindparam("ours"))
_OURS_LOCKED = _OURS.with_for_update(read=True)
LONG = "long"
"""Last part of the id of the lane of a long-running process; it is never due, for nothing is polled or reconciled on it."""
BRAKE_OFF = timedelta(hours=1)
"""How long a brake stays off after a person said go on."""


def load(tx: Connection, lane_id: LaneId) -> Lane:
    """The lane with that id. Raises NotFound."""
    row = tx.execute(_ONE, {"one": lane_id}).mappings().one_or_none()
    if row is None:
        raise NotFound(f"no lane {lane_id}")
    return rows.lane(row)


def of_instance(tx: Connection, instance_id: InstanceId) -> Lane:
    """An instance's first lane."""
    return load(tx, LaneId(f"{instance_id}/0"))


def acquire(tx: Connection, lane_id: LaneId, owner: str, lease_s: float) -> Lane | None:
    """Own a lane that is free: nobody's, its lease over, or its owner dead. The epoch grows.

    None when another living worker owns it, or when it is gone.
    """
    row = tx.execute(sa.select(_TABLE).where(_TABLE.c.id == lane_id).with_for_update()).mappings().one_or_none()
    if row is None:
        return None
    lane, now = rows.lane(row), database_now(tx)
    taken = lane.owner and lane.owner != owner and lane.lease_until and lane.lease_until > now
    if taken and heartbeats.is_alive(tx, lane.owner):
        return None
    columns = {"owner": owner, "epoch": lane.epoch + 1, "lease_until": now + timedelta(seconds=lease_s)}
    free = _TABLE.update().where(_TABLE.c.id == lane_id, _TABLE.c.epoch == lane.epoch)
    return rows.lane(tx.execute(free.values(**columns).returning(_TABLE)).mappings().one())


def find_long(tx: Connection, instance_id: InstanceId) -> Lane | None:
    """The lane of an instance's long-running process; None when it never had one."""
    query = sa.select(_TABLE).where(_TABLE.c.id == f"{instance_id}/{LONG}")
    row = tx.execute(query).mappings().one_or_none()
    return rows.lane(row) if row else None


def acquire_long(tx: Connection, instance_id: InstanceId, owner: str, lease_s: float, now: datetime) -> Lane | None:
    """Own the lane of an instance's long-running process, as `acquire` does; None while it waits for its next start, too."""
    lane_id = LaneId(f"{instance_id}/{LONG}")
    insert = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    new = insert(_TABLE).values(id=lane_id, instance_id=instance_id, number=1)
    tx.execute(new.on_conflict_do_nothing(index_elements=["id"]))
    waits = load(tx, lane_id).not_before
    return acquire(tx, lane_id, owner, lease_s) if waits is None or waits <= now else None


def renew(tx: Connection, lane: Lane, lease_s: float) -> Lane:
    """Make the lease end `lease_s` from now. Raises LaneLost."""
    return save(tx, lane, lease_until=database_now(tx) + timedelta(seconds=lease_s))


def release(tx: Connection, lane: Lane) -> None:
    """Give the lane back. Raises LaneLost when it is not ours any more."""
    save(tx, lane, owner="", lease_until=None)


def owned_by(tx: Connection, owner: str) -> list[Lane]:
    """The lanes that an owner has, but those of long-running processes."""
    query = sa.select(_TABLE).where(_TABLE.c.owner == owner, _TABLE.c.number == 0).order_by(_TABLE.c.id)
    return [rows.lane(row) for row in tx.execute(query).mappings()]


def give_back(tx: Connection, lane: Lane) -> bool:
    """Free a lane that its owner left without giving it back, as it was found then; False when it moved since."""
    where = (_TABLE.c.id == lane.id, _TABLE.c.epoch == lane.epoch, _TABLE.c.owner == lane.owner)
    freed = _TABLE.update().where(*where).values(owner="", lease_until=None, epoch=lane.epoch + 1)
    return tx.execute(freed).rowcount > 0


def guard(tx: Connection, lane: Lane) -> None:
    """Prove, inside this transaction, that the lane is still ours: rule 5. Raises LaneLost.

    PostgreSQL: the row is locked FOR SHARE, so that nobody takes the lane before this transaction ends. SQLite: writers
    come one after another anyway (BEGIN IMMEDIATE). In a transaction that only reads it is a look, and locks nothing.
    """
    query = _OURS_LOCKED if store_of(tx).is_postgresql and writes(tx) else _OURS
    if tx.execute(query, {"one": lane.id, "ours": lane.epoch}).one_or_none() is None:
        raise LaneLost(f"lane {lane.id} has another owner now (we had epoch {lane.epoch})")


def save(tx: Connection, lane: Lane, **columns: Any) -> Lane:
    """Change columns of a lane we own. Raises LaneLost when it is not ours any more."""
    if not columns:
        return load(tx, lane.id)
    ours = _TABLE.update().where(_TABLE.c.id == lane.id, _TABLE.c.epoch == lane.epoch)
    row = tx.execute(ours.values(**columns).returning(_TABLE)).mappings().one_or_none()
    if row is None:
        raise LaneLost(f"lane {lane.id} has another owner now (we had epoch {lane.epoch})")
    return rows.lane(row)


def ask(tx: Connection, lane_id: LaneId, **columns: Any) -> None:
    """Ask a lane for something, whoever owns it (`poll_asked_at`, `next_fetch_at`, `held_reason`, `not_before`, `in_not_before`)."""
    tx.execute(_TABLE.update().where(_TABLE.c.id == lane_id).values(**columns))


def go_on(tx: Connection, lane_id: LaneId, now: datetime) -> None:
    """A person lets a lane work again. One that a brake had stopped may finish what it was about to do (rule 10)."""
    columns: dict[str, Any] = {"held_reason": "", "not_before": None, "not_before_reason": ""}
    columns |= {"in_not_before": None, "in_not_before_reason": ""}
    if load(tx, lane_id).held_reason:
        columns["brake_off_until"] = now + BRAKE_OFF
    ask(tx, lane_id, **columns)


def due(tx: Connection, now: datetime, *, mirroring: bool = True) -> list[LaneId]:
    """Lanes that have something to do and that nobody alive is working off. One query for links, one for the rest.

    mirroring   the mirror job is on; when it is off only fetches count (MIR-005)
    """
    instance = schema.instance
    waits, may_ask = (sa.or_(until.is_(None), until <= now) for until in (_TABLE.c.not_before, _TABLE.c.in_not_before))
    to_ask = [_TABLE.c.next_fetch_at.is_(None), _TABLE.c.next_fetch_at <= now]
    to_send: list[sa.ColumnElement[bool]] = []
    if mirroring:
        to_ask += [_first_due(now).is_not(None), _TABLE.c.poll_asked_at.is_not(None)]
        to_ask += [_TABLE.c.next_poll_at.is_(None), _TABLE.c.next_poll_at <= now]
        to_send.append(_first_due(now, links.to_send()).is_not(None))
    reasons = [sa.and_(may_ask, sa.or_(*to_ask)), *(sa.and_(sa.not_(may_ask), r) for r in to_send)]
    query = (
        sa.select(_TABLE.c.id, _TABLE.c.owner, _TABLE.c.lease_until)
        .join(instance, instance.c.id == _TABLE.c.instance_id)
        .where(instance.c.enabled.is_(True), _TABLE.c.number == 0, _TABLE.c.held_reason == "", waits, sa.or_(*reasons))
        .order_by(_TABLE.c.id)
    )
    found = tx.execute(query).all()
    alive = heartbeats.alive(tx) if any(row.owner for row in found) else set()
    at = database_now(tx) if alive else now
    return [LaneId(r.id) for r in found if not (r.owner in alive and r.lease_until and r.lease_until > at)]


def _first_due(now: datetime, *only: sa.ColumnElement[bool]) -> sa.ScalarSelect[Any]:
    """A link with work, for each lane: a look into an index. (An EXISTS is made a scan of all links by PostgreSQL.)"""
    link = schema.link
    mine = sa.select(link.c.id).where(link.c.instance_id == _TABLE.c.instance_id, *links.due_condition(now), *only)
    return mine.order_by(link.c.due_at).limit(1).scalar_subquery()
