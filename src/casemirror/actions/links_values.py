"""What `link find` and `link import` tell: an incident, the remote object that it may belong to, and what speaks against it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from casemirror.model.ids import IncidentId
from casemirror.model.values import Json

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and of how much."""


class Verdict(StrEnum):
    """What becomes of a pair of incident and remote object."""

    CLEAR = "clear"
    """nothing speaks against linking them"""
    ADOPTED = "adopted"
    """they were linked just now"""
    LINKED = "linked already"
    DOUBTFUL = "doubtful"
    """left as it is; the reason says why"""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the remote says of an object.

    says      a few of its fields, mapped in
    differs   incident field → ours and theirs, where both sides have a value and the first pull will have to decide
    closed    the object is closed there: the first pull closes the incident here
    trouble   why it is not to be linked; empty: nothing
    """

    says: Mapping[str, Json] = field(default_factory=dict)
    differs: Mapping[str, tuple[Json, Json]] = field(default_factory=dict)
    closed: bool = False
    trouble: str = ""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """An incident and the remote object that it may belong to.

    where      the field or label in which the id was found, or `file:line`
    elsewhere  other incidents that are linked to the object
    """

    incident_id: IncidentId
    remote_id: str
    instance: str
    where: str = ""
    direction: str = "Both"
    title: str = ""
    seen: Seen = field(default_factory=Seen)
    elsewhere: tuple[IncidentId, ...] = ()
    verdict: Verdict = Verdict.DOUBTFUL
    reason: str = ""


@dataclass(kw_only=True)
class Findings:
    """Everything that was looked at.

    looked_in   fields and labels, in words
    scanned     incidents without a link to the instance
    more        incidents with an id that were not looked at, since `limit` was reached
    stopped     why the rest could not be checked; empty: it was
    """

    pairs: list[Pair] = field(default_factory=list)
    looked_in: list[str] = field(default_factory=list)
    scanned: int = 0
    more: int = 0
    stopped: str = ""

    def count(self, verdict: Verdict) -> int:
        """How many pairs came to that."""
        return sum(pair.verdict is verdict for pair in self.pairs)


def silent(what: str, done: int, of: int) -> None:
    """Tells nobody how far it is."""
