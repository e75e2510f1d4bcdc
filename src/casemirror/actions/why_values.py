"""What `why` tells of a field: who wrote it, what was decided, how the mapper made it, what was sent, what waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from casemirror.mapping.explain import Line
from casemirror.model.incident import Incident
from casemirror.model.link import Conflict, Link, Pushed
from casemirror.model.plan import Rule
from casemirror.model.values import Json, same


@dataclass(frozen=True, kw_only=True)
class Edit:
    """A person wrote the field here; `known`: the audit has the values (older lines have names only)."""

    at: datetime
    actor: str
    verb: str
    known: bool = False
    old: Json = None
    new: Json = None


@dataclass(frozen=True, kw_only=True)
class Origin:
    """How the mapper makes the value of a kept payload today.

    lines     the lines that set the field, in their order; the last that gives something counts
    result    the value that they give
    problem   why it cannot be told; empty when it can
    """

    mapper: str = ""
    lines: tuple[Line, ...] = ()
    result: Json = None
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What one plan decided about the field, with what it had before it.

    mapper, actor   of a re-mapping: with what and by whom a kept payload was mapped again; empty for what a remote said
    """

    at: datetime
    rule: Rule
    note: str = ""
    base: Json
    local: Json
    remote: Json
    payload: int | None = None
    payload_at: datetime | None = None
    origin: Origin | None = None
    mapper: str = ""
    actor: str = ""


@dataclass(frozen=True, kw_only=True)
class Sending:
    """Under which remote name the field goes out, and what stands there now; `line` None: under its own name."""

    name: str
    mapper: str = ""
    line: Line | None = None
    value: Json = None


@dataclass(frozen=True, kw_only=True)
class Through:
    """The field as one link knows it.

    base      what both sides last agreed on; `agreed` False: it was only assumed when the link was made
    differs   it changed here since; unsent: the next push carries it
    waits     why it is not sent, or not taken over, yet: sentences
    """

    link: Link
    base: Json = None
    agreed: bool = False
    decided: tuple[Decided, ...] = ()
    sendings: tuple[Sending, ...] = ()
    pushed: Pushed | None = None
    conflict: Conflict | None = None
    doubted: bool = False
    differs: bool = False
    unsent: bool = False
    waits: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field: its value, since when, who wrote it here (newest first), and what each link knows of it.

    born   how the mapper makes it of the event that was fetched, when nothing changed it since
    """

    name: str
    title: str
    value: Json
    changed_at: str = ""
    edits: tuple[Edit, ...] = ()
    links: tuple[Through, ...] = ()
    born: Origin | None = None


@dataclass(frozen=True, kw_only=True)
class Why:
    """The answer; `creator` made the incident (the instance that fetched it, or a person)."""

    incident: Incident
    creator: str
    fields: tuple[Field, ...]


def cause(found: Field) -> tuple[Through, Decided] | Edit | None:
    """What last gave the field the value that it has: a decision for a remote, or a person; None: it began so."""
    taken = (Rule.REMOTE_CHANGED, Rule.CONFLICT_REMOTE, Rule.CONFLICT_MERGED)
    pulled = [
        (decided.at, (through, decided))
        for through in found.links
        for decided in through.decided
        if decided.rule in taken and (decided.rule is Rule.CONFLICT_MERGED or same(decided.remote, found.value))
    ]
    edited = [(edit.at, edit) for edit in found.edits if not edit.known or same(edit.new, found.value)]
    both: list[tuple[datetime, tuple[Through, Decided] | Edit]] = [*pulled, *edited]
    return max(both, key=lambda each: each[0])[1] if both else None
