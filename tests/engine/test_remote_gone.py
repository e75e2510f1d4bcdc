"""A remote object that is deleted, merged or moved: a state of the link, and nothing that changes the incident.   §2.8; MIR-136."""

from __future__ import annotations

import pytest

from casemirror.actions import instances
from casemirror.model.incident import Status
from casemirror.model.link import RemoteState
from casemirror.runtime.command import Reply
from support.desk import POLL, PULL, PUSH, Remote, Ticket, error, raised, said
from support.world import ANALYST, HOUR, MINUTE, World


@pytest.fixture
def desk(world: World) -> Remote:
    return world.instance()


def gone(world: World, desk: Remote) -> tuple[int, Ticket]:
    """An incident whose ticket somebody changed and then deleted."""
    incident = world.mirror(desk.ticket())
    world.cycle(3)
    desk.change("T1", state="working")
    ticket = desk.tickets.pop("T1")
    world.edit(incident, dbotMirrorTags="comments")  # wakes the link
    world.clock.turn(2 * MINUTE)
    desk.next_answer(POLL, said({"Contents": ["T1"], "Type": 1, "ContentsFormat": "json"}))
    world.work()
    return incident, ticket


def notes(world: World, incident: int) -> list[str]:
    return [text.splitlines()[0] for text in world.texts(incident, came_in=False)]  # type: ignore[arg-type]


def test_a_deleted_ticket_is_a_state_and_changes_nothing(world: World, desk: Remote) -> None:
    """MIR-136: many cycles, one note, no field changed, the link stays."""
    incident = world.mirror(desk.ticket(), desknote="theirs")
    world.cycle(3)
    before = dict(world.incident(incident).fields)
    del desk.tickets["T1"]
    world.clock.turn(25 * HOUR)
    world.work()
    since = world.clock.now()
    world.cycle(20)
    link = world.link(incident)
    assert (link.remote_state, link.remote_since, link.remote_words) == (
        RemoteState.MISSING,
        since,
        "Ticket was not found.",
    )
    assert link.remote_said == f"missing; the remote says since {since:%Y-%m-%d %H:%M:%S} UTC: Ticket was not found."
    assert (link.remote_id, link.direction.value, link.held_reason) == ("T1", "Both", "")
    assert world.incident(incident).fields == {**before, "incomingmirrorerror": "Ticket was not found."}
    assert world.incident(incident).status is Status.ACTIVE
    assert notes(world, incident) == ["desk says that T1 is missing: Ticket was not found."]
    assert world.dirty(incident) == (set(), set())


def test_it_is_looked_for_ever_more_rarely(world: World, desk: Remote) -> None:
    """Up to `mirror.reconcile`: each pause is as long as the ticket has been away."""
    world.set(mirror__reconcile=str(4 * HOUR), sync__mirror__job__delay="10")
    gone(world, desk)
    desk.calls.clear()
    world.cycle(24 * 6)
    times = [call.at for call in desk.calls if call.name == PULL]
    pauses = [(b - a).total_seconds() for a, b in zip(times, times[1:], strict=False)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 4 * HOUR
    assert len(times) < 16


def test_an_edit_waits_and_is_sent_when_the_ticket_is_back(world: World, desk: Remote) -> None:
    """Pushes stop; what came and went meanwhile on both sides is merged as ever, and one note says so."""
    incident, ticket = gone(world, desk)
    world.edit(incident, desknote="ours")
    world.say(incident, "anybody there?")
    world.cycle(10)
    assert desk.asked(PUSH) == []
    assert world.dirty(incident)[1] == {"desknote"}
    desk.tickets["T1"] = ticket
    desk.comment("T1", "restored")
    world.cycle(30)
    assert (world.get(incident, "deskstate"), ticket.fields["note"]) == ("working", "ours")
    assert "anybody there?" in ticket.texts
    link = world.link(incident)
    assert (link.remote_state, link.remote_since, link.remote_words, link.error_in) == (
        RemoteState.PRESENT,
        None,
        "",
        "",
    )
    assert not world.get(incident, "incomingmirrorerror")
    assert [text for text in notes(world, incident) if text.startswith("desk ")][1:] == [
        f"desk shows T1 again; it was missing since {_since(world, incident)} UTC. Mirroring goes on."
    ]
    assert "restored" in world.texts(incident, came_in=True)


def _since(world: World, incident: int) -> str:
    found = [entry for entry in world.said(incident) if entry.contents.startswith("desk says")]  # type: ignore[arg-type]
    return f"{found[0].created_at:%Y-%m-%d %H:%M:%S}"


def test_a_poll_that_names_it_brings_the_look_forward(world: World, desk: Remote) -> None:
    """A restored ticket is not waited for as long as it was away."""
    incident, ticket = gone(world, desk)
    world.cycle(20)
    desk.tickets["T1"] = ticket
    desk.change("T1", state="restored")
    world.cycle(7)
    assert world.get(incident, "deskstate") == "restored"


@pytest.mark.parametrize(
    "answer",
    [
        error("no route to host"),
        raised("ValueError", "x"),
        said("Try later."),
        said([{"id": "T1", "in_mirror_error": "boom"}]),
    ],
)
def test_what_is_not_for_sure_is_no_state(world: World, desk: Remote, answer: Reply) -> None:
    """It stays a failure."""
    incident = world.mirror(desk.ticket())
    world.cycle(3)
    desk.change("T1", state="working")
    desk.next_answer(PULL, answer)
    world.cycle()
    link = world.link(incident)
    assert (link.remote_state, bool(link.error_in)) == (RemoteState.PRESENT, True)
    assert notes(world, incident) == []


def test_in_mirror_error_loses_nothing(world: World, desk: Remote) -> None:
    """Rule 8: what was said while it failed comes with the next good pull, without waiting for another change."""
    world.set(mirror__overlap="0")
    incident = world.mirror(desk.ticket())
    world.cycle(3)
    desk.comment("T1", "hello")
    desk.next_answer(PULL, *(said([{"id": "T1", "in_mirror_error": "boom"}]) for _ in range(2)))
    world.cycle(4)
    assert world.texts(incident, came_in=True) == ["hello"]
    assert not world.get(incident, "incomingmirrorerror")


def test_a_merged_ticket_proposes_the_other_one_and_nothing_follows(world: World, desk: Remote) -> None:
    """A person follows."""
    incident = world.mirror(desk.ticket())
    desk.ticket("T9")
    world.cycle(3)
    desk.change("T1")
    desk.next_answer(PULL, error("Ticket T1 was merged into T9"))
    world.cycle()
    link = world.link(incident)
    assert (link.remote_state, link.remote_new_id, link.remote_id) == (RemoteState.MERGED, "T9", "T1")


def test_a_link_that_only_sends_learns_it_from_a_push(world: World) -> None:
    """Out: nobody can look; the next push that arrives clears it."""
    desk = world.instance(integration="Desk Out")
    incident = world.mirror(desk.ticket(), direction="Out")
    world.edit(incident, desknote="ours")
    desk.next_answer(PUSH, error("Ticket T1 was not found"), error("Ticket T1 was not found"))
    world.work()
    assert world.link(incident).remote_state is RemoteState.MISSING
    world.cycle(5)
    assert desk.tickets["T1"].fields["note"] == "ours"
    assert world.link(incident).remote_state is RemoteState.PRESENT
    assert len(notes(world, incident)) == 2


def test_a_push_that_does_not_find_it_makes_a_pull_decide(world: World, desk: Remote) -> None:
    """The ticket is there: a user or a rule was not found, or the remote was confused."""
    incident = world.mirror(desk.ticket())
    world.cycle(3)
    world.edit(incident, desknote="ours")
    pulls = len(desk.asked(PULL))
    desk.next_answer(PUSH, error("Ticket T1 was not found"))
    world.work()
    assert world.link(incident).remote_state is RemoteState.PRESENT
    world.clock.turn(31)
    world.work()
    assert len(desk.asked(PULL)) > pulls
    assert desk.tickets["T1"].fields["note"] == "ours"


def test_a_full_data_poll_may_say_it_too(world: World, desk: Remote) -> None:
    """Its rows are not left behind."""
    incident = world.mirror(desk.ticket())
    world.cycle(3)
    entry = {"Type": 1, "ContentsFormat": "json", "Contents": {"id": "T1", "in_mirror_error": "Ticket was not found."}}
    desk.next_answer(POLL, said({**entry, "EntryContext": {"mirrorRemoteId": "T1"}}))
    world.cycle()
    assert world.link(incident).remote_state is RemoteState.MISSING
    world.clock.turn(2 * MINUTE)
    world.work()
    assert world.link(incident).remote_state is RemoteState.PRESENT


def test_a_remote_that_lost_most_of_its_objects_stops_the_lane_and_asks(world: World) -> None:
    """Rule 10: a wrong address answers “not found” to everything; half of them within an hour is too much."""
    world.set(mirror__brake__minimum=4, mirror__reconcile="60")
    desk = world.instance()
    made = [world.mirror(desk.ticket(), settle=False) for _ in range(6)]
    world.work()
    world.cycle(3)
    kept, desk.tickets = dict(desk.tickets), {}
    world.cycle(5)
    assert sum(world.link(each).is_gone for each in made) == 3
    assert "says that 4 of the objects of its 6 open incidents are not there" in world.lane().held_reason
    desk.tickets.update(kept)
    instances.enable(world.app, ANALYST, "desk")
    world.cycle(5)
    assert not any(world.link(each).is_gone for each in made)
    assert world.lane().held_reason == ""
