"""The unmodified ServiceNow v2 integration of the public content, with its own mappers, against the simulator.

Takes the place of a checkout of the public content repository from CASEMIRROR_PUBLIC_CONTENT; nothing of it is here.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from casemirror.actions import probes
from casemirror.model.ids import LaneId
from casemirror.model.incident import Status
from casemirror.simulators.servicenow import ServiceNowSimulator
from support.mirror import ANALYST, BY_HAND, Mirror

CONTENT = os.environ.get("CASEMIRROR_PUBLIC_CONTENT", "")
pytestmark = pytest.mark.skipif(
    not (CONTENT and (Path(CONTENT) / "Packs" / "ServiceNow").is_dir()),
    reason="CASEMIRROR_PUBLIC_CONTENT names no checkout of the public content repository with Packs/ServiceNow",
)


@pytest.fixture
def snow() -> Iterator[ServiceNowSimulator]:
    with ServiceNowSimulator() as simulator:
        yield simulator


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    tmp_path.chmod(0o755)
    made = Mirror(tmp_path)
    made.set(BY_HAND)
    packs = Path(CONTENT) / "Packs"
    made.install(*(packs / name for name in ("CommonTypes", "CommonScripts", "ServiceNow")))
    yield made
    made.close()


@pytest.fixture
def lane_id(mirror: Mirror, snow: ServiceNowSimulator) -> LaneId:
    given = {
        "url": snow.url,
        "credentials.identifier": "casemirror",
        "credentials.password": "casemirror",
        "isFetch": "true",
        "ticket_type": "incident",
        "incidentType": "ServiceNow Ticket",
        "mirror_direction": "Incoming And Outgoing",
        "close_incident": "true",
        "close_ticket": "true",
        "get_attachments": "true",
    }
    return mirror.instance(
        "ServiceNow",
        "ServiceNow v2",
        given,
        classifier="ServiceNow",
        mapper_in="ServiceNow-incoming-mapper",
        mapper_out="ServiceNow-outgoing-mapper",
    )


def next_second() -> None:
    """The remote's clock has whole seconds; its own comparison is strict."""
    time.sleep(1.05 - time.time() % 1)


def test_the_connection_is_tested(mirror: Mirror, lane_id: LaneId) -> None:
    """MIR-035: test-module says ok."""
    probes.test(mirror.app, ANALYST, "ServiceNow")
    assert mirror.instance_named("ServiceNow").health == "ok"


def test_a_ticket_mirrors_both_ways_and_each_change_arrives_once(
    mirror: Mirror, snow: ServiceNowSimulator, lane_id: LaneId
) -> None:
    """MIR-206: fetched, changed, commented, given files and closed on either side; a further cycle writes nothing."""
    ticket = snow.create("incident", short_description="printer on fire", description="smoke", severity="1")["sys_id"]
    mirror.turn(lane_id)
    incident = mirror.all()[0]
    assert (incident.type, incident.name, incident.get("servicenowstate")) == (
        "ServiceNow Ticket",
        "printer on fire",
        "1 - New",
    )

    next_second()
    snow.update(ticket, state="2", short_description="printer is burning")
    snow.comment(ticket, "please hurry")
    snow.attach(ticket, "photo.png", b"\x89PNG picture")
    mirror.turn(lane_id, 2)
    incident = mirror.incident(1)
    assert (incident.get("servicenowstate"), incident.name) == ("2 - In Progress", "printer is burning")
    came_in = mirror.texts(1, came_in=True)
    assert [t for t in came_in if "please hurry" in t] == ["Type: comments\n\nplease hurry"]
    assert came_in.count("photo.png") == 1

    next_second()
    mirror.edit(1, servicenowurgency="1 - High", details="all in smoke")
    mirror.say(1, "on my way")
    mirror.attach(1, "plan.txt", b"bring water", tags=("ForServiceNow",))
    mirror.turn(lane_id)
    row = snow.get(ticket)
    assert (row["urgency"], row["description"]) == ("1", "all in smoke")
    ours = [c["value"] for c in snow.comments(ticket) if "on my way" in c["value"]]
    assert len(ours) == 1
    assert [a["file_name"] for a in snow.attachments(ticket)] == ["photo.png", "plan_mirrored_from_xsoar.txt"]

    next_second()
    mirror.shut(1)
    mirror.turn(lane_id, 2)
    assert snow.get(ticket)["state"] == "7"

    next_second()
    before = dict(snow.state()["requests"])
    mirror.turn(lane_id, 3)
    after = snow.state()["requests"]
    written = {
        k: after[k] - before.get(k, 0) for k in after if not k.startswith("GET") and after[k] != before.get(k, 0)
    }
    assert written == {}
    assert mirror.incident(1).status is Status.CLOSED
    assert len([t for t in mirror.texts(1, came_in=True) if "on my way" in t]) == 0
    assert mirror.texts(1).count("photo.png") == 1


def test_a_ticket_closed_there_closes_here_and_nothing_is_sent_back(
    mirror: Mirror, snow: ServiceNowSimulator, lane_id: LaneId
) -> None:
    """MIR-122, MIR-125, MIR-128: closed once; a reopen here is not undone by the repeated close entry and goes out."""
    ticket = snow.create("incident", short_description="noise", severity="3")["sys_id"]
    mirror.turn(lane_id)
    next_second()
    snow.close(ticket, notes="gone")
    mirror.turn(lane_id, 2)
    assert mirror.incident(1).status is Status.CLOSED
    assert mirror.incident(1).get("closeReason") == "From ServiceNow: gone"
    assert not [k for k in snow.state()["requests"] if k.startswith("PATCH")]
    mirror.reopen(1)
    mirror.turn(lane_id, 2)
    assert mirror.incident(1).status is Status.ACTIVE
