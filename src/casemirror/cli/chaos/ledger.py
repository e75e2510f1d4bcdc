"""What people did and what went wrong, in order: what the oracle judges by, and what a history is made of."""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

HERE: Final = "here"
"""casemirror itself, as a place where people work; the other places are the names of the instances."""
TOKEN: Final = re.compile(r"<([a-z]+)-(\d+)>")
"""What every text of people holds, once in the whole run: where it was said, and a number."""


def origins(text: str) -> set[str]:
    """The places whose people wrote something of a text."""
    return {found[1] for found in TOKEN.finditer(text)}


@dataclass(frozen=True, kw_only=True)
class Said:
    """A comment or a file of a person.

    token   stands in the comment, or is in the file's name
    where   place; case: sys_id of the ticket, or number of the incident
    body    bytes of a file; None for a comment
    sure    the person was told that it is done
    """

    token: str
    where: str
    case: str
    at: float
    body: bytes | None = None
    sure: bool = True

    @property
    def what(self) -> str:
        """A comment or a file."""
        return "comment" if self.body is None else "file"


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened; case "" concerns all."""

    at: float
    where: str
    what: str
    case: str = ""


@dataclass(kw_only=True)
class Ledger:
    """Written by the people and the faults of one run.

    made, deleted   tickets of people: (system, sys_id)
    lag             (at, system, seconds): how late its lists are from then on
    still_s         system → longest time without a poll, seconds
    done, faults, refused   counts, for the report; refused: a person was told that something cannot be done now
    """

    said: list[Said] = field(default_factory=list)
    made: list[tuple[str, str]] = field(default_factory=list)
    deleted: set[str] = field(default_factory=set)
    made_here: int = 0
    lag: list[tuple[float, str, float]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    still_s: dict[str, float] = field(default_factory=dict)
    _number: int = 0

    def token(self, where: str) -> str:
        """A new one."""
        self._number += 1
        return f"<{where}-{self._number}>"

    def note(self, where: str, what: str, case: str = "") -> None:
        """Something happens now."""
        self.events.append(Event(at=time.time(), where=where, what=what, case=case))

    def late(self, system: str, since: float, until: float) -> float:
        """The most that the lists of a system were late in a time, seconds."""
        found, before = 0.0, 0.0
        for at, where, seconds in self.lag:
            if where == system and at <= since:
                before = seconds
            elif where == system and at <= until:
                found = max(found, seconds)
        return max(found, before)
