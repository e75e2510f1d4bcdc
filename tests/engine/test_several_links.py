"""Links that come, go and change places."""

from __future__ import annotations

import pytest

from casemirror.actions import links
from casemirror.model.errors import NotFound
from support.desk import PUSH, Remote
from support.world import ANALYST, World


@pytest.fixture
def desk(world: World) -> Remote:
    return world.instance()


def test_a_link_that_is_cut_leaves_both_sides_as_they_are(world: World, desk: Remote) -> None:
    """Another one becomes the primary link; nothing more is exchanged by the one that is cut."""
    other = world.instance("other")
    incident = world.mirror(desk.ticket())
    world.connect(incident, "other", remote_id=other.ticket().id)
    world.cycle(3)
    links.remove(world.app, ANALYST, incident, "desk")
    [left] = links.list_all(world.app, ANALYST, incident)
    assert (left.instance_name, left.primary) == ("other", True)
    pushes = len(desk.asked(PUSH))
    world.edit(incident, deskstate="only there")
    world.cycle(3)
    assert len(desk.asked(PUSH)) == pushes
    assert "T1" in desk.tickets
    with pytest.raises(NotFound, match="it is linked to other"):
        links.remove(world.app, ANALYST, incident, "desk")


def test_another_link_becomes_the_primary_one(world: World, desk: Remote) -> None:
    other = world.instance("other")
    incident = world.mirror(desk.ticket())
    world.connect(incident, "other", remote_id=other.ticket().id)
    links.set_primary(world.app, ANALYST, incident, "other")
    found = links.list_all(world.app, ANALYST, incident)
    assert [(link.instance_name, link.primary) for link in found] == [("other", True), ("desk", False)]
    with pytest.raises(NotFound):
        links.set_primary(world.app, ANALYST, incident, "nowhere")
