"""Fetch new incidents: run fetch-incidents, classify, map in, create them together with the integration's notebook."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from casemirror.engine import birth, inbound, looking, timers
from casemirror.engine.app import log
from casemirror.engine.turn import Turn
from casemirror.mapping import classify, incoming, labels
from casemirror.model.entry import EntryKind, FileRef, NewEntry
from casemirror.model.errors import MirrorCycle
from casemirror.model.incident import Incident, MirrorFields, NewIncident
from casemirror.model.values import Json
from casemirror.runtime import wire
from casemirror.store import entries, links

if TYPE_CHECKING:
    from sqlalchemy import Connection

DEFAULT_MINUTES = 1.0
"""Interval of fetch-incidents when the instance does not set `incidentFetchInterval`.   Source: content.md §1.3."""


def is_on(turn: Turn) -> bool:
    """The instance fetches: its integration can, and its checkbox is on."""
    return turn.caller.integration.fetch and turn.instance.params.get("isFetch") is True


def interval_s(turn: Turn) -> float:
    """Seconds between two fetches of the instance."""
    if turn.settings["incidents.fetch.delayAdvanced"] is not None:
        return max(turn.settings.seconds("incidents.fetch.delayAdvanced"), 0.1)
    given = turn.instance.params.get("incidentFetchInterval")
    try:
        minutes = float(str(given)) if given not in (None, "") else DEFAULT_MINUTES
    except ValueError:
        minutes = DEFAULT_MINUTES
    return max(minutes * 60.0, 1.0)


def fetch(turn: Turn) -> int:
    """Run one fetch; returns how many incidents it created.

    Incidents and lastRun change in one transaction, after the command ended well (rule 4; MIR-037, MIR-038).
    """
    now = turn.app.clock.now()
    with turn.write() as tx:
        turn.note(tx, next_fetch_at=now + timedelta(seconds=interval_s(turn)))
    if not is_on(turn):
        with turn.write() as tx:
            went_well(turn, tx)
        return 0
    turn.hold_for(turn.settings.seconds("mirror.command.timeout"))
    started = turn.app.clock.now()
    reply = turn.caller.run("fetch-incidents", {})
    try:
        found = [(raw, prepare(turn, raw)) for raw in wire.parse_fetch(reply) if not closes_cycle(turn, raw)]
        files = [inbound.attachments(turn, new.attachments, reply.folder) for _, new in found]
        with turn.write() as tx:
            created = [create(turn, tx, new, taken, started) for (_, new), taken in zip(found, files, strict=True)]
            turn.keep(tx, reply)
            went_well(turn, tx)
    finally:
        reply.discard()
    made = sum(incident is not None for incident in created)
    if made:
        log.info("fetch.finished", instance=turn.instance.name, created=made, told=len(found))
    return made


def went_well(turn: Turn, tx: Connection) -> None:
    """Forget what went wrong with the last fetch; nothing is written when nothing did."""
    if turn.lane.fetch_error:
        shown = {"last_error": ""} if turn.lane.last_error == turn.lane.fetch_error else {}
        turn.note(tx, fetch_error="", **shown)


def prepare(turn: Turn, raw: Mapping[str, Any]) -> NewIncident:
    """Classify and map one fetched incident.   Source: content.md §3.6–§3.8; mirroring.md §1.4; MIR-040, MIR-041."""
    given = wire.new_incident(raw)
    event = event_of(given, raw)
    catalog, instance = turn.caller.catalog, turn.instance
    outside = turn.outside()
    kind = classify.classify(
        event, catalog.classifier(instance.classifier), default_type(turn), str(raw.get("type") or ""), outside
    )
    mapper = catalog.mapper(instance.mapper_in)
    mapped = incoming.map_in(event, mapper, kind, catalog, outside=outside)
    turn.app.warn_of_mapping(instance.name, mapped.warnings)
    fields: dict[str, Json] = {**given.fields, **inbound.known_owner(turn, mapped.fields)}
    if not fields.get("name"):
        fields["name"] = given.fields.get("name") or ""
    fields |= {"sourceBrand": instance.brand, "sourceInstance": instance.name}
    return replace(
        given,
        fields=timers.begun(fields, kind, catalog),
        type=kind,
        occurred_at=wire.parse_occurred(fields.get("occurred")) or given.occurred_at,
        labels=labels.labels_for(event, mapper, kind, brand=instance.brand, instance=instance.name, given=given.labels),
        mirror=merged_mirror(given.mirror, wire.parse_mirror_fields(mapped.mirror)),
    )


def closes_cycle(turn: Turn, raw: Mapping[str, Any]) -> bool:
    """The object is one of our own incidents, seen through other servers: it is left out.   Source: `engine.topology`."""
    try:
        looking.refuse_cycle(turn, event_of(wire.new_incident(raw), raw))
    except MirrorCycle as error:
        log.warning("fetch.cycle_refused", instance=turn.instance.name, reason=error.message)
        return True
    return False


def event_of(given: NewIncident, raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """The event: `rawJSON` when it is an object, else the fetched dict itself."""
    try:
        event = json.loads(given.raw_json) if given.raw_json else None
    except ValueError:
        event = None
    return event if isinstance(event, Mapping) else raw


def default_type(turn: Turn) -> str:
    """Value of the instance's incident type parameter (type 13), whatever its name."""
    for parameter in turn.caller.integration.params:
        if parameter.type == 13:
            return str(turn.instance.params.get(parameter.name) or "")
    return ""


def merged_mirror(top: MirrorFields, mapped: MirrorFields) -> MirrorFields:
    """Mirror values from both routes; the mapper's win.   Source: content.md §1.3."""
    return MirrorFields(
        remote_id=mapped.remote_id or top.remote_id,
        instance=mapped.instance or top.instance,
        direction=mapped.direction or top.direction,
        tags=mapped.tags or top.tags,
    )


def create(turn: Turn, tx: Connection, new: NewIncident, files: list[FileRef], started: datetime) -> Incident | None:
    """Create one incident with its link and files; None for a remote object that this instance mirrors already."""
    named = birth.instance_named(tx, new.mirror.instance)
    if named and new.mirror.remote_id and links.by_remote(tx, named.id, new.mirror.remote_id):
        log.info("fetch.already_linked", instance=turn.instance.name, remote_id=new.mirror.remote_id)
        return None
    now = turn.app.clock.now()
    since = min(started, new.occurred_at or started)
    incident, _ = birth.create(tx, new, now, turn.settings, since=since, actor=turn.instance.name)
    for file in files:
        entry = NewEntry(kind=EntryKind.FILE, file=file, brand=turn.instance.brand, instance=turn.instance.name)
        entries.add(tx, incident.id, entry, now)
    return incident
