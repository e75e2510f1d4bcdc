"""Run the commands that asked to be run again, and keep what they answer.

They need no lane: they change nothing that mirroring owns. Each server takes what is due; what a server that died was about
is run once more by another one.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from casemirror.engine import by_hand, commands
from casemirror.engine.app import App, log
from casemirror.engine.by_hand import Answered
from casemirror.model.entry import EntryKind, InboundEntry
from casemirror.model.errors import CasemirrorError, Conflict
from casemirror.model.instance import Instance
from casemirror.store import incidents, instances, laters
from casemirror.store.laters import Later

if TYPE_CHECKING:
    from sqlalchemy import Connection

LOOK_S: Final = 1.0
AT_ONCE: Final = 4
"""Commands that one server runs at the same time."""
MARGIN_S: Final = 30.0
"""A command that is under way for longer than its time limit and this is taken for lost."""


class Runner:
    """Takes what is due and runs it beside the lanes."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="later")
        self._running: set[int] = set()

    def look(self) -> None:
        """Take what is due, as far as there is room."""
        now = self._app.clock.now()
        with self._app.store.read() as tx:
            found = [later for later in laters.due(tx, now) if later.id not in self._running]
        for later in found[: AT_ONCE - len(self._running)]:
            self._running.add(later.id)
            self._pool.submit(self._run, later)

    def close(self) -> None:
        """Wait for what is running."""
        self._pool.shutdown(cancel_futures=True)

    def _run(self, later: Later) -> None:
        try:
            run(self._app, later)
        except Exception:
            log.exception("later.failed", command=later.command, incident=later.incident_id)
        finally:
            self._running.discard(later.id)


def run(app: App, later: Later) -> None:
    """Run one command to its end and keep what it answers; nothing when another server has it."""
    now, settings = app.clock.now(), app.settings()
    until = now + timedelta(seconds=settings.seconds("mirror.command.timeout") + MARGIN_S)
    with app.store.write() as tx:
        if not laters.take(tx, later, until):
            return
        incident = incidents.load(tx, later.incident_id)
        instance = instances.load(tx, later.instance_id)
    try:
        if not instance.enabled:
            raise Conflict(f"{instance.name} is disabled, so {later.command} was not run again")
        answered = by_hand.ask(commands.caller(app, instance), later.command, later.args, incident, keeps=True)
    except CasemirrorError as error:
        answered = Answered(entries=(InboundEntry(contents=error.message, kind=EntryKind.ERROR),))
    with app.store.write() as tx:
        _settle(tx, later, instance, answered, app.clock.now())
    log.info("later.finished", instance=instance.name, incident=incident.id, command=later.command)


def _settle(tx: Connection, later: Later, instance: Instance, answered: Answered, now: datetime) -> None:
    """Keep the answer, and have the command run again if it asks for it in time and nobody stopped it; in one transaction."""
    found, again = answered.entries, answered.again if laters.remove(tx, later.id) else None
    if again and now + timedelta(seconds=again.after_s) > later.ends_at:
        text = f"{later.command} did not come to an end by {later.ends_at:%Y-%m-%d %H:%M:%S} UTC; it is not run again"
        found, again = (*found, InboundEntry(contents=text, kind=EntryKind.ERROR)), None
    by_hand.keep(tx, later.incident_id, later.user, instance, found, now)
    if again:
        by_hand.note_again(tx, again, later.incident_id, instance, later.user, now, later.ends_at)
