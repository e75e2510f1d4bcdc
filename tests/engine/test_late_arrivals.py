"""Changes that a remote tells late, pages that come full, silences that are too sudden: nothing is lost by them."""

from __future__ import annotations

from casemirror.actions import doctor
from casemirror.engine import paging
from casemirror.model.ids import IncidentId
from casemirror.model.values import parse_time
from support.desk import POLL, PULL, Remote
from support.world import ANALYST, HOUR, NOON, World


def linked(world: World, count: int = 1, *, tells: bool = True, **traits: object) -> tuple[Remote, list[IncidentId]]:
    """Incidents that agree, with polls that come whole so far."""
    desk = world.instance()
    desk.tells_change = tells
    made = [world.mirror(desk.ticket(), settle=False) for _ in range(count)]
    world.work()
    world.cycle(4)
    for name, value in traits.items():
        setattr(desk, name, value)
    desk.calls.clear()
    return desk, made


def asked_back_s(desk: Remote) -> float:
    """How far back the last poll asked, from its own start, seconds."""
    last = [call for call in desk.calls if call.name == POLL][-1]
    return (last.at - parse_time(last.args["lastUpdate"])).total_seconds()


def checks(world: World) -> dict[str, str]:
    """What `doctor` says of the instance, by name."""
    return {check.name: check.text for check in doctor.examine(world.app, ANALYST, "desk")}


def details(world: World, made: list[IncidentId]) -> list[object]:
    return [world.get(incident, "details") for incident in made]


def test_a_list_that_lags_within_the_overlap_makes_polls_ask_further_back(world: World) -> None:
    """The lag is measured on each change; the overlap becomes half as much again, so that the next one is not lost."""
    desk, made = linked(world, 1, lag_s=100.0)
    for number in range(3):
        world.clock.turn(10)
        desk.change("T1", description=f"change {number}")
        world.cycle(4)
        assert details(world, made) == [f"change {number}"]
    lane = world.lane()
    assert lane.late_count >= 1
    assert 0 < lane.late_s <= 120
    assert "late changes" in checks(world)
    assert asked_back_s(desk) == max(60.0, 1.5 * lane.late_s) + world.interval_s


def test_a_clock_that_is_behind_is_found_out_by_the_first_change_that_comes(world: World) -> None:
    """A remote whose clock is five minutes behind tells nothing in the overlap; a look at one object shows why."""
    desk, made = linked(world, 2, behind_s=300.0)
    desk.change("T1", description="first")
    world.cycle(2)
    assert details(world, made[:1]) != ["first"]
    world.edit(made[0], severity=3)
    world.clock.turn(2 * world.interval_s)
    world.work()
    assert details(world, made[:1]) == ["first"]
    for text in ("second", "third", "fourth"):
        desk.change("T1", description=text)
        desk.change("T2", description=text)
        world.cycle(2)
        world.edit(made[0], severity=1 + len(text) % 3)
        world.cycle()
    desk.change("T2", description="last")
    world.cycle(2)
    assert details(world, made[1:]) == ["last"]
    assert asked_back_s(desk) > 300


def test_a_remote_that_is_in_time_again_is_asked_as_before_after_a_day(world: World) -> None:
    desk, _ = linked(world, 1, lag_s=100.0)
    desk.change("T1", description="late")
    world.cycle(4)
    assert asked_back_s(desk) > 120
    desk.lag_s = 0.0
    world.clock.turn(25 * HOUR)
    world.cycle(2)
    assert asked_back_s(desk) == 120


def test_the_strict_imitation_learns_nothing(world: World) -> None:
    """`mirror.overlap` 0 asks from the last good poll's start, whatever was seen."""
    world.set(mirror__overlap=0)
    desk, _ = linked(world, 1)
    desk.lag_s = 30.0
    for number in range(3):
        desk.change("T1", description=f"{number}")
        world.edit(world.all()[0].id, severity=number + 1)
        world.cycle(2)
    assert asked_back_s(desk) == world.interval_s


def test_a_farther_look_is_bounded(world: World) -> None:
    """`mirror.overlap.max`."""
    world.set(mirror__overlap__max=90)
    desk, _ = linked(world, 1, lag_s=110.0)
    for number in range(3):
        desk.change("T1", description=f"{number}")
        world.cycle(4)
    assert asked_back_s(desk) == 90 + world.interval_s


def test_our_own_pushes_and_repeated_ids_are_not_late(world: World) -> None:
    """A change that is told again inside the overlap, or that is ours, measures nothing."""
    desk, made = linked(world, 1)
    desk.change("T1", description="in time")
    world.cycle(3)
    world.edit(made[0], details="ours")
    world.cycle(3)
    assert world.lane().late_count == 0


def test_a_full_page_is_followed_by_the_next_one_at_once(world: World) -> None:
    """Fifty rows of 120: the cursor goes to the last row that was pulled, not to the time of the call."""
    desk, made = linked(world, 120, page=50)
    for number in range(120):
        world.clock.turn(5)
        desk.change(f"T{number + 1}", description="changed")
    world.cycle()
    assert details(world, made) == ["changed"] * 120
    pages = [call.at for call in desk.calls if call.name == POLL]
    assert len(set(pages)) < len(pages), "the next page is asked for in the same cycle"
    planned = world.lane().next_poll_at
    assert planned is not None
    assert (planned - world.clock.now()).total_seconds() <= world.interval_s


def test_a_page_of_changes_at_one_time_is_left_and_the_sweep_finds_the_rest(world: World) -> None:
    """All changed in one second, so no cursor leads to the next page; nor do objects that do not say when they changed."""
    desk, made = linked(world, 120, page=50, tells=False)
    for number in range(120):
        desk.change(f"T{number + 1}", description="changed")
    world.cycle(1)
    assert details(world, made).count("changed") < 120
    polls = [call.at for call in desk.calls if call.name == POLL]
    assert len(polls) <= 2, "the same page is not asked for again and again"
    assert checks(world)["backlog"].count("are still to be looked at") == 1
    world.cycle(8)
    assert details(world, made) == ["changed"] * 120
    world.cycle(3)
    assert world.lane().sweep_before is None
    desk.calls.clear()
    world.clock.turn(HOUR)
    world.cycle(2)
    assert [call.name for call in desk.calls if call.name == PULL] == []


def test_a_limit_of_the_instance_is_the_size_of_a_page(world: World) -> None:
    assert not paging.is_full(37, {"max_fetch": "40", "days": "37"})
    assert paging.is_full(40, {"max_fetch": "40"})
    assert paging.is_full(40, {"fetchLimit": 40})
    assert paging.is_full(100, {})
    assert not paging.is_full(5, {"max_fetch": "5"})


def test_a_sudden_silence_is_not_believed_at_once(world: World) -> None:
    """Rule 10: after many ids none at all: the cursor stays and the same is asked again, three times."""
    desk, made = linked(world, 20)
    for number in range(4):
        for ticket in desk.tickets:
            desk.change(ticket, description=f"{number}")
        world.cycle()
    for ticket in desk.tickets:
        desk.change(ticket, description="while it was dumb")
    hidden, desk.tickets = desk.tickets, {}
    world.cycle(2)
    before = world.lane().cursor_at
    assert world.lane().silences == 2
    desk.tickets = hidden
    desk.calls.clear()
    world.cycle()
    assert details(world, made) == ["while it was dumb"] * 20
    after = world.lane()
    assert after.silences == 0
    assert before is not None and after.cursor_at is not None
    assert after.cursor_at > before


def test_a_silence_that_lasts_is_believed_and_everything_is_looked_at_once(world: World) -> None:
    desk, made = linked(world, 12)
    for number in range(4):
        for ticket in desk.tickets:
            desk.change(ticket, description=f"{number}")
        world.cycle()
    world.clock.turn(300)
    world.cycle(4)
    assert world.lane().silences == 0
    believed_at = world.lane().sweep_before
    assert believed_at is not None
    assert all((world.link(incident).last_sync_at or NOON) >= believed_at for incident in made)
    world.cycle()
    assert world.lane().sweep_before is None


def test_pulls_that_bring_no_news_are_spread(world: World) -> None:
    """A wide overlap names a changed object at each poll inside it; it is pulled at once twice, then more and more rarely."""
    world.set(mirror__overlap=3600)
    desk, made = linked(world, 1)
    desk.change("T1", description="news")
    world.cycle(60)
    pulls = len(desk.pulled())
    assert 5 <= pulls <= 12
    assert details(world, made) == ["news"]
    desk.change("T1", description="more")
    waited = 0
    while details(world, made) != ["more"]:
        world.cycle()
        waited += 1
    assert 1 < waited <= 16, "a quarter of the overlap at most"
    desk.change("T1", description="most")
    world.cycle()
    assert details(world, made) == ["most"], "after news the next pull comes at once"


def test_an_edit_ends_the_wait_of_a_spread_pull(world: World) -> None:
    world.set(mirror__overlap=3600)
    desk, made = linked(world, 1)
    desk.change("T1", description="news")
    world.cycle(21)
    assert world.link(made[0]).due_at > world.clock.now()  # type: ignore[operator]
    world.edit(made[0], severity=3)
    world.work()
    assert desk.tickets["T1"].fields["severity"] == 3
