"""How commands answer: results, errors, warnings, files."""

import CommonServerPython as csp
import pytest


class TestReturnError:
    def test_it_emits_an_error_entry_and_exits_with_0(self, host):
        """mirroring 1.2: the form of the entry."""
        with pytest.raises(SystemExit) as stop:
            csp.return_error("no such ticket", outputs={"a": 1})
        assert stop.value.code == 0
        assert host.emitted == [
            {"Type": 4, "ContentsFormat": "text", "Contents": "no such ticket", "EntryContext": {"a": 1}}
        ]

    @pytest.mark.parametrize(
        "command", ["fetch-incidents", "fetch-credentials", "fetch-indicators", "long-running-execution"]
    )
    def test_fetch_commands_fail_instead(self, host, command):
        """An error entry would be stored as fetched data."""
        host.command_name = command
        with pytest.raises(Exception, match="^no luck$") as failure:
            csp.return_error("no luck")
        assert failure.type is Exception
        assert host.emitted == []

    @pytest.mark.parametrize(
        ("command", "cause", "error", "contents"),
        [
            ("get-modified-remote-data", None, "", "skip update. error: oops"),
            ("get-modified-remote-data", ValueError(), "", "skip update. error: oops"),
            ("get-modified-remote-data", NotImplementedError(), "", "oops"),
            ("get-modified-remote-data", None, NotImplementedError(), "oops"),
            ("get-modified-remote-data", None, "NotImplementedError", "skip update. error: oops"),
            ("get-remote-data", ValueError(), "", "oops"),
        ],
    )
    def test_a_poll_that_fails_is_to_be_skipped(self, host, command, cause, error, contents):
        """Only a NotImplementedError, handled or given, goes without the prefix: use the other way."""
        host.command_name = command
        with pytest.raises(SystemExit):
            try:
                if cause is not None:
                    raise cause
                csp.return_error("oops", error=error)
            except (ValueError, NotImplementedError):
                csp.return_error("oops", error=error)
        assert host.emitted[0]["Contents"] == contents

    def test_it_logs_message_and_traceback_without_secrets(self, host):
        """The traceback of the exception being handled; the entry is masked, too."""
        host.callingContext["params"] = {"password": "hunter22"}
        csp.begin_run()
        with pytest.raises(SystemExit):
            try:
                raise KeyError("hunter22 again")
            except KeyError:
                csp.return_error("bad password hunter22", error="details hunter22")
        assert "Traceback" in host.logged
        assert "details" in host.logged
        assert "hunter22" not in host.logged
        assert host.emitted[0]["Contents"] == "bad password <XX_REPLACED>"

    def test_message_may_be_an_exception(self, host):
        """return_error(err) is common."""
        with pytest.raises(SystemExit):
            csp.return_error(ValueError("text of it"))
        assert host.emitted[0]["Contents"] == "text of it"


def test_warning_goes_on_unless_told_to_exit(host):
    """Type 11, with outputs."""
    csp.return_warning("careful", outputs={"a": 1})
    with pytest.raises(SystemExit) as stop:
        csp.return_warning("enough", exit=True)
    assert stop.value.code == 0
    assert [(entry["Type"], entry["ContentsFormat"], entry["Contents"]) for entry in host.emitted] == [
        (11, "text", "careful"),
        (11, "text", "enough"),
    ]
    assert host.emitted[0]["EntryContext"] == {"a": 1}


class Widget:
    def to_display(self):
        return {"widget": 1}


class Answer:
    def to_entry(self):
        return {"entry": 1}


@pytest.mark.parametrize(
    ("given", "emitted"),
    [
        (None, [None]),
        ([], [[]]),
        ("text", ["text"]),
        ({"a": 1}, [{"a": 1}]),
        (7, [7]),
        (Widget(), [{"widget": 1}]),
        (Answer(), [{"entry": 1}]),
        ([{"a": 1}, Answer(), "x", 7], [{"entry": 1}, 7, [{"a": 1}, "x"]]),
        ([{"a": 1}], [[{"a": 1}]]),
        ([Answer()], [{"entry": 1}]),
    ],
)
def test_return_results_emits(host, given, emitted):
    """mirroring 1.1: dicts and texts of a list go together, last; all else by a call of its own."""
    csp.return_results(given)
    assert host.emitted == emitted


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"readable_output": "r"}, {"HumanReadable": "r", "Contents": "r", "ContentsFormat": "text"}),
        (
            {"readable_output": "r", "outputs": {"a": 1}},
            {"Contents": {"a": 1}, "ContentsFormat": "json", "EntryContext": {"a": 1}},
        ),
        (
            {"readable_output": "r", "outputs": {"a": 1}, "raw_response": [2]},
            {"Contents": [2], "ContentsFormat": "json"},
        ),
        (
            {"readable_output": "r", "timeline": [{"Value": "v"}, {"Value": "w", "Category": "c"}]},
            {
                "IndicatorTimeline": [
                    {"Value": "v", "Category": "Integration Update"},
                    {"Value": "w", "Category": "c"},
                ]
            },
        ),
        (
            {"readable_output": "r", "timeline": {"Value": "v"}},
            {"IndicatorTimeline": [{"Value": "v", "Category": "Integration Update"}]},
        ),
        ({"readable_output": "r", "ignore_auto_extract": True}, {"IgnoreAutoExtract": True}),
    ],
)
def test_return_outputs_emits_one_note(host, given, expected):
    """Contents is the raw response, else the outputs, else the text."""
    csp.return_outputs(**given)
    (entry,) = host.emitted
    assert entry["Type"] == 1
    assert {key: entry[key] for key in expected} == expected


class TestCommandResults:
    def test_whole_entry(self):
        """The keys of the entry, and their values when nothing else is said."""
        assert csp.CommandResults(outputs_prefix="T", outputs_key_field="id", outputs={"id": 1}).to_context() == {
            "Type": 1,
            "ContentsFormat": "json",
            "Contents": {"id": 1},
            "HumanReadable": "### Results\n|id|\n|---|\n| 1 |\n",
            "EntryContext": {"T(val.id && val.id == obj.id)": {"id": 1}},
            "IndicatorTimeline": [],
            "IgnoreAutoExtract": False,
            "Note": False,
            "Relationships": [],
        }

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ({"outputs": {"A": 1}}, {"EntryContext": {"A": 1}}),
            ({"outputs_prefix": "T", "outputs": [1]}, {"EntryContext": {"T": [1]}}),
            (
                {"outputs_prefix": "T", "outputs_key_field": ["a", "b"], "outputs": [{}]},
                {"EntryContext": {"T(val.a && val.a == obj.a && val.b && val.b == obj.b)": [{}]}},
            ),
            (
                {"outputs_prefix": "T", "outputs": [], "readable_output": "none"},
                {"EntryContext": {}, "HumanReadable": "none", "Contents": []},
            ),
            ({"readable_output": "r"}, {"Contents": None, "ContentsFormat": "json", "EntryContext": {}}),
            ({"raw_response": "text"}, {"Contents": "text", "ContentsFormat": "text"}),
            ({"raw_response": 5}, {"ContentsFormat": "text"}),
            ({"raw_response": "x", "content_format": "markdown"}, {"ContentsFormat": "markdown"}),
            ({"outputs": {"A": 1}, "raw_response": {"b": 2}}, {"Contents": {"b": 2}}),
            ({"entry_type": csp.EntryType.ERROR, "readable_output": "r"}, {"Type": 4}),
            ({"mark_as_note": True, "ignore_auto_extract": True}, {"Note": True, "IgnoreAutoExtract": True}),
        ],
    )
    def test_parts(self, given, expected):
        """Each argument, one at a time."""
        entry = csp.CommandResults(**given).to_context()
        assert {key: entry[key] for key in expected} == expected

    @pytest.mark.parametrize(
        ("given", "kind"),
        [
            ({"outputs": [1]}, ValueError),
            ({"indicators": [1], "indicator": 1}, csp.DemistoException),
            ({"content_format": "pdf"}, TypeError),
        ],
    )
    def test_contradictions_are_refused(self, given, kind):
        """Outputs that are no dict need a prefix; one indicator or a list of them."""
        with pytest.raises(kind):
            csp.CommandResults(**given)

    def test_schedule_goes_into_the_entry(self):
        """At least 10 s, numbers as text."""
        later = csp.ScheduledCommand("get-it", next_run_in_seconds=3, args={"id": "1"}, timeout_in_seconds=60)
        entry = csp.CommandResults(readable_output="wait", scheduled_command=later).to_context()
        assert {key: entry[key] for key in ("PollingCommand", "NextRun", "PollingArgs", "Timeout")} == {
            "PollingCommand": "get-it",
            "NextRun": "10",
            "PollingArgs": {"id": "1"},
            "Timeout": "60",
        }


def test_schedule_needs_a_server_that_can(host):
    """DemistoException before 6.2.0."""
    host.version = {"version": "6.1.0", "buildNumber": "1"}
    with pytest.raises(csp.DemistoException, match=r"6\.2\.0"):
        csp.ScheduledCommand("get-it", 10)
    with pytest.raises(csp.DemistoException, match=r"6\.2\.0"):
        csp.ScheduledCommand.raise_error_if_not_supported()
    host.version = {"version": "6.2.0", "buildNumber": "1"}
    csp.ScheduledCommand.raise_error_if_not_supported()


@pytest.mark.parametrize(("data", "written"), [("käse", "käse".encode()), (b"\x00\xff", b"\x00\xff")])
def test_file_result_writes_where_the_server_looks(host, tmp_path, monkeypatch, data, written):
    """'<investigation>_<unique id>' in the working directory."""
    monkeypatch.chdir(tmp_path)
    entry = csp.fileResult("report.txt", data)
    assert entry == {"Contents": "", "ContentsFormat": "text", "Type": 3, "File": "report.txt", "FileID": "f1"}
    assert (tmp_path / "17_f1").read_bytes() == written
    assert csp.fileResult("x", data, file_type=csp.EntryType.ENTRY_INFO_FILE)["Type"] == 9


def test_existing_file_becomes_a_result(host, tmp_path, monkeypatch):
    """Moved, under its new name for people."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "made").write_text("x")
    assert csp.file_result_existing_file("made", "shown.txt")["File"] == "shown.txt"
    assert [path.name for path in tmp_path.iterdir()] == ["17_f1"]


@pytest.mark.parametrize(
    ("result", "is_error", "text"),
    [
        ({"Type": 4, "Contents": "a"}, True, "a"),
        ([{"Type": 1, "Contents": "b"}, {"Type": 4, "Contents": "a"}, {"Type": 4, "Contents": "c"}], True, "a\nc"),
        ({"Type": 1}, False, None),
        ([], False, None),
        (None, False, None),
        (["text"], False, None),
    ],
)
def test_errors_among_entries(result, is_error, text):
    """is_error() finds one, get_error() tells all."""
    assert csp.is_error(result) is is_error
    assert csp.isError(result) is (is_error and not isinstance(result, list))
    if is_error:
        assert csp.get_error(result) == text
    else:
        with pytest.raises(ValueError, match="no error"):
            csp.get_error(result)


def test_exception_text_is_the_message_alone():
    """With its cause and response at hand."""
    err = csp.DemistoException("oops", exception=ValueError("why"), res="response")
    assert (str(err), err.message, str(err.exception), err.res) == ("oops", "oops", "why", "response")
    assert str(csp.DemistoException({"a": 1})) == "{'a': 1}"
