"""Decisions: one row for each field that a plan looked at and did not leave alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from casemirror.model.ids import IncidentId, LinkId
from casemirror.model.link import Link
from casemirror.model.plan import Decision, Rule
from casemirror.model.values import same
from casemirror.store import schema

_TABLE = schema.decision


def add(tx: Connection, link: Link, made: Iterable[Decision], now: datetime, *, payload_id: int | None) -> None:
    """Keep decisions; one that says what the field's last one said is not kept again."""
    for decision in made:
        if not _repeats(tx, link, decision):
            tx.execute(
                _TABLE.insert().values(
                    link_id=link.id,
                    incident_id=link.incident_id,
                    at=now,
                    field=decision.field,
                    rule=decision.rule.value,
                    note=decision.note,
                    base=decision.base,
                    local=decision.local,
                    remote=decision.remote,
                    payload_id=payload_id,
                )
            )


def _repeats(tx: Connection, link: Link, decision: Decision) -> bool:
    query = sa.select(_TABLE).where(_TABLE.c.link_id == link.id, _TABLE.c.field == decision.field)
    last = tx.execute(query.order_by(_TABLE.c.id.desc()).limit(1)).mappings().one_or_none()
    return last is not None and all(
        same(last[name], getattr(decision, name)) for name in ("rule", "note", "base", "local", "remote")
    )


def alternations(tx: Connection, link_id: LinkId, since: datetime) -> dict[str, int]:
    """Field → how often the side that changed it was another one than the time before, since then."""
    sides = [Rule.LOCAL_CHANGED.value, Rule.REMOTE_CHANGED.value]
    query = sa.select(_TABLE.c.field, _TABLE.c.rule).where(
        _TABLE.c.link_id == link_id, _TABLE.c.at >= since, _TABLE.c.rule.in_(sides)
    )
    last: dict[str, str] = {}
    counted: dict[str, int] = {}
    for field, rule in tx.execute(query.order_by(_TABLE.c.id)):
        counted[field] = counted.get(field, 0) + (last.get(field, rule) != rule)
        last[field] = rule
    return counted


def list_for(tx: Connection, incident_id: IncidentId, *, field: str = "", limit: int = 200) -> list[dict[str, Any]]:
    """Decisions about an incident's fields, newest first."""
    query = sa.select(_TABLE).where(_TABLE.c.incident_id == incident_id)
    if field:
        query = query.where(_TABLE.c.field == field)
    return [dict(row) for row in tx.execute(query.order_by(_TABLE.c.id.desc()).limit(limit)).mappings()]


def of_field(tx: Connection, link_id: LinkId, field: str, *, limit: int = 5) -> list[dict[str, Any]]:
    """What a link's plans decided about one field, newest first."""
    query = sa.select(_TABLE).where(_TABLE.c.link_id == link_id, _TABLE.c.field == field)
    return [dict(row) for row in tx.execute(query.order_by(_TABLE.c.id.desc()).limit(limit)).mappings()]


def decided_fields(tx: Connection, link_id: LinkId) -> set[str]:
    """Fields that any plan of a link ever decided about."""
    return set(tx.execute(sa.select(_TABLE.c.field).where(_TABLE.c.link_id == link_id).distinct()).scalars())
