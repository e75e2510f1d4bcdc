"""Run a command by hand, as in a war room. Mirror commands show what they answer and change nothing here (MIR-034)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from casemirror.actions import command_line, debugging, mirror
from casemirror.actions.command_line import Typed
from casemirror.actions.permission import require
from casemirror.content.items import Argument, Integration
from casemirror.engine import by_hand, commands
from casemirror.engine.app import App
from casemirror.model.actor import Actor
from casemirror.model.entry import Entry, EntryKind, InboundEntry, RunAgain
from casemirror.model.errors import Conflict, Invalid, NotFound
from casemirror.model.ids import IncidentId
from casemirror.model.incident import Incident
from casemirror.model.instance import Instance
from casemirror.store import audit, incidents, instances

MIRROR_COMMANDS: Final = frozenset(
    "get-modified-remote-data get-remote-data update-remote-system get-mapping-fields".split()
)
DEBUG_RUN: Final = "triggerDebugMirroringRun"
NOT_HERE: Final[Mapping[str, str]] = {
    "fetch-indicators": "casemirror keeps incidents in sync; it has no indicators to keep a feed's answers in",
    "fetch-credentials": "casemirror takes secrets from its own store only, not from a vault's integration",
    "fetch-incidents": "the server does that by itself (`casemirror instance fetch INSTANCE` brings the next fetch forward)",
    "long-running-execution": "the server does that by itself for an instance with longRunning=true",
}
"""Commands that are the server's, or of a kind of integration that casemirror does not run."""
_UNDECLARED: Final = frozenset({"get-mapping-fields"})
"""Runnable although no integration needs to declare it.   Source: MIR-195."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a command answered.

    stored   the entries as they stand in the incident's war room now; empty when nothing was kept
    again    what the command asks to have run later; in a war room a server does that by itself
    """

    instance: str
    command: str
    entries: tuple[InboundEntry, ...]
    stored: tuple[Entry, ...] = ()
    again: RunAgain | None = None
    log: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """The command told an error."""
        return any(entry.kind == EntryKind.ERROR for entry in self.entries)


def run(app: App, actor: Actor, text: str, *, using: str = "", incident_id: IncidentId | None = None) -> Answer:
    """Run ``!command key=value``; entries of an ordinary command are kept in the incident's war room.

    using   the instance; empty: the only enabled one that has the command
    Raises NotFound (command, instance, incident), Invalid (arguments), Conflict (disabled, or several could be meant).
    """
    require(actor, "command.run")
    typed = command_line.parse(text)
    _refuse(typed.name)
    if typed.name == DEBUG_RUN:
        return _debug_run(app, actor, typed, incident_id)
    if typed.name in _BUILT_IN:
        return _built_in(app, actor, typed)
    incident = _incident(app, incident_id)
    instance, integration = _chosen(app, typed.name, using)
    args = command_line.arguments(typed, _declared(integration, typed.name))
    keeps = incident is not None and typed.name not in MIRROR_COMMANDS
    answered = by_hand.ask(commands.caller(app, instance), typed.name, args, incident, keeps=keeps)
    kept: tuple[Entry, ...] = ()
    with app.store.write() as tx:
        now = app.clock.now()
        if incident is not None and keeps:
            kept = by_hand.keep(tx, incident.id, actor.name, instance, answered.entries, now)
            if answered.again:
                by_hand.note_again(tx, answered.again, incident.id, instance, actor.name, now)
        detail = {"instance": instance.name, "incident": incident_id}
        audit.add(tx, now, actor.name, "command.run", typed.name, detail)
    return Answer(
        instance=instance.name,
        command=typed.name,
        entries=answered.entries,
        stored=kept,
        log=answered.log,
        again=answered.again,
    )


def run_again(app: App, actor: Actor, answer: Answer) -> Answer:
    """Run what a command outside an incident asked to have run again; nothing of it is kept. Raises what `run` raises."""
    require(actor, "command.run")
    assert answer.again is not None
    with app.store.read() as tx:
        instance = _may_run(instances.by_name(tx, answer.instance))
    caller = commands.caller(app, instance)
    found = by_hand.ask(caller, answer.again.command, answer.again.args, None, keeps=False)
    return replace(answer, command=answer.again.command, entries=found.entries, log=found.log, again=found.again)


def _refuse(command: str) -> None:
    if command in NOT_HERE:
        raise Invalid(f"{command} is not run here: {NOT_HERE[command]}")


def _incident(app: App, incident_id: IncidentId | None) -> Incident | None:
    if incident_id is None:
        return None
    with app.store.read() as tx:
        return incidents.load(tx, incident_id)


def _chosen(app: App, command: str, using: str) -> tuple[Instance, Integration]:
    """The instance that is meant."""
    with app.store.read() as tx:
        catalog = app.library.catalog(tx)
        if using:
            instance = instances.by_name(tx, using)
            return _may_run(instance), catalog.integration(instance.brand)
        able = [
            (instance, catalog.integrations[instance.brand])
            for instance in instances.list_all(tx)
            if instance.enabled
            and instance.brand in catalog.integrations
            and _has(catalog.integrations[instance.brand], command)
        ]
    if len(able) > 1:
        raise Conflict(f"several instances have {command}: {', '.join(i.name for i, _ in able)}; say which by --using")
    if not able:
        raise NotFound(f"no enabled instance has a command {command!r}")
    return able[0]


def _may_run(instance: Instance) -> Instance:
    if not instance.enabled:
        raise Conflict(f"{instance.name} is disabled; `casemirror instance enable {instance.name}` lets it work")
    return instance


def _has(integration: Integration, command: str) -> bool:
    return command in _UNDECLARED or integration.command(command) is not None


def _declared(integration: Integration, command: str) -> tuple[Argument, ...]:
    spec = integration.command(command)
    if spec is None and command not in _UNDECLARED:
        known = ", ".join(c.name for c in integration.commands if not c.hidden) or "none"
        raise NotFound(f"{integration.display} has no command {command!r}; it has {known}")
    return spec.arguments if spec else ()


def _debug_run(app: App, actor: Actor, typed: Typed, incident_id: IncidentId | None) -> Answer:
    """`triggerDebugMirroringRun`: of the incident that is named, else of the one in whose war room it runs (MIR-192)."""
    given = command_line.arguments(typed, [Argument(name="incidentId")]).get("incidentId", "")
    wanted = IncidentId(_number("incidentId", str(given))) if given else incident_id
    if wanted is None:
        raise Invalid("say of which incident: incidentId=…")
    kept, text = debugging.run(app, actor, wanted)
    return Answer(instance="", command=typed.name, entries=(InboundEntry(contents=text),), stored=(kept,))


def _built_in(app: App, actor: Actor, typed: Typed) -> Answer:
    names, work = _BUILT_IN[typed.name]
    args = command_line.arguments(typed, [Argument(name=name) for name in names])
    found = work(app, actor, args)
    shown = InboundEntry(contents=json.dumps(found), format="json")
    return Answer(instance="", command=typed.name, entries=(shown,))


def _records(app: App, actor: Actor, args: Mapping[str, str]) -> Any:
    closed = args.get("closed", "").lower()
    if closed not in ("", "true", "false"):
        raise Invalid(f"closed: {closed!r} is neither true nor false")
    incident_id = args.get("incidentId", "")
    return mirror.records(
        app,
        actor,
        instance=args.get("dbotMirrorInstance", ""),
        incident_id=IncidentId(_number("incidentId", incident_id)) if incident_id else None,
        closed=None if not closed else closed == "true",
        limit=_number("limit", args.get("limit", "1000")),
        offset=_number("offset", args.get("offset", "0")),
    )


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise Invalid(f"{name}: {text!r} is no whole number")
    return int(text)


_BuiltIn = Callable[[App, Actor, Mapping[str, str]], Any]
_BUILT_IN: Final[Mapping[str, tuple[tuple[str, ...], _BuiltIn]]] = {
    "getMirrorStatistics": (
        ("dbotMirrorInstance",),
        lambda app, actor, args: {
            "MirrorStatistics": mirror.statistics(app, actor, args.get("dbotMirrorInstance", ""))
        },
    ),
    "getSyncMirrorRecords": (("dbotMirrorInstance", "incidentId", "closed", "limit", "offset"), _records),
    "purgeClosedSyncMirrorRecords": (
        ("dbotMirrorInstance", "olderThan"),
        lambda app, actor, args: mirror.purge(
            app, actor, args.get("dbotMirrorInstance", ""), args.get("olderThan", "")
        ),
    ),
}
"""The server's own commands.   Source: mirroring.md §5.2–§5.4."""
