"""Links: tie an incident to a remote object, or have one created; and what edits of `dbotMirror*` mean."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from casemirror.actions import changes
from casemirror.actions.permission import require
from casemirror.engine import birth
from casemirror.engine.app import App
from casemirror.model.actor import Actor
from casemirror.model.errors import Conflict, Invalid, NotFound
from casemirror.model.ids import IncidentId
from casemirror.model.incident import Incident, MirrorFields
from casemirror.model.instance import Instance
from casemirror.model.link import Direction, Link, LinkState
from casemirror.model.settings import Settings
from casemirror.store import incidents, instances
from casemirror.store import links as store

if TYPE_CHECKING:
    from sqlalchemy import Connection


def add(
    app: App,
    actor: Actor,
    incident_id: IncidentId,
    instance: str,
    *,
    remote_id: str = "",
    direction: str = "Both",
    tags: tuple[str, ...] = (),
) -> Link:
    """Link an incident to a remote object; without a remote id one is created there.   Source: MIR-090, MIR-179.

    The incident's first link is the one that `dbotMirror*` shows.
    Raises NotFound (incident, instance), Invalid (direction), Conflict (linked to that instance already).
    """
    require(actor, "link.add")
    settings = app.settings()
    mirror = MirrorFields(remote_id=remote_id, instance=instance, direction=direction, tags=tags)

    def work(tx: Connection) -> Link:
        incident = incidents.load(tx, incident_id)
        there = store.of_incident(tx, incident_id)
        check(tx, app, mirror, there)
        primary = not any(link.primary for link in there)
        link = connect(tx, app, settings, incident, mirror, primary=primary)
        detail = {"instance": link.instance_name, "remote_id": remote_id, "direction": link.direction.value}
        changes.note(tx, app, actor, "link.added", incident_id, detail)
        return link

    return app.store.write_retry(work)


def retry(app: App, actor: Actor, incident_id: IncidentId, instance: str = "") -> list[Link]:
    """Try again, at once, what waits after a failure or is held; a creation whose outcome nobody saw is begun anew.

    instance   only the link to this one; empty: all links of the incident
    Raises NotFound (incident, link).   Source: MIR-182.
    """
    require(actor, "link.retry")

    def work(tx: Connection) -> list[Link]:
        incidents.load(tx, incident_id)
        found = [link for link in store.of_incident(tx, incident_id) if instance in ("", link.instance_name)]
        if not found:
            raise NotFound(f"incident {incident_id} is not linked" + (f" to {instance!r}" if instance else ""))
        for link in found:
            birth.create_again(tx, app, link, actor.name)
            pulls = link.direction.inbound and bool(link.remote_id)
            store.want(tx, link.id, app.clock.now(), priority=birth.PERSON, named=pulls, reset=True)
        names = [link.instance_name for link in found]
        changes.note(tx, app, actor, "link.retried", incident_id, {"instances": names})
        return [store.load(tx, link.id) for link in found]

    return app.store.write_retry(work)


def remove(app: App, actor: Actor, incident_id: IncidentId, instance: str) -> Link:
    """Cut the tie to an instance; the incident and the remote object stay as they are. Of several links another becomes primary.

    Raises NotFound (incident, link).
    """
    require(actor, "link.remove")

    def work(tx: Connection) -> Link:
        link = _link_to(tx, incident_id, instance)
        store.delete(tx, link.id)
        rest = store.of_incident(tx, incident_id)
        if link.primary and rest:
            store.save(tx, rest[0].id, primary=True)
        detail = {"instance": link.instance_name, "remote_id": link.remote_id}
        changes.note(tx, app, actor, "link.removed", incident_id, detail)
        return link

    return app.store.write_retry(work)


def set_primary(app: App, actor: Actor, incident_id: IncidentId, instance: str) -> Link:
    """Make the link to an instance the one that `dbotMirror*` shows. Raises NotFound (incident, link)."""
    require(actor, "link.set-primary")

    def work(tx: Connection) -> Link:
        link = _link_to(tx, incident_id, instance)
        for other in store.of_incident(tx, incident_id):
            store.save(tx, other.id, primary=other.id == link.id)
        changes.note(tx, app, actor, "link.primary", incident_id, {"instance": link.instance_name})
        return store.load(tx, link.id)

    return app.store.write_retry(work)


def _link_to(tx: Connection, incident_id: IncidentId, instance: str) -> Link:
    incidents.load(tx, incident_id)
    there = store.of_incident(tx, incident_id)
    for link in there:
        if instance == link.instance_name:
            return link
    names = ", ".join(link.instance_name for link in there) or "nothing"
    raise NotFound(f"incident {incident_id} is not linked to {instance!r}; it is linked to {names}")


def list_all(app: App, actor: Actor, incident_id: IncidentId) -> list[Link]:
    """An incident's links, the primary one first."""
    require(actor, "link.list")
    with app.store.read() as tx:
        incidents.load(tx, incident_id)
        return store.of_incident(tx, incident_id)


def check(tx: Connection, app: App, mirror: MirrorFields, there: list[Link]) -> Instance:
    """The instance that the fields name, if an incident with those links can be linked to it so.

    Raises NotFound, Invalid, Conflict.
    """
    direction = Direction.parse(mirror.direction)
    if direction is Direction.NONE:
        raise Invalid(f"direction: {mirror.direction!r} is none of In, Out, Both")
    instance = instances.by_name(tx, mirror.instance)
    if any(link.instance_id == instance.id for link in there):
        raise Conflict(f"the incident is linked to {instance.name} already")
    if not mirror.remote_id and not direction.outbound:
        raise Invalid("a link with direction In needs the id of the remote object")
    integration = app.library.catalog(tx).integration(instance.brand)
    if not integration.mirrors:
        raise Invalid(f"{integration.display} does not mirror at all")
    if not mirror.remote_id and not integration.mirror_out:
        raise Invalid(f"{integration.display} does not mirror out, so it cannot create the remote object; give its id")
    return instance


def connect(
    tx: Connection,
    app: App,
    settings: Settings,
    incident: Incident,
    mirror: MirrorFields,
    *,
    primary: bool = True,
    pull: bool = False,
) -> Link:
    """Link an incident after it began; `pull` asks for a pull at once whatever the setting `mirror.link.pull` says."""
    now = app.clock.now()
    pull = pull or settings.flag("mirror.link.pull")
    return birth.connect(tx, incident, mirror, now, since=now, later=True, pull=pull, primary=primary)


def follow_edit(
    tx: Connection, app: App, settings: Settings, incident: Incident, mirror: MirrorFields, named: Collection[str]
) -> None:
    """Do what an edit of `dbotMirror*` means: make the primary link, or change it. Never dirty.   Source: MIR-156, 177, 188.

    named   which of the names were given; the others stay as they are
    Another instance or remote id is another remote object: the old link goes, a new one begins.
    """
    if not named:
        return
    link = store.primary_of(tx, incident.id)
    wanted = _laid_over(link, mirror, named)
    if link is None or (wanted.instance, wanted.remote_id) != (link.instance_name, link.remote_id):
        if link is not None:
            store.delete(tx, link.id)
        if wanted.instance and Direction.parse(wanted.direction) is not Direction.NONE:
            _known(tx, wanted.instance)
            connect(tx, app, settings, incident, wanted)
        elif link is None:
            raise Invalid(
                "to link an incident, give dbotMirrorInstance and dbotMirrorDirection (In, Out, Both) together"
            )
        return
    _change(tx, app, link, wanted)


def _laid_over(link: Link | None, mirror: MirrorFields, named: Collection[str]) -> MirrorFields:
    """The mirror fields as they are with the given ones over them."""
    if link is None:
        return mirror
    return MirrorFields(
        remote_id=mirror.remote_id if "dbotMirrorId" in named else link.remote_id,
        instance=mirror.instance if "dbotMirrorInstance" in named else link.instance_name,
        direction=mirror.direction if "dbotMirrorDirection" in named else link.direction.value,
        tags=mirror.tags if "dbotMirrorTags" in named else link.tags,
    )


def _known(tx: Connection, instance: str) -> None:
    if instances.find(tx, instance) is None:
        names = ", ".join(i.name for i in instances.list_all(tx)) or "none yet"
        raise NotFound(f"dbotMirrorInstance: no instance named {instance!r}; there are: {names}")


def _change(tx: Connection, app: App, link: Link, wanted: MirrorFields) -> None:
    """Change direction and tags of a link, and let it work at once: entries may be due by a new tag."""
    changed: dict[str, Any] = {"direction": Direction.parse(wanted.direction), "tags": wanted.tags}
    if link.state is LinkState.PURGED:
        changed["state"] = LinkState.ACTIVE
    store.save(tx, link.id, **changed)
    store.want(tx, link.id, app.clock.now(), priority=birth.PERSON, reset=True)
