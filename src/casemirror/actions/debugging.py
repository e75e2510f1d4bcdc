"""`triggerDebugMirroringRun`: mirror one incident now, for real, and keep a log of every step as a file.

Source: mirroring.md §5.5; MIR-191…194.
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from casemirror.actions.cycles import LOOK_S, PATIENCE_S, lane_id
from casemirror.actions.permission import require
from casemirror.engine import commands, lane, poll
from casemirror.engine.app import App
from casemirror.engine.presence import Presence
from casemirror.engine.reconcile import reconcile
from casemirror.engine.turn import Turn
from casemirror.model.actor import Actor
from casemirror.model.entry import Entry, EntryKind, NewEntry
from casemirror.model.errors import CasemirrorError, RetryLater
from casemirror.model.ids import IncidentId, InstanceId
from casemirror.model.incident import Incident
from casemirror.model.instance import Instance
from casemirror.model.link import Link, LinkState
from casemirror.model.values import time_text
from casemirror.runtime import wire
from casemirror.runtime.command import Command, Reply, Runtime
from casemirror.runtime.masking import Masker
from casemirror.store import audit, entries, files, incidents, instances, lanes, links


@dataclass(kw_only=True)
class Log:
    """What was done, line by line."""

    app: App
    lines: list[str] = field(default_factory=list)

    def add(self, text: str) -> None:
        """Add a line with the time."""
        self.lines += [f"{time_text(self.app.clock.now())} {line}" for line in text.splitlines() or [""]]


@dataclass(frozen=True)
class Recorder:
    """Runs commands in debug mode and writes down what they were told, what they answered and what they logged.

    Secrets never reach the log: parameters are not written down, and everything else is masked.
    """

    runtime: Runtime
    log: Log

    def run(self, command: Command) -> Reply:
        """Run one command to its end."""
        mask = Masker(command.secrets)
        args = {name: value for name, value in command.args.items() if name != "data"}
        self.log.add(mask(f"call {command.name} {wire.shown(args)}"))
        reply = self.runtime.run(replace(command, debug=True))
        for line in reply.log:
            self.log.add(mask(f"  | {line}"))
        took = f"{reply.duration_s:.3f} s ({reply.ending})"
        self.log.add(mask(f"answer of {command.name} after {took}: {wire.shown(reply.results)}"))
        if reply.error:
            self.log.add(mask(reply.error))
        return reply

    def close(self) -> None:
        """Nothing of its own to end."""


def run(app: App, actor: Actor, incident_id: IncidentId) -> tuple[Entry, str]:
    """Poll without moving the cursor, pull and push the incident's links at once, also while the mirror job is off.

    The log is attached to the incident; it is given as text, too. Of an incident that is not mirrored it says what is
    missing, and nothing is called. Raises NotFound; RetryLater when a running server does not give its lane up in time.
    """
    require(actor, "instance.mirror")
    log = Log(app=app)
    with app.store.read() as tx:
        incident = incidents.load(tx, incident_id)
        found = links.of_incident(tx, incident_id)
        there = {instance.id: instance for instance in instances.list_all(tx)}
    log.add(f"debug run of incident {incident_id}, type {incident.type}, {incident.status.name.lower()}")
    if not found:
        log.add("not mirrored: dbotMirrorInstance and dbotMirrorDirection are not set, so it has no link")
    with Presence(app):
        for link in found:
            _mirror(app, log, incident, link, there)
    return _attached(app, actor, incident_id, log)


def _mirror(app: App, log: Log, incident: Incident, link: Link, there: Mapping[InstanceId, Instance]) -> None:
    log.add(
        f"link {link.id}: {link.instance_name} {link.remote_id or '(to be created)'}, direction {link.direction or 'none'}"
    )
    instance = there.get(link.instance_id) if link.instance_id else None
    lacking = _lacking(app, link, instance)
    if lacking or instance is None:
        log.add(f"not mirrored: {lacking}")
        return
    spied = replace(app, runtime=Recorder(app.runtime, log))
    turn = _taken(spied, instance)
    try:
        _flow(turn, log, link)
    except CasemirrorError as error:
        log.add(f"{error.stable_code}: {error.message}")
    finally:
        lane.release(turn)


def _lacking(app: App, link: Link, instance: Instance | None) -> str:
    """The first condition of mirroring that is not met; empty when all are."""
    if instance is None:
        return f"dbotMirrorInstance {link.instance_name!r} names no instance"
    if not instance.enabled:
        return f"{instance.name} is disabled"
    with app.store.read() as tx:
        integration = app.library.catalog(tx).integrations.get(instance.brand)
        line = lanes.of_instance(tx, instance.id)
    if integration is None:
        return f"the integration {instance.brand!r} is not installed"
    if not integration.mirrors:
        return f"{integration.display} has neither isremotesyncin nor isremotesyncout"
    if line.held_reason:
        return f"{instance.name} was stopped: {line.held_reason}"
    if link.state is LinkState.PURGED:
        return "the record of this closed incident was purged"
    return "" if link.direction else "dbotMirrorDirection is empty"


def _taken(app: App, instance: Instance) -> Turn:
    """The instance's lane, as soon as whoever works on it gives it up."""
    commands.caller(app, instance).code()
    ends = app.clock.now() + timedelta(seconds=PATIENCE_S)
    while app.clock.now() < ends:
        turn = lane.take(app, lane_id(app, instance))
        if turn is not None:
            return turn
        app.clock.sleep(LOOK_S)
    raise RetryLater(f"{instance.name} was busy for {PATIENCE_S:g} s; try again")


def _flow(turn: Turn, log: Log, link: Link) -> None:
    """Step 1 without the cursor, then pull and push of the one link."""
    clock = turn.app.clock
    if turn.caller.integration.mirror_in and turn.lane.can_poll(clock.now()):
        turn.hold_for(turn.settings.seconds("mirror.command.timeout"))
        reply = turn.caller.run("get-modified-remote-data", wire.poll_arguments(poll.poll_since(turn, clock.now())))
        try:
            answer = wire.parse_poll(reply)
            log.add(
                f"the poll answers {answer.kind}: {', '.join(answer.ids) or answer.text or 'no ids'}; the cursor stays"
            )
        except CasemirrorError as error:
            log.add(f"the poll fails, and nothing follows from it: {error.message}")
        finally:
            reply.discard()
    with turn.write() as tx:
        pulls = link.direction.inbound and bool(link.remote_id)
        links.want(tx, link.id, clock.now(), priority=0, named=pulls, reset=True)
    outcome = reconcile(turn, link.id)
    log.add(
        f"{'+'.join(outcome.steps) or 'nothing to do'}: in {outcome.fields_in} fields, {outcome.entries_in} entries; "
        f"out {outcome.fields_out} fields, {outcome.entries_out} entries"
    )


def _attached(app: App, actor: Actor, incident_id: IncidentId, log: Log) -> tuple[Entry, str]:
    now = app.clock.now()
    text = "\n".join([*log.lines, ""])
    name = f"mirror-debug-{incident_id}-{now:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}.log"
    file = files.put(app.store, io.BytesIO(text.encode()), name, app.settings().count("files.max"))
    new: dict[str, Any] = {"kind": EntryKind.FILE, "user": actor.name, "file": file}
    with app.store.write() as tx:
        kept = entries.add(tx, incident_id, NewEntry(**new), now)
        audit.add(tx, now, actor.name, "mirror.debugged", f"incident {incident_id}", {"file": name})
    return kept, text
