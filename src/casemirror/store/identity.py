"""The id of this server: all processes on one database are one server."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Connection

from casemirror.store import schema


def server_id(tx: Connection) -> str:
    """A text that no other server has; made with the database."""
    return str(tx.execute(sa.select(schema.server.c.id)).scalar_one())
