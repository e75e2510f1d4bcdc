"""The unmodified Cortex XDR - IR integration of the public content, with its own classifier and mappers, against the simulator.

Takes the place of a checkout of the public content repository from CASEMIRROR_PUBLIC_CONTENT; nothing of it is here.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from casemirror.actions import probes, users
from casemirror.model.ids import LaneId
from casemirror.model.incident import Status
from casemirror.simulators.cortexxdr import CortexXdrSimulator
from support.mirror import ANALYST, BY_HAND, Mirror, eventually

CONTENT = os.environ.get("CASEMIRROR_PUBLIC_CONTENT", "")
pytestmark = pytest.mark.skipif(
    not (CONTENT and (Path(CONTENT) / "Packs" / "CortexXDR").is_dir()),
    reason="CASEMIRROR_PUBLIC_CONTENT names no checkout of the public content repository with Packs/CortexXDR",
)


@pytest.fixture
def xdr() -> Iterator[CortexXdrSimulator]:
    with CortexXdrSimulator(fault_values={"rate_limit": None}) as simulator:
        yield simulator


def made(folder: Path) -> Mirror:
    folder.chmod(0o755)
    mirror = Mirror(folder)
    mirror.set(BY_HAND)
    packs = Path(CONTENT) / "Packs"
    mirror.install(*(packs / name for name in ("CommonTypes", "CommonScripts", "FiltersAndTransformers", "CortexXDR")))
    return mirror


def instance(mirror: Mirror, xdr: CortexXdrSimulator) -> LaneId:
    given = {
        "url": xdr.url,
        "apikey_id": "1",
        "apikey": "casemirror",
        "isFetch": "true",
        "incidentType": "Cortex XDR Incident",
        "mirror_direction": "Both",
        "sync_owners": "true",
    }
    return mirror.instance(
        "XDR",
        "Cortex XDR - IR",
        given,
        classifier="Cortex XDR - IR",
        mapper_in="Cortex XDR - IR-mapper",
        mapper_out="Cortex XDR - IR-out-mapper",
    )


def turn_until(mirror: Mirror, lane_id: LaneId, check: Callable[[], bool]) -> None:
    """Pulls that bring no news are spread, so a change may come a turn later."""

    def turned() -> bool:
        mirror.turn(lane_id)
        return check()

    eventually(turned)


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    with contextlib.closing(made(tmp_path)) as mirror:
        yield mirror


@pytest.fixture
def lane_id(mirror: Mirror, xdr: CortexXdrSimulator) -> LaneId:
    return instance(mirror, xdr)


def test_the_connection_is_tested(mirror: Mirror, lane_id: LaneId) -> None:
    """MIR-035: test-module says ok."""
    probes.test(mirror.app, ANALYST, "XDR")
    assert mirror.instance_named("XDR").health == "ok"


def test_an_incident_mirrors_both_ways_and_each_change_arrives_once(
    mirror: Mirror, xdr: CortexXdrSimulator, lane_id: LaneId
) -> None:
    """MIR-206: fetched, changed on either side, closed here; further cycles write nothing."""
    remote = xdr.create("Malware on host-1", alerts=[{"name": "WildFire Malware", "severity": "high"}])
    mirror.turn(lane_id)
    incident = mirror.all()[0]
    assert (incident.type, incident.name) == ("Cortex XDR Incident", f"XDR Incident {remote} - Malware on host-1")
    assert (incident.get("xdrstatusv2"), incident.get("severity"), incident.get("xdralertname")) == (
        "new",
        3,
        ["WildFire Malware"],
    )

    xdr.update(remote, status="under_investigation", assigned_user_mail="alice@example.com")
    xdr.alert(remote, name="Port scan", severity="low", host_name="host-2")
    mirror.turn(lane_id)
    incident = mirror.incident(1)
    assert (incident.get("xdrstatusv2"), incident.get("xdrassigneduseremail"), incident.get("xdralertcount")) == (
        "under_investigation",
        "alice@example.com",
        2,
    )
    assert [alert["name"] for alert in incident.get("xdralerts")] == ["WildFire Malware", "Port scan"]

    mirror.edit(1, severity=1, xdrassigneduseremail="bob@example.com")
    mirror.turn(lane_id)
    now = xdr.get(remote)
    assert (now["manual_severity"], now["assigned_user_mail"], now["status"]) == (
        "low",
        "bob@example.com",
        "under_investigation",
    )

    mirror.shut(1, reason="False Positive", notes="our own scanner")
    mirror.turn(lane_id)
    now = xdr.get(remote)
    assert (now["status"], now["resolve_comment"]) == ("resolved_false_positive", "our own scanner")

    before = xdr.state()["requests"]["update_incident"]
    mirror.turn(lane_id, 3)
    assert xdr.state()["requests"]["update_incident"] == before
    incident = mirror.incident(1)
    assert (incident.status, incident.get("severity"), incident.get("xdrstatusv2")) == (
        Status.CLOSED,
        1,
        "resolved_false_positive",
    )


def test_an_incident_closed_there_closes_here_and_nothing_is_sent_back(
    mirror: Mirror, xdr: CortexXdrSimulator, lane_id: LaneId
) -> None:
    """MIR-122, MIR-125, MIR-128: closed once; a reopen here is not undone by the repeated close entry.

    The integration sends no status for a reopening, and no reopen entry for one there: the status field alone tells it.
    """
    remote = xdr.create()
    mirror.turn(lane_id)
    xdr.close(remote, "resolved_known_issue", "patched")
    mirror.turn(lane_id, 2)
    incident = mirror.incident(1)
    assert (incident.status, incident.get("closeReason"), incident.get("closeNotes")) == (
        Status.CLOSED,
        "Other",
        "Known Issue.\npatched",
    )
    assert "update_incident" not in xdr.state()["requests"]
    mirror.reopen(1)
    mirror.turn(lane_id, 2)
    assert mirror.incident(1).status is Status.ACTIVE
    assert xdr.get(remote)["status"] == "resolved_known_issue"
    xdr.reopen(remote)
    turn_until(mirror, lane_id, lambda: mirror.incident(1).get("xdrstatusv2") == "under_investigation")
    assert mirror.incident(1).status is Status.ACTIVE
    xdr.close(remote, "resolved_duplicate", "see 7")
    turn_until(mirror, lane_id, lambda: mirror.incident(1).status is Status.CLOSED)
    assert mirror.incident(1).get("closeReason") == "Duplicate"


def test_owners_follow_the_assignment_by_mail_address(mirror: Mirror, xdr: CortexXdrSimulator, lane_id: LaneId) -> None:
    """`sync_owners`: `demisto.findUser` by mail address inwards and by name outwards.  An owner is never blanked."""
    for name in ("alice", "bob"):
        users.add(mirror.app, ANALYST, name, email=f"{name}@example.com")
    remote = xdr.create()
    xdr.update(remote, assigned_user_mail="alice@example.com")
    mirror.turn(lane_id)
    assert mirror.incident(1).get("owner") == "alice"
    mirror.edit(1, owner="bob")
    mirror.turn(lane_id)
    assert xdr.get(remote)["assigned_user_mail"] == "bob@example.com"
    xdr.update(remote, assigned_user_mail="none")
    turn_until(mirror, lane_id, lambda: mirror.incident(1).get("xdrassigneduseremail") == "")
    assert mirror.incident(1).get("owner") == "bob"


def test_the_documented_limit_delays_and_loses_nothing(tmp_path: Path) -> None:
    """MIR-150: 13 incidents at 10 requests a minute; a pull that meets the limit is no failure and comes later."""
    ahead = [0.0]
    with CortexXdrSimulator(clock=lambda: time.time() + ahead[0]) as xdr, contextlib.closing(made(tmp_path)) as mirror:
        mirror.set({"mirror.budget.learn": "false"})  # it would wait for a real minute
        lane_id = instance(mirror, xdr)
        for number in range(13):
            xdr.create(f"number {number}")
            ahead[0] += 0.01  # what shares a millisecond with the last one fetched, the integration passes over
        mirror.turn(lane_id)
        assert len(mirror.all()) == 10
        xdr.update("1", status="under_investigation")
        mirror.turn(lane_id)
        assert mirror.incident(1).get("xdrstatusv2") == "new"
        assert mirror.links(1)[0].tries == 0
        for _ in range(3):
            ahead[0] += 61
            mirror.turn(lane_id)
        assert len(mirror.all()) == 13
        assert mirror.incident(1).get("xdrstatusv2") == "under_investigation"
        assert {link.error_in for link in mirror.links(1)} == {""}
