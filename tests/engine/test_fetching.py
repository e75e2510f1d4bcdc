"""New incidents out of fetch-incidents.   MIR-037…043, MIR-202, MIR-203."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from casemirror.content import items
from casemirror.content.catalog import Catalog
from casemirror.engine import timers
from casemirror.model.incident import Status
from casemirror.runtime.command import Reply
from support.desk import FETCH, PULL, PUSH, Remote, died, error, raised, said
from support.world import World


@pytest.fixture
def desk(world: World) -> Remote:
    return world.instance(fetches=True, classifier="desk-kinds")


def fetched(*found: dict[str, Any], **rest: Any) -> Reply:
    return Reply(incidents=found, **rest)


def test_what_is_fetched_is_created_mapped_and_linked(world: World, desk: Remote) -> None:
    """MIR-037, MIR-041, MIR-043: type, fields, mirror fields by the mapper; nothing is dirty, nothing goes back."""
    desk.ticket(title="printer on fire", state="new")
    world.cycle(3)
    (incident,) = world.all()
    assert (incident.type, incident.status, incident.name) == ("Desk Ticket", Status.ACTIVE, "printer on fire")
    assert incident.get("deskstate") == "new"
    link = world.link(incident.id)
    assert (link.remote_id, link.instance_name, link.direction, link.tags) == ("T1", "desk", "Both", ("comments",))
    assert world.dirty(incident.id) == (set(), set())
    assert desk.asked(PUSH) == []


def test_lastrun_comes_back(world: World, desk: Remote) -> None:
    """MIR-037, MIR-039: empty at first; the same ticket is not fetched twice."""
    desk.ticket()
    world.cycle(2)
    first, second, *_ = (call.command.last_run for call in desk.calls if call.name == FETCH)
    assert first == {}
    assert second
    assert len(world.all()) == 1


@pytest.mark.parametrize("ending", [raised("ValueError", "x"), error("no"), died()])
def test_a_failed_fetch_creates_nothing_and_keeps_lastrun(world: World, desk: Remote, ending: Reply) -> None:
    """MIR-038."""
    desk.next_answer(FETCH, replace(ending, incidents=({"name": "half"},), last_run={"at": "2030-01-01T00:00:00Z"}))
    world.work()
    assert world.all() == []
    assert world.lane().last_error
    desk.ticket()
    world.cycle()
    assert [i.name for i in world.all()] == ["printer on fire"]
    assert [call.command.last_run for call in desk.calls if call.name == FETCH] == [{}, {}]


def test_mirror_fields_at_top_level_count_without_a_mapper(world: World) -> None:
    """MIR-040."""
    desk = world.instance(fetches=True, mapper_in="")
    ticket = desk.ticket()
    top = {
        "dbotMirrorId": ticket.id,
        "dbotMirrorInstance": "desk",
        "dbotMirrorDirection": "Out",
        "dbotMirrorTags": ["a"],
    }
    desk.next_answer(FETCH, fetched({"name": "x", **top}))
    world.work()
    (incident,) = world.all()
    link = world.link(incident.id)
    assert (link.remote_id, link.instance_name, link.direction, link.tags) == ("T1", "desk", "Out", ("a",))


def test_incidents_may_come_as_json_text(world: World, desk: Remote) -> None:
    """MIR-042."""
    found = [{"name": "one"}, {"name": "two"}]
    desk.next_answer(FETCH, said({"Type": 1, "ContentsFormat": "json", "Contents": json.dumps(found)}))
    world.work()
    assert [i.name for i in world.all()] == ["one", "two"]


def test_a_ticket_that_is_mirrored_already_is_not_fetched_again(world: World, desk: Remote) -> None:
    """A fetch that overlaps itself doubles nothing."""
    desk.ticket()
    desk.next_answer(FETCH, desk.play, lambda asked: Reply(incidents=desk.play(asked).incidents))
    world.cycle(2)
    again = desk.play(next(call.command for call in desk.calls if call.name == FETCH))
    desk.next_answer(FETCH, Reply(incidents=again.incidents))
    world.cycle(2)
    assert len(world.all()) == 1


def test_what_was_said_before_the_fetch_and_between_it_and_the_first_pull_comes(world: World, desk: Remote) -> None:
    """`mirror.link.pull`: a fetched incident is pulled once at its birth; nothing falls between."""
    desk.ticket()
    desk.comment("T1", "before")
    desk.afterwards(FETCH, lambda: desk.comment("T1", "between"))
    desk.afterwards(FETCH, lambda: desk.change("T1", state="working"))
    world.cycle()
    world.cycle()
    (incident,) = world.all()
    assert world.texts(incident.id) == ["before", "between"]
    assert world.get(incident.id, "deskstate") == desk.tickets["T1"].fields["state"]


def test_a_change_between_fetch_and_creation_is_not_lost_without_that_pull(world: World, desk: Remote) -> None:
    """MIR-076 at a fetch: a poll reports the ticket before the incident is there."""
    world.set(mirror__link__pull="false", mirror__overlap="0", mirror__probe__empty="true")
    world.cycle()
    ticket = desk.ticket()
    desk.afterwards(FETCH, lambda: desk.change(ticket.id, state="working"))
    world.cycle(3)
    (incident,) = world.all()
    assert incident.get("deskstate") == "working"


def test_mirror_commands_see_the_fetch_state_and_may_set_it(world: World, desk: Remote) -> None:
    """MIR-202, MIR-203: XSOAR keeps one for each instance."""
    desk.ticket()
    world.cycle()
    known = [call.command.last_run for call in desk.calls if call.name == FETCH][-1]
    desk.change("T1")
    desk.next_answer(PULL, said([{"id": "T1"}], last_run={"at": "2030-01-01T00:00:00Z"}))
    world.cycle()
    pull = [call.command for call in desk.calls if call.name == PULL][-1]
    assert pull.last_run.keys() == {"at"}
    assert known is not None
    world.cycle()
    assert [call.command.last_run for call in desk.calls if call.name == FETCH][-1] == {"at": "2030-01-01T00:00:00Z"}


def test_timers_of_the_type_are_there_from_the_beginning() -> None:
    """content.md §5.2: idle, with the SLA of the field; a mapped part counts."""
    catalog = Catalog.of(
        items.make("incidentfield", {"name": name, "cliName": name.lower(), "type": "timer", "sla": 20, **shown})
        for name, shown in [("Mine", {"associatedTypes": ["T"]}), ("All", {"associatedToAll": True}), ("Other", {})]
    )
    found = timers.begun({"mine": {"dueDate": "2026-01-01T00:00:00Z"}, "name": "x"}, "T", catalog)
    assert found.keys() == {"mine", "all", "name"}
    assert found["all"] == {**timers.IDLE, "sla": 20}
    assert found["mine"] == {**timers.IDLE, "sla": 20, "dueDate": "2026-01-01T00:00:00Z"}
    assert timers.begun({"other": "broken"}, "T", catalog)["other"] == {**timers.IDLE, "sla": 20}
