"""The remote may not be asked for a while: what was changed here is sent all the same.   mirroring.md §2.3."""

from __future__ import annotations

import pytest

from casemirror.model.ids import IncidentId
from support.desk import POLL, PULL, PUSH, Answer, Remote, error
from support.world import World

LIMIT = error("API rate limit exceeded")
SKIP = error("skip update")


def described(desk: Remote) -> list[str]:
    return [str(ticket.fields["description"]) for ticket in desk.tickets.values()]


def waiting(world: World, *, answer: Answer = LIMIT) -> tuple[Remote, IncidentId]:
    """An instance whose last poll was refused."""
    desk = world.instance()
    incident = world.mirror(desk.ticket())
    world.cycle(2)
    desk.next_answer(POLL, answer)
    world.cycle()
    desk.calls.clear()
    return desk, incident


@pytest.mark.parametrize("answer", [LIMIT, SKIP])
def test_edits_comments_and_closes_go_out_while_the_polls_wait(world: World, answer: Answer) -> None:
    """The outgoing phase runs after an incoming one that was refused or skipped."""
    desk, incident = waiting(world, answer=answer)
    world.edit(incident, details="changed here")
    world.say(incident, "said here")
    world.work()
    world.shut(incident)
    world.work()
    assert {call.name for call in desk.calls} == {PUSH}
    assert described(desk) == ["changed here"]
    assert [ticket.texts for ticket in desk.tickets.values()] == [["said here"]]
    assert [ticket.closed for ticket in desk.tickets.values()] == [True]


def test_nothing_is_asked_until_the_next_cycle(world: World) -> None:
    """MIR-064: no pull, no poll, no fetch."""
    desk, incident = waiting(world)
    desk.change(next(iter(desk.tickets)), description="changed there")
    world.work()
    assert desk.calls == []
    world.cycle()
    assert world.get(incident, "details") == "changed there"


def test_a_pull_that_is_refused_stops_the_pulls_but_not_the_pushes(world: World) -> None:
    """The limit is met at a pull: the incident that met it is first at the next cycle, and what it has to send goes out."""
    desk = world.instance()
    first, second = (world.mirror(desk.ticket()) for _ in range(2))
    world.cycle(2)
    for ticket in desk.tickets:
        desk.change(ticket, description="changed there")
    desk.next_answer(PULL, LIMIT)
    world.edit(second, severity=4)
    world.clock.turn(world.interval_s)
    desk.calls.clear()
    world.work()
    assert [call.name for call in desk.calls if call.name != POLL] == [PULL, PUSH]
    assert world.get(first, "details") != "changed there"
    world.cycle()
    assert [world.get(i, "details") for i in (first, second)] == ["changed there"] * 2
    assert [ticket.fields["severity"] for ticket in desk.tickets.values()][1] == 4


def test_a_pull_that_was_put_off_is_not_forgotten(world: World) -> None:
    """The remote was named, then asking had to wait, then a person's edit went out: the pull still comes."""
    desk = world.instance()
    incident = world.mirror(desk.ticket())
    world.cycle(2)
    [ticket] = desk.tickets
    desk.change(ticket, description="changed there")
    desk.next_answer(PULL, LIMIT)
    world.cycle()
    world.edit(incident, severity=4)
    world.work()
    assert desk.tickets[ticket].fields["severity"] == 4
    assert world.get(incident, "details") != "changed there"
    desk.next_answer(POLL, error("skip update"))
    world.cycle()
    world.cycle()
    assert world.get(incident, "details") == "changed there"


def test_an_entry_of_unknown_outcome_waits_for_the_pull_that_tells(world: World) -> None:
    """Rule 7: it is not sent again before somebody looked."""
    desk, incident = waiting(world)
    desk.loses_answer(PUSH)
    world.say(incident, "said once")
    world.work()
    world.say(incident, "said later")
    world.clock.turn(40)
    world.work()
    assert [ticket.texts for ticket in desk.tickets.values()] == [["said once"]]
    world.cycle(3)
    assert [ticket.texts for ticket in desk.tickets.values()] == [["said once", "said later"]]


def test_a_limit_for_writes_stops_everything_until_the_next_cycle(world: World) -> None:
    """§2.7: the outgoing phase ends at its own first rate limit; the one that met it is first again."""
    desk = world.instance()
    first, second = (world.mirror(desk.ticket()) for _ in range(2))
    world.cycle(2)
    desk.next_answer(PUSH, LIMIT)
    for incident in (first, second):
        world.edit(incident, details="changed here")
    desk.calls.clear()
    world.work()
    assert [call.name for call in desk.calls] == [PUSH]
    world.cycle()
    assert described(desk) == ["changed here"] * 2


def test_a_note_that_came_in_is_not_lost_when_the_limit_is_met_after_it(world: World) -> None:
    """What the pulls before the limit brought is written."""
    desk = world.instance()
    incident = world.mirror(desk.ticket())
    world.cycle(2)
    [ticket] = desk.tickets
    desk.comment(ticket, "said there")
    desk.next_answer(PULL, desk.play, LIMIT)
    world.cycle(2)
    assert world.texts(incident, came_in=True) == ["said there"]
