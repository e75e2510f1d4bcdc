"""`mirror.resend.inbound`: what came in by a link goes back out by it when a person tags it.   Source: mirroring.md §3.4.2."""

from __future__ import annotations

import pytest

from casemirror.actions import drift, warroom
from casemirror.model.ids import IncidentId
from support.desk import Remote
from support.world import ANALYST, World


@pytest.fixture
def desk(world: World) -> Remote:
    return world.instance()


def came_in(world: World, desk: Remote) -> tuple[IncidentId, str]:
    incident = world.mirror(desk.ticket())
    world.cycle(3)
    desk.comment("T1", "theirs")
    world.cycle()
    (entry,) = [each for each in world.said(incident) if each.mirrored]
    return incident, entry.label


def test_a_tag_of_a_person_sends_it_back(world: World, desk: Remote) -> None:
    """Once, however often it is looked at."""
    world.set(mirror__resend__inbound="true")
    _, label = came_in(world, desk)
    said = warroom.tag(world.app, ANALYST, label, add=("comments",))
    assert said.goes_to == ("desk",)
    assert drift.measure(world.app, ANALYST).total.kinds["entries"] == 1
    world.cycle(5)
    assert [comment.text for comment in desk.tickets["T1"].comments if comment.ours] == ["theirs"]


def test_by_default_it_stays(world: World, desk: Remote) -> None:
    """MIR-166: never, whatever tags it gets."""
    _, label = came_in(world, desk)
    assert warroom.tag(world.app, ANALYST, label, add=("comments",)).goes_to == ()
    world.cycle(5)
    assert not any(comment.ours for comment in desk.tickets["T1"].comments)


def test_a_tag_that_it_came_with_is_nobodys_wish(world: World, desk: Remote) -> None:
    """Only a tag that a person gave counts, not one that the integration gave, even when a person gives another one."""
    world.set(mirror__resend__inbound="true")
    incident = world.mirror(desk.ticket())
    world.cycle(3)
    real = desk._entry
    desk._entry = lambda comment, number: {**real(comment, number), "Tags": ["comments"]}  # type: ignore[method-assign]
    desk.comment("T1", "theirs")
    world.cycle(2)
    (entry,) = [each for each in world.said(incident) if each.mirrored]
    assert entry.tags == ("comments",)
    world.tag(entry.label, "important")
    world.cycle(3)
    assert not any(comment.ours for comment in desk.tickets["T1"].comments)
    assert drift.measure(world.app, ANALYST).total.kinds["entries"] == 0


def test_a_tag_that_was_taken_away_sends_nothing(world: World, desk: Remote) -> None:
    """The person thought better of it."""
    _, label = came_in(world, desk)
    world.tag(label, "comments")
    world.tag(label, remove=("comments",))
    world.set(mirror__resend__inbound="true")
    world.cycle(3)
    assert not any(comment.ours for comment in desk.tickets["T1"].comments)
