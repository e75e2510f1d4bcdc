"""What is mirrored at all, and when a cycle comes.   MIR-001…019."""

from __future__ import annotations

import pytest

from casemirror.actions import instances, mirror
from casemirror.model.values import parse_time
from support.desk import FETCH, POLL, PULL, PUSH
from support.world import ANALYST, World


def test_a_cycle_polls_an_instance_once(world: World) -> None:
    """MIR-001, MIR-016 (the integration declares none of the commands)."""
    desk = world.instance()
    world.mirror(desk.ticket())
    before = len(desk.asked(POLL))
    world.cycle()
    assert len(desk.asked(POLL)) == before + 1


@pytest.mark.parametrize(
    ("settings", "seconds"),
    [
        ({}, 60),
        ({"sync__mirror__job__delay": 5}, 300),
        ({"sync__mirror__job__delay": 5, "sync__mirror__job__delayAdvanced": 7}, 7),
    ],
)
def test_the_interval_is_as_set(world: World, settings: dict[str, int], seconds: int) -> None:
    """MIR-002, MIR-003, MIR-004: start to start."""
    world.set(**settings)
    desk = world.instance()
    world.mirror(desk.ticket())
    for _ in range(3 * seconds):
        world.clock.turn(1)
        world.work()
    times = [call.at for call in desk.calls if call.name == POLL]
    assert {(b - a).total_seconds() for a, b in zip(times, times[1:], strict=False)} == {seconds}


def test_a_stopped_job_mirrors_nothing_and_fetches_on(world: World) -> None:
    """MIR-005, MIR-006: it goes on at run time, without a restart."""
    desk = world.instance(fetches=True)
    incident = world.mirror(desk.ticket())
    world.set(sync__mirror__job__enable="false")
    number = len(desk.calls)
    world.edit(incident, details="here")
    desk.change(world.link(incident).remote_id, state="working")
    world.cycle(3)
    assert set(desk.since(number)) == {FETCH}
    world.set(sync__mirror__job__enable="true")
    world.cycle()
    assert world.get(incident, "deskstate") == "working"
    assert desk.tickets["T1"].fields["description"] == "here"


def test_a_long_cycle_delays_nobody_else_and_skipped_ticks_are_counted(world: World) -> None:
    """MIR-007."""
    slow, quick = world.instance("slow"), world.instance("quick")
    world.mirror(slow.ticket(), instance="slow")
    world.mirror(quick.ticket(), instance="quick")
    world.cycle()
    other = world.other()

    def the_others_turn() -> None:
        for _ in range(2):
            world.clock.turn(60)
            world.drain("quick", other)
            world.beat()
            assert world.drain("slow", other) == 0
        world.clock.turn(60)

    slow.during(POLL, the_others_turn)
    polls, others = len(slow.asked(POLL)), len(quick.asked(POLL))
    world.clock.turn(60)
    world.drain("slow")
    assert len(quick.asked(POLL)) == others + 2
    world.work("slow")
    times = [call.at for call in slow.calls if call.name == POLL][polls:]
    assert [(b - a).total_seconds() for a, b in zip(times, times[1:], strict=False)] == [180]
    assert world.lane("slow").skipped_cycles == 2


def test_an_outgoing_incident_is_never_pulled(world: World) -> None:
    """MIR-008."""
    desk = world.instance()
    ticket = desk.ticket()
    incident = world.mirror(ticket, direction="Out")
    desk.change(ticket.id, state="working")
    desk.comment(ticket.id, "hello?")
    world.cycle(3)
    assert desk.pulled() == []
    assert world.get(incident, "deskstate") == "new"
    assert world.texts(incident) == []


def test_an_incoming_incident_is_never_pushed(world: World) -> None:
    """MIR-009."""
    desk = world.instance()
    ticket = desk.ticket()
    incident = world.mirror(ticket, direction="In")
    world.edit(incident, details="only here")
    world.say(incident, "only here")
    world.shut(incident)
    world.cycle(3)
    assert desk.asked(PUSH) == []
    assert "description" not in ticket.fields
    assert not ticket.closed


def test_what_comes_in_is_taken_before_ours_goes_out(world: World) -> None:
    """MIR-010; the link was not looked at for longer than `mirror.push.freshness`."""
    desk = world.instance()
    ticket = desk.ticket()
    incident = world.mirror(ticket)
    world.cycle(2)
    number = len(desk.calls)
    desk.change(ticket.id, state="working")
    world.edit(incident, details="ours")
    world.cycle()
    assert [name for name in desk.since(number) if name != POLL][:2] == [PULL, PUSH]
    assert world.get(incident, "deskstate") == "working"
    assert ticket.fields == {**ticket.fields, "state": "working", "description": "ours"}


@pytest.mark.parametrize("direction", ["", "None", "sideways"])
def test_an_incident_without_direction_is_in_no_mirror(world: World, direction: str) -> None:
    """MIR-011."""
    desk = world.instance()
    ticket = desk.ticket()
    incident = world.mirror(ticket, direction=direction)
    desk.change(ticket.id, state="working")
    world.edit(incident, details="ours")
    world.cycle(2)
    assert desk.calls == []
    assert world.get(incident, "deskstate") == "new"


@pytest.mark.parametrize("direction", ["both", "BOTH", "Both"])
def test_a_direction_is_read_in_any_case(world: World, direction: str) -> None:
    """MIR-012."""
    desk = world.instance()
    ticket = desk.ticket()
    incident = world.mirror(ticket, direction=direction)
    desk.change(ticket.id, state="working")
    world.edit(incident, details="ours")
    world.cycle(2)
    assert world.get(incident, "deskstate") == "working"
    assert ticket.fields["description"] == "ours"


def test_an_instance_that_does_not_fetch_still_mirrors(world: World) -> None:
    """MIR-013."""
    desk = world.instance(fetches=False)
    ticket = desk.ticket()
    incident = world.create()
    world.connect(incident, remote_id=ticket.id)
    world.cycle()
    assert desk.asked(FETCH) == []
    assert world.get(incident, "deskstate") == "new"


def test_a_disabled_instance_does_nothing_and_then_covers_the_gap(world: World) -> None:
    """MIR-014."""
    desk = world.instance()
    ticket = desk.ticket()
    incident = world.mirror(ticket)
    world.cycle(2)
    cursor = world.lane().cursor_at
    assert cursor is not None
    instances.disable(world.app, ANALYST, "desk")
    number = len(desk.calls)
    desk.change(ticket.id, state="working")
    world.cycle(5)
    assert desk.since(number) == []
    instances.enable(world.app, ANALYST, "desk")
    world.cycle()
    first = next(call for call in desk.calls[number:] if call.name == POLL)
    assert (cursor - parse_time(first.args["lastUpdate"])).total_seconds() == 60
    assert world.get(incident, "deskstate") == "working"


def test_an_incident_of_an_unknown_instance_is_an_orphan_and_no_error_loop(world: World) -> None:
    """MIR-015; an instance that gets the name later takes it over."""
    desk = world.instance()
    ticket = desk.ticket()
    incident = world.mirror(ticket, instance="gone", settle=False)
    world.cycle(3)
    assert desk.calls == []
    assert [row["state"] for row in mirror.records(world.app, ANALYST)] == ["orphan"]
    gone = world.instance("gone")
    gone.tickets[ticket.id] = ticket
    ticket.fields["state"] = "working"
    world.cycle()
    assert world.get(incident, "deskstate") == "working"


def test_without_the_ability_to_mirror_out_nothing_goes_out(world: World) -> None:
    """MIR-017."""
    desk = world.instance(integration="Desk In")
    ticket = desk.ticket()
    incident = world.mirror(ticket)
    world.edit(incident, details="ours")
    world.say(incident, "ours")
    world.cycle(3)
    assert desk.asked(PUSH) == []
    assert world.get(incident, "outgoingmirrorerror") is None
    assert world.link(incident).tries == 0


def test_without_the_ability_to_mirror_in_nothing_comes_in(world: World) -> None:
    """MIR-017, MIR-214: the other way round."""
    desk = world.instance(integration="Desk Out")
    ticket = desk.ticket()
    incident = world.mirror(ticket)
    desk.change(ticket.id, state="working")
    world.edit(incident, details="ours")
    world.cycle(3)
    assert desk.asked(POLL) == []
    assert desk.asked(PULL) == []
    assert ticket.fields["description"] == "ours"
    assert world.get(incident, "deskstate") == "new"


@pytest.mark.parametrize(("probe", "polls"), [("false", 0), ("true", 2)])
def test_an_instance_without_incoming_incidents_is_polled_only_on_demand(world: World, probe: str, polls: int) -> None:
    """MIR-018."""
    world.set(mirror__probe__empty=probe)
    desk = world.instance()
    world.mirror(desk.ticket(), direction="Out", settle=False)
    world.cycle(2)
    assert len(desk.asked(POLL)) == polls


def test_of_two_processes_one_runs_a_cycle(world: World) -> None:
    """MIR-019: while one worker has the lane the other one gets nothing, and afterwards nothing is due."""
    desk = world.instance()
    ticket = desk.ticket()
    world.mirror(ticket)
    other = world.other()
    done: list[int] = []

    def the_others_turn() -> None:
        world.beat(other)
        done.append(world.turn(app=other))

    world.clock.turn(60)
    world.beat()
    for command in (POLL, PULL):
        desk.during(command, the_others_turn)
    desk.change(ticket.id, state="working")
    polls = len(desk.asked(POLL))
    world.turn()
    assert done == [0, 0]
    assert world.drain(app=other) == 0
    assert len(desk.asked(POLL)) == polls + 1
