"""What replies mean, and what commands are called with: tables of the contract's shapes."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from casemirror.model.entry import Control, Entry, FileRef, InboundEntry, Outgoing
from casemirror.model.errors import (
    CommandFailed,
    CommandTimedOut,
    NotImplementedByIntegration,
    PollSkipped,
    ProcessDied,
    RateLimited,
)
from casemirror.model.incident import Incident, MirrorFields, Status
from casemirror.model.link import Direction, Link
from casemirror.model.values import ZERO_TIME
from casemirror.runtime import wire
from casemirror.runtime.command import Ending, Reply

AT = datetime(2024, 5, 6, 7, 8, 9, 120000, tzinfo=UTC)
TEXT_AT = "2024-05-06T07:08:09.120000Z"


def reply(*results, **more):
    return Reply(results=results, **more)


def error(text):
    return {"Type": 4, "ContentsFormat": "text", "Contents": text, "EntryContext": None}


def note(text, **more):
    return {"Type": 1, "Contents": text, "ContentsFormat": "text", **more}


def raised(line):
    return reply(
        ending=Ending.RAISED,
        error=f'Traceback (most recent call last):\n  File "<X>", line 1, in main\n    f()\n{line}\n',
    )


class TestPoll:
    @pytest.mark.parametrize(
        ("results", "ids"),
        [
            ([{"Contents": ["1", "2"], "Type": 1, "ContentsFormat": "json"}], ("1", "2")),
            ([{"Contents": [], "Type": 1, "ContentsFormat": "json"}], ()),
            ([{"Contents": '["1", 2]', "Type": 1, "ContentsFormat": "json"}], ("1", "2")),
            ([["1", "2"]], ("1", "2")),
            ([[]], ()),
            (['["a"]'], ("a",)),
            ([[7, "7", "8", 9.0, None, "", True]], ("7", "8", "9")),
            ([["b", "a", "b"]], ("b", "a")),
            ([note("3 incidents changed"), {"Contents": ["x"], "Type": 1, "ContentsFormat": "json"}], ("x",)),
        ],
    )
    def test_every_form_of_an_id_list_gives_texts_in_order_once(self, results, ids):
        """MIR-045, MIR-046; §1.5."""
        answer = wire.parse_poll(reply(*results))
        assert (answer.kind, answer.ids) == ("ids", ids)

    def test_full_data_comes_sorted_by_remote_id(self):
        """MIR-047…049: objects, notes and control entries of several incidents in one answer."""
        named = {"mirrorRemoteId": "R1"}
        answer = wire.parse_poll(
            reply(
                [
                    {"Contents": {"state": "open"}, "ContentsFormat": "json", "EntryContext": named, "Type": 1},
                    note("hello", EntryContext=named),
                    {"Contents": {"dbotIncidentClose": True, "closeReason": "Done"}, "EntryContext": named, "Type": 1},
                    note("other", EntryContext={"mirrorRemoteId": 2}),
                ]
            )
        )
        assert answer.kind == "data"
        assert answer.data["R1"].object == {"state": "open"}
        assert [e.contents for e in answer.data["R1"].entries] == ["hello"]
        assert answer.data["R1"].controls == (Control(close=True, reason="Done"),)
        assert answer.data["2"].object is None
        assert [e.contents for e in answer.data["2"].entries] == ["other"]

    def test_an_empty_object_in_front_of_entries_names_nobody(self):
        """MIR-048."""
        answer = wire.parse_poll(reply([{}, note("n", EntryContext={"mirrorRemoteId": "R"})]))
        assert answer.kind == "data"
        assert answer.data["R"].object is None
        assert len(answer.data["R"].entries) == 1

    @pytest.mark.parametrize("key", ["dbotMirrorId", "id", "incident_id"])
    def test_an_object_without_mirror_remote_id_is_known_by_its_own_id(self, key):
        """§1.5, third shape."""
        answer = wire.parse_poll(reply([{"Contents": {key: 5, "a": 1}, "ContentsFormat": "json", "Type": 1}]))
        assert answer.data["5"].object == {key: 5, "a": 1}

    def test_an_object_without_any_id_is_left_out_with_a_warning(self):
        """§1.5."""
        answer = wire.parse_poll(reply([{"Contents": {"a": 1}, "ContentsFormat": "json", "Type": 1}]))
        assert answer.kind == "ids"
        assert answer.warnings

    @pytest.mark.parametrize("results", [[], [None], [None, None]])
    def test_no_output_is_silence(self, results):
        """§2.4 rule D."""
        assert wire.parse_poll(reply(*results)).kind == "silent"

    @pytest.mark.parametrize(
        ("bad", "expected"),
        [
            (reply(error("API rate limit")), RateLimited),
            (reply(error("skip update. error: API rate limit exceeded")), RateLimited),
            (reply(error("skip update. error: no route")), PollSkipped),
            (raised("Exception: skip update"), PollSkipped),
            (raised("Exception: 429 API rate limit"), RateLimited),
            (reply(ending=Ending.TIMED_OUT, error="too long"), CommandTimedOut),
            (reply(["1"], ending=Ending.DIED, error="killed"), ProcessDied),
        ],
    )
    def test_marked_errors_and_deaths_are_raised(self, bad, expected):
        """§1.2; the rate limit counts first when both markers are there."""
        with pytest.raises(expected):
            wire.parse_poll(bad)

    @pytest.mark.parametrize(
        ("bad", "not_implemented"),
        [
            (raised("NotImplementedError"), True),
            (reply(error("Failed to execute get-modified-remote-data command. Error: is not implemented")), True),
            (reply(error("The command is Not Supported")), True),
            (raised("requests.exceptions.ConnectionError: no route"), False),
            (reply(error("api rate limit")), False),
            (reply("something odd"), False),
        ],
    )
    def test_unmarked_errors_are_an_answer_of_their_own(self, bad, not_implemented):
        """§2.4 rules E and F; the markers' case counts."""
        answer = wire.parse_poll(bad)
        assert (answer.kind, answer.not_implemented) == ("error", not_implemented)
        assert answer.text

    def test_of_a_traceback_people_see_what_was_raised(self):
        """The frames stay in the detail."""
        assert wire.parse_poll(raised("ValueError: no such queue")).text == "ValueError: no such queue"


class TestPull:
    @pytest.mark.parametrize(
        ("results", "told", "texts"),
        [
            ([[{"a": 1}, note("e1"), note("e2")]], {"a": 1}, ["e1", "e2"]),
            ([[{}, note("e1")]], None, ["e1"]),
            ([[{"assigned_to": ""}]], None, []),
            ([[{"assigned_to": "", "tags": [], "closed": ZERO_TIME}, note("e1")]], None, ["e1"]),
            ([[{"assigned_to": "", "n": 0}]], {"assigned_to": "", "n": 0}, []),
            ([{"a": 1}], {"a": 1}, []),
            ([None], None, []),
            ([[None]], None, []),
            ([[]], None, []),
            ([], None, []),
            ([note("first"), [{"a": 1}, note("e")]], {"a": 1}, ["e", "first"]),
            ([note("only")], None, ["only"]),
            ([[note("only", Type=None)]], None, ["only"]),
            ([[[{"a": 1}], note("e")]], {"a": 1}, ["e"]),
            ([[{"a": 1}, {"severity": 1}, {"status": "x"}, None, 5, note("e")]], {"a": 1}, ["e"]),
        ],
    )
    def test_object_and_entries(self, results, told, texts):
        """MIR-050…052, MIR-054, MIR-058; the object that tells nothing is ServiceNow v2's way to say that nothing is new."""
        data = wire.parse_pull(reply(*results))
        assert data.object == told
        assert [e.contents for e in data.entries] == texts
        assert data.message == ""

    @pytest.mark.parametrize("results", [["Try later."], [["Try later."]]])
    def test_a_lone_text_is_a_message(self, results):
        """MIR-053."""
        data = wire.parse_pull(reply(*results))
        assert (data.object, data.entries, data.message) == (None, (), "Try later.")

    def test_a_list_of_two_as_object_is_a_message(self):
        """§1.6: only a single dict can be the object."""
        assert wire.parse_pull(reply([[{"a": 1}, {"b": 2}]])).message

    def test_what_is_no_entry_is_named_in_the_warnings(self):
        """MIR-054."""
        assert len(wire.parse_pull(reply([{"a": 1}, {"severity": 1}])).warnings) == 1

    @pytest.mark.parametrize(
        ("entry", "expected"),
        [
            (
                {"Type": None, "ContentsFormat": None, "Contents": "t", "Category": None, "Tags": None},
                InboundEntry(contents="t"),
            ),
            (note("t", Note=True, Tags=["a", " b "]), InboundEntry(contents="t", note=True, tags=("a", "b"))),
            (note("t", Tags="a, b,"), InboundEntry(contents="t", tags=("a", "b"))),
            ({"Contents": {"k": "ä"}}, InboundEntry(contents='{"k": "ä"}', format="json")),
            ({"Contents": {"k": 1}, "HumanReadable": "### k"}, InboundEntry(contents="### k", format="markdown")),
            (
                {"HumanReadable": "k", "ReadableContentsFormat": "text", "EntryContext": {"a": 1}},
                InboundEntry(contents="k", context={"a": 1}),
            ),
            ({"Type": 11, "Contents": "careful"}, InboundEntry(contents="careful", kind=11)),
            (
                note("t", Category="chat", ContentsFormat="html"),
                InboundEntry(contents="t", category="chat", format="html"),
            ),
        ],
    )
    def test_entries_are_normalised(self, entry, expected):
        """MIR-055, MIR-057; §1.6."""
        assert wire.parse_pull(reply([{"a": 1}, entry])).entries == (expected,)

    def test_control_entries_are_set_aside_in_order(self):
        """§1.6; MIR-130: other keys are kept."""
        closing = {"dbotIncidentClose": True, "closeReason": "Deleted", "closeNotes": None, "casestatus": "x"}
        data = wire.parse_pull(
            reply(
                [
                    {"a": 1},
                    {"Type": 1, "Contents": {"dbotIncidentReopen": True}},
                    note("n"),
                    {"Type": 1, "Contents": closing},
                ]
            )
        )
        assert data.controls == (
            Control(close=False),
            Control(close=True, reason="Deleted", extra={"casestatus": "x"}),
        )
        assert len(data.entries) == 1

    def test_files_are_found_in_the_commands_folder(self, tmp_path):
        """MIR-056."""
        (tmp_path / "12_f-1").write_bytes(b"bytes")
        entry = {"Contents": "", "Type": 3, "File": "../a/report.txt", "FileID": "f-1", "Tags": ["t"], "Note": True}
        (found,) = wire.parse_pull(reply([{}, entry], folder=tmp_path)).entries
        assert (found.file_name, found.file_path) == ("report.txt", str(tmp_path / "12_f-1"))
        assert (found.tags, found.note, found.kind) == (("t",), True, 3)

    @pytest.mark.parametrize("file_id", ["absent", "link", "folder", "../secret", "/etc/passwd", ""])
    def test_a_file_that_is_not_an_ordinary_one_of_the_folder_is_left_out(self, tmp_path, file_id):
        """A hostile integration could name any file of the server."""
        work = tmp_path / "work"
        work.mkdir()
        (tmp_path / "1_secret").write_text("s")
        (work / "1_link").symlink_to(tmp_path / "1_secret")
        (work / "1_folder").mkdir()
        entry = {"Contents": "", "Type": 3, "File": "x", "FileID": file_id}
        data = wire.parse_pull(reply([{"a": 1}, entry], folder=work))
        assert [e.file_path for e in data.entries if e.file_path] == []
        assert data.object == {"a": 1}

    @pytest.mark.parametrize(
        ("bad", "expected"),
        [
            (reply([{"a": 1}], error("API rate limit exceeded")), RateLimited),
            (raised("NotImplementedError"), NotImplementedByIntegration),
            (reply(error("get-remote-data is not implemented")), NotImplementedByIntegration),
            (reply(error("HTTP 405: method not supported")), CommandFailed),
            (reply([{"a": 1}, error("no")]), CommandFailed),
            (reply(error("skip update")), CommandFailed),
            (reply(ending=Ending.TIMED_OUT), CommandTimedOut),
            (reply(ending=Ending.DIED), ProcessDied),
        ],
    )
    def test_errors_are_raised(self, bad, expected):
        """§1.2, §1.6; a remote's “not supported” about one object is no missing command."""
        with pytest.raises(expected) as caught:
            wire.parse_pull(bad)
        assert type(caught.value) is expected
        assert caught.value.message

    def test_an_answer_survives_storing(self):
        """Full-data answers wait in the store until their link's turn comes."""
        file = FileRef(id="f" * 64, name="n", size=3)
        data = wire.RemoteData(
            object={"a": [1]},
            entries=(InboundEntry(contents="x", tags=("t",), context={"k": 1}), InboundEntry(file_name="n", file=file)),
            controls=(Control(close=True, reason="r", extra={"k": "v"}),),
            warnings=("w",),
        )
        assert wire.remote_data_from_json(wire.remote_data_to_json(data)) == data


class TestPush:
    @pytest.mark.parametrize(
        ("results", "remote_id"),
        [
            (["R1"], "R1"),
            ([note("pushed"), "R1"], "R1"),
            ([note("pushed"), ["R1"]], "R1"),
            ([17], "17"),
            (["R1", ""], "R1"),
            ([], ""),
            ([None, True, {}], ""),
        ],
    )
    def test_the_last_text_or_number_is_the_id(self, results, remote_id):
        """MIR-060, MIR-061."""
        assert wire.parse_push(reply(*results)) == remote_id

    @pytest.mark.parametrize(
        ("bad", "expected"), [(error("no"), CommandFailed), (error("API rate limit"), RateLimited)]
    )
    def test_an_error_entry_is_a_failed_push(self, bad, expected):
        """§1.7: whatever else was answered."""
        with pytest.raises(expected):
            wire.parse_push(reply("R1", bad))


class TestOthers:
    @pytest.mark.parametrize(
        "got",
        [
            reply(incidents=({"name": "a"}, {"name": "b"})),
            reply({"Type": 1, "Contents": '[{"name": "a"}, {"name": "b"}]', "ContentsFormat": "json"}),
            reply({"Type": 1, "Contents": [{"name": "b"}], "ContentsFormat": "json"}, incidents=({"name": "a"}, "odd")),
        ],
    )
    def test_fetched_incidents_come_in_both_forms(self, got):
        """MIR-037, MIR-042."""
        assert wire.parse_fetch(got) == ({"name": "a"}, {"name": "b"})

    def test_a_fetch_that_raises_gives_nothing(self):
        """MIR-038."""
        with pytest.raises(CommandFailed, match="no route"):
            wire.parse_fetch(replace(raised("Exception: no route"), incidents=({"name": "a"},)))

    @pytest.mark.parametrize("results", [["ok"], [["ok"]], [None, "ok"]])
    def test_ok_is_success(self, results):
        """MIR-035."""
        assert wire.parse_test(reply(*results)) is None

    @pytest.mark.parametrize(
        ("bad", "text"),
        [
            (reply("wrong key"), "wrong key"),
            (reply("ok", "but"), "but"),
            (reply(error("denied")), "denied"),
            (raised("ValueError: bad url"), "bad url"),
            (reply(), "ok"),
            (reply("ok", ending=Ending.TIMED_OUT, error="took longer"), "took longer"),
        ],
    )
    def test_anything_else_is_failure_with_its_text(self, bad, text):
        """MIR-036."""
        with pytest.raises(CommandFailed, match=text):
            wire.parse_test(bad)

    def test_a_schema_is_merged_from_all_answers(self):
        """MIR-059."""
        schema = {"Incident": {"state": "text", "CustomFields": {"a": "number"}}}
        entry = {"Type": 1, "Contents": {"Sample": {"id": 7}}, "ContentsFormat": "json"}
        assert wire.parse_schema(reply(schema, entry)) == {**schema, "Sample": {"id": 7}}

    def test_a_command_run_by_hand_shows_everything(self, tmp_path):
        """MIR-034: errors and unwritten files, too."""
        file = {"Type": 3, "Contents": "", "File": "f", "FileID": "x"}
        got = reply("text", error("bad"), {"a": 1}, file, ending=Ending.RAISED, error="Traceback", folder=tmp_path)
        shown = wire.parse_entries(got)
        assert [(e.kind, e.contents[:9]) for e in shown] == [
            (1, "text"),
            (4, "bad"),
            (1, '{"a": 1}'),
            (4, "File f wa"),
            (4, "Traceback"),
        ]

    def test_error_text_is_empty_for_a_good_reply(self):
        """It names all errors of a bad one."""
        assert wire.error_text(reply("R1", note("n"))) == ""
        assert wire.error_text(reply(error("a"), error("b"))) == "a\nb"


def an_incident(**more):
    fields = {
        "name": "N",
        "severity": 3,
        "owner": "bob",
        "servicenowstate": "2",
        "emptied": None,
        "sla_due": {"dueDate": TEXT_AT},
    }
    given = {
        "id": 7,
        "guid": "g-1",
        "version": 4,
        "type": "Ticket",
        "status": Status.ACTIVE,
        "fields": fields,
        "labels": ({"type": "a", "value": "b"},),
        "raw_json": '{"x": 1}',
        "created_at": AT,
        "modified_at": AT,
        "occurred_at": AT,
        "last_open_at": AT,
    }
    return Incident(**{**given, **more})


def a_link(**more):
    given = {
        "id": 1,
        "incident_id": 7,
        "instance_id": "i",
        "instance_name": "snow",
        "remote_id": "R1",
        "direction": Direction.BOTH,
        "tags": ("comments",),
        "since_at": AT,
        "last_sync_at": AT,
    }
    return Link(**{**given, **more})


class TestArguments:
    def test_times_are_utc_with_six_digits(self):
        """MIR-021…023."""
        assert wire.poll_arguments(AT) == {"lastUpdate": TEXT_AT}
        assert wire.pull_arguments("t:42", AT) == {"id": "t:42", "lastUpdate": TEXT_AT}

    def test_all_keys_of_a_push_are_there_with_their_types(self):
        """MIR-024."""
        args = wire.push_arguments(remote_id="", data={}, delta={}, incident_changed=False, status=Status.ACTIVE)
        assert {key: type(value) for key, value in args.items()} == {
            "remoteId": str,
            "data": dict,
            "delta": dict,
            "incidentChanged": bool,
            "status": int,
            "entries": list,
        }

    def test_what_a_push_gets_may_be_written_to(self):
        """MIR-025."""
        data = {"a": {"b": [1]}}
        args = wire.push_arguments(
            remote_id="R", data=data, delta=data, incident_changed=True, status=1, entries=[data]
        )
        for part in (args["data"], args["delta"], args["entries"][0]):
            part["a"]["b"].append(2)
            part["c"] = 3
        assert data == {"a": {"b": [1]}}

    def test_an_outgoing_entry_has_every_key_that_integrations_read(self):
        """MIR-171."""
        entry = Entry(
            id=9,
            incident_id=7,
            number=3,
            created_at=AT,
            modified_at=AT,
            contents="hi",
            category="chat",
            tags=("comments",),
        )
        sent = wire.outgoing_entry(Outgoing(entry=entry))
        assert sent["id"] == "3@7"
        assert (sent["type"], sent["contents"], sent["format"], sent["category"], sent["user"]) == (
            1,
            "hi",
            "text",
            "chat",
            "",
        )
        assert (sent["tags"], sent["note"], sent["mirrored"]) == (["comments"], False, False)
        assert (sent["created"], sent["modified"]) == (TEXT_AT, TEXT_AT)
        assert {"file", "fileID", "fileMetadata", "investigationId", "instance", "brand"} <= set(sent)

    def test_a_file_entry_has_no_contents(self):
        """§3.7."""
        file = FileRef(id="a" * 64, name="r.txt", size=5)
        entry = Entry(id=9, incident_id=7, number=3, created_at=AT, modified_at=AT, kind=3, contents="x", file=file)
        sent = wire.outgoing_entry(Outgoing(entry=entry))
        assert (sent["type"], sent["contents"], sent["file"], sent["fileMetadata"]["size"]) == (3, "", "r.txt", 5)

    def test_the_reference_of_an_entry_never_changes(self):
        """A second try finds the first by it; editing the entry changes nothing."""
        entry = Entry(id=9, incident_id=7, number=3, created_at=AT, modified_at=AT, contents="hi")
        first = wire.outgoing_entry(Outgoing(entry=entry))["casemirror"]
        again = wire.outgoing_entry(Outgoing(entry=replace(entry, contents="edited"), uncertain=True))["casemirror"]
        other = wire.outgoing_entry(Outgoing(entry=replace(entry, id=10)))["casemirror"]
        assert (first["uncertain"], again["uncertain"]) == (False, True)
        assert first["reference"] == again["reference"] != other["reference"]


class TestIncident:
    def test_the_api_form_keeps_custom_fields_apart(self):
        """content.md §5.4: unset times are the zero time, severity is a number."""
        shown = wire.incident_json(an_incident(), a_link(), {"owner"}, set())
        assert shown["CustomFields"] == {"servicenowstate": "2", "sla_due": {"dueDate": TEXT_AT}}
        assert (shown["id"], shown["severity"], shown["status"], shown["closed"]) == ("7", 3, 1, ZERO_TIME)
        assert (shown["closeReason"], shown["dueDate"], shown["occurred"]) == ("", ZERO_TIME, TEXT_AT)
        assert (shown["dbotMirrorId"], shown["dbotMirrorDirection"], shown["dbotMirrorTags"]) == (
            "R1",
            "Both",
            ["comments"],
        )
        assert (shown["dbotDirtyFields"], shown["dbotCurrentDirtyFields"]) == (["owner"], None)
        assert shown["labels"] == [{"type": "a", "value": "b"}]

    def test_an_incident_without_link_has_empty_mirror_fields(self):
        """§3.1."""
        shown = wire.incident_json(an_incident(), None)
        assert [shown[f"dbotMirror{n}"] for n in ("Id", "Instance", "Direction", "Tags", "LastSync")] == [
            "",
            "",
            "",
            None,
            ZERO_TIME,
        ]

    def test_outgoing_mappers_see_custom_fields_at_top_level_and_no_bookkeeping(self):
        """content.md §3.9; §4.4.2; MIR-161."""
        source = wire.outgoing_source(an_incident(), a_link())
        assert (source["servicenowstate"], source["sla_due"]["dueDate"], source["guid"]) == ("2", TEXT_AT, "g-1")
        assert source["CustomFields"]["servicenowstate"] == "2"
        assert not {"dbotDirtyFields", "dbotCurrentDirtyFields", "dbotMirrorLastSync"} & set(source)

    def test_a_custom_field_never_hides_a_system_field(self):
        """A stored field that is named like a column is not shown in its place."""
        source = wire.outgoing_source(an_incident(fields={"name": "N", "status": "odd", "CustomFields": "odd"}), None)
        assert (source["status"], source["CustomFields"]) == (1, {})

    def test_the_investigation_tells_when_it_was_closed(self):
        """MIR-030."""
        told = wire.investigation_json(an_incident(status=Status.CLOSED, closed_at=AT))
        assert (told["id"], told["closed"], told["lastOpen"], told["status"]) == ("7", TEXT_AT, TEXT_AT, 1)
        assert wire.investigation_json(an_incident())["closed"] == ZERO_TIME

    @pytest.mark.parametrize(
        ("raw", "fields"),
        [
            (
                {"dbotMirrorId": 5, "dbotMirrorInstance": "i", "dbotMirrorDirection": "both", "dbotMirrorTags": "a, b"},
                MirrorFields(remote_id="5", instance="i", direction="Both", tags=("a", "b")),
            ),
            ({"dbotMirrorDirection": "None", "dbotMirrorTags": None}, MirrorFields()),
            ({"dbotMirrorId": None, "dbotMirrorTags": ["x", "", " y"]}, MirrorFields(tags=("x", "y"))),
        ],
    )
    def test_mirror_fields_are_read_in_any_spelling(self, raw, fields):
        """MIR-011, MIR-012, MIR-040, MIR-177."""
        assert wire.parse_mirror_fields(raw) == fields

    def test_a_fetched_dict_becomes_an_incident(self):
        """§1.4."""
        new = wire.new_incident(
            {
                "name": "N",
                "occurred": "2024-05-06T09:08:09.12+02:00",
                "rawJSON": '{"a": 1}',
                "details": "d",
                "severity": "High",
                "owner": None,
                "labels": [{"type": "t", "value": "v"}, "odd"],
                "attachment": [{"path": "1_f", "name": "n"}, {"name": "no path"}],
                "CustomFields": {"x": [1]},
                "dbotMirrorId": "R",
                "dbotMirrorDirection": "In",
                "status": 2,
            }
        )
        assert new.fields == {"name": "N", "details": "d", "severity": 3, "x": [1]}
        assert (new.type, new.occurred_at, new.raw_json) == ("Unclassified", AT, '{"a": 1}')
        assert (new.labels, new.attachments) == (({"type": "t", "value": "v"},), ({"path": "1_f", "name": "n"},))
        assert (new.mirror.remote_id, new.mirror.direction) == ("R", "In")

    @pytest.mark.parametrize(
        ("value", "number"),
        [
            (3, 3),
            (0.5, 0.5),
            ("2", 2),
            ("critical", 4),
            (" Informational ", 0.5),
            ("x", None),
            (7, None),
            (None, None),
            (True, None),
            ([], None),
        ],
    )
    def test_severities_are_numbers_or_names(self, value, number):
        """MIR-113."""
        assert wire.parse_severity(value) == number

    @pytest.mark.parametrize(
        "value", [TEXT_AT, "2024-05-06 07:08:09.12", 1714979289.12, 1714979289120, "Mon, 06 May 2024 07:08:09.12 GMT"]
    )
    def test_times_are_read_in_any_form(self, value):
        """§1.4 `occurred`; no zone means UTC."""
        assert wire.parse_occurred(value) == AT

    @pytest.mark.parametrize("value", [None, "", ZERO_TIME, "soon?", True, 1e300])
    def test_what_is_no_time_is_none(self, value):
        """The caller then takes the time of the fetch."""
        assert wire.parse_occurred(value) is None
