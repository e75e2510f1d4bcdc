"""The lane of an instance, for a person who wants something done in it now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from casemirror.engine import lane
from casemirror.engine.app import App
from casemirror.engine.presence import Presence
from casemirror.engine.turn import Turn
from casemirror.model.errors import Conflict, RetryLater
from casemirror.model.instance import Instance
from casemirror.store import lanes

PATIENCE_S = 60.0
"""Wait for whoever works on the lane to give it up: a turn of a server is half as long."""
LOOK_S = 0.1


class LaneBusy(RetryLater):
    """Another worker owns the lane and did not give it up in time; nothing was done."""

    code = "lane.busy"


def must_work(instance: Instance, held_reason: str) -> None:
    """Raise Conflict when a person has to let the instance work first."""
    name = instance.name
    if not instance.enabled:
        raise Conflict(f"{name} is disabled; `casemirror instance enable {name}` lets it work")
    if held_reason:
        raise Conflict(f"{name} was stopped: {held_reason}; `casemirror instance enable {name}` lets it go on")


@contextmanager
def turn_of(app: App, instance: Instance) -> Iterator[Turn]:
    """The lane of the instance, as soon as whoever works on it gives it up. Raises LaneBusy, saying who that is."""
    with Presence(app):
        turn = _taken(app, instance)
        try:
            yield turn
        finally:
            lane.release(turn)


def _taken(app: App, instance: Instance) -> Turn:
    ends = app.clock.now() + timedelta(seconds=PATIENCE_S)
    while True:
        with app.store.read() as tx:
            line = lanes.of_instance(tx, instance.id)
        turn = lane.take(app, line.id)
        if turn is not None:
            return turn
        if app.clock.now() >= ends:
            raise LaneBusy(
                f"{instance.name} is worked on by {line.owner or 'another worker'}, which did not give it up within "
                f"{PATIENCE_S:g} s; nothing was applied, try again"
            )
        app.clock.sleep(LOOK_S)
