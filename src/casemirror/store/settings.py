"""Server configuration as people set it: texts by key (`model.settings` reads them); secret ones are encrypted, and apart."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Connection

from casemirror.store import schema
from casemirror.store.database import store_of
from casemirror.store.keys import Sealed
from casemirror.store.upsert import upsert

_TABLE, _SECRET = schema.setting, schema.setting_secret


def get_all(tx: Connection) -> dict[str, str]:
    """Every setting that was set, but for the secret ones."""
    return dict(tx.execute(sa.select(_TABLE.c.name, _TABLE.c.value)).all())


def put(tx: Connection, name: str, value: str) -> None:
    """Set one."""
    upsert(tx, _TABLE, {"name": name}, {"value": value})


def remove(tx: Connection, name: str) -> None:
    """Back to the default."""
    tx.execute(_TABLE.delete().where(_TABLE.c.name == name))
    tx.execute(_SECRET.delete().where(_SECRET.c.name == name))


def put_secret(tx: Connection, name: str, value: str) -> None:
    """Encrypt and write one secret setting."""
    if store_of(tx).is_postgresql:  # waits for a rotation that is under way, and makes one wait
        tx.execute(sa.text("LOCK TABLE setting_secret IN ROW EXCLUSIVE MODE"))
    upsert(tx, _SECRET, {"name": name}, store_of(tx).keys.seal(value, _place(name)).columns)


def secret(tx: Connection, name: str) -> str:
    """One secret setting in clear; empty when it is not set. Raises Invalid when the master key is not here."""
    row = tx.execute(sa.select(_SECRET).where(_SECRET.c.name == name)).mappings().one_or_none()
    return str(store_of(tx).keys.open(Sealed.of(row), _place(name))) if row else ""


def secret_names(tx: Connection) -> set[str]:
    """Which secret settings are set."""
    return set(tx.execute(sa.select(_SECRET.c.name)).scalars())


def rewrap_secrets(tx: Connection) -> int:
    """Wrap every secret setting under the current master key; returns how many there are."""
    if store_of(tx).is_postgresql:
        tx.execute(sa.text("LOCK TABLE setting_secret IN SHARE ROW EXCLUSIVE MODE"))
    found = tx.execute(sa.select(_SECRET)).mappings().all()
    for row in found:
        sealed = store_of(tx).keys.rewrap(Sealed.of(row), _place(row["name"]))
        tx.execute(_SECRET.update().where(_SECRET.c.name == row["name"]).values(**sealed.columns))
    return len(found)


def _place(name: str) -> str:
    """Where a secret belongs; no instance has an id like it."""
    return f"setting/{name}"
