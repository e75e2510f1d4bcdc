"""Tie incidents to remote objects that are there already: ask the remote about each, and link what nothing speaks against.

Asking changes nothing, here or there. Linking creates nothing there and sends nothing: the first contact is a pull, as for
every link that is made later (`engine.birth.connect`, `engine.looking.must_meet`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from casemirror.actions import changes, links, planning
from casemirror.actions.links_values import Pair, Seen, Verdict
from casemirror.actions.planning_runtime import mask_of, masked
from casemirror.engine import inbound, looking
from casemirror.engine.app import App
from casemirror.engine.turn import Onlooker
from casemirror.model.actor import Actor
from casemirror.model.errors import BadRequest, CasemirrorError, LaneMustWait, RemoteGone
from casemirror.model.ids import IncidentId, LinkId
from casemirror.model.incident import Incident, MirrorFields
from casemirror.model.link import Direction, Link
from casemirror.model.values import Json, is_empty, same
from casemirror.runtime import wire
from casemirror.runtime.masking import Masker
from casemirror.runtime.wire import RemoteData
from casemirror.store import incidents
from casemirror.store import links as store

if TYPE_CHECKING:
    from sqlalchemy import Connection

SUMMARY: Final = ("name", "severity", "owner")
"""Mapped fields by which a person recognises the object."""
STATES: Final = ("state", "status")
"""Keys of remote objects that tell how far it is, whatever a mapper makes of them."""


class Desk:
    """One instance that is asked about objects; it owns no lane, so it works while a server runs."""

    def __init__(self, app: App, instance: str) -> None:
        """Raises NotFound (instance, integration)."""
        self._turn: Onlooker = planning.onlooker(app, instance)
        self._mask: Masker = mask_of(app, self._turn.instance)

    @property
    def name(self) -> str:
        """Name of the instance."""
        return self._turn.instance.name

    def cannot_ask(self) -> str:
        """Why no object can be looked at; empty when they can."""
        turn, now = self._turn, self._turn.app.clock.now()
        if not turn.caller.integration.mirror_in:
            display = turn.caller.integration.display
            return f"{display} does not mirror in, so it cannot be asked; `casemirror link add` links unseen"
        if not turn.instance.enabled:
            return f"{self.name} is disabled; `casemirror instance enable {self.name}` lets it work"
        if not turn.lane.may_ask(now):
            return f"{self.name} may not be asked before {turn.lane.in_not_before:%Y-%m-%d %H:%M:%S} UTC"
        return ""

    def look(self, incident: Incident, remote_id: str) -> Seen:
        """What the remote says of an object. Raises LaneMustWait; everything else that goes wrong is told."""
        link = self._as_if_linked(incident, remote_id)
        try:
            return self._understood(link, incident, self._pulled(link, incident))
        except LaneMustWait:
            raise
        except RemoteGone as error:
            return Seen(trouble=self._mask(f"{self.name} does not have it: {error.message}"))
        except CasemirrorError as error:
            return Seen(trouble=self._mask(f"{self.name} cannot tell: {error.message}"))

    def _pulled(self, link: Link, incident: Incident) -> RemoteData:
        """get-remote-data as the first pull of such a link asks it."""
        arguments = wire.pull_arguments(link.remote_id, looking.LONG_AGO)
        reply = self._turn.caller.run("get-remote-data", arguments, incident=incident, link=link)
        try:
            return replace(wire.parse_pull(reply, link.remote_id), entries=())
        finally:
            reply.discard()

    def _understood(self, link: Link, incident: Incident, data: RemoteData) -> Seen:
        if data.object is None:
            return Seen(trouble=self._mask(f"{self.name} tells no object: {data.message or 'its answer is empty'}"))
        told = inbound.understand(self._turn, link, incident, data)
        closed = any(control.close for control in told.controls)
        trouble = str(data.object.get("in_mirror_error") or "")
        return Seen(
            says=masked(self._mask, _summary(told.fields, data.object)),
            differs={name: masked(self._mask, list(both)) for name, both in _differing(incident, told.fields)},
            closed=closed,
            trouble=self._mask(f"{self.name} tells an error about it: {trouble}") if trouble else "",
        )

    def _as_if_linked(self, incident: Incident, remote_id: str) -> Link:
        instance = self._turn.instance
        return Link(
            id=LinkId(0),
            incident_id=incident.id,
            instance_id=instance.id,
            instance_name=instance.name,
            remote_id=remote_id,
            direction=Direction.BOTH,
            since_at=self._turn.app.clock.now(),
            linked_later=True,
        )


def _summary(fields: Mapping[str, Json], raw: Mapping[str, Json]) -> dict[str, Json]:
    told = {name: fields[name] for name in SUMMARY if not is_empty(fields.get(name))}
    states = {name: raw[name] for name in STATES if not is_empty(raw.get(name))}
    return {**told, **states} or {name: raw[name] for name in list(raw)[:3]}


def _differing(incident: Incident, told: Mapping[str, Json]) -> list[tuple[str, tuple[Json, Json]]]:
    """Fields that both sides have, with values that are not the same."""
    both = [(name, (incident.get(name), value)) for name, value in sorted(told.items())]
    return [(name, pair) for name, pair in both if not is_empty(pair[0]) and not is_empty(pair[1]) and not same(*pair)]


def examine(app: App, desk: Desk, pair: Pair) -> Pair:
    """A pair with its verdict: what stands here first, then what the remote says. Raises LaneMustWait."""
    with app.store.read() as tx:
        judged = judge(tx, app, pair)
        if judged.verdict is not Verdict.CLEAR:
            return judged
        incident = incidents.load(tx, pair.incident_id)
    obstacle = desk.cannot_ask()
    if obstacle:
        return replace(judged, verdict=Verdict.DOUBTFUL, reason=obstacle)
    seen = desk.look(incident, pair.remote_id)
    verdict = Verdict.DOUBTFUL if seen.trouble else Verdict.CLEAR
    return replace(judged, seen=seen, verdict=verdict, reason=seen.trouble)


def judge(tx: Connection, app: App, pair: Pair) -> Pair:
    """The verdict by what stands in the database."""
    try:
        incident = incidents.load(tx, pair.incident_id)
        mine = store.of_incident(tx, incident.id)
        wanted = MirrorFields(remote_id=pair.remote_id, instance=pair.instance, direction=pair.direction)
        if any((k.instance_name, k.remote_id) == (pair.instance, pair.remote_id) for k in mine):
            return replace(pair, title=incident.name, verdict=Verdict.LINKED)
        instance = links.check(tx, app, wanted, mine)
    except BadRequest as error:
        return replace(pair, verdict=Verdict.DOUBTFUL, reason=error.message)
    others = tuple(each.incident_id for each in store.by_remote(tx, instance.id, pair.remote_id))
    if others:
        reason = f"{pair.instance} {pair.remote_id} is linked to incident {_numbers(others)} already"
        return replace(pair, title=incident.name, elsewhere=others, verdict=Verdict.DOUBTFUL, reason=reason)
    return replace(pair, title=incident.name, verdict=Verdict.CLEAR)


def _numbers(found: tuple[IncidentId, ...]) -> str:
    return ", ".join(str(number) for number in found)


def adopt(app: App, actor: Actor, pair: Pair, tags: tuple[str, ...] = ()) -> Pair:
    """Link a clear pair, if it is still clear; the caller holds the permission. The incident's first link is its primary one."""
    settings = app.settings()

    def work(tx: Connection) -> Pair:
        judged = judge(tx, app, pair)
        if judged.verdict is not Verdict.CLEAR:
            return judged
        incident = incidents.load(tx, pair.incident_id)
        mirror = MirrorFields(remote_id=pair.remote_id, instance=pair.instance, direction=pair.direction, tags=tags)
        primary = not any(link.primary for link in store.of_incident(tx, incident.id))
        made = links.connect(tx, app, settings, incident, mirror, primary=primary, pull=True)
        detail: dict[str, Json] = {"instance": made.instance_name, "remote_id": made.remote_id}
        detail |= {"direction": made.direction.value, "found_in": pair.where}
        changes.note(tx, app, actor, "link.adopted", incident.id, detail)
        return replace(judged, verdict=Verdict.ADOPTED)

    return app.store.write_retry(work)
