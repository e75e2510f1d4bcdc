"""Incidents: create, list, show, edit, and what changes their state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from casemirror.actions import changes, fields, links
from casemirror.actions.permission import require
from casemirror.content.catalog import Catalog
from casemirror.engine import birth, record, timers
from casemirror.engine.app import App
from casemirror.model.actor import Actor
from casemirror.model.errors import Conflict, Invalid
from casemirror.model.ids import IncidentId
from casemirror.model.incident import CLOSE_FIELDS, Incident, NewIncident, Status
from casemirror.model.link import STATUS, Link, LinkState
from casemirror.model.values import Json, is_empty, parse_time, same
from casemirror.runtime import wire
from casemirror.store import entries
from casemirror.store import incidents as store
from casemirror.store import links as link_store

if TYPE_CHECKING:
    from sqlalchemy import Connection

UNCLASSIFIED = "Unclassified"
"""Type of an incident that nobody gave one."""


def create(
    app: App,
    actor: Actor,
    given: Mapping[str, Json],
    *,
    type: str = UNCLASSIFIED,
    labels: Mapping[str, str] | None = None,
) -> Incident:
    """Create an incident; `dbotMirror*` among the fields link it at once.   Source: MIR-179.

    given   field by machine or display name → text or JSON
    Raises Invalid for an unknown type, field or value.
    """
    require(actor, "incident.create")
    settings = app.settings()

    def work(tx: Connection) -> Incident:
        now, catalog = app.clock.now(), app.library.catalog(tx)
        edit = fields.read(tx, catalog, given)
        _check_new(catalog, type, edit.fields)
        new = NewIncident(
            fields=timers.begun(edit.fields, type, catalog),
            type=type,
            occurred_at=_time(edit.fields.get("occurred")),
            labels=tuple({"type": k, "value": v} for k, v in (labels or {}).items()),
        )
        incident, _ = birth.create(tx, new, now, settings, since=now, actor=actor.name)
        links.follow_edit(tx, app, settings, incident, wire.parse_mirror_fields(edit.mirror), set(edit.mirror))
        return incident

    return app.store.write_retry(work)


def _check_new(catalog: Catalog, type: str, given: Mapping[str, Json]) -> None:
    if type != UNCLASSIFIED and catalog.type(type) is None:
        known = ", ".join(sorted(catalog.types)) or "none; install a pack"
        raise Invalid(f"no incident type {type!r}; there are: {known}")
    if not given.get("name"):
        raise Invalid("an incident needs a name")


def list_all(
    app: App,
    actor: Actor,
    *,
    status: Status | None = None,
    type: str = "",
    instance: str = "",
    where: Sequence[str] = (),
    limit: int = 50,
    offset: int = 0,
) -> list[tuple[Incident, Link | None]]:
    """Incidents with their primary links, newest first.

    where   conditions as people write them: `severity>=2`, `Affected Hosts=ws-1`, `details~printer`; all must hold
    Raises Invalid for an unknown field or a value that the field cannot have.
    """
    require(actor, "incident.list")
    with app.store.read() as tx:
        catalog = app.library.catalog(tx)
        conditions = [fields.condition(text, catalog) for text in where]
        found = store.find(
            tx, status=status, type=type, instance=instance, conditions=conditions, limit=limit, offset=offset
        )
        return [(incident, link_store.primary_of(tx, incident.id)) for incident in found]


def edit(app: App, actor: Actor, incident_id: IncidentId, given: Mapping[str, Json]) -> Incident:
    """Change fields; `dbotMirror*` names change the primary link instead.   Source: MIR-137, 139, 156, 177.

    Raises NotFound, and Invalid for an unknown field, a wrong value, or one that casemirror keeps itself.
    """
    require(actor, "incident.edit")
    settings = app.settings()

    def work(tx: Connection) -> Incident:
        incident = store.load(tx, incident_id)
        wanted = fields.read(tx, app.library.catalog(tx), given, incident)
        links.follow_edit(tx, app, settings, incident, wire.parse_mirror_fields(wanted.mirror), set(wanted.mirror))
        occurred = _time(wanted.fields.get("occurred"))
        columns: dict[str, Any] = {"occurred_at": occurred} if occurred and occurred != incident.occurred_at else {}
        saved = changes.save(tx, app, incident, wanted.fields, **columns)
        detail = {**_edited(incident, saved, wanted), "fields": sorted({*wanted.fields, *wanted.mirror})}
        changes.note(tx, app, actor, "incident.edited", incident_id, detail)
        return saved

    return changes.in_one_write(app, work)


def _edited(before: Incident, after: Incident, wanted: fields.Edit) -> dict[str, Json]:
    """What an edit made of each field that it really changed, for the audit; no parameter of an instance is among them."""
    changed = [name for name in sorted(wanted.fields) if not same(before.get(name), after.get(name))]
    detail: dict[str, Json] = {n: {"old": before.get(n), "new": after.get(n)} for n in changed}
    return {"changes": detail, **({"mirror": dict(wanted.mirror)} if wanted.mirror else {})}


def close(app: App, actor: Actor, incident_id: IncidentId, *, reason: str = "", notes: str = "") -> Incident:
    """Close an incident; of one that is closed already, change reason and notes.   Source: MIR-153, MIR-154."""
    require(actor, "incident.close")
    reason = close_reason(app, reason)

    def work(tx: Connection) -> Incident:
        incident = store.load(tx, incident_id)
        if incident.status is not Status.CLOSED:
            _check_close(app.library.catalog(tx), incident)
        changes.note(tx, app, actor, "incident.closed", incident_id, {"reason": reason})
        if incident.status is Status.CLOSED:
            given = {"closeReason": reason, "closeNotes": notes}
            return changes.save(tx, app, incident, {name: text for name, text in given.items() if text})
        now = app.clock.now()
        closing = {"closeReason": reason, "closeNotes": notes, "closingUserId": actor.name}
        entries.add_note(tx, incident_id, f"{actor.name} closed this incident" + (f": {reason}" if reason else ""), now)
        stopped = record.stopped_timers(incident, now)
        return changes.save(tx, app, incident, {**closing, **stopped}, status=Status.CLOSED, closed_at=now)

    return changes.in_one_write(app, work)


def close_reason(app: App, given: str) -> str:
    """A close reason in the spelling of the list `incident.closereasons`; an empty one stays so. Raises Invalid.

    Only people are held to the list; what a remote gives as reason is never checked.   Source: content.md §5.6.
    """
    reasons = app.settings().words("incident.closereasons")
    if not given.strip() or not reasons:
        return given.strip()
    for known in reasons:
        if known.casefold() == given.strip().casefold():
            return known
    raise Invalid(
        f"close reason {given!r} is none of {', '.join(reasons)}; `casemirror config set incident.closereasons …` changes the list"
    )


def _check_close(catalog: Catalog, incident: Incident) -> None:
    """Fields of the close form that must have a value before a person closes. Raises Invalid."""
    missing = [
        field.name
        for field in catalog.fields.values()
        if field.close_form
        and field.required
        and field.shows_on(incident.type)
        and is_empty(incident.get(field.cli_name))
    ]
    if missing:
        raise Invalid(f"to close incident {incident.id}, first give {', '.join(missing)} (`casemirror incident edit`)")


def reopen(app: App, actor: Actor, incident_id: IncidentId) -> Incident:
    """Open a closed incident again; purged links live again.   Source: MIR-128, 135, 155, 188. Raises Conflict."""
    require(actor, "incident.reopen")

    def work(tx: Connection) -> Incident:
        incident = store.load(tx, incident_id)
        if incident.status is not Status.CLOSED:
            raise Conflict(f"incident {incident_id} is not closed")
        now = app.clock.now()
        for link in link_store.of_incident(tx, incident_id):
            was_purged = link.state is LinkState.PURGED
            revived: dict[str, Any] = {"state": LinkState.ACTIVE} if was_purged else {}
            was_closed = link.remote_closed or link.out_status == Status.CLOSED or STATUS in link.doubted
            if link.remote_closed:  # whoever closed it: the remote must hear of the reopen
                revived["out_status"] = Status.CLOSED
            link_store.save(tx, link.id, reopened_here=True, remote_closed=was_closed, **revived)
            if was_purged and link.direction.inbound:
                link_store.want(tx, link.id, now, priority=birth.PERSON, named=True, reset=True)
        entries.add_note(tx, incident_id, f"{actor.name} reopened this incident", now)
        changes.note(tx, app, actor, "incident.reopened", incident_id)
        emptied = dict.fromkeys(CLOSE_FIELDS, "")
        return changes.save(tx, app, incident, emptied, status=Status.ACTIVE, closed_at=None, last_open_at=now)

    return changes.in_one_write(app, work)


def open_(app: App, actor: Actor, incident_id: IncidentId) -> Incident:
    """Make a pending incident active: what came in meanwhile appears, what is tagged goes out.   Source: MIR-120, MIR-173."""
    require(actor, "incident.open")

    def work(tx: Connection) -> Incident:
        incident = store.load(tx, incident_id)
        if incident.status is not Status.PENDING:
            raise Conflict(f"incident {incident_id} is not pending")
        now = app.clock.now()
        entries.release_held(tx, incident_id)
        changes.note(tx, app, actor, "incident.opened", incident_id)
        opened = {"status": Status.ACTIVE, "activated_at": now, "last_open_at": now}
        return changes.save(tx, app, incident, {}, **opened)

    return changes.in_one_write(app, work)


def _time(value: Json) -> datetime | None:
    return parse_time(value) if isinstance(value, str) and value else None
