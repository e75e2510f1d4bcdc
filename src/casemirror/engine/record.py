"""What a reconcile writes down: incident, entries, link, decisions. Every function here runs inside a lane's transaction
or opens one; none calls a remote.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from casemirror.engine import brake, counting, inbound, lateness, outcomes, tombstone, topology
from casemirror.engine.app import log
from casemirror.engine.inbound import Pulled, Window
from casemirror.engine.outbound import Package
from casemirror.engine.turn import Turn
from casemirror.model.errors import (
    CasemirrorError,
    CommandFailed,
    CreateRefused,
    IncidentChanged,
    LaneMustWait,
    NotCreated,
    NotOurTurn,
    RateLimited,
)
from casemirror.model.incident import CLOSE_FIELDS, MIRROR_ERROR_IN, MIRROR_ERROR_OUT, Incident, Status
from casemirror.model.link import STATUS, Link, Pushed
from casemirror.model.plan import Plan
from casemirror.model.values import Fields, Json, is_empty, parse_time, same, time_text
from casemirror.runtime import wire
from casemirror.runtime.command import Reply
from casemirror.store import decisions, entries, incidents, links, metrics, payloads
from casemirror.store import inbox as inbox_store

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from casemirror.engine.looking import Decided

PING_PONG_WINDOW = timedelta(hours=1)
MIRROR_USER = "DBot"
"""`closingUserId` of what mirroring closes.   Source: mirroring.md §4.5."""


def write_incident(
    turn: Turn, tx: Connection, link: Link, incident: Incident, plan: Plan, now: datetime
) -> tuple[Incident, Fields]:
    """Write a plan's fields and state, as mirror; the incident's other links are told. No write when nothing changed.

    Returns the incident, and the fields that mirroring itself gave a value: both sides agree on them, none is dirty.
    """
    if plan.closes:
        brake.mind_close(turn, tx)
    fields, changes, columns = changes_of(incident, plan, now)
    if not changes and not columns:
        return incident, fields
    changed = incidents.save(tx, incident.id, incident.version, now=now, fields=changes, **columns)
    if "status" in columns:
        verb = "closed" if changed.status is Status.CLOSED else "reopened"
        reason = f": {changed.get('closeReason')}" if changed.get("closeReason") else ""
        entries.add_note(tx, incident.id, f"{turn.instance.name} {verb} this incident{reason}", now)
    links.want_others(tx, incident.id, link.id, now)
    return changed, fields


def changes_of(incident: Incident, plan: Plan, now: datetime) -> tuple[Fields, dict[str, Json], dict[str, Any]]:
    """Fields that a plan gives a value, those of them that differ, and columns. Pure."""
    fields: dict[str, Json] = {**plan.merge.write}
    columns: dict[str, Any] = {"type": plan.type} if plan.type else {}
    if plan.closes and plan.closing is not None:
        fields |= {"closeReason": plan.closing.reason, "closeNotes": plan.closing.notes, "closingUserId": MIRROR_USER}
        fields |= stopped_timers(incident, now)
        columns = {"status": Status.CLOSED, "closed_at": now}
    elif plan.status is Status.ACTIVE:
        fields |= dict.fromkeys(CLOSE_FIELDS, "")
        columns = {"status": Status.ACTIVE, "closed_at": None, "last_open_at": now}
    changes = {name: value for name, value in fields.items() if not same(value, incident.get(name))}
    if changes.get("occurred"):
        columns["occurred_at"] = parse_time(str(changes["occurred"]))
    return fields, changes, columns


def stopped_timers(incident: Incident, now: datetime) -> dict[str, Json]:
    """Running timers as they are once they stop; a close by mirror stops them as a local one does."""
    return {
        name: {**value, "runStatus": "ended", "endDate": time_text(now)}
        for name, value in incident.fields.items()
        if isinstance(value, dict) and value.get("runStatus") == "running"
    }


def ping_pong(turn: Turn, tx: Connection, link: Link, now: datetime) -> frozenset[str]:
    """Fields that keep changing to and fro: something here answers each change of the remote. They are not sent for a while.

    Source: mirroring.md §3.4.6.
    """
    most = turn.settings.count("mirror.pingpong")
    if not most:
        return frozenset()
    counted = decisions.alternations(tx, link.id, now - PING_PONG_WINDOW)
    paused = frozenset(name for name, times in counted.items() if times > most)
    for name in sorted(paused):
        if turn.app.said.first(f"ping-pong {link.id} {name} {now:%Y-%m-%d %H}"):
            where = {"instance": turn.instance.name, "incident": link.incident_id, "field": name}
            log.warning(
                "field.ping_pong", times=counted[name], reason="it is not sent until an hour was quieter", **where
            )
    return paused


def send_later(turn: Turn, tx: Connection, link: Link) -> None:
    """What the ping-pong limiter holds back is looked at again once its hour is over."""
    now = turn.app.clock.now()
    links.want(tx, link.id, now, priority=links.SENDS, due=now + PING_PONG_WINDOW)


def write_entries(turn: Turn, tx: Connection, decided: Decided, window: Window, now: datetime) -> None:
    """Append the entries that are really new; for a pending incident they are held until it is opened (MIR-120)."""
    link, incident = decided.link, decided.incident
    for entry, mark in decided.new:
        held = incident.status is Status.PENDING
        entries.add(tx, incident.id, inbound.as_entry(turn, link, entry, mark, window), now, held=held)
    if decided.new:
        links.want_others(tx, incident.id, link.id, now)


def write_link(
    turn: Turn,
    tx: Connection,
    link: Link,
    named: int,
    decided: Decided,
    pulled: Pulled | None,
    now: datetime,
) -> Link:
    """Write what both sides agreed on, and, after a good pull, its time (taken before the call: rule 2)."""
    plan = decided.plan
    base = {**link.base, **plan.merge.base}
    guard = timedelta(seconds=turn.settings.seconds("mirror.echo.guard"))
    columns: dict[str, Any] = {
        "base": base,
        "doubted": link.doubted - plan.merge.base.keys(),
        "sticky": link.sticky,
        "conflicts": plan.merge.held,
        "pushed": {name: pushed for name, pushed in link.pushed.items() if now - pushed.at < guard},
        "remote_closed": plan.remote_closed,
        "reopened_here": plan.reopened_here,
        "out_status": plan.out_status,
    }
    if pulled:
        since = pulled.window.started if link.named > named else None  # named once more while it was pulled
        columns |= {"pulled": named, "named_at": since, "told_by": since, "tries_in": 0, "rate_limited": False}
        if pulled.payload:
            columns["trail"] = topology.trail(pulled.payload)
            columns["remote_changed_at"] = lateness.learn(turn, tx, link, pulled.payload, now)
        if pulled.message:
            columns |= {"error_in": pulled.message, "base": {**base, MIRROR_ERROR_IN: pulled.message}}
            columns |= {"pulled": link.pulled, "tries_in": link.tries_in + 1} if pulled.failed else {}
        elif pulled.answered:
            is_news = columns.get("remote_changed_at") != link.remote_changed_at or counting.changes(decided)
            columns["quiet_pulls"] = 0 if is_news else link.quiet_pulls + 1
            columns |= {"error_in": "", "last_sync_at": pulled.window.started, **tombstone.rise(turn, tx, link, now)}
    return links.save(tx, link.id, **columns)


def write_decisions(tx: Connection, link: Link, plan: Plan, pulled: Pulled | None, now: datetime) -> None:
    """Keep the raw payload and one row for each field that was not left alone."""
    payload_id = None
    if pulled and pulled.payload and (plan.merge.decisions or plan.status is not None):
        payload_id = payloads.add(tx, link.id, now, "pull", pulled.payload)
    if plan.merge.decisions:
        decisions.add(tx, link, plan.merge.decisions, now, payload_id=payload_id)


def write_intent(turn: Turn, tx: Connection, link: Link, plan: Plan, package: Package, now: datetime) -> None:
    """Note, before the call, all that it carries: until it is settled nobody knows what the remote has (rule 7)."""
    ends_by = now + timedelta(seconds=turn.settings.seconds("mirror.command.timeout"))
    carried = {*plan.merge.push, *([STATUS] if plan.send_status else [])}
    columns: dict[str, Any] = {"doubted": link.doubted | carried} if carried - link.doubted else {}
    outcomes.note_doubts(turn, tx, link, package, now, create=plan.create)
    if plan.create and not package.only_look:
        columns |= {"creating_at": now, "creating_ends_by": ends_by, "create_attempts": link.create_attempts + 1}
    entries.mark_intended(tx, link.id, [o.entry.id for o in package.sends if not o.only_look], now, ends_by)
    if columns:
        links.save(tx, link.id, **columns)


def settle(turn: Turn, link: Link, plan: Plan, package: Package, remote_id: str, reply: Reply | None) -> Link:
    """Write that a push arrived: the base, the entries, the new object's id, in one transaction."""
    now = turn.app.clock.now()
    with turn.write() as tx:
        fresh = links.load(tx, link.id)
        if fresh.remote_id != link.remote_id:
            raise IncidentChanged(f"the link to {turn.instance.name} was pointed at another object during the call")
        made_nothing = plan.create and not remote_id
        columns = {} if made_nothing else _agreed(fresh, plan, now)
        if reply is not None:
            columns |= _answered(fresh, now) | tombstone.rise(turn, tx, fresh, now)
            turn.keep(tx, reply)
            if not made_nothing:
                columns |= _arrived(turn, fresh, plan, package, remote_id)
                entries.mark_sent(tx, link.id, [o.entry.id for o in package.sends], now)
            _clear_error(tx, incidents.load(tx, link.incident_id), now)
            metrics.add(tx, turn.instance.id, {metrics.PUSHED: 1})
        entries.mark_undeliverable(tx, link.id, [o.entry.id for o in package.lost])
        saved = links.save(tx, link.id, **columns)
        if (remote_id and not fresh.remote_id) or (plan.send_status and fresh.direction.inbound):
            # a new object is looked at once; so is one that we closed or reopened, before somebody does so there
            links.want(tx, link.id, now, priority=link.priority, named=True)
    for lost in package.lost:
        log.warning("entry.undeliverable", entry=lost.entry.label, reason="its file is gone")
    return saved


def _agreed(link: Link, plan: Plan, now: datetime) -> dict[str, Any]:
    """Link columns for what was sent: now it is the base."""
    pushed = {n: Pushed(before=link.known(n), sent=v, at=now) for n, v in plan.merge.push.items()}
    sent = {*plan.merge.push, *([STATUS] if plan.send_status or plan.create else [])}
    return {
        "base": {**link.base, **plan.merge.push},
        "pushed": {**link.pushed, **pushed},
        "doubted": link.doubted - sent,
    }


def _answered(link: Link, now: datetime) -> dict[str, Any]:
    """Link columns after a call that the integration reported as good."""
    synced = {} if link.direction.inbound else {"last_sync_at": now}
    good = {"error_out": "", "tries_out": 0, "creating_at": None, "rate_limited": False}
    return {"last_push_at": now, **good, **synced}


def _arrived(turn: Turn, link: Link, plan: Plan, package: Package, remote_id: str) -> dict[str, Any]:
    """Link columns for what the remote knows now: the state that the call carried (changed since: the next push), its id."""
    columns: dict[str, Any] = {}
    if plan.send_status or plan.create:
        columns["out_status"] = int(package.args["status"])
    if link.remote_id:
        if remote_id and remote_id != link.remote_id:
            log.warning("link.other_id_ignored", link=link.id, remote_id=link.remote_id, answered=remote_id)
    elif remote_id:
        columns |= {"remote_id": remote_id, "create_attempts": 0}
    return columns


def not_created(turn: Turn, link: Link) -> CasemirrorError:
    """A creation call answered no id: it is tried again; after some attempts the link waits for a change (MIR-181)."""
    count = link.create_attempts
    text = f"{turn.instance.name} answered no id to {count} creation call{'s' * (count > 1)}"
    if count < turn.settings.count("mirror.create.attempts"):
        return NotCreated(text)
    return CreateRefused(f"{text}; it may not create objects. A change of the incident tries again")


def _clear_error(tx: Connection, incident: Incident, now: datetime) -> None:
    if not is_empty(incident.get(MIRROR_ERROR_OUT)):
        incidents.save(tx, incident.id, incident.version, now=now, fields={MIRROR_ERROR_OUT: ""})


def push_failed(turn: Turn, link: Link, error: Exception) -> None:
    """Show on the incident why a push failed; nothing is cleared. A rate limit is no failure."""
    if not isinstance(error, CasemirrorError) or isinstance(error, NotOurTurn):
        return
    columns: dict[str, Any] = {}
    if type(error) in (CommandFailed, RateLimited) and not turn.caller.integration.creates_safely:
        columns["creating_at"] = None  # the integration said that nothing was created
    now = turn.app.clock.now()
    with turn.write() as tx:
        if not isinstance(error, LaneMustWait):
            columns |= {"error_out": error.message, "tries_out": link.tries_out + 1}
            turn.note(tx, failed_out=turn.lane.failed_out + 1)
            incident = incidents.load(tx, link.incident_id)
            if incident.get(MIRROR_ERROR_OUT) != error.message:
                incidents.save(tx, incident.id, incident.version, now=now, fields={MIRROR_ERROR_OUT: error.message})
        if columns:
            links.save(tx, link.id, **columns)


def pull_failed(turn: Turn, link: Link, error: CasemirrorError) -> None:
    """Keep on the link why a pull failed. A rate limit is no failure."""
    if isinstance(error, LaneMustWait | NotOurTurn):
        return
    with turn.write() as tx:
        links.save(tx, link.id, error_in=error.message, tries_in=link.tries_in + 1)
        turn.note(tx, failed_in=turn.lane.failed_in + 1)


def pull_again(turn: Turn, link: Link, seen: int) -> None:
    """An object told nothing but an error: it is looked at in the next cycle, and more and more rarely if that goes on."""
    wait_s = min(turn.settings.interval_s * (1 + link.tries_in // 10), turn.settings.seconds("mirror.retry.max"))
    with turn.write() as tx:
        links.wait(tx, link.id, turn.app.clock.now() + timedelta(seconds=wait_s), seen=seen)


def pull_not_implemented(turn: Turn) -> None:
    """Believe for a while that the integration has no get-remote-data.   Source: MIR-092."""
    until = turn.app.clock.now() + timedelta(seconds=turn.settings.seconds("mirror.reprobe"))
    with turn.write() as tx:
        turn.note(tx, cap_remote="no", cap_remote_until=until)
    log.info("pull.not_implemented", instance=turn.instance.name, until=time_text(until))


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


def take_inbox(turn: Turn, link: Link, told: Sequence[inbox_store.Row] = ()) -> Waiting | None:
    """What full-data polls brought for this link, with what one told just now; None: ask the remote."""
    with turn.app.store.read() as tx:
        rows = [*inbox_store.waiting(tx, link.id), *told]
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
        resend = turn.settings.flag("mirror.resend.inbound")
        times = [o.intended_at for o in entries.unsent(tx, link, resend=resend) if o.uncertain and o.intended_at]
    return min(times, default=None)
