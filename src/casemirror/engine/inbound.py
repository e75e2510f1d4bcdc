"""The way in: from a reply to mapped fields, imported files and entries that are really new."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from casemirror.engine.app import log
from casemirror.engine.plan import NOTHING_TOLD, Told
from casemirror.engine.turn import Turn
from casemirror.mapping import classify, incoming
from casemirror.model.entry import Entry, FileRef, InboundEntry, NewEntry, Outgoing
from casemirror.model.errors import CasemirrorError
from casemirror.model.incident import ENGINE_FIELDS, MIRROR_ERROR_IN, Incident
from casemirror.model.link import Link
from casemirror.model.values import Json, canonical, time_text
from casemirror.runtime import wire
from casemirror.runtime.command import Reply
from casemirror.runtime.wire import RemoteData
from casemirror.runtime.wire.entries import produced_file
from casemirror.store import entries as entry_store
from casemirror.store import files, users

if TYPE_CHECKING:
    from sqlalchemy import Connection

MARKERS = ("Mirrored from Cortex XSOAR", "_mirrored_from_xsoar", "via casemirror [ref ")
"""Texts by which integrations mark what they wrote on our behalf."""

ECHO_WINDOW = timedelta(minutes=10)
"""Clocks may differ by that much: what we sent that long before a pull's lower bound can still come back by it."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """What a pull covers: everything since `since`, as of `started`; what came after `ended` it cannot have seen."""

    since: datetime
    started: datetime
    ended: datetime


@dataclass(frozen=True, kw_only=True)
class Pulled:
    """What the pull brought; `inbox_ids` None: it came by a call."""

    told: Told = NOTHING_TOLD
    window: Window
    payload: Mapping[str, Any] | None = None
    message: str = ""
    """a text instead of an object: shown, and nothing counts as synced"""
    failed: bool = False
    """it was `in_mirror_error`: the pull is tried again"""
    reply: Reply | None = None
    inbox_ids: tuple[int, ...] | None = None

    @property
    def answered(self) -> bool:
        """The remote told something; else the integration has no get-remote-data."""
        return self.reply is not None or self.inbox_ids is not None


def understand(turn: Turn, link: Link, incident: Incident, data: RemoteData) -> Told:
    """Map a remote object in and import the files of its entries. Reads the disk, writes only the file store."""
    fields: dict[str, Json] = {}
    kind = incident.type
    if data.object is not None:
        kind = type_of(turn, incident, data.object)
        fields = map_object(turn, link, replace(incident, type=kind), data.object)
        if link.error_in and link.error_in == incident.get(MIRROR_ERROR_IN):
            fields = {MIRROR_ERROR_IN: "", **fields}  # we wrote it ourselves, for want of an object
    if data.message:
        fields[MIRROR_ERROR_IN] = data.message
    error_free = data.object is not None and not data.object.get("in_mirror_error")
    return Told(
        type=kind,
        fields=known_owner(turn, fields),
        entries=tuple(import_files(turn, data.entries)),
        controls=tuple(replace(c, extra=_only_fields(turn, c.extra)) for c in data.controls),
        seen_open=error_free and not any(c.close for c in data.controls),
    )


def type_of(turn: Turn, incident: Incident, raw: Mapping[str, Any]) -> str:
    """The incident's type; with `mirror.reclassify` what the instance's classifier says of the object.   Source: MIR-103."""
    if not turn.settings.flag("mirror.reclassify"):
        return incident.type
    classifier = turn.caller.catalog.classifier(turn.instance.classifier)
    return classify.classify(raw, classifier, incident.type, outside=turn.outside())


def map_object(turn: Turn, link: Link, incident: Incident, raw: Mapping[str, Any]) -> dict[str, Json]:
    """Map a remote object in: incident field → value, only what the object tells.

    A timer field is told in parts; what it does not tell stays as it is here (MIR-116). Mirror fields are not told by
    objects: they may be constants of the mapper, and what a person set would not stay (MIR-100, MIR-101).
    """
    catalog = turn.caller.catalog
    mapped = incoming.map_in(
        raw,
        catalog.mapper(turn.instance.mapper_in),
        incident.type,
        catalog,
        null_empties=turn.settings.flag("mirror.null.empties"),
        outside=turn.outside(),
    )
    turn.app.warn_of_mapping(turn.instance.name, mapped.warnings)
    other = wire.parse_mirror_fields(mapped.mirror)
    if other.remote_id not in ("", link.remote_id) or other.instance not in ("", link.instance_name):
        told = {"told_id": other.remote_id, "told_instance": other.instance}
        log.warning("link.other_target_ignored", instance=turn.instance.name, incident=incident.id, **told)
    fields = {**mapped.told}
    if "occurred" in fields:
        at = wire.parse_occurred(fields.pop("occurred"))
        fields |= {"occurred": time_text(at)} if at else {}
    for name, value in fields.items():
        here = incident.get(name)
        if isinstance(value, Mapping) and isinstance(here, Mapping) and catalog.is_timer(name):
            fields[name] = {**here, **value}
    return fields


def known_owner(turn: Turn, fields: Mapping[str, Json]) -> dict[str, Json]:
    """Resolve a mapped owner to a local user; an unknown one is left out with a warning.   Source: MIR-114."""
    owner = fields.get("owner")
    kept = dict(fields)
    if not owner:
        return kept
    with turn.app.store.read() as tx:
        user = _username(tx, str(owner))
    if user:
        kept["owner"] = user
    else:
        del kept["owner"]
        log.warning("owner.unknown", instance=turn.instance.name, owner=str(owner))
    return kept


def _username(tx: Connection, text: str) -> str:
    """Username of the local user with that name or e-mail address; empty when there is none."""
    user = users.find(tx, username=text) or users.find(tx, email=text)
    return str(user["username"]) if user else ""


def _only_fields(turn: Turn, extra: Mapping[str, Json]) -> dict[str, Json]:
    """Keys of a control entry that are machine names of installed custom fields.   Source: MIR-130."""
    return {k: v for k, v in extra.items() if k not in ENGINE_FIELDS and turn.caller.catalog.field_by_cli(k)}


def import_files(turn: Turn, found: Iterable[InboundEntry]) -> Iterable[InboundEntry]:
    """Take the bytes of file entries into the store; a file that cannot be taken becomes a note that says why."""
    for entry in found:
        if not entry.has_file:
            yield entry
            continue
        try:
            file = turn.take_file(Path(entry.file_path), entry.file_name)
        except CasemirrorError as error:
            if not isinstance(error, files.refusals()):
                raise
            log.warning("file.not_imported", instance=turn.instance.name, name=entry.file_name, reason=error.message)
            yield replace(
                entry, kind=1, file_name="", contents=f"File {entry.file_name} was not taken over: {error.message}"
            )
            continue
        yield replace(entry, file=file)


def fingerprint(entry: InboundEntry) -> str:
    """Identity of an inbound entry: the remote's own id when the integration tells it (``id:…``, good for ever), else
    type, text, file name and bytes, tags (good inside overlapping pulls).
    """
    if entry.remote_id:
        return f"id:{entry.remote_id}"
    file = [entry.file_name, entry.file.id if entry.file else ""]
    text = canonical([entry.kind, entry.contents, file, sorted(entry.tags)])
    return hashlib.sha256(text.encode()).hexdigest()


def only_new(
    tx: Connection, link: Link, found: Iterable[InboundEntry], window: Window, arrived: Iterable[Outgoing]
) -> list[tuple[InboundEntry, str]]:
    """Leave out entries that an overlapping pull brought already, and our own that come back; with fingerprints.

    arrived   entries of ours that this very pull shows, and that are not noted as sent yet
    Equal entries are counted: two people may say the same, and both are kept.   Source: rule 3; MIR-118, 119, 178.
    """
    marked = [(entry, fingerprint(entry)) for entry in found]
    known = entry_store.known_fingerprints(tx, link.id, [mark for _, mark in marked], window.since)
    sent = entry_store.recently_sent(tx, link.id, window.since - ECHO_WINDOW)
    ours = {_normal(entry) for entry in [*sent, *(o.entry for o in arrived)]}
    new = []
    for entry, mark in marked:
        if known.get(mark, 0) > 0:
            known[mark] -= 1
        elif not is_echo(entry, ours):
            new.append((entry, mark))
    return new


def is_echo(entry: InboundEntry, ours: set[str]) -> bool:
    """An entry that we pushed and that bears an integration's marker; without a marker two people said the same."""
    text = entry.file_name if entry.has_file else entry.contents
    if not any(marker in text for marker in MARKERS):
        return False
    plain = _plain(text)
    return any(sent and sent in plain for sent in ours)


def found_again(outgoing: Iterable[Outgoing], found: Iterable[InboundEntry]) -> list[Outgoing]:
    """Entries of uncertain outcome that the remote shows: they arrived and need not be sent again (rule 7)."""
    texts = [_plain(e.file_name if e.has_file else e.contents) for e in found]
    return [o for o in outgoing if o.uncertain and _normal(o.entry) and any(_normal(o.entry) in t for t in texts)]


def _normal(entry: Entry) -> str:
    if entry.file is not None:
        return _plain(entry.file.name.rsplit(".", 1)[0])
    return _plain(entry.contents)


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().lower()


def as_entry(turn: Turn, link: Link, entry: InboundEntry, mark: str, window: Window) -> NewEntry:
    """An inbound entry as it is stored: stamped with where it came from.   Source: MIR-117."""
    return NewEntry(
        contents=entry.contents,
        kind=entry.kind,
        format=entry.format,
        category=entry.category,
        tags=entry.tags,
        note=entry.note,
        file=entry.file,
        context=entry.context,
        brand=turn.instance.brand,
        instance=turn.instance.name,
        link_id=link.id,
        fingerprint=mark,
        seen_until=window.ended,
    )


def attachments(turn: Turn, raw: Iterable[Mapping[str, Any]], folder: Path | None) -> list[FileRef]:
    """Import the `attachment` list of a fetched incident: `path` is the FileID in the command's folder."""
    taken = []
    for item in raw:
        file_id, name = str(item.get("path") or ""), str(item.get("name") or "file")
        found = produced_file(folder, file_id)
        if found is None:
            log.warning("file.not_found", instance=turn.instance.name, name=name)
            continue
        taken.append(files.put(turn.app.store, found, name, turn.settings.count("files.max")))
    return taken
