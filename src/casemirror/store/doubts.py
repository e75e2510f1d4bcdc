"""What was sent again although nobody saw whether it had arrived, and nothing proved that it had not: it may be there twice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from casemirror.model.ids import EntryId, IncidentId, LinkId
from casemirror.store import schema

_TABLE, _LINK, _ENTRY = schema.doubt, schema.link, schema.entry


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """One entry, file or remote object that may be there twice.

    entry      its label (``12@3``); empty: the remote object itself
    what       the beginning of its text, or the file's name
    at, times  when it was sent again last, and how often
    """

    incident_id: IncidentId
    instance: str
    remote_id: str
    entry: str
    what: str
    at: datetime
    times: int
    reason: str


def add(tx: Connection, link_id: LinkId, entry_id: EntryId | None, now: datetime, reason: str) -> None:
    """Note that an entry (None: the remote object) is sent once more; each stands in the list once."""
    same = _TABLE.c.entry_id.is_(None) if entry_id is None else _TABLE.c.entry_id == entry_id
    again = _TABLE.update().where(_TABLE.c.link_id == link_id, same)
    if tx.execute(again.values(at=now, times=_TABLE.c.times + 1, reason=reason)).rowcount == 0:
        tx.execute(_TABLE.insert().values(link_id=link_id, entry_id=entry_id, at=now, reason=reason))


def find(
    tx: Connection, *, instance_name: str = "", incident_id: IncidentId | None = None, limit: int = 1000
) -> list[Doubt]:
    """The newest ones first; those of removed links, too."""
    query = (
        sa.select(
            _LINK.c.incident_id,
            _LINK.c.instance_name.label("instance"),
            _LINK.c.remote_id,
            _ENTRY.c.number,
            sa.case((_ENTRY.c.file_name != "", _ENTRY.c.file_name), else_=_ENTRY.c.contents).label("what"),
            _TABLE.c.at,
            _TABLE.c.times,
            _TABLE.c.reason,
        )
        .join(_LINK, _LINK.c.id == _TABLE.c.link_id)
        .outerjoin(_ENTRY, _ENTRY.c.id == _TABLE.c.entry_id)
        .where(*_asked(instance_name, incident_id))
        .order_by(_TABLE.c.at.desc(), _TABLE.c.id.desc())
        .limit(limit)
    )
    return [_doubt(row) for row in tx.execute(query).mappings()]


def count(tx: Connection, *, instance_name: str = "", incident_id: IncidentId | None = None) -> int:
    """How many there are."""
    query = sa.select(sa.func.count()).select_from(_TABLE).join(_LINK, _LINK.c.id == _TABLE.c.link_id)
    return int(tx.execute(query.where(*_asked(instance_name, incident_id))).scalar_one())


def _asked(instance_name: str, incident_id: IncidentId | None) -> Iterable[sa.ColumnElement[bool]]:
    if instance_name:
        yield _LINK.c.instance_name == instance_name
    if incident_id is not None:
        yield _LINK.c.incident_id == incident_id


def _doubt(row: sa.RowMapping) -> Doubt:
    number = row["number"]
    label = "" if number is None else f"{number}@{row['incident_id']}"
    rest = {key: row[key] for key in ("instance", "remote_id", "at", "times", "reason")}
    return Doubt(incident_id=IncidentId(row["incident_id"]), entry=label, what=row["what"] or "", **rest)
