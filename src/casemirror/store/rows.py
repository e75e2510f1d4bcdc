"""Rows → the words of `model`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import RowMapping

from casemirror.model.entry import Entry, FileRef
from casemirror.model.ids import FileId, InstanceId, LaneId
from casemirror.model.incident import Incident, Status
from casemirror.model.instance import Instance
from casemirror.model.lane import Lane
from casemirror.model.link import Conflict, Direction, Link, LinkState, Pushed, RemoteState

MAX_ID = 2**31 - 1
"""The largest number that is looked up: it fits the columns of both databases."""


def is_id(text: str) -> bool:
    """Say whether a text is a number that a row may have."""
    return text.isascii() and text.isdigit() and int(text[:11]) <= MAX_ID and len(text) <= 10


def incident(row: RowMapping) -> Incident:
    """An `incident` row."""
    values = {k: v for k, v in row.items() if k in Incident.__dataclass_fields__}
    return Incident(**{**values, "status": Status(row["status"]), "labels": tuple(row["labels"])})


def entry(row: RowMapping) -> Entry:
    """An `entry` row, with the size of its file as `file_size`."""
    values = {k: v for k, v in row.items() if k in Entry.__dataclass_fields__}
    file = None
    if row["file_id"]:
        file = FileRef(
            id=FileId(row["file_id"]),
            name=row["file_name"],
            size=row["file_size"] or 0,
            content_type=row["file_type"] or "application/octet-stream",
        )
    return Entry(**{**values, "tags": tuple(row["tags"]), "given": tuple(row["given"]), "file": file})


def link(row: RowMapping) -> Link:
    """A `link` row."""
    values = {k: v for k, v in row.items() if k in Link.__dataclass_fields__}
    pushed = {name: Pushed.from_json(value) for name, value in row["pushed"].items()}
    return Link(
        **{
            **values,
            "direction": Direction(row["direction"]),
            "state": LinkState(row["state"]),
            "remote_state": RemoteState(row["remote_state"]),
            "tags": tuple(row["tags"]),
            "trail": tuple(row["trail"]),
            "pushed": pushed,
            "conflicts": {name: Conflict.from_json(value) for name, value in row["conflicts"].items()},
            "doubted": frozenset(row["doubted"]),
            "sticky": frozenset(row["sticky"]),
        }
    )


def link_columns(changes: dict[str, Any]) -> dict[str, Any]:
    """Changes of a `Link` as they are stored."""
    stored = dict(changes)
    if "conflicts" in stored:
        stored["open_conflicts"] = len(stored["conflicts"])
    for name in ("pushed", "conflicts"):
        if name in stored:
            stored[name] = {field: value.to_json() for field, value in stored[name].items()}
    for name in ("sticky", "doubted"):
        if name in stored:
            stored[name] = sorted(stored[name])
    for name in ("tags", "trail"):
        if name in stored:
            stored[name] = list(stored[name])
    for name in ("base", "assumed"):
        if name in stored:
            stored[name] = dict(stored[name])
    return stored


def lane(row: RowMapping) -> Lane:
    """A `lane` row."""
    return Lane(**{**row, "id": LaneId(row["id"]), "instance_id": InstanceId(row["instance_id"])})


def instance(row: RowMapping) -> Instance:
    """An `instance` row."""
    values = {k: v for k, v in row.items() if k in Instance.__dataclass_fields__}
    return Instance(**{**values, "egress": tuple(row["egress"])})
