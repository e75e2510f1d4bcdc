"""Closing and reopening, from there and from here.   MIR-122…136, MIR-153…155."""

from __future__ import annotations

from typing import Any

import pytest

from casemirror.model.ids import IncidentId
from casemirror.model.incident import Status
from support.desk import PULL, PUSH, Remote, close_entry, error, reopen_entry, said
from support.world import World

RUNNING = {"runStatus": "running", "startDate": "2026-01-01T00:00:00Z"}


@pytest.fixture
def desk(world: World) -> Remote:
    return world.instance()


def both(world: World, desk: Remote, **rest: Any) -> IncidentId:
    incident = world.mirror(desk.ticket(), **rest)
    world.cycle(3)
    return incident


def tell(world: World, desk: Remote, *results: Any) -> None:
    desk.change("T1")
    desk.next_answer(PULL, said(list(results)))
    world.cycle()


def status(world: World, incident: IncidentId) -> Status:
    return world.incident(incident).status


def test_a_close_there_closes_here_and_makes_nothing_dirty(world: World, desk: Remote) -> None:
    """MIR-122, MIR-131 (any reason), MIR-132 (no form is asked)."""
    incident = both(world, desk, remediationsla=RUNNING)
    tell(world, desk, {"id": "T1", "state": "done"}, close_entry("Nobody knows this reason", "fixed there"))
    found = world.incident(incident)
    assert (found.status, found.closed_at) == (Status.CLOSED, world.clock.now())
    assert (found.get("closeReason"), found.get("closeNotes")) == ("Nobody knows this reason", "fixed there")
    assert found.get("closingUserId") == "DBot"
    assert found.get("deskstate") == "done"
    assert found.get("remediationsla")["runStatus"] == "ended"  # type: ignore[index,call-overload]
    assert world.dirty(incident) == (set(), set())
    assert world.texts(incident) == ["desk closed this incident: Nobody knows this reason"]


def test_a_close_without_notes_has_empty_ones(world: World, desk: Remote) -> None:
    """MIR-123."""
    incident = both(world, desk)
    tell(world, desk, {"id": "T1"}, close_entry("Done", None))
    assert (status(world, incident), world.get(incident, "closeNotes") or "") == (Status.CLOSED, "")


@pytest.mark.parametrize("closed_by", ["them", "us"])
def test_a_close_of_a_closed_incident_changes_nothing(world: World, desk: Remote, closed_by: str) -> None:
    """MIR-124: integrations repeat it at every pull."""
    incident = both(world, desk)
    if closed_by == "us":
        world.shut(incident, "Duplicate", "our notes")
        world.cycle()
    else:
        tell(world, desk, {"id": "T1"}, close_entry("Theirs"))
    before = world.incident(incident)
    for _ in range(3):
        tell(world, desk, {"id": "T1"}, close_entry("Another reason", "other notes"))
    assert world.incident(incident) == before


def test_a_close_that_came_in_is_not_sent_back(world: World, desk: Remote) -> None:
    """MIR-125, MIR-207."""
    incident = both(world, desk)
    desk.close("T1", "Fixed")
    world.cycle(5)
    assert status(world, incident) is Status.CLOSED
    assert desk.asked(PUSH) == []
    assert desk.tickets["T1"].reason == "Fixed"


def test_a_reopen_there_opens_here(world: World, desk: Remote) -> None:
    """MIR-126: after a close that was seen; not dirty, not sent back."""
    desk.says_reopen = True
    incident = both(world, desk)
    desk.close("T1")
    world.cycle()
    desk.reopen("T1")
    world.cycle(3)
    found = world.incident(incident)
    assert (found.status, found.closed_at) == (Status.ACTIVE, None)
    assert not any(found.get(name) for name in ("closeReason", "closeNotes", "closingUserId"))
    assert world.dirty(incident) == (set(), set())
    assert desk.asked(PUSH) == []


def test_after_a_reopen_the_closing_fields_end_empty(world: World, desk: Remote) -> None:
    """mirroring.md §4.5: an object may bring them mapped beside the reopen entry."""
    incident = both(world, desk)
    tell(world, desk, {"id": "T1", "close_reason": "Done"}, close_entry("Done"))
    tell(world, desk, {"id": "T1", "close_reason": None}, reopen_entry())
    assert status(world, incident) is Status.ACTIVE
    assert not world.get(incident, "closeReason")
    world.cycle(2)
    assert desk.asked(PUSH) == []


def test_a_reopen_of_an_open_incident_changes_nothing(world: World, desk: Remote) -> None:
    """MIR-127."""
    incident = both(world, desk)
    before = world.incident(incident)
    tell(world, desk, {"id": "T1"}, reopen_entry())
    assert world.incident(incident) == before


def test_our_close_is_not_undone_by_a_remote_that_was_never_seen_closed(world: World, desk: Remote) -> None:
    """MIR-126 as we decided: CrowdStrike says reopen at every change of an open object."""
    desk.says_reopen = True
    incident = both(world, desk)
    world.shut(incident)
    desk.change("T1", state="working")
    world.cycle(4)
    assert status(world, incident) is Status.CLOSED
    assert desk.tickets["T1"].closed


def test_close_and_reopen_in_one_answer_are_followed_in_their_order(world: World, desk: Remote) -> None:
    """mirroring.md §4.5."""
    incident = both(world, desk)
    tell(world, desk, {"id": "T1"}, close_entry("Done"), reopen_entry())
    assert status(world, incident) is Status.ACTIVE
    tell(world, desk, {"id": "T1"}, reopen_entry(), close_entry("Done"))
    assert status(world, incident) is Status.CLOSED


def test_a_close_that_a_person_undid_is_not_repeated(world: World) -> None:
    """MIR-128: direction In, so that the ticket stays closed there."""
    desk = world.instance()
    incident = both(world, desk, direction="In")
    desk.close("T1")
    world.cycle(2)
    assert status(world, incident) is Status.CLOSED
    world.reopen(incident)
    for _ in range(3):
        desk.change("T1")
        world.cycle()
    assert status(world, incident) is Status.ACTIVE


def test_once_it_was_seen_open_a_close_counts_again(world: World, desk: Remote) -> None:
    """MIR-129."""
    incident = both(world, desk, direction="In")
    desk.close("T1")
    world.cycle(2)
    world.reopen(incident)
    desk.reopen("T1")
    world.cycle()
    assert status(world, incident) is Status.ACTIVE
    desk.close("T1", "Really")
    world.cycle()
    assert (status(world, incident), world.get(incident, "closeReason")) == (Status.CLOSED, "Really")


def test_other_keys_of_a_close_are_fields_when_they_name_one(world: World, desk: Remote) -> None:
    """MIR-130: others, and what only the engine writes, are left out."""
    incident = both(world, desk)
    tell(world, desk, {"id": "T1"}, close_entry("Done", deskextra="Solved", unheard="x", status=0, id="9"))
    assert world.get(incident, "deskextra") == "Solved"
    assert world.get(incident, "unheard") is None
    assert status(world, incident) is Status.CLOSED
    assert world.dirty(incident) == (set(), set())


def test_a_deleted_remote_object_closes_and_the_link_stays(world: World, desk: Remote) -> None:
    """MIR-133, MIR-213."""
    incident = both(world, desk)
    tell(world, desk, {"caseId": "T1"}, close_entry("Deleted"))
    assert (status(world, incident), world.get(incident, "closeReason")) == (Status.CLOSED, "Deleted")
    assert world.link(incident).remote_id == "T1"


def test_a_closed_incident_is_still_mirrored(world: World, desk: Remote) -> None:
    """MIR-134."""
    incident = both(world, desk)
    desk.close("T1")
    world.cycle(2)
    desk.change("T1", state="after all")
    desk.comment("T1", "one more thing")
    world.cycle()
    assert world.get(incident, "deskstate") == "after all"
    assert "one more thing" in world.texts(incident)


def test_after_a_reopen_here_mirroring_goes_on_both_ways(world: World, desk: Remote) -> None:
    """MIR-135, MIR-155: the reopen is told there, without closing names."""
    incident = both(world, desk)
    world.shut(incident, "Resolved")
    world.cycle(3)
    assert desk.tickets["T1"].closed
    world.reopen(incident)
    world.cycle()
    args = desk.asked(PUSH)[-1]
    assert (args["status"], args["incidentChanged"]) == (1, True)
    assert not {"closeReason", "closeNotes", "closingUserId"} & args["delta"].keys()
    assert not desk.tickets["T1"].closed
    world.cycle(2)
    desk.change("T1", state="working")
    world.edit(incident, details="again")
    world.cycle(2)
    assert world.get(incident, "deskstate") == "working"
    assert desk.tickets["T1"].fields["description"] == "again"
    assert status(world, incident) is Status.ACTIVE


def test_our_close_is_sent_once_with_its_reason(world: World, desk: Remote) -> None:
    """MIR-153, MIR-154: later pushes carry status 2 and no closing names."""
    incident = both(world, desk)
    world.shut(incident, "Duplicate", "see 7")
    world.cycle()
    (args,) = desk.asked(PUSH)
    assert (args["status"], args["incidentChanged"]) == (2, True)
    names = {"closeReason": "Duplicate", "closeNotes": "see 7", "closingUserId": "bob"}
    assert {k: args["delta"].get(k) for k in names} == names
    assert (args["data"]["closeReason"], args["data"]["closeNotes"]) == ("Duplicate", "see 7")
    assert (desk.tickets["T1"].closed, desk.tickets["T1"].reason) == (True, "Duplicate")
    world.cycle(3)
    world.edit(incident, details="afterwards")
    world.cycle(2)
    (_, args) = desk.asked(PUSH)
    assert (args["status"], args["delta"]) == (2, {"description": "afterwards"})
    assert args["casemirror"]["status_changed"] is False


def test_closed_in_both_places_at_once_ends_closed_with_our_reason_here(world: World, desk: Remote) -> None:
    """mirroring.md §4.5: the inbound close finds the incident closed, ours is sent once."""
    incident = both(world, desk)
    world.shut(incident, "Duplicate")
    desk.close("T1", "Theirs")
    world.cycle(4)
    assert (status(world, incident), world.get(incident, "closeReason")) == (Status.CLOSED, "Duplicate")
    assert len(desk.asked(PUSH)) == 1


def test_a_close_while_the_reopen_is_on_its_way_is_sent_too(world: World, desk: Remote) -> None:
    """Rule 1: what the call carried is what the remote knows, not what is true when it ends."""
    incident = both(world, desk, direction="Out")
    world.shut(incident, "Duplicate")
    world.cycle()
    world.reopen(incident)
    desk.during(PUSH, lambda: world.shut(incident, "Other"))
    world.cycle()
    assert desk.tickets["T1"].closed
    assert desk.tickets["T1"].reason == "Other"


def test_a_reopen_here_is_told_to_a_remote_that_was_closed_on_its_own(world: World, desk: Remote) -> None:
    """Both sides closed, ours was not sent yet: the remote must hear of the reopen all the same."""
    incident = both(world, desk)
    world.shut(incident)
    desk.next_answer(PUSH, error("no route to host"))
    tell(world, desk, {"id": "T1"}, close_entry("Done"))
    assert world.link(incident).remote_closed
    assert world.link(incident).out_status == Status.ACTIVE
    desk.close("T1")
    world.reopen(incident)
    world.cycle(3)
    assert status(world, incident) is Status.ACTIVE
    assert not desk.tickets["T1"].closed
