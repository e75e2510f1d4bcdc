"""Budgets of requests: what is set and learned for each instance, and what each credential used lately."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import Connection

from casemirror.model import budget as model
from casemirror.model.budget import Budget, Use
from casemirror.model.ids import InstanceId
from casemirror.store import schema
from casemirror.store.upsert import upsert

_TABLE, _USE = schema.budget, schema.budget_use
STEP_S = 5
"""Uses are kept in steps of that many seconds, and stand at the end of theirs."""
KEPT = timedelta(days=1)
"""Uses are forgotten after that long; no window is longer."""


def load(tx: Connection, instance_id: InstanceId) -> Budget:
    """An instance's budget. Instances with one credential share it: the smallest of what is set or learned for any of them."""
    row = tx.execute(sa.select(_TABLE).where(_TABLE.c.instance_id == instance_id)).mappings().one_or_none()
    if row is None:
        return Budget()
    own = _budget(row)
    if not own.credential:
        return own
    instance = schema.instance
    mates = tx.execute(
        sa.select(_TABLE, instance.c.name)
        .join(instance, instance.c.id == _TABLE.c.instance_id)
        .where(_TABLE.c.credential == own.credential, _TABLE.c.instance_id != instance_id)
        .order_by(instance.c.name)
    ).mappings()
    for mate in mates:
        own = _shared(own, _budget(mate), mate["name"])
    return own


def _budget(row: sa.RowMapping) -> Budget:
    names = ("credential", "requests", "window_s", "learned", "learned_at", "agreed", "hits")
    return Budget(**{name: row[name] for name in names})


def _shared(own: Budget, other: Budget, name: str) -> Budget:
    """Both use one credential: the tighter of what a person set counts, and the newer of what was learned."""
    found = replace(own, shared=(*own.shared, name), hits=own.hits + other.hits)
    if other.requests and (not own.requests or other.requests / other.window_s < own.requests / own.window_s):
        found = replace(found, requests=other.requests, window_s=other.window_s)
    if other.learned_at and (own.learned_at is None or other.learned_at > own.learned_at):
        found = replace(found, learned=other.learned, learned_at=other.learned_at, agreed=other.agreed)
    return found


def set_limit(tx: Connection, instance_id: InstanceId, requests: int, window_s: int) -> None:
    """Set how many requests an instance's credential may make within so many seconds; 0 takes the limit away."""
    values = {"requests": requests, "window_s": window_s}
    upsert(tx, _TABLE, {"instance_id": instance_id}, values, learned=None, learned_at=None)


def book(tx: Connection, instance_id: InstanceId, credential: str, requests: int, at: datetime) -> None:
    """Note what one command used."""
    if tx.execute(_mine(instance_id, credential)).one_or_none() is None:
        upsert(tx, _TABLE, {"instance_id": instance_id}, {"credential": credential})
    step = at.replace(second=at.second - at.second % STEP_S, microsecond=0) + timedelta(seconds=STEP_S)
    first = {"requests": requests, "commands": 1}
    grown = {"requests": _USE.c.requests + requests, "commands": _USE.c.commands + 1}
    upsert(tx, _USE, {"credential": credential, "at": step}, first, **grown)


def _mine(instance_id: InstanceId, credential: str) -> sa.Select[tuple[str]]:
    return sa.select(_TABLE.c.instance_id).where(_TABLE.c.instance_id == instance_id, _TABLE.c.credential == credential)


def uses(tx: Connection, credential: str, since: datetime) -> list[Use]:
    """What a credential used since then, oldest first."""
    query = sa.select(_USE.c.at, _USE.c.requests, _USE.c.commands)
    query = query.where(_USE.c.credential == credential, _USE.c.at > since).order_by(_USE.c.at)
    return [Use(*row) for row in tx.execute(query)]


def learn(tx: Connection, instance_id: InstanceId, now: datetime) -> None:
    """The remote refused: what was used within the window was too much."""
    own = load(tx, instance_id)
    used = sum(use.requests for use in uses(tx, own.credential, now - own.window))
    found = model.learn(own, used, now)
    values = {name: getattr(found, name) for name in ("learned", "learned_at", "agreed")}
    upsert(tx, _TABLE, {"instance_id": instance_id}, {**values, "hits": 1}, hits=_TABLE.c.hits + 1)


def forget_old(tx: Connection, now: datetime) -> int:
    """Drop uses that no window reaches any more; returns how many."""
    return tx.execute(_USE.delete().where(_USE.c.at < now - KEPT)).rowcount
