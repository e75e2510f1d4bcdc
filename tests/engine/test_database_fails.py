"""The database is full, locked or gone for a while: the lane waits for it and goes on by itself, and nothing is lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from casemirror.engine import lane
from casemirror.store import lanes
from support.desk import PUSH
from support.world import World


@contextmanager
def full(world: World, *, after: int = 0, times: int = 1_000_000) -> Iterator[None]:
    """Every statement that writes fails, beginning with the one that comes `after` others, that many times."""
    seen = 0

    def refuse(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        nonlocal seen
        if statement.startswith(("INSERT", "UPDATE", "DELETE")):
            seen += 1
            if after < seen <= after + times:
                raise OperationalError(statement, {}, sqlite3.OperationalError("database or disk is full"))

    sa.event.listen(world.store.engine, "before_cursor_execute", refuse)
    try:
        yield
    finally:
        sa.event.remove(world.store.engine, "before_cursor_execute", refuse)


def reap(world: World) -> None:
    """What `dispatch` does every two seconds: free the lanes that their owner does not work on."""
    with world.store.write() as tx:
        for found in lanes.owned_by(tx, world.app.executor):
            assert lanes.give_back(tx, found)


@pytest.mark.parametrize("after", range(12))
def test_a_write_that_fails_once_is_made_up_for_within_seconds(world: World, after: int) -> None:
    """Whichever write it is: the lane waits two seconds, not a minute."""
    desk = world.instance()
    incident = world.mirror(desk.ticket())
    world.edit(incident, details="changed here")
    with full(world, after=after, times=1):
        world.turn()
    reap(world)
    assert world.lane().last_error in ("", "the database failed: database or disk is full")
    world.clock.turn(lane.DATABASE_PAUSE_S)
    world.work()
    assert [ticket.fields["description"] for ticket in desk.tickets.values()] == ["changed here"]


def test_a_full_disk_raises_nowhere_and_the_lane_goes_on_when_there_is_room(world: World) -> None:
    """It can neither pause the lane nor give it back."""
    desk = world.instance()
    incident = world.mirror(desk.ticket())
    world.edit(incident, details="changed here")
    desk.calls.clear()
    with full(world, after=1):
        assert world.turn() == 0
    assert world.lane().owner == world.app.executor
    reap(world)
    world.work()
    assert [call.name for call in desk.calls].count(PUSH) == 1


def test_a_lane_that_cannot_even_be_taken_is_left(world: World) -> None:
    """The turn is over before it began."""
    desk = world.instance()
    world.mirror(desk.ticket())
    with full(world):
        assert world.turn() == 0
    assert world.lane().owner == ""
