"""A budget of requests: lanes wait when it is spent, changes made here go first, and a refusal teaches it."""

from __future__ import annotations

from dataclasses import replace

from casemirror.actions import budgets
from casemirror.engine import budgeting
from casemirror.model.ids import IncidentId
from casemirror.runtime.command import Command, Reply
from support.desk import PULL, PUSH, Remote, error
from support.world import ANALYST, World


def costly(world: World, count: int = 1, *, requests: int = 1, name: str = "desk") -> tuple[Remote, list[IncidentId]]:
    """An instance whose commands make so many requests each, with incidents that agree."""
    desk = world.instance(name)
    made = [world.mirror(desk.ticket(), instance=name, settle=False) for _ in range(count)]
    world.work()
    world.cycle(3)
    play = desk.play

    def counted(command: Command) -> Reply:
        return replace(play(command), requests=requests)

    desk.play = counted  # type: ignore[method-assign]
    desk.calls.clear()
    return desk, made


def used(world: World, name: str = "desk") -> int:
    [found] = [s for s in budgets.list_all(world.app, ANALYST) if s.instance.name == name]
    return found.used


def test_pulls_wait_for_the_budget_and_go_on_where_they_stopped(world: World) -> None:
    """Eight of ten are for asking: a poll and seven pulls; the rest in the next window, and none twice."""
    desk, made = costly(world, 12)
    budgets.put(world.app, ANALYST, "desk", 10, 60)
    for ticket in desk.tickets:
        desk.change(ticket, description="changed there")
    world.cycle()
    assert desk.pulled() == list(desk.tickets)[:7]
    assert "8 of 10 requests in 60 s are used" in world.lane().in_not_before_reason
    world.clock.turn(66)
    world.work()
    world.clock.turn(66)
    world.work()
    assert [world.get(incident, "details") for incident in made] == ["changed there"] * 12
    assert set(desk.pulled()[:12]) == set(desk.tickets)


def test_a_persons_edit_goes_out_although_asking_must_wait(world: World) -> None:
    desk, made = costly(world, 12)
    budgets.put(world.app, ANALYST, "desk", 10, 60)
    for ticket in desk.tickets:
        desk.change(ticket, description="changed there")
    world.cycle()
    desk.calls.clear()
    world.edit(made[11], severity=4)
    world.edit(made[10], severity=4)
    world.edit(made[9], severity=4)
    world.work()
    assert [call.name for call in desk.calls] == [PUSH, PUSH], "two of ten were kept for them"
    assert "10 of 10" in world.lane().not_before_reason
    world.clock.turn(66)
    world.work()
    assert [t.fields["severity"] for t in desk.tickets.values()][9:] == [4, 4, 4]


def test_a_refusal_teaches_the_limit(world: World) -> None:
    """Ten requests, then "API rate limit": from then on there are nine, seven of them for asking."""
    desk, _ = costly(world, 12)
    for ticket in desk.tickets:
        desk.change(ticket, description="changed there")
    desk.next_answer(PULL, *[desk.play] * 9, error("API rate limit exceeded"))
    world.cycle()
    [found] = budgets.list_all(world.app, ANALYST)
    assert (found.used, found.limit, found.budget.hits) == (10, 9, 1)
    assert found.worst_s is not None
    assert found.worst_s > world.interval_s


def test_learning_can_be_switched_off(world: World) -> None:
    world.set(mirror__budget__learn="false")
    desk, _ = costly(world, 2)
    desk.change("T1", description="changed there")
    desk.next_answer(PULL, error("API rate limit exceeded"))
    world.cycle()
    [found] = budgets.list_all(world.app, ANALYST)
    assert (found.limit, found.budget.hits) == (None, 0)


def test_two_instances_with_one_credential_share_it(world: World) -> None:
    """What one of them uses the other one lacks; a raised limit works at once."""
    one, _ = costly(world, 4, requests=2)
    two, made = costly(world, 4, requests=2, name="other")
    for desk in (one, two):
        desk.change("T1", description="changed there")
    world.cycle()
    assert budgets.list_all(world.app, ANALYST)[0].budget.shared == ("other",)
    assert used(world) == used(world, "other") > 0
    world.clock.turn(120)
    world.work()
    budgets.put(world.app, ANALYST, "desk", 5, 60)
    two.change("T2", description="changed there")
    world.cycle()
    assert not world.lane("other").may_ask(world.clock.now())
    budgets.put(world.app, ANALYST, "desk", 0, 60)
    assert world.lane("other").may_ask(world.clock.now())
    world.cycle()
    assert world.get(made[1], "details") == "changed there"


def test_a_command_that_died_counts_as_one_request(world: World) -> None:
    desk, _ = costly(world)
    desk.next_answer(PULL, Reply(error="killed", requests=None))
    desk.change("T1", description="changed there")
    world.cycle()
    assert used(world) >= 2


def test_the_mark_of_a_credential_tells_neither_host_nor_secret(world: World) -> None:
    """It is the same for one host and secret, another one for another, and the instance itself when there is no secret."""
    world.instance()
    given = {"url": "https://snow.example.com/x", "password": "s3cret"}
    [found] = budgets.list_all(world.app, ANALYST)

    def mark(params: dict[str, str], secrets: dict[str, str]) -> str:
        return budgeting.credential(world.app, found.instance, params, secrets)

    one = mark(given, {"password": "s3cret"})
    assert one == mark({**given, "url": "https://SNOW.example.com/y"}, {"password": "s3cret"})
    assert one != mark({**given, "url": "https://other.example.com"}, {"password": "s3cret"})
    assert one != mark(given, {"password": "other"})
    assert not any(text in one for text in ("s3cret", "snow"))
    assert mark(given, {}) == found.instance.id
