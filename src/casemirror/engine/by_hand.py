"""A command that a person runs in a war room: what it answers is kept there, its outputs go into the incident's context,
and what asks to be run again is noted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from casemirror.engine.app import App
from casemirror.engine.commands import Caller
from casemirror.mapping import outputs
from casemirror.model.entry import Entry, EntryKind, InboundEntry, NewEntry, RunAgain
from casemirror.model.ids import IncidentId
from casemirror.model.incident import Incident
from casemirror.model.instance import Instance
from casemirror.model.values import Json
from casemirror.runtime import wire
from casemirror.runtime.command import Ending, Reply
from casemirror.store import contexts, entries, files, laters, links

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What a command answered: entries, their files in the store when they are to be kept, and the integration's log."""

    entries: tuple[InboundEntry, ...]
    log: tuple[str, ...] = ()

    @property
    def again(self) -> RunAgain | None:
        """What the command asks to have run later."""
        return next((entry.again for entry in self.entries if entry.again), None)


def ask(caller: Caller, command: str, args: Mapping[str, Json], incident: Incident | None, *, keeps: bool) -> Answered:
    """Run it. Whatever goes wrong in the integration is an entry; raises what `Caller.run` and `files.put` raise.

    keeps   take its files into the store
    """
    reply = caller.run(command, args, incident=incident)
    try:
        found = tuple(_imported(caller.app, entry) if keeps else entry for entry in shown(reply))
    finally:
        reply.discard()
    return Answered(entries=found, log=reply.log)


def shown(reply: Reply) -> tuple[InboundEntry, ...]:
    """The entries of a reply; a command that ended badly and said nothing gets one that says so."""
    found = wire.parse_entries(reply)
    if not found and reply.ending is not Ending.NORMAL:
        return (InboundEntry(contents=f"the command ended without an answer ({reply.ending})", kind=EntryKind.ERROR),)
    return found


def _imported(app: App, entry: InboundEntry) -> InboundEntry:
    """The entry with its file in the store."""
    if not entry.has_file:
        return entry
    most = app.settings().count("files.max")
    return replace(entry, file=files.put(app.store, Path(entry.file_path), entry.file_name, most))


def keep(
    tx: Connection, incident_id: IncidentId, user: str, instance: Instance, found: Sequence[InboundEntry], now: datetime
) -> tuple[Entry, ...]:
    """Write the entries into the war room, and their outputs into the context."""
    kept = tuple(entries.add(tx, incident_id, _new(entry, user, instance), now) for entry in found)
    told = [e.context for e in found if isinstance(e.context, dict) and e.context and e.kind != EntryKind.ERROR]
    if told:
        context = contexts.load(tx, incident_id)
        for each in told:
            context = outputs.merge(context, each)
        contexts.save(tx, incident_id, context)
    if any(entry.tags for entry in kept):
        links.want_incident(tx, incident_id, now)
    return kept


def _new(entry: InboundEntry, user: str, instance: Instance) -> NewEntry:
    return NewEntry(
        contents=entry.contents,
        kind=entry.kind,
        format=entry.format,
        user=user,
        tags=entry.tags,
        note=entry.note,
        file=entry.file,
        context=entry.context,
        brand=instance.brand,
        instance=instance.name,
    )


def note_again(
    tx: Connection,
    again: RunAgain,
    incident_id: IncidentId,
    instance: Instance,
    user: str,
    now: datetime,
    ends_at: datetime | None = None,
) -> None:
    """Have a command run later, in the war room of the incident.

    ends_at   when what began it must be over; None: it begins now
    """
    laters.add(
        tx,
        incident_id=incident_id,
        instance_id=instance.id,
        command=again.command,
        args=again.args,
        user=user,
        due_at=now + timedelta(seconds=again.after_s),
        ends_at=ends_at or now + timedelta(seconds=again.ends_after_s),
    )
