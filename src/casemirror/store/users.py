"""Local users: who may own an incident, and whom `demisto.findUser` finds."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Connection

from casemirror.store import schema
from casemirror.store.upsert import upsert

_TABLE = schema.user_account


def add(tx: Connection, username: str, *, email: str = "", full_name: str = "") -> None:
    """Write a user, in place of one with that name."""
    upsert(tx, _TABLE, {"username": username}, {"email": email, "full_name": full_name})


def remove(tx: Connection, username: str) -> bool:
    """Delete a user; False when there was none."""
    return tx.execute(_TABLE.delete().where(_TABLE.c.username == username)).rowcount > 0


def find(tx: Connection, *, username: str = "", email: str = "") -> dict[str, str] | None:
    """The user with that name, or that e-mail address in any case; in the contract's form."""
    if not (username or email):
        return None
    where = _TABLE.c.username == username if username else sa.func.lower(_TABLE.c.email) == email.lower()
    row = tx.execute(sa.select(_TABLE).where(where).order_by(_TABLE.c.username).limit(1)).mappings().one_or_none()
    return _shown(row) if row is not None else None


def list_all(tx: Connection) -> list[dict[str, str]]:
    """All users, by name."""
    return [_shown(row) for row in tx.execute(sa.select(_TABLE).order_by(_TABLE.c.username)).mappings()]


def _shown(row: sa.RowMapping) -> dict[str, str]:
    name = row["username"]
    return {"id": name, "username": name, "email": row["email"], "name": row["full_name"] or name}
