"""What is counted for metrics. Counts live in the database, so that they are right with any number of processes, and each
grows in the transaction that it tells of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from casemirror.model.ids import InstanceId
from casemirror.model.link import LinkState
from casemirror.store import schema

SEEN: Final = "seen"
APPLIED: Final = "applied"
PUSHED: Final = "pushed"
ECHOES: Final = "echoes"
COMMANDS: Final = "commands"
CPU: Final = "cpu"
"""Seconds of CPU that commands took."""
MEMORY: Final = "memory"
"""Bytes of the largest process that a command ever had."""
DRIFT_LINKS: Final = "drift.links"
DRIFT_AT: Final = "drift.at"
"""When drift was measured last, seconds since 1970."""
LAG: Final = "lag"
"""Histogram: from the naming of a remote object until its change was applied."""
AGE: Final = "age"
"""Histogram: from the change of a remote object, by its own account, until it was applied."""
BUCKETS: Final = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)
"""Upper bounds of the histograms, seconds; what took longer is in the bucket `inf`."""

_TABLE, _LINK = schema.tally, schema.link


def add(tx: Connection, instance_id: InstanceId, amounts: Mapping[str, float]) -> None:
    """Let counts of an instance grow; one statement for all of them, none when nothing grows."""
    rows = [{"instance_id": instance_id, "name": n, "value": float(v)} for n, v in sorted(amounts.items()) if v]
    if rows:
        new = _insert(tx).values(rows)
        grown = {"value": _TABLE.c.value + new.excluded.value}
        tx.execute(new.on_conflict_do_update(index_elements=["instance_id", "name"], set_=grown))


def raise_to(tx: Connection, instance_id: InstanceId, name: str, value: float) -> None:
    """Note a value when it is the largest so far."""
    new = _insert(tx).values(instance_id=instance_id, name=name, value=float(value))
    set_, is_more = {"value": new.excluded.value}, new.excluded.value > _TABLE.c.value
    tx.execute(new.on_conflict_do_update(index_elements=["instance_id", "name"], set_=set_, where=is_more))


def of_instance(tx: Connection, instance_id: InstanceId) -> dict[str, float]:
    """Every count of one instance."""
    query = sa.select(_TABLE.c.name, _TABLE.c.value).where(_TABLE.c.instance_id == instance_id)
    return dict(iter(tx.execute(query)))


def put(tx: Connection, instance_id: InstanceId, values: Mapping[str, float]) -> None:
    """Note values that do not grow but change."""
    rows = [{"instance_id": instance_id, "name": n, "value": float(v)} for n, v in sorted(values.items())]
    new = _insert(tx).values(rows)
    set_ = {"value": new.excluded.value}
    tx.execute(new.on_conflict_do_update(index_elements=["instance_id", "name"], set_=set_))


def _insert(tx: Connection) -> Any:
    return (postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert)(_TABLE)


def observed(histogram: str, seconds: float) -> dict[str, float]:
    """The amounts by which one observation makes a histogram grow; a clock that went back counts as 0 s."""
    took = max(seconds, 0.0)
    return {bucket(histogram, next((b for b in BUCKETS if took <= b), None)): 1.0, total(histogram): took}


def bucket(histogram: str, bound: int | None) -> str:
    """Name of the count of one bucket; None: what took longer than all bounds."""
    return f"{histogram}.{'inf' if bound is None else bound}"


def total(histogram: str) -> str:
    """Name of the sum of all observations."""
    return f"{histogram}.sum"


def all_of(tx: Connection) -> dict[InstanceId, dict[str, float]]:
    """Every count of every instance that has one."""
    found: dict[InstanceId, dict[str, float]] = {}
    for instance_id, name, value in tx.execute(sa.select(_TABLE.c.instance_id, _TABLE.c.name, _TABLE.c.value)):
        found.setdefault(InstanceId(instance_id), {})[name] = value
    return found


@dataclass(frozen=True, kw_only=True)
class Work:
    """Links of an instance that have work: due now, waiting after a failure, held; and since when the first one is due."""

    due: int = 0
    failing: int = 0
    held: int = 0
    oldest_due_at: datetime | None = None


def work(tx: Connection, now: datetime) -> dict[InstanceId, Work]:
    """The work of every instance that has some. Reads only links with work, however many there are."""
    active = _LINK.c.state == LinkState.ACTIVE.value
    is_due = sa.and_(active, _LINK.c.due_at <= now)
    query = (
        sa.select(
            _LINK.c.instance_id,
            _sum(is_due).label("due"),
            _sum(sa.and_(active, _LINK.c.tries > 0)).label("failing"),
            _sum(_LINK.c.state == LinkState.HELD.value).label("held"),
            sa.func.min(sa.case((is_due, _LINK.c.due_at)), type_=schema.UtcTime()).label("oldest_due_at"),
        )
        .where(_LINK.c.wanted > _LINK.c.done, _LINK.c.instance_id.is_not(None))
        .group_by(_LINK.c.instance_id)
    )
    return {InstanceId(row.pop("instance_id")): Work(**row) for row in map(dict, tx.execute(query).mappings())}


def _sum(where: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.cast(sa.func.coalesce(sa.func.sum(sa.case((where, 1), else_=0)), 0), sa.Integer)


def conflicts(tx: Connection) -> dict[InstanceId, int]:
    """How many links of each instance have fields that wait for a person; instances without one are left out."""
    query = sa.select(_LINK.c.instance_id, sa.func.count()).where(
        schema.OPEN_CONFLICTS, _LINK.c.instance_id.is_not(None), _LINK.c.state.in_([s.value for s in LinkState])
    )
    return {InstanceId(i): count for i, count in tx.execute(query.group_by(_LINK.c.instance_id)).all()}
