"""Point a link at the object that its remote object became, when that one was merged, moved or replaced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from casemirror.actions import changes
from casemirror.actions.permission import require
from casemirror.engine import birth
from casemirror.engine.app import App
from casemirror.model.actor import Actor
from casemirror.model.errors import Conflict, Invalid, NotFound
from casemirror.model.ids import IncidentId
from casemirror.model.link import Link, LinkState
from casemirror.store import incidents, links

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, kw_only=True)
class Followed:
    """The link as it is now, what it pointed at before, and which other incidents are linked to the new object."""

    link: Link
    former_id: str
    shared_with: tuple[IncidentId, ...] = ()


def follow(app: App, actor: Actor, incident_id: IncidentId, instance: str, remote_id: str) -> Followed:
    """Point the link to an instance at another remote object, in one transaction. Nothing is written there or here by it.

    What both sides last agreed on stays, so the first pull is a three-way merge; what was said by the link stays known.
    Raises NotFound (incident, link), Invalid (no id), Conflict (no remote object yet, the same one, purged).
    """
    require(actor, "link.follow")
    new_id = remote_id.strip()
    if not new_id:
        raise Invalid("the id of the remote object to follow to is missing")

    def work(tx: Connection) -> Followed:
        link = _link_to(tx, incident_id, instance)
        _check(link, new_id)
        there = links.by_remote(tx, link.instance_id, new_id) if link.instance_id else []
        followed = birth.follow(tx, link, new_id, app.clock.now())
        detail = {"instance": link.instance_name, "from": link.remote_id, "to": new_id}
        changes.note(tx, app, actor, "link.followed", incident_id, detail)
        others = tuple(sorted({each.incident_id for each in there} - {incident_id}))
        return Followed(link=followed, former_id=link.remote_id, shared_with=others)

    return app.store.write_retry(work)


def _check(link: Link, new_id: str) -> None:
    where = f"incident {link.incident_id} at {link.instance_name}"
    if not link.remote_id:
        raise Conflict(
            f"{where} has no remote object yet; `casemirror incident edit {link.incident_id} dbotMirrorId={new_id}` gives it one"
        )
    if link.remote_id == new_id:
        raise Conflict(
            f"{where} is linked to {new_id} already; `casemirror link retry {link.incident_id}` looks at it now"
        )
    if link.state is LinkState.PURGED:
        raise Conflict(f"{where} was purged after the incident closed; reopen it first")


def _link_to(tx: Connection, incident_id: IncidentId, instance: str) -> Link:
    incidents.load(tx, incident_id)
    there = links.of_incident(tx, incident_id)
    found = next((link for link in there if link.instance_name == instance), None)
    if found is None:
        names = ", ".join(link.instance_name for link in there) or "nothing"
        raise NotFound(f"incident {incident_id} is not linked to {instance!r}; it is linked to {names}")
    return found
