"""The plan of one reconcile: what must change on which side so that both agree again. Values only; made by `engine.plan`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from casemirror.model.entry import Control, InboundEntry, Outgoing
from casemirror.model.incident import Status
from casemirror.model.link import Conflict
from casemirror.model.values import Fields, Json


class Rule(StrEnum):
    """Which rule decided about a field; stored with each decision and shown by `casemirror why`."""

    AGREED = "agreed"
    """both sides have the value"""
    REMOTE_CHANGED = "remote-changed"
    LOCAL_CHANGED = "local-changed"
    CONFLICT_LOCAL = "conflict-local-wins"
    CONFLICT_REMOTE = "conflict-remote-wins"
    CONFLICT_MERGED = "conflict-merged"
    """both changes are in the new value"""
    CONFLICT_HELD = "conflict-held"
    """a person is to say which value counts; until then neither side is written"""
    STALE_ECHO = "stale-echo"
    """the remote still shows what it had before our push"""
    LEGACY_DIRTY = "legacy-dirty"
    """≤ 6.1: edited here once, never overwritten"""
    FIRST_TOLD = "first-told-while-edited"
    """the remote tells the field for the first time while it is edited here"""
    OWNED = "owned-elsewhere"
    """another instance owns the field: what this one changed is not taken, and ours is sent back where it goes out"""
    PROTECTED = "protected"
    """an empty value would blank a field that mirroring never blanks"""


class Method(StrEnum):
    """What happens when a field changed on both sides and ours was not sent yet. A one-sided change always wins."""

    LOCAL = "local"
    REMOTE = "remote"
    NEWEST = "newest"
    """the later change; within the two pulls between which the remote changed, ours"""
    XSOAR_DIRTY = "xsoar-dirty"
    """≤ 6.1: what was edited here once is never overwritten"""
    UNION = "union"
    """lists: what either side added is there, what either side removed is gone"""
    APPEND = "append"
    """texts: what either side added, one after the other"""
    MAX = "max"
    """numbers: the larger one"""
    ASK = "ask"
    """held for a person: `casemirror conflict`"""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What was decided about one field, with all three values, so that `why` can answer later."""

    field: str
    rule: Rule
    note: str = ""
    """what else the rule rests on: who owns the field"""
    base: Json = None
    local: Json = None
    remote: Json = None


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Who wins when; read from the settings, the link and the mapper."""

    inbound: bool = True
    outbound: bool = True
    conflict: Method = Method.LOCAL
    methods: Mapping[str, Method] = field(default_factory=dict)
    """incident field → what applies to it instead of `conflict`"""
    owned: Mapping[str, str] = field(default_factory=dict)
    """incident field → name of the other instance that owns it: inbound changes of it are not taken"""
    first_contact: bool = False
    """nothing was exchanged by this link yet: `conflict` and `methods` decide about every value that differs"""
    legacy_dirty: bool = False
    echo_guard_s: float = 600.0
    mapped_out: frozenset[str] | None = None
    """incident fields that the outgoing mapper (or the pass-through list) reads; None: all go out"""
    never_out: frozenset[str] = frozenset()
    """fields that casemirror itself writes about mirroring"""
    never_blank: frozenset[str] = frozenset({"name", "type", "occurred", "severity", "owner"})
    """overwritten by a value from remote, never emptied by one.   Source: mirroring.md §4.3.2"""

    def method(self, name: str) -> Method:
        """What happens when this field changed on both sides."""
        return self.methods.get(name, self.conflict)

    def keeps_edits(self, name: str) -> bool:
        """The field is never overwritten once it was edited here (≤ 6.1)."""
        return self.legacy_dirty or self.method(name) is Method.XSOAR_DIRTY


@dataclass(frozen=True, kw_only=True)
class Merge:
    """The field part of a plan.

    write    incident fields to write here, as mirror
    base     base values that hold once `write` is applied
    push     incident fields to send: name → local value
    held     conflicts that wait for a person, old and new
    """

    write: Fields = field(default_factory=dict)
    base: Fields = field(default_factory=dict)
    push: Fields = field(default_factory=dict)
    held: Mapping[str, Conflict] = field(default_factory=dict)
    decisions: tuple[Decision, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything one reconcile does; `status` None and `type` "" leave the incident's state and type alone."""

    merge: Merge = field(default_factory=Merge)
    type: str = ""
    status: Status | None = None
    closing: Control | None = None
    """the control entry that `status` follows"""
    entries: tuple[InboundEntry, ...] = ()
    remote_closed: bool = False
    reopened_here: bool = False
    out_status: int | None = None
    """what the remote knows once this plan is applied (None: unchanged, it never learnt it)"""
    outgoing: tuple[Outgoing, ...] = ()
    send_status: bool = False
    create: bool = False

    @property
    def closes(self) -> bool:
        """The remote's close is followed here."""
        return self.status is Status.CLOSED and self.closing is not None

    @property
    def changes_incident(self) -> bool:
        """Something of the incident itself must be written here."""
        return bool(self.merge.write) or bool(self.type) or self.status is not None or bool(self.entries)

    @property
    def must_push(self) -> bool:
        """A call of update-remote-system is due."""
        return bool(self.merge.push) or bool(self.outgoing) or self.send_status or self.create

    @property
    def incident_changed(self) -> bool:
        """`incidentChanged` of that call: fields or status, not entries alone.   Source: mirroring.md §3.5.8."""
        return bool(self.merge.push) or self.send_status or self.create
