"""Links: what is wanted of them, what is due, what both sides agreed on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from casemirror.model.errors import NotFound
from casemirror.model.ids import IncidentId, InstanceId, LinkId
from casemirror.model.incident import Status
from casemirror.model.link import Direction, Link, LinkState, RemoteState
from casemirror.model.values import Fields
from casemirror.store import former, rows, schema

_TABLE = schema.link
_INBOUND = _TABLE.c.direction.in_([Direction.IN.value, Direction.BOTH.value])
_OUTBOUND = _TABLE.c.direction.in_([Direction.OUT.value, Direction.BOTH.value])
_ACTIVE = _TABLE.c.state == LinkState.ACTIVE.value
_GONE = _TABLE.c.remote_state != RemoteState.PRESENT.value
NAMED_LOOK = timedelta(minutes=5)
"""An object that is gone and that a poll names all the same is looked for after that long at the latest."""
_LIVE = _TABLE.c.state.not_in([LinkState.PURGED.value, former.REMOVED])
_ONE = sa.select(_TABLE).where(_TABLE.c.id == sa.bindparam("one"), former.THERE)
SENDS = 1
"""Priorities up to this one: there is something to send (0: a person's change, 1: another link's)."""
PULLS = 5
"""Priority of a link of which only a pull is wanted."""


def add(
    tx: Connection,
    *,
    incident_id: IncidentId,
    instance_id: InstanceId | None,
    instance_name: str,
    remote_id: str,
    direction: Direction,
    since_at: datetime,
    tags: Sequence[str] = (),
    primary: bool = True,
    linked_later: bool = False,
    assumed: Fields | None = None,
    out_status: int | None = None,
) -> Link:
    """Write a new link; nothing is wanted of it yet. It knows what a removed one to the same remote object knew, the
    agreed values and state included."""
    values = {
        "incident_id": incident_id,
        "instance_id": instance_id,
        "instance_name": instance_name,
        "remote_id": remote_id,
        "direction": direction.value,
        "tags": list(tags),
        "primary": primary,
        "since_at": since_at,
        "linked_later": linked_later,
        "assumed": dict(assumed or {}),
        "out_status": out_status,
    }
    made = tx.execute(_TABLE.insert().values(**values)).inserted_primary_key
    assert made is not None
    former.hand_over(tx, LinkId(made[0]), incident_id, instance_name, remote_id)
    return load(tx, LinkId(made[0]))


def load(tx: Connection, link_id: LinkId) -> Link:
    """The link with that id. Raises NotFound."""
    row = tx.execute(_ONE, {"one": link_id}).mappings().one_or_none() if abs(link_id) <= rows.MAX_ID else None
    if row is None:
        raise NotFound(f"no link {link_id}")
    return rows.link(row)


def of_incident(tx: Connection, incident_id: IncidentId) -> list[Link]:
    """An incident's links, the primary one first."""
    query = sa.select(_TABLE).where(_TABLE.c.incident_id == incident_id, former.THERE)
    return _all(tx, query.order_by(_TABLE.c.primary.desc(), _TABLE.c.id))


def primary_of(tx: Connection, incident_id: IncidentId) -> Link | None:
    """The link that `dbotMirror*` shows; None when the incident is not mirrored."""
    return next((link for link in of_incident(tx, incident_id) if link.primary), None)


def by_remote(tx: Connection, instance_id: InstanceId, remote_id: str) -> list[Link]:
    """Links of an instance to one remote object, purged ones left out (MIR-077, MIR-091, MIR-188)."""
    where = sa.and_(_TABLE.c.instance_id == instance_id, _TABLE.c.remote_id == remote_id)
    return _all(tx, sa.select(_TABLE).where(where, _LIVE).order_by(_TABLE.c.id))


def inbound(tx: Connection, instance_id: InstanceId) -> list[Link]:
    """Active links of an instance that mirror in, the longest unseen first."""
    query = sa.select(_TABLE).where(*_pullable(instance_id))
    return _all(tx, query.order_by(sa.func.coalesce(_TABLE.c.last_sync_at, _TABLE.c.since_at), _TABLE.c.id))


def inbound_count(tx: Connection, instance_id: InstanceId) -> int:
    """How many active links of an instance mirror in."""
    return int(tx.execute(sa.select(sa.func.count()).select_from(_TABLE).where(*_pullable(instance_id))).scalar_one())


def first_since(tx: Connection, instance_id: InstanceId) -> datetime | None:
    """When mirroring in began for the oldest link of an instance."""
    found: datetime | None = tx.execute(
        sa.select(_TABLE.c.since_at).where(*_pullable(instance_id)).order_by(_TABLE.c.since_at).limit(1)
    ).scalar_one_or_none()
    return found


def stale(tx: Connection, instance_id: InstanceId, before: datetime, limit: int) -> list[Link]:
    """Links nobody pulled since `before`: closed incidents last (MIR-093)."""
    seen = sa.func.coalesce(_TABLE.c.last_sync_at, _TABLE.c.since_at)
    unseen = sa.or_(
        _TABLE.c.last_sync_at < before, sa.and_(_TABLE.c.last_sync_at.is_(None), _TABLE.c.since_at < before)
    )
    query = (
        sa.select(_TABLE)
        .join(schema.incident, schema.incident.c.id == _TABLE.c.incident_id)
        .where(*_pullable(instance_id), unseen, _TABLE.c.named <= _TABLE.c.pulled)
        .order_by((schema.incident.c.status == int(Status.CLOSED)).asc(), seen)
        .limit(limit)
    )
    return _all(tx, query)


def stale_count(tx: Connection, instance_id: InstanceId, before: datetime) -> int:
    """How many links nobody pulled since `before`."""
    unseen = sa.func.coalesce(_TABLE.c.last_sync_at, _TABLE.c.since_at) < before
    query = sa.select(sa.func.count()).select_from(_TABLE).where(*_pullable(instance_id), unseen)
    return int(tx.execute(query).scalar_one())


def _pullable(instance_id: InstanceId) -> tuple[sa.ColumnElement[bool], ...]:
    return (_TABLE.c.instance_id == instance_id, _ACTIVE, _INBOUND, _TABLE.c.remote_id != "")


def due_condition(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    """Something is wanted of the link and it need not wait any longer."""
    return (_ACTIVE, _TABLE.c.wanted > _TABLE.c.done, _TABLE.c.due_at <= now)


def to_send() -> sa.ColumnElement[bool]:
    """Something was changed here (or by another link) since the link was at rest."""
    return _TABLE.c.priority <= SENDS


def due(tx: Connection, instance_id: InstanceId, now: datetime, *, only_to_send: bool = False) -> Link | None:
    """The link that comes first: by priority, then by how long it is due.

    only_to_send   leave out those of which only a pull is wanted
    """
    query = sa.select(_TABLE).where(_TABLE.c.instance_id == instance_id, *due_condition(now))
    query = query.where(to_send()) if only_to_send else query
    found = _all(tx, query.order_by(_TABLE.c.priority, _TABLE.c.due_at, _TABLE.c.id).limit(1))
    return found[0] if found else None


def last_change(tx: Connection, instance_id: InstanceId, *, since: datetime) -> datetime | None:
    """The latest change, by the remotes' own account, among an instance's links that were pulled since then."""
    where = (_TABLE.c.instance_id == instance_id, _TABLE.c.last_sync_at >= since)
    found: datetime | None = tx.execute(sa.select(sa.func.max(_TABLE.c.remote_changed_at)).where(*where)).scalar_one()
    return found


def due_count(tx: Connection, instance_id: InstanceId) -> int:
    """How many links of an instance have work left, due now or later."""
    where = (_TABLE.c.instance_id == instance_id, _ACTIVE, _TABLE.c.wanted > _TABLE.c.done)
    return int(tx.execute(sa.select(sa.func.count()).select_from(_TABLE).where(*where)).scalar_one())


def in_conflict(tx: Connection, *, limit: int) -> list[Link]:
    """Links with fields that wait for a person."""
    return _all(tx, sa.select(_TABLE).where(schema.OPEN_CONFLICTS).order_by(_TABLE.c.id).limit(limit))


def want(
    tx: Connection,
    link_id: LinkId,
    now: datetime,
    *,
    priority: int,
    named: bool = False,
    told_by: datetime | None = None,
    reset: bool = False,
    due: datetime | None = None,
) -> None:
    """Make a link due: `wanted` grows by one. Of several times the earliest counts, except while it waits after a failure.

    named   the remote changed: the next reconcile must pull; an object that was gone seems to be there again, it is looked at soon
    told_by  start of the poll that should have told it, had it changed before
    reset   a person changed something: a link that waits after failures, or that is held, is tried at once
    due     it need not be looked at before then; at once when None
    """
    idle = _TABLE.c.wanted <= _TABLE.c.done
    at = sa.literal(now, schema.UtcTime())  # within a CASE a bare value would be stored in another form
    begin = sa.literal(due or now, schema.UtcTime())
    waits = _TABLE.c.named > _TABLE.c.pulled
    by = sa.literal(told_by, schema.UtcTime())
    soon = sa.literal(now + NAMED_LOOK, schema.UtcTime())
    told = sa.and_(_GONE, _TABLE.c.due_at > soon) if named else sa.false()
    sooner = sa.and_(_TABLE.c.tries == 0, sa.not_(_GONE), _TABLE.c.due_at > begin)
    due_at = sa.case((sa.or_(idle, _TABLE.c.due_at.is_(None), sooner), begin), (told, soon), else_=_TABLE.c.due_at)
    values: dict[str, Any] = {
        "wanted": _TABLE.c.wanted + 1,
        "named": _TABLE.c.named + int(named),
        "named_at": sa.case((waits, _TABLE.c.named_at), else_=at if named else None),
        "told_by": sa.case((waits, sa.func.coalesce(_TABLE.c.told_by, by)), else_=by),
        "due_at": at if reset else due_at,
        "priority": sa.case((sa.or_(idle, _TABLE.c.priority > priority), priority), else_=_TABLE.c.priority),
    }
    if reset:
        held = _TABLE.c.state == LinkState.HELD.value
        values |= {
            "tries": 0,
            "state": sa.case((held, LinkState.ACTIVE.value), else_=_TABLE.c.state),
            "held_reason": "",
            "create_attempts": 0,
        }
    tx.execute(_TABLE.update().where(_TABLE.c.id == link_id).values(**values))


def want_incident(tx: Connection, incident_id: IncidentId, now: datetime, *, priority: int = 0) -> int:
    """A person changed an incident: all its outbound links are due at once. Returns how many those are."""
    ids = _outbound_ids(tx, incident_id)
    for link_id in ids:
        want(tx, link_id, now, priority=priority, reset=True)
    return len(ids)


def look_again(tx: Connection, now: datetime, instance_id: InstanceId | None = None) -> None:
    """Content or an instance changed: what was held for that is tried again, and what was gone is looked for.

    A creation of unknown outcome stays held.
    """
    where = [_TABLE.c.state == LinkState.HELD.value, _TABLE.c.creating_at.is_(None)]
    if instance_id is not None:
        where.append(_TABLE.c.instance_id == instance_id)
    released = {"state": LinkState.ACTIVE.value, "held_reason": "", "tries": 0, "create_attempts": 0, "due_at": now}
    tx.execute(_TABLE.update().where(*where).values(**released))
    mine = () if instance_id is None else (_TABLE.c.instance_id == instance_id,)
    tx.execute(_TABLE.update().where(_GONE, _ACTIVE, *mine).values(due_at=now))


def want_others(tx: Connection, incident_id: IncidentId, but: LinkId, now: datetime, *, priority: int = 1) -> None:
    """One link changed an incident: its other outbound links are due."""
    for link_id in _outbound_ids(tx, incident_id):
        if link_id != but:
            want(tx, link_id, now, priority=priority)


def _outbound_ids(tx: Connection, incident_id: IncidentId) -> list[LinkId]:
    where = (_TABLE.c.incident_id == incident_id, _OUTBOUND, _LIVE)
    return [LinkId(i) for i in tx.execute(sa.select(_TABLE.c.id).where(*where).order_by(_TABLE.c.id)).scalars()]


def save(tx: Connection, link_id: LinkId, **changes: Any) -> Link:
    """Change columns of a link, given as the dataclass holds them. Raises NotFound."""
    changed = _TABLE.update().where(_TABLE.c.id == link_id, former.THERE).values(**rows.link_columns(changes))
    row = tx.execute(changed.returning(_TABLE)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"no link {link_id}")
    return rows.link(row)


def finish(tx: Connection, link_id: LinkId, seen: int) -> None:
    """Note the `wanted` that a reconcile saw when it began (rule 1): what came since keeps the link due."""
    done = sa.case((_TABLE.c.done < seen, seen), else_=_TABLE.c.done)
    tx.execute(_TABLE.update().where(_TABLE.c.id == link_id).values(done=done, tries=0))


def defer(tx: Connection, link_id: LinkId, seen: int) -> None:
    """Only a pull is left to do for what was wanted when `seen` was read: it comes when pulls come."""
    where = (_TABLE.c.id == link_id, _TABLE.c.wanted <= seen)
    tx.execute(_TABLE.update().where(*where).values(priority=PULLS, tries=0))


def wait(tx: Connection, link_id: LinkId, until: datetime, *, seen: int | None = None) -> None:
    """A reconcile failed: this link waits alone, and is tried again then (rule 9).

    seen   the `wanted` it was begun with; what is wanted since then was not tried yet, and does not wait for this failure
    """
    failed = _TABLE.update().where(_TABLE.c.id == link_id, *_nothing_newer(seen))
    tx.execute(failed.values(due_at=until, tries=_TABLE.c.tries + 1))


def look_first(tx: Connection, link_id: LinkId) -> None:
    """The next try of this link begins with a pull."""
    tx.execute(_TABLE.update().where(_TABLE.c.id == link_id).values(named=_TABLE.c.named + 1))


def hold(tx: Connection, link_id: LinkId, reason: str, *, seen: int | None = None) -> bool:
    """Hold a link until a person or new content changes something; False when that happened since `seen` (as in `wait`)."""
    held = _TABLE.update().where(_TABLE.c.id == link_id, former.THERE, *_nothing_newer(seen))
    return tx.execute(held.values(state=LinkState.HELD.value, held_reason=reason)).rowcount > 0


def _nothing_newer(seen: int | None) -> tuple[sa.ColumnElement[bool], ...]:
    return () if seen is None else (_TABLE.c.wanted <= seen,)


def delete(tx: Connection, link_id: LinkId) -> None:
    """Remove a link; the incident and the remote object stay, and so does what was said by it (`store.former`)."""
    former.keep(tx, link_id)


def open_count(tx: Connection, instance_id: InstanceId, *, at_most: int | None = None) -> int:
    """Links of an instance whose incident is open. Counting ends at `at_most`: enough to know that there are so many."""
    where = (_TABLE.c.instance_id == instance_id, _ACTIVE, schema.incident.c.status != int(Status.CLOSED))
    found = sa.select(_TABLE.c.id).join(schema.incident).where(*where).limit(at_most).subquery()
    return int(tx.execute(sa.select(sa.func.count()).select_from(found)).scalar_one())


def gone_since(tx: Connection, instance_id: InstanceId, since: datetime) -> int:
    """How many remote objects of an instance were found gone since then, and are gone still."""
    where = (_TABLE.c.instance_id == instance_id, _ACTIVE, _GONE, _TABLE.c.remote_since >= since)
    return int(tx.execute(sa.select(sa.func.count()).select_from(_TABLE).where(*where)).scalar_one())


def records(
    tx: Connection,
    *,
    instance_name: str = "",
    incident_id: IncidentId | None = None,
    closed: bool | None = None,
    limit: int = 1000,
    offset: int = 0,
) -> list[tuple[Link, Status]]:
    """Links with the state of their incident, for getSyncMirrorRecords.   Source: mirroring.md §5.3."""
    query = sa.select(_TABLE, schema.incident.c.status.label("incident_status")).join(schema.incident)
    query = query.where(former.THERE)
    if instance_name:
        query = query.where(_TABLE.c.instance_name == instance_name)
    if incident_id is not None:
        query = query.where(_TABLE.c.incident_id == incident_id)
    if closed is not None:
        is_closed = schema.incident.c.status == int(Status.CLOSED)
        query = query.where(is_closed if closed else sa.not_(is_closed))
    query = query.order_by(_TABLE.c.incident_id, _TABLE.c.id).limit(limit).offset(offset)
    return [(rows.link(row), Status(row["incident_status"])) for row in tx.execute(query).mappings()]


def names_of(tx: Connection, incident_id: IncidentId) -> dict[LinkId, str]:
    """Instance names of an incident's links, the removed ones too: what was decided by them still tells of them."""
    query = sa.select(_TABLE.c.id, _TABLE.c.instance_name).where(_TABLE.c.incident_id == incident_id)
    return {LinkId(i): name for i, name in tx.execute(query)}


def statistics(tx: Connection, instance_name: str) -> Mapping[str, int]:
    """Counts for getMirrorStatistics: open, closed, and how many of each hit a rate limit last.   Source: §5.2."""
    closed = schema.incident.c.status == int(Status.CLOSED)
    limited = _TABLE.c.rate_limited.is_(True)

    def count(where: sa.ColumnElement[bool]) -> sa.ColumnElement[Any]:
        return sa.func.coalesce(sa.func.sum(sa.case((where, 1), else_=0)), 0)

    query = (
        sa.select(
            count(sa.not_(closed)).label("totalMirrored"),
            count(sa.and_(sa.not_(closed), limited)).label("rateLimited"),
            count(closed).label("closedRecords"),
            count(sa.and_(closed, limited)).label("closedRateLimitedRecords"),
        )
        .select_from(_TABLE)
        .join(schema.incident)
        .where(_TABLE.c.instance_name == instance_name, _LIVE)
    )
    return {name: int(value) for name, value in tx.execute(query).mappings().one().items()}


def purge_closed(tx: Connection, instance_name: str, before: datetime | None) -> int:
    """Purge links of incidents that closed before then (None: whenever); returns how many. Open ones are never touched."""
    incident = schema.incident
    closed = sa.select(incident.c.id).where(incident.c.status == int(Status.CLOSED))
    if before is not None:
        closed = closed.where(incident.c.closed_at < before)
    where = (_TABLE.c.instance_name == instance_name, _TABLE.c.incident_id.in_(closed))
    purged = _TABLE.update().where(*where, _LIVE)
    return tx.execute(purged.values(state=LinkState.PURGED.value)).rowcount


def _all(tx: Connection, query: sa.Select[Any]) -> list[Link]:
    return [rows.link(row) for row in tx.execute(query).mappings()]
