"""What a worker of a schedule works with: the real store and a runtime, both with points where something may happen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from casemirror.runtime.command import Command, Reply
from casemirror.store.database import Store
from support.desk import POLL, PULL, PUSH, died, error, timed_out

if TYPE_CHECKING:
    from schedules.crashing import Schedule


class PointStore(Store):
    """The store of one worker: each transaction has a point before it, one just before its commit, and one after it."""

    def __init__(self, store: Store, schedule: Schedule) -> None:
        super().__init__(store.engine, store.files_folder, store.clock, store.keys)
        self.schedule = schedule

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """As `Store.write`."""
        self.schedule.point("before a transaction")
        with super().write() as tx:
            yield tx
            self.schedule.point("before a commit", inside=True)
        self.schedule.point("after a commit")


class PointRuntime:
    """The runtime of one worker: a point before each call, and one after it had its effect. Some calls fail."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule

    def run(self, command: Command) -> Reply:
        """As the scripted runtime."""
        schedule, clock = self._schedule, self._schedule.world.clock
        schedule.world._no_transaction_is_open()
        schedule.point(f"before {command.name}", awake=True)
        refused = self._refused(command)
        if refused is not None:
            clock.turn(0.2)
            return refused
        schedule.takes_long(command)
        if command.name == PUSH:
            schedule.about_to_push(command)
        reply = schedule.world.runtime.remotes[command.instance].run(command)
        schedule.called(command)
        clock.turn(0.2)
        schedule.point(f"after {command.name}")
        clock.turn(0.2)  # what happened at that point lies within the call
        if schedule.fails(0.03):
            schedule.crashes += 1
            schedule.note(f"the answer of {command.name} is lost")
            return schedule.dice.choice([died, timed_out])()
        return reply

    def _refused(self, command: Command) -> Reply | None:
        schedule = self._schedule
        if not schedule.fails(0.06):
            return None
        answers = {
            PUSH: [error("no route to host"), error("API rate limit exceeded"), died()],
            PULL: [error("no route to host"), error("API rate limit exceeded"), timed_out()],
            POLL: [error("no route to host"), error("API rate limit exceeded"), error("skip update"), died()],
        }
        reply = schedule.dice.choice(answers.get(command.name, [died()]))
        schedule.note(f"{command.name} {command.args.get('id', '')} does nothing: {reply.results or reply.error}")
        return reply

    def close(self) -> None:
        """Nothing to end."""
