"""What polls must remember: data told already (the overlap is read twice) and ids without a link."""

from __future__ import annotations

import hashlib
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from casemirror.model.ids import InstanceId
from casemirror.store import schema
from casemirror.store.upsert import upsert

_LEDGER, _UNMATCHED = schema.poll_ledger, schema.unmatched


def is_news(tx: Connection, instance_id: InstanceId, remote_id: str, text: str, at: datetime) -> bool:
    """Enter ``id:version`` into the ledger; False when this very version was told before (rule 3)."""
    key = _key(instance_id, remote_id, text)
    if tx.execute(_LEDGER.update().where(*_is(key)).values(seen_at=at)).rowcount:
        return False
    tx.execute(_LEDGER.insert().values(**key, seen_at=at))
    return True


def was_told(tx: Connection, instance_id: InstanceId, remote_id: str, text: str) -> bool:
    """Say whether this very version stands in the ledger; nothing is entered."""
    where = _is(_key(instance_id, remote_id, text))
    return tx.execute(sa.select(_LEDGER.c.version).where(*where)).first() is not None


def _key(instance_id: InstanceId, remote_id: str, text: str) -> dict[str, str]:
    version = hashlib.sha256(text.encode()).hexdigest()
    return {"instance_id": instance_id, "remote_id": remote_id, "version": version}


def _is(key: dict[str, str]) -> list[sa.ColumnElement[bool]]:
    return [_LEDGER.c[name] == value for name, value in key.items()]


def remember_unmatched(tx: Connection, instance_id: InstanceId, remote_id: str, at: datetime) -> None:
    """Remember a reported id that belongs to no link (MIR-076)."""
    upsert(tx, _UNMATCHED, {"instance_id": instance_id, "remote_id": remote_id}, {"seen_at": at})


def take_unmatched(tx: Connection, instance_id: InstanceId, remote_id: str) -> bool:
    """Say whether this id was reported before it had a link, and forget it."""
    where = sa.and_(_UNMATCHED.c.instance_id == instance_id, _UNMATCHED.c.remote_id == remote_id)
    return tx.execute(_UNMATCHED.delete().where(where)).rowcount > 0


def forget_old(tx: Connection, instance_id: InstanceId, before: datetime) -> None:
    """Forget what was seen before then."""
    for table in (_LEDGER, _UNMATCHED):
        tx.execute(table.delete().where(table.c.instance_id == instance_id, table.c.seen_at < before))
