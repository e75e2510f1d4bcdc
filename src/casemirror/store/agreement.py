"""How far links agree, read in pages: what `drift` looks at, and how entries went out.

Nothing here holds more than one page: a fleet of 100,000 links is looked through in bounded memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from casemirror.model.entry import DeliveryState
from casemirror.model.ids import EntryId, IncidentId, LinkId
from casemirror.model.incident import Incident, Status
from casemirror.model.link import Link, LinkState
from casemirror.store import former, rows, schema

_LINK, _INCIDENT, _ENTRY, _WAY = schema.link, schema.incident, schema.entry, schema.delivery


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A link with its incident; of the incident only what agreement depends on is read."""

    link: Link
    incident: Incident


def page(tx: Connection, *, after: int = 0, instance_name: str = "", size: int = 500) -> list[Pair]:
    """The next links by id, purged and removed ones left out; begin with 0, go on with the last one's id."""
    names = ("status", "type", "fields", "changed", "closed_at", "created_at", "modified_at", "occurred_at")
    extra = [_INCIDENT.c[name].label(f"incident_{name}") for name in names]
    query = (
        sa.select(_LINK, *extra)
        .join(_INCIDENT, _INCIDENT.c.id == _LINK.c.incident_id)
        .where(_LINK.c.id > after, former.THERE, _LINK.c.state != LinkState.PURGED.value)
        .order_by(_LINK.c.id)
        .limit(size)
    )
    if instance_name:
        query = query.where(_LINK.c.instance_name == instance_name)
    return [_pair(row, names) for row in tx.execute(query).mappings()]


def _pair(row: sa.RowMapping, names: tuple[str, ...]) -> Pair:
    values = {name: row[f"incident_{name}"] for name in names}
    values["status"] = Status(values["status"])
    incident = Incident(id=IncidentId(row["incident_id"]), guid="", version=0, **values)
    return Pair(link=rows.link(row), incident=incident)


def waiting_entries(tx: Connection, pairs: Sequence[Pair], *, resend: bool = False) -> Counter[LinkId]:
    """How many entries each of these links still has to send; one question for the whole page.

    What qualifies is as in `entries.unsent`; what the incident's state keeps here for good is not counted (MIR-173…175).
    """
    tagged = {pair.link.id: pair for pair in pairs if pair.link.tags and pair.link.direction.outbound}
    if not tagged:
        return Counter()
    others = _LINK.alias()
    by_another = sa.exists().where(
        others.c.id == _ENTRY.c.link_id, others.c.id != _LINK.c.id, others.c.state != former.REMOVED
    )
    query = (
        sa.select(
            _LINK.c.id,
            sa.case((_ENTRY.c.link_id == _LINK.c.id, _ENTRY.c.given), else_=_ENTRY.c.tags),
            _ENTRY.c.tagged_at,
        )
        .join(_ENTRY, _ENTRY.c.incident_id == _LINK.c.incident_id)
        .outerjoin(_WAY, sa.and_(_WAY.c.entry_id == _ENTRY.c.id, _WAY.c.link_id == _LINK.c.id))
        .where(_LINK.c.id.in_(list(tagged)), _ENTRY.c.held.is_(False), _ENTRY.c.tagged_at.is_not(None))
        .where(sa.or_(_ENTRY.c.came_in.is_(False), by_another, *([_ENTRY.c.link_id == _LINK.c.id] if resend else [])))
        .where(sa.or_(_WAY.c.state.is_(None), _WAY.c.state == DeliveryState.INTENDED.value))
    )
    found: Counter[LinkId] = Counter()
    for link_id, tags, tagged_at in tx.execute(query):
        pair = tagged[LinkId(link_id)]
        if set(tags) & set(pair.link.tags) and _may_go(pair.incident, tagged_at):
            found[pair.link.id] += 1
    return found


def _may_go(incident: Incident, tagged_at: datetime) -> bool:
    if incident.status is Status.ACTIVE:
        return True
    return incident.status is Status.CLOSED and (incident.closed_at is None or tagged_at <= incident.closed_at)


@dataclass(frozen=True, kw_only=True)
class Way:
    """How far one entry came on its way out by one link."""

    entry_id: EntryId
    link_id: LinkId
    state: DeliveryState
    attempts: int
    intended_at: datetime | None
    sent_at: datetime | None
    ends_by: datetime | None = None


def ways(tx: Connection, incident_id: IncidentId) -> list[Way]:
    """The ways of all entries of an incident, in the order of the entries."""
    query = sa.select(_WAY).join(_ENTRY, _ENTRY.c.id == _WAY.c.entry_id).where(_ENTRY.c.incident_id == incident_id)
    return [
        Way(**{**row, "state": DeliveryState(row["state"])})
        for row in tx.execute(query.order_by(_ENTRY.c.number, _WAY.c.link_id)).mappings()
    ]
