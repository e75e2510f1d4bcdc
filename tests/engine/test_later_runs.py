"""Commands that poll: run again by the server, in the war room they were begun in.   csp-surface.md, ScheduledCommand."""

from __future__ import annotations

from typing import Any

import pytest

from casemirror.actions import commands, instances, laters
from casemirror.engine import later
from casemirror.model.entry import EntryKind
from casemirror.model.errors import Invalid, NotFound
from casemirror.model.ids import IncidentId
from casemirror.store import laters as store
from support.desk import Remote, error, said
from support.world import ANALYST, World, integration

SCAN: dict[str, Any] = {"name": "scan", "arguments": [{"name": "host", "default": True, "required": True}]}


@pytest.fixture
def desk(world: World) -> Remote:
    world.content("integration", integration("Scanner", commands=[SCAN, {"name": "scan-result"}]))
    return world.instance("scanner", "Scanner", mapper_in="", mapper_out="")


def scan(world: World, desk: Remote, **keys: Any) -> IncidentId:
    """An incident in which a scan was begun."""
    incident = world.create()
    desk.next_answer("scan", said(pending(**keys)))
    commands.run(world.app, ANALYST, "!scan db1", incident_id=incident)
    return incident


def pending(**keys: Any) -> dict[str, Any]:
    """An entry that asks to be asked again."""
    again = {"PollingCommand": "scan-result", "NextRun": "30", "PollingArgs": {"id": 7}, "Timeout": "100"}
    return {"Type": 1, "ContentsFormat": "text", "Contents": "scanning", **again, **keys}


def done(**keys: Any) -> dict[str, Any]:
    outputs = {"Scan(val.ID && val.ID == obj.ID)": {"ID": 7, "Found": 3}}
    return {"Type": 1, "ContentsFormat": "text", "Contents": "found 3", "EntryContext": outputs, **keys}


def run_due(world: World) -> int:
    """A server runs what is due; returns how many commands that were."""
    with world.store.read() as tx:
        found = store.due(tx, world.clock.now())
    for each in found:
        later.run(world.app, each)
    return len(found)


def waiting(world: World, incident: IncidentId) -> list[str]:
    return [each.command for each, _ in laters.list_all(world.app, ANALYST, incident)]


def test_it_runs_when_it_asked_to_with_what_it_asked_for(world: World, desk: Remote) -> None:
    incident = scan(world, desk)
    assert waiting(world, incident) == ["scan-result"]
    assert run_due(world) == 0
    world.clock.turn(30)
    desk.next_answer("scan-result", said(done()))
    assert run_due(world) == 1
    assert desk.asked("scan-result") == [{"id": 7}]
    assert world.texts(incident) == ["scanning", "found 3"]
    assert laters.context(world.app, ANALYST, incident, "Scan.Found") == 3
    assert waiting(world, incident) == []


def test_it_polls_until_it_is_over(world: World, desk: Remote) -> None:
    """Its own time limit counts from the beginning, whatever later answers say."""
    incident = scan(world, desk)
    for _ in range(2):
        world.clock.turn(30)
        desk.next_answer("scan-result", said(pending(Timeout="100000")))
        assert run_due(world) == 1
    world.clock.turn(30)
    desk.next_answer("scan-result", said(pending()))
    run_due(world)
    *_, last = world.said(incident)
    assert (last.kind, last.contents.startswith("scan-result did not come to an end by")) == (EntryKind.ERROR, True)
    assert waiting(world, incident) == []


def test_an_error_ends_it(world: World, desk: Remote) -> None:
    incident = scan(world, desk)
    world.clock.turn(30)
    desk.next_answer("scan-result", error("the scanner is on fire"))
    run_due(world)
    assert world.texts(incident)[-1] == "the scanner is on fire"
    assert waiting(world, incident) == []


def test_a_server_that_died_over_it_is_followed_by_another_one(world: World, desk: Remote) -> None:
    incident = scan(world, desk)
    world.clock.turn(30)
    with world.store.write() as tx:
        [mine] = store.due(tx, world.clock.now())
        assert store.take(tx, mine, world.clock.now() + (mine.ends_at - mine.due_at))
        assert not store.take(tx, mine, mine.ends_at), "one server has it"
    assert run_due(world) == 0
    world.clock.turn(100)
    desk.next_answer("scan-result", said(done()))
    assert run_due(world) == 1
    assert world.texts(incident)[-1] == "found 3"


def test_one_that_is_stopped_runs_no_more(world: World, desk: Remote) -> None:
    incident = scan(world, desk)
    [(each, name)] = laters.list_all(world.app, ANALYST)
    assert name == "scanner"
    laters.stop(world.app, ANALYST, each.id)
    world.clock.turn(60)
    assert run_due(world) == 0
    with pytest.raises(NotFound, match="no command"):
        laters.stop(world.app, ANALYST, each.id)
    assert waiting(world, incident) == []


def test_one_that_is_stopped_while_it_runs_asks_in_vain(world: World, desk: Remote) -> None:
    """What it answers is kept, and it is not run again."""
    incident = scan(world, desk)
    world.clock.turn(30)
    [(each, _)] = laters.list_all(world.app, ANALYST)

    def answer(command: Any) -> Any:
        laters.stop(world.app, ANALYST, each.id)
        return said(pending(Contents="still scanning"))

    desk.next_answer("scan-result", answer)
    run_due(world)
    assert world.texts(incident)[-1] == "still scanning"
    assert waiting(world, incident) == []


def test_a_disabled_instance_says_why(world: World, desk: Remote) -> None:
    incident = scan(world, desk)
    instances.disable(world.app, ANALYST, "scanner")
    world.clock.turn(30)
    run_due(world)
    assert world.texts(incident)[-1] == "scanner is disabled, so scan-result was not run again"


def test_outside_an_incident_whoever_began_it_asks_again(world: World, desk: Remote) -> None:
    desk.next_answer("scan", said(pending()))
    first = commands.run(world.app, ANALYST, "!scan db1")
    assert first.again is not None
    assert first.again.after_s == 30
    desk.next_answer("scan-result", said(done()))
    assert [entry.contents for entry in commands.run_again(world.app, ANALYST, first).entries] == ["found 3"]
    assert laters.list_all(world.app, ANALYST) == []


def test_a_wait_that_makes_no_sense_is_ten_seconds(world: World, desk: Remote) -> None:
    desk.next_answer("scan", said(pending(NextRun="soon", Timeout="never")))
    again = commands.run(world.app, ANALYST, "!scan db1").again
    assert again is not None
    assert (again.after_s, again.ends_after_s) == (10.0, 86_400.0)


@pytest.mark.parametrize("command", sorted(commands.NOT_HERE))
def test_what_is_not_run_here_is_refused(world: World, desk: Remote, command: str) -> None:
    with pytest.raises(Invalid, match=f"{command} is not run here"):
        commands.run(world.app, ANALYST, f"!{command}", using="scanner")
    assert desk.calls == []


def test_outputs_of_errors_are_not_kept_in_the_context(world: World, desk: Remote) -> None:
    incident = world.create()
    desk.next_answer("scan", said(done(Type=4)))
    commands.run(world.app, ANALYST, "!scan db1", incident_id=incident)
    assert laters.context(world.app, ANALYST, incident) == {}
    with pytest.raises(NotFound, match="it has nothing yet"):
        laters.context(world.app, ANALYST, incident, "Scan")
