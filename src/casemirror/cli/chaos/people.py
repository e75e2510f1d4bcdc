"""People at work: Alice in each ticket system, and you in casemirror; each does one thing after another, at random."""

from __future__ import annotations

import io
import random
import time
from collections.abc import Callable
from typing import Final

from sqlalchemy.exc import DBAPIError

from casemirror.actions import incidents, links, warroom
from casemirror.cli.chaos import oracle
from casemirror.cli.chaos.ledger import HERE, Ledger, Said
from casemirror.cli.chaos.stage import SYSTEMS, TAGS, Stage
from casemirror.model.errors import CasemirrorError
from casemirror.model.ids import IncidentId
from casemirror.model.incident import Incident, Status
from casemirror.simulators.servicenow import ServiceNowSimulator

LINKED: Final = 0.8
"""Share of the incidents that are linked to both systems."""
CATEGORIES: Final = ("hardware", "software", "network", "database")


class People:
    """`act` does one thing; `link` does what is left of the linking."""

    def __init__(self, stage: Stage, ledger: Ledger, dice: random.Random, most_tickets: int) -> None:
        self._stage, self.ledger, self._dice, self._most = stage, ledger, dice, most_tickets
        self._both: dict[int, bool] = {}
        there: dict[Callable[[], bool], float] = {
            self.edit_there: 8,
            self.say_there: 6,
            self.attach_there: 3,
            self.create_there: 3,
        }
        here = {self.edit_here: 8, self.say_here: 6, self.attach_here: 3, self.create_here: 1}
        rare = {self.close_here: 2, self.close_there: 2, self.reopen_here: 2, self.reopen_there: 2}
        self._acts: dict[Callable[[], bool], float] = {**there, **here, **rare, self.merge: 0.3, self.delete: 0.3}
        self._there = there

    def begin(self) -> None:
        """Some tickets to begin with."""
        for _ in range(4):
            self.ledger.done["create there"] += self.create_there()

    def act(self, *, only_there: bool = False) -> None:
        """One person does one thing, when there is something to do it to; only_there: nobody works in casemirror now."""
        acts = self._there if only_there else self._acts
        [act] = self._dice.choices(list(acts), list(acts.values()))
        name = act.__name__.replace("_", " ")
        try:
            done = act()
        except (CasemirrorError, DBAPIError, OSError) as error:
            self.ledger.refused[name] += 1
            self.ledger.note(HERE, f"{name} was refused: {type(error).__name__} {str(error)[:120]}")
        else:
            self.ledger.done[name] += done

    def link(self) -> bool:
        """Link incidents to the system where they are missing; False when it cannot be done right now."""
        try:
            for incident, _ in incidents.list_all(self._stage.app, self._stage.me, limit=10_000):
                if self._both.setdefault(incident.id, self._dice.random() < LINKED):
                    self._link(incident.id)
        except (CasemirrorError, DBAPIError, OSError) as error:
            self.ledger.note(HERE, f"linking was refused: {type(error).__name__} {str(error)[:120]}")
            return False
        return True

    def _link(self, incident: IncidentId) -> None:
        app, me = self._stage.app, self._stage.me
        there = {link.instance_name: link for link in links.list_all(app, me, incident)}
        primary = next((link for link in there.values() if link.primary), None)
        if primary is not None and set(primary.tags) != set(TAGS):
            incidents.edit(app, me, incident, {"dbotMirrorTags": ",".join(TAGS)})
        for system in SYSTEMS:
            if system not in there:
                links.add(app, me, incident, system, tags=TAGS)
                self.ledger.note(HERE, f"linked to {system}", str(incident))
                self.ledger.done["link"] += 1

    # what they work on

    def _any_ticket(self) -> tuple[str, str] | None:
        """Of either system, also one that casemirror made there."""
        system = self._dice.choice(SYSTEMS)
        rows = self._simulator(system).rows("incident")
        return (system, self._dice.choice(rows)["sys_id"]) if rows else None

    def _any_incident(self) -> Incident | None:
        found = incidents.list_all(self._stage.app, self._stage.me, limit=10_000)
        return self._dice.choice(found)[0] if found else None

    def _simulator(self, system: str) -> ServiceNowSimulator:
        return self._stage.simulators[system]

    # in the ticket systems

    def create_there(self) -> bool:
        """A new ticket."""
        system = self._dice.choice(SYSTEMS)
        if len(self.ledger.made) >= self._most:
            return False
        title = f"made {self.ledger.token(system)}"
        row = self._simulator(system).create("incident", short_description=title, description=self._text(system))
        self.ledger.made.append((system, row["sys_id"]))
        self.ledger.note(system, f"ticket made: {title}", row["sys_id"])
        return True

    def edit_there(self) -> bool:
        """A field."""
        found = self._any_ticket()
        if found is None:
            return False
        system, ticket = found
        values = self._dice.choice(
            [
                {"short_description": self._text(system)},
                {"description": self._text(system)},
                {"impact": self._dice.choice("123"), "urgency": self._dice.choice("123")},
                {"category": self._dice.choice(CATEGORIES)},
            ]
        )
        self.ledger.note(system, f"edit {values}", ticket)
        self._simulator(system).update(ticket, **values)
        return True

    def say_there(self) -> bool:
        """A comment, or a work note."""
        found = self._any_ticket()
        if found is None:
            return False
        system, ticket = found
        self._say(system, ticket, f"says {self.ledger.token(system)}")
        return True

    def _say(self, system: str, ticket: str, text: str) -> None:
        token = text[text.index("<") :].partition(">")[0] + ">"
        element = self._dice.choice(["comments", "comments", "work_notes"])
        self.ledger.said.append(Said(token=token, where=system, case=ticket, at=time.time()))
        self.ledger.note(system, f"comment {text}", ticket)
        self._simulator(system).comment(ticket, text, element=element)

    def attach_there(self) -> bool:
        """A file."""
        found = self._any_ticket()
        if found is None:
            return False
        system, ticket = found
        said = self._file(system, ticket)
        self.ledger.said.append(said)
        self.ledger.note(system, f"file {oracle.name_of(said)}", ticket)
        self._simulator(system).attach(ticket, oracle.name_of(said), said.body or b"")
        return True

    def close_there(self) -> bool:
        """Close a ticket."""
        found = self._any_ticket()
        if found is None or (self._simulator(found[0]).get(found[1]) or {"active": "false"})["active"] == "false":
            return False
        notes = f"closed {self.ledger.token(found[0])}"
        self.ledger.note(found[0], notes, found[1])
        self._simulator(found[0]).close(found[1], notes=notes)
        return True

    def reopen_there(self) -> bool:
        """Open a closed one again."""
        found = self._any_ticket()
        if found is None or (self._simulator(found[0]).get(found[1]) or {"active": "true"})["active"] == "true":
            return False
        self.ledger.note(found[0], "reopened", found[1])
        self._simulator(found[0]).reopen(found[1])
        return True

    def merge(self) -> bool:
        """A ticket turns out to be another one: it is closed, and both say so."""
        system = self._dice.choice(SYSTEMS)
        open_ = [row for row in self._simulator(system).rows("incident") if row["active"] == "true"]
        if len(open_) < 4:
            return False
        gone, kept = self._dice.sample(open_, 2)
        self._say(system, kept["sys_id"], f"{gone['number']} was merged into this {self.ledger.token(system)}")
        self._say(system, gone["sys_id"], f"merged into {kept['number']} {self.ledger.token(system)}")
        notes = f"merged {self.ledger.token(system)}"
        self.ledger.note(system, notes, gone["sys_id"])
        self._simulator(system).close(gone["sys_id"], code="Duplicate", notes=notes)
        return True

    def delete(self) -> bool:
        """A ticket is deleted."""
        found = self._any_ticket()
        if found is None or len(self._simulator(found[0]).rows("incident")) < 4:
            return False
        self.ledger.deleted.add(found[1])
        self.ledger.note(found[0], "deleted", found[1])
        self._simulator(found[0]).delete(found[1])
        return True

    # in casemirror

    def create_here(self) -> bool:
        """A new incident."""
        if self.ledger.made_here >= self._most // 3:
            return False
        fields = {"name": self._text(HERE), "details": self._text(HERE), "severity": "medium"}
        made = incidents.create(self._stage.app, self._stage.me, fields)
        self.ledger.made_here += 1
        self.ledger.note(HERE, f"incident made: {fields['name']}", str(made.id))
        self._both[made.id] = True
        self._link(made.id)
        return True

    def edit_here(self) -> bool:
        """A field."""
        incident = self._any_incident()
        if incident is None:
            return False
        values = self._dice.choice(
            [
                {"name": self._text(HERE)},
                {"details": self._text(HERE)},
                {"severity": self._dice.choice(["low", "medium", "high", "critical"])},
                {"snowcategory": self._dice.choice(CATEGORIES)},
            ]
        )
        self.ledger.note(HERE, f"edit {values}", str(incident.id))
        incidents.edit(self._stage.app, self._stage.me, incident.id, values)
        return True

    def say_here(self) -> bool:
        """A comment, or a work note."""
        incident = self._any_incident()
        if incident is None or incident.status is not Status.ACTIVE:
            return False
        tag, said = self._dice.choice(["comments", "comments", "work_notes"]), self._said(incident)
        with self._kept(said):
            warroom.comment(self._stage.app, self._stage.me, incident.id, f"says {said.token}", tags=(tag,))
        return True

    def attach_here(self) -> bool:
        """A file."""
        incident = self._any_incident()
        if incident is None or incident.status is not Status.ACTIVE:
            return False
        said = self._file(HERE, str(incident.id))
        with self._kept(said):
            body = io.BytesIO(said.body or b"")
            name = oracle.name_of(said)
            warroom.attach(self._stage.app, self._stage.me, incident.id, body, name, tags=("ForServiceNow",))
        return True

    def close_here(self) -> bool:
        """Close an incident."""
        incident = self._any_incident()
        if incident is None or incident.status is not Status.ACTIVE:
            return False
        notes = f"closed {self.ledger.token(HERE)}"
        self.ledger.note(HERE, notes, str(incident.id))
        incidents.close(self._stage.app, self._stage.me, incident.id, reason="Resolved", notes=notes)
        return True

    def reopen_here(self) -> bool:
        """Open a closed one again."""
        incident = self._any_incident()
        if incident is None or incident.status is not Status.CLOSED:
            return False
        self.ledger.note(HERE, "reopened", str(incident.id))
        incidents.reopen(self._stage.app, self._stage.me, incident.id)
        return True

    def _text(self, where: str) -> str:
        return f"{self._dice.choice(['Drucker brennt', 'VPN drops', 'プリンタ', 'disk & <b>fan</b>'])} {self.ledger.token(where)}"

    def _said(self, incident: Incident) -> Said:
        return Said(token=self.ledger.token(HERE), where=HERE, case=str(incident.id), at=time.time())

    def _file(self, where: str, case: str) -> Said:
        token = self.ledger.token(where)
        body = token.encode() + self._dice.randbytes(self._dice.choice([0, 100, 5_000, 200_000]))
        return Said(token=token, where=where, case=case, at=time.time(), body=body)

    def _kept(self, said: Said) -> _Kept:
        return _Kept(self.ledger, said)


class _Kept:
    """Keeps what is said here; when it fails nobody knows whether it was written."""

    def __init__(self, ledger: Ledger, said: Said) -> None:
        self.ledger, self._said = ledger, said

    def __enter__(self) -> None:
        self.ledger.note(HERE, f"{self._said.what} {self._said.token}", self._said.case)

    def __exit__(self, kind: object, *_: object) -> None:
        said = self._said
        self.ledger.said.append(
            Said(token=said.token, where=said.where, case=said.case, at=said.at, body=said.body, sure=kind is None)
        )
