"""Running other commands: for scripts only."""

import CommonServerPython as csp
import pytest

GOOD = {"Type": 1, "Contents": {"a": 1}, "Brand": "B", "ModuleName": "b1"}
BAD = {"Type": 4, "Contents": "no such host", "Brand": "B", "ModuleName": "b2"}
UNKNOWN = {"Type": 4, "Contents": "Unsupported Command : ip"}


@pytest.fixture
def server(host):
    """A host that executes commands: gives `answers` {command: entries} and notes what it was asked."""
    host.answers, host.asked = {}, []

    def execute(command, args):
        host.asked.append((command, args))
        answer = host.answers[command]
        if isinstance(answer, Exception):
            raise answer
        return answer

    host.executeCommand = execute
    return host


def test_integrations_cannot(host):
    """They have no executeCommand."""
    with pytest.raises(csp.DemistoException, match="only scripts"):
        csp.execute_command("ip", {})
    with pytest.raises(csp.DemistoException, match="only scripts"):
        csp.CommandRunner.execute_commands(csp.CommandRunner.Command("ip"))


@pytest.mark.parametrize(
    ("entries", "options", "expected"),
    [
        ([GOOD], {}, {"a": 1}),
        ([GOOD, {"Type": 1, "Contents": "t"}], {}, [{"a": 1}, "t"]),
        ([{"Type": 1, "Contents": None}], {}, None),
        ([{"Type": 1}, "t"], {}, [{"Type": 1}, "t"]),
        ([], {}, []),
        (GOOD, {}, {"a": 1}),
        ([GOOD], {"extract_contents": False}, [GOOD]),
        ([GOOD], {"fail_on_error": False}, (True, {"a": 1})),
        ([GOOD, BAD], {"fail_on_error": False}, (False, "no such host")),
    ],
)
def test_execute_command(server, entries, options, expected):
    """Contents; one alone is bare."""
    server.answers["ip"] = entries
    assert csp.execute_command("ip", {"ip": "x"}, **options) == expected
    assert server.asked == [("ip", {"ip": "x"})]


def test_failed_command_is_an_exception(server):
    """With its own words, so that a script may catch it; nothing is emitted."""
    server.answers["ip"] = [GOOD, BAD]
    with pytest.raises(csp.DemistoException, match="ip failed: no such host"):
        csp.execute_command("ip", {})
    assert server.emitted == []


def test_runner_tells_good_from_bad_and_leaves_out_unknown(server):
    """One result for each instance that answered."""
    server.answers["ip"] = [GOOD, BAD, UNKNOWN]
    server.answers["url"] = ValueError("Unsupported Command: url")
    runner = csp.CommandRunner
    good, bad = runner.execute_commands(runner.Command(["ip", "url"], {"x": 1}, brand="B", instance="b1"))
    assert [(r.command, r.brand, r.instance, r.result) for r in good] == [("ip", "B", "b1", {"a": 1})]
    assert [(r.instance, r.result) for r in bad] == [("b2", "no such host")]
    assert server.asked[0][1] == {"x": 1, "using-brand": "B", "using": "b1"}


def test_runner_takes_arguments_for_each_command():
    """One for all, or one for each."""
    assert csp.CommandRunner.Command("a").args_lst == [{}]
    assert csp.CommandRunner.Command(["a", "b"], [{"x": 1}, {"x": 2}]).args_lst == [{"x": 1}, {"x": 2}]
    with pytest.raises(ValueError, match="3 commands need as many arguments, not 2"):
        csp.CommandRunner.Command(["a", "b", "c"], [{}, {}])


def test_runner_does_not_hide_other_failures(server):
    """Only an unknown command is no failure."""
    server.answers["ip"] = ValueError("the server is out of order")
    with pytest.raises(ValueError, match="out of order"):
        csp.CommandRunner.execute_commands(csp.CommandRunner.Command("ip"))


def test_summary_comes_first(server):
    """Then what went well."""
    server.answers = {"ip": [GOOD], "url": [BAD]}
    commands = [csp.CommandRunner.Command("ip", {"ip": "x"}), csp.CommandRunner.Command("url")]
    summary, only = csp.CommandRunner.run_commands_with_summary(commands, extract_contents=False)
    assert only == GOOD
    assert "| ***b1*** | ip ip=x | Success |  |" in summary.readable_output
    assert "| ***b2*** | url | Error | no such host |" in summary.readable_output


def test_script_fails_when_nothing_went_well(server):
    """With the summary as its error."""
    server.answers = {"url": [BAD]}
    with pytest.raises(SystemExit):
        csp.CommandRunner.run_commands_with_summary([csp.CommandRunner.Command("url")])
    assert "no such host" in server.emitted[0]["Contents"]
