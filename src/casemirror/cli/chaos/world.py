"""Both sides as values: what the oracle sees. Nothing here looks anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from casemirror.simulators.common.writes import Write

MIRRORED: Mapping[str, str] = {
    "name": "short_description",
    "details": "description",
    "severity": "priority",
    "snowcategory": "category",
    "snowstate": "state",
    "snowclosecode": "close_code",
    "snowclosenotes": "close_notes",
}
"""Field of the incident → column that shows the same."""
PRIORITIES: Mapping[str, float] = {"1": 4.0, "2": 3.0, "3": 2.0, "4": 1.0, "5": 0.5}
"""ServiceNow's priority → severity."""
FILE_END = ".bin"


@dataclass(frozen=True, kw_only=True)
class TicketSeen:
    """A ticket; reference: what a creation by casemirror left in it, else "" ; comments by (user, text); files by (name, bytes)."""

    system: str
    sys_id: str
    columns: Mapping[str, str]
    closed: bool
    reference: str = ""
    comments: tuple[tuple[str, str], ...] = ()
    files: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, kw_only=True)
class LinkSeen:
    """One link of an incident.

    held       why it waits for a person; "" when it does not
    errors     what it shows of its last failures
    """

    id: int
    system: str
    remote_id: str
    held: str = ""
    conflicts: frozenset[str] = frozenset()
    errors: str = ""
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """Where an entry stands on its way out by one link; begun and sent: when."""

    state: str
    attempts: int = 1
    begun: float = 0.0
    sent: float = 0.0


@dataclass(frozen=True, kw_only=True)
class EntrySeen:
    """An entry of a war room: a text, or a file with its name and bytes (None: they are gone)."""

    text: str
    at: float
    is_file: bool = False
    body: bytes | None = None
    link: int | None = None
    ways: Mapping[int, Delivery] = field(default_factory=dict)
    may_go: bool = True
    """the incident's state lets it out: it was said before the incident was closed"""


@dataclass(frozen=True, kw_only=True)
class CaseSeen:
    """An incident with its links and entries."""

    id: int
    fields: Mapping[str, object]
    closed: bool
    links: tuple[LinkSeen, ...] = ()
    entries: tuple[EntrySeen, ...] = ()


@dataclass(frozen=True, kw_only=True)
class World:
    """Everything; tickets by sys_id, writes by system, oldest first."""

    cases: tuple[CaseSeen, ...]
    tickets: Mapping[str, TicketSeen]
    writes: Mapping[str, tuple[Write, ...]]
    lanes_held: Mapping[str, str] = field(default_factory=dict)

    def case_of(self, where: str, case: str) -> CaseSeen | None:
        """The incident that a person meant."""
        for found in self.cases:
            if str(found.id) == case if where == "here" else any(k.remote_id == case for k in found.links):
                return found
        return None
