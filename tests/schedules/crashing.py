"""Random schedules over the real engine: people act, workers die or oversleep, at every point where that can matter.

A *point* lies before and after each call of a command and around each transaction. At a point the dice may let a person
act on either side, let another worker take the lane over while this one sleeps (it then wakes up as a zombie), or kill
this worker. Everything is decided by one seed; `Schedule.history` tells what happened.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from casemirror.engine import lane
from casemirror.engine.app import App
from casemirror.model.ids import IncidentId
from casemirror.model.incident import Status
from casemirror.runtime.command import Command, Reply
from casemirror.store import heartbeats, lanes
from casemirror.store.database import Store
from support.desk import Killed, Remote, said
from support.world import World

FIELDS = {"name": "title", "details": "description", "deskstate": "state"}
"""Incident field → field of the ticket."""


class CarefulRemote(Remote):
    """A remote in whole seconds; its integration looks for what may be there already, and tells the remote's own ids."""

    careful = True
    whole_seconds = True

    def comment(self, ticket_id: str, text: str, **rest: Any) -> None:
        """As a remote that stamps whole seconds does."""
        super().comment(ticket_id, text, **rest)
        self._round(ticket_id)

    def change(self, ticket_id: str, **fields: Any) -> None:
        """Likewise."""
        super().change(ticket_id, **fields)
        self._round(ticket_id)

    def _round(self, ticket_id: str) -> None:
        ticket = self.tickets[ticket_id]
        if self.whole_seconds:
            ticket.changed_at = ticket.changed_at.replace(microsecond=0)
            if ticket.comments:
                ticket.comments[-1].at = ticket.comments[-1].at.replace(microsecond=0)

    def _push(self, command: Command) -> Reply:
        args = command.args
        if not self.careful:
            return super()._push(command)
        made_for = str(command.investigation["id"])
        found = next((t for t in self.tickets.values() if t.fields.get("made_for") == made_for), None)
        remote_id = args["remoteId"] or (found.id if found else "")
        there = {c.file for c in self.tickets[remote_id].comments} if remote_id in self.tickets else set()
        new = [
            e for e in args["entries"] if not (e["casemirror"]["uncertain"] and e["casemirror"]["reference"] in there)
        ]
        reply = super()._push(replace(command, args={**args, "remoteId": remote_id, "entries": new}))
        ticket = self.tickets[str(reply.results[-1])]
        if not args["remoteId"]:
            ticket.fields["made_for"] = made_for
        for comment, entry in zip(ticket.comments[len(ticket.comments) - len(new) :], new, strict=True):
            comment.file = entry["casemirror"]["reference"]  # kept beside the text, as a message id is
        self._round(ticket.id)
        return reply

    def _pull(self, command: Command) -> Reply:
        ticket = self.tickets[command.args["id"]]
        kept = ticket.comments
        ticket.comments = [c for c in kept if not (self.careful and c.ours)]
        try:
            reply = super()._pull(command)
        finally:
            ticket.comments = kept
        return reply if reply.results else said([])


class PointStore(Store):
    """The store of one worker: each transaction has a point before it, one just before its commit, and one after it."""

    def __init__(self, store: Store, schedule: Schedule) -> None:
        super().__init__(store.engine, store.files_folder, store.clock, store.keys)
        self._schedule = schedule

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """As `Store.write`."""
        self._schedule.point("before a transaction")
        with super().write() as tx:
            yield tx
            self._schedule.point("before a commit", inside=True)
        self._schedule.point("after a commit")


class PointRuntime:
    """The runtime of one worker: a point before each call, and one after it had its effect."""

    def __init__(self, world: World, schedule: Schedule) -> None:
        self._world, self._schedule = world, schedule

    def run(self, command: Command) -> Reply:
        """As the scripted runtime."""
        self._schedule.point(f"before {command.name}", awake=True)
        reply = self._world.runtime.remotes[command.instance].run(command)
        self._schedule.called(command)
        self._world.clock.turn(0.2)
        self._schedule.point(f"after {command.name}")
        self._world.clock.turn(0.2)  # what happened at that point lies within the call
        return reply

    def close(self) -> None:
        """Nothing to end."""


@dataclass
class Schedule:
    """One random schedule and what it left.

    strict   no overlap, exact times: nothing but the protocol itself protects
    """

    folder: Path
    seed: int
    careful: bool = True
    strict: bool = False
    history: list[str] = field(default_factory=list)
    crashes: int = 0

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.world = World(self.folder)
        self.world.instance("desk", "Desk Safe" if self.careful else "Desk")
        self.remote = CarefulRemote(self.world.clock, self.world.runtime.remotes["desk"].folder, "desk")
        self.remote.careful, self.remote.whole_seconds = self.careful, not self.strict
        self.world.runtime.remotes["desk"] = self.remote
        if self.strict:
            self.world.set(mirror__overlap=0, mirror__first__lookback=0)
        self.live = False
        self.depth = self.workers = self.token = 0
        self.touched: dict[tuple[int, str], list[tuple[str, str]]] = {}
        self.said_here: list[tuple[int, str]] = []
        self.said_there: list[tuple[str, str]] = []
        self.made_here: list[int] = []
        self.incidents = [self.world.mirror(self.remote.ticket(title=f"t{n}"), settle=False) for n in range(2)]
        self.world.work()

    # points

    def point(self, where: str, *, inside: bool = False, awake: bool = False) -> None:
        """Something may happen here; inside a transaction only death.

        awake   no time passes here: the engine looks whether the lane is its own right before a call
        """
        if not self.live:
            return
        roll = self.dice.random()
        if roll < 0.015:
            self.note(f"worker {self.workers} killed {where}")
            self.crashes += 1
            raise Killed
        if inside:
            return
        if roll < 0.08:
            self.act()
        elif roll < 0.1 and self.depth == 0 and not awake:
            self.crashes += 1
            self.note(f"worker {self.workers} oversleeps {where}")
            self.take_over()
            self.note("it wakes up")

    def note(self, text: str) -> None:
        """Keep what happened."""
        self.history.append(f"{self.world.clock.now():%H:%M:%S.%f} {text}")

    def called(self, command: Command) -> None:
        """Keep what a call was about."""
        args = command.args
        if command.name == "update-remote-system":
            said = [e["contents"] for e in args["entries"]]
            changed = f", state {args['status']}" * bool(args["casemirror"]["status_changed"])
            self.note(f"  push {args['remoteId'] or 'new'}: {args['delta']}, {said}{changed}")
        elif command.name == "get-remote-data":
            ticket = self.remote.tickets[args["id"]]
            self.note(f"  pull {args['id']} since {args['lastUpdate'][11:]}: {'closed' if ticket.closed else 'open'}")

    # workers

    def take_over(self) -> None:
        """Another worker takes the lane and works while this one sleeps."""
        self.forget()
        self.depth += 1
        try:
            self.work()
        finally:
            self.depth -= 1

    def forget(self) -> None:
        """The worker's heartbeat is stale."""
        with self.world.store.write() as tx:
            for name in heartbeats.names(tx):
                heartbeats.forget(tx, name)

    def work(self) -> None:
        """A new worker takes its turn; it may die in it."""
        self.workers += 1
        executor = f"worker {self.workers}"
        store = PointStore(self.world.store, self)
        app = App(store=store, runtime=PointRuntime(self.world, self), clock=self.world.clock, executor=executor)
        with self.world.store.write() as tx:
            heartbeats.beat(tx, executor)
        live, self.live = self.live, True
        try:
            lane.drain(app, self.world.lane_id())
        except Killed:
            pass
        finally:
            self.live = live
            with self.world.store.write() as tx:
                heartbeats.forget(tx, executor)

    # people

    def act(self) -> None:
        """One person does one thing, somewhere."""
        live, self.live = self.live, False
        self.token += 1
        incident = self.dice.choice(self.incidents)
        remote_id = self.world.link(incident).remote_id
        kind = self.dice.choice(["edit here", "edit there", "say here", "say there", "switch", "create"])
        self.note(f"{kind} {incident} {self.token}")
        if kind == "edit here":
            self._edit_here(incident)
        elif kind == "edit there" and remote_id:
            self._edit_there(incident, remote_id)
        elif kind == "say here" and self.world.incident(incident).status is Status.ACTIVE:
            self.world.say(incident, f"here-{self.token}.")
            self.said_here.append((incident, f"here-{self.token}."))
        elif kind == "say there" and remote_id:
            late = 0 if self.strict else self.dice.choice([0, 0, 20])
            self.remote.comment(remote_id, f"there-{self.token}.", visible_after_s=late)
            self.said_there.append((remote_id, f"there-{self.token}."))
        elif kind == "switch":
            self._switch(incident, remote_id)
        elif kind == "create" and self.careful and len(self.incidents) < 4:
            made = self.world.create(name=f"made {self.token}")
            self.world.connect(made, tags=("comments",))
            self.incidents.append(made)
            self.made_here.append(made)
        self.live = live

    def _edit_here(self, incident: IncidentId) -> None:
        name = self.dice.choice(list(FIELDS))
        self.world.edit(incident, **{name: f"v{self.token}"})
        self.touched.setdefault((incident, name), []).append(("here", f"v{self.token}"))

    def _edit_there(self, incident: IncidentId, remote_id: str) -> None:
        name = self.dice.choice(list(FIELDS))
        self.remote.change(remote_id, **{FIELDS[name]: f"v{self.token}"})
        self.touched.setdefault((incident, name), []).append(("there", f"v{self.token}"))

    def _switch(self, incident: IncidentId, remote_id: str) -> None:
        seen_open = not self.world.link(incident).remote_closed  # decision 0004: until then a close there tells no news
        if self.world.incident(incident).status is Status.CLOSED:
            self.note("  (reopens it here)")
            self.world.reopen(incident)
        elif remote_id and seen_open and self.dice.random() < 0.5 and not self.remote.tickets[remote_id].closed:
            self.note("  (closes it there)")
            self.remote.close(remote_id)
        else:
            self.note("  (closes it here)")
            self.world.shut(incident)

    # the whole

    def run(self) -> list[str]:
        """Play it, let everything come to rest, and tell what is wrong."""
        try:
            for _ in range(self.dice.randrange(8, 25)):
                for _ in range(self.dice.randrange(3)):
                    self.act()
                self.world.clock.turn(self.dice.uniform(0, 45))
                self.work()
            self.settle()
            return self.wrong()
        finally:
            self.world.close()

    def settle(self) -> None:
        """People stop; cycles run until the overlap is over and nothing is due."""
        self.forget()
        for _ in range(6):
            with self.world.store.write() as tx:
                lanes.ask(tx, self.world.lane_id(), not_before=None, in_not_before=None)
            self.world.cycle()

    def wrong(self) -> list[str]:
        """What is lost, doubled, or not the same on both sides."""
        found = [f"{len(self.remote.tickets)} tickets for {len(self.incidents)} incidents"] * (
            len(self.remote.tickets) != len(self.incidents)
        )
        for incident in self.incidents:
            remote_id = self.world.link(incident).remote_id
            found += self._differences(incident, remote_id) if remote_id else [f"incident {incident} has no ticket"]
        for incident, text in self.said_here:
            there = self.remote.tickets.get(self.world.link(incident).remote_id)
            count = sum(text in c.text for c in there.comments) if there else 0
            if count == 0 or (count > 1 and (self.careful or not self.crashes)):
                found.append(f"{text} is there {count} times")
        for remote_id, text in self.said_there:
            here = [i for i in self.incidents if self.world.link(i).remote_id == remote_id]
            count = sum(text in said for i in here for said in self.world.texts(i))
            if count != 1:
                found.append(f"{text} is here {count} times")
        return found

    def _differences(self, incident: IncidentId, remote_id: str) -> list[str]:
        found, ticket, here = [], self.remote.tickets[remote_id], self.world.incident(incident)
        for name, there in FIELDS.items():
            ours, theirs = here.get(name) or "", ticket.fields.get(there) or ""
            edits = self.touched.get((incident, name), [])
            if ours != theirs:
                found.append(f"incident {incident} {name}: {ours!r} here, {theirs!r} there")
            elif len({side for side, _ in edits}) == 1 and ours != edits[-1][1]:
                found.append(f"incident {incident} {name}: {ours!r}, but the last edit said {edits[-1][1]!r}")
        if (here.status is Status.CLOSED) != ticket.closed:
            found.append(f"incident {incident} is {here.status.name} here, closed there: {ticket.closed}")
        return found
