"""The inbox: objects that a full-data poll brought, until their link's reconcile has applied them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from casemirror.model.ids import LinkId
from casemirror.store import schema

_TABLE = schema.inbox


@dataclass(frozen=True)
class Row:
    """One waiting object, as `wire.remote_data_to_json` wrote it."""

    id: int
    received_at: datetime
    body: Any


def put(tx: Connection, link_id: LinkId, at: datetime, body: Any) -> None:
    """Put an object aside for a link."""
    tx.execute(_TABLE.insert().values(link_id=link_id, received_at=at, body=body))


def waiting(tx: Connection, link_id: LinkId) -> list[Row]:
    """What waits for a link, in the order in which it came."""
    query = sa.select(_TABLE.c.id, _TABLE.c.received_at, _TABLE.c.body).where(_TABLE.c.link_id == link_id)
    return [Row(*row) for row in tx.execute(query.order_by(_TABLE.c.id))]


def remove(tx: Connection, ids: Sequence[int]) -> None:
    """Remove what was applied, in the transaction that applied it."""
    if ids:
        tx.execute(_TABLE.delete().where(_TABLE.c.id.in_(list(ids))))
