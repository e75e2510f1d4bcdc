"""One incident with everything around it: links and how far they agree, war room, what is still to be sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from casemirror.actions.permission import require
from casemirror.engine import commands, outbound
from casemirror.engine.app import App
from casemirror.engine.plan import current_dirty
from casemirror.engine.turn import Turn
from casemirror.model.actor import Actor
from casemirror.model.entry import Entry
from casemirror.model.errors import CasemirrorError
from casemirror.model.ids import EntryId, IncidentId, LinkId
from casemirror.model.incident import Incident
from casemirror.model.link import Link
from casemirror.runtime import wire
from casemirror.store import doubts, entries, incidents, instances, lanes, links
from casemirror.store.doubts import Doubt

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, kw_only=True)
class LinkState:
    """A link and how far both sides agree.

    dirty     fields that changed here since both sides last agreed
    current   those of them that the next push carries
    unsent    entries that wait to be sent
    """

    link: Link
    dirty: tuple[str, ...] = ()
    current: tuple[str, ...] = ()
    unsent: int = 0

    @property
    def agrees(self) -> bool:
        """Nothing is known that one side has and the other has not."""
        return not (
            self.link.is_gone
            or self.current
            or self.unsent
            or self.link.wanted > self.link.done
            or self.link.held_reason
            or self.link.conflicts
        )


@dataclass(frozen=True, kw_only=True)
class Case:
    """An incident as a person looks at it.

    names        machine name → display name of its custom fields
    deliveries   (entry, link) → where the entry stands on its way out by the link
    doubts       what of it may stand twice on a remote
    """

    incident: Incident
    links: tuple[LinkState, ...]
    entries: tuple[Entry, ...]
    names: Mapping[str, str]
    deliveries: Mapping[tuple[EntryId, LinkId], str]
    doubts: tuple[Doubt, ...] = ()

    @property
    def primary(self) -> LinkState | None:
        """The link that `dbotMirror*` shows."""
        return next((state for state in self.links if state.link.primary), None)

    def to_json(self) -> dict[str, Any]:
        """The incident in the contract's spelling."""
        state = self.primary
        if state is None:
            return wire.incident_json(self.incident, None)
        return wire.incident_json(self.incident, state.link, state.dirty, state.current)


def show(app: App, actor: Actor, incident_id: IncidentId) -> Case:
    """Everything about one incident. Raises NotFound."""
    require(actor, "incident.show")
    with app.store.read() as tx:
        incident = incidents.load(tx, incident_id)
        catalog = app.library.catalog(tx)
        found = links.of_incident(tx, incident_id)
        resend = app.settings().flag("mirror.resend.inbound")
        counts = {
            link.id: len(entries.unsent(tx, link, resend=resend)) if link.direction.outbound else 0 for link in found
        }
        said = tuple(entries.list_for(tx, incident_id))
        deliveries = entries.deliveries(tx, incident_id)
        twice = tuple(doubts.find(tx, incident_id=incident_id))
        turns = {link.id: bystander(tx, app, link) for link in found}
    names = {n: f.name for n in incident.fields if (f := catalog.field_by_cli(n)) is not None}
    states = tuple(state_of(turns[link.id], link, incident, counts[link.id]) for link in found)
    return Case(incident=incident, links=states, entries=said, names=names, deliveries=deliveries, doubts=twice)


def state_of(turn: Turn | None, link: Link, incident: Incident, unsent: int) -> LinkState:
    """How far a link's sides agree; without its integration only what changed here is known."""
    names = set(link.dirty(incident.fields))
    if turn is not None and turn.settings.flag("mirror.legacy.dirty"):
        names |= link.sticky
    dirty = tuple(sorted(names))
    current: tuple[str, ...] = ()
    if turn is not None:
        try:
            current = tuple(current_dirty(link, incident, outbound.policy_for(turn, link, incident)))
        except CasemirrorError:
            current = dirty
    return LinkState(link=link, dirty=dirty, current=current, unsent=unsent)


def bystander(tx: Connection, app: App, link: Link) -> Turn | None:
    """What the engine would look at for this link, without owning its lane; None for an orphan."""
    if link.instance_id is None:
        return None
    try:
        instance = instances.load(tx, link.instance_id)
        return Turn(caller=commands.caller(app, instance), lane=lanes.of_instance(tx, instance.id))
    except CasemirrorError:
        return None
