"""The timeline of an incident has everything, in order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from casemirror.actions import timeline
from casemirror.model.errors import Invalid, NotFound
from casemirror.model.ids import IncidentId
from support.desk import PUSH, Remote, error
from support.world import ANALYST, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


@pytest.fixture
def desk(world: World) -> Remote:
    return world.instance()


def test_everything_that_happened_is_told_in_order(world: World, desk: Remote) -> None:
    """Issue: timeline."""
    incident = world.mirror(desk.ticket(state="new", severity=1))
    world.cycle(2)
    desk.change("T1", severity=3)
    world.cycle()
    world.edit(incident, desknote="ours")
    world.say(incident, "foam is on its way")
    world.cycle()
    desk.comment("T1", "from there")
    world.cycle()
    world.shut(incident)
    world.clock.turn(1)
    world.reopen(incident)
    world.clock.turn(1)
    world.edit(incident, dbotMirrorTags="work_notes")
    events = timeline.of_incident(world.app, ANALYST, incident)
    told = [(e.kind, e.who, e.text) for e in events]
    assert [e.at for e in events] == sorted(e.at for e in events)
    assert told[0] == ("created", "desk", "created the incident, type Desk Ticket")
    assert told[1] == ("link", "desk", "mirrored with T1, direction Both")
    for expected in (
        ("pulled", "desk", "severity: 1 → 3"),
        ("edited", "bob", 'desknote: empty → "ours"'),
        ("pushed", "desk", 'desknote: our "ours" is to be sent, agreed before empty'),
        ("entry", "bob", "1@1: foam is on its way"),
        ("entry out", "desk", "1@1 arrived there"),
        ("entry in", "desk", "2@1: from there"),
        ("closed", "bob", 'incident closed: reason "Resolved"'),
        ("reopened", "bob", "incident reopened"),
        ("edited", "bob", 'dbotMirrorTags: → "work_notes"'),
    ):
        assert expected in told
    newest = timeline.of_incident(world.app, ANALYST, incident, limit=2)
    assert [e.text for e in newest] == [e.text for e in events[-2:]]


def test_errors_holds_and_conflicts_are_told(world: World, desk: Remote) -> None:
    """What stands in the way now comes last."""
    incident = world.mirror(desk.ticket(state="new"))
    world.cycle(3)
    world.set(mirror__conflict="ask")
    world.edit(incident, deskstate="ours", desknote="x")
    desk.change("T1", state="theirs")
    desk.next_answer(PUSH, error("no such column"))
    world.cycle()
    events = timeline.of_incident(world.app, ANALYST, incident)
    assert events[-1].kind == "error" and "no such column" in events[-1].text
    assert 'deskstate waits for a person: there "theirs"' in [e.text for e in events if e.kind == "conflict"]


def test_what_is_not_there_is_refused(world: World, desk: Remote) -> None:
    """Exit code 2."""
    with pytest.raises(NotFound):
        timeline.of_incident(world.app, ANALYST, IncidentId(9))
    with pytest.raises(Invalid):
        timeline.of_incident(world.app, ANALYST, IncidentId(9), limit=0)
