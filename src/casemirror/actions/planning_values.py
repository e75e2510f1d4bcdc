"""What `plan` tells: for each incident what would change on which side, with a name under which it can be applied."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from casemirror.engine.looking import Decided
from casemirror.model.ids import IncidentId, LinkId
from casemirror.model.values import Json, canonical
from casemirror.store.inbox import Row

ID_LENGTH = 6
"""Hexadecimal digits of a plan's id behind the number of its incident: 16 million, beside a number."""

Progress = Callable[[int, int], None]
"""Is told how many links were looked at, and how many there are."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """One line of a plan.

    kind   field in, field out, comment in, file in, comment out, file out, close, reopen, tell closed, tell reopened,
           create, type, conflict, kept (a change there that is not taken over, and why)
    name   the field, or the label of an entry that goes out
    """

    kind: str
    name: str = ""
    old: Json = None
    new: Json = None
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Planned:
    """What the next reconcile of one link would do.

    id        `<incident>-<digest>`: the same as long as the plan is
    sends     remote field → value, as update-remote-system would be given them
    calls     how many calls of update-remote-system that would take
    pulls     the remote object was looked at for it
    told      what the poll told of it in full, to be applied with it
    others    instances that would be told next, since the incident changes here
    error     why nothing can be said; `code` is its stable code
    """

    id: str
    incident_id: IncidentId
    link_id: LinkId
    title: str = ""
    remote_id: str = ""
    pulls: bool = False
    changes: tuple[Change, ...] = ()
    sends: Mapping[str, Json] = field(default_factory=dict)
    calls: int = 0
    others: tuple[str, ...] = ()
    told: tuple[Row, ...] = ()
    error: str = ""
    code: str = ""


@dataclass(frozen=True, kw_only=True)
class Poll:
    """What the poll said. since: its `lastUpdate`, None when it was not asked; said: in words; unknown: ids without a link."""

    since: datetime | None = None
    said: str = ""
    named: int = 0
    unknown: int = 0
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Birth:
    """An incident that the fetch would create."""

    name: str
    type: str
    remote_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Fetch:
    """What the fetch would create; `known`: objects that are mirrored already."""

    creates: tuple[Birth, ...] = ()
    known: int = 0
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Applied:
    """What became of one plan that was to be applied. outcome: applied, changed (meanwhile: not applied), failed, not tried."""

    id: str
    incident_id: IncidentId
    outcome: str
    text: str


@dataclass(kw_only=True)
class Preview:
    """The next cycle of an instance.

    notes      why the cycle would not come, or not come as it is planned here
    links      those with something to do, or with an error, in the order in which they would be worked off
    agree      links that were looked at and have nothing to do
    waiting    links that wait after a failure; held: links that wait for a person
    left       links that were not looked at, because of `stopped`
    fetch      None: the instance does not fetch, or it was not asked for
    applied    None: nothing was to be applied
    """

    instance: str
    at: datetime
    notes: list[str] = field(default_factory=list)
    poll: Poll = field(default_factory=Poll)
    links: list[Planned] = field(default_factory=list)
    agree: int = 0
    waiting: int = 0
    held: int = 0
    left: int = 0
    stopped: str = ""
    fetch: Fetch | None = None
    applied: list[Applied] | None = None

    @property
    def failed(self) -> list[Planned]:
        """Links of which nothing can be said."""
        return [each for each in self.links if each.error]

    @property
    def changing(self) -> list[Planned]:
        """Links with something to do."""
        return [each for each in self.links if not each.error]


def id_of(decided: Decided) -> str:
    """Name of what was decided: the same exactly as long as the same would be written and sent."""
    plan, incident, link = decided.plan, decided.incident, decided.link
    closing = plan.closing
    content: Json = [
        int(link.id),
        {name: [incident.get(name), value] for name, value in plan.merge.write.items()},
        {name: [link.known(name), value] for name, value in plan.merge.push.items()},
        {name: conflict.remote for name, conflict in plan.merge.held.items()},
        [plan.type, None if plan.status is None else int(plan.status), plan.send_status, plan.create],
        [closing.reason, closing.notes] if closing and plan.status is not None else [],
        [mark for _, mark in decided.new],
        [outgoing.entry.label for outgoing in plan.outgoing],
    ]
    digest = hashlib.sha256(canonical(content).encode()).hexdigest()
    return f"{incident.id}-{digest[:ID_LENGTH]}"
