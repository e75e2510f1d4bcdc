"""Kept payloads of an instance, as a replay reads them: the newest of each link, and what is not kept any more."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from casemirror.model.ids import IncidentId, InstanceId, LinkId
from casemirror.model.link import Direction, LinkState
from casemirror.model.plan import Rule
from casemirror.store import former, schema

_PAYLOAD, _LINK, _DECISION = schema.payload, schema.link, schema.decision


@dataclass(frozen=True)
class Kept:
    """The newest payload of a link since some time; earlier: how many older ones there are since then."""

    link_id: LinkId
    incident_id: IncidentId
    payload_id: int
    at: datetime
    earlier: int


def newest(tx: Connection, instance_id: InstanceId, since: datetime, only: Collection[IncidentId] = ()) -> list[Kept]:
    """The newest payload of each link that mirrors in, by incident. `only`: links of these incidents."""
    counted = (
        sa.select(_PAYLOAD.c.link_id, sa.func.max(_PAYLOAD.c.id).label("id"), sa.func.count().label("count"))
        .where(_PAYLOAD.c.at >= since)
        .group_by(_PAYLOAD.c.link_id)
        .subquery()
    )
    query = (
        sa.select(_LINK.c.id, _LINK.c.incident_id, _PAYLOAD.c.id, _PAYLOAD.c.at, counted.c.count - 1)
        .join(counted, counted.c.link_id == _LINK.c.id)
        .join(_PAYLOAD, _PAYLOAD.c.id == counted.c.id)
        .where(*_mirrors_in(instance_id, only))
        .order_by(_LINK.c.incident_id, _LINK.c.id)
    )
    return [Kept(LinkId(row[0]), IncidentId(row[1]), row[2], row[3], row[4]) for row in tx.execute(query)]


def without(
    tx: Connection, instance_id: InstanceId, since: datetime, only: Collection[IncidentId] = ()
) -> tuple[int, int]:
    """Links without a kept payload since then: of how many it was forgotten, and of how many there never was one.

    A forgotten one left its trace: a decision since then for which the remote's word counted and whose payload is gone.
    """
    kept = sa.exists().where(_PAYLOAD.c.link_id == _LINK.c.id, _PAYLOAD.c.at >= since)
    traces = sa.exists().where(
        _DECISION.c.link_id == _LINK.c.id,
        _DECISION.c.at >= since,
        _DECISION.c.payload_id.is_(None),
        _DECISION.c.rule != Rule.LOCAL_CHANGED.value,
    )
    forgotten = sa.func.coalesce(sa.func.sum(sa.case((traces, 1), else_=0)), 0)
    query = sa.select(forgotten, sa.func.count()).select_from(_LINK).where(*_mirrors_in(instance_id, only), ~kept)
    gone, all_of_them = tx.execute(query).one()
    return int(gone), int(all_of_them) - int(gone)


def _mirrors_in(instance_id: InstanceId, only: Collection[IncidentId]) -> list[sa.ColumnElement[bool]]:
    inbound = _LINK.c.direction.in_([Direction.IN.value, Direction.BOTH.value])
    there = [_LINK.c.instance_id == instance_id, former.THERE, _LINK.c.state != LinkState.PURGED.value, inbound]
    return [*there, _LINK.c.incident_id.in_(list(only))] if only else there
