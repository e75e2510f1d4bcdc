"""The whole way from Jira to the war room and back: our Jira pack in the real engine, against the simulator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from casemirror.actions import links, probes
from casemirror.model.ids import IncidentId, LaneId
from casemirror.model.incident import Status
from casemirror.model.link import RemoteState
from casemirror.simulators.jira import JiraSimulator
from casemirror.simulators.jira.issues import Issue
from support.mirror import ANALYST, BY_HAND, PACKS, Mirror


@pytest.fixture
def jira() -> Iterator[JiraSimulator]:
    with JiraSimulator() as simulator:
        yield simulator


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    tmp_path.chmod(0o755)
    made = Mirror(tmp_path)
    made.set(BY_HAND)
    made.install(PACKS / "CasemirrorJira")
    yield made
    made.close()


@pytest.fixture
def lane_id(mirror: Mirror, jira: JiraSimulator) -> LaneId:
    return add_instance(mirror, jira, "jira")


def add_instance(mirror: Mirror, jira: JiraSimulator, name: str, **params: str) -> LaneId:
    given = {
        "url": jira.url,
        "credentials.identifier": "casemirror",
        "credentials.password": "casemirror",
        "project": "SOC",
        "isFetch": "true",
        "mirror_direction": "Incoming And Outgoing",
    }
    return mirror.instance(name, "casemirror Jira", {**given, **params})


def found(jira: JiraSimulator, issue: Issue | str) -> Issue:
    there = jira.get(issue if isinstance(issue, str) else issue.key)
    assert there is not None
    return there


def writes_of(jira: JiraSimulator, run: Callable[[], Any]) -> list[dict[str, Any]]:
    """What our own account wrote while `run()` ran, writes that change nothing included."""
    before = len(jira.instance.writes.all())
    run()
    return [w.to_json() for w in jira.instance.writes.all()[before:] if w.by == "casemirror"]


def test_an_issue_mirrors_both_ways_and_each_change_arrives_once(
    mirror: Mirror, jira: JiraSimulator, lane_id: LaneId
) -> None:
    """MIR-035, MIR-206: tested, fetched, changed, commented, given files, closed and reopened on either side; further cycles write nothing."""
    probes.test(mirror.app, ANALYST, "jira")
    assert mirror.instance_named("jira").health == "ok"
    issue = jira.create(summary="printer on fire", description="smoke", priority="High", labels=("hot",))
    jira.comment(issue.key, "It was burning before")
    mirror.turn(lane_id, 2)
    incident = mirror.incident(1)
    assert (incident.type, incident.name, incident.get("severity")) == ("Jira Issue", "printer on fire", 3)
    assert (incident.get("jirastatus"), incident.get("jirakey"), incident.get("jiralabels")) == (
        "Open",
        "SOC-1",
        ["hot"],
    )

    jira.edit(issue.key, summary="printer is burning", assignee="bob", labels=("hot", "floor-3"))
    jira.move(issue.key, "In Progress")
    jira.comment(issue.key, "please hurry", by="bob")
    jira.attach(issue.key, "photo.png", b"\x89PNG picture")
    mirror.turn(lane_id, 2)
    incident = mirror.incident(1)
    assert (incident.name, incident.get("jirastatus")) == ("printer is burning", "In Progress")
    assert (incident.get("jiraassignee"), incident.get("jiralabels")) == ("bob", ["floor-3", "hot"])
    came_in = mirror.texts(1, came_in=True)
    assert [text.split("\n")[0] for text in came_in] == ["It was burning before", "please hurry", "photo.png"]

    mirror.edit(1, details="all in smoke", severity=4, jiraassignee="alice", jiralabels=["urgent", "hot"])
    mirror.say(1, "on my way")
    mirror.attach(1, "plan.txt", b"bring water", tags=("ForJira",))
    mirror.turn(lane_id, 2)
    there = found(jira, issue)
    assert (there.values["description"], there.values["priority"]) == ("all in smoke", "Highest")
    assert (there.values["assignee"], there.values["labels"]) == ("alice", ("hot", "urgent"))
    assert [text.split("\n")[0] for text in jira.texts(issue.key)] == [
        "It was burning before",
        "please hurry",
        "on my way",
    ]
    assert jira.files(issue.key) == [("photo.png", b"\x89PNG picture"), ("plan.txt", b"bring water")]

    mirror.shut(1, reason="Duplicate", notes="See SOC-7")
    mirror.turn(lane_id, 2)
    there = found(jira, issue)
    assert (there.status, there.resolution) == ("Resolved", "Duplicate")
    assert jira.texts(issue.key)[-1].startswith("Closed: Duplicate\nSee SOC-7")

    assert writes_of(jira, lambda: mirror.turn(lane_id, 3)) == []
    incident = mirror.incident(1)
    assert (incident.status, incident.get("jirastatus")) == (Status.CLOSED, "Resolved")
    assert len(mirror.texts(1, came_in=True)) == 3 and len(mirror.all()) == 1 and jira.state()["doubled"] == 0


def test_what_is_closed_and_reopened_there_is_so_here_and_nothing_is_sent_back(
    mirror: Mirror, jira: JiraSimulator, lane_id: LaneId
) -> None:
    """MIR-122, MIR-125: closed and reopened once each; then from here, to a status that forbids to edit and back."""
    issue = jira.create(summary="noise")
    mirror.turn(lane_id)
    jira.close(issue.key, resolution="Won't Do")
    assert writes_of(jira, lambda: mirror.turn(lane_id, 2)) == []
    incident = mirror.incident(1)
    assert (incident.status, incident.get("closeReason")) == (Status.CLOSED, "Won't Do")
    jira.reopen(issue.key)
    assert writes_of(jira, lambda: mirror.turn(lane_id, 2)) == []
    assert mirror.incident(1).status is Status.ACTIVE

    jira.move(issue.key, "Closed", resolution="Done")
    mirror.turn(lane_id, 2)
    mirror.reopen(1)
    mirror.edit(1, details="It is back")
    mirror.turn(lane_id, 2)
    there = found(jira, issue)
    assert (there.status, there.values["description"]) == ("Reopened", "It is back")
    assert mirror.incident(1).status is Status.ACTIVE
    assert writes_of(jira, lambda: mirror.turn(lane_id, 3)) == []


def test_an_incident_of_ours_becomes_one_issue(mirror: Mirror, jira: JiraSimulator, lane_id: LaneId) -> None:
    """MIR: create, with what was said before; not fetched back; a status chosen here makes the step there."""
    incident_id = mirror.create(name="Phishing", details="Look.", severity=2)
    mirror.say(incident_id, "first words")
    mirror.link(incident_id, "jira", tags=("comments", "ForJira"))
    mirror.turn(lane_id, 2)
    (issue,) = jira.issues()
    assert (issue.values["summary"], issue.values["priority"], issue.status) == ("Phishing", "Medium", "Open")
    assert mirror.incident(incident_id).get("jirakey") == "SOC-1" and len(mirror.all()) == 1
    mirror.edit(incident_id, jirastatus="In Progress")
    mirror.turn(lane_id, 2)
    assert found(jira, issue).status == "In Progress"
    jira.comment(issue.key, "an answer")
    mirror.turn(lane_id, 2)
    assert [t.split("\n")[0] for t in mirror.texts(incident_id, came_in=True)] == ["an answer"]
    assert writes_of(jira, lambda: mirror.turn(lane_id, 3)) == []


def test_lost_answers_double_nothing(mirror: Mirror, jira: JiraSimulator, lane_id: LaneId) -> None:
    """Created, commented and attached although each answer is lost once; `mirror.overlap` later it is all there, once."""
    incident_id = mirror.create(name="Once", details="D")
    mirror.link(incident_id, "jira", tags=("comments", "ForJira"))
    jira.set_faults(fail_after_write=1)
    mirror.turn(lane_id)
    assert len(jira.issues()) == 1
    retry(mirror, incident_id, lane_id)
    mirror.say(incident_id, "said once")
    jira.set_faults(fail_after_write=1)
    mirror.turn(lane_id)
    retry(mirror, incident_id, lane_id)
    mirror.attach(incident_id, "once.bin", b"\x00\x01", tags=("ForJira",))
    jira.set_faults(fail_after_write=1)
    mirror.turn(lane_id)
    retry(mirror, incident_id, lane_id)
    (issue,) = jira.issues()
    assert len(issue.comments) == 1 and jira.files(issue.key) == [("once.bin", b"\x00\x01")]
    assert len(mirror.all()) == 1 and mirror.texts(incident_id, came_in=True) == []


def retry(mirror: Mirror, incident_id: int, lane_id: LaneId) -> None:
    links.retry(mirror.app, ANALYST, IncidentId(incident_id), "jira")
    mirror.turn(lane_id)


def test_a_deleted_issue_is_a_state_of_its_link(mirror: Mirror, jira: JiraSimulator, lane_id: LaneId) -> None:
    """docs/gone.md: nothing here changes, and nothing is sent."""
    issue = jira.create(summary="soon gone")
    mirror.turn(lane_id)
    jira.delete(issue.key)
    mirror.edit(1, details="changed here")
    mirror.turn(lane_id)
    retry(mirror, 1, lane_id)
    (link,) = mirror.links(1)
    assert link.remote_state is RemoteState.MISSING
    assert "was not found in Jira" in str(mirror.incident(1).get("incomingmirrorerror"))
    assert mirror.incident(1).name == "soon gone"


def test_the_rate_limit_lets_the_lane_wait_as_jira_says_and_counts_as_no_failure(
    mirror: Mirror, jira: JiraSimulator, lane_id: LaneId
) -> None:
    """API: 429 and Retry-After; what comes in waits for so long, whoever asks for a cycle."""
    issue = jira.create(summary="before")
    mirror.turn(lane_id)
    jira.edit(issue.key, summary="after")
    jira.set_faults(rate_limit={"limit": 0, "window_s": 3600})
    mirror.turn(lane_id)
    asked = sum(jira.state()["requests"].values())
    jira.clear_faults()
    mirror.turn(lane_id, 2)
    assert sum(jira.state()["requests"].values()) == asked
    (link,) = mirror.links(1)
    assert (link.tries, mirror.incident(1).name) == (0, "before")


def test_an_incident_keeps_the_issues_of_two_jiras_the_same(mirror: Mirror, jira: JiraSimulator) -> None:
    """Ours and a partner's: what is done in one arrives in the other, once, through the incident."""
    ours = add_instance(mirror, jira, "ours")
    with JiraSimulator() as partner:
        theirs = add_instance(mirror, partner, "theirs", isFetch="false")
        issue = jira.create(summary="Shared", description="Both see this")
        mirror.turn(ours)
        mirror.link(1, "theirs", tags=("comments", "jira-comment", "ForJira", "jira-file"))
        mirror.turn(theirs)
        (other,) = partner.issues()
        jira.comment(issue.key, "from us")
        partner.comment(other.key, "from them")
        jira.attach(issue.key, "log.txt", b"log")
        partner.edit(other.key, summary="Shared by two")
        jira.move(issue.key, "In Progress")
        for _ in range(2):
            mirror.turn(ours)
            mirror.turn(theirs)
        jira.close(issue.key, resolution="Duplicate")
        for _ in range(2):
            mirror.turn(ours)
            mirror.turn(theirs)
        other = found(partner, other)
        assert (other.status, other.resolution) == ("Resolved", "Duplicate")
        assert found(jira, issue).values["summary"] == "Shared by two"
        texts = [text.split("\n")[0] for text in partner.texts(other.key)]
        assert texts.count("from us") == 1 and texts.count("from them") == 1
        assert partner.files(other.key) == [("log.txt", b"log")]
        assert len(mirror.all()) == 1 and mirror.incident(1).status is Status.CLOSED
        before = len(partner.instance.writes.all()), len(jira.instance.writes.all())
        mirror.turn(ours, 2)
        mirror.turn(theirs, 2)
        assert (len(partner.instance.writes.all()), len(jira.instance.writes.all())) == before
