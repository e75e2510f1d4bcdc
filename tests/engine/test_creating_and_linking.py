"""Remote objects that are created, links that are made and unmade, records that are purged.   MIR-179…190."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from casemirror.actions import instances, links, mirror
from casemirror.model.errors import Invalid, NotFound
from casemirror.model.ids import IncidentId
from casemirror.model.incident import Status
from casemirror.model.link import LinkState
from casemirror.runtime.command import Reply
from casemirror.store import incidents as incident_store
from casemirror.store import instances as instance_store
from support.desk import FETCH, POLL, PULL, PUSH, Killed, Remote, died, error, said
from support.world import ANALYST, HOUR, World

DAY = 24 * HOUR


@pytest.fixture
def desk(world: World) -> Remote:
    return world.instance()


def by_hand(world: World, direction: str = "Out", **fields: Any) -> IncidentId:
    """An incident whose remote object is to be created."""
    incident = world.create(**fields)
    world.connect(incident, direction=direction, tags=("comments",))
    return incident


def try_on(world: World, incident: IncidentId, times: int) -> None:
    """Let the link's waits run out, some times."""
    for _ in range(times):
        due = world.link(incident).due_at
        assert due is not None
        world.clock.turn(max((due - world.clock.now()).total_seconds(), 60))
        world.work()


@pytest.mark.parametrize("direction", ["Out", "Both"])
def test_an_object_is_created_with_all_that_is_mapped(world: World, desk: Remote, direction: str) -> None:
    """MIR-179, MIR-180: its id is kept, not dirty, and used from then on."""
    incident = by_hand(world, direction, details="no toner", severity=2)
    world.say(incident, "hello")
    world.cycle()
    (args,) = desk.asked(PUSH)
    mapped = {"title": "by hand", "description": "no toner", "severity": 2}
    assert (args["remoteId"], args["incidentChanged"], args["delta"], args["data"]) == ("", True, mapped, mapped)
    assert world.link(incident).remote_id == "T1"
    assert desk.tickets["T1"].fields["title"] == "by hand"
    assert desk.tickets["T1"].texts == ["hello"]
    assert world.dirty(incident) == (set(), set())
    world.cycle(3)
    assert len(desk.tickets) == len(desk.asked(PUSH)) == 1
    world.edit(incident, details="toner came")
    world.cycle()
    assert desk.asked(PUSH)[-1]["remoteId"] == "T1"
    assert desk.tickets["T1"].fields["description"] == "toner came"


def test_an_edit_with_mirror_fields_creates_too(world: World, desk: Remote) -> None:
    """MIR-179: as `setIncident` of a playbook does it."""
    incident = world.create(dbotMirrorInstance="desk", dbotMirrorDirection="both")
    world.cycle()
    assert world.link(incident).remote_id == "T1"


def test_creation_can_be_turned_off(world: World, desk: Remote) -> None:
    """`mirror.create.remote=false`."""
    world.set(mirror__create__remote="false")
    incident = by_hand(world)
    world.cycle(3)
    assert desk.calls == []
    assert world.link(incident).remote_id == ""


def test_an_integration_that_creates_nothing_is_asked_three_times_and_again_after_a_change(
    world: World, desk: Remote
) -> None:
    """MIR-181: meanwhile nothing counts as sent, and the comment goes out when there is a ticket at last."""
    desk.creates = False
    incident = by_hand(world, details="no toner")
    world.say(incident, "hello")
    world.work()
    try_on(world, incident, 6)
    assert len(desk.asked(PUSH)) == 3
    link = world.link(incident)
    assert (link.state, link.remote_id) == (LinkState.HELD, "")
    assert "answered no id to 3 creation calls" in link.held_reason
    assert world.get(incident, "outgoingmirrorerror") is None
    assert [row["state"] for row in mirror.records(world.app, ANALYST)] == ["create-failed"]
    world.edit(incident, details="changed")
    world.work()
    assert len(desk.asked(PUSH)) == 4
    desk.creates = True
    try_on(world, incident, 1)
    assert desk.tickets["T1"].fields["description"] == "changed"
    assert desk.tickets["T1"].texts == ["hello"]
    assert world.link(incident).create_attempts == 0


def test_a_refused_creation_is_tried_again(world: World, desk: Remote) -> None:
    """The integration said that nothing was created: no doubt, no question."""
    incident = by_hand(world)
    desk.next_answer(PUSH, error("caller is missing"))
    world.work()
    assert world.get(incident, "outgoingmirrorerror") == "caller is missing"
    try_on(world, incident, 1)
    assert world.link(incident).remote_id == "T1"
    assert len(desk.tickets) == 1


def test_a_creation_that_hits_a_rate_limit_is_tried_again(world: World, desk: Remote) -> None:
    """The integration said so itself: the next cycle goes on, and nobody is asked."""
    incident = by_hand(world)
    desk.next_answer(PUSH, error("API rate limit exceeded"))
    world.work()
    assert world.link(incident).creating_at is None
    world.cycle(2)
    assert world.link(incident).remote_id == "T1"
    assert len(desk.tickets) == 1


@pytest.mark.parametrize("how", ["the command dies", "the server dies"])
def test_a_creation_that_nobody_saw_end_is_asked_about_and_not_repeated(world: World, desk: Remote, how: str) -> None:
    """MIR-182: a second ticket is worse than a question; linking it or a retry by a person goes on."""
    incident = by_hand(world)
    if how == "the command dies":
        desk.loses_answer(PUSH)
        world.work()
    else:
        desk.afterwards(PUSH, die)
        with pytest.raises(Killed):
            world.work()
        world.restart()
    try_on(world, incident, 5)
    link = world.link(incident)
    assert len(desk.tickets) == 1
    assert (link.state, link.remote_id) == (LinkState.HELD, "")
    assert "its outcome was never seen" in link.held_reason
    world.edit(incident, dbotMirrorId="T1")
    world.edit(incident, details="linked by hand")
    world.cycle(2)
    assert desk.tickets["T1"].fields["description"] == "linked by hand"
    assert len(desk.tickets) == 1


def test_a_retry_by_a_person_creates_once_more(world: World, desk: Remote) -> None:
    """MIR-182: the person looked, and there was none."""
    incident = by_hand(world)
    desk.next_answer(PUSH, died())
    world.work()
    try_on(world, incident, 2)
    assert world.link(incident).state is LinkState.HELD
    assert [link.state for link in links.retry(world.app, ANALYST, incident)] == [LinkState.ACTIVE]
    world.work()
    assert (world.link(incident).remote_id, len(desk.tickets)) == ("T1", 1)


def test_what_was_held_for_want_of_a_mapper_goes_on_when_there_is_one(world: World, desk: Remote) -> None:
    """Held until a person or a new mapper changes something: both ways, without an edit."""
    incident = world.mirror(desk.ticket())
    world.cycle(3)
    with world.store.write() as tx:
        missing = instance_store.by_name(tx, "desk")
        instance_store.update(tx, missing.id, world.clock.now(), mapper_in="not installed")
    desk.change("T1", state="working")
    world.cycle(2)
    link = world.link(incident)
    assert (link.state, world.get(incident, "deskstate")) == (LinkState.HELD, "new")
    assert "'not installed' is not installed" in link.held_reason
    instances.update(world.app, ANALYST, "desk", {}, choice=instances.Choice(mapper_in="desk-in"))
    world.work()
    assert world.get(incident, "deskstate") == "working"


def die() -> None:
    raise Killed


def test_an_integration_that_recognises_its_own_creation_is_asked_again(world: World) -> None:
    """MIR-182 for `creates_safely`: no question is needed."""
    desk = world.instance(integration="Desk Safe")
    incident = by_hand(world)
    desk.loses_answer(PUSH)
    world.work()
    desk.next_answer(PUSH, said("T1"))
    try_on(world, incident, 1)
    assert world.link(incident).remote_id == "T1"
    assert len(desk.tickets) == 1


def test_an_id_that_was_stored_is_never_created_again(world: World, desk: Remote) -> None:
    """MIR-182: the server dies after the id was stored."""
    incident = by_hand(world)
    desk.during(PULL, die)
    world.edit(incident, dbotMirrorDirection="Both")
    with pytest.raises(Killed):
        world.work()
    world.restart()
    world.cycle(3)
    assert (len(desk.tickets), world.link(incident).remote_id) == (1, "T1")


def test_another_id_in_an_answer_is_not_taken(world: World, desk: Remote) -> None:
    """MIR-183."""
    incident = world.mirror(desk.ticket())
    world.edit(incident, details="x")
    desk.next_answer(PUSH, said("T99"))
    world.cycle()
    assert world.link(incident).remote_id == "T1"


@pytest.mark.parametrize("answer", [said(), said({"Type": 1, "Contents": "done", "ContentsFormat": "text"}, "T1")])
def test_a_push_may_answer_nothing_or_more(world: World, desk: Remote, answer: Any) -> None:
    """MIR-060, MIR-061."""
    incident = world.mirror(desk.ticket())
    world.edit(incident, details="x")
    desk.next_answer(PUSH, answer)
    world.cycle(3)
    assert world.link(incident).remote_id == "T1"
    assert world.dirty(incident) == (set(), set())
    assert len(desk.asked(PUSH)) == 1


def test_a_deleted_incident_is_forgotten_and_a_refetched_one_is_new(world: World) -> None:
    """MIR-184."""
    desk = world.instance(fetches=True)
    desk.ticket()
    desk.comment("T1", "hello")
    world.work()
    (first,) = world.all()
    with world.store.write() as tx:
        incident_store.delete(tx, first.id)
    desk.calls.clear()
    desk.change("T1", state="working")
    world.cycle(3)
    assert desk.asked(PULL) == []
    assert desk.asked(PUSH) == []
    assert mirror.records(world.app, ANALYST) == []
    fetch = next(call.command for call in desk.calls if call.name == FETCH)
    desk.next_answer(FETCH, Reply(incidents=desk.play(replace(fetch, last_run={})).incidents))
    world.cycle()
    (again,) = world.all()
    assert again.id != first.id
    assert world.texts(again.id) == ["hello"]
    assert world.get(again.id, "deskstate") == "working"


def closed(world: World, desk: Remote, days_ago: float) -> IncidentId:
    incident = world.mirror(desk.ticket())
    world.shut(incident)
    world.work()
    world.clock.turn(days_ago * DAY)
    return incident


def test_a_purge_takes_old_closed_records_of_one_instance(world: World) -> None:
    """MIR-185: open ones, younger ones and other instances' stay."""
    world.set(mirror__reconcile="0")
    one, two = world.instance("desk"), world.instance("two")
    old = closed(world, one, 35)
    young = closed(world, one, 5)
    still_open = world.mirror(one.ticket())
    others = world.mirror(two.ticket(), instance="two")
    world.shut(others)
    assert mirror.purge(world.app, ANALYST, "desk", "30") == 1
    states = {row["incidentId"]: row["state"] for row in mirror.records(world.app, ANALYST)}
    assert states == {str(old): "purged", str(young): "closed", str(still_open): "active", str(others): "closed"}


def test_a_purge_without_age_takes_all_closed_ones(world: World, desk: Remote) -> None:
    """MIR-186."""
    closed(world, desk, 0)
    closed(world, desk, 1)
    world.mirror(desk.ticket())
    assert mirror.purge(world.app, ANALYST, "desk") == 2
    assert mirror.purge(world.app, ANALYST, "desk") == 0


@pytest.mark.parametrize(
    ("instance", "days", "refusal"),
    [("", "", Invalid), ("gone", "", NotFound), ("desk", "-1", Invalid), ("desk", "x", Invalid)],
)
def test_a_purge_that_is_asked_wrongly_removes_nothing(
    world: World, desk: Remote, instance: str, days: str, refusal: type[Exception]
) -> None:
    """MIR-187."""
    closed(world, desk, 40)
    with pytest.raises(refusal):
        mirror.purge(world.app, ANALYST, instance, days)
    assert [row["state"] for row in mirror.records(world.app, ANALYST)] == ["closed"]


def test_a_purged_record_rests_until_the_incident_is_reopened(world: World, desk: Remote) -> None:
    """MIR-188."""
    incident = closed(world, desk, 0)
    world.cycle(3)
    mirror.purge(world.app, ANALYST, "desk")
    number = len(desk.calls)
    desk.reopen("T1")
    desk.change("T1", state="working")
    desk.comment("T1", "anybody there?")
    world.edit(incident, details="nobody sees this yet")
    world.cycle(3)
    assert set(desk.since(number)) <= {POLL}
    assert world.get(incident, "deskstate") == "new"
    world.reopen(incident)
    world.cycle(2)
    assert world.incident(incident).status is Status.ACTIVE
    assert world.get(incident, "deskstate") == "working"
    assert "anybody there?" in world.texts(incident)
    assert desk.tickets["T1"].fields["description"] == "nobody sees this yet"


def test_statistics_count_open_closed_and_limited_records(world: World, desk: Remote) -> None:
    """MIR-189."""
    made = [world.mirror(desk.ticket(), settle=False) for _ in range(3)]
    world.work()
    world.shut(made[0])
    world.cycle(3)
    desk.change("T2")
    desk.next_answer(PULL, error("API rate limit"))
    world.cycle()
    row, total = mirror.statistics(world.app, ANALYST)
    expected = {
        "totalMirrored": 2,
        "rateLimited": 1,
        "rateLimitHits": 1,
        "closedRecords": 1,
        "closedRateLimitedRecords": 0,
    }
    assert {k: row[k] for k in expected} == expected == {k: total[k] for k in expected}
    assert row["lastRun"].startswith(world.clock.now().strftime("%Y-%m-%dT%H:%M:%S"))


def test_each_link_has_a_record(world: World, desk: Remote) -> None:
    """MIR-190."""
    incident = world.mirror(desk.ticket(), tags=("comments",))
    world.cycle(3)
    synced = world.link(incident).last_sync_at
    assert synced is not None
    desk.change("T1")
    desk.next_answer(PULL, error("no route"))
    world.cycle()
    world.edit(incident, deskstate="working")
    world.say(incident, "hello")
    (row,) = mirror.records(world.app, ANALYST, incident_id=incident)
    expected = {
        "incidentId": "1",
        "dbotMirrorInstance": "desk",
        "dbotMirrorId": "T1",
        "dbotMirrorDirection": "Both",
        "currentDirtyFields": ["deskstate"],
        "unsentEntries": 1,
        "state": "active",
        "queued": True,
        "lastErrorIn": "no route",
        "lastErrorOut": "",
        "attemptsIn": 1,
        "attemptsOut": 0,
    }
    assert {k: row[k] for k in expected} == expected
    assert row["dbotMirrorLastSync"].startswith(synced.strftime("%Y-%m-%dT%H:%M:%S"))


def test_a_failed_push_counts_as_going_out(world: World, desk: Remote) -> None:
    """MIR-189, MIR-190: what failed which way is told apart."""
    incident = world.mirror(desk.ticket())
    world.edit(incident, details="x")
    desk.next_answer(PUSH, error("read-only"))
    world.work()
    (row,) = mirror.records(world.app, ANALYST)
    assert (row["lastErrorIn"], row["lastErrorOut"]) == ("", "read-only")
    assert (row["attemptsIn"], row["attemptsOut"]) == (0, 1)
    (statistics,) = mirror.statistics(world.app, ANALYST, "desk")
    assert (statistics["failedIn"], statistics["failedOut"]) == (0, 1)
