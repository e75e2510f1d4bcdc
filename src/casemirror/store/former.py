"""Links that were removed: their rows stay, out of sight, because they know what was said by them and what was agreed on.

Without that, an incident that is linked to the same remote object again would send all its notes once more, take in all the
remote's comments once more, and nobody could tell on which side a field or the state changed while the two were apart.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from casemirror.model.ids import IncidentId, LinkId
from casemirror.store import schema

REMOVED: Final = "removed"
"""State of such a link; only the store sees it."""

_TABLE = schema.link
_AGREED: Final = (
    _TABLE.c.base,
    _TABLE.c.assumed,
    _TABLE.c.doubted,
    _TABLE.c.sticky,
    _TABLE.c.out_status,
    _TABLE.c.remote_closed,
    _TABLE.c.reopened_here,
)
"""What stays true of two sides while they are apart."""
THERE: Final = _TABLE.c.state != REMOVED


def keep(tx: Connection, link_id: LinkId) -> None:
    """Take a link out of sight: nothing is due by it, and what waits for it is dropped."""
    tx.execute(schema.inbox.delete().where(schema.inbox.c.link_id == link_id))
    tx.execute(_TABLE.update().where(_TABLE.c.id == link_id).values(state=REMOVED, primary=False))


def hand_over(tx: Connection, link_id: LinkId, incident_id: IncidentId, instance_name: str, remote_id: str) -> None:
    """Give a new link what a removed one to the same remote object knew, and delete that one."""
    same = (_TABLE.c.incident_id == incident_id, _TABLE.c.instance_name == instance_name)
    query = sa.select(_TABLE.c.id).where(*same, _TABLE.c.remote_id == remote_id, _TABLE.c.state == REMOVED)
    former = tx.execute(query.order_by(_TABLE.c.id.desc()).limit(1)).scalar_one_or_none() if remote_id else None
    if former is None:
        return
    agreed = tx.execute(sa.select(*_AGREED).where(_TABLE.c.id == former)).mappings().one()
    tx.execute(_TABLE.update().where(_TABLE.c.id == link_id).values(**agreed))
    for table in (schema.entry, schema.delivery, schema.doubt, schema.decision, schema.payload):
        tx.execute(table.update().where(table.c.link_id == former).values(link_id=link_id))
    tx.execute(_TABLE.delete().where(_TABLE.c.id == former))
