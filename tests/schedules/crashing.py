"""Random schedules over the real engine: people act, workers die or oversleep, at every point where that can matter.

A *point* lies before and after each call of a command and around each transaction. At a point the dice may let a person
act on either side, let another worker take the lane over while this one sleeps (it then wakes up as a zombie), or kill
this worker. Calls and statements of the database fail, too. Everything is decided by one seed; `Schedule.history` tells
what happened.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.exc import OperationalError

from casemirror.actions import policies
from casemirror.engine import lane
from casemirror.engine.app import Said
from casemirror.model.ids import IncidentId, InstanceId
from casemirror.model.incident import Incident, Status
from casemirror.model.link import Link, LinkState
from casemirror.model.plan import Method
from casemirror.runtime.command import Command
from casemirror.store import heartbeats, lanes
from casemirror.store import links as link_store
from schedules import people, stage
from schedules.people import HERE, Ledger
from schedules.stage import FIELDS, Kind
from schedules.workers import PointRuntime, PointStore
from support.desk import PULL, PUSH, Killed
from support.world import ANALYST

HOUR_S, DAY_S = 3600.0, 86_400.0
METHODS = (Method.LOCAL, Method.LOCAL, Method.REMOTE, Method.NEWEST, Method.ASK)
MERGES = {"details": Method.APPEND, "deskcount": Method.MAX, "desklabels": Method.UNION}


@dataclass(kw_only=True)
class Weather:
    """What a schedule has to bear beside deaths and zombies.

    method     who wins when a field changed on both sides
    merges     texts, numbers and lists are put together instead
    pingpong   a field that changed to and fro that often is not sent for an hour; 0: no limiter
    failing    calls fail, or their answer is lost
    full       statements of the database fail
    slow       entries go one by one, and each call takes almost as long as it may
    cutting    links are removed and made again
    late       the index that polls look into is late
    """

    method: Method
    merges: bool
    pingpong: int
    failing: bool
    full: bool
    slow: bool
    cutting: bool
    late: bool

    @classmethod
    def drawn(cls, dice: random.Random, kind: Kind) -> Weather:
        """The weather of a schedule."""
        return cls(
            method=dice.choice(METHODS),
            merges=dice.random() < 0.4,
            pingpong=dice.choice((0, 0, 0, 0, 0, 0, 3)),
            failing=dice.random() < 0.35,
            full=dice.random() < 0.25,
            slow=dice.random() < 0.06,
            cutting=dice.random() < 0.2,
            late=not kind.strict and dice.random() < 0.5,
        )


@dataclass
class Schedule:
    """One random schedule and what it left.

    rounds   it ends after so many rounds, when it has more: the beginning is the same as without
    """

    seed: int
    kind: Kind = field(default_factory=Kind)
    rounds: int = 12
    history: list[str] = field(default_factory=list)
    crashes: int = 0

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.stage = stage.of(self.kind)
        self.world, self.remotes = self.stage.begin(), self.stage.remotes
        self.names = tuple(self.remotes)
        self.lanes = {name: self.world.lane_id(name) for name in self.names}
        self.live = False
        self.executor = ""
        self.depth = self.workers = self.token = 0
        self.incidents = list(self.stage.incidents)
        self.ledger = Ledger()
        self.cut: dict[tuple[IncidentId, str], str] = {}
        self.weather = Weather.drawn(self.dice, self.kind)
        self._set_weather()

    def _set_weather(self) -> None:
        weather, world = self.weather, self.world
        self.note(f"{self.kind} {weather}")
        world.set(mirror__pingpong=weather.pingpong)
        if weather.method is not Method.LOCAL:
            world.set(mirror__conflict=weather.method.value)
        if weather.slow:
            world.set(mirror__entries__batch=1)
        for name, method in MERGES.items() if weather.merges else ():
            policies.put(world.app, ANALYST, method.value, field=name)
        for remote in self.remotes.values() if weather.late else ():
            remote.shows_after_s = lambda: self.dice.choice((0.0, 0.0, 10.0, 40.0))

    def bear(self, *weather: str) -> None:
        """Have this weather, too."""
        laid_over: dict[str, Any] = dict.fromkeys(weather, True)
        self.weather = replace(self.weather, **laid_over)
        self._set_weather()

    # points

    def point(self, where: str, *, inside: bool = False, awake: bool = False) -> None:
        """Something may happen here; inside a transaction only death.

        awake   no time passes here: the engine looks whether the lane is its own right before a call
        """
        if not self.live:
            return
        roll = self.dice.random()
        if roll < 0.015:
            self.die(where)
        if inside:
            return
        if roll < 0.08:
            self.act()
        elif roll < 0.1 and self.depth == 0 and not awake:
            self.crashes += 1
            self.note(f"worker {self.workers} oversleeps {where}")
            self.take_over()
            self.note("it wakes up")

    def die(self, where: str) -> None:
        """The worker is killed here."""
        self.note(f"worker {self.workers} killed {where}")
        self.crashes += 1
        raise Killed

    def fails(self, chance: float) -> bool:
        """Say whether a call fails here."""
        return self.live and self.weather.failing and self.dice.random() < chance

    def _statement(self, statement: str) -> None:
        if not self.live or self.dice.random() >= 0.0015:
            return
        self.crashes += 1
        words = self.dice.choice(("database is locked", "database or disk is full"))
        self.note(f"worker {self.workers}: {words}: {statement[:40]!r}")
        raise OperationalError(statement, {}, sqlite3.OperationalError(words))

    def takes_long(self, command: Command) -> None:
        """A push takes almost as long as it may, and another living worker tries to help meanwhile."""
        if self.live and self.weather.slow and command.name == PUSH:
            self.world.clock.turn(290)
            for executor in (self.executor, "bystander"):
                self._beat(executor)
            if self.depth == 0:
                self.depth += 1
                self.note("another worker looks in")
                self._drain(command.instance, "bystander")
                self.depth -= 1

    def note(self, text: str) -> None:
        """Keep what happened."""
        self.history.append(f"{self.world.clock.now():%H:%M:%S.%f} {text}")

    def about_to_push(self, command: Command) -> None:
        """Note what a push writes over before anybody here saw it: no protocol can put that together again."""
        remote_id, incident = command.args["remoteId"], IncidentId(int(command.investigation["id"]))
        link = self.ties(incident).get(command.instance) if remote_id else None
        ticket = self.remotes[command.instance].tickets.get(remote_id)
        if link is not None and ticket is not None:
            self.ledger.overwrite(link, ticket, command.args["delta"])

    def called(self, command: Command) -> None:
        """Keep what a call was about."""
        args = command.args
        if command.name == PUSH:
            said = [e["contents"] for e in args["entries"]]
            changed = f", state {args['status']}" * bool(args["casemirror"]["status_changed"])
            self.note(f"  {command.instance}: push {args['remoteId'] or 'new'}: {args['delta']}, {said}{changed}")
        elif command.name == PULL:
            ticket = self.remotes[command.instance].tickets[args["id"]]
            shown = {name: ticket.fields.get(name) for name in FIELDS.values()}
            closed = "closed" if ticket.closed else "open"
            self.note(f"  {command.instance}: pull {args['id']} since {args['lastUpdate'][11:]}: {closed} {shown}")

    # workers

    def take_over(self) -> None:
        """Another worker takes the lanes and works while this one sleeps."""
        self.forget()
        self.depth += 1
        try:
            self.work()
        finally:
            self.depth -= 1

    def forget(self) -> None:
        """The heartbeats of all workers are stale."""
        with self.world.store.write() as tx:
            for name in heartbeats.names(tx):
                heartbeats.forget(tx, name)

    def _beat(self, executor: str) -> None:
        with self.world.store.write() as tx:
            heartbeats.beat(tx, executor)

    def work(self) -> None:
        """A new worker takes its turn on each lane; it may die in it."""
        self.workers += 1
        executor = f"worker {self.workers}"
        self._beat(executor)
        for name in self.names:
            if not self._drain(name, executor):
                break
        with self.world.store.write() as tx:
            heartbeats.forget(tx, executor)

    def _drain(self, name: str, executor: str) -> bool:
        """One turn; False when the worker died in it."""
        world = self.world
        store, runtime = PointStore(world.store, self), PointRuntime(self)
        app = replace(world.app, store=store, runtime=runtime, executor=executor, said=Said())
        live, self.live = self.live, True
        before, self.executor = self.executor, executor
        try:
            lane.drain(app, self.lanes[name])
        except Killed:
            return False
        finally:
            self.live, self.executor = live, before
        return True

    # people

    def act(self) -> None:
        """One person does one thing, somewhere."""
        live, self.live = self.live, False
        self.token += 1
        people.act(self)
        self.live = live

    def ties(self, incident: IncidentId) -> dict[str, Link]:
        """Links of an incident by instance."""
        with self.world.store.read() as tx:
            return {link.instance_name: link for link in link_store.of_incident(tx, incident)}

    def tickets(self, incident: IncidentId) -> dict[str, str]:
        """Tickets of an incident by instance, those of links that are cut, too."""
        linked = {name: link.remote_id for name, link in self.ties(incident).items() if link.remote_id}
        return {**{name: ticket for (of, name), ticket in self.cut.items() if of == incident}, **linked}

    # the whole

    def run(self) -> list[str]:
        """Play it, let everything come to rest, and tell what is wrong."""
        with self.stage.watched(self._statement) if self.weather.full else nullcontext():
            for _ in range(min(self.dice.randrange(4, 13), self.rounds)):
                for _ in range(self.dice.randrange(1, 4)):
                    self.act()
                self.world.clock.turn(self.dice.uniform(0, 45))
                self.work()
        self.settle()
        return [*self.wrong(), *self.world.wrongs()]

    def settle(self) -> None:
        """People stop and settle what waits for them; cycles run until the overlap is over and nothing is due."""
        self.forget()
        self.note("people stop")
        for incident, name in list(self.cut):
            people.link_again(self, incident, name)
        self._rest(4)
        for _ in range(8):
            if not people.settle_conflicts(self):
                break
            self._rest(2)
        if self.weather.pingpong:
            self.world.clock.turn(HOUR_S)  # the limiter holds a field back for an hour
            self._rest(4)

    def _rest(self, cycles: int) -> None:
        """So many cycles, and more while something is due."""
        for number in range(60):
            with self.world.store.write() as tx:
                ids = [InstanceId(lane_id.rpartition("/")[0]) for lane_id in self.lanes.values()]
                due = sum(link_store.due_count(tx, instance_id) for instance_id in ids)
                for lane_id in self.lanes.values():
                    lanes.ask(tx, lane_id, not_before=None, in_not_before=None)
            if number >= cycles and not due:
                return
            self.world.clock.turn(self.world.interval_s)
            for name in self.names:
                lane.drain(replace(self.world.app, runtime=PointRuntime(self)), self.lanes[name])

    def wrong(self) -> list[str]:
        """What is lost, doubled, or not the same on both sides."""
        ties = {incident: self.ties(incident) for incident in self.incidents}
        return [*self._numbers(), *self._sides(ties), *self._words(ties)]

    def _numbers(self) -> Iterator[str]:
        for name, remote in self.remotes.items():
            if len(remote.tickets) != len(self.incidents):
                yield f"{len(remote.tickets)} tickets in {name} for {len(self.incidents)} incidents"

    def _sides(self, ties: dict[IncidentId, dict[str, Link]]) -> Iterator[str]:
        for incident in self.incidents:
            here = self.world.incident(incident)
            for name in self.names:
                link = ties[incident].get(name)
                if link is None or not link.remote_id:
                    yield f"incident {incident} has no ticket in {name}"
                    continue
                if link.state is not LinkState.ACTIVE:
                    yield f"incident {incident} {name}: {link.state.name} {link.held_reason}"
                yield from self._differences(here, link)
            yield from self.ledger.lost(here, merges=self.weather.merges)

    def _differences(self, here: Incident, link: Link) -> Iterator[str]:
        ticket = self.remotes[link.instance_name].tickets[link.remote_id]
        where = f"incident {here.id} {link.instance_name}"
        for name, there in FIELDS.items():
            ours, theirs = here.get(name) or "", ticket.fields.get(there) or ""
            if ours != theirs:
                yield f"{where} {name}: {ours!r} here, {theirs!r} there"
        if (here.status is Status.CLOSED) != ticket.closed:
            yield f"{where} is {here.status.name} here, closed there: {ticket.closed}"

    def _words(self, ties: dict[IncidentId, dict[str, Link]]) -> Iterator[str]:
        twice = not self.kind.careful and self.crashes
        for incident in self.incidents:
            here, closed = self.world.texts(incident), self.world.incident(incident).status is Status.CLOSED
            for name, link in ties[incident].items():
                there = [c.text for c in self.remotes[name].tickets[link.remote_id].comments] if link.remote_id else []
                for text, source in self.ledger.said[incident]:
                    count = sum(text in said for said in there)
                    waits = closed and source not in (HERE, name)  # MIR-174: it came in when the incident was closed
                    if (count == 0 and not waits) or (count > 1 and not twice):
                        yield f"{text} of {source} is in {name} {count} times"
            for text, source in self.ledger.said[incident]:
                count = sum(text in said for said in here)
                if count != 1:
                    yield f"{text} of {source} is here {count} times"
