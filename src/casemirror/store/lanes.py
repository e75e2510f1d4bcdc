"""Lanes: who owns which line of work, until when, and the fence that refuses a late writer."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from casemirror.model.errors import LaneLost, NotFound
from casemirror.model.ids import InstanceId, LaneId
from casemirror.model.lane import Lane
from casemirror.store import heartbeats, links, rows, schema
from casemirror.store.database import now as database_now
from casemirror.store.database import store_of, writes

_TABLE = schema.lane
BRAKE_OFF = timedelta(hours=1)
"""How long a brake stays off after a person said go on."""


def load(tx: Connection, lane_id: LaneId) -> Lane:
    """The lane with that id. Raises NotFound."""
    row = tx.execute(sa.select(_TABLE).where(_TABLE.c.id == lane_id)).mappings().one_or_none()
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
    tx.execute(_TABLE.update().where(_TABLE.c.id == lane_id, _TABLE.c.epoch == lane.epoch).values(**columns))
    return load(tx, lane_id)


def renew(tx: Connection, lane: Lane, lease_s: float) -> Lane:
    """Make the lease end `lease_s` from now. Raises LaneLost."""
    return save(tx, lane, lease_until=database_now(tx) + timedelta(seconds=lease_s))


def release(tx: Connection, lane: Lane) -> None:
    """Give the lane back. Raises LaneLost when it is not ours any more."""
    save(tx, lane, owner="", lease_until=None)


def owned_by(tx: Connection, owner: str) -> list[Lane]:
    """The lanes that an owner has."""
    query = sa.select(_TABLE).where(_TABLE.c.owner == owner).order_by(_TABLE.c.id)
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
    query = sa.select(_TABLE.c.id).where(_TABLE.c.id == lane.id, _TABLE.c.epoch == lane.epoch)
    if store_of(tx).is_postgresql and writes(tx):
        query = query.with_for_update(read=True)
    if tx.execute(query).one_or_none() is None:
        raise LaneLost(f"lane {lane.id} has another owner now (we had epoch {lane.epoch})")


def save(tx: Connection, lane: Lane, **columns: Any) -> Lane:
    """Change columns of a lane we own. Raises LaneLost when it is not ours any more."""
    where = (_TABLE.c.id == lane.id, _TABLE.c.epoch == lane.epoch)
    if columns and tx.execute(_TABLE.update().where(*where).values(**columns)).rowcount == 0:
        raise LaneLost(f"lane {lane.id} has another owner now (we had epoch {lane.epoch})")
    return load(tx, lane.id)


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
        .where(instance.c.enabled.is_(True), _TABLE.c.held_reason == "", waits, sa.or_(*reasons))
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
