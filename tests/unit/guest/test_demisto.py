"""The `demisto` object alone: a scripted channel stands for the server."""

import datetime
import threading

import pytest
from demisto import ZERO_TIME, Demisto


class Channel:
    """Remembers what was said; answers by `answers` {what: value or Exception}."""

    def __init__(self):
        self.said = []
        self.answers = {}
        self._next = None

    def send(self, message):
        self.said.append(message)
        self._next = self.answers.get(message.get("what"))

    def receive(self):
        if isinstance(self._next, Exception):
            return {"error": str(self._next), "kind": type(self._next).__name__}
        return {"value": self._next}

    def of(self, kind):
        return [message for message in self.said if message["say"] == kind]


COMMAND = {
    "name": "get-remote-data",
    "args": {"id": "R1", "lastUpdate": "t"},
    "params": {"url": "u", "insecure": False},
    "instance": "snow",
    "brand": "ServiceNow v2",
    "last_run": {"at": 1},
    "last_mirror_run": {},
    "context": {"k": "v"},
    "context_version": 3,
    "investigation": {"id": "7", "closed": "t"},
    "files": {"3@7": {"id": "3@7", "path": "/w/1", "name": "r.txt"}},
}


@pytest.fixture
def channel():
    return Channel()


@pytest.fixture
def demisto(channel):
    return Demisto(channel, {**COMMAND, "args": dict(COMMAND["args"]), "params": dict(COMMAND["params"])})


def test_the_command_is_known_while_the_script_loads(demisto):
    """MIR-026, MIR-028."""
    assert demisto.command() == "get-remote-data"
    assert (demisto.params()["url"], demisto.getParam("insecure"), demisto.getArg("id")) == ("u", False, "R1")
    assert demisto.integrationInstance() == "snow"
    assert demisto.getParam("absent") is demisto.getArg("absent") is None


def test_arguments_are_one_object(demisto):
    """§6: mutations are visible."""
    demisto.args()["id"] = "changed"
    assert demisto.args()["id"] == demisto.callingContext["args"]["id"] == "changed"


def test_parameters_are_what_the_calling_context_holds_now(demisto):
    """§6: CommonServerPython puts a tolerant dict there."""
    demisto.callingContext["params"] = {"url": "other"}
    assert demisto.params() == {"url": "other"}
    assert demisto.getParam("url") == "other"


def test_the_calling_context_names_brand_and_instance(demisto):
    """MIR-205."""
    context = demisto.callingContext["context"]
    assert (context["IntegrationBrand"], context["IntegrationInstance"]) == ("ServiceNow v2", "snow")


def test_integrations_cannot_execute_commands(demisto):
    """MIR-198: they test for it by hasattr."""
    assert not hasattr(demisto, "executeCommand")


def test_results_go_out_in_order_and_at_once(demisto, channel):
    """§1.1.4."""
    demisto.results("a")
    demisto.results(None)
    assert [m["value"] for m in channel.of("result")] == ["a", None]


def test_incidents_writes_with_a_list_and_reads_without(demisto, channel):
    """§6, §1.1.9."""
    assert demisto.incidents() == demisto.get_incidents() == []
    assert channel.said == []
    demisto.incidents([])
    demisto.incidents([{"name": "n"}])
    assert [m["value"] for m in channel.of("incidents")] == [[], [{"name": "n"}]]


def test_a_last_run_that_was_set_is_seen_and_staged(demisto, channel):
    """§6; nothing is told to the server before the end."""
    assert demisto.getLastRun() == {"at": 1}
    state = {"at": 2}
    demisto.setLastRun(state)
    state["at"] = 3
    demisto.getLastRun()["at"] = 4
    assert demisto.getLastRun() == {"at": 2}
    assert demisto.staged == {"last_run": {"at": 2}}
    assert channel.said == []


def test_the_first_last_run_is_empty(channel):
    """MIR-039."""
    demisto = Demisto(channel, {"name": "fetch-incidents"})
    assert demisto.getLastRun() == demisto.getLastMirrorRun() == {}


def test_a_mirror_run_may_hold_datetimes(demisto):
    """§7, 43: the documentation's own example stores one."""
    at = datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
    demisto.setLastMirrorRun({"lastMirrorRun": at, "list": [at.date()]})
    expected = {"lastMirrorRun": "2024-01-02T03:04:05+00:00", "list": ["2024-01-02"]}
    assert demisto.getLastMirrorRun() == demisto.staged["last_mirror_run"] == expected
    assert demisto.getLastRun() == {"at": 1}


def test_the_context_is_written_through_and_read_fresh(demisto, channel):
    """MIR-200; §6."""
    channel.answers = {"set_context": 4, "get_context": {"context": {"a": 1}, "version": 9}}
    demisto.setIntegrationContext({"a": 0})
    assert channel.of("ask")[-1] == {"say": "ask", "what": "set_context", "context": {"a": 0}, "version": -1}
    assert demisto.getIntegrationContextVersioned(False) == {"context": {"a": 0}, "version": 4}
    assert demisto.getIntegrationContextVersioned(True) == {"context": {"a": 1}, "version": 9}
    assert demisto.getIntegrationContext() == {"a": 1}


def test_the_context_of_the_start_is_known_without_asking(demisto, channel):
    """A version that the caller did not want refreshed costs no call."""
    assert demisto.getIntegrationContextVersioned() == {"context": {"k": "v"}, "version": 3}
    assert channel.said == []


def test_a_stale_version_is_a_value_error(demisto, channel):
    """MIR-199."""
    channel.answers = {"set_context": ValueError("stale")}
    with pytest.raises(ValueError, match="stale"):
        demisto.setIntegrationContextVersioned({}, 3)
    assert demisto.getIntegrationContextVersioned()["version"] == 3


def test_an_unknown_user_is_an_empty_dict(demisto, channel):
    """MIR-196."""
    assert demisto.findUser(username="nobody").get("email") is None
    assert channel.of("ask")[-1]["asked"] == {"username": "nobody"}
    channel.answers = {"find_user": {"username": "bob", "email": "b@x"}}
    assert demisto.findUser(email="b@x")["username"] == "bob"
    assert demisto.findUser() == {}


def test_a_staged_file_is_known_without_asking(demisto, channel):
    """MIR-169."""
    assert demisto.getFilePath("3@7") == {"id": "3@7", "path": "/w/1", "name": "r.txt"}
    assert channel.said == []


def test_an_unknown_file_is_a_value_error(demisto, channel):
    """MIR-170."""
    channel.answers = {"get_file": ValueError("no file entry '9@9'")}
    with pytest.raises(ValueError, match="9@9"):
        demisto.getFilePath("9@9")


def test_created_incidents_come_back_and_move_the_last_run(demisto, channel):
    """MIR-044: the server stored it with them, so it is not staged again."""
    channel.answers = {"create_incidents": [{"id": "1"}]}
    assert demisto.createIncidents([{"name": "n"}], lastRun={"at": 5}) == [{"id": "1"}]
    assert demisto.getLastRun() == {"at": 5}
    assert demisto.staged == {}


def test_logs_take_anything_and_are_no_results(demisto, channel):
    """MIR-201."""

    class Odd:
        def __str__(self):
            raise RuntimeError("no")

    demisto.debug("a", 1, None, b"\xff", {"k": Odd()} and Odd())
    demisto.info()
    demisto.error({"a": 1})
    demisto.log("x" * 100_000)
    assert [m["level"] for m in channel.of("log")] == ["debug", "info", "error", "info"]
    assert channel.of("result") == []
    assert len(channel.said[-1]["text"]) < 20_000


def test_an_investigation_is_there_in_every_run(demisto, channel):
    """MIR-030, MIR-031; §6: fileResult needs an id everywhere."""
    assert demisto.investigation() == {
        "id": "7",
        "closed": "t",
        "name": "Playground",
        "status": 0,
        "lastOpen": ZERO_TIME,
    }
    outside = Demisto(channel, {"name": "test-module"}).investigation()
    assert (outside["id"], outside["closed"]) == ("playground", ZERO_TIME)


@pytest.mark.parametrize(
    ("path", "value"), [("a.b", 1), ("a", {"b": 1}), ("a.x", "d"), ("a.b.c", "d"), ("x.y", "d"), ("n", None)]
)
def test_get_follows_dotted_paths(demisto, path, value):
    """§6."""
    assert demisto.get({"a": {"b": 1}, "n": None}, path, "d") == value
    assert demisto.get(None, path) is None


def test_harmless_constants(demisto, channel):
    """§6."""
    assert demisto.demistoVersion() == {"version": "6.9.0", "buildNumber": "12345", "platform": "xsoar"}
    assert demisto.searchIndicators(query="x") == {"total": 0, "iocs": []}
    assert (
        demisto.getAllSupportedCommands()
        == demisto.getAssetsLastRun()
        == demisto.context()
        == demisto.parentEntry()
        == {}
    )
    assert demisto.isTimeSensitive() is demisto.is_debug is False
    assert demisto.uniqueFile() != demisto.uniqueFile()
    assert "server" in demisto.demistoUrls()
    assert demisto.createIndicators([{}]) is None
    assert demisto.getLicenseID() == demisto.getLicenseCustomField("key") == demisto.getAutoFocusApiKey() == ""
    assert channel.said == []


@pytest.mark.parametrize(
    "call",
    [
        lambda demisto: demisto.internalHttpRequest("GET", "/x"),
        lambda demisto: demisto.handleEntitlementForUser("1", "guid", "a@x.org", "yes", "7"),
        lambda demisto: demisto.mirrorInvestigation("1", "all:both", autoClose=True),
        lambda demisto: demisto.addEntry(id="1", entry="text", username="bob"),
        lambda demisto: demisto.directMessage("hello", email="a@x.org"),
        lambda demisto: demisto._apiCall("name", params={}),
        lambda demisto: demisto.getIndexHash(),
    ],
)
def test_what_no_server_here_can_do_is_an_error(demisto, channel, call):
    """No fake answer; and no NotImplementedError, by which a mirror command would mean that there is another way."""
    with pytest.raises(RuntimeError, match=r"demisto\.\w+\(\) is unsupported: ") as failure:
        call(demisto)
    assert not isinstance(failure.value, NotImplementedError)
    assert channel.said == []


def test_credentials_are_the_answer_of_their_fetch(demisto, channel):
    """As a note."""
    demisto.credentials([{"user": "u"}])
    assert channel.of("result")[0]["value"] == {"Type": 1, "Contents": [{"user": "u"}], "ContentsFormat": "json"}


def test_health_of_a_long_running_instance_is_told_as_text(demisto, channel):
    """Whatever it is given."""
    demisto.updateModuleHealth("")
    demisto.updateModuleHealth({"eventsPulled": 0}, is_error=True)
    assert [(m["text"], m["is_error"]) for m in channel.of("health")] == [("", False), ("{'eventsPulled': 0}", True)]


def test_mapper_and_transform_language_are_the_servers(demisto, channel):
    """The child knows no mappers and no JavaScript."""
    channel.answers = {"map_object": {"email": "a@x.org"}, "transform": ["a.txt"]}
    assert demisto.mapObject({"mail": "a@x.org"}, "m", "User Profile") == {"email": "a@x.org"}
    assert demisto.dt({"File": []}, "File(val.Size > 1).Name") == ["a.txt"]
    assert channel.of("ask") == [
        {"say": "ask", "what": "map_object", "object": {"mail": "a@x.org"}, "mapper": "m", "type": "User Profile"},
        {"say": "ask", "what": "transform", "object": {"File": []}, "expression": "File(val.Size > 1).Name"},
    ]
    channel.answers = {"transform": ValueError("lacks a closing bracket"), "map_object": ValueError("no mapper 'x'")}
    with pytest.raises(ValueError, match="bracket"):
        demisto.dt({}, "File(")
    with pytest.raises(ValueError, match="no mapper"):
        demisto.mapObject({}, "x", "")


def test_version_of_a_pack_is_asked_for(demisto, channel):
    """ "" for none."""
    assert demisto.getPackVersion() == ""
    channel.answers = {"pack_version": "1.2.3"}
    assert demisto.getPackVersion("Mine") == "1.2.3"
    assert [m["name"] for m in channel.of("ask")] == ["", "Mine"]


def test_incident_of_a_script(channel):
    """{} in an integration; changes stay in the run."""
    demisto = Demisto(channel, {"name": "script", "incidents": [{"id": "7"}]})
    assert demisto.incident() == {"id": "7"}
    assert Demisto(channel, {"name": "some-command"}).incident() == {}
    demisto.setContext("key", [1])
    assert demisto.context() == {"key": [1]}


def test_gets_is_get_as_text(demisto):
    assert (demisto.gets({"a": {"b": 1}}, "a.b"), demisto.gets({}, "a")) == ("1", "None")


def test_host_calls_go_through_a_private_method_that_may_be_wrapped(demisto, channel):
    """MIR-204: CommonServerPython puts a lock around it, and further attributes beside it."""
    import CommonServerPython as csp

    seen = []
    call = demisto._Demisto__do
    demisto._Demisto__do = lambda cmd: (seen.append(cmd), call(cmd))[1]
    demisto.lock = threading.Lock()
    demisto.results("x")
    assert demisto.findUser(username="a") == {}
    assert len(seen) == 2
    assert callable(csp.support_multithreading)


def test_threads_do_not_mix_up_their_answers(channel):
    """§6: thread-safe without any help."""

    class Echo(Channel):
        def receive(self):
            return {"value": {"username": self.said[-1]["asked"]["username"]}}

    demisto = Demisto(Echo(), COMMAND)
    wrong = []

    def ask(name):
        wrong.extend(name for _ in range(200) if demisto.findUser(username=name)["username"] != name)

    threads = [threading.Thread(target=ask, args=(str(n),)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
