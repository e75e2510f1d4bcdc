"""How mirroring stands, for every instance and for every link; and the purge of what is closed.

The contract's hidden commands getMirrorStatistics, getSyncMirrorRecords, purgeClosedSyncMirrorRecords.
Source: mirroring.md §5.2–§5.4; MIR-185…190.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from casemirror.actions import case
from casemirror.actions.permission import require
from casemirror.engine.app import App
from casemirror.engine.turn import Turn
from casemirror.model.actor import Actor
from casemirror.model.errors import Invalid
from casemirror.model.ids import IncidentId
from casemirror.model.incident import Incident, Status
from casemirror.model.instance import Instance
from casemirror.model.lane import Lane
from casemirror.model.link import Link
from casemirror.model.link import LinkState as State
from casemirror.model.values import ZERO_TIME, time_text
from casemirror.store import audit, entries, incidents, instances, lanes, links

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

_SUMS = (
    "totalMirrored rateLimited rateLimitHits queueLength closedRecords closedRateLimitedRecords skippedCycles failedIn "
    "failedOut"
).split()
_DAYS_MOST = 36500


def statistics(app: App, actor: Actor, instance: str = "") -> list[dict[str, Any]]:
    """One row for each instance, and a row `total` when all were asked for. Raises NotFound."""
    require(actor, "mirror.statistics")
    with app.store.read() as tx:
        asked = [instances.by_name(tx, instance)] if instance else instances.list_all(tx)
        rows = [_statistics(tx, each) for each in asked]
    return rows if instance else [*rows, _total(rows)]


def _statistics(tx: Connection, instance: Instance) -> dict[str, Any]:
    lane: Lane = lanes.of_instance(tx, instance.id)
    counts = links.statistics(tx, instance.name)
    return {
        "instance": instance.name,
        "totalMirrored": counts["totalMirrored"],
        "rateLimited": counts["rateLimited"],
        "rateLimitHits": lane.rate_limit_hits,
        "lastRun": _time(lane.last_poll_at),
        "lastRunDuration": lane.last_poll_s,
        "lastModifiedCursor": _time(lane.cursor_at),
        "queueLength": links.due_count(tx, instance.id),
        "closedRecords": counts["closedRecords"],
        "closedRateLimitedRecords": counts["closedRateLimitedRecords"],
        "skippedCycles": lane.skipped_cycles,
        "failedIn": lane.failed_in,
        "failedOut": lane.failed_out,
        "getModifiedSupported": lane.cap_modified,
    }


def _total(rows: list[dict[str, Any]]) -> dict[str, Any]:
    runs = [row["lastRun"] for row in rows]
    return {
        "instance": "total",
        **{name: sum(row[name] for row in rows) for name in _SUMS},
        "lastRun": max(runs, default=ZERO_TIME),
    }


def records(
    app: App,
    actor: Actor,
    *,
    instance: str = "",
    incident_id: IncidentId | None = None,
    closed: bool | None = None,
    limit: int = 1000,
    offset: int = 0,
) -> list[dict[str, Any]]:
    """One row for each link."""
    require(actor, "mirror.records")
    with app.store.read() as tx:
        found = links.records(
            tx, instance_name=instance, incident_id=incident_id, closed=closed, limit=limit, offset=offset
        )
        known = {each.id: each for each in instances.list_all(tx)}
        resend = app.settings().flag("mirror.resend.inbound")
        rows = []
        for link, _ in found:
            owner = known.get(link.instance_id) if link.instance_id else None
            rows.append(
                (link, owner, incidents.load(tx, link.incident_id), len(entries.unsent(tx, link, resend=resend)))
            )
        turns = {link.id: case.bystander(tx, app, link) for link, *_ in rows}
    return [_record(turns[link.id], link, owner, incident, unsent) for link, owner, incident, unsent in rows]


def _record(turn: Turn | None, link: Link, owner: Instance | None, incident: Incident, unsent: int) -> dict[str, Any]:
    agreement = case.state_of(turn, link, incident, unsent)
    return {
        "incidentId": str(link.incident_id),
        "dbotMirrorInstance": link.instance_name,
        "dbotMirrorId": link.remote_id,
        "dbotMirrorDirection": link.direction.value,
        "dbotMirrorTags": list(link.tags),
        "status": int(incident.status),
        "state": _state(link, owner, incident),
        "dbotMirrorLastSync": _time(link.last_sync_at),
        "lastPush": _time(link.last_push_at),
        "currentDirtyFields": list(agreement.current),
        "unsentEntries": unsent if link.direction.outbound else 0,
        "queued": link.wanted > link.done,
        "attemptsIn": link.tries_in,
        "attemptsOut": link.tries_out,
        "nextTryOut": _time(link.due_at if link.tries else None),
        "rateLimited": link.rate_limited,
        "lastErrorIn": link.error_in,
        "lastErrorOut": link.error_out or link.held_reason,
        "remoteClosed": link.remote_closed,
        "remoteState": link.remote_state.value,
    }


def _state(link: Link, owner: Instance | None, incident: Incident) -> str:
    """In the order of how much each says: what was purged or belongs to nobody is not mirrored whatever else is true."""
    if link.state is State.PURGED:
        return "purged"
    if owner is None:
        return "orphan"
    if not owner.enabled:
        return "disabled"
    if not link.remote_id and link.state is State.HELD:
        return "create-failed"
    return "closed" if incident.status is Status.CLOSED else "active"


def purge(app: App, actor: Actor, instance: str, older_than: str = "") -> int:
    """Forget the links of an instance's closed incidents; returns how many.

    older_than   days since the close, as a person writes them; empty: all
    Raises NotFound, and Invalid for no instance or a wrong number.   Source: MIR-185…187.
    """
    require(actor, "mirror.purge")
    if not instance:
        raise Invalid("dbotMirrorInstance is missing: name the instance whose closed records are to be purged")
    days = _days(older_than)
    now = app.clock.now()
    with app.store.write() as tx:
        owner = instances.by_name(tx, instance)
        before = None if days is None else now - timedelta(days=days)
        count = links.purge_closed(tx, owner.name, before)
        audit.add(tx, now, actor.name, "mirror.purged", f"instance {owner.name}", {"records": count, "olderThan": days})
    return count


def _days(text: str) -> int | None:
    if not text.strip():
        return None
    if not (text.strip().isascii() and text.strip().isdigit()) or int(text) > _DAYS_MOST:
        raise Invalid(f"olderThan: {text!r} is no whole number of days (0 to {_DAYS_MOST})")
    return int(text)


def _time(at: datetime | None) -> str:
    return ZERO_TIME if at is None else time_text(at)
