"""Who changed what, and when. Details never hold a secret: whoever writes one leaves it out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from casemirror.model.values import Json
from casemirror.store import schema

_TABLE = schema.audit


def add(
    tx: Connection, at: datetime, actor: str, verb: str, object: str, detail: Mapping[str, Json] | None = None
) -> None:
    """Write one line, in the transaction of what it tells."""
    tx.execute(_TABLE.insert().values(at=at, actor=actor, verb=verb, object=object, detail=dict(detail or {})))


def list_all(tx: Connection, *, limit: int = 100) -> list[dict[str, Any]]:
    """The newest lines first."""
    return [dict(row) for row in tx.execute(sa.select(_TABLE).order_by(_TABLE.c.id.desc()).limit(limit)).mappings()]


def of_object(tx: Connection, object: str, *, since: datetime | None = None, limit: int = 200) -> list[dict[str, Any]]:
    """The newest lines about one object, first the newest; `since` (when it came to be) spares a look at all older ones."""
    query = sa.select(_TABLE).where(_TABLE.c.object == object)
    if since is not None:
        query = query.where(_TABLE.c.at >= since)
    return [dict(row) for row in tx.execute(query.order_by(_TABLE.c.id.desc()).limit(limit)).mappings()]
