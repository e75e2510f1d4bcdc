"""What is dirty, when it goes out, and in which form.   MIR-021…025, MIR-137…161."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from casemirror.model.ids import IncidentId
from support.desk import POLL, PULL, PUSH, Remote, died, error, raised
from support.world import HOUR, World

LIMIT = error("API rate limit")


@pytest.fixture
def desk(world: World) -> Remote:
    return world.instance()


def both(world: World, desk: Remote, **rest: Any) -> IncidentId:
    incident = world.mirror(desk.ticket(), **rest)
    world.cycle(3)
    return incident


def there(desk: Remote, name: str, ticket: str = "T1") -> Any:
    return desk.tickets[ticket].fields.get(name)


@pytest.mark.parametrize("direction", ["Both", "Out"])
def test_an_edit_is_dirty_until_it_was_pushed(world: World, desk: Remote, direction: str) -> None:
    """MIR-137, MIR-138 (whoever edits), MIR-142, MIR-143."""
    incident = both(world, desk, direction=direction)
    world.edit(incident, deskstate="working")
    assert world.dirty(incident) == ({"deskstate"}, {"deskstate"})
    world.cycle()
    assert there(desk, "state") == "working"
    assert world.dirty(incident) == (set(), set())
    world.cycle(5)
    assert len(desk.asked(PUSH)) == 1


def test_a_save_that_changes_nothing_is_no_edit(world: World, desk: Remote) -> None:
    """MIR-139."""
    incident = both(world, desk)
    world.edit(incident, deskstate="new")
    assert world.dirty(incident) == (set(), set())
    world.cycle()
    assert desk.asked(PUSH) == []


def test_a_change_that_is_taken_back_is_none(world: World, desk: Remote) -> None:
    """MIR-140."""
    incident = both(world, desk)
    world.edit(incident, deskstate="working")
    world.edit(incident, deskstate="new")
    world.cycle()
    assert desk.asked(PUSH) == []
    assert world.dirty(incident) == (set(), set())


def test_edits_before_one_push_go_together(world: World, desk: Remote) -> None:
    """MIR-141."""
    incident = both(world, desk)
    world.edit(incident, deskstate="working")
    world.edit(incident, severity=3)
    world.edit(incident, details="more")
    world.cycle()
    assert [args["delta"] for args in desk.asked(PUSH)] == [{"state": "working", "severity": 3, "description": "more"}]


@pytest.mark.parametrize("answer", [error("field is read-only"), raised("ValueError", "x"), died()])
def test_a_failed_push_is_shown_and_repeated_with_what_is_true_then(world: World, desk: Remote, answer: Any) -> None:
    """MIR-144."""
    incident = both(world, desk)
    world.edit(incident, deskstate="working", details="first")
    desk.next_answer(PUSH, answer)
    world.work()
    assert world.get(incident, "outgoingmirrorerror")
    assert world.link(incident).error_out == world.get(incident, "outgoingmirrorerror")
    assert world.dirty(incident) == ({"deskstate", "details"}, {"deskstate", "details"})
    world.edit(incident, details="second")
    world.cycle()
    assert (there(desk, "state"), there(desk, "description")) == ("working", "second")
    assert not world.get(incident, "outgoingmirrorerror")
    assert world.link(incident).error_out == ""
    assert world.dirty(incident) == (set(), set())


def test_an_edit_while_a_push_runs_goes_out_by_the_next_one(world: World, desk: Remote) -> None:
    """MIR-145."""
    incident = both(world, desk)
    world.edit(incident, deskstate="working")
    seen: list[set[str]] = []

    def edit() -> None:
        world.edit(incident, deskstate="done")

    desk.during(PUSH, edit)
    desk.during(PUSH, lambda: seen.append(world.dirty(incident)[1]))
    world.cycle()
    assert seen == [{"deskstate"}]
    assert [args["delta"] for args in desk.asked(PUSH)] == [{"state": "working"}, {"state": "done"}]
    assert there(desk, "state") == world.get(incident, "deskstate") == "done"


def test_delta_has_the_change_and_data_everything_mapped(world: World, desk: Remote) -> None:
    """MIR-146, MIR-158 (an unset closing time is absent), MIR-024 (types)."""
    incident = both(world, desk)
    world.edit(incident, deskstate="working")
    world.cycle()
    (args,) = desk.asked(PUSH)
    assert args["delta"] == {"state": "working"}
    assert args["data"] == {"state": "working", "title": "printer on fire", "severity": 1}
    assert (args["remoteId"], args["incidentChanged"], args["status"], args["entries"]) == ("T1", True, 1, [])


def test_a_filter_sees_the_whole_incident(world: World, desk: Remote) -> None:
    """MIR-147: it asks for a field that did not change; the value in delta is the one in data."""
    incident = both(world, desk)
    world.edit(incident, desksection="second floor")
    world.cycle()
    (args,) = desk.asked(PUSH)
    assert args["delta"] == {"place": "second floor"}
    assert args["data"]["place"] == "second floor"


def test_a_field_that_the_mapper_lacks_causes_no_call(world: World, desk: Remote) -> None:
    """MIR-148."""
    incident = both(world, desk)
    world.edit(incident, deskextra="only here")
    assert world.dirty(incident) == ({"deskextra"}, set())
    world.cycle(2)
    assert desk.asked(PUSH) == []
    assert world.link(incident).wanted == world.link(incident).done


def test_without_a_mapper_delta_has_local_names_and_data_is_the_incident(world: World) -> None:
    """MIR-149: numbers stay numbers."""
    desk = world.instance(mapper_out="")
    incident = both(world, desk)
    world.edit(incident, severity=3, deskextra="x")
    world.cycle()
    (args,) = desk.asked(PUSH)
    assert args["delta"] == {"severity": 3, "deskextra": "x"}
    assert (args["data"]["id"], args["data"]["deskextra"], args["data"]["CustomFields"]["deskextra"]) == ("1", "x", "x")
    assert not {"dbotDirtyFields", "dbotCurrentDirtyFields", "dbotMirrorLastSync"} & args["data"].keys()


def test_an_owner_goes_out_under_its_name_and_so_does_none(world: World, desk: Remote) -> None:
    """MIR-150, MIR-151."""
    world.user("alice")
    incident = both(world, desk)
    world.edit(incident, owner="alice")
    world.cycle()
    world.edit(incident, owner="")
    world.cycle()
    assert [args["delta"] for args in desk.asked(PUSH)] == [{"owner": "alice"}, {"owner": ""}]


def test_the_mappers_value_covers_a_passed_through_one(world: World, desk: Remote) -> None:
    """MIR-152."""
    world.set(mirror__passthrough="owner, description")
    incident = both(world, desk)
    world.edit(incident, details="mapped")
    world.cycle()
    (args,) = desk.asked(PUSH)
    assert args["delta"] == {"description": "mapped"}


def test_an_emptied_field_is_sent_empty(world: World, desk: Remote) -> None:
    """mirroring.md §3.5.5."""
    incident = both(world, desk, details="text")
    desk.tickets["T1"].fields["description"] = "text"
    world.edit(incident, details="")
    world.cycle()
    assert there(desk, "description") == ""


def test_mirror_fields_are_in_no_delta(world: World, desk: Remote) -> None:
    """MIR-156."""
    incident = both(world, desk)
    world.edit(incident, dbotMirrorTags="comments, work", dbotMirrorDirection="Out")
    world.cycle(2)
    assert desk.asked(PUSH) == []
    assert world.link(incident).tags == ("comments", "work")
    assert world.dirty(incident) == (set(), set())


def test_a_due_date_set_by_hand_goes_out(world: World, desk: Remote) -> None:
    """MIR-157."""
    incident = both(world, desk, remediationsla={"runStatus": "running", "dueDate": "2026-02-01T00:00:00Z"})
    world.cycle(3)
    assert desk.asked(PUSH) == []
    world.edit(incident, remediationsla="2026-03-01T00:00:00Z")
    world.cycle()
    (args,) = desk.asked(PUSH)
    assert args["delta"].keys() == {"sla_due"}
    assert args["delta"]["sla_due"].startswith("2026-03-01T00:00:00")


def test_a_rate_limit_while_pushing_clears_nothing_and_the_same_one_is_first_again(world: World, desk: Remote) -> None:
    """MIR-159: the second of five."""
    made = [world.mirror(desk.ticket(), settle=False) for _ in range(5)]
    world.work()
    world.cycle(3)
    for incident in made:
        world.edit(incident, deskstate="working")
    desk.next_answer(PUSH, desk.play, LIMIT)
    world.cycle()
    assert [args["remoteId"] for args in desk.asked(PUSH)] == ["T1", "T2"]
    assert world.dirty(made[1]) == ({"deskstate"}, {"deskstate"})
    assert world.get(made[1], "outgoingmirrorerror") is None
    assert world.link(made[1]).tries == 0
    world.cycle()
    assert [args["remoteId"] for args in desk.asked(PUSH)][2:] == ["T2", "T3", "T4", "T5"]
    assert {there(desk, "state", f"T{n}") for n in range(1, 6)} == {"working"}


def test_a_failing_push_is_tried_less_often_and_at_once_after_an_edit(world: World, desk: Remote) -> None:
    """MIR-160; ours counts in seconds (30 · 2ⁿ, at most an hour), not in cycles."""
    world.set(mirror__reconcile="0")
    incident = both(world, desk, direction="Out")
    desk.next_answer(PUSH, *([error("no")] * 10))
    world.edit(incident, deskstate="working")
    world.work()
    for _ in range(8):
        due = world.link(incident).due_at
        assert due is not None
        world.clock.turn((due - world.clock.now()).total_seconds())
        world.work()
    times = [call.at for call in desk.calls if call.name == PUSH]
    waits = [(b - a).total_seconds() for a, b in zip(times, times[1:], strict=False)]
    assert waits == [30, 60, 120, 240, 480, 960, 1920, HOUR]
    world.edit(incident, details="newer")
    world.work()
    assert len(desk.asked(PUSH)) == 10
    assert world.link(incident).tries == 1
    world.edit(incident, details="newest")
    world.work()
    assert (there(desk, "state"), there(desk, "description")) == ("working", "newest")


def test_arguments_have_the_contracts_form_and_nothing_else(world: World, desk: Remote) -> None:
    """MIR-021…025, MIR-161."""
    incident = both(world, desk)
    desk.change("T1")

    def spoil() -> None:
        command = desk.calls[-1].command
        command.args["data"].clear()
        command.args["delta"]["deskstate"] = "spoilt"

    world.edit(incident, deskstate="working", details="x")
    desk.afterwards(PUSH, spoil)
    world.cycle(2)
    stamp = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
    for args in desk.asked(POLL):
        assert args.keys() == {"lastUpdate"}
        assert stamp.fullmatch(args["lastUpdate"])
    for args in desk.asked(PULL):
        assert (args.keys(), args["id"]) == ({"id", "lastUpdate"}, "T1")
        assert stamp.fullmatch(args["lastUpdate"])
    (args,) = desk.asked(PUSH)
    ours = {"casemirror"}
    assert args.keys() - ours == {"data", "entries", "incidentChanged", "remoteId", "status", "delta"}
    assert None not in args.values()
    assert "removeSLA" not in json.dumps(args)
    assert world.get(incident, "deskstate") == "working"
    assert world.dirty(incident) == (set(), set())
