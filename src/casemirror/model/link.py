"""The link: one incident ↔ one remote object, and what both sides last agreed on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from casemirror.model.ids import IncidentId, InstanceId, LinkId
from casemirror.model.incident import MIRROR_ERRORS
from casemirror.model.values import Fields, Json, parse_time, same, time_text


class Direction(StrEnum):
    """Who may change whom, seen from here. The values are the contract's spelling."""

    NONE = ""
    IN = "In"
    OUT = "Out"
    BOTH = "Both"

    @property
    def inbound(self) -> bool:
        """The remote may change us."""
        return self in (Direction.IN, Direction.BOTH)

    @property
    def outbound(self) -> bool:
        """We may change the remote."""
        return self in (Direction.OUT, Direction.BOTH)

    @classmethod
    def parse(cls, text: object) -> Direction:
        """Read any spelling (case-insensitive); an unknown word means not mirrored.   Source: MIR-011, MIR-012."""
        return {"in": cls.IN, "out": cls.OUT, "both": cls.BOTH}.get(str(text or "").strip().lower(), cls.NONE)


STATUS = "status"
"""Name under which the incident's state stands in `Link.doubted`; no field has it."""


class LinkState(StrEnum):
    """What becomes of a link's work."""

    ACTIVE = "active"
    HELD = "held"
    """needs a person (unconfirmed creation, brake): not due until something changes"""
    PURGED = "purged"
    """its record was purged after the incident closed: neither pulled nor pushed (MIR-188)"""


class RemoteState(StrEnum):
    """Whether the remote object is there, as the remote itself says. Anything but *present* changes nothing here."""

    PRESENT = "present"
    MISSING = "missing"
    """deleted, or the integration's user may not see it any more, which looks the same"""
    MERGED = "merged"
    MOVED = "moved"


@dataclass(frozen=True, kw_only=True)
class Absence:
    """What an answer says of a remote object that is not there.

    words    the remote's own, for people
    new_id   the object that it became, when the answer tells; never followed without a person
    """

    state: RemoteState
    words: str
    new_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """A field value on its way: what the remote showed before, what was sent, and when (the stale-echo guard)."""

    before: Json
    sent: Json
    at: datetime

    def to_json(self) -> dict[str, Json]:
        """As stored."""
        return {"before": self.before, "sent": self.sent, "at": time_text(self.at)}

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> Pushed:
        """Read what `to_json` wrote."""
        return cls(before=value["before"], sent=value["sent"], at=parse_time(str(value["at"])))


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """A field that changed on both sides and waits for a person: what the remote shows, what both agreed on, since when."""

    remote: Json
    base: Json
    since: datetime

    def to_json(self) -> dict[str, Json]:
        """As stored."""
        return {"remote": self.remote, "base": self.base, "since": time_text(self.since)}

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> Conflict:
        """Read what `to_json` wrote."""
        return cls(remote=value["remote"], base=value["base"], since=parse_time(str(value["since"])))


@dataclass(frozen=True, kw_only=True)
class Link:
    """One incident ↔ one remote object.

    base      field → value that both sides are known to have agreed on: told by the remote, or pushed to it
    assumed   field → value that the incident had when the link was made, for fields the remote never told;
              it only tells what changed here since
    wanted    grows with every event that makes work; done: the `wanted` that the last finished reconcile had seen
    named     grows when a poll (or linking, or a sweep) says that the remote changed; pulled: the `named` last pulled
    trail     incidents of other servers through which the remote object is mirrored (`engine.topology`)
    quiet_pulls  how many pulls in a row brought nothing new
    told_by   the poll before that one began then: it should have told what had changed by then
    remote_changed_at  when the remote object was changed last, by its own account
    named_at  when the remote was first named since it was last pulled; None: it was pulled since
    """

    id: LinkId
    incident_id: IncidentId
    instance_id: InstanceId | None
    instance_name: str
    remote_id: str
    direction: Direction
    tags: tuple[str, ...] = ()
    primary: bool = True
    state: LinkState = LinkState.ACTIVE
    held_reason: str = ""

    wanted: int = 0
    done: int = 0
    named: int = 0
    named_at: datetime | None = None
    trail: tuple[str, ...] = ()
    told_by: datetime | None = None
    remote_changed_at: datetime | None = None
    pulled: int = 0
    quiet_pulls: int = 0
    due_at: datetime | None = None
    priority: int = 5
    """0 a person waits for it … 9 sweep"""

    base: Fields = field(default_factory=dict)
    assumed: Fields = field(default_factory=dict)
    pushed: Mapping[str, Pushed] = field(default_factory=dict)
    doubted: frozenset[str] = frozenset()
    """fields (and `STATUS`) that a push carried whose outcome was not seen: sent again whatever they are now (rule 7)"""
    conflicts: Mapping[str, Conflict] = field(default_factory=dict)
    """fields that wait for a person to say which side counts: neither written nor sent"""
    sticky: frozenset[str] = frozenset()
    """fields ever edited here; used by the ≤ 6.1 rule only (`mirror.legacy.dirty`)"""

    since_at: datetime
    """when mirroring began: start of the fetch that made the incident, or the time of linking"""
    linked_later: bool = False
    last_sync_at: datetime | None = None
    """start of the last good pull (Out-only: of the last good push)"""
    last_push_at: datetime | None = None

    out_status: int | None = None
    """the incident status that the remote knows of"""
    remote_closed: bool = False
    reopened_here: bool = False

    tries: int = 0
    tries_in: int = 0
    tries_out: int = 0
    error_in: str = ""
    error_out: str = ""
    rate_limited: bool = False
    create_attempts: int = 0
    creating_at: datetime | None = None
    """a creation call was begun then and its outcome was not seen yet"""
    creating_ends_by: datetime | None = None
    """that call is over by then: what it may have created was created before"""

    remote_state: RemoteState = RemoteState.PRESENT
    remote_since: datetime | None = None
    """since when the remote object is not there, as far as we looked"""
    remote_words: str = ""
    remote_new_id: str = ""
    """the object that it became, as the remote said; a person follows it (`casemirror link follow`)"""

    @property
    def is_gone(self) -> bool:
        """The remote says that the object is not there: the link waits until it is there again, or a person decides."""
        return self.remote_state is not RemoteState.PRESENT

    @property
    def remote_said(self) -> str:
        """What the remote says of an object that is not there, as one sentence; empty when it is there."""
        if not self.is_gone or self.remote_since is None:
            return ""
        became = f", into {self.remote_new_id}" if self.remote_new_id else ""
        since = f"{self.remote_since:%Y-%m-%d %H:%M:%S} UTC"
        return f"{self.remote_state.value}{became}; the remote says since {since}: {self.remote_words}"

    @property
    def is_first_contact(self) -> bool:
        """The incident was linked to an object that was there already, and nothing was exchanged with it yet."""
        return self.linked_later and bool(self.remote_id) and self.last_sync_at is None and self.last_push_at is None

    def known(self, name: str) -> Json:
        """What the field was when both sides last agreed (or when the link was made)."""
        return self.base[name] if name in self.base else self.assumed.get(name)

    def dirty(self, fields: Fields) -> dict[str, Json]:
        """Fields that changed here since: name → local value (`local − base`).   Source: design §1.2."""
        names = ({**self.assumed, **self.base, **fields}).keys() - set(MIRROR_ERRORS)
        return {n: fields.get(n) for n in sorted(names) if self.changed_here(n, fields.get(n))}

    def changed_here(self, name: str, value: Json) -> bool:
        """The field differs from what both sides agreed on, or nobody knows what the remote has."""
        return name in self.doubted or not same(value, self.known(name))

    def edited(self, fields: Fields) -> Link:
        """The link with what is dirty now noted as edited here once (`sticky`).   Source: MIR-109."""
        return replace(self, sticky=self.sticky | self.dirty(fields).keys())
