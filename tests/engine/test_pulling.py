"""Which incidents are pulled, in which order, and from which time on.   MIR-053, MIR-083…094."""

from __future__ import annotations

from datetime import timedelta

import pytest

from casemirror.model.values import parse_time, time_text
from casemirror.runtime.command import Reply
from support.desk import POLL, PULL, died, error, note, raised, said, timed_out
from support.world import HOUR, MINUTE, NOON, World

LIMIT = error("API rate limit exceeded, 10 calls a minute")


def test_only_reported_incidents_are_pulled(world: World) -> None:
    """MIR-083: two of fifty."""
    desk = world.instance()
    for _ in range(50):
        world.mirror(desk.ticket(), settle=False)
    world.work()
    world.cycle(3)
    desk.calls.clear()
    desk.change("T7", state="working")
    desk.change("T31", state="working")
    world.cycle()
    assert desk.pulled() == ["T7", "T31"]


def test_after_a_rate_limit_the_next_cycle_goes_on_where_it_stopped(world: World) -> None:
    """MIR-084: the limited one first, then those behind it, then what was reported later."""
    world.set(mirror__overlap="0")
    desk = world.instance()
    made = [world.mirror(desk.ticket(), settle=False) for _ in range(4)]
    world.work()
    world.cycle(2)
    desk.calls.clear()
    for name in ("T2", "T3", "T4"):
        desk.change(name, state="working")
    desk.afterwards(PULL, lambda: desk.next_answer(PULL, LIMIT))
    world.cycle()
    assert desk.pulled() == ["T2", "T3"]
    assert [world.get(i, "deskstate") for i in made] == ["new", "working", "new", "new"]
    assert world.link(made[2]).rate_limited
    assert world.link(made[2]).tries == 0
    desk.change("T1", state="working")
    world.cycle()
    assert desk.pulled()[2:] == ["T3", "T4", "T1"]
    assert [world.get(i, "deskstate") for i in made] == ["working"] * 4
    assert not world.link(made[2]).rate_limited


def test_without_polls_too_a_rate_limit_resumes_where_it_stopped(world: World) -> None:
    """MIR-085: at the 20th of 50."""
    world.set(mirror__link__pull="false")
    desk = world.instance()
    for _ in range(50):
        world.mirror(desk.ticket(), settle=False)
    desk.next_answer(POLL, raised("NotImplementedError"))
    desk.next_answer(PULL, *(desk.play for _ in range(19)), LIMIT)
    world.work()
    assert desk.pulled() == [f"T{n}" for n in range(1, 21)]
    world.cycle()
    assert desk.pulled()[20] == "T20"
    assert desk.pulled()[20:51] == [f"T{n}" for n in range(20, 51)]


@pytest.mark.parametrize("answer", [error("no route to host"), raised("ValueError", "x"), died(), timed_out()])
def test_a_failing_incident_waits_alone(world: World, answer: Reply) -> None:
    """MIR-086: the others go on. Ours: tried again after 30 s, 60 s, …, then hourly, without end."""
    world.set(mirror__overlap="0")
    desk = world.instance()
    made = [world.mirror(desk.ticket(), settle=False) for _ in range(3)]
    world.work()
    world.cycle(2)
    for name in ("T1", "T2", "T3"):
        desk.change(name, state="working")
    desk.calls.clear()
    desk.during(PULL, lambda: desk.next_answer(PULL, desk.play, answer))
    world.cycle()
    assert desk.pulled() == ["T1", "T2", "T3"]
    assert [world.get(i, "deskstate") for i in made] == ["working", "new", "working"]
    assert world.link(made[1]).error_in
    assert world.link(made[1]).tries_in == 1
    world.cycle()
    assert desk.pulled()[3:] == ["T2"]
    assert world.get(made[1], "deskstate") == "working"
    assert world.link(made[1]).error_in == ""


def test_a_failing_incident_is_tried_less_and_less_often_and_never_given_up(world: World) -> None:
    """MIR-086, rule 9: 30 s · 2ⁿ, at most one hour."""
    world.set(mirror__overlap="0", mirror__reconcile="0")
    desk = world.instance()
    incident = world.mirror(desk.ticket())
    world.cycle(2)
    desk.next_answer(PULL, *([error("no")] * 12))
    desk.change("T1", state="working")
    number = len(desk.calls)
    world.cycle()
    while world.link(incident).tries:
        due = world.link(incident).due_at
        assert due is not None
        world.clock.turn((due - world.clock.now()).total_seconds())
        world.work()
    times = [call.at for call in desk.calls[number:] if call.name == PULL]
    waits = [(b - a).total_seconds() for a, b in zip(times, times[1:], strict=False)]
    assert waits[:7] == [30, 60, 120, 240, 480, 960, 1920]
    assert set(waits[7:]) == {HOUR}
    assert world.get(incident, "deskstate") == "working"


def test_a_pull_asks_from_the_start_of_the_last_one(world: World) -> None:
    """MIR-087, with `mirror.overlap=0`; otherwise the overlap is taken off."""
    world.set(mirror__overlap="0")
    desk = world.instance()
    desk.takes_s = 7.0
    incident = world.mirror(desk.ticket())
    world.cycle()
    desk.change("T1", state="working")
    world.cycle()
    *_, first, second = (call for call in desk.calls if call.name == PULL)
    assert second.args["lastUpdate"] == time_text(first.at)
    assert world.link(incident).last_sync_at == second.at


def test_a_pull_overlaps_the_last_one(world: World) -> None:
    """MIR-087 as we do it by default: a minute and the started one are read again."""
    desk = world.instance()
    world.mirror(desk.ticket())
    world.cycle(5)
    desk.change("T1", state="working")
    world.cycle()
    *_, first, second = (call for call in desk.calls if call.name == PULL)
    assert parse_time(second.args["lastUpdate"]) == first.at - timedelta(seconds=60)


@pytest.mark.parametrize("answer", [error("no"), LIMIT, died(), timed_out(), said("Ticket was not found.")])
def test_a_pull_that_brought_nothing_good_does_not_move_the_sync_time(world: World, answer: Reply) -> None:
    """MIR-088, MIR-053."""
    desk = world.instance()
    incident = world.mirror(desk.ticket())
    world.cycle(3)
    before = world.link(incident).last_sync_at
    desk.change("T1", state="working")
    desk.next_answer(PULL, answer)
    world.cycle()
    assert world.link(incident).last_sync_at == before


@pytest.mark.parametrize("answer", [said(), said(None), said([]), said([None])])
def test_nothing_new_is_a_good_pull(world: World, answer: Reply) -> None:
    """MIR-052."""
    desk = world.instance()
    incident = world.mirror(desk.ticket())
    world.cycle(3)
    version = world.incident(incident).version
    desk.change("T1")
    desk.next_answer(PULL, answer)
    world.cycle()
    assert world.link(incident).last_sync_at == world.clock.now()
    assert world.incident(incident).version == version


def test_a_text_instead_of_an_object_is_shown_until_there_is_one(world: World) -> None:
    """MIR-053: nothing is applied; the next good pull clears it."""
    desk = world.instance()
    incident = world.mirror(desk.ticket())
    world.cycle(3)
    desk.change("T1", state="working")
    desk.next_answer(PULL, said("Ticket was not found."))
    world.cycle()
    assert world.get(incident, "incomingmirrorerror") == "Ticket was not found."
    assert world.link(incident).error_in == "Ticket was not found."
    assert world.get(incident, "deskstate") == "new"
    assert world.texts(incident, came_in=True) == []
    assert world.dirty(incident) == (set(), set())
    desk.change("T1")
    world.cycle()
    assert not world.get(incident, "incomingmirrorerror")
    assert world.link(incident).error_in == ""
    assert world.get(incident, "deskstate") == "working"


def test_the_first_pull_of_a_fetched_incident_begins_where_the_ticket_did(world: World) -> None:
    """MIR-089: ours asks from its `occurred` time, so that what was said before the fetch comes, too; never year 0001."""
    desk = world.instance(fetches=True)
    desk.ticket()
    world.clock.turn(10 * MINUTE)
    desk.comment("T1", "said before it was fetched")
    world.clock.turn(10 * MINUTE)
    world.work()
    (incident,) = world.all()
    assert [args["lastUpdate"] for args in desk.asked(PULL)] == [time_text(NOON - timedelta(seconds=60))]
    assert world.texts(incident.id) == ["said before it was fetched"]


def test_a_linked_incident_is_pulled_once_from_the_beginning(world: World) -> None:
    """MIR-090: without being reported."""
    desk = world.instance()
    desk.ticket()
    desk.comment("T1", "long ago")
    world.clock.turn(100 * HOUR)
    incident = world.create()
    world.cycle(5)
    world.edit(incident, dbotMirrorId="T1", dbotMirrorInstance="desk", dbotMirrorDirection="Both")
    world.cycle(3)
    assert [args["lastUpdate"] for args in desk.asked(PULL)] == ["2000-01-01T00:00:00.000000Z"]
    assert world.texts(incident) == ["long ago"]
    assert world.get(incident, "deskstate") == "new"


def test_two_incidents_of_one_remote_object_both_follow_it(world: World) -> None:
    """MIR-091."""
    desk = world.instance()
    ticket = desk.ticket()
    made = [world.mirror(ticket), world.mirror(ticket)]
    world.cycle(3)
    desk.calls.clear()
    desk.change("T1", state="working")
    world.cycle()
    assert desk.pulled() == ["T1", "T1"]
    assert [world.get(i, "deskstate") for i in made] == ["working", "working"]


def test_without_get_remote_data_full_data_is_still_taken(world: World) -> None:
    """MIR-092: pulls stop for `mirror.reprobe`, then one is tried again."""
    world.set(mirror__overlap="0", mirror__reconcile="0")
    desk = world.instance()
    incident = world.mirror(desk.ticket())
    world.cycle(2)
    desk.change("T1", state="working")
    desk.next_answer(PULL, raised("NotImplementedError", "get-remote-data"))
    world.cycle()
    number = len(desk.asked(PULL))
    assert world.link(incident).tries == 0
    desk.change("T1", state="later")
    world.cycle(2)
    assert len(desk.asked(PULL)) == number
    told = note("", Contents={"state": "told"}, ContentsFormat="json", EntryContext={"mirrorRemoteId": "T1"})
    desk.next_answer(POLL, said([told]))
    world.cycle()
    assert world.get(incident, "deskstate") == "told"
    world.clock.turn(HOUR)
    desk.change("T1", state="at last")
    world.cycle()
    assert len(desk.asked(PULL)) == number + 1
    assert world.get(incident, "deskstate") == "at last"


def test_what_nobody_looked_at_for_long_is_pulled_behind_all_others(world: World) -> None:
    """MIR-093: at most 20 a cycle, closed ones last; heals what a poll lost."""
    desk = world.instance()
    made = [world.mirror(desk.ticket(), settle=False) for _ in range(25)]
    world.work()
    world.cycle(2)
    world.shut(made[0])
    world.cycle(3)
    desk.calls.clear()
    for ticket in desk.tickets.values():
        ticket.fields["state"] = "lost"
    world.clock.turn(24 * HOUR)
    desk.change("T25", state="lost")
    world.work()
    first = desk.pulled()
    assert first[0] == "T25"
    assert first[1:] == [f"T{n}" for n in range(2, 22)]
    world.cycle()
    assert set(desk.pulled()[len(first) :]) == {"T22", "T23", "T24", "T25", "T1"}
    assert {world.get(i, "deskstate") for i in made} == {"lost"}


def test_a_budget_caps_the_pulls_of_a_cycle(world: World) -> None:
    """MIR-094: 10, 10 and 5."""
    world.set(mirror__instance__budget="10", mirror__overlap="0")
    desk = world.instance()
    tickets = [desk.ticket() for _ in range(25)]
    world.clock.turn(61)
    for ticket in tickets:
        world.mirror(ticket, settle=False)
    counts = []
    for _ in range(3):
        before = len(desk.asked(PULL))
        world.work()
        counts.append(len(desk.asked(PULL)) - before)
        world.clock.turn(60)
    assert counts == [10, 10, 5]
