"""Notices on their way: written in the transaction of what they tell, and kept until they arrived or are given up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from casemirror.model.values import Json
from casemirror.store import schema

WAITING: Final = "waiting"
SENDING: Final = "sending"
"""A process took it; when it was not heard of for some time, another one may."""
SENT: Final = "sent"
GIVEN_UP: Final = "given up"
KEPT: Final = timedelta(days=7)
"""How long a notice is kept after it arrived or was given up."""

_TABLE = schema.notice
_OPEN = _TABLE.c.state.in_([WAITING, SENDING])


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One notice to one target.

    target    which one, as `engine.notices` names it; no address, since that may hold a token
    attempts  how often it was begun to send it
    """

    id: int
    created_at: datetime
    target: str
    body: Mapping[str, Json]
    attempts: int


def add(tx: Connection, targets: Iterable[str], body: Mapping[str, Json], now: datetime) -> None:
    """Have a notice sent to each of these targets, at once."""
    for target in targets:
        tx.execute(_TABLE.insert().values(created_at=now, due_at=now, target=target, body=dict(body)))


def due(tx: Connection, now: datetime, *, limit: int = 100) -> list[Notice]:
    """Notices that are to be sent now, the oldest first."""
    columns = (_TABLE.c[name] for name in Notice.__dataclass_fields__)
    query = sa.select(*columns).where(_OPEN, _TABLE.c.due_at <= now)
    return [Notice(**row) for row in tx.execute(query.order_by(_TABLE.c.id).limit(limit)).mappings()]


def take(tx: Connection, notice: Notice, until: datetime) -> bool:
    """Begin to send a notice: nobody else does before `until`, when whoever took it is taken for dead. False: somebody did."""
    mine = (_TABLE.c.id == notice.id, _OPEN, _TABLE.c.attempts == notice.attempts)
    taken = _TABLE.update().where(*mine).values(attempts=notice.attempts + 1, due_at=until, state=SENDING)
    return tx.execute(taken).rowcount > 0


def arrived(tx: Connection, notice: Notice, now: datetime) -> None:
    """It was taken in; what else waits for the same target is due at once."""
    tx.execute(_TABLE.update().where(_TABLE.c.id == notice.id).values(state=SENT, error="", due_at=now))
    tx.execute(_TABLE.update().where(*_others(notice)).values(due_at=now))
    tx.execute(_TABLE.delete().where(sa.not_(_OPEN), _TABLE.c.due_at < now - KEPT))


def failed(tx: Connection, notice: Notice, error: str, again_at: datetime | None, now: datetime) -> None:
    """It did not arrive, and what else waits for the same target waits with it; None: it is given up."""
    columns = {"error": error, "due_at": again_at or now, "state": WAITING if again_at else GIVEN_UP}
    tx.execute(_TABLE.update().where(_TABLE.c.id == notice.id, _OPEN).values(**columns))
    if again_at:
        earlier = _TABLE.c.due_at < again_at
        tx.execute(_TABLE.update().where(*_others(notice), earlier).values(due_at=again_at))


def _others(notice: Notice) -> tuple[sa.ColumnElement[bool], ...]:
    return (_TABLE.c.target == notice.target, _TABLE.c.state == WAITING)


def waiting(tx: Connection) -> int:
    """How many did not arrive yet."""
    query = sa.select(sa.func.count()).select_from(_TABLE).where(_OPEN)
    return int(tx.execute(query).scalar_one())
