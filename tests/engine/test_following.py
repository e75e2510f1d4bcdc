"""`link follow`: go on with the object that a merged or moved one became."""

from __future__ import annotations

import pytest

from casemirror.actions import doctor, drift, links, links_follow, timeline, why
from casemirror.actions.doctor_values import State
from casemirror.model.actor import Actor, Role
from casemirror.model.errors import Conflict, Forbidden, Invalid, NotFound
from casemirror.model.ids import IncidentId
from casemirror.model.incident import Status
from casemirror.model.link import RemoteState
from casemirror.store import audit
from support.desk import PULL, PUSH, Remote, error
from support.world import ANALYST, World


@pytest.fixture
def desk(world: World) -> Remote:
    return world.instance()


def merged(world: World, desk: Remote) -> IncidentId:
    """An incident whose ticket T1 was merged into T2, after something was said on both sides."""
    incident = world.mirror(desk.ticket())
    desk.ticket("T2", title="two printers on fire", state="working")
    world.cycle(3)
    desk.comment("T1", "from there")
    world.say(incident, "from here")
    world.cycle(2)
    desk.tickets["T2"].comments = [*desk.tickets["T1"].comments]
    desk.change("T1")
    desk.next_answer(PULL, error("Ticket T1 was merged into T2"), error("Ticket T1 was merged into T2"))
    del desk.tickets["T1"]
    world.cycle()
    world.edit(incident, desknote="ours")
    world.work()
    return incident


def test_it_goes_on_with_a_three_way_merge_and_nothing_is_said_twice(world: World, desk: Remote) -> None:
    """What changed there comes in, what changed here goes out, what was said is known on both sides."""
    incident = merged(world, desk)
    assert world.link(incident).remote_state is RemoteState.MERGED
    done = links_follow.follow(world.app, ANALYST, incident, "desk", "T2")
    assert (done.link.remote_id, done.former_id, done.shared_with) == ("T2", "T1", ())
    world.cycle(3)
    link, ticket = world.link(incident), desk.tickets["T2"]
    assert (link.remote_id, link.remote_state, link.remote_new_id, link.error_in) == ("T2", RemoteState.PRESENT, "", "")
    assert (world.get(incident, "deskstate"), world.get(incident, "name")) == ("working", "two printers on fire")
    assert ticket.fields["note"] == "ours"
    assert world.texts(incident, came_in=True) == ["from there"]
    assert ticket.texts == ["from there", "from here"]
    with world.store.read() as tx:
        lines = audit.of_object(tx, f"incident {incident}", since=world.incident(incident).created_at, limit=50)
    (line,) = [each for each in lines if each["verb"] == "link.followed"]
    assert (line["actor"], line["detail"]) == ("bob", {"instance": "desk", "from": "T1", "to": "T2"})


def test_another_incident_with_the_same_object_is_named(world: World, desk: Remote) -> None:
    """Both had an incident before they were merged."""
    incident = merged(world, desk)
    other = world.mirror(desk.tickets["T2"])
    assert links_follow.follow(world.app, ANALYST, incident, "desk", "T2").shared_with == (other,)


def test_a_push_under_way_does_not_settle_on_the_other_object(world: World, desk: Remote) -> None:
    """What was sent to the former object is sent to the other one, too."""
    incident = world.mirror(desk.ticket())
    desk.ticket("T2")
    world.cycle(3)
    desk.during(PUSH, lambda: links_follow.follow(world.app, ANALYST, incident, "desk", "T2"))
    world.edit(incident, desknote="ours")
    world.cycle(4)
    assert desk.tickets["T2"].fields["note"] == "ours"
    assert world.link(incident).remote_id == "T2"


def test_a_pull_under_way_tells_nothing_of_the_other_object(world: World, desk: Remote) -> None:
    """What the former object told is not taken for what the other one is."""
    incident = world.mirror(desk.ticket())
    desk.ticket("T2", state="two")
    world.cycle(3)
    desk.change("T1", state="one")
    desk.during(PULL, lambda: links_follow.follow(world.app, ANALYST, incident, "desk", "T2"))
    world.cycle(2)
    assert world.get(incident, "deskstate") == "two"


def test_what_cannot_be_followed_is_refused(world: World, desk: Remote) -> None:
    """Each with what to do."""
    incident = world.mirror(desk.ticket())
    for arguments, wrong in (
        ((incident, "desk", " "), Invalid),
        ((incident, "desk", "T1"), Conflict),
        ((incident, "other", "T2"), NotFound),
        ((IncidentId(99), "desk", "T2"), NotFound),
    ):
        with pytest.raises(wrong):
            links_follow.follow(world.app, ANALYST, *arguments)
    fresh = world.create()
    desk.next_answer(PUSH, error("no"))
    links.add(world.app, ANALYST, fresh, "desk")
    with pytest.raises(Conflict, match="has no remote object yet"):
        links_follow.follow(world.app, ANALYST, fresh, "desk", "T2")
    with pytest.raises(Forbidden):
        links_follow.follow(world.app, Actor("eve", Role.READ_ONLY), incident, "desk", "T2")


def test_everything_that_explains_says_that_it_is_gone(world: World, desk: Remote) -> None:
    """`doctor`, `why`, `timeline` in the remote's own words; drift counts it for itself."""
    incident = merged(world, desk)
    words = world.link(incident).remote_said
    assert words.endswith("Ticket T1 was merged into T2")
    (check,) = [each for each in doctor.examine(world.app, ANALYST, str(incident)) if each.name == "remote object"]
    assert (check.state, words in check.text) == (State.MISSING, True)
    assert f"casemirror link follow {incident} desk T2" in check.todo
    (note,) = why.explain_fields(world.app, ANALYST, incident, "desknote").fields
    assert any(words in wait for wait in note.links[0].waits)
    assert any(
        event.kind == "gone" and words in event.text for event in timeline.of_incident(world.app, ANALYST, incident)
    )
    total = drift.measure(world.app, ANALYST).total
    assert (total.links, total.agree, dict(total.gone), dict(total.kinds), total.percent) == (
        1,
        0,
        {"merged": 1},
        {},
        100.0,
    )


def test_a_link_made_again_knows_what_both_sides_agreed_on(world: World) -> None:
    """What changed on one side while the two were apart goes to the other: a field each way, and the close."""
    desk = world.instance()
    incident = world.mirror(desk.ticket())
    world.cycle(3)
    links.remove(world.app, ANALYST, incident, "desk")
    world.edit(incident, severity=3)
    desk.change("T1", description="theirs")
    world.shut(incident)
    world.cycle(2)
    world.connect(incident, remote_id="T1")
    world.cycle(3)
    assert world.get(incident, "details") == "theirs"
    assert desk.tickets["T1"].fields["severity"] == 3
    assert desk.tickets["T1"].closed
    assert world.incident(incident).status is Status.CLOSED
