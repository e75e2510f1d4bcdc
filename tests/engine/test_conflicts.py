"""Conflicts between both sides, by the methods that people choose; and the ones that wait for a person."""

from __future__ import annotations

from typing import Any

import pytest

from casemirror.actions import conflicts, policies
from casemirror.model.actor import Actor, Role
from casemirror.model.errors import Forbidden, Invalid, NotFound
from casemirror.model.ids import IncidentId
from support.desk import PULL, PUSH, Remote
from support.world import World

ADMIN = Actor("root", Role.ADMINISTRATOR)
ANALYST = Actor("ann", Role.ANALYST)


@pytest.fixture
def desk(world: World) -> Remote:
    return world.instance()


def in_conflict(world: World, desk: Remote, **ours: Any) -> IncidentId:
    """Both sides changed the state (or what is given) since they agreed."""
    incident = world.mirror(desk.ticket(state="new"))
    world.cycle(3)
    world.edit(incident, **(ours or {"deskstate": "ours"}))
    desk.change("T1", state="theirs")
    world.cycle()
    return incident


def test_a_conflict_waits_for_a_person_and_nothing_is_written(world: World, desk: Remote) -> None:
    """`ask`: neither side changes, however many cycles pass; everything else goes on."""
    world.set(mirror__conflict="ask")
    incident = in_conflict(world, desk)
    world.cycle(3)
    assert world.get(incident, "deskstate") == "ours"
    assert desk.tickets["T1"].fields["state"] == "theirs"
    [found] = conflicts.list_all(world.app, ANALYST)
    assert (found.field, found.local, found.conflict.remote, found.conflict.base) == (
        "deskstate",
        "ours",
        "theirs",
        "new",
    )
    assert [c.field for c in conflicts.list_all(world.app, ANALYST, incident)] == ["deskstate"]
    assert world.rules(incident, "deskstate").count("conflict-held") == 1
    assert world.dirty(incident) == ({"deskstate"}, set())
    world.edit(incident, desknote="goes out")
    world.cycle()
    assert desk.tickets["T1"].fields["note"] == "goes out"


@pytest.mark.parametrize(
    ("how", "value"),
    [({"winner": "local"}, "ours"), ({"winner": "remote"}, "theirs"), ({"value": "third"}, "third")],
)
def test_a_person_settles_it(world: World, desk: Remote, how: dict[str, Any], value: str) -> None:
    """Afterwards both sides say the same, and nothing is sent that the remote has already."""
    world.set(mirror__conflict="ask")
    incident = in_conflict(world, desk)
    pushes = len(desk.asked(PUSH))
    conflicts.resolve(world.app, ANALYST, incident, "Desk State", **how)
    world.cycle(3)
    assert world.get(incident, "deskstate") == value
    assert desk.tickets["T1"].fields["state"] == value
    assert conflicts.list_all(world.app, ANALYST) == []
    assert world.dirty(incident) == (set(), set())
    assert len(desk.asked(PUSH)) - pushes == (value != "theirs")


def test_the_same_answer_always(world: World, desk: Remote) -> None:
    """`--always`: from now on the side wins, for that field and that instance."""
    world.set(mirror__conflict="ask")
    incident = in_conflict(world, desk)
    conflicts.resolve(world.app, ANALYST, incident, "deskstate", winner="remote", always=True)
    world.cycle()
    world.edit(incident, deskstate="ours again")
    desk.change("T1", state="theirs again")
    world.cycle(2)
    assert world.get(incident, "deskstate") == "theirs again"
    [(choice, instance)] = policies.list_all(world.app, ANALYST)
    assert (choice.method, choice.field, instance) == ("remote", "deskstate", "desk")


def test_a_conflict_that_the_remote_takes_back_is_none(world: World, desk: Remote) -> None:
    world.set(mirror__conflict="ask")
    incident = in_conflict(world, desk)
    desk.change("T1", state="new")
    world.cycle(2)
    assert conflicts.list_all(world.app, ANALYST) == []
    assert desk.tickets["T1"].fields["state"] == "ours"
    assert world.get(incident, "deskstate") == "ours"


def test_a_field_has_a_method_of_its_own(world: World, desk: Remote) -> None:
    """Set for one field; the others follow the setting."""
    policies.put(world.app, ADMIN, "remote", field="Desk State", instance="desk")
    incident = in_conflict(world, desk)
    assert world.get(incident, "deskstate") == "theirs"
    assert desk.tickets["T1"].fields["state"] == "theirs"
    policies.remove(world.app, ADMIN, field="deskstate", instance="desk")
    world.edit(incident, deskstate="ours")
    desk.change("T1", state="theirs, newer")
    world.cycle()
    assert desk.tickets["T1"].fields["state"] == "ours"


def test_the_newer_change_wins(world: World, desk: Remote) -> None:
    """What changed here before the last pull is older than what the remote changed since."""
    world.set(mirror__conflict="newest")
    incident = in_conflict(world, desk)
    assert world.get(incident, "deskstate") == "ours"


def test_mistakes_are_named(world: World, desk: Remote) -> None:
    incident = in_conflict(world, desk)
    for how in ({}, {"winner": "both"}, {"winner": "local", "value": "x"}, {"value": "x", "always": True}):
        with pytest.raises(Invalid):
            conflicts.resolve(world.app, ANALYST, incident, "deskstate", **how)  # type: ignore[arg-type]
    with pytest.raises(NotFound, match="in no conflict with desk"):
        conflicts.resolve(world.app, ANALYST, incident, "deskstate", winner="local", instance="desk")
    with pytest.raises(Invalid, match="none of local, remote, newest"):
        policies.put(world.app, ADMIN, "best", field="deskstate")
    with pytest.raises(Invalid, match=r"mirror\.conflict"):
        policies.put(world.app, ADMIN, "ask")
    with pytest.raises(Invalid, match="no incident type"):
        policies.put(world.app, ADMIN, "ask", type="Nope")
    with pytest.raises(NotFound, match="exactly this"):
        policies.remove(world.app, ADMIN, field="deskstate")
    with pytest.raises(Forbidden):
        policies.put(world.app, ANALYST, "ask", field="deskstate")


@pytest.mark.parametrize("method", ["remote", "union", "append", "max", "ask", "newest"])
def test_a_change_that_nobody_saw_is_looked_at_before_it_is_pushed_over(world: World, method: str) -> None:
    """A push within `mirror.push.freshness` of the last pull is preceded by one all the same, unless ours wins anyway."""
    desk = world.instance()
    incident = world.mirror(desk.ticket(severity=1, description="before"))
    world.cycle(2)
    world.set(mirror__conflict=method)
    desk.change("T1", description="theirs")
    world.edit(incident, details="ours")
    desk.calls.clear()
    world.work()
    assert [call.name for call in desk.calls][:1] == [PULL]
    seen = str(world.get(incident, "details")), str(desk.tickets["T1"].fields["description"])
    if method == "remote":
        assert seen == ("theirs", "theirs")
    elif method == "append":
        assert all({"theirs", "ours"} <= set(text.split("\n")) for text in seen)
    elif method == "ask":
        assert seen == ("ours", "theirs")
        assert "details" in world.link(incident).conflicts
