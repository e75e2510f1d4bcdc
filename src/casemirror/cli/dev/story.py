"""What people do at a simulator and here while an integration is tried: one thing at a time, and whether it arrived."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from casemirror.actions import case, incidents, mirror, warroom
from casemirror.actions.case import Case
from casemirror.actions.contract.remote import Remote, can
from casemirror.cli.dev.desk import Desk
from casemirror.model.errors import CasemirrorError
from casemirror.model.ids import IncidentId
from casemirror.model.incident import Status

CYCLES: Final = 3
BETWEEN_S: Final = 1.5
"""Cycles that a change is given to arrive, and the seconds between them."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One thing that somebody does.

    what    in words
    needs   abilities of the remote
    do      does it
    seen    what must be so after a cycle: words → whether it is
    """

    what: str
    needs: tuple[str, ...]
    do: Callable[[], object]
    seen: tuple[tuple[str, Callable[[], bool]], ...]


class Story:
    """A day of one ticket."""

    def __init__(self, desk: Desk, remote: Remote) -> None:
        self._desk, self._there = desk, remote
        self._id = ""

    def play(self) -> None:
        """Scene by scene, a cycle after each."""
        for scene in self._scenes():
            lacking = [need for need in scene.needs if not can(self._there, need)]
            if lacking:
                continue
            self._desk.trace.heading(scene.what)
            scene.do()
            self._mirror_until(scene)
            for words, holds in scene.seen:
                if _is_so(holds):
                    self._desk.trace.good(words)
                else:
                    self._desk.trace.bad(f"not so: {words}")
            if not self._incident:
                return

    def _mirror_until(self, scene: Scene) -> None:
        """A cycle, and some more when it is not there yet: an object that brought no news lately is looked at less often."""
        for _ in range(CYCLES):
            self._desk.mirror()
            if all(_is_so(holds) for _, holds in scene.seen):
                return
            self._desk.app.clock.sleep(BETWEEN_S)

    def _scenes(self) -> Iterator[Scene]:
        there = self._there
        yield Scene(
            what="Somebody opens a ticket there",
            needs=("create",),
            do=self._open,
            seen=(("it is an incident here, linked to the ticket", lambda: self._incident is not None),),
        )
        yield Scene(
            what="Somebody gives it another title",
            needs=("change",),
            do=lambda: there.change(self._id, "Renamed there"),
            seen=(("the incident is called so", lambda: "Renamed there" in self._case.incident.fields.values()),),
        )
        yield Scene(
            what="Somebody comments on it",
            needs=("comment",),
            do=lambda: there.comment(self._id, "Said there."),
            seen=(("the comment is in the war room, once", lambda: self._said("Said there.") == 1),),
        )
        yield Scene(
            what="You rename the incident",
            needs=("title",),
            do=lambda: incidents.edit(self._desk.app, self._desk.me, self._number, {"name": "Renamed here"}),
            seen=(("the ticket is called so", lambda: there.title(self._id) == "Renamed here"),),
        )
        yield Scene(
            what="You comment on the incident",
            needs=("comments",),
            do=self._comment,
            seen=(
                ("the comment is on the ticket, once", lambda: self._written("Said here.") == 1),
                ("it did not come back", lambda: self._said("Said here.") == 1),
            ),
        )
        yield Scene(
            what="Somebody closes the ticket",
            needs=("close",),
            do=lambda: there.close(self._id),
            seen=(("the incident is closed", lambda: self._case.incident.status is Status.CLOSED),),
        )
        yield Scene(
            what="Somebody opens it again",
            needs=("close", "reopen"),
            do=lambda: there.reopen(self._id),
            seen=(("the incident is open", lambda: self._case.incident.status is Status.ACTIVE),),
        )
        yield Scene(
            what="You close the incident",
            needs=("is_closed",),
            do=lambda: incidents.close(self._desk.app, self._desk.me, self._number, notes="Done here."),
            seen=(("the ticket is closed", lambda: there.is_closed(self._id)),),
        )

    def _open(self) -> None:
        self._id = self._there.create("Opened by casemirror dev")
        self._desk.fetch()

    def _comment(self) -> None:
        primary = self._case.primary
        tags = primary.link.tags if primary else ()
        warroom.comment(self._desk.app, self._desk.me, self._number, "Said here.", tags=tags[:1])

    @property
    def _incident(self) -> IncidentId | None:
        rows = mirror.records(self._desk.app, self._desk.me, instance=self._desk.name)
        return next((IncidentId(int(row["incidentId"])) for row in rows if row["dbotMirrorId"] == self._id), None)

    @property
    def _number(self) -> IncidentId:
        found = self._incident
        if found is None:
            raise LookupError(f"no incident is linked to {self._id}")
        return found

    @property
    def _case(self) -> Case:
        return case.show(self._desk.app, self._desk.me, self._number)

    def _said(self, text: str) -> int:
        return sum(text in entry.contents for entry in self._case.entries)

    def _written(self, text: str) -> int:
        return sum(text in comment for comment in self._there.comments(self._id))


def _is_so(holds: Callable[[], bool]) -> bool:
    try:
        return holds()
    except (CasemirrorError, LookupError):
        return False
