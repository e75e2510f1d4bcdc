"""`plan` and `replay` by the real program, against the ServiceNow simulator."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from casemirror.simulators.servicenow import ServiceNowSimulator
from support.cli import PACKS, Program
from support.server import Server

MAPPER = PACKS / "CasemirrorServiceNow" / "Classifiers" / "mapper-incoming-servicenow.json"
OLD = "casemirror-servicenow-incoming"


@pytest.fixture
def remote() -> Iterator[ServiceNowSimulator]:
    """A ServiceNow instance with two incidents."""
    with ServiceNowSimulator(seed=1) as simulator:
        simulator.create("incident", short_description="Printer on fire", priority="4")
        simulator.create("incident", short_description="Coffee is out", priority="4")
        yield simulator


@pytest.fixture
def program(tmp_path: Path, remote: ServiceNowSimulator) -> Program:
    """A program with an instance of our ServiceNow integration, the tickets fetched and pulled once."""
    return Program(tmp_path / "home").mirroring(remote.url)


def ticket(program: Program, number: int) -> str:
    """The remote object of an incident."""
    return str(program.good("incident", "show", str(number), "--json").json["dbotMirrorId"])


def rows(program: Program) -> list[str]:
    """All that stands in the database."""
    with sqlite3.connect(program.home / "casemirror.db") as database:
        found = list(database.iterdump())
    database.close()
    return found


def changed(plan: dict[str, Any]) -> dict[tuple[str, str], tuple[Any, Any]]:
    """(kind, name) → old and new of a plan."""
    return {(c["kind"], c["name"]): (c["old"], c["new"]) for c in plan["changes"]}


def test_a_plan_is_shown_without_a_write_and_then_applied(program: Program, remote: ServiceNowSimulator) -> None:
    first, second = ticket(program, 1), ticket(program, 2)
    remote.update(first, short_description="the password is casemirror", priority="1")
    program.good("incident", "edit", "2", "severity=critical")
    program.good("incident", "comment", "2", "We look at it", "--tag", "comments")
    remote.create("incident", short_description="A third one", priority="2")
    stored, there = rows(program), remote.state()["tickets"]

    found = program.good("plan", "snow", "--json").json
    assert (rows(program), remote.state()["tickets"]) == (stored, there)
    plans = {plan["incident"]: plan for plan in found["plans"]}
    title = program.good("incident", "show", "1", "--json").json["name"]
    assert changed(plans["1"])["field in", "name"] == (title, "the password is <secret>")
    assert plans["1"]["changes"][0]["why"] == "only snow changed it"
    assert changed(plans["2"])["field out", "severity"] == (1, 4)
    assert plans["2"]["sends"] == {"priority": "1"}
    assert [c["new"] for c in plans["2"]["changes"] if c["kind"] == "comment out"] == ["We look at it"]
    assert [birth["name"] for birth in found["fetch"]["creates"]] == ["A third one"]
    told = program.good("plan", "snow").out
    for words in (
        plans["1"]["id"],
        "only we changed it",
        "1 call of update-remote-system: priority = 1",
        "A third one",
    ):
        assert words in told

    remote.update(first, short_description="Printer is out")
    ran = program("plan", "snow", "--apply", plans["1"]["id"])
    assert ran.code == 1 and "look at it before you apply it" in ran.out
    assert rows(program) == stored
    ran = program.good("plan", "snow", "--apply", plans["2"]["id"], "--json")
    assert [(each["incident_id"], each["outcome"]) for each in ran.json["applied"]] == [("2", "applied")]
    assert (remote.get(second) or {})["priority"] == "1"
    assert program.good("incident", "show", "1", "--json").json["name"] == title
    program.good("plan", "snow", "--apply", "all")
    assert program.good("incident", "show", "1", "--json").json["name"] == "Printer is out"
    assert program.good("plan", "snow", "--json").json["plans"] == []
    assert "no instance named" in program.refused("plan", "nobody")
    assert "give all, the number of an incident" in program.refused("plan", "snow", "--apply", "x")


def test_one_may_look_while_a_server_runs(program: Program, remote: ServiceNowSimulator) -> None:
    """The lane belongs to whoever works on it; a look does without it, and so does not disturb."""
    program.good("config", "set", "sync.mirror.job.enable", "false")
    server = Server(program.home).start()
    try:
        remote.update(ticket(program, 1), short_description="Printer is out")
        found = program.good("plan", "snow", "--json").json
        assert [plan["incident"] for plan in found["plans"]] == ["1"]
        assert "the mirror job is off" in found["notes"][0]
        program.good("plan", "snow", "--apply", "1")
        assert program.good("incident", "show", "1", "--json").json["name"] == "Printer is out"
        assert server.stop() == 0
    finally:
        server.end()
    assert "Traceback" not in server.said()


def test_payloads_are_mapped_again_and_written_without_a_call(
    program: Program, remote: ServiceNowSimulator, tmp_path: Path
) -> None:
    new = json.loads(MAPPER.read_text())
    new["id"] = new["name"] = "snow-new"
    lines = next(iter(new["mapping"].values()))["internalMapping"]
    lines["details"] = {"simple": "short_description"}
    file = tmp_path / "new.json"
    file.write_text(json.dumps(new))
    for number, text in ((1, "Printer is out"), (2, "Coffee is cold")):
        remote.update(ticket(program, number), short_description=text, description="as it was")
    program.good("instance", "mirror", "snow")
    program.good("incident", "edit", "2", "details=edited here")
    stored = rows(program)

    there = remote.state()["tickets"]
    remote.stop()
    found = program.good("replay", "snow", "--since", "1d", "--mapper", file, "--json").json
    assert rows(program) == stored
    assert found["summary"] == {
        "details": {"set": 0, "changed": 2, "emptied": 0, "untold": 0, "stale": 0, "already": 0}
    }
    [first, second] = found["incidents"]
    assert (first["fields"][0]["old"], first["fields"][0]["new"]) == ("as it was", "Printer is out")
    told = program.good("replay", "snow", "--since", "1d", "--mapper", file).out
    for words in ("nothing was written", "by field, in how many incidents", f"snow still maps with {OLD}"):
        assert words in told
    told = program.good("replay", "snow", "--since", "1d", "--mapper", file, "--apply").out
    assert "written" in told and "stays: both changed it: ours wins" in told
    details = [program.good("incident", "show", number, "--json").json["details"] for number in ("1", "2")]
    assert details == ["Printer is out", "edited here"]
    assert "re-mapped by snow-new for" in program.good("why", "1", "details").out
    assert "mapped what snow had said again, by snow-new" in program.good("timeline", "1").out
    assert remote.state()["tickets"] == there

    assert "give a time like" in program.refused("replay", "snow", "--since", "soon", "--mapper", file)
    assert "no mapper 'nope'" in program.refused("replay", "snow", "--since", "1d", "--mapper", "nope")
    assert "--against" in program.refused("replay", "snow", "--since", "1d", "--mapper", OLD)
