"""Raw remote payloads, compressed, one for each version seen; kept for a while so that `why` and replay can answer."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from casemirror.model.errors import NotFound
from casemirror.model.ids import LinkId
from casemirror.store import schema

_TABLE = schema.payload


def add(tx: Connection, link_id: LinkId, at: datetime, kind: str, body: Mapping[str, Any]) -> int:
    """Keep a payload; the same one as last time is not kept again. Returns its row id."""
    text = json.dumps(body, sort_keys=True, default=str)
    sha = hashlib.sha256(text.encode()).hexdigest()
    last = tx.execute(
        sa.select(_TABLE.c.id, _TABLE.c.sha).where(_TABLE.c.link_id == link_id).order_by(_TABLE.c.id.desc()).limit(1)
    ).one_or_none()
    if last is not None and last.sha == sha:
        return int(last.id)
    values = {"link_id": link_id, "at": at, "kind": kind, "sha": sha, "body": zlib.compress(text.encode())}
    made = tx.execute(_TABLE.insert().values(**values)).inserted_primary_key
    assert made is not None
    return int(made[0])


def load(tx: Connection, payload_id: int) -> Any:
    """A kept payload, as JSON value. Raises NotFound when its time is over."""
    body = tx.execute(sa.select(_TABLE.c.body).where(_TABLE.c.id == payload_id)).scalar_one_or_none()
    if body is None:
        raise NotFound(f"payload {payload_id} is not kept any more (setting mirror.payload.keep)")
    return json.loads(zlib.decompress(body))


def kept_at(tx: Connection, payload_id: int) -> datetime | None:
    """When a payload came; None when it is not kept any more."""
    found: datetime | None = tx.execute(sa.select(_TABLE.c.at).where(_TABLE.c.id == payload_id)).scalar_one_or_none()
    return found


def forget_old(tx: Connection, before: datetime) -> int:
    """Delete payloads from before then; the decisions that rest on them stay. Returns how many."""
    return tx.execute(_TABLE.delete().where(_TABLE.c.at < before)).rowcount
