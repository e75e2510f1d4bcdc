"""What people say in an incident: comments, files, tags. Only what bears a tag of a link goes out by it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from casemirror.actions import changes
from casemirror.actions.permission import require
from casemirror.engine.app import App
from casemirror.model.actor import Actor
from casemirror.model.entry import Entry, EntryKind, NewEntry
from casemirror.model.errors import Invalid
from casemirror.model.ids import IncidentId
from casemirror.model.incident import Status
from casemirror.model.link import Link
from casemirror.store import entries, files, incidents, links

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, kw_only=True)
class Said:
    """An entry that was written.

    goes_to   names of the instances that it is sent to
    takes     tags that the incident's links take, for a person who gave none of them
    waits     why it does not go out yet; empty when it does
    """

    entry: Entry
    goes_to: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    waits: str = ""


def comment(app: App, actor: Actor, incident_id: IncidentId, text: str, *, tags: Iterable[str] = ()) -> Said:
    """Say something in the war room.   Source: MIR-162, 163, 171."""
    require(actor, "incident.comment")
    if not text.strip():
        raise Invalid("the comment is empty")
    new = NewEntry(contents=text, user=actor.name, category="chat", tags=_clean(tags))
    return _write(app, actor, incident_id, new, "incident.commented")


def attach(
    app: App,
    actor: Actor,
    incident_id: IncidentId,
    source: Path | BinaryIO,
    name: str,
    *,
    tags: Iterable[str] = (),
    text: str = "",
) -> Said:
    """Add a file to the war room. Raises Invalid when it cannot be read or is larger than `files.max`."""
    require(actor, "incident.attach")
    with app.store.read() as tx:
        incidents.load(tx, incident_id)
    file = files.put(app.store, source, name, app.settings().count("files.max"))
    new = NewEntry(contents=text, kind=EntryKind.FILE, user=actor.name, tags=_clean(tags), file=file)
    return _write(app, actor, incident_id, new, "incident.file_attached")


def tag(app: App, actor: Actor, label: str, *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> Said:
    """Change the tags of an entry (``12@3``); a tag of a link sends it out now.   Source: MIR-165."""
    require(actor, "incident.tag")

    def work(tx: Connection) -> Said:
        entry = entries.by_label(tx, label)
        kept = [t for t in (*entry.tags, *_clean(add)) if t not in _clean(remove)]
        now = app.clock.now()
        changed = entries.set_tags(tx, entry.id, kept, now)
        links.want_incident(tx, entry.incident_id, now)
        changes.note(tx, app, actor, "entry.tagged", entry.incident_id, {"entry": label, "tags": list(changed.tags)})
        return _said(tx, app, changed)

    return app.store.write_retry(work)


def _write(app: App, actor: Actor, incident_id: IncidentId, new: NewEntry, verb: str) -> Said:
    def work(tx: Connection) -> Said:
        incidents.load(tx, incident_id)
        now = app.clock.now()
        entry = entries.add(tx, incident_id, new, now)
        if entry.tags:
            links.want_incident(tx, incident_id, now)
        changes.note(tx, app, actor, verb, incident_id, {"entry": entry.label})
        return _said(tx, app, entry)

    return app.store.write_retry(work)


def _said(tx: Connection, app: App, entry: Entry) -> Said:
    out = [link for link in links.of_incident(tx, entry.incident_id) if link.direction.outbound]
    resend = app.settings().flag("mirror.resend.inbound")

    def tags_for(link: Link) -> tuple[str, ...]:
        """Those by which the entry may go out by a link; back where it came from only by tags that a person gave it."""
        return entry.tags if link.id != entry.link_id else entry.given if resend else ()

    goes = [link for link in out if set(link.tags) & set(tags_for(link))]
    status = incidents.load(tx, entry.incident_id).status
    waits = {Status.PENDING: "the incident is pending", Status.CLOSED: "the incident is closed"}.get(status, "")
    return Said(
        entry=entry,
        goes_to=tuple(link.instance_name for link in goes),
        takes=tuple(dict.fromkeys(t for link in out for t in link.tags)),
        waits=waits if goes else "",
    )


def _clean(tags: Iterable[str]) -> tuple[str, ...]:
    """Tags as they are stored: trimmed, each once; a text may hold several, parted by commas."""
    return tuple(dict.fromkeys(part.strip() for text in tags for part in text.split(",") if part.strip()))
