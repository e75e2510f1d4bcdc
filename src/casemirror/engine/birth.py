"""Create an incident and its link: the one way in which incidents begin, for fetches, people and clients alike."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from casemirror.engine.app import App
from casemirror.model.errors import NotFound
from casemirror.model.incident import Incident, MirrorFields, NewIncident, Status
from casemirror.model.instance import Instance
from casemirror.model.link import Direction, Link, RemoteState
from casemirror.model.settings import Settings
from casemirror.store import doubts, inbox, incidents, instances, links, polls

if TYPE_CHECKING:
    from sqlalchemy import Connection

PERSON = 0
"""Priority of a link that somebody waits for."""
FETCHED = 5


def create(
    tx: Connection, new: NewIncident, now: datetime, settings: Settings, *, since: datetime, actor: str
) -> tuple[Incident, Link | None]:
    """Write an incident and, when it has mirror fields, its link. Nothing of it is dirty.   Source: MIR-040, MIR-043.

    since   where its first pull begins: at the latest the start of the fetch that found it. What was said there before
            is part of the case, so a fetch gives the time when the remote object came to be (decision 0008)
    """
    status = Status.ACTIVE if settings.flag("incidents.create.active") else Status.PENDING
    incident = incidents.create(tx, new, now, status=status, actor=actor)
    direction = Direction.parse(new.mirror.direction)
    if direction is Direction.NONE or not new.mirror.instance:
        return incident, None
    return incident, connect(
        tx, incident, new.mirror, now, since=since, later=False, pull=settings.flag("mirror.link.pull")
    )


def connect(
    tx: Connection,
    incident: Incident,
    mirror: MirrorFields,
    now: datetime,
    *,
    since: datetime,
    later: bool,
    pull: bool,
    primary: bool = True,
) -> Link:
    """Link an incident to a remote object (or to one that is yet to be created, when `mirror.remote_id` is empty).

    later   it is linked after it began: the first pull asks for everything   (MIR-090)
    pull    pull it once without waiting for a poll to name it
    A remote id that a poll reported before anybody was linked to it is due at once (MIR-076).
    """
    instance = instance_named(tx, mirror.instance)
    direction = Direction.parse(mirror.direction)
    link = links.add(
        tx,
        incident_id=incident.id,
        instance_id=instance.id if instance else None,
        instance_name=instance.name if instance else mirror.instance,
        remote_id=mirror.remote_id,
        direction=direction,
        tags=mirror.tags,
        primary=primary,
        since_at=since,
        linked_later=later,
        assumed=incident.fields,
        out_status=int(incident.status),
    )
    reported = bool(instance and mirror.remote_id and polls.take_unmatched(tx, instance.id, mirror.remote_id))
    named = direction.inbound and bool(mirror.remote_id) and (reported or pull)
    to_create = direction.outbound and not mirror.remote_id
    if named or to_create or later:
        links.want(tx, link.id, now, priority=PERSON if later else FETCHED, named=named)
    return links.load(tx, link.id)


def create_again(tx: Connection, app: App, link: Link, who: str) -> None:
    """A person wants a creation of unknown outcome begun anew: that the object may be there twice then is kept.

    An integration that recognises what it created looks first, so nothing is in doubt.
    """
    if link.creating_at is None or _creates_safely(tx, app, link):
        return
    reason = f"{who} had it created once more; the outcome of the creation of {link.creating_at:%Y-%m-%d %H:%M:%S} UTC was never seen"
    links.save(tx, link.id, creating_at=None, creating_ends_by=None)
    doubts.add(tx, link.id, None, app.clock.now(), reason)


def _creates_safely(tx: Connection, app: App, link: Link) -> bool:
    if link.instance_id is None:
        return False
    try:
        return app.library.catalog(tx).integration(instances.load(tx, link.instance_id).brand).creates_safely
    except NotFound:
        return False


def follow(tx: Connection, link: Link, remote_id: str, now: datetime) -> Link:
    """Point a link at another remote object: the one that its former one became.

    The base stays, so that what both sides last agreed on is merged with what the other object shows; what was said by the
    link stays known, so that nothing is said twice. The first pull asks for everything.
    """
    former = {"remote_state": RemoteState.PRESENT, "remote_since": None, "remote_words": "", "remote_new_id": ""}
    begins: dict[str, Any] = {
        "last_sync_at": None,
        "linked_later": True,
        "pushed": {},
        "tries_in": 0,
        "tries_out": 0,
        "error_out": "",
    }
    inbox.remove(tx, [row.id for row in inbox.waiting(tx, link.id)])
    links.save(tx, link.id, remote_id=remote_id, **former, **begins)
    if link.instance_id is not None:
        polls.take_unmatched(tx, link.instance_id, remote_id)
    links.want(tx, link.id, now, priority=PERSON, named=link.direction.inbound, reset=True)
    return links.load(tx, link.id)


def instance_named(tx: Connection, reference: str) -> Instance | None:
    """The instance with that name or id; None when there is none (the link is an orphan then: MIR-015)."""
    return instances.find(tx, reference) if reference else None
