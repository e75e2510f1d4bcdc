"""A deleted ticket, and what may stand twice, as people see it: by the real program, against the ServiceNow simulator."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from casemirror.simulators.servicenow import ServiceNowSimulator
from support.cli import Program


@pytest.fixture
def remote() -> Iterator[ServiceNowSimulator]:
    with ServiceNowSimulator(seed=1) as simulator:
        simulator.create("incident", short_description="Printer on fire", priority="4")
        yield simulator


@pytest.fixture
def program(tmp_path: Path, remote: ServiceNowSimulator) -> Program:
    return Program(tmp_path / "home").mirroring(remote.url)


def test_a_deleted_ticket_is_told_everywhere_and_another_one_is_followed(
    program: Program, remote: ServiceNowSimulator
) -> None:
    """§2.8; MIR-136: the incident stays as it is until a person says with what to go on."""
    ticket = program.good("incident", "show", "1", "--json").json["dbotMirrorId"]
    remote.delete(ticket)
    program.good("link", "retry", "1")
    program.good("instance", "mirror", "snow")
    words = f"Record {ticket} was not found in ServiceNow"
    [link] = program.good("link", "list", "1", "--json").json
    assert link["remote_state"] == "missing" and link["remote_words"].startswith(words) and link["remote_since"]
    for command in (("link", "list", "1"), ("incident", "show", "1"), ("timeline", "1")):
        assert "missing; the remote says since" in " ".join(program.good(*command).out.split())
    found = program("doctor", "1", "--json")
    [check] = [each for each in found.json if each["name"] == "remote object"]
    assert found.code == 1 and words in check["text"] and "casemirror link follow 1 snow NEW_ID" in check["todo"]
    program.good("incident", "edit", "1", "severity=high")
    assert "is missing; the remote says since" in program.good("why", "1", "severity").out
    fleet = program.good("drift", "--json").json
    assert (fleet["gone"], fleet["disagree"], fleet["possiblySentTwice"]) == ({"missing": 1}, {}, 0)
    assert program.good("drift").out.startswith("100 % of 0 links agree; 1 more are gone there")

    other = remote.create("incident", short_description="Two printers on fire", priority="4")["sys_id"]
    assert "is linked to" in program.refused("link", "follow", "1", "jira", other)
    assert "linked to" in program.refused("link", "follow", "1", "snow", ticket)
    done = program.good("link", "follow", "1", "snow", other).out
    assert f"incident 1 goes on with {other} at snow; before it was {ticket}" in done
    program.good("instance", "mirror", "snow")
    shown = program.good("incident", "show", "1", "--json").json
    assert (shown["dbotMirrorId"], shown["name"], shown["severity"]) == (other, "Two printers on fire", 3)
    ticket_now = remote.get(other)
    assert ticket_now is not None and ticket_now["priority"] == "2"
    assert program.good("drift").out.startswith("100 % of 1 links agree")


def test_what_may_stand_twice_is_listed(program: Program) -> None:
    """For the fleet and for the incident, with the reason."""
    assert program.good("doubts").out.strip() == "possibly sent twice: 0"
    program.good("incident", "comment", "1", "Is it out?", "--tag", "comments")
    program.good("instance", "mirror", "snow")
    number = int(program.good("incident", "show", "1", "--json").json["entries"][-1]["id"].partition("@")[0])
    with sqlite3.connect(program.home / "casemirror.db") as database:
        [entry] = database.execute("SELECT id FROM entry WHERE incident_id = 1 AND number = ?", [number]).fetchone()
        [link] = database.execute("SELECT id FROM link").fetchone()
        row = [link, entry, "2026-01-02T12:00:00.000000", "nobody saw the outcome"]
        database.execute("INSERT INTO doubt (link_id, entry_id, at, reason) VALUES (?, ?, ?, ?)", row)
    told = program.good("doubts", "snow").out
    assert "possibly sent twice: 1" in told and f"{number}@1" in told and "nobody saw the outcome" in told
    listed = program.good("doubts", "--json").json
    assert listed["possiblySentTwice"] == 1
    assert listed["newest"][0]["entry"] == f"{number}@1" and listed["newest"][0]["what"] == "Is it out?"
    for command in (("incident", "show", "1"), ("drift",)):
        assert "possibly sent twice: 1" in program.good(*command).out
    assert "possibly sent twice" in program("doctor", "1").out
    assert "possibly sent twice: nobody saw the outcome" in " ".join(program.good("timeline", "1").out.split())
    assert "nothing" in program.refused("doubts", "nothing")
