"""Conflicts that wait for a person: look at them, and say which side counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from casemirror.actions import changes, fields, policies
from casemirror.actions.permission import require
from casemirror.engine import birth
from casemirror.engine.app import App
from casemirror.model.actor import Actor
from casemirror.model.errors import Invalid, NotFound
from casemirror.model.ids import IncidentId
from casemirror.model.incident import Incident
from casemirror.model.link import Conflict, Link
from casemirror.model.plan import Method
from casemirror.model.policies import Choice
from casemirror.model.values import Json
from casemirror.store import incidents
from casemirror.store import links as store

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, kw_only=True)
class Open:
    """One field of one link that both sides changed; `local` is its value here now."""

    incident: Incident
    link: Link
    field: str
    conflict: Conflict

    @property
    def local(self) -> Json:
        """The value here."""
        return self.incident.get(self.field)


def list_all(app: App, actor: Actor, incident_id: IncidentId | None = None, *, limit: int = 200) -> list[Open]:
    """Open conflicts, the oldest links first; those of one incident, or all. Raises NotFound for the incident."""
    require(actor, "conflict.list")
    with app.store.read() as tx:
        if incident_id is not None:
            incidents.load(tx, incident_id)
            found = [link for link in store.of_incident(tx, incident_id) if link.conflicts]
        else:
            found = store.in_conflict(tx, limit=limit)
        return [
            Open(incident=incident, link=link, field=name, conflict=conflict)
            for link in found
            for incident in [incidents.load(tx, link.incident_id)]
            for name, conflict in sorted(link.conflicts.items())
        ]


def resolve(
    app: App,
    actor: Actor,
    incident_id: IncidentId,
    name: str,
    *,
    winner: str = "",
    value: str | None = None,
    instance: str = "",
    always: bool = False,
) -> list[Open]:
    """Say what a field in conflict is: ours ("local"), the remote's ("remote"), or a value. It is sent or written at once.

    instance   only in the conflict with this one; empty: with every instance
    always     from now on the same side wins whenever this field of such an incident is in conflict with that instance
    Raises NotFound (incident, conflict), Invalid.   Gives the conflicts that are settled.
    """
    require(actor, "conflict.resolve")
    if (winner not in ("local", "remote")) if value is None else bool(winner):
        raise Invalid("say local or remote, or give a value")
    if always and value is not None:
        raise Invalid("always takes a side, local or remote; a value settles one conflict only")

    def work(tx: Connection) -> list[Open]:
        incident = incidents.load(tx, incident_id)
        catalog = app.library.catalog(tx)
        machine = fields.find(name, catalog).name
        found = [
            Open(incident=incident, link=link, field=machine, conflict=link.conflicts[machine])
            for link in store.of_incident(tx, incident_id)
            if machine in link.conflicts and instance in ("", link.instance_name)
        ]
        if not found:
            raise NotFound(
                f"{name} of incident {incident_id} is in no conflict" + (f" with {instance}" * bool(instance))
            )
        if winner == "remote" and len(found) > 1:
            raise Invalid(f"{name} is in conflict with {len(found)} instances; say with which one (--instance)")
        for each in found:
            _settle(tx, app, each)
            if always and each.link.instance_id:
                choice = Choice(
                    method=Method(winner), instance=each.link.instance_id, type=incident.type, field=machine
                )
                policies.write(tx, app, actor, choice)
        if winner == "remote":
            changes.save(tx, app, incident, {machine: found[0].conflict.remote})
        elif value is not None:
            changes.save(tx, app, incident, dict(fields.read(tx, catalog, {machine: value}, incident).fields))
        detail: dict[str, Json] = {"field": machine, "winner": winner or "value", "always": always}
        changes.note(tx, app, actor, "conflict.resolved", incident_id, detail)
        return found

    return changes.in_one_write(app, work)


def _settle(tx: Connection, app: App, settled: Open) -> None:
    """What the remote shows is what both sides know now: whatever stands here differs from it, and goes out."""
    link, name = settled.link, settled.field
    left = {field: conflict for field, conflict in link.conflicts.items() if field != name}
    store.save(tx, link.id, conflicts=left, base={**link.base, name: settled.conflict.remote})
    store.want(tx, link.id, app.clock.now(), priority=birth.PERSON)
