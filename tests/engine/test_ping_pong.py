"""A field that both sides keep answering: the limiter stops the sending, not the mirroring.   mirroring.md §3.4.6."""

from __future__ import annotations

from datetime import timedelta

import pytest

from support.desk import PUSH, Remote
from support.world import World


@pytest.fixture
def desk(world: World) -> Remote:
    return world.instance()


def test_a_field_that_alternates_is_not_sent_for_a_while(world: World, desk: Remote) -> None:
    world.set(mirror__pingpong=4)
    incident = world.mirror(desk.ticket())
    world.cycle(3)
    for number in range(6):
        desk.change("T1", state=f"theirs {number}")
        world.cycle()
        world.edit(incident, deskstate=f"ours {number}", desknote=f"note {number}")
        world.cycle()
    sent = [call["delta"] for call in desk.asked(PUSH)]
    assert sum("state" in delta for delta in sent) == 3
    assert sum("note" in delta for delta in sent) == 6
    assert world.get(incident, "deskstate") == "ours 5"
    assert world.dirty(incident)[0] == {"deskstate"}
    world.clock.turn(timedelta(minutes=61).total_seconds())
    world.cycle(2)
    assert desk.tickets["T1"].fields["state"] == "ours 5"


def test_zero_lets_it_go_on(world: World, desk: Remote) -> None:
    world.set(mirror__pingpong=0)
    incident = world.mirror(desk.ticket())
    world.cycle(3)
    for number in range(12):
        desk.change("T1", state=f"theirs {number}")
        world.cycle()
        world.edit(incident, deskstate=f"ours {number}")
        world.cycle()
    assert len(desk.asked(PUSH)) == 12
