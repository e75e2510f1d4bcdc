"""`why`, `timeline`, `doctor` and `drift` by the real program, against the ServiceNow simulator."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from casemirror.simulators.servicenow import ServiceNowSimulator
from support.cli import Program


@pytest.fixture
def remote() -> Iterator[ServiceNowSimulator]:
    """A ServiceNow instance with one incident."""
    with ServiceNowSimulator(seed=1) as simulator:
        simulator.create("incident", short_description="Printer on fire", priority="4")
        yield simulator


@pytest.fixture
def program(tmp_path: Path, remote: ServiceNowSimulator) -> Program:
    """A program with an instance of our ServiceNow integration and the ticket fetched."""
    return Program(tmp_path / "home").mirroring(remote.url)


def test_why_names_the_payload_the_mapper_line_and_the_rule(program: Program, remote: ServiceNowSimulator) -> None:
    """Issue: Explain. A field changed there, one changed here, one in conflict."""
    ticket = program.good("incident", "show", "1", "--json").json["dbotMirrorId"]
    told = program.good("why", "1", "Snow State").out
    assert "since snow created the incident" in told
    assert "of what was fetched then: mapper casemirror-servicenow-incoming, line 'Snow State' ← state" in told
    remote.update(ticket, short_description="Printer is out")
    program.good("instance", "mirror", "snow")
    told = program.good("why", "1", "name").out
    assert 'name is "Printer is out" since' in told
    assert "only snow had changed it, so its value was taken over here" in told
    assert "what the remote said is payload" in told
    assert "mapper casemirror-servicenow-incoming, line 'name' ← " in told and '"Printer is out"' in told
    [field] = program.good("why", "1", "name", "--json").json["fields"]
    decided = field["links"][0]["decisions"][0]
    assert (decided["rule"], decided["base"], decided["remote"]) == (
        "remote-changed",
        "Printer on fire",
        "Printer is out",
    )
    assert decided["payload"] and decided["origin"]["lines"][0]["path"] == "short_description"

    program.good("incident", "edit", "1", "severity=high")
    assert "it changed here and was not sent to snow yet" in program.good("why", "1", "severity").out
    assert program.good("drift").out.startswith("0 % of 1 links agree")
    program.good("instance", "mirror", "snow")
    told = program.good("why", "1", "severity").out
    assert "set it here (it was 1)" in told and "only we had changed it, so our value goes to snow" in told
    assert "goes to snow as priority: mapper casemirror-servicenow-outgoing" in told and "Last sent 3 at" in told
    assert program.good("drift", "snow", "--json").json["percent"] == 100

    program.good("config", "set", "mirror.conflict", "ask")
    program.good("incident", "edit", "1", "details=ours")
    remote.update(ticket, description="theirs")
    program.good("instance", "mirror", "snow")
    told = program.good("why", "1", "details").out
    assert "both sides had changed it: neither is written until a person decides" in told
    assert "casemirror conflict resolve 1 details local" in told
    ran = program("doctor", "1", "--json")
    assert ran.code == 1
    assert [c["name"] for c in ran.json if c["state"] == "missing"] == ["conflicts"]
    program.good("conflict", "resolve", "1", "details", "remote")
    program.good("instance", "mirror", "snow")
    assert program.good("drift", "--heal", "--json").json["healed"] == 0

    overview = program.good("why", "1").out
    for name in ("name", "severity", "details", "agreed"):
        assert name in overview
    kinds = {(e["kind"], e["who"]) for e in program.good("timeline", "1", "--json").json}
    assert {("created", "snow"), ("link", "snow"), ("pulled", "snow"), ("pushed", "snow")} <= kinds
    assert 'name: "Printer on fire" → "Printer is out"' in program.good("timeline", "1", "--limit", "50").out


def test_doctor_and_the_rest_refuse_what_is_not_there(program: Program, remote: ServiceNowSimulator) -> None:
    """Exit codes: 0 all well, 1 something is missing, 2 no such thing."""
    program.good("instance", "test", "snow")
    assert "nothing is missing" in program.good("doctor", "snow").out
    program.good("instance", "disable", "snow")
    ran = program("doctor", "snow")
    assert ran.code == 1 and "casemirror instance enable snow" in ran.out
    assert "no instance named" in program.refused("doctor", "nobody")
    assert "no incident 9" in program.refused("why", "9")
    assert "no incident 9" in program.refused("timeline", "9")
    assert "no instance named" in program.refused("drift", "nobody")
    assert "did you mean" in program.refused("why", "1", "severty")
