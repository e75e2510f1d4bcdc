"""What a reconcile writes down: incident, entries, link, decisions. Every function here runs inside a lane's transaction
or opens one; none calls a remote.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from casemirror.engine import inbound
from casemirror.engine.app import log
from casemirror.engine.inbound import MIRROR_ERROR_IN, Pulled, Window
from casemirror.engine.outbound import MIRROR_ERROR_OUT, Package
from casemirror.engine.turn import Turn
from casemirror.model.errors import CasemirrorError, CommandFailed, LaneMustWait, NotOurTurn
from casemirror.model.incident import CLOSE_FIELDS, Incident, Status
from casemirror.model.link import Link, LinkState, Pushed
from casemirror.model.plan import Plan
from casemirror.model.values import Json, is_empty, parse_time, same, time_text
from casemirror.runtime import wire
from casemirror.runtime.command import Reply
from casemirror.store import decisions, entries, incidents, links, payloads
from casemirror.store import inbox as inbox_store

if TYPE_CHECKING:
    from sqlalchemy import Connection

MIRROR_USER = "DBot"
"""`closingUserId` of what mirroring closes.   Source: mirroring.md §4.5."""


def write_incident(
    turn: Turn, tx: Connection, link: Link, incident: Incident, plan: Plan, now: datetime
) -> Incident:
    """Write a plan's fields and state, as mirror; the incident's other links are told. No write when nothing changed."""
    fields: dict[str, Json] = {**plan.merge.write}
    columns: dict[str, Any] = {}
    if plan.status is Status.CLOSED and plan.closing is not None:
        fields |= {"closeReason": plan.closing.reason, "closeNotes": plan.closing.notes, "closingUserId": MIRROR_USER}
        fields |= stopped_timers(incident, now)
        columns = {"status": Status.CLOSED, "closed_at": now}
    elif plan.status is Status.ACTIVE:
        fields |= dict.fromkeys(CLOSE_FIELDS, "")
        columns = {"status": Status.ACTIVE, "closed_at": None, "last_open_at": now}
    fields = {name: value for name, value in fields.items() if not same(value, incident.get(name))}
    if not fields and not columns:
        return incident
    if fields.get("occurred"):
        columns["occurred_at"] = parse_time(str(fields["occurred"]))
    changed = incidents.save(tx, incident.id, incident.version, now=now, fields=fields, **columns)
    if "status" in columns:
        verb = "closed" if changed.status is Status.CLOSED else "reopened"
        reason = f": {changed.get('closeReason')}" if changed.get("closeReason") else ""
        entries.add_note(tx, incident.id, f"{turn.instance.name} {verb} this incident{reason}", now)
    links.want_others(tx, incident.id, link.id, now)
    return changed


def stopped_timers(incident: Incident, now: datetime) -> dict[str, Json]:
    """Running timers as they are once they stop; a close by mirror stops them as a local one does."""
    return {
        name: {**value, "runStatus": "ended", "endDate": time_text(now)}
        for name, value in incident.fields.items()
        if isinstance(value, dict) and value.get("runStatus") == "running"
    }


def write_entries(
    turn: Turn, tx: Connection, link: Link, incident: Incident, plan: Plan, window: Window, now: datetime
) -> int:
    """Append the entries that are really new; for a pending incident they are held until it is opened (MIR-120)."""
    new = inbound.only_new(tx, link, plan.entries, window, now)
    for entry, mark in new:
        held = incident.status is Status.PENDING
        entries.add(tx, incident.id, inbound.as_entry(turn, link, entry, mark, window), now, held=held)
    if new:
        links.want_others(tx, incident.id, link.id, now)
    return len(new)


def write_link(
    turn: Turn,
    tx: Connection,
    link: Link,
    named: int,
    incident: Incident,
    plan: Plan,
    pulled: Pulled | None,
    now: datetime,
) -> Link:
    """Write what both sides agreed on, and, after a good pull, its time (taken before the call: rule 2)."""
    base = {**link.base, **plan.merge.base}
    if plan.status is not None:
        base |= {name: incident.get(name) for name in (*CLOSE_FIELDS, *(plan.closing.extra if plan.closing else ()))}
    guard = timedelta(seconds=turn.settings.seconds("mirror.echo.guard"))
    columns: dict[str, Any] = {
        "base": base,
        "pushed": {name: pushed for name, pushed in link.pushed.items() if now - pushed.at < guard},
        "remote_closed": plan.remote_closed,
        "reopened_here": plan.reopened_here,
        "out_status": plan.out_status,
    }
    if pulled:
        columns |= {"pulled": named, "tries_in": 0, "rate_limited": False}
        if pulled.message:
            columns |= {"error_in": pulled.message, "base": {**base, MIRROR_ERROR_IN: pulled.message}}
        elif pulled.reply or pulled.inbox_ids:
            columns |= {"error_in": "", "last_sync_at": pulled.window.started}
    return links.save(tx, link.id, **columns)


def write_decisions(tx: Connection, link: Link, plan: Plan, pulled: Pulled | None, now: datetime) -> None:
    """Keep the raw payload and one row for each field that was not left alone."""
    payload_id = None
    if pulled and pulled.payload and (plan.merge.decisions or plan.status is not None):
        payload_id = payloads.add(tx, link.id, now, "pull", pulled.payload)
    if plan.merge.decisions:
        decisions.add(tx, link, plan.merge.decisions, now, payload_id=payload_id)


def settle(turn: Turn, link: Link, plan: Plan, package: Package, remote_id: str, reply: Reply | None) -> Link:
    """Write that a push arrived: the base, the entries, the new object's id, in one transaction."""
    now = turn.app.clock.now()
    with turn.write() as tx:
        fresh = links.load(tx, link.id)
        sent = {} if plan.merge.push is None else dict(plan.merge.push)
        pushed = {n: Pushed(before=fresh.known(n), sent=v, at=now) for n, v in sent.items()}
        columns: dict[str, Any] = {"base": {**fresh.base, **sent}, "pushed": {**fresh.pushed, **pushed}}
        if reply is not None:
            incident = incidents.load(tx, link.incident_id)
            columns |= _arrived(turn, fresh, plan, incident, remote_id, now)
            turn.keep(tx, reply)
            entries.mark_sent(tx, link.id, [o.entry.id for o in package.sends], now)
            _clear_error(tx, incident, now)
        entries.mark_undeliverable(tx, link.id, [o.entry.id for o in package.lost])
        saved = links.save(tx, link.id, **columns)
        if remote_id and not fresh.remote_id:
            links.want(tx, link.id, now, priority=link.priority, named=True)
    for lost in package.lost:
        log.warning("entry.undeliverable", entry=lost.entry.label, reason="its file is gone")
    return saved


def _arrived(
    turn: Turn, link: Link, plan: Plan, incident: Incident, remote_id: str, now: datetime
) -> dict[str, Any]:
    """Link columns after a call that the integration reported as good."""
    columns: dict[str, Any] = {
        "last_push_at": now,
        "error_out": "",
        "tries_out": 0,
        "creating_at": None,
        "rate_limited": False,
    }
    if plan.send_status or plan.create:
        columns["out_status"] = int(incident_status_sent(plan, link, incident))
    if not link.direction.inbound:
        columns["last_sync_at"] = now
    if link.remote_id:
        if remote_id and remote_id != link.remote_id:
            log.warning("link.other_id_ignored", link=link.id, remote_id=link.remote_id, answered=remote_id)
    elif remote_id:
        columns |= {"remote_id": remote_id, "create_attempts": 0}
    elif plan.create:
        columns |= _not_created(turn, link)
    return columns


def _not_created(turn: Turn, link: Link) -> dict[str, Any]:
    """A creation call that answered no id is no error; after some attempts the link waits for a change (MIR-181)."""
    if link.create_attempts < turn.settings.count("mirror.create.attempts"):
        return {}
    reason = f"{turn.instance.name} answered no id to {link.create_attempts} creation calls; it may not create tickets"
    return {"state": LinkState.HELD, "held_reason": reason}


def incident_status_sent(plan: Plan, link: Link, incident: Incident) -> Status:
    """The state that the call carried. Changed since: the difference makes the next push."""
    del plan, link
    return incident.status


def _clear_error(tx: Connection, incident: Incident, now: datetime) -> None:
    if not is_empty(incident.get(MIRROR_ERROR_OUT)):
        incidents.save(tx, incident.id, incident.version, now=now, fields={MIRROR_ERROR_OUT: ""})


def push_failed(turn: Turn, link: Link, error: Exception) -> None:
    """Show on the incident why a push failed; nothing is cleared. A rate limit is no failure."""
    if not isinstance(error, CasemirrorError) or isinstance(error, LaneMustWait | NotOurTurn):
        return
    now = turn.app.clock.now()
    with turn.write() as tx:
        incident = incidents.load(tx, link.incident_id)
        if incident.get(MIRROR_ERROR_OUT) != error.message:
            incidents.save(tx, incident.id, incident.version, now=now, fields={MIRROR_ERROR_OUT: error.message})
        columns: dict[str, Any] = {"error_out": error.message, "tries_out": link.tries_out + 1}
        if type(error) is CommandFailed:
            columns["creating_at"] = None  # the integration said that nothing was created
        links.save(tx, link.id, **columns)


def pull_not_implemented(turn: Turn, reply: Reply) -> None:
    """Believe for a while that the integration has no get-remote-data.   Source: MIR-092."""
    until = turn.app.clock.now() + timedelta(seconds=turn.settings.seconds("mirror.reprobe"))
    with turn.write() as tx:
        turn.note(tx, cap_remote="no", cap_remote_until=until)
    log.info("pull.not_implemented", instance=turn.instance.name, until=time_text(until), ending=reply.ending)


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """Objects of full-data polls that wait to be applied, put together as one answer."""

    ids: tuple[int, ...]
    received_at: datetime
    data: wire.RemoteData


def has_inbox(turn: Turn, link: Link) -> bool:
    """A full-data poll brought something for this link."""
    with turn.app.store.read() as tx:
        return bool(inbox_store.waiting(tx, link.id))


def take_inbox(turn: Turn, link: Link) -> Waiting | None:
    """What full-data polls brought for this link; None: ask the remote."""
    with turn.app.store.read() as tx:
        rows = inbox_store.waiting(tx, link.id)
    if not rows:
        return None
    parts = [wire.remote_data_from_json(row.body) for row in rows]
    return Waiting(
        ids=tuple(row.id for row in rows),
        received_at=rows[0].received_at,
        data=wire.RemoteData(
            object=next((p.object for p in reversed(parts) if p.object is not None), None),
            entries=_chain(p.entries for p in parts),
            controls=_chain(p.controls for p in parts),
        ),
    )


def _chain(parts: Iterable[tuple[Any, ...]]) -> tuple[Any, ...]:
    return tuple(item for part in parts for item in part)


def must_look_for_sent(turn: Turn, link: Link) -> bool:
    """An entry's outcome is unknown and the integration cannot look for it itself: only a pull can tell (rule 7)."""
    return not turn.caller.integration.resends_safely and first_intended_at(turn, link) is not None


def first_intended_at(turn: Turn, link: Link) -> datetime | None:
    """When the oldest call with an unknown outcome was begun; None: none, or the integration looks by itself."""
    if turn.caller.integration.resends_safely:
        return None
    with turn.app.store.read() as tx:
        times = [o.intended_at for o in entries.unsent(tx, link) if o.uncertain and o.intended_at]
    return min(times, default=None)
