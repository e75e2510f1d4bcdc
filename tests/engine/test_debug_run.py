"""`triggerDebugMirroringRun`: one incident at once, for real, with a log of every step.   MIR-191…194."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from casemirror.actions import commands, debugging
from casemirror.actions import instances as instance_actions
from casemirror.model.actor import Actor, Role
from casemirror.model.entry import EntryKind
from casemirror.model.errors import Forbidden, Invalid, NotFound
from casemirror.model.ids import IncidentId
from casemirror.runtime.command import Command, Reply
from casemirror.store import files
from support.desk import POLL, PULL, PUSH, Remote, error
from support.world import World

ADMIN = Actor("root", Role.ADMINISTRATOR)


@pytest.fixture
def desk(world: World) -> Remote:
    return world.instance()


def debug(world: World, incident: IncidentId) -> str:
    return debugging.run(world.app, ADMIN, incident)[1]


def test_one_incident_goes_through_the_whole_flow_now(world: World, desk: Remote) -> None:
    """MIR-191: also while the job is off; the log is attached under a name of its own."""
    incident = world.mirror(desk.ticket())
    world.cycle(3)
    world.set(sync__mirror__job__enable=False)
    cursor = world.lane().cursor_at
    desk.change("T1", state="working")
    world.edit(incident, desknote="ours")
    entry, text = debugging.run(world.app, ADMIN, incident)
    assert world.get(incident, "deskstate") == "working"
    assert desk.tickets["T1"].fields["note"] == "ours"
    assert world.lane().cursor_at == cursor
    for words in (
        f"call {POLL}",
        "the poll answers ids: T1; the cursor stays",
        f"call {PULL}",
        f"call {PUSH}",
        "pulled+applied+pushed",
    ):
        assert words in text
    assert entry.file is not None and entry.kind == EntryKind.FILE
    assert entry.file.name.startswith(f"mirror-debug-{incident}-")
    assert files.path(world.app.store, entry.file.id).read_text() == text
    again, _ = debugging.run(world.app, ADMIN, incident)
    assert again.file is not None and again.file.name != entry.file.name


def test_in_a_war_room_its_own_incident_is_taken(world: World, desk: Remote) -> None:
    """MIR-192."""
    incident = world.mirror(desk.ticket())
    answer = commands.run(world.app, ADMIN, "!triggerDebugMirroringRun", incident_id=incident)
    assert f"debug run of incident {incident}" in answer.entries[0].contents
    assert [e.incident_id for e in answer.stored] == [incident]
    named = commands.run(world.app, ADMIN, f"!triggerDebugMirroringRun incidentId={incident}")
    assert not named.failed
    with pytest.raises(Invalid, match="incidentId"):
        commands.run(world.app, ADMIN, "!triggerDebugMirroringRun")
    with pytest.raises(NotFound):
        commands.run(world.app, ADMIN, "!triggerDebugMirroringRun incidentId=999")
    with pytest.raises(Forbidden):
        debugging.run(world.app, Actor("eve", Role.READ_ONLY), incident)


def test_what_is_missing_is_named_and_nothing_is_called(world: World, desk: Remote) -> None:
    """MIR-193."""
    alone = world.create(name="alone")
    incident = world.mirror(desk.ticket())
    calls = len(desk.calls)
    assert "dbotMirrorInstance and dbotMirrorDirection are not set" in debug(world, alone)
    instance_actions.disable(world.app, ADMIN, "desk")
    assert "not mirrored: desk is disabled" in debug(world, incident)
    instance_actions.remove(world.app, ADMIN, "desk")
    assert "'desk' names no instance" in debug(world, incident)
    assert len(desk.calls) == calls


def test_errors_are_in_the_log_and_the_flow_goes_as_far_as_it_can(world: World, desk: Remote) -> None:
    incident = world.mirror(desk.ticket())
    world.cycle(2)
    desk.next_answer(POLL, error("API rate limit"))
    desk.next_answer(PULL, error("the ticket is locked"))
    text = debug(world, incident)
    assert "the poll fails, and nothing follows from it: API rate limit" in text
    assert "the ticket is locked" in text


def test_no_secret_is_in_the_log(world: World, desk: Remote) -> None:
    """MIR-194: wherever the integration puts it."""

    class Leaky:
        def run(self, command: Command) -> Reply:
            return Reply(results=({"token": "hush-hush"},), log=("debug: hush-hush",), error="hush-hush")

        def close(self) -> None:
            pass

    log = debugging.Log(app=world.app)
    given: Any = Command(code=None, name="c", args={"x": "hush-hush", "data": {}}, secrets=("hush-hush",))  # type: ignore[arg-type]
    reply = debugging.Recorder(Leaky(), log).run(replace(given))
    assert reply.results == ({"token": "hush-hush"},)
    assert "hush-hush" not in "\n".join(log.lines)
    assert len(log.lines) == 4
