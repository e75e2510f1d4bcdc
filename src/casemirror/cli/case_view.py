"""How one incident looks on a terminal, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from casemirror.cli import doubts, output
from casemirror.cli.link import shown as link_json

if TYPE_CHECKING:
    from casemirror.actions.case import Case, LinkState
    from casemirror.model.entry import Entry
    from casemirror.model.incident import Incident

_TEXT = 400
"""Characters of an entry that are shown; `--json` has all."""


def severity(incident: Incident) -> str:
    """The level's name."""
    from casemirror.model.incident import SEVERITIES

    level = incident.get("severity") or 0
    return next((name for name, number in SEVERITIES.items() if number == level), str(level))


def as_json(case: Case) -> dict[str, Any]:
    """The incident in the contract's spelling, with `links` and `entries` beside it."""
    return {
        **case.to_json(),
        "links": [{**link_json(state.link), **_agreement(state)} for state in case.links],
        "entries": [_entry(case, entry) for entry in case.entries],
        "possiblySentTwice": [doubts.shown(doubt) for doubt in case.doubts],
    }


def _agreement(state: LinkState) -> dict[str, Any]:
    return {"agrees": state.agrees, "dirty": state.dirty, "currentDirty": state.current, "unsentEntries": state.unsent}


def _entry(case: Case, entry: Entry) -> dict[str, Any]:
    names = {state.link.id: state.link.instance_name for state in case.links}
    return {
        "id": entry.label,
        "type": int(entry.kind),
        "created": entry.created_at,
        "user": entry.user,
        "contents": entry.contents,
        "tags": entry.tags,
        "note": entry.note,
        "file": entry.file.name if entry.file else "",
        "fileSize": entry.file.size if entry.file else None,
        "mirrored": entry.mirrored,
        "instance": entry.instance,
        "deliveries": {
            names[link]: state
            for (which, link), state in case.deliveries.items()
            if which == entry.id and link in names
        },
    }


def draw(case: Case) -> None:
    """Print an incident for a person."""
    _fields(case)
    _links(case)
    _war_room(case)
    _doubts(case)


def _doubts(case: Case) -> None:
    if not case.doubts:
        return
    output.line(f"\npossibly sent twice: {len(case.doubts)}")
    rows = [(d.entry or "the object itself", d.instance, doubts.words(d), d.at, d.reason) for d in case.doubts]
    output.table(("entry", "instance", "text", "sent again (UTC)", "why"), rows)


def _fields(case: Case) -> None:
    incident = case.incident
    output.heading(f"#{incident.id}  {incident.name}")
    head = [
        ("status", incident.status.name.lower()),
        ("severity", severity(incident)),
        ("type", incident.type),
        ("occurred", incident.occurred_at),
        ("created", incident.created_at),
        ("modified", incident.modified_at),
        ("closed", incident.closed_at),
    ]
    shown = {"name", "severity", "occurred"}
    rest = [
        (case.names.get(name, name), value)
        for name, value in sorted(incident.fields.items())
        if name not in shown and value not in (None, "", [], {})
    ]
    output.pairs([(name, value) for name, value in head if value is not None] + rest)


def _links(case: Case) -> None:
    if not case.links:
        output.line("\nnot linked to any other system")
        return
    output.heading("links")
    rows = [
        (
            state.link.instance_name,
            state.link.remote_id or "(to be created)",
            state.link.direction.value or "none",
            state.link.tags,
            _stands(state),
            state.link.last_sync_at,
            state.link.remote_said or state.link.held_reason or state.link.error_in or state.link.error_out,
        )
        for state in case.links
    ]
    output.table(("instance", "remote id", "direction", "tags", "agreement", "last sync", "error"), rows)


def _stands(state: LinkState) -> str:
    if state.link.state != "active":
        return str(state.link.state)
    if state.link.is_gone:
        return f"{state.link.remote_state.value} there"
    waiting = [*state.current, *([f"{state.unsent} entries"] if state.unsent else [])]
    if waiting:
        return "to send: " + ", ".join(waiting)
    return "agrees" if state.agrees else "work waits"


def _war_room(case: Case) -> None:
    if not case.entries:
        return
    output.heading("war room")
    rows = [
        (entry.label, entry.created_at, _who(entry), _words(entry), entry.tags, _went(case, entry))
        for entry in case.entries
    ]
    output.table(("entry", "time (UTC)", "who", "text", "tags", "way"), rows)


def _who(entry: Entry) -> str:
    return entry.user or entry.instance or "casemirror"


def _words(entry: Entry) -> str:
    if entry.file is not None:
        return f"[file] {entry.file.name} ({entry.file.size} bytes)"
    return entry.contents if len(entry.contents) <= _TEXT else entry.contents[:_TEXT] + "…"


def _went(case: Case, entry: Entry) -> str:
    names = {state.link.id: state.link.instance_name for state in case.links}
    ways = [f"from {entry.instance}"] if entry.mirrored else []
    ways += [
        f"{state} → {names[link]}"
        for (which, link), state in case.deliveries.items()
        if which == entry.id and link in names
    ]
    return ", ".join(ways)
