"""The people of a schedule: what they do on either side, and a ledger of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from casemirror.actions import conflicts, links
from casemirror.model.ids import IncidentId
from casemirror.model.incident import Incident, Status
from casemirror.model.link import Link
from schedules.stage import FIELDS
from support.desk import Ticket
from support.world import ANALYST

if TYPE_CHECKING:
    from schedules.crashing import Schedule

HERE = "here"
KINDS = (
    "edit here",
    "edit there",
    "edit here",
    "edit there",
    "say here",
    "say there",
    "switch",
    "create",
    "settle",
    "cut",
)


MERGES: dict[str, Callable[[Any, Any], bool]] = {
    "details": lambda value, token: str(token) in value,
    "desklabels": lambda value, token: token in value,
    "deskcount": lambda value, token: (value or 0) >= (token or 0),
}
"""Fields that can be put together → whether a value still holds what somebody wrote."""


@dataclass
class Ledger:
    """What people did.

    edits     (incident, field) → (side, value, token), in their order; a decision about a conflict has no token
    said      incident → (text, side)
    unseen    what was written over in a ticket before anybody here saw it
    """

    edits: defaultdict[tuple[IncidentId, str], list[tuple[str, Any, Any]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    said: defaultdict[IncidentId, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    unseen: set[Any] = field(default_factory=set)

    def overwrite(self, link: Link, ticket: Ticket, delta: Mapping[str, Any]) -> None:
        """A push writes these fields of a ticket."""
        for name, there in FIELDS.items():
            if there in delta:
                known = str([link.base.get(name), link.conflicts.get(name)])
                tokens = {token for _, _, token in self.edits.get((link.incident_id, name), [])} - {None}
                self.unseen |= {t for t in tokens if str(t) in str(ticket.fields.get(there)) and str(t) not in known}

    def lost(self, here: Incident, *, merges: bool) -> Iterator[str]:
        """What somebody wrote into a field and nobody overwrote, but is not there."""
        for name in FIELDS:
            edits = self.edits.get((here.id, name), [])
            sides, value = {side for side, _, _ in edits}, here.get(name) or ""
            if edits and len(sides) == 1 and value != edits[-1][1]:
                yield f"incident {here.id} {name}: {value!r}, but the last edit said {edits[-1][1]!r}"
            elif merges and name in MERGES:
                written = {token for _, _, token in edits if token is not None} - self.unseen
                gone = [token for token in written if not MERGES[name](value, token)]
                if gone:
                    yield f"incident {here.id} {name}: {gone} are lost, {value!r} is left"


def act(schedule: Schedule) -> None:
    """One person does one thing, somewhere."""
    dice = schedule.dice
    incident, kind = dice.choice(schedule.incidents), dice.choice(KINDS)
    tickets = schedule.tickets(incident)
    name = dice.choice(schedule.names)
    schedule.note(f"{kind} {incident} {schedule.token}")
    if kind == "edit here":
        _edit_here(schedule, incident)
    elif kind == "edit there" and name in tickets:
        _edit_there(schedule, incident, name, tickets[name])
    elif kind == "say here" and schedule.world.incident(incident).status is Status.ACTIVE:
        schedule.world.say(incident, f"<{schedule.token}>")
        schedule.ledger.said[incident].append((f"<{schedule.token}>", HERE))
    elif kind == "say there" and name in tickets:
        late = 0 if schedule.kind.strict else dice.choice([0, 0, 20])
        schedule.remotes[name].comment(tickets[name], f"<{schedule.token}>", visible_after_s=late)
        schedule.ledger.said[incident].append((f"<{schedule.token}>", name))
    elif kind == "switch":
        _switch(schedule, incident, name)
    elif kind == "create" and schedule.kind.careful and len(schedule.incidents) < 4:
        _create(schedule)
    elif kind == "settle":
        settle_conflicts(schedule, incident)
    elif kind == "cut" and schedule.weather.cutting:
        _cut_or_link(schedule, incident, name)


def _new_value(schedule: Schedule, name: str, old: Any) -> tuple[Any, Any]:
    """What a person writes into a field, and the token of it."""
    token: Any = f"<{schedule.token}>"
    if name == "details":
        return f"{old or ''}\n{token}".strip(), token
    if name == "desklabels":
        return [*(old or []), token], token
    return (schedule.token, schedule.token) if name == "deskcount" else (token, token)


def _edit_here(schedule: Schedule, incident: IncidentId) -> None:
    name = schedule.dice.choice(list(FIELDS))
    value, token = _new_value(schedule, name, schedule.world.get(incident, name))
    schedule.note(f"  {name} = {value!r}")
    schedule.world.edit(incident, **{name: value})
    schedule.ledger.edits[incident, name].append((HERE, value, token))


def _edit_there(schedule: Schedule, incident: IncidentId, instance: str, ticket: str) -> None:
    name, remote = schedule.dice.choice(list(FIELDS)), schedule.remotes[instance]
    value, token = _new_value(schedule, name, remote.tickets[ticket].fields.get(FIELDS[name]))
    schedule.note(f"  {instance}: {name} = {value!r}")
    remote.change(ticket, **{FIELDS[name]: value})
    edits, link = schedule.ledger.edits[incident, name], schedule.ties(incident).get(instance)
    if link is not None and name not in link.base:
        edits.append(("another instance's first word", None, None))  # it may count as an edit of ours (MIR-111)
    edits.append((instance, value, token))


def _switch(schedule: Schedule, incident: IncidentId, instance: str) -> None:
    link = schedule.ties(incident).get(instance)
    remote = schedule.remotes[instance]
    if schedule.world.incident(incident).status is Status.CLOSED:
        schedule.note("  (reopens it here)")
        schedule.world.reopen(incident)
    elif (
        link is not None
        and link.remote_id
        and not link.remote_closed  # decision 0004: until it was seen open a close there tells no news
        and schedule.dice.random() < 0.5
        and not remote.tickets[link.remote_id].closed
    ):
        schedule.note(f"  (closes it in {instance})")
        remote.close(link.remote_id)
    else:
        schedule.note("  (closes it here)")
        schedule.world.shut(incident)


def _create(schedule: Schedule) -> None:
    made = schedule.world.create(name=f"made {schedule.token}")
    for name in schedule.names:
        schedule.world.connect(made, name, tags=("comments",))
    schedule.incidents.append(made)


def _cut_or_link(schedule: Schedule, incident: IncidentId, instance: str) -> None:
    if (incident, instance) in schedule.cut:
        link_again(schedule, incident, instance)
        return
    link = schedule.ties(incident)[instance]
    if link.remote_id:
        schedule.note(f"  (cuts the link to {instance})")
        links.remove(schedule.world.app, ANALYST, incident, instance)
        schedule.cut[incident, instance] = link.remote_id


def link_again(schedule: Schedule, incident: IncidentId, instance: str) -> None:
    """The link that was cut is made anew."""
    schedule.note(f"  (links {incident} to {instance} again)")
    schedule.world.connect(incident, instance, remote_id=schedule.cut.pop((incident, instance)), tags=("comments",))


def settle_conflicts(schedule: Schedule, incident: IncidentId | None = None) -> int:
    """A person decides what waits for a person; returns how many fields that were."""
    found = conflicts.list_all(schedule.world.app, ANALYST, incident)
    for each in found:
        winner = schedule.dice.choice(("local", "remote"))
        schedule.note(f"  ({each.field} of {each.incident.id}: {winner} wins over {each.link.instance_name})")
        conflicts.resolve(
            schedule.world.app, ANALYST, each.incident.id, each.field, winner=winner, instance=each.link.instance_name
        )
        value = each.conflict.remote if winner == "remote" else each.local
        schedule.ledger.edits[each.incident.id, each.field].append(("a decision", value, None))
    return len(found)
