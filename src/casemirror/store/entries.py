"""Entries, and where each stands on its way out by a link."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from casemirror.model.entry import DeliveryState, Entry, NewEntry, Outgoing
from casemirror.model.errors import NotFound
from casemirror.model.ids import EntryId, IncidentId, LinkId
from casemirror.model.link import Link
from casemirror.store import former, rows, schema

_TABLE, _WAY = schema.entry, schema.delivery


def _select() -> sa.Select[Any]:
    return sa.select(_TABLE, schema.file.c.size.label("file_size")).outerjoin(
        schema.file, schema.file.c.id == _TABLE.c.file_id
    )


def add(tx: Connection, incident_id: IncidentId, new: NewEntry, now: datetime, *, held: bool = False) -> Entry:
    """Append an entry to an incident's war room; it gets the incident's next number."""
    incident = schema.incident
    counted = incident.update().where(incident.c.id == incident_id).values(entries=incident.c.entries + 1)
    if tx.execute(counted).rowcount == 0:
        raise NotFound(f"no incident {incident_id}")
    number = tx.execute(sa.select(incident.c.entries).where(incident.c.id == incident_id)).scalar_one()
    values = {
        "incident_id": incident_id,
        "number": number,
        "created_at": now,
        "modified_at": now,
        "contents": new.contents,
        "kind": int(new.kind),
        "format": new.format,
        "user": new.user,
        "category": new.category,
        "tags": list(new.tags),
        "tagged_at": now if new.tags else None,
        "note": new.note,
        "file_id": new.file.id if new.file else None,
        "file_name": new.file.name if new.file else "",
        "file_type": new.file.content_type if new.file else "",
        "context": new.context,
        "brand": new.brand,
        "instance": new.instance,
        "link_id": new.link_id,
        "came_in": new.link_id is not None,
        "fingerprint": new.fingerprint,
        "seen_until": new.seen_until,
        "held": held,
    }
    made = tx.execute(_TABLE.insert().values(**values)).inserted_primary_key
    assert made is not None
    return load(tx, EntryId(made[0]))


def add_note(tx: Connection, incident_id: IncidentId, text: str, now: datetime) -> Entry:
    """Append a line of casemirror's own (it has no tags, so it never goes out)."""
    return add(tx, incident_id, NewEntry(contents=text), now)


def load(tx: Connection, entry_id: EntryId) -> Entry:
    """The entry with that row id. Raises NotFound."""
    row = tx.execute(_select().where(_TABLE.c.id == entry_id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"no entry with id {entry_id}")
    return rows.entry(row)


def by_label(tx: Connection, label: str) -> Entry:
    """The entry that integrations know as ``"<number>@<incident>"``. Raises NotFound."""
    number, _, incident_id = label.partition("@")
    if rows.is_id(number) and rows.is_id(incident_id):
        where = sa.and_(_TABLE.c.incident_id == int(incident_id), _TABLE.c.number == int(number))
        row = tx.execute(_select().where(where)).mappings().one_or_none()
        if row is not None:
            return rows.entry(row)
    raise NotFound(f"no entry {label!r} (an entry id looks like 12@3: number 12 of incident 3)")


def list_for(tx: Connection, incident_id: IncidentId, *, held: bool = False) -> list[Entry]:
    """Entries of an incident in their order; held ones only on demand."""
    query = _select().where(_TABLE.c.incident_id == incident_id).order_by(_TABLE.c.number)
    if not held:
        query = query.where(_TABLE.c.held.is_(False))
    return [rows.entry(row) for row in tx.execute(query).mappings()]


def set_tags(tx: Connection, entry_id: EntryId, tags: Iterable[str], now: datetime) -> Entry:
    """Change an entry's tags; a tag that is new counts as given now, by a person (MIR-165, MIR-174)."""
    before = load(tx, entry_id)
    after = tuple(dict.fromkeys(tags))
    new = set(after) - set(before.tags)
    values = {
        "tags": list(after),
        "given": [tag for tag in after if tag in new or tag in before.given],
        "tagged_at": now if new else before.tagged_at,
        "modified_at": now,
    }
    tx.execute(_TABLE.update().where(_TABLE.c.id == entry_id).values(**values))
    return load(tx, entry_id)


def release_held(tx: Connection, incident_id: IncidentId) -> int:
    """Show what came in while the incident was pending; returns how many entries that were."""
    where = sa.and_(_TABLE.c.incident_id == incident_id, _TABLE.c.held.is_(True))
    return tx.execute(_TABLE.update().where(where).values(held=False)).rowcount


def known_fingerprints(tx: Connection, link_id: LinkId, marks: Sequence[str], since: datetime) -> Counter[str]:
    """How often each fingerprint came in by pulls that a pull with this lower bound overlaps.

    One that is the remote's own id (``id:…``) is known whenever it came.
    """
    found: Counter[str] = Counter()
    for start in range(0, len(marks), 500):
        query = (
            sa.select(_TABLE.c.fingerprint, sa.func.count())
            .where(_TABLE.c.link_id == link_id, _TABLE.c.fingerprint.in_(marks[start : start + 500]))
            .where(sa.or_(_TABLE.c.seen_until >= since, _TABLE.c.fingerprint.startswith("id:")))
            .group_by(_TABLE.c.fingerprint)
        )
        found.update(dict(tx.execute(query).all()))
    return found


def unsent(tx: Connection, link: Link, *, resend: bool = False) -> tuple[Outgoing, ...]:
    """Entries that this link still has to send, oldest first.   Source: mirroring.md §3.4, §3.6; MIR-162…167.

    resend   `mirror.resend.inbound`
    An entry qualifies by a tag of the link; one that came in by this very link only with `resend` and a tag that a person
    gave it; one that came in by a removed link never does; one that came in by another link does. Entries that an earlier
    call carried with unknown outcome are `uncertain`.
    """
    if not link.tags:
        return ()
    mine = (schema.link.c.incident_id == link.incident_id, schema.link.c.id != link.id)
    others = sa.select(schema.link.c.id).where(*mine, former.THERE)
    query = (
        _select()
        .add_columns(
            _WAY.c.state.label("way"), _WAY.c.intended_at.label("intended_at"), _WAY.c.ends_by.label("ends_by")
        )
        .outerjoin(_WAY, sa.and_(_WAY.c.entry_id == _TABLE.c.id, _WAY.c.link_id == link.id))
        .where(_TABLE.c.incident_id == link.incident_id, _TABLE.c.held.is_(False), _TABLE.c.tagged_at.is_not(None))
        .where(sa.or_(_TABLE.c.came_in.is_(False), _TABLE.c.link_id.in_(others), _sent_back(link, resend=resend)))
        .where(sa.or_(_WAY.c.state.is_(None), _WAY.c.state == DeliveryState.INTENDED))
        .order_by(_TABLE.c.number)
    )
    wanted = set(link.tags)
    return tuple(
        Outgoing(
            entry=rows.entry(row),
            uncertain=row["way"] is not None,
            intended_at=row["intended_at"],
            ends_by=row["ends_by"] or row["intended_at"],
        )
        for row in tx.execute(query).mappings()
        if wanted & set(row["given"] if row["link_id"] == link.id else row["tags"])
    )


def _sent_back(link: Link, *, resend: bool) -> sa.ColumnElement[bool]:
    """What came in by this very link and a person tagged since."""
    given = sa.cast(_TABLE.c.given, sa.Text) != "[]"
    return sa.and_(_TABLE.c.link_id == link.id, given) if resend else sa.false()


def mark_intended(
    tx: Connection, link_id: LinkId, ids: Sequence[EntryId], now: datetime, ends_by: datetime | None = None
) -> None:
    """Note that a call which carries these entries is about to begin, and over by then; the first time of trying stays."""
    for entry_id in ids:
        where = sa.and_(_WAY.c.link_id == link_id, _WAY.c.entry_id == entry_id)
        again = _WAY.update().where(where).values(attempts=_WAY.c.attempts + 1, ends_by=ends_by or now)
        if tx.execute(again).rowcount == 0:
            first = {
                "state": DeliveryState.INTENDED.value,
                "attempts": 1,
                "intended_at": now,
                "ends_by": ends_by or now,
            }
            tx.execute(_WAY.insert().values(link_id=link_id, entry_id=entry_id, **first))


def mark_ended(tx: Connection, link_id: LinkId, ids: Sequence[EntryId], now: datetime) -> None:
    """Note that the call which carried these entries is over; whether they arrived is not known."""
    mine = sa.and_(_WAY.c.link_id == link_id, _WAY.c.entry_id.in_(list(ids)))
    if ids:
        tx.execute(_WAY.update().where(mine, _WAY.c.state == DeliveryState.INTENDED.value).values(ends_by=now))


def mark_unsent(tx: Connection, link_id: LinkId, outgoing: Iterable[Outgoing]) -> None:
    """Take back that a call carried these entries: for certain it wrote none of them. They stand as they stood before it."""
    for each in outgoing:
        where = (
            _WAY.c.link_id == link_id,
            _WAY.c.entry_id == each.entry.id,
            _WAY.c.state == DeliveryState.INTENDED.value,
        )
        if each.uncertain:
            before = {"attempts": _WAY.c.attempts - 1, "ends_by": each.ends_by}
            tx.execute(_WAY.update().where(*where).values(**before))
        else:
            tx.execute(_WAY.delete().where(*where))


def mark_sent(tx: Connection, link_id: LinkId, ids: Sequence[EntryId], now: datetime) -> None:
    """Note that these entries arrived."""
    where = sa.and_(_WAY.c.link_id == link_id, _WAY.c.entry_id.in_(list(ids)))
    if ids:
        tx.execute(_WAY.update().where(where).values(state=DeliveryState.SENT.value, sent_at=now))


def mark_undeliverable(tx: Connection, link_id: LinkId, ids: Sequence[EntryId]) -> None:
    """Give these entries up: their file is gone."""
    for entry_id in ids:
        where = sa.and_(_WAY.c.link_id == link_id, _WAY.c.entry_id == entry_id)
        tx.execute(_WAY.delete().where(where))
        tx.execute(_WAY.insert().values(link_id=link_id, entry_id=entry_id, state=DeliveryState.UNDELIVERABLE.value))


def recently_sent(tx: Connection, link_id: LinkId, since: datetime) -> list[Entry]:
    """Entries that this link sent since then (for recognising them when they come back)."""
    query = (
        _select()
        .join(_WAY, _WAY.c.entry_id == _TABLE.c.id)
        .where(_WAY.c.link_id == link_id, _WAY.c.state == DeliveryState.SENT.value, _WAY.c.sent_at >= since)
        .order_by(_TABLE.c.number)
    )
    return [rows.entry(row) for row in tx.execute(query).mappings()]


def deliveries(tx: Connection, incident_id: IncidentId) -> dict[tuple[EntryId, LinkId], str]:
    """Where the entries of an incident stand: (entry, link) → state."""
    query = sa.select(_WAY.c.entry_id, _WAY.c.link_id, _WAY.c.state).join(_TABLE, _TABLE.c.id == _WAY.c.entry_id)
    found = tx.execute(query.where(_TABLE.c.incident_id == incident_id))
    return {(EntryId(e), LinkId(k)): state for e, k, state in found}


def sent_twice_count(tx: Connection) -> int:
    """Entries that were sent again after an outcome nobody saw: they may stand twice on a remote that cannot be asked."""
    again = sa.and_(_WAY.c.attempts > 1, _WAY.c.state == DeliveryState.SENT.value)
    return int(tx.execute(sa.select(sa.func.count()).select_from(_WAY).where(again)).scalar_one())
