"""A remote object that is not there (any more): a state of its link, and nothing that changes the incident.

The link waits and looks ever more rarely; human edits stay queued. What comes back is merged as if it had never been away,
since the base stays. Nothing is deleted, and nothing is followed without a person.   Source: mirroring.md §2.8; MIR-136.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from casemirror.engine import brake
from casemirror.engine.app import log
from casemirror.engine.turn import Turn
from casemirror.model.errors import CommandFailed, IncidentChanged, RemoteGone
from casemirror.model.incident import MIRROR_ERROR_IN
from casemirror.model.link import Absence, Link, RemoteState
from casemirror.runtime import wire
from casemirror.store import entries, inbox, incidents, links

if TYPE_CHECKING:
    from sqlalchemy import Connection

FIRST_LOOK_S = 30.0
"""Wait after the first look that found nothing; then as long as the object has been away."""
RAREST_S = 86400.0
"""Longest wait between two looks when `mirror.reconcile` is off."""


def bury(turn: Turn, seen: Link, absence: Absence) -> None:
    """Note that the object is not there, once in the war room, and let the link wait.

    seen   the link as it was before the call
    Raises IncidentChanged when it was pointed at another object meanwhile, BrakePulled when too many go at once.
    """
    now = turn.app.clock.now()
    with turn.write() as tx:
        link = links.load(tx, seen.id)
        if link.remote_id != seen.remote_id:
            raise IncidentChanged(f"the link to {turn.instance.name} was pointed at another object")
        if not link.is_gone:
            brake.refuse_gone(turn, tx)
        since = link.remote_since if link.is_gone and link.remote_since else now
        told: dict[str, Any] = {
            "remote_state": absence.state,
            "remote_since": since,
            "remote_words": absence.words,
            "remote_new_id": absence.new_id,
        }
        inbox.remove(tx, [row.id for row in inbox.waiting(tx, link.id)])
        buried = links.save(tx, link.id, **told, tries_in=link.tries_in + 1)
        show_error(tx, buried, absence.words, now)
        if not link.is_gone:
            entries.add_note(tx, link.incident_id, _went(turn, buried), now)
            log.warning("remote.gone", **_where(turn, link), state=absence.state.value, reason=absence.words)
        links.wait(tx, link.id, now + timedelta(seconds=pause_s(turn, since, now)), seen=seen.wanted)


def pause_s(turn: Turn, since: datetime, now: datetime) -> float:
    """Until the next look, seconds: as long again as the object has been away, at most `mirror.reconcile`."""
    longest = turn.settings.seconds("mirror.reconcile") or RAREST_S
    return min(max((now - since).total_seconds(), FIRST_LOOK_S), longest)


def show_error(tx: Connection, link: Link, words: str, now: datetime) -> None:
    """Show the remote's words where `in_mirror_error` belongs (MIR-098), and on the link; no other field is touched."""
    incident = incidents.load(tx, link.incident_id)
    if incident.get(MIRROR_ERROR_IN) != words:
        incidents.save(tx, incident.id, incident.version, now=now, fields={MIRROR_ERROR_IN: words})
    links.save(tx, link.id, error_in=words, base={**link.base, MIRROR_ERROR_IN: words})


def rise(turn: Turn, tx: Connection, link: Link, now: datetime) -> dict[str, Any]:
    """Link columns when the object is there again, with the one note about it; none when it never was away."""
    if not link.is_gone:
        return {}
    since = f" since {link.remote_since:%Y-%m-%d %H:%M:%S} UTC" if link.remote_since else ""
    text = f"{turn.instance.name} shows {link.remote_id} again; it was {link.remote_state.value}{since}. Mirroring goes on."
    entries.add_note(tx, link.incident_id, text, now)
    log.info("remote.came_back", **_where(turn, link))
    return {"remote_state": RemoteState.PRESENT, "remote_since": None, "remote_words": "", "remote_new_id": ""}


def told_by_push(turn: Turn, link: Link, error: Exception) -> RemoteGone | None:
    """What a failed push says of an object that nobody can look at; of one that can be looked at, only a look decides."""
    if not (isinstance(error, CommandFailed) and link.remote_id):
        return None
    absence = wire.absence(error.message, link.remote_id)
    if absence is None:
        return None
    looks = link.direction.inbound and turn.caller.integration.mirror_in and turn.lane.can_pull(turn.app.clock.now())
    if not looks:
        return RemoteGone(absence)
    with turn.write() as tx:
        links.look_first(tx, link.id)
    return None


def _went(turn: Turn, link: Link) -> str:
    became = f" into {link.remote_new_id}" if link.remote_new_id else ""
    text = f"{turn.instance.name} says that {link.remote_id} is {link.remote_state.value}{became}: {link.remote_words}"
    follow = f"casemirror link follow {link.incident_id} {turn.instance.name} {link.remote_new_id or 'NEW_ID'}"
    return f"{text}\nNothing changes here; what is edited waits. To go on with another object: {follow}"


def _where(turn: Turn, link: Link) -> dict[str, Any]:
    return {"instance": turn.instance.name, "incident": link.incident_id, "remote": link.remote_id}
