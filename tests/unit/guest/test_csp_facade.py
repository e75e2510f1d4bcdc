"""What a star import of CommonServerPython brings, and what importing it must not do."""

import subprocess
import sys
from pathlib import Path

import CommonServerPython
import CommonServerPython as csp
import pytest

GUEST = Path(CommonServerPython.__file__).parent

OWN = """return_error return_results tableToMarkdown CommandResults EntryType EntryFormat UpdateRemoteSystemArgs GetRemoteDataArgs
GetRemoteDataResponse DemistoException argToList GetModifiedRemoteDataArgs GetModifiedRemoteDataResponse BaseClient argToBoolean fileResult
entryTypes arg_to_number GetMappingFieldsResponse SchemeTypeMapping IncidentStatus assign_params get_integration_context
set_integration_context handle_proxy return_outputs formats urljoin LOG pascalToSpace timestamp_to_datestring date_to_timestamp Common
parse_date_range arg_to_datetime remove_nulls_from_dictionary ScheduledCommand return_warning remove_empty_elements
string_to_table_header dict_safe_get safe_load_json IndicatorsSearcher camelize_string b64_encode batch DBotScoreType logger createContext
outputPaths is_demisto_version_ge set_to_integration_context_with_retries support_multithreading remove_duplicates_from_list_arg snakify
get_integration_context_with_version register_signal_handler_profiling_dump merge_lists register_module_line __line__ get_last_mirror_run
set_last_mirror_run""".split()

PASSED_ON = """datetime json requests dateparser demisto List traceback Any Optional time Union re os Dict sys timedelta Set ET base64
logging timezone socket OrderedDict warnings""".split()


@pytest.fixture
def namespace():
    found = {}
    exec("from CommonServerPython import *", found)
    return found


@pytest.mark.parametrize("name", OWN + PASSED_ON)
def test_star_import_brings_every_name_that_mirroring_integrations_use(namespace, name):
    """Integrations use these without an import of their own."""
    assert name in namespace


def test_star_import_brings_the_class_datetime_and_not_the_module(namespace):
    """Integrations call datetime.now() after the star import."""
    assert isinstance(namespace["datetime"], type)


def test_star_import_leaves_our_own_parts_out(namespace):
    """A module called csp, logs or text must not hide an integration's variable."""
    assert not {"csp", "logs", "text", "results", "structures"} & set(namespace)


def test_import_touches_neither_server_nor_network_nor_files():
    """The warm parent imports before there is a demisto object: no thread, no socket, no file written, no process started."""
    script = f"""
import sys, threading
sys.dont_write_bytecode = True
sys.path[:0] = [{str(GUEST)!r}, {str(GUEST / "api_modules")!r}]
def watch(event, args):
    writes = event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+")
    probes_ipv6 = event == "socket.bind" and args[1] == ("::1", 0)  # urllib3 does, and closes it again
    if writes or (event.startswith(("socket.connect", "socket.bind", "subprocess.", "os.system")) and not probes_ipv6):
        print("forbidden", event, args)
sys.addaudithook(watch)
import CommonServerPython, ServiceNowApiModule
print("threads", threading.active_count(), "demistomock" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "threads 1 False\n"


def test_guest_needs_no_casemirror():
    """The interpreter that runs an integration may not have casemirror installed."""
    sources = [*GUEST.glob("CommonServerPython.py"), *GUEST.glob("csp/*.py"), *GUEST.glob("api_modules/*.py")]
    assert len(sources) > 10
    assert not [
        path.name
        for path in sources
        if "import casemirror" in path.read_text() or "from casemirror" in path.read_text()
    ]


def test_star_imported_demisto_is_the_object_of_the_run(namespace, host):
    """Integrations without an `import demistomock` use the name that the star import leaks."""
    namespace["demisto"].results("x")
    assert host.emitted == ["x"]
    assert not hasattr(namespace["demisto"], "executeCommand")


def test_missing_demisto_object_looks_like_a_missing_attribute(namespace, monkeypatch):
    """hasattr() on it must not fail before a run: the warm parent keeps the one for tests from being imported."""
    monkeypatch.setitem(sys.modules, "demistomock", None)
    assert not hasattr(namespace["demisto"], "params")


class TestBeginRun:
    def test_unset_parameter_gives_the_default(self, host):
        """An unset parameter is a key whose value is null; .get must give the default all the same."""
        host.callingContext["params"] = {"limit": None, "zero": 0, "off": False, "text": ""}
        CommonServerPython.begin_run()
        params = host.params()
        assert params.get("limit", 10) == 10
        assert (params.get("zero", 1), params.get("off", True), params.get("text", "x")) == (0, False, "")
        assert params["limit"] is None
        assert params.get("absent") is None

    def test_tolerant_dict_is_a_dict(self):
        """With the default only where None is stored."""
        params = csp.SmartGetDict({"a": None, "b": 0})
        assert (params.get("a", 5), params.get("b", 5), params.get("c"), params["a"]) == (5, 0, None, None)
        assert isinstance(params, dict)

    def test_environment_can_forbid_it(self, host, monkeypatch):
        """COMMON_SERVER_NO_AUTO_PARAMS_REMOVE_NULLS leaves the parameters as they are."""
        monkeypatch.setenv("COMMON_SERVER_NO_AUTO_PARAMS_REMOVE_NULLS", "1")
        host.callingContext["params"] = {"limit": None}
        CommonServerPython.begin_run()
        assert host.params().get("limit", 10) is None

    def test_secrets_of_the_run_before_are_forgotten(self, host):
        """A warm parent's LOG must not carry one instance's secrets into another one's run."""
        log = CommonServerPython.LOG
        host.callingContext["params"] = {"password": "correct horse"}
        CommonServerPython.begin_run()
        log("left over")
        host.callingContext["params"] = {"password": "battery staple"}
        CommonServerPython.begin_run()
        assert CommonServerPython.LOG is log
        assert log.messages == []
        assert log("correct horse battery staple") == "correct horse <XX_REPLACED>"
