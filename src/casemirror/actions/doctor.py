"""Why is this not mirrored? Every precondition of mirroring, looked at one by one, with what to do about a missing one.

Only what is stored is looked at: no remote is called, nothing is changed.
Source: mirroring.md §0.3, §3; `engine.outbound.may_push`, `engine.reconcile.must_pull`, `engine.lane.step`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from casemirror.actions.permission import require
from casemirror.actions.probes import HEALTHY
from casemirror.content.catalog import Catalog
from casemirror.content.items import Integration
from casemirror.engine.app import App
from casemirror.mapping import lint
from casemirror.mapping.lint import Level
from casemirror.model.actor import Actor
from casemirror.model.errors import NotFound
from casemirror.model.ids import IncidentId
from casemirror.model.incident import Incident, Status
from casemirror.model.instance import Instance
from casemirror.model.lane import Lane
from casemirror.model.link import Link, LinkState
from casemirror.model.settings import Settings
from casemirror.store import incidents, instances, lanes, links, rows

if TYPE_CHECKING:
    from sqlalchemy import Connection

MISSED_CYCLES = 3
"""So many intervals without a cycle mean that nobody works for the instance."""


class State(StrEnum):
    """What came of one look."""

    OK = "ok"
    MISSING = "missing"
    """it keeps something from being mirrored"""
    UNKNOWN = "unknown"
    """nothing stored tells, or it need not be so"""


class Way(StrEnum):
    """What a check matters for."""

    BOTH = "both"
    IN = "in"
    OUT = "out"
    ENTRIES = "entries"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One precondition.

    about   the instance, or the incident, that was looked at
    text    what was found, as a sentence; todo: what to do, empty when there is nothing to do
    """

    name: str
    state: State
    text: str
    todo: str = ""
    about: str = ""
    way: Way = Way.BOTH


@dataclass(frozen=True, kw_only=True)
class Room:
    """What all checks look at."""

    settings: Settings
    catalog: Catalog
    now: datetime


def examine(app: App, actor: Actor, subject: str) -> list[Check]:
    """Look over an incident (a number) or an instance (a name). Raises NotFound."""
    require(actor, "doctor.run")
    settings = app.settings()
    with app.store.read() as tx:
        room = Room(settings=settings, catalog=app.library.catalog(tx), now=app.clock.now())
        if rows.is_id(subject) and instances.find(tx, subject) is None:
            return list(of_incident(tx, room, IncidentId(int(subject))))
        return list(of_instance(tx, room, instances.by_name(tx, subject)))


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
    integration = _integration(room, instance)
    for check in _link_checks(room, incident, link, integration):
        yield replace(check, about=about)
    yield from of_instance(tx, room, instance, link)


def of_instance(tx: Connection, room: Room, instance: Instance, link: Link | None = None) -> Iterator[Check]:
    """An instance; for a link only what its direction needs."""
    lane = lanes.of_instance(tx, instance.id)
    mirrored = links.statistics(tx, instance.name)["totalMirrored"]
    integration = _integration(room, instance)
    checks = [
        *_job(room),
        *_instance_checks(instance),
        *_integration_checks(instance, integration, link),
        *(_mapper_checks(room, instance, integration, link) if integration else ()),
        *_lane_checks(room, instance, lane, link),
    ]
    if link is None:
        text = f"{mirrored} open incidents are linked to it"
        todo = "" if mirrored else "fetch incidents, or casemirror link add INCIDENT " + instance.name
        checks.append(Check(name="links", state=State.OK if mirrored else State.UNKNOWN, text=text, todo=todo))
    for check in checks:
        yield replace(check, about=instance.name)


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
    yield from _failures(room, incident, link)
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


def _job(room: Room) -> Iterator[Check]:
    if room.settings.flag("sync.mirror.job.enable"):
        text = f"the mirror job is on, every {room.settings.interval_s:g} s"
        yield Check(name="mirror job", state=State.OK, text=text)
    else:
        todo = "casemirror config set sync.mirror.job.enable true"
        text = "the mirror job is off (sync.mirror.job.enable)"
        yield Check(name="mirror job", state=State.MISSING, text=text, todo=todo)


def _instance_checks(instance: Instance) -> Iterator[Check]:
    name = instance.name
    if instance.enabled:
        yield Check(name="enabled", state=State.OK, text="the instance is enabled")
    else:
        todo = f"casemirror instance enable {name}"
        yield Check(name="enabled", state=State.MISSING, text="the instance is disabled", todo=todo)
    test = f"casemirror instance test {name}"
    if instance.health == HEALTHY:
        yield Check(name="tested", state=State.OK, text="its last test was good")
    elif instance.health:
        yield Check(name="tested", state=State.MISSING, text=f"its last test failed: {instance.health}", todo=test)
    else:
        yield Check(name="tested", state=State.UNKNOWN, text="it was never tested", todo=test)


def _integration_checks(instance: Instance, integration: Integration | None, link: Link | None) -> Iterator[Check]:
    if integration is None:
        text = f"the integration {instance.brand!r} is not installed"
        yield Check(name="integration", state=State.MISSING, text=text, todo="casemirror pack add its pack")
        return
    if integration.runnable:
        text = f"{integration.display} cannot run here: it {integration.runnable}"
        yield Check(name="integration", state=State.MISSING, text=text)
    else:
        yield Check(name="integration", state=State.OK, text=f"{integration.display} is installed and can run")
    wants_in = link.direction.inbound if link else integration.mirror_in or not integration.mirrors
    wants_out = link.direction.outbound if link else integration.mirror_out or not integration.mirrors
    flags = (
        (wants_in, integration.mirror_in, "mirrors in", "isremotesyncin", Way.IN),
        (wants_out, integration.mirror_out, "mirrors out", "isremotesyncout", Way.OUT),
    )
    for wanted, able, what, flag, way in flags:
        if wanted:
            state = State.OK if able else State.MISSING
            text = f"{integration.display} {what}" if able else f"{integration.display} never {what} (it lacks {flag})"
            yield Check(name=what, state=state, text=text, way=way)


def _mapper_checks(room: Room, instance: Instance, integration: Integration, link: Link | None) -> Iterator[Check]:
    sides = (
        (instance.mapper_in, integration.mirror_in, True, Way.IN),
        (instance.mapper_out, integration.mirror_out, False, Way.OUT),
    )
    for reference, able, incoming, way in sides:
        if able and (link is None or (link.direction.inbound if incoming else link.direction.outbound)):
            yield replace(_mapper(room, instance, reference, incoming=incoming, linked=link is not None), way=way)


def _mapper(room: Room, instance: Instance, reference: str, *, incoming: bool, linked: bool) -> Check:
    name, option = ("mapper in", "--mapper-in") if incoming else ("mapper out", "--mapper-out")
    choose = f"casemirror instance update {instance.name} {option} MAPPER"
    if not reference:
        kept = "only severity, details, owner and custom fields come in, under their own names"
        text = kept if incoming else "everything goes out under the names it has here"
        return Check(name=name, state=State.UNKNOWN, text=f"no mapper is chosen: {text}", todo=choose)
    mapper = room.catalog.find_mapper(reference)
    if mapper is None:
        todo = f"casemirror pack add its pack, or {choose}"
        return Check(name=name, state=State.MISSING, text=f"the mapper {reference!r} is not installed", todo=todo)
    if mapper.incoming is not incoming:
        text = f"{mapper.id} is an {'incoming' if mapper.incoming else 'outgoing'} mapper"
        return Check(name=name, state=State.MISSING, text=text, todo=choose)
    look = f"casemirror mapper check {mapper.id} --instance {instance.name}"
    found = lint.check(mapper, room.catalog)
    silent = next((f.text for f in found if "will not mirror" in f.text), "")
    if silent and not linked:
        return Check(name=name, state=State.UNKNOWN, text=f"{mapper.id}: {silent}", todo=look)
    errors = sum(f.level is Level.ERROR for f in found)
    if errors:
        text = f"{mapper.id} has {errors} line{'s' * (errors > 1)} that can never give anything"
        return Check(name=name, state=State.UNKNOWN, text=text, todo=look)
    return Check(name=name, state=State.OK, text=f"{mapper.id} is installed")


def _lane_checks(room: Room, instance: Instance, lane: Lane, link: Link | None) -> Iterator[Check]:
    go_on = f"casemirror instance enable {instance.name}"
    if lane.held_reason:
        yield Check(name="lane", state=State.MISSING, text=f"a brake stopped it: {lane.held_reason}", todo=go_on)
    elif lane.not_before and room.now < lane.not_before:
        why = lane.not_before_reason or "no reason was noted"
        text = f"it waits until {lane.not_before:%Y-%m-%d %H:%M:%S} UTC: {why}"
        todo = f"wait, or casemirror instance mirror {instance.name}"
        yield Check(name="lane", state=State.MISSING, text=text, todo=todo)
    else:
        yield Check(name="lane", state=State.OK, text="nothing stops its work")
    budget = room.settings.count("mirror.instance.budget")
    if budget and lane.pulls_this_cycle >= budget:
        text = f"all {budget} pulls of this cycle are spent (mirror.instance.budget)"
        yield Check(
            name="budget", state=State.MISSING, text=text, todo="wait for the next cycle, or raise it", way=Way.IN
        )
    yield _last_cycle(room, instance, lane)
    if lane.last_error:
        todo = f"casemirror instance test {instance.name}"
        yield Check(name="last error", state=State.MISSING, text=lane.last_error, todo=todo)
    if (link is None or link.direction.inbound) and not lane.can_pull(room.now):
        text = "the integration said that it has no get-remote-data"
        yield Check(name="get-remote-data", state=State.UNKNOWN, text=text, way=Way.IN)


def _last_cycle(room: Room, instance: Instance, lane: Lane) -> Check:
    todo = "is casemirror serve running? casemirror instance mirror " + instance.name + " runs one cycle"
    if lane.last_poll_at is None:
        return Check(name="last cycle", state=State.MISSING, text="no cycle ever ran", todo=todo)
    text = f"the last one ran at {lane.last_poll_at:%Y-%m-%d %H:%M:%S} UTC"
    overdue = room.now - lane.last_poll_at > timedelta(seconds=MISSED_CYCLES * room.settings.interval_s)
    if overdue and room.settings.flag("sync.mirror.job.enable") and instance.enabled:
        return Check(name="last cycle", state=State.UNKNOWN, text=f"{text}, longer ago than it should", todo=todo)
    return Check(name="last cycle", state=State.OK, text=text)


def _integration(room: Room, instance: Instance) -> Integration | None:
    try:
        return room.catalog.integration(instance.brand)
    except NotFound:
        return None
