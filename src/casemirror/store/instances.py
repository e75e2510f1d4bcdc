"""Instances, their secrets and what their integration keeps for itself."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from casemirror.model.errors import Conflict, NotFound
from casemirror.model.ids import InstanceId
from casemirror.model.instance import Instance
from casemirror.model.values import Json
from casemirror.store import rows, schema
from casemirror.store.database import store_of
from casemirror.store.keys import Sealed
from casemirror.store.upsert import upsert

_TABLE = schema.instance


def add(
    tx: Connection,
    name: str,
    brand: str,
    now: datetime,
    *,
    params: Mapping[str, Json] | None = None,
    secrets: Mapping[str, Json] | None = None,
    classifier: str = "",
    mapper_in: str = "",
    mapper_out: str = "",
    enabled: bool = True,
) -> Instance:
    """Write an instance with its lane and secrets; links that name it are its own again. Raises Conflict for a name twice."""
    instance_id = InstanceId(str(uuid.uuid4()))
    new = _TABLE.insert().values(
        id=instance_id,
        name=name,
        brand=brand,
        enabled=enabled,
        params=dict(params or {}),
        classifier=classifier,
        mapper_in=mapper_in,
        mapper_out=mapper_out,
        created_at=now,
        modified_at=now,
    )
    twice = Conflict(f"there is an instance named {name!r} already; choose another name, or remove that one first")
    if find(tx, name) is not None:
        raise twice
    try:
        tx.execute(new)
    except IntegrityError:  # somebody else was a moment faster
        raise twice from None
    tx.execute(schema.lane.insert().values(id=f"{instance_id}/0", instance_id=instance_id, number=0))
    for param, value in (secrets or {}).items():
        set_secret(tx, instance_id, param, value)
    orphans = sa.and_(schema.link.c.instance_id.is_(None), schema.link.c.instance_name == name)
    tx.execute(schema.link.update().where(orphans).values(instance_id=instance_id))
    return load(tx, instance_id)


def load(tx: Connection, instance_id: InstanceId) -> Instance:
    """The instance with that id. Raises NotFound."""
    row = tx.execute(sa.select(_TABLE).where(_TABLE.c.id == instance_id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"no instance with id {instance_id}")
    return rows.instance(row)


def find(tx: Connection, reference: str) -> Instance | None:
    """The instance with that name, or that id; None when there is none."""
    query = sa.select(_TABLE).where(sa.or_(_TABLE.c.name == reference, _TABLE.c.id == reference))
    found = [rows.instance(row) for row in tx.execute(query).mappings()]
    return next((i for i in found if i.name == reference), found[0] if found else None)


def by_name(tx: Connection, name: str) -> Instance:
    """The instance with that name (or id). Raises NotFound, naming those that there are."""
    found = find(tx, name)
    if found is None:
        names = ", ".join(i.name for i in list_all(tx)) or "none yet"
        raise NotFound(f"no instance named {name!r}; there are: {names}")
    return found


def list_all(tx: Connection) -> list[Instance]:
    """All instances, by name."""
    return [rows.instance(row) for row in tx.execute(sa.select(_TABLE).order_by(_TABLE.c.name)).mappings()]


def update(tx: Connection, instance_id: InstanceId, now: datetime, **columns: Any) -> Instance:
    """Change columns (`params`, `enabled`, `classifier`, `mapper_in`, `mapper_out`, `health`, `schema_cache`, `egress`)."""
    tx.execute(_TABLE.update().where(_TABLE.c.id == instance_id).values(**columns, modified_at=now))
    return load(tx, instance_id)


def schema_of(tx: Connection, instance_id: InstanceId) -> Mapping[str, Json]:
    """What `get-mapping-fields` last told; empty when it was never asked."""
    found = tx.execute(sa.select(_TABLE.c.schema_cache).where(_TABLE.c.id == instance_id)).scalar_one_or_none()
    return found if isinstance(found, Mapping) else {}


def remove(tx: Connection, instance_id: InstanceId) -> None:
    """Delete an instance with its secrets and lane. Incidents and links stay; the links are orphans."""
    tx.execute(_TABLE.delete().where(_TABLE.c.id == instance_id))


def set_secret(tx: Connection, instance_id: InstanceId, param: str, value: Json) -> None:
    """Encrypt and keep the value of a secret parameter."""
    if store_of(tx).is_postgresql:  # before sealing: it waits for a rotation that is under way, and makes one wait
        tx.execute(sa.text("LOCK TABLE secret IN ROW EXCLUSIVE MODE"))
    sealed = store_of(tx).keys.seal(value, f"{instance_id}/{param}")
    upsert(tx, schema.secret, {"instance_id": instance_id, "param": param}, sealed.columns)


def secrets(tx: Connection, instance_id: InstanceId) -> dict[str, Json]:
    """The secret parameters in clear: for the runtime and nobody else."""
    keys, table = store_of(tx).keys, schema.secret
    found = tx.execute(sa.select(table).where(table.c.instance_id == instance_id)).mappings()
    return {row["param"]: keys.open(Sealed.of(row), f"{instance_id}/{row['param']}") for row in found}


def secret_names(tx: Connection, instance_id: InstanceId) -> list[str]:
    """Which secret parameters have a value."""
    table = schema.secret
    query = sa.select(table.c.param).where(table.c.instance_id == instance_id)
    return list(tx.execute(query.order_by(table.c.param)).scalars())


def rewrap_secrets(tx: Connection) -> int:
    """Wrap every secret under the current master key; returns how many there are.

    Nobody else writes one before the transaction ends: none stays behind under a key that is dropped next.
    """
    keys, table, count = store_of(tx).keys, schema.secret, 0
    if store_of(tx).is_postgresql:
        tx.execute(sa.text("LOCK TABLE secret IN SHARE ROW EXCLUSIVE MODE"))
    for row in tx.execute(sa.select(table)).mappings().all():
        sealed = keys.rewrap(Sealed.of(row), f"{row['instance_id']}/{row['param']}")
        where = sa.and_(table.c.instance_id == row["instance_id"], table.c.param == row["param"])
        tx.execute(table.update().where(where).values(key_id=sealed.key_id, wrapped=sealed.wrapped))
        count += 1
    return count


def save_last_run(tx: Connection, instance_id: InstanceId, value: Any) -> None:
    """Keep what `setLastRun` was given."""
    tx.execute(_TABLE.update().where(_TABLE.c.id == instance_id).values(last_run=value))


def save_mirror_run(tx: Connection, instance_id: InstanceId, value: Any) -> None:
    """Keep what `setLastMirrorRun` was given."""
    tx.execute(_TABLE.update().where(_TABLE.c.id == instance_id).values(last_mirror_run=value))


def context(tx: Connection, instance_id: InstanceId) -> tuple[Any, int]:
    """The integration context and its version. Raises NotFound."""
    query = sa.select(_TABLE.c.context, _TABLE.c.context_version).where(_TABLE.c.id == instance_id)
    row = tx.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"no instance with id {instance_id}")
    return row.context, row.context_version


def set_context(tx: Connection, instance_id: InstanceId, value: Any, version: int) -> int:
    """Keep the integration context; returns its new version.

    Raises ValueError when `version` is not the stored one; −1 forces.   Source: MIR-199.
    """
    where = _TABLE.c.id == instance_id
    if version >= 0:
        where = sa.and_(where, _TABLE.c.context_version == version)
    new = {"context": {} if value is None else value, "context_version": _TABLE.c.context_version + 1}
    if tx.execute(_TABLE.update().where(where).values(**new)).rowcount == 0:
        raise ValueError(f"stale version {version} of the integration context")
    return context(tx, instance_id)[1]
