"""State between commands, and what is known of the server."""

import json
import sys
import threading

import CommonServerPython as csp
import pytest
from csp import server


@pytest.mark.parametrize("version", ["6.9.0", "5.5.0"])
def test_context_is_stored_and_read(host, version):
    """On servers with and without versions."""
    host.version = {"version": version, "buildNumber": "1"}
    csp.set_integration_context({"a": 1})
    assert csp.get_integration_context() == {"a": 1}


def test_version_comes_with_the_context_on_request(host):
    """As a dict, or as a pair whose version is -1 without sync."""
    host.stored = {"a": 1}
    assert csp.get_integration_context(with_version=True) == {"context": {"a": 1}, "version": 1}
    assert csp.get_integration_context_with_version() == ({"a": 1}, 1)
    assert csp.get_integration_context_with_version(sync=False) == ({"a": 1}, -1)
    host.version = {"version": "5.5.0", "buildNumber": "1"}
    assert csp.get_integration_context_with_version() == ({"a": 1}, -1)


def test_stale_version_is_refused(host):
    """mirroring 7.35, MIR-199: nothing is overwritten."""
    with pytest.raises(ValueError, match="newer"):
        csp.set_integration_context({"mine": 1}, version=0)
    assert host.stored == {}


@pytest.mark.parametrize(("version", "expected"), [("5.5.0", False), ("6.0.0", True), ("6.10.0", True)])
def test_versions_of_the_context_need_a_server_that_counts_them(host, version, expected):
    """From 6.0.0 on."""
    host.version = {"version": version, "buildNumber": "1"}
    assert csp.is_versioned_context_available() is expected


def test_merged_context_is_given_but_not_stored(host):
    """With the version that it was read with."""
    host.stored = {"notes": json.dumps([{"id": 1}]), "n": "1"}
    merged, version = csp.update_integration_context({"notes": [{"id": 2}], "n": 2}, {"notes": "id"})
    assert (json.loads(merged["notes"]), json.loads(merged["n"]), version) == ([{"id": 1}, {"id": 2}], 2, 1)
    assert host.stored["n"] == "1"


def _meddle(host, times):
    """Another run writes before each of the first so many writes of this one."""
    store, left = host.setIntegrationContextVersioned, [times]

    def write(value, version, sync):
        if left[0]:
            left[0] -= 1
            theirs = json.loads(host.stored.get("notes", "[]")) + [{"id": f"theirs{left[0]}"}]
            store({**host.stored, "notes": json.dumps(theirs)}, -1, True)
        return store(value, version, sync)

    host.setIntegrationContextVersioned = write


def test_merging_write_keeps_what_others_wrote(host, monkeypatch):
    """mirroring 7.35: it reads again, merges again and writes."""
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    host.stored = {"other": "untouched"}
    _meddle(host, times=2)
    csp.set_to_integration_context_with_retries({"notes": [{"id": "mine"}], "n": 5}, object_keys={"notes": "id"})
    assert host.stored["other"] == "untouched"
    assert json.loads(host.stored["n"]) == 5
    assert {note["id"] for note in json.loads(host.stored["notes"])} == {"mine", "theirs0", "theirs1"}


def test_merging_write_gives_up(host, monkeypatch):
    """Exception after max_retry_times; the others' values stay."""
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    _meddle(host, times=9)
    with pytest.raises(Exception, match="2 tries"):
        csp.set_to_integration_context_with_retries({"notes": []}, max_retry_times=2)
    assert len(json.loads(host.stored["notes"])) == 2


def test_mirror_run(host):
    """{} at first."""
    assert csp.get_last_mirror_run() == {}
    csp.set_last_mirror_run({"at": "x"})
    assert csp.get_last_mirror_run() == {"at": "x"}


@pytest.mark.parametrize(("version", "works"), [("6.5.0", False), ("6.6.0", True), ("6.10.0", True)])
def test_mirror_run_needs_a_server_that_has_it(host, version, works):
    """6.10 comes after 6.6: our own questions go by the numbers."""
    host.version = {"version": version, "buildNumber": "1"}
    if works:
        assert csp.get_last_mirror_run() == {}
    else:
        with pytest.raises(csp.DemistoException, match=r"6\.6\.0"):
            csp.get_last_mirror_run()


def test_feed_run(host):
    """The fetch state."""
    csp.set_feed_last_run({"a": 1})
    assert csp.get_feed_last_run() == {"a": 1}


@pytest.mark.parametrize(
    ("actual", "build", "asked", "asked_build", "expected"),
    [
        ("6.9.0", "5", "6.9.0", "", True),
        ("6.9.0", "5", "6.1.0", "", True),
        ("6.9.0", "5", "8.0.0", "", False),
        ("6.10.0", "5", "6.9.0", "", False),
        ("6.9.0", "5", "6.9.0", "4", True),
        ("6.9.0", "5", "6.9.0", "6", False),
        ("6.9.0", "dev", "6.9.0", "6", True),
        ("6.8.0", "9", "6.9.0", "1", False),
    ],
)
def test_version_is_compared_as_text(host, actual, build, asked, asked_build, expected):
    """So '6.10' < '6.9', as integrations know it; the build counts between equal versions."""
    host.version = {"version": actual, "buildNumber": build}
    assert csp.is_demisto_version_ge(asked, asked_build) is expected


def test_server_without_a_version_is_an_old_one(monkeypatch):
    """Older than 5.0.0."""
    monkeypatch.setitem(sys.modules, "demistomock", object())
    assert csp.is_demisto_version_ge("5.0.0") is False
    assert csp.get_demisto_version_as_str() == ""
    with pytest.raises(AttributeError):
        csp.is_demisto_version_ge("4.5.0")


def test_names_of_the_run(host):
    """Brand, instance, version, tenant."""
    host.callingContext["context"] = {"IntegrationBrand": "ServiceNow v2", "IntegrationInstance": "snow"}
    assert (csp.get_integration_name(), csp.get_integration_instance_name()) == ("ServiceNow v2", "snow")
    assert csp.get_demisto_version() == {"version": "6.10.0", "buildNumber": "12345"}
    assert csp.get_demisto_version_as_str() == "6.10.0-12345"
    assert csp.get_tenant_account_name() == "acc_north"
    assert server.is_at_least("6.9.0")


class Demisto:
    """The form that support_multithreading knows."""

    def __init__(self):
        self.inside = self.most = 0

    def __do(self, cmd):
        self.inside += 1
        self.most = max(self.most, self.inside)
        threading.Event().wait(0.005)
        self.inside -= 1
        return cmd

    def call(self, cmd):
        return self._Demisto__do(cmd)

    def __getattr__(self, name):
        if name in ("info", "debug"):
            return print
        raise AttributeError(name)


def test_threads_talk_to_the_server_one_at_a_time(monkeypatch):
    """MIR-204: calls still work, also after it was asked for twice."""
    host = Demisto()
    monkeypatch.setitem(sys.modules, "demistomock", host)
    csp.support_multithreading()
    csp.support_multithreading()
    answers = []
    threads = [threading.Thread(target=lambda n=n: answers.append(host.call(n))) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [0, 1, 2, 3, 4]
    assert host.most == 1


@pytest.mark.parametrize(
    ("version", "pages", "options", "sizes", "asked"),
    [
        (
            "6.9.0",
            [{"iocs": [1, 2], "total": 3, "searchAfter": "c1"}, {"iocs": [3], "total": 3, "searchAfter": None}],
            {"size": 2},
            [2, 1],
            [{"size": 2, "searchAfter": None}, {"size": 2, "searchAfter": "c1"}],
        ),
        (
            "6.9.0",
            [{"iocs": [1], "total": 1, "searchAfter": "c1"}, {"iocs": [], "total": 1}],
            {"query": "q"},
            [1],
            [{"query": "q", "size": 100, "searchAfter": None}, {"query": "q", "size": 100, "searchAfter": "c1"}],
        ),
        (
            "6.9.0",
            [{"iocs": [1, 2], "total": 9, "searchAfter": "c1"}, {"iocs": [3], "total": 9, "searchAfter": "c2"}],
            {"size": 2, "limit": 3},
            [2, 1],
            [{"size": 2, "searchAfter": None}, {"size": 1, "searchAfter": "c1"}],
        ),
        (
            "6.0.0",
            [{"iocs": [1, 2], "total": 3}, {"iocs": [3], "total": 3}],
            {"size": 2},
            [2, 1],
            [{"size": 2, "page": 0}, {"size": 2, "page": 1}],
        ),
        ("6.9.0", [], {}, [], [{"size": 100, "searchAfter": None}]),
    ],
)
def test_search_for_indicators(host, version, pages, options, sizes, asked):
    """By searchAfter from 6.1 on, by page before; ends at limit, empty page, total."""
    host.version = {"version": version, "buildNumber": "1"}
    host.pages = list(pages)
    search = csp.IndicatorsSearcher(**options)
    assert [len(page["iocs"]) for page in search] == sizes
    assert host.searches == asked
    assert search.page == len(asked)


def test_schedule_of_a_repeated_command():
    """Out of the entry that started it; {} outside of a schedule."""
    parent = {"polling": True, "pollingCommand": "get-it", "pollingArgs": {"id": "1"}, "timesRan": 2, "startDate": "s"}
    assert csp.get_schedule_metadata({"ParentEntry": {**parent, "endingDate": "e"}}) == {
        "is_polling": True,
        "polling_command": "get-it",
        "polling_args": {"id": "1"},
        "times_ran": 3,
        "start_date": "s",
        "end_date": "e",
    }
    assert csp.get_schedule_metadata({"ParentEntry": None}) == csp.get_schedule_metadata({}) == {}


def test_indicators_become_links_to_their_pages(host):
    """Those that the server has; the query quotes what it looks for."""
    host.pages = [{"iocs": [{"id": "7", "value": "1.1.1.1"}], "total": 1, "searchAfter": None}]
    assert csp.indicators_value_to_clickable(["1.1.1.1", 'a"b']) == {"1.1.1.1": "[1.1.1.1](#/indicator/7)"}
    assert host.searches[0]["query"] == 'value:"1.1.1.1" or value:"a\\"b"'
    assert csp.indicators_value_to_clickable("x.org") == csp.indicators_value_to_clickable([]) == {}
    assert len(host.searches) == 2
