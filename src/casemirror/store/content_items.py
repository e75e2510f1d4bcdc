"""Installed packs and their items, kept as JSON so that every worker has them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from casemirror.content.items import Item
from casemirror.content.pack import Pack
from casemirror.store import schema
from casemirror.store.upsert import upsert

_ITEM, _PACK, _COUNTER = schema.content_item, schema.pack, schema.counter
_REVISION = "content"


def install(tx: Connection, pack: Pack, now: datetime) -> int:
    """Write a pack, in place of what was installed under its id; returns how many items it has.

    Of two items with the same kind and id in one pack the first counts.
    """
    remove(tx, pack.id)
    meta = {"dependencies": dict(pack.dependencies)}
    tx.execute(_PACK.insert().values(id=pack.id, name=pack.name, version=pack.version, meta=meta, installed_at=now))
    seen: dict[tuple[str, str], Item] = {}
    for item in pack.items:
        seen.setdefault((item.kind, item.id), item)
    rows = [
        {"kind": i.kind, "id": i.id, "pack_id": pack.id, "name": i.name, "position": n, "body": dict(i.body)}
        for n, i in enumerate(seen.values())
    ]
    if rows:
        tx.execute(_ITEM.insert(), rows)
    return len(rows)


def remove(tx: Connection, pack_id: str) -> bool:
    """Remove a pack and its items; False when there was none."""
    _grow_revision(tx)
    tx.execute(_ITEM.delete().where(_ITEM.c.pack_id == pack_id))
    return tx.execute(_PACK.delete().where(_PACK.c.id == pack_id)).rowcount > 0


def packs(tx: Connection) -> list[dict[str, object]]:
    """Installed packs: id, name, version, installed_at, and `items`: kind → how many."""
    counts: dict[str, dict[str, int]] = {}
    query = sa.select(_ITEM.c.pack_id, _ITEM.c.kind, sa.func.count()).group_by(_ITEM.c.pack_id, _ITEM.c.kind)
    for pack_id, kind, count in tx.execute(query):
        counts.setdefault(pack_id, {})[kind] = int(count)
    found = tx.execute(sa.select(_PACK).order_by(_PACK.c.id)).mappings()
    return [{**row, "items": counts.get(row["id"], {})} for row in found]


def version(tx: Connection, pack: str, kind: str, item_id: str) -> str:
    """Version of the pack with that id or name, or without one of the pack that brought the item; empty when there is none."""
    query = sa.select(_PACK.c.version).order_by(_PACK.c.installed_at, _PACK.c.id).limit(1)
    if pack:
        query = query.where(sa.or_(_PACK.c.id == pack, _PACK.c.name == pack))
    else:
        query = query.join(_ITEM, _ITEM.c.pack_id == _PACK.c.id).where(_ITEM.c.kind == kind, _ITEM.c.id == item_id)
    return str(tx.execute(query).scalar_one_or_none() or "")


def all_items(tx: Connection) -> Iterable[Item]:
    """Every installed item: packs in the order of their installation, items in the order of their pack."""
    query = sa.select(_ITEM).join(_PACK, _PACK.c.id == _ITEM.c.pack_id)
    for row in tx.execute(query.order_by(_PACK.c.installed_at, _PACK.c.id, _ITEM.c.position)).mappings():
        yield Item(kind=row["kind"], id=row["id"], name=row["name"], body=row["body"], pack_id=row["pack_id"])


def revision(tx: Connection) -> int:
    """A number that changes with every change of the installed content."""
    found = tx.execute(sa.select(_COUNTER.c.value).where(_COUNTER.c.name == _REVISION)).scalar_one_or_none()
    return int(found or 0)


def _grow_revision(tx: Connection) -> None:
    """Also what makes two installations at once come one after the other."""
    upsert(tx, _COUNTER, {"name": _REVISION}, {"value": 1}, value=_COUNTER.c.value + 1)
