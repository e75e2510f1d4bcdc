"""The incident in the contract's form, and incidents that integrations fetched.   Source: content.md §5.4, §3.9; mirroring.md §1.4."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from dateutil import parser

from casemirror.model.incident import (
    ENGINE_FIELDS,
    SEVERITIES,
    SYSTEM_FIELDS,
    Incident,
    MirrorFields,
    NewIncident,
    Status,
)
from casemirror.model.link import Direction, Link
from casemirror.model.values import ZERO_TIME, Json, time_text
from casemirror.runtime.wire.entries import parse_tags

_UNSET: Final[Mapping[str, Json]] = {
    **dict.fromkeys(
        "name details owner category phase reason closeReason closeNotes closingUserId runStatus sourceBrand sourceInstance "
        "playbookId parent".split(),
        "",
    ),
    **dict.fromkeys(("reminder", "notifyTime", "dueDate"), ZERO_TIME),
    "severity": 0,
    "sla": 0,
}
"""How system fields look that were never set; unset times must be the zero time, outgoing mappers compare with it (MIR-158)."""

_MILLISECONDS_FROM: Final = 1e10
"""A number from here on is epoch milliseconds, below it seconds.   Source: content.md §5.3."""


def incident_json(
    incident: Incident, link: Link | None, dirty: Collection[str] = (), current_dirty: Collection[str] = ()
) -> dict[str, Any]:
    """The incident as the API shows it: system fields at top level, custom fields under `CustomFields`, the primary link as `dbotMirror*`."""
    system = {
        **_UNSET,
        **{name: value for name, value in incident.fields.items() if name in SYSTEM_FIELDS and value is not None},
    }
    is_open = incident.status is not Status.PENDING
    return {
        **system,
        "id": str(incident.id),
        "version": incident.version,
        "type": incident.type,
        "rawType": incident.type,
        "rawName": system["name"],
        "status": int(incident.status),
        "occurred": time_text(incident.occurred_at),
        "created": time_text(incident.created_at),
        "modified": time_text(incident.modified_at),
        "closed": _time(incident.closed_at),
        "activated": _time(incident.activated_at),
        "lastOpen": _time(incident.last_open_at),
        "openDuration": _open_seconds(incident),
        "investigationId": str(incident.id) if is_open else "",
        "labels": [dict(label) for label in incident.labels],
        "attachment": None,
        "rawJSON": incident.raw_json,
        "droppedCount": 0,
        "linkedCount": 0,
        "linkedIncidents": None,
        "CustomFields": _custom(incident),
        "dbotMirrorId": link.remote_id if link else "",
        "dbotMirrorInstance": link.instance_name if link else "",
        "dbotMirrorDirection": link.direction.value if link else "",
        "dbotMirrorTags": list(link.tags) or None if link else None,
        "dbotDirtyFields": sorted(dirty) or None,
        "dbotCurrentDirtyFields": sorted(current_dirty) or None,
        "dbotMirrorLastSync": _time(link.last_sync_at if link else None),
    }


def outgoing_source(incident: Incident, link: Link | None) -> dict[str, Any]:
    """What outgoing mappers read, and `data` without a mapper: every custom field also at top level; no bookkeeping; `guid`.

    Source: content.md §3.9; mirroring.md §4.4.2.
    """
    shown = incident_json(incident, link)
    for name in ("dbotDirtyFields", "dbotCurrentDirtyFields", "dbotMirrorLastSync"):
        del shown[name]
    return {**shown["CustomFields"], **shown, "guid": incident.guid}


def investigation_json(incident: Incident) -> dict[str, Any]:
    """What `demisto.investigation()` says in the context of an incident; ZTAP tells a close by comparing its times (MIR-030)."""
    closed = incident.status in (Status.CLOSED, Status.ARCHIVED)
    return {
        "id": str(incident.id),
        "name": incident.name,
        "type": 0,
        "status": int(closed),
        "created": time_text(incident.created_at),
        "modified": time_text(incident.modified_at),
        "closed": _time(incident.closed_at),
        "lastOpen": _time(incident.last_open_at),
        "closingUserId": str(incident.get("closingUserId") or ""),
        "reason": {},
        "users": [],
        "openDuration": _open_seconds(incident),
    }


def _custom(incident: Incident) -> dict[str, Any]:
    reserved = SYSTEM_FIELDS | ENGINE_FIELDS
    return {name: value for name, value in incident.fields.items() if name not in reserved and value is not None}


def _time(at: datetime | None) -> str:
    return ZERO_TIME if at is None else time_text(at)


def _open_seconds(incident: Incident) -> int:
    began = incident.last_open_at or incident.activated_at or incident.created_at
    return max(0, int((incident.closed_at - began).total_seconds())) if incident.closed_at else 0


def parse_mirror_fields(raw: Mapping[str, Any]) -> MirrorFields:
    """The `dbotMirror*` members of a fetched incident, an edit or mapped fields.   Source: MIR-011, 012, 040, 177."""
    return MirrorFields(
        remote_id=_text(raw.get("dbotMirrorId")),
        instance=_text(raw.get("dbotMirrorInstance")),
        direction=Direction.parse(raw.get("dbotMirrorDirection")).value,
        tags=parse_tags(raw.get("dbotMirrorTags")),
    )


def new_incident(raw: Mapping[str, Any]) -> NewIncident:
    """A fetched dict as an incident to be created, before mapping; whatever has the wrong form is left out.   Source: §1.4."""
    custom = raw.get("CustomFields")
    fields: dict[str, Json] = {str(k): v for k, v in custom.items()} if isinstance(custom, Mapping) else {}
    taken = SYSTEM_FIELDS - {"occurred", "severity"}
    fields |= {name: raw[name] for name in taken & set(raw) if raw[name] is not None}
    severity = parse_severity(raw.get("severity"))
    if severity is not None:
        fields["severity"] = severity
    raw_json = raw.get("rawJSON")
    return NewIncident(
        fields=fields,
        type=_text(raw.get("type")) or "Unclassified",
        occurred_at=parse_occurred(raw.get("occurred")),
        labels=tuple(_strings(label) for label in _dicts(raw.get("labels"))),
        raw_json=raw_json
        if isinstance(raw_json, str)
        else ""
        if raw_json is None
        else json.dumps(raw_json, default=str),
        mirror=parse_mirror_fields(raw),
        attachments=tuple(_strings(file) for file in _dicts(raw.get("attachment")) if file.get("path")),
    )


def parse_severity(value: Any) -> float | None:
    """A severity given as number, number text or level name; None when it is none of these.   Source: MIR-113."""
    if isinstance(value, str):
        name = value.strip().lower()
        if name in SEVERITIES:
            return SEVERITIES[name]
        try:
            value = float(name)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return (int(value) if value == int(value) else value) if value in SEVERITIES.values() else None


def parse_occurred(value: Any) -> datetime | None:
    """A time in any form that integrations use: ISO 8601, other dates, epoch seconds or milliseconds; None when there is none."""
    if isinstance(value, bool) or value in (None, "", ZERO_TIME):
        return None
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value / 1000 if value >= _MILLISECONDS_FROM else value, UTC)
        at = parser.parse(str(value))
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _text(value: Any) -> str:
    return "" if value is None or isinstance(value, bool | list | dict) else str(value)


def _dicts(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list | tuple) else []


def _strings(value: Mapping[str, Any]) -> dict[str, str]:
    return {str(k): v if isinstance(v, str) else json.dumps(v, default=str) for k, v in value.items() if v is not None}
