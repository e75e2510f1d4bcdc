"""What an operator sees of isolation: hosts of an instance, what its commands took, what the machine gives."""

import ctypes
import os

import pytest
from prometheus_client.parser import text_string_to_metric_families

from support.cli import PACKS, Program

ABI = max(ctypes.CDLL(None).syscall(444, None, 0, 1), 0)
"""Version of Landlock that this kernel has."""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A home with an instance whose remote is not there."""
    made = Program(tmp_path_factory.mktemp("home"))
    made.good("pack", "add", PACKS / "CasemirrorRoundup")
    made.good(
        *("instance", "add", "tracker", "-i", "Roundup", "-p", "url=http://127.0.0.1:1/x/"),
        *("-p", "credentials.identifier=me", "--secret", "credentials=env:PASSWORD"),
        environment={"PASSWORD": "secret"},
    )
    return made


def test_an_instance_reaches_what_is_on_its_list(program: Program) -> None:
    """Refusals name the host and the command; the last host is not dropped by accident."""
    egress = ("instance", "egress", "tracker")
    assert program.good(*egress).out == "tracker may reach every host\n"
    assert "cannot be reached" in program.refused("instance", "test", "tracker", code=1)

    assert program.good(*egress, "--allow", "https://Example.com/", "--json").json["hosts"] == ["example.com:443"]
    told = program.refused("instance", "test", "tracker", code=1)
    assert "127.0.0.1:1 is not among the hosts that tracker may reach" in told
    assert "casemirror instance egress tracker --allow 127.0.0.1:1 allows it" in told

    program.good(*egress, "--allow", "127.0.0.1:1")
    assert "cannot be reached" in program.refused("instance", "test", "tracker", code=1)
    assert "is no host; write it as" in program.refused(*egress, "--allow", "a b")
    assert "is not on the list of tracker" in program.refused(*egress, "--drop", "other.example")
    program.good(*egress, "--drop", "example.com:443")
    assert "--open" in program.refused(*egress, "--drop", "127.0.0.1:1")
    assert "127.0.0.1:1" in program.good("instance", "show", "tracker").out
    assert program.good(*egress, "--open").out == "tracker may reach every host\n"


def test_what_commands_took_is_summed(program: Program) -> None:
    """By instance: in its own view and for Prometheus."""
    program("instance", "test", "tracker")
    shown = program.good("instance", "show", "tracker", "--json").json
    assert shown["commands"] >= 1 and shown["cpuSeconds"] > 0 and shown["memoryPeakBytes"] > 1 << 20
    assert "ran; CPU" in program.good("instance", "show", "tracker").out
    found = {
        f.name: f.samples[0].value for f in text_string_to_metric_families(program.good("metrics").out) if f.samples
    }
    assert found["casemirror_commands"] == shown["commands"]
    assert found["casemirror_command_cpu_seconds"] == pytest.approx(shown["cpuSeconds"], abs=0.001)
    assert found["casemirror_command_memory_peak_bytes"] == shown["memoryPeakBytes"]


def test_the_doctor_attacks_as_an_integration_would(program: Program) -> None:
    """What was refused and what was possible, with what to do; exit code 1 when something is missing."""
    ran = program("doctor", "runtime", "--json")
    states = {(check["name"], check["state"]) for check in ran.json}
    texts = "\n".join(check["text"] for check in ran.json)
    assert ran.code == (1 if "missing" in {state for _, state in states} else 0)
    assert ("privileges", "ok") in states and ("limits", "ok") in states
    assert f"{program.home}/key" in texts and "signalling the server" in texts
    if ABI >= 6:
        assert {state for name, state in states if name == "attack"} == {"ok"}

    program.good("config", "set", "runtime.landlock", "false")
    ran = program("doctor", "runtime")
    assert ran.code == 1
    assert "Landlock is switched off" in ran.out
    program.good("config", "set", "runtime.landlock", "true")
    program.good("config", "set", "runtime.user", "no-such-user")
    ran = program("doctor", "runtime", "--json")
    wanted = "this machine has no such user" if os.geteuid() == 0 else "does not run as root"
    assert (ran.code, ran.json[-1]["name"]) == (1, "command") and wanted in ran.json[-1]["text"]
    program.good("config", "set", "runtime.user", "")
