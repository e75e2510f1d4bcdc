"""`casemirror budget`, as a person runs it, against a simulated ServiceNow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from casemirror.simulators.servicenow import ServiceNowSimulator
from support.cli import PACKS, Program


@pytest.fixture
def remote() -> Iterator[ServiceNowSimulator]:
    with ServiceNowSimulator(seed=1) as simulator:
        simulator.create("incident", short_description="Printer on fire", priority="4")
        yield simulator


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def test_requests_are_counted_for_a_credential_and_bounded(program: Program, remote: ServiceNowSimulator) -> None:
    assert program.good("budget").out == program.good("budget", "list").out == "no instance is configured\n"
    program.good("pack", "add", PACKS)
    for name in ("snow", "snow2"):
        program.add_servicenow(remote.url, name)
    program.good("instance", "test", "snow")
    program.good("instance", "test", "snow2")
    one, two = program.good("budget", "list", "--json").json
    assert (one["sharedWith"], two["sharedWith"]) == (["snow2"], ["snow"])
    assert one["used"] == two["used"] >= 2
    assert (one["limit"], one["left"], one["worstLatencySeconds"]) == (None, None, None)

    said = program.good("budget", "set", "snow", "20", "--per", "60").out
    assert said == "snow may make 20 requests in 60 s\n"
    _, two = program.good("budget", "list", "--json").json
    assert (two["limit"], two["left"]) == (20, 20 - two["used"])
    assert two["worstLatencySeconds"] >= 60
    assert "20 requests" in program.good("budget", "list").out

    program.good("budget", "set", "snow", "1", "--per", "60")
    program.good("instance", "mirror", "snow")
    assert "requests in 60 s are used (casemirror budget)" in program("doctor", "snow").out
    assert program.good("budget", "set", "snow", "0").out == "snow has no limit\n"
    assert "used (casemirror budget)" not in program("doctor", "snow").out


def test_what_makes_no_sense_is_refused(program: Program, remote: ServiceNowSimulator) -> None:
    assert "no instance named 'nobody'" in program.refused("budget", "set", "nobody", "5")
    assert "within 5 to 86400 seconds, not 5 within 1" in program.refused("budget", "set", "nobody", "5", "--per", "1")
