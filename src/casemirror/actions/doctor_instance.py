"""What an instance needs to mirror: its own state, its integration, its mappers, its lane.

Source: mirroring.md §0.1, §0.3, §3.1; `engine.lane.step`, `engine.outbound.may_push`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from casemirror.actions import environments
from casemirror.actions.doctor_values import Check, Room, State, Way
from casemirror.actions.probes import HEALTHY
from casemirror.content.items import Integration
from casemirror.engine import lateness
from casemirror.mapping import lint
from casemirror.mapping.lint import Level
from casemirror.model import health
from casemirror.model.instance import Instance
from casemirror.model.lane import Lane
from casemirror.model.link import Link
from casemirror.store import heartbeats, lanes, links

if TYPE_CHECKING:
    from sqlalchemy import Connection


def of_instance(tx: Connection, room: Room, instance: Instance, link: Link | None = None) -> Iterator[Check]:
    """An instance; for a link only what its direction needs."""
    lane = lanes.of_instance(tx, instance.id)
    mirrored = links.statistics(tx, instance.name)["totalMirrored"]
    integration = room.integration(instance)
    checks = [
        *_job(room),
        *_instance_checks(instance),
        *_integration_checks(instance, integration, link),
        *(_environment_checks(room, instance, integration) if integration and not integration.runnable else ()),
        *(_mapper_checks(room, instance, integration, link) if integration else ()),
        *_lane_checks(room, instance, lane, link),
        *_lateness_checks(tx, room, lane),
        *(_long_run(tx, room, instance, integration) if integration and link is None else ()),
    ]
    if link is None:
        text = f"{mirrored} open incidents are linked to it"
        todo = "" if mirrored else "fetch incidents, or casemirror link add INCIDENT " + instance.name
        checks.append(Check(name="links", state=State.OK if mirrored else State.UNKNOWN, text=text, todo=todo))
    for check in checks:
        yield replace(check, about=instance.name)


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


def _environment_checks(room: Room, instance: Instance, integration: Integration) -> Iterator[Check]:
    """The Python environment on this machine; nothing to tell of an integration that needs none."""
    found, todo = room.environment(integration), f"casemirror env build {instance.name}"
    told = f"its Python environment ({found.need.source})"
    if found.state is environments.State.BUILT:
        yield Check(name="environment", state=State.OK, text=f"{told} is built")
    elif found.state is environments.State.USEFUL:
        text = f"{told} is not built: what imports {', '.join(found.need.missing)} will fail"
        yield Check(name="environment", state=State.UNKNOWN, text=text, todo=todo)
    elif found.state is environments.State.MISSING:
        text = f"{told} is not built on this machine: it cannot start"
        yield Check(name="environment", state=State.MISSING, text=text, todo=todo)
    elif found.state is environments.State.FAILED:
        text = f"{told} could not be built: {found.failure}"
        yield Check(name="environment", state=State.MISSING, text=text, todo=f"mend that, then {todo}")


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
    elif lane.in_not_before and not lane.may_ask(room.now):
        why = lane.in_not_before_reason or "no reason was noted"
        text = f"it asks the remote nothing until {lane.in_not_before:%Y-%m-%d %H:%M:%S} UTC, and only sends: {why}"
        todo = f"wait, or casemirror instance mirror {instance.name}"
        yield Check(name="lane", state=State.MISSING, text=text, todo=todo, way=Way.IN)
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


def _lateness_checks(tx: Connection, room: Room, lane: Lane) -> Iterator[Check]:
    """What the polls tell late, and what one may have left out.   Source: docs/decisions/0013."""
    back = lateness.overlap(room.settings, lane, room.now)
    if lane.late_at and back > lateness.overlap(room.settings, replace(lane, late_at=None), room.now):
        text = (
            f"polls ask {back.total_seconds():.0f} s further back than their last one: a change came {lane.late_s:.0f} s late, "
            f"last at {lane.late_at:%Y-%m-%d %H:%M:%S} UTC"
        )
        yield Check(name="late changes", state=State.OK, text=text, way=Way.IN)
    if lane.sweep_before:
        left = links.stale_count(tx, lane.instance_id, lane.sweep_before)
        text = (
            f"the poll at {lane.sweep_before:%Y-%m-%d %H:%M:%S} UTC may have left something out: {left} links are still to be "
            "looked at in the background"
        )
        yield Check(name="backlog", state=State.UNKNOWN, text=text, todo="nothing: it is done by and by", way=Way.IN)


def _long_run(tx: Connection, room: Room, instance: Instance, integration: Integration) -> Iterator[Check]:
    """The process of a long-running integration.   Source: `engine.longrun`."""
    if not integration.long_running:
        return
    name = "long-running"
    if instance.params.get("longRunning") is not True:
        todo = f"casemirror instance update {instance.name} -p longRunning=true, if it is to run all the time"
        yield Check(name=name, state=State.UNKNOWN, text="its checkbox is off", todo=todo)
        return
    lane = lanes.find_long(tx, instance.id)
    runs = lane is not None and lane.owner in heartbeats.alive(tx)
    if lane is None or not (runs or lane.last_error):
        yield Check(name=name, state=State.MISSING, text="it does not run", todo="is casemirror serve running?")
    elif not runs:
        at = f" at {lane.not_before:%Y-%m-%d %H:%M:%S} UTC" if lane.not_before else ""
        text = f"it ended: {lane.last_error}; it starts again{at}"
        yield Check(name=name, state=State.MISSING, text=text, todo=f"casemirror instance test {instance.name}")
    elif lane.fetch_error:
        yield Check(name=name, state=State.MISSING, text=f"it runs and says: {lane.fetch_error}")
    else:
        since = f"{lane.last_poll_at:%Y-%m-%d %H:%M:%S} UTC" if lane.last_poll_at else "a moment ago"
        yield Check(name=name, state=State.OK, text=f"running since {since}")


def _last_cycle(room: Room, instance: Instance, lane: Lane) -> Check:
    todo = "is casemirror serve running? casemirror instance mirror " + instance.name + " runs one cycle"
    if lane.last_poll_at is None:
        return Check(name="last cycle", state=State.MISSING, text="no cycle ever ran", todo=todo)
    text = f"the last one ran at {lane.last_poll_at:%Y-%m-%d %H:%M:%S} UTC"
    overdue = room.now - lane.last_poll_at > health.grace(room.settings)
    if overdue and room.settings.flag("sync.mirror.job.enable") and instance.enabled:
        return Check(name="last cycle", state=State.UNKNOWN, text=f"{text}, longer ago than it should", todo=todo)
    return Check(name="last cycle", state=State.OK, text=text)
