"""One instance owns a field of an incident that several have; and policies for one link."""

from __future__ import annotations

import pytest

from casemirror.actions import doctor, planning, planning_link, policies, timeline, why, why_words
from casemirror.model.actor import Actor, Role
from casemirror.model.errors import Forbidden, Invalid, NotFound
from casemirror.model.ids import IncidentId
from casemirror.model.plan import Rule
from support.desk import PUSH, Remote
from support.world import ANALYST, World

READER = Actor("ann", Role.ANALYST)


@pytest.fixture
def desk(world: World) -> Remote:
    return world.instance()


@pytest.fixture
def other(world: World, desk: Remote) -> Remote:
    return world.instance("other")


@pytest.fixture
def incident(world: World, desk: Remote, other: Remote) -> IncidentId:
    """Linked to T1 of both instances, which agree."""
    made = world.mirror(desk.ticket())
    world.connect(made, "other", remote_id=other.ticket().id)
    world.cycle(3)
    return made


def test_only_the_owner_changes_the_field(world: World, desk: Remote, other: Remote, incident: IncidentId) -> None:
    """docs/conflicts.md: what another instance changes is not taken, and ours is sent back at once."""
    policies.put_owner(world.app, ANALYST, "Desk State", "desk")
    other.change("T1", state="from other", note="also from other")
    world.cycle(2)
    assert world.get(incident, "deskstate") == "new"
    assert other.tickets["T1"].fields["state"] == "new"
    assert world.get(incident, "desknote") == desk.tickets["T1"].fields["note"] == "also from other"
    desk.change("T1", state="from desk")
    world.cycle(2)
    assert world.get(incident, "deskstate") == other.tickets["T1"].fields["state"] == "from desk"
    world.edit(incident, deskstate="from here")
    world.cycle(2)
    assert desk.tickets["T1"].fields["state"] == other.tickets["T1"].fields["state"] == "from here"


def test_it_is_sent_back_once_and_then_all_is_quiet(
    world: World, desk: Remote, other: Remote, incident: IncidentId
) -> None:
    """The echo of what was sent back is no news."""
    policies.put_owner(world.app, ANALYST, "deskstate", "desk")
    other.change("T1", state="from other")
    before = len(desk.asked(PUSH)), len(other.asked(PUSH))
    world.cycle(6)
    assert (len(desk.asked(PUSH)), len(other.asked(PUSH))) == (before[0], before[1] + 1)


def test_a_remote_that_insists_is_answered_once_in_the_echo_guard(
    world: World, desk: Remote, other: Remote, incident: IncidentId
) -> None:
    """docs/conflicts.md: a workflow there that sets its value again does not make a storm of calls."""
    world.set(mirror__echo__guard="600")
    policies.put_owner(world.app, ANALYST, "deskstate", "desk")
    other.change("T1", state="mine")
    sent = len(other.asked(PUSH))
    for _ in range(int(1300 / world.interval_s)):
        world.cycle()
        other.change("T1", state="mine")
    assert len(other.asked(PUSH)) - sent == 3
    assert world.get(incident, "deskstate") == "new"


def test_without_a_line_of_the_outgoing_mapper_the_drift_stays(
    world: World, desk: Remote, other: Remote, incident: IncidentId
) -> None:
    """The outgoing mapper has no line for the count: nothing is sent back, nothing is taken."""
    policies.put_owner(world.app, ANALYST, "Desk Count", "desk")
    desk.change("T1", count=1)
    world.cycle(2)
    other.change("T1", count=2)
    world.cycle(3)
    assert world.get(incident, "deskcount") == 1
    assert other.asked(PUSH) == []
    assert other.tickets["T1"].fields["count"] == 2
    assert world.rules(incident, "deskcount") == ["remote-changed", "owned-elsewhere"]


def test_an_owner_counts_only_where_the_incident_is_linked_to_it(
    world: World, desk: Remote, other: Remote, incident: IncidentId
) -> None:
    """An incident of `other` alone takes what `other` says; for one type, or one incident, somebody else may own it."""
    policies.put_owner(world.app, ANALYST, "deskstate", "desk")
    alone = world.mirror(other.ticket(), instance="other")
    other.change("T2", state="taken")
    world.cycle(2)
    assert world.get(alone, "deskstate") == "taken"
    policies.put_owner(world.app, ANALYST, "deskstate", "other", incident=incident)
    other.change("T1", state="other owns it here")
    world.cycle(2)
    assert world.get(incident, "deskstate") == desk.tickets["T1"].fields["state"] == "other owns it here"
    policies.remove_owner(world.app, ANALYST, "deskstate", incident=incident)
    policies.put_owner(world.app, ANALYST, "deskstate", "other", type="Desk Ticket")
    desk.change("T1", state="not taken")
    world.cycle(2)
    assert world.get(incident, "deskstate") == "other owns it here"


def test_why_timeline_and_doctor_tell_who_owns_it(
    world: World, desk: Remote, other: Remote, incident: IncidentId
) -> None:
    """The decision keeps the owner of that time, whoever owns the field later."""
    policies.put_owner(world.app, ANALYST, "deskstate", "desk")
    other.change("T1", state="from other")
    world.cycle(2)
    [field] = why.explain_fields(world.app, ANALYST, incident, "deskstate").fields
    through = next(each for each in field.links if each.link.instance_name == "other")
    assert any("desk owns it: what other changes is not taken" in text for text in through.waits)
    told = why_words.decision(through.decided[0], "other")
    assert "it is owned by desk, so what other changed was not taken: ours stays" in told
    told = " ".join(event.text for event in timeline.of_incident(world.app, ANALYST, incident))
    assert 'here "new", there "from other" (it is owned by desk' in told
    [check] = [c for c in doctor.examine(world.app, ANALYST, str(incident)) if c.name == "owners"]
    assert check.text == "what other changes of these fields is not taken: deskstate (owned by desk)"
    policies.remove_owner(world.app, ANALYST, "deskstate")
    assert not [c for c in doctor.examine(world.app, ANALYST, str(incident)) if c.name == "owners"]
    [field] = why.explain_fields(world.app, ANALYST, incident, "deskstate").fields
    through = next(each for each in field.links if each.link.instance_name == "other")
    assert "owned by desk" in why_words.decision(through.decided[0], "other")


def test_a_method_for_one_link_comes_before_the_fields_own(
    world: World, desk: Remote, other: Remote, incident: IncidentId
) -> None:
    """Link before field: with the other instance, and for other incidents, the field's method stays."""
    policies.put(world.app, ANALYST, "local", field="deskstate")
    policies.put(world.app, ANALYST, "remote", incident=incident, instance="other")
    world.edit(incident, deskstate="ours")
    desk.change("T1", state="theirs")
    other.change("T1", state="the others'")
    world.cycle(4)
    assert world.get(incident, "deskstate") == "the others'"
    assert {desk.tickets["T1"].fields["state"], other.tickets["T1"].fields["state"]} == {"the others'"}
    assert "conflict-local-wins" in world.rules(incident, "deskstate")
    policies.remove(world.app, ANALYST, incident=incident, instance="other")
    assert [choice.field for choice, _ in policies.list_all(world.app, ANALYST)] == ["deskstate"]


def test_every_rule_has_its_words() -> None:
    """A decision that nobody can read would be none."""
    assert set(why_words.RULES) == set(planning_link.WHY) == set(Rule)


def test_a_plan_tells_that_another_instance_owns_the_field(
    world: World, desk: Remote, other: Remote, incident: IncidentId
) -> None:
    """What would be sent back, and why."""
    policies.put_owner(world.app, ANALYST, "deskstate", "desk")
    other.change("T1", state="from other")
    world.clock.turn(world.interval_s)
    [planned] = planning.preview(world.app, ANALYST, "other").links
    [change] = planned.changes
    assert (change.kind, change.name, change.new) == ("field out", "deskstate", "new")
    assert change.why == "another instance owns it: what other changed is not taken"
    assert other.asked(PUSH) == []


def test_mistakes_are_named(world: World, desk: Remote, incident: IncidentId) -> None:
    app = world.app
    with pytest.raises(Invalid, match="no field"):
        policies.put_owner(app, ANALYST, "nosuch", "desk")
    with pytest.raises(Invalid, match="about the link itself"):
        policies.put_owner(app, ANALYST, "dbotMirrorId", "desk")
    with pytest.raises(NotFound, match="nowhere"):
        policies.put_owner(app, ANALYST, "severity", "nowhere")
    with pytest.raises(Invalid, match="not both"):
        policies.put_owner(app, ANALYST, "severity", "desk", type="Desk Ticket", incident=incident)
    with pytest.raises(NotFound, match="no incident 99"):
        policies.put_owner(app, ANALYST, "severity", "desk", incident=99)
    with pytest.raises(NotFound, match="nobody owns severity"):
        policies.remove_owner(app, ANALYST, "severity")
    with pytest.raises(Invalid, match="an incident is given with an instance"):
        policies.put(app, ANALYST, "ask", incident=incident)
    world.instance("third")
    with pytest.raises(NotFound, match="not linked to 'third'; it is linked to desk, other"):
        policies.put(app, ANALYST, "ask", incident=incident, instance="third")
    with pytest.raises(Forbidden):
        policies.put_owner(app, READER, "severity", "desk")
