"""Commands that asked to be run again: what waits, and what is to wait no longer."""

from __future__ import annotations

from casemirror.actions import changes
from casemirror.actions.permission import require
from casemirror.engine.app import App
from casemirror.mapping import outputs
from casemirror.model.actor import Actor
from casemirror.model.errors import NotFound
from casemirror.model.ids import IncidentId
from casemirror.model.values import Fields, Json
from casemirror.store import contexts, incidents, instances
from casemirror.store import laters as store
from casemirror.store.laters import Later


def list_all(app: App, actor: Actor, incident_id: IncidentId | None = None) -> list[tuple[Later, str]]:
    """What waits, with the name of its instance, the next one first; of one incident, or of all. Raises NotFound."""
    require(actor, "later.list")
    with app.store.read() as tx:
        if incident_id is not None:
            incidents.load(tx, incident_id)
        names = {instance.id: instance.name for instance in instances.list_all(tx)}
        return [(later, names[later.instance_id]) for later in store.list_all(tx, incident_id)]


def stop(app: App, actor: Actor, later_id: int) -> Later:
    """Have a command run no more. One that is under way ends, and what it answers is kept. Raises NotFound."""
    require(actor, "later.stop")
    with app.store.write() as tx:
        found = next((each for each in store.list_all(tx) if each.id == later_id), None)
        if found is None:
            raise NotFound(f"no command {later_id} waits to be run")
        store.remove(tx, later_id)
        changes.note(tx, app, actor, "later.stopped", found.incident_id, {"command": found.command})
    return found


def context(app: App, actor: Actor, incident_id: IncidentId, path: str = "") -> Json:
    """What commands told in an incident's war room; with a dotted path what stands there. Raises NotFound."""
    require(actor, "incident.context")
    with app.store.read() as tx:
        incidents.load(tx, incident_id)
        found: Fields = contexts.load(tx, incident_id)
    value = outputs.look_up(found, path)
    if path and value is None:
        known = ", ".join(sorted(found)) or "nothing yet"
        raise NotFound(f"incident {incident_id} has no {path!r} in its context; it has {known}")
    return value
