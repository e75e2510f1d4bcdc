"""The `demisto` object for authors' own tests: its defaults, and a test run as an author starts it."""

import subprocess
import sys
import textwrap
from pathlib import Path

import demistomock as demisto
import pytest
from demisto import Demisto

GUEST = Path(demisto.__file__).parent


@pytest.fixture
def fresh(monkeypatch):
    """What it keeps is as if nothing had been set."""
    first_run = {"lastRun": "2018-10-24T14:13:20+00:00"}
    state = {"last_run": first_run, "last_mirror_run": {}, "assets_run": {}, "version": 0}
    monkeypatch.setattr(demisto, "_state", state)
    monkeypatch.setattr(demisto, "integrationContext", {})
    monkeypatch.setattr(demisto, "_context", {})
    return demisto


DEFAULTS = [
    (demisto.command(), ""),
    (demisto.args(), {}),
    (demisto.params(), {}),
    (demisto.getArg("x"), None),
    (demisto.getParam("x"), None),
    (demisto.integrationInstance(), ""),
    (demisto.investigation(), {"id": "1"}),
    (demisto.incident(), {}),
    (demisto.incidents(), [{}]),
    (demisto.incidents([{"name": "n"}]), None),
    (demisto.alerts(), [{}]),
    (demisto.get_incidents(), {}),
    (demisto.parentEntry(), {}),
    (demisto.results({"a": 1}), None),
    (demisto.credentials([]), None),
    (demisto.findUser(username="bob"), {}),
    (demisto.getFilePath("7@1"), {"id": "7@1", "path": "7@1", "name": "7@1"}),
    (demisto.mapObject({}, "m", ""), {}),
    (demisto.dt({}, "a"), None),
    (demisto.executeCommand("ip", {}), []),
    (demisto.createIncidents([{}], lastRun={}), []),
    (demisto.createIndicators([{}], noUpdate=True), None),
    (demisto.searchIndicators(query="x"), {"total": 0, "iocs": []}),
    (demisto.searchRelationships({}), {"total": 0, "data": []}),
    (demisto.getPackVersion("Mine"), ""),
    (demisto.updateModuleHealth(""), None),
    (demisto.demistoVersion(), Demisto(None, {"name": "x"}).demistoVersion()),
    (demisto.demistoUrls()["server"], "https://server.example"),
    (demisto.getAllSupportedCommands(), {}),
    (demisto.getModules(), {}),
    (demisto.getLicenseID(), ""),
    (demisto.getLicenseCustomField("k"), ""),
    (demisto.getAutoFocusApiKey(), ""),
    (demisto.getIndexHash(), ""),
    (demisto.isTimeSensitive(), False),
    (demisto.internalHttpRequest("GET", "/x"), {}),
    (demisto._apiCall("x"), {}),
    (demisto.handleEntitlementForUser("1", "g", "e", "r"), None),
    (demisto.mirrorInvestigation("1", "all"), None),
    (demisto.addEntry("1", "text"), None),
    (demisto.directMessage("hello"), ""),
    (demisto.get({"a": {"b": 1}}, "a.b"), 1),
    (demisto.get({}, "a.b", "d"), "d"),
    (demisto.gets({"a": 1}, "a"), "1"),
    (demisto.callingContext, {}),
    (demisto.is_debug, False),
]


@pytest.mark.parametrize(("found", "default"), DEFAULTS)
def test_default(found, default):
    """csp-surface; harmless where it says nothing."""
    assert found == default


def test_only_errors_are_printed(capsys):
    """A test that does not expect an error shows it."""
    for log in (demisto.debug, demisto.info, demisto.log):
        log("quiet", 1)
    demisto.error("loud", 2)
    assert capsys.readouterr().out == "loud 2\n"


def test_what_is_set_is_kept(fresh):
    """Each state by itself; the first last run is of long ago."""
    assert fresh.getLastRun() == {"lastRun": "2018-10-24T14:13:20+00:00"}
    assert (
        fresh.getLastMirrorRun() == fresh.getAssetsLastRun() == fresh.getIntegrationContext() == fresh.context() == {}
    )
    fresh.setLastRun({"r": 1})
    fresh.setLastMirrorRun({"m": 1})
    fresh.setAssetsLastRun({"a": 1})
    fresh.setIntegrationContext({"c": 1})
    fresh.setContext("k", 1)
    assert (fresh.getLastRun(), fresh.getLastMirrorRun(), fresh.getAssetsLastRun()) == ({"r": 1}, {"m": 1}, {"a": 1})
    assert (fresh.getIntegrationContext(), fresh.context()) == ({"c": 1}, {"k": 1})
    assert fresh.uniqueFile() != fresh.uniqueFile()


def test_context_that_is_newer_is_not_written_over(fresh):
    """As in a command."""
    fresh.setIntegrationContextVersioned({"a": 1}, -1, True)
    stored = fresh.getIntegrationContextVersioned(True)
    assert stored == {"context": {"a": 1}, "version": 1}
    with pytest.raises(ValueError, match="version 1, not 0"):
        fresh.setIntegrationContextVersioned({}, 0)


def test_it_has_what_the_true_object_has():
    """A test can patch only what is there."""
    true = {name for name in dir(Demisto(None, {"name": "x"})) if not name.startswith("_")} - {"staged"}
    assert true <= set(dir(demisto))


INTEGRATION = """
    import demistomock as demisto
    from CommonServerPython import *
    from CommonServerUserPython import *

    URL = demisto.params().get("url")

    class Client(BaseClient):
        def ticket(self, number):
            return self._http_request("GET", f"/tickets/{number}")

    def get_ticket_command(client, args):
        ticket = client.ticket(args["id"])
        return CommandResults(outputs_prefix="T", outputs_key_field="id", outputs=ticket)

    def main():
        try:
            if demisto.command() == "get-ticket":
                return_results(get_ticket_command(Client(demisto.getParam("url")), demisto.args()))
        except Exception as err:
            return_error(f"failed: {err}")

    if __name__ in ("__main__", "__builtin__", "builtins"):
        main()
"""

AUTHORS_TEST = """
    from unittest import mock

    import pytest
    import demistomock as demisto
    from CommonServerPython import *
    import Tickets

    def test_import_runs_nothing():
        assert Tickets.URL is None

    def test_command(monkeypatch):
        emitted = []
        monkeypatch.setattr(demisto, "command", lambda: "get-ticket")
        monkeypatch.setattr(demisto, "args", lambda: {"id": "7"})
        monkeypatch.setattr(demisto, "params", lambda: {"url": "https://r.example"})
        monkeypatch.setattr(demisto, "results", emitted.append)
        with mock.patch.object(Tickets.Client, "_http_request", return_value={"id": "7", "open": True}) as asked:
            Tickets.main()
        asked.assert_called_once_with("GET", "/tickets/7")
        assert emitted[0]["EntryContext"] == {"T(val.id && val.id == obj.id)": {"id": "7", "open": True}}

    def test_error(capsys):
        with mock.patch("Tickets.demisto.results") as results, mock.patch("demistomock.command", return_value="get-ticket"):
            with mock.patch.object(Tickets.demisto, "args", side_effect=DemistoException("no")), pytest.raises(SystemExit):
                Tickets.main()
        assert results.call_args[0][0]["Contents"] == "failed: no"
        assert demisto.command() == "" and demisto.args() == demisto.params() == {} and demisto.results(1) is None

    def test_context_and_calling_context(monkeypatch):
        monkeypatch.setitem(demisto.callingContext, "context", {"IntegrationBrand": "Tickets"})
        set_integration_context({"token": "t"})
        assert get_integration_context() == {"token": "t"}
        assert get_integration_name() == "Tickets"
"""


def test_authors_run_their_tests_with_nothing_but_this_folder(tmp_path):
    """`import demistomock`, `from CommonServerPython import *`, plain pytest, no server; patches are taken back."""
    (tmp_path / "Tickets.py").write_text(textwrap.dedent(INTEGRATION))
    (tmp_path / "Tickets_test.py").write_text(textwrap.dedent(AUTHORS_TEST))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "Tickets_test.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(GUEST), "PATH": "", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "4 passed" in done.stdout, done.stdout + done.stderr
