"""`casemirror replay`: what another mapper makes of the payloads that are kept; no remote is called."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from casemirror.actions import instances as instance_actions
from casemirror.actions import planning_lane, policies, replay, why, why_words
from casemirror.actions import timeline as timelines
from casemirror.actions.replay_values import Difference, Replay, Replayed
from casemirror.engine import lane as lanes
from casemirror.model.actor import Actor, Role
from casemirror.model.errors import Forbidden, Invalid, NotFound
from casemirror.model.ids import IncidentId
from casemirror.store import payloads
from support import dumps
from support.desk import PULL, Remote
from support.world import ANALYST, MAPPED_IN, NOON, World, mapper

RAISED = {
    "complex": {
        "root": "severity",
        "transformers": [{"operator": "addition", "args": {"by": {"value": {"simple": "1"}}}}],
    }
}
"""Severity as the remote tells it, plus one."""


def new_mapper(**rules: Any) -> dict[str, Any]:
    """The mapper of every test's desk, with other lines; None: without the line."""
    lines = {**MAPPED_IN, **rules}
    return mapper("desk-in-2", "mapping-incoming", common={k: v for k, v in lines.items() if v is not None})


@pytest.fixture
def desk(world: World) -> Remote:
    made = world.instance()
    world.content("mapper-in", new_mapper(severity=RAISED))
    return made


def told(world: World, desk: Remote, **fields: Any) -> IncidentId:
    """A mirrored incident of which a payload is kept."""
    ticket = desk.ticket()
    incident = world.mirror(ticket)
    world.cycle(3)
    world.clock.turn(5)
    desk.change(ticket.id, **{"state": "working", **fields})
    world.cycle()
    return incident


def run(world: World, mapper: str = "desk-in-2", *only: IncidentId, since: datetime = NOON, **rest: Any) -> Replay:
    return replay.replay(world.app, ANALYST, "desk", since, mapper, only, **rest)


def of(found: Replay, incident: IncidentId) -> Replayed:
    [replayed] = [each for each in found.links if each.incident_id == incident]
    return replayed


def test_fields_that_would_differ_are_shown_and_nothing_is_written_or_called(world: World, desk: Remote) -> None:
    first, second = told(world, desk), told(world, desk, severity=3)
    before, calls = dumps.tables(world.store), len(desk.calls)
    found = run(world)
    assert of(found, first).differences == (Difference(field="severity", kind="changed", old=1, new=2, here=1),)
    assert of(found, second).differences[0].new == 4
    assert {name: dict(counts) for name, counts in found.summary.items()} == {"severity": {"changed": 2}}
    assert (found.old_mapper, found.new_mapper, found.same) == ("desk-in", "desk-in-2", 0)
    assert dumps.tables(world.store) == before
    assert desk.since(calls) == []
    assert "desk still maps with desk-in" in found.notes[0]


def test_set_changed_emptied_and_no_longer_told(world: World, desk: Remote) -> None:
    world.content(
        "mapper-in",
        new_mapper(**{"Desk Extra": {"simple": "state"}, "Desk State": {"simple": "empty"}, "Desk Note": None}),
    )
    incident = told(world, desk, note="there", empty="")
    found = run(world)
    kinds = {each.field: (each.kind, each.old, each.new) for each in of(found, incident).differences}
    assert kinds == {
        "deskextra": ("set", None, "working"),
        "deskstate": ("emptied", "working", ""),
        "desknote": ("untold", "there", None),
    }
    run(world, apply=True)
    assert [world.get(incident, name) for name in ("deskextra", "deskstate", "desknote")] == ["working", "", "there"]


def test_what_is_applied_is_an_inbound_change_that_does_not_go_back(world: World, desk: Remote) -> None:
    """No echo goes out to the remote that said it; the other link of the incident is told; `why` names the mapper."""
    other = world.instance("second")
    incident = told(world, desk)
    world.connect(incident, "second", remote_id="", direction="Out")
    world.cycle(2)
    [copy] = other.tickets.values()
    tickets, calls = {k: dict(t.fields) for k, t in desk.tickets.items()}, len(desk.calls)
    found = run(world, apply=True)
    assert of(found, incident).written == ("severity",) and of(found, incident).stays == {}
    assert world.get(incident, "severity") == 2
    assert desk.since(calls) == []
    assert world.link(incident).base["severity"] == 2
    assert "severity" not in world.dirty(incident)[0]
    instance_actions.update(world.app, ANALYST, "desk", {}, choice=instance_actions.Choice(mapper_in="desk-in-2"))
    world.cycle(2)
    assert {k: dict(t.fields) for k, t in desk.tickets.items()} == tickets
    assert copy.fields["severity"] == 2
    assert world.get(incident, "severity") == 2

    answer = why.explain_fields(world.app, ANALYST, incident, "severity")
    verdict = why_words.verdict(answer.fields[0], answer)
    assert "severity is 2 since" in verdict
    assert "re-mapped by desk-in-2 for bob, which makes another value of what desk had said (it was 1)" in verdict
    [event] = [e for e in timelines.of_incident(world.app, ANALYST, incident) if e.kind == "remapped"]
    assert event.text == "mapped what desk had said again, by desk-in-2: severity: 1 → 2" and event.who == "bob"
    assert world.rules(incident, "severity")[-2:][0] == "remote-changed"


def test_a_value_edited_here_since_stays(world: World, desk: Remote) -> None:
    """Three-way: unsent edits are in conflict with the new value, and the policy decides."""
    incident = told(world, desk)
    world.edit(incident, severity=4)
    found = run(world, apply=True)
    assert (of(found, incident).written, of(found, incident).stays) == (
        (),
        {"severity": "both changed it: ours wins"},
    )
    assert world.get(incident, "severity") == 4
    world.cycle()
    assert desk.tickets["T1"].fields["severity"] == 4


def test_a_policy_may_say_that_theirs_wins_or_that_a_person_decides(world: World, desk: Remote) -> None:
    first, second = told(world, desk), told(world, desk)
    world.edit(first, severity=4)
    policies.put(world.app, ANALYST, "remote", field="severity")
    assert of(run(world, "desk-in-2", first, apply=True), first).written == ("severity",)
    assert world.get(first, "severity") == 2
    policies.put(world.app, ANALYST, "ask", field="severity")
    world.edit(second, severity=4)
    assert of(run(world, "desk-in-2", second, apply=True), second).stays == {
        "severity": "both changed it: a person has to decide"
    }
    assert world.link(second).conflicts["severity"].remote == 2


def test_what_we_sent_since_is_not_taken_back_by_an_old_payload(world: World, desk: Remote) -> None:
    """A pull that tells nothing new leaves no payload: the newest one is older than our push."""
    incident = told(world, desk)
    world.edit(incident, severity=3)
    world.cycle(12)
    assert desk.tickets["T1"].fields["severity"] == 3
    [difference] = of(run(world, apply=True), incident).differences
    assert (difference.counts, difference.stale) == (False, replay.EDITED_SINCE)
    assert world.get(incident, "severity") == 3
    world.content("mapper-in", new_mapper(**{"Desk Extra": {"simple": "severity"}}))
    [extra] = of(run(world, apply=True), incident).differences
    assert (extra.field, extra.stale) == ("deskextra", replay.SAME_SOURCE)
    assert world.get(incident, "deskextra") is None


def test_the_newest_payload_counts_and_the_rest_is_counted(world: World, desk: Remote) -> None:
    incident = told(world, desk)
    for state in ("a", "b"):
        world.clock.turn(5)
        desk.change("T1", state=state)
        world.cycle()
    quiet = world.mirror(desk.ticket())
    found = run(world)
    assert (of(found, incident).earlier, found.earlier, found.silent, found.forgotten) == (2, 2, 1, 0)
    assert run(world, since=world.clock.now() + timedelta(seconds=1)).silent == 2
    with world.store.write() as tx:
        payloads.forget_old(tx, world.clock.now() + timedelta(seconds=1))
    found = run(world)
    assert (found.links, found.forgotten, found.silent) == ([], 1, 1)
    assert run(world, "desk-in-2", quiet).silent == 1


def test_masked_payloads_are_left_out_and_secrets_are_masked(world: World, desk: Remote) -> None:
    told(world, desk, note="<secret>")
    incident = told(world, desk, description="s3cret-token")
    world.content("mapper-in", new_mapper(**{"Desk Extra": {"simple": "description"}}))
    found = run(world)
    assert found.masked == 1
    assert of(found, incident).differences[0].new == "<secret>"


def test_warnings_are_told_once_each(world: World, desk: Remote) -> None:
    bad = {"complex": {"root": "state", "transformers": [{"operator": "Nonsense", "args": {}}]}}
    world.content("mapper-in", new_mapper(**{"Desk State": bad}))
    told(world, desk)
    told(world, desk)
    found = run(world)
    [(text, count)] = found.warnings.items()
    assert count == 2 and "Nonsense" in text and "Desk State" in text


def test_a_mapper_may_come_from_a_file(world: World, desk: Remote, tmp_path: Path) -> None:
    incident = told(world, desk)
    file = tmp_path / "mapper.json"
    file.write_text(json.dumps({**new_mapper(severity=RAISED), "id": "from-file", "name": "from-file"}))
    found = run(world, str(file))
    assert (found.new_mapper, of(found, incident).differences[0].new) == ("from-file", 2)
    assert "install the new one (`casemirror pack add`), then `casemirror instance update desk" in found.notes[0]


def test_after_the_switch_the_mapper_that_made_the_values_is_named(world: World, desk: Remote) -> None:
    incident = told(world, desk)
    instance_actions.update(world.app, ANALYST, "desk", {}, choice=instance_actions.Choice(mapper_in="desk-in-2"))
    with pytest.raises(Invalid, match="desk uses desk-in-2 already; say with --against"):
        run(world)
    found = run(world, against="desk-in", apply=True)
    assert of(found, incident).written == ("severity",) and found.notes == []
    again = run(world, against="desk-in", apply=True).links[0]
    assert again.differences[0].already and again.written == ()


def test_while_another_worker_has_the_lane_nothing_is_applied(world: World, desk: Remote) -> None:
    incident = told(world, desk)
    other = world.other()
    world.beat(other)
    turn = lanes.take(other, world.lane_id())
    assert turn is not None
    sleep = world.clock.sleep
    world.clock.sleep = lambda seconds: (world.beat(other), sleep(seconds))[1]  # type: ignore[method-assign]
    assert run(world).links
    with pytest.raises(planning_lane.LaneBusy, match="two:2:b"):
        run(world, apply=True)
    world.clock.sleep = sleep  # type: ignore[method-assign]
    lanes.release(turn)
    assert world.get(incident, "severity") == 1


def test_who_may_not_and_what_is_not_there(world: World, desk: Remote) -> None:
    reader = Actor("eve", Role.ANALYST)
    told(world, desk)
    assert replay.replay(world.app, reader, "desk", NOON, "desk-in-2").links
    with pytest.raises(Forbidden):
        replay.replay(world.app, reader, "desk", NOON, "desk-in-2", apply=True)
    with pytest.raises(NotFound, match="no mapper 'desk-9'"):
        run(world, "desk-9")
    with pytest.raises(Invalid, match="desk-out is an outgoing mapper"):
        run(world, "desk-out")
    with pytest.raises(NotFound):
        run(world, "desk-in-2", IncidentId(99))
    with pytest.raises(NotFound):
        replay.replay(world.app, ANALYST, "nobody", NOON, "desk-in-2")


def test_a_pull_that_is_due_stays_due(world: World, desk: Remote) -> None:
    """Writing an old payload is no look at the remote."""
    incident = told(world, desk)
    world.clock.turn(5)
    desk.change("T1", state="done", severity=3)
    instance_actions.update(world.app, ANALYST, "desk", {}, choice=instance_actions.Choice(mapper_in="desk-in-2"))
    synced = world.link(incident).last_sync_at
    run(world, against="desk-in", apply=True)
    assert world.link(incident).last_sync_at == synced
    pulls = len(desk.asked(PULL))
    world.cycle()
    assert len(desk.asked(PULL)) > pulls
    assert (world.get(incident, "deskstate"), world.get(incident, "severity")) == ("done", 4)
