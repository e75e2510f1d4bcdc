"""A topology guard: a case that came from us is not mirrored back into us as another one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from casemirror.engine import topology
from casemirror.model.ids import IncidentId
from casemirror.store import identity
from casemirror.store import links as link_store
from support.desk import PUSH, said
from support.world import World


def server(world: World) -> str:
    with world.store.read() as tx:
        return identity.server_id(tx)


def test_a_server_has_an_id_of_its_own_that_stays(world: World) -> None:
    first = server(world)
    world.restart()
    assert len(first) == 32
    assert server(world) == first


@pytest.mark.parametrize("nested", [False, True])
def test_a_link_to_our_own_incident_is_held_and_nothing_goes_out(world: World, nested: bool) -> None:
    """Linked to an object of a partner that the partner mirrors from us: held with the reason, never pushed."""
    desk = world.instance()
    shown = {topology.TRAIL: ["partner/9", f"{server(world)}/77"]}
    desk.extra = {"CustomFields": shown} if nested else shown
    incident = world.mirror(desk.ticket())
    world.edit(incident, details="would go round and round")
    world.work()
    link = world.link(incident)
    assert link.state == "held"
    assert "mirrored from our own incident 77" in link.held_reason
    assert "mirror.cycles" in link.held_reason
    assert [call for call in desk.calls if call.name == PUSH] == []


def test_a_cycle_that_is_marked_is_mirrored(world: World) -> None:
    world.set(mirror__cycles="desk")
    desk = world.instance()
    desk.extra = {topology.TRAIL: [f"{server(world)}/77"]}
    incident = world.mirror(desk.ticket())
    world.edit(incident, details="wanted")
    world.work()
    assert [ticket.fields["description"] for ticket in desk.tickets.values()] == ["wanted"]


def test_what_a_partner_shows_is_kept_and_shown_on(world: World) -> None:
    """The trail grows with each server; what is no trail is none."""
    desk = world.instance()
    desk.extra = {topology.TRAIL: ["partner/9", "third/1"]}
    incident = world.mirror(desk.ticket())
    assert world.link(incident).trail == ("partner/9", "third/1")
    with world.store.read() as tx:
        shown = topology.shown("me", incident, link_store.of_incident(tx, incident))
    assert shown == [f"me/{incident}", "partner/9", "third/1"]
    assert topology.trail({topology.TRAIL: "partner/9"}) == ()
    assert topology.shown("me", IncidentId(1), []) == ["me/1"]


def test_a_fetch_leaves_our_own_incidents_out_and_takes_the_others(world: World) -> None:
    desk = world.instance(fetches=True, mapper_in="desk-in")
    ours, other = ({"id": name, "title": name, "state": "new", "severity": 1} for name in ("ours", "other"))
    ours[topology.TRAIL] = [f"{server(world)}/5"]
    other[topology.TRAIL] = ["partner/5"]
    events = tuple({"name": each["title"], "rawJSON": json.dumps(each)} for each in (ours, other))
    desk.next_answer("fetch-incidents", replace(said(), incidents=events))
    world.work()
    assert [incident.name for incident in world.all()] == ["other"]
