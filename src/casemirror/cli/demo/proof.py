"""Compare all sides field by field, and count what is lost or doubled."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from casemirror.actions import mirror
from casemirror.cli.demo.day import Day
from casemirror.cli.demo.sides import Ids, Ticket
from casemirror.cli.demo.stage import Stage
from casemirror.cli.demo.telling import Teller

if TYPE_CHECKING:
    from rich.table import Table

QUIET_S = 60.0
"""Wait until nothing is on its way any more."""
FIELDS = ("title", "description", "severity", "closed")


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Something that is not the same on all sides."""

    case: int
    what: str
    values: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What the comparison found."""

    compared: int
    differences: tuple[Difference, ...]
    lost: int
    doubled: int

    @property
    def holds(self) -> bool:
        """All sides say the same, nothing is lost, nothing is doubled."""
        return not (self.differences or self.lost or self.doubled)


def settle(stage: Stage) -> bool:
    """Wait until nothing is on its way; False when that does not come."""
    ends = time.monotonic() + QUIET_S
    while time.monotonic() < ends:
        rows = mirror.records(stage.app, stage.me)
        if not any(row["queued"] or row["unsentEntries"] or row["currentDirtyFields"] for row in rows):
            return True
        stage.app.clock.sleep(0.2)
    return False


def prove(day: Day, teller: Teller) -> Proof:
    """Look at every case on every side."""
    differences: list[Difference] = []
    compared = lost = doubled = 0
    for ids in day.cases:
        seen = {side.name: side.look(ids) for side in day.sides}
        differences += _differences(ids, seen)
        compared += len(FIELDS)
    for count in _counts(day):
        compared += 1
        lost += count == 0
        doubled += max(count - 1, 0)
    for side in day.sides:
        doubled += max(side.count() - len(day.cases), 0)
        lost += max(len(day.cases) - side.count(), 0)
    return Proof(compared=compared, differences=tuple(differences), lost=lost + len(teller.lost), doubled=doubled)


def _differences(ids: Ids, seen: dict[str, Ticket | None]) -> Iterator[Difference]:
    for name in FIELDS:
        values = {
            side: "(no ticket)" if ticket is None else str(getattr(ticket, name)) for side, ticket in seen.items()
        }
        if len(set(values.values())) > 1:
            yield Difference(case=ids.here, what=name, values=values)


def _counts(day: Day) -> Iterator[int]:
    """How often each comment and each file is there, on each side; once is right."""
    for side in day.sides:
        tickets = {ids.here: side.look(ids) for ids in day.cases}
        for ids, text in day.expected.said:
            ticket = tickets[ids.here]
            yield ticket.says(text) if ticket else 0
        for ids, name, body in day.expected.files:
            ticket = tickets[ids.here]
            yield ticket.has(name, body) if ticket else 0


def table(day: Day, teller: Teller, proof: Proof) -> Table:
    """The short account of the day."""
    from rich import box
    from rich.table import Table

    drawn = Table(box=box.SIMPLE, show_header=False, pad_edge=False)
    drawn.add_column()
    drawn.add_column(justify="right")
    middle = sorted(teller.times_ms)[len(teller.times_ms) // 2] if teller.times_ms else 0
    for name, value in (
        ("changes made by people", teller.made),
        ("changes mirrored", teller.mirrored),
        ("half of them arrived within", f"{middle:.0f} ms"),
        ("calls to ServiceNow", day.snow.calls()),
        ("calls to Roundup", day.tracker.calls()),
        ("fields, comments and files compared", proof.compared),
        ("lost", proof.lost),
        ("doubled", proof.doubled),
    ):
        drawn.add_row(name, str(value))
    return drawn
