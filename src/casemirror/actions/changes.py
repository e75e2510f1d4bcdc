"""One write of an incident by a person: load, change, wake its links, all in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from casemirror.engine.app import App
from casemirror.model.actor import Actor
from casemirror.model.errors import Conflict, IncidentChanged
from casemirror.model.ids import IncidentId
from casemirror.model.incident import Incident
from casemirror.model.values import Json, same
from casemirror.store import audit, incidents, links

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

T = TypeVar("T")
TRIES = 10
"""Times that a change is made again when a mirror wrote the incident in between."""


def in_one_write(app: App, work: Callable[[Connection], T]) -> T:
    """Run `work` in a write transaction, again when somebody else wrote the incident meanwhile. Raises Conflict."""
    for _ in range(TRIES):
        try:
            return app.store.write_retry(work)
        except IncidentChanged:
            continue
    raise Conflict("the incident keeps changing; try again")


def save(tx: Connection, app: App, incident: Incident, fields: Mapping[str, Json], **columns: Any) -> Incident:
    """Write what really changes, and wake the outbound links; nothing at all when nothing does (MIR-139)."""
    changed = {name: value for name, value in fields.items() if not same(value, incident.get(name))}
    if not changed and not columns:
        return incident
    now = app.clock.now()
    saved = incidents.save(tx, incident.id, incident.version, now=now, fields=changed, **columns)
    links.want_incident(tx, incident.id, now)
    return saved


def note(
    tx: Connection, app: App, actor: Actor, verb: str, incident_id: IncidentId, detail: Mapping[str, Json] | None = None
) -> None:
    """Write the audit line of a change of an incident."""
    audit.add(tx, app.clock.now(), actor.name, verb, f"incident {incident_id}", detail)
