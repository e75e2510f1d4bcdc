"""What an operator sees of isolation: hosts of an instance, what its commands took, what the machine gives."""


import pytest
from prometheus_client.parser import text_string_to_metric_families

from support.cli import PACKS, Program


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
