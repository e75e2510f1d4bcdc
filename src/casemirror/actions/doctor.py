"""Why is this not mirrored? Every precondition of mirroring, looked at one by one, with what to do about a missing one.

Only what is stored is looked at: no remote is called, nothing is changed.
Source: mirroring.md §0.3, §3; `engine.outbound.may_push`, `engine.looking.must_pull`, `engine.lane.step`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from casemirror.actions import doctor_runtime, environments
from casemirror.actions.doctor_instance import of_instance
from casemirror.actions.doctor_values import Check, Room, State, Way
from casemirror.actions.permission import require
from casemirror.content.items import Integration
from casemirror.engine import outbound
from casemirror.engine.app import App
from casemirror.model.actor import Actor
from casemirror.model.ids import IncidentId
from casemirror.model.incident import Incident, Status
from casemirror.model.link import Link, LinkState
from casemirror.model.policies import Policies
from casemirror.store import doubts, incidents, instances, links, policies, rows

if TYPE_CHECKING:
    from sqlalchemy import Connection


def examine(app: App, actor: Actor, subject: str) -> list[Check]:
    """Look over an incident (a number), an instance (a name), or the runtime (`runtime`). Raises NotFound."""
    require(actor, "doctor.run")
    if subject == doctor_runtime.ABOUT and not _is_instance(app, subject):
        return list(doctor_runtime.examine(app))
    settings = app.settings()
    with app.store.read() as tx:
        catalog = app.library.catalog(tx)
        stands = partial(environments.status_of, app, catalog)
        room = Room(settings=settings, catalog=catalog, now=app.clock.now(), environment=stands)
        if rows.is_id(subject) and instances.find(tx, subject) is None:
            return list(of_incident(tx, room, IncidentId(int(subject))))
        return list(of_instance(tx, room, instances.by_name(tx, subject)))


def _is_instance(app: App, name: str) -> bool:
    with app.store.read() as tx:
        return instances.find(tx, name) is not None


def of_incident(tx: Connection, room: Room, incident_id: IncidentId) -> Iterator[Check]:
    """The incident itself, then each of its links with its instance. Raises NotFound."""
    incident = incidents.load(tx, incident_id)
    about = f"incident {incident_id}"
    yield replace(_incident_state(incident), about=about)
    found = links.of_incident(tx, incident_id)
    if not found:
        yield Check(
            name="link",
            state=State.MISSING,
            text="it is linked to no instance: dbotMirrorInstance and dbotMirrorDirection are empty",
            todo=f"casemirror link add {incident_id} INSTANCE",
            about=about,
        )
    for link in found:
        yield from of_link(tx, room, incident, link)
    for check in _doubts(tx, incident_id):
        yield replace(check, about=about)


def of_link(tx: Connection, room: Room, incident: Incident, link: Link) -> Iterator[Check]:
    """One link: what it needs itself, then what its instance needs."""
    about = f"incident {incident.id} ↔ {link.instance_name}"
    instance = instances.load(tx, link.instance_id) if link.instance_id else None
    if instance is None:
        yield Check(
            name="instance",
            state=State.MISSING,
            text=f"dbotMirrorInstance names {link.instance_name!r}, and there is no such instance",
            todo=f"casemirror instance add {link.instance_name}, then casemirror incident edit {incident.id} "
            f"dbotMirrorInstance={link.instance_name}",
            about=about,
        )
        return
    integration = room.integration(instance)
    for check in (*_link_checks(room, incident, link, integration), *_owned(tx, incident, link)):
        yield replace(check, about=about)
    yield from of_instance(tx, room, instance, link)


def _owned(tx: Connection, incident: Incident, link: Link) -> Iterator[Check]:
    """Fields of which this remote's changes are not taken, since another instance owns them."""
    owned = outbound.owned_by_others(tx, Policies.of((), policies.owners(tx)), link, incident)
    if owned and link.direction.inbound:
        told = ", ".join(f"{name} (owned by {owner})" for name, owner in sorted(owned.items()))
        text = f"what {link.instance_name} changes of these fields is not taken: {told}"
        yield Check(name="owners", state=State.OK, text=text)


def _incident_state(incident: Incident) -> Check:
    if incident.status is Status.PENDING:
        text = "it is pending: fields are mirrored, entries wait until it is opened"
        todo = f"casemirror incident open {incident.id}"
        return Check(name="incident", state=State.MISSING, text=text, todo=todo, way=Way.ENTRIES)
    if incident.status is Status.CLOSED:
        text = "it is closed: its fields and its close are mirrored, what is said from now on stays here"
        return Check(name="incident", state=State.OK, text=text)
    return Check(name="incident", state=State.OK, text=f"it is {incident.status.name.lower()}")


def _link_checks(room: Room, incident: Incident, link: Link, integration: Integration | None) -> Iterator[Check]:
    yield _direction(incident, link)
    yield _remote_id(room, incident, link, integration)
    if link.direction.outbound:
        yield _tags(incident, link)
    yield _held(incident, link)
    yield from _gone(incident, link) if link.is_gone else _failures(room, incident, link)
    yield from _progress(room, incident, link)
    yield _conflicts(incident, link)


def _direction(incident: Incident, link: Link) -> Check:
    if link.direction.inbound or link.direction.outbound:
        words = {
            "In": "the remote may change it",
            "Out": "it may change the remote",
            "Both": "both sides may change it",
        }
        return Check(name="direction", state=State.OK, text=f"{link.direction.value}: {words[link.direction.value]}")
    text = "dbotMirrorDirection is empty: neither side may change the other"
    todo = f"casemirror incident edit {incident.id} dbotMirrorDirection=Both"
    return Check(name="direction", state=State.MISSING, text=text, todo=todo)


def _remote_id(room: Room, incident: Incident, link: Link, integration: Integration | None) -> Check:
    name, todo = "remote id", f"casemirror incident edit {incident.id} dbotMirrorId=ID"
    if link.remote_id:
        return Check(name=name, state=State.OK, text=f"it is linked to {link.remote_id}")
    if link.creating_at:
        text = f"a creation was begun at {link.creating_at:%Y-%m-%d %H:%M:%S} UTC and its outcome was never seen"
        todo = f"look whether the object is there; then {todo}, or casemirror link retry {incident.id}"
        return Check(name=name, state=State.MISSING, text=text, todo=todo)
    if not link.direction.outbound or (integration is not None and not integration.mirror_out):
        text = "dbotMirrorId is empty, and nothing may be created there"
        return Check(name=name, state=State.MISSING, text=text, todo=todo)
    if not room.settings.flag("mirror.create.remote"):
        text = "dbotMirrorId is empty, and the setting mirror.create.remote forbids to create the remote object"
        return Check(name=name, state=State.MISSING, text=text, todo=todo)
    return Check(name=name, state=State.UNKNOWN, text="dbotMirrorId is empty: the next push creates the remote object")


def _tags(incident: Incident, link: Link) -> Check:
    if link.tags:
        text = f"comments and files tagged {', '.join(link.tags)} go out"
        return Check(name="tags", state=State.OK, text=text, way=Way.ENTRIES)
    text = "dbotMirrorTags is empty: no comment and no file goes out"
    todo = f"casemirror incident edit {incident.id} dbotMirrorTags=comments"
    return Check(name="tags", state=State.MISSING, text=text, todo=todo, way=Way.ENTRIES)


def _held(incident: Incident, link: Link) -> Check:
    if link.state is LinkState.HELD:
        todo = f"mend that, then casemirror link retry {incident.id}"
        return Check(name="link", state=State.MISSING, text=f"the link is held: {link.held_reason}", todo=todo)
    if link.state is LinkState.PURGED:
        text = "the link was purged after the incident closed: it is neither pulled nor pushed"
        return Check(name="link", state=State.MISSING, text=text, todo=f"casemirror incident reopen {incident.id}")
    return Check(name="link", state=State.OK, text="the link is active")


def _gone(incident: Incident, link: Link) -> Iterator[Check]:
    """The remote object is not there: one line instead of the failed pulls."""
    when = f" (it is looked for again at {link.due_at:%Y-%m-%d %H:%M:%S} UTC)" if link.due_at else ""
    new_id = link.remote_new_id or "NEW_ID"
    todo = (
        f"casemirror link follow {incident.id} {link.instance_name} {new_id} goes on with another object, "
        f"casemirror link remove {incident.id} {link.instance_name} ends it, casemirror link retry {incident.id} looks now"
    )
    text = f"the remote object {link.remote_id} is {link.remote_said}{when}"
    yield Check(name="remote object", state=State.MISSING, text=text, todo=todo)


def _doubts(tx: Connection, incident_id: IncidentId) -> Iterator[Check]:
    """What of the incident may stand twice on a remote."""
    found = doubts.find(tx, incident_id=incident_id)
    if found:
        text = "; ".join(f"{each.entry or 'the object itself'} at {each.instance}: {each.reason}" for each in found[:5])
        more = f" (and {len(found) - 5} more)" if len(found) > 5 else ""
        todo = "look there and delete what is doubled; casemirror doubts lists them"
        yield Check(
            name="sent twice", state=State.UNKNOWN, text=f"possibly sent twice: {len(found)}: {text}{more}", todo=todo
        )


def _failures(room: Room, incident: Incident, link: Link) -> Iterator[Check]:
    when = f"; it is tried again at {link.due_at:%Y-%m-%d %H:%M:%S} UTC" if link.tries and link.due_at else ""
    todo = f"mend that; casemirror link retry {incident.id} tries at once"
    pairs = ((Way.IN, "pull", link.error_in, link.tries_in), (Way.OUT, "push", link.error_out, link.tries_out))
    for way, what, error, tries in pairs:
        if error:
            text = f"the last {what} failed ({tries} in a row): {error}{when}"
            yield Check(name=f"last {what}", state=State.MISSING, text=text, todo=todo, way=way)
    if link.tries and not (link.error_in or link.error_out):
        text = f"the last {link.tries} tries failed{when}"
        yield Check(name="last try", state=State.MISSING, text=text, todo=todo)
    if link.rate_limited:
        text = "the remote's rate limit stopped the last call"
        yield Check(name="rate limit", state=State.MISSING, text=text, todo="wait for the next cycle")


def _progress(room: Room, incident: Incident, link: Link) -> Iterator[Check]:
    if link.direction.inbound and link.remote_id:
        if link.last_sync_at is None:
            text = "it was never pulled"
            todo = f"casemirror instance mirror {link.instance_name}"
            yield Check(name="pulled", state=State.MISSING, text=text, todo=todo, way=Way.IN)
        else:
            text = f"it was last pulled at {link.last_sync_at:%Y-%m-%d %H:%M:%S} UTC"
            yield Check(name="pulled", state=State.OK, text=text, way=Way.IN)


def _conflicts(incident: Incident, link: Link) -> Check:
    if link.conflicts:
        names = ", ".join(sorted(link.conflicts))
        todo = f"casemirror conflict resolve {incident.id} FIELD local|remote"
        return Check(
            name="conflicts", state=State.MISSING, text=f"both sides changed {names}; a person decides", todo=todo
        )
    return Check(name="conflicts", state=State.OK, text="no field waits for a decision")
