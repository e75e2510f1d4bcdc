"""The ServiceNow pack against the simulator, its commands run by the real runtime."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from casemirror.runtime.pool import ProcessRuntime
from casemirror.simulators.servicenow.server import ServiceNowSimulator
from support.packs import PACKS, CommandError, Instance, attachment, comment
from support.proxy import Proxy, dies_after

YML = PACKS / "CasemirrorServiceNow/Integrations/CasemirrorServiceNow/CasemirrorServiceNow.yml"
LONG_AGO = "2020-01-01T00:00:00.000000Z"
GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
CLOSING = {"closeReason": "Resolved", "closeNotes": "Fixed by restart.", "closingUserId": "bob"}


class Clock:
    """The remote's time, turned by hand; it starts in the past hour."""

    def __init__(self) -> None:
        self.now = float(int(time.time()) - 3600)

    def __call__(self) -> float:
        return self.now

    def tick(self, seconds: float = 10.0) -> str:
        """Turn on; gives the new time as commands get it."""
        self.now += seconds
        return datetime.fromtimestamp(self.now, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def remote(clock: Clock) -> Iterator[ServiceNowSimulator]:
    with ServiceNowSimulator(clock=clock, seed=1) as simulator:
        yield simulator


def make_instance(runtime: ProcessRuntime, url: str, password: str = "casemirror", **params: Any) -> Instance:
    credentials = {"identifier": "casemirror", "password": password}
    return Instance(
        runtime=runtime,
        yml=YML,
        params={"url": url, "credentials": credentials, "mirror_direction": "Incoming And Outgoing", **params},
    )


@pytest.fixture
def mirror(runtime: ProcessRuntime, remote: ServiceNowSimulator) -> Instance:
    return make_instance(runtime, remote.url)


def make(remote: ServiceNowSimulator, **values: str) -> str:
    return remote.create("incident", **{"short_description": "A record", **values})["sys_id"]


def requests_of(remote: ServiceNowSimulator, run: Any) -> int:
    """How many requests `run()` makes."""
    before = sum(remote.state()["requests"].values())
    run()
    return sum(remote.state()["requests"].values()) - before


class TestConnection:
    def test_a_good_set_up_is_ok(self, mirror: Instance) -> None:
        assert mirror.test() == "ok"

    def test_a_wrong_password_is_told(self, runtime: ProcessRuntime, remote: ServiceNowSimulator) -> None:
        with pytest.raises(CommandError, match="refused the user name or the password"):
            make_instance(runtime, remote.url, password="wrong").test()

    def test_a_table_that_is_not_there_is_told(self, runtime: ProcessRuntime, remote: ServiceNowSimulator) -> None:
        with pytest.raises(CommandError, match="Invalid table"):
            make_instance(runtime, remote.url, ticket_type="nix").test()

    def test_an_unreachable_instance_is_told(self, mirror: Instance, remote: ServiceNowSimulator) -> None:
        remote.set_faults(down=True)
        with pytest.raises(CommandError, match="cannot be reached"):
            mirror.test()

    def test_a_page_instead_of_data_is_told(self, mirror: Instance, remote: ServiceNowSimulator) -> None:
        remote.set_faults(html=True)
        for run in (
            mirror.test,
            mirror.fetch,
            lambda: mirror.modified(LONG_AGO),
            lambda: mirror.pull("a" * 32, LONG_AGO),
        ):
            with pytest.raises(CommandError, match="an HTML page"):
                run()

    def test_the_rate_limit_is_passed_on_with_its_wait(self, mirror: Instance, remote: ServiceNowSimulator) -> None:
        record = make(remote)
        remote.set_faults(rate_limit={"limit": 0})
        for run in (
            lambda: mirror.modified(LONG_AGO),
            lambda: mirror.pull(record, LONG_AGO),
            lambda: mirror.push(record, delta={"description": "x"}),
            mirror.fetch,
        ):
            with pytest.raises(CommandError, match=r"API rate limit; retry after \d+ s"):
                run()

    def test_the_mapper_editor_gets_the_columns(self, mirror: Instance, remote: ServiceNowSimulator) -> None:
        make(remote)
        (schema,) = mirror.ask("get-mapping-fields")
        assert {"short_description", "close_code", "casemirror_reference"} <= set(schema["incident"])


class TestFetch:
    def test_new_records_come_once_in_pages_although_they_share_a_second(
        self, runtime: ProcessRuntime, remote: ServiceNowSimulator
    ) -> None:
        made = {make(remote) for _ in range(7)}
        instance = make_instance(runtime, remote.url, max_fetch="3")
        fetched = [[raw["sys_id"] for raw in instance.fetch()] for _ in range(4)]
        assert [len(ids) for ids in fetched] == [3, 3, 1, 0]
        assert {i for ids in fetched for i in ids} == made
        late = make(remote)
        assert [raw["sys_id"] for raw in instance.fetch()] == [late]
        assert instance.fetch() == []

    def test_a_record_that_becomes_visible_late_is_not_lost(
        self, mirror: Instance, remote: ServiceNowSimulator, clock: Clock
    ) -> None:
        remote.set_faults(late_index_s=30.0)
        late = make(remote)
        clock.tick(10)
        remote.set_faults(late_index_s=0.0)
        shown = make(remote)
        remote.set_faults(late_index_s=30.0)
        fetched = [raw["sys_id"] for raw in mirror.fetch()]
        clock.tick(60)
        assert fetched + [raw["sys_id"] for raw in mirror.fetch()] in ([shown, late], [late, shown])

    def test_the_raw_object_is_whole(self, mirror: Instance, remote: ServiceNowSimulator) -> None:
        make(remote, short_description="Disk full", description="It\nis.", impact="1", urgency="2", state="2")
        (raw,) = mirror.fetch()
        assert (raw["short_description"], raw["description"]) == ("Disk full", "It\nis.")
        assert (raw["priority"], raw["state"]) == ("2", "2 - In Progress")
        assert raw["mirror_id"] == raw["sys_id"] and raw["mirror_instance"] == "instance-1"
        assert raw["mirror_direction"] == "Both" and raw["mirror_tags"] == ["comments", "work_notes", "ForServiceNow"]
        assert raw["opened_at"].endswith("Z") and raw["link"].startswith(remote.url)

    def test_what_we_created_ourselves_is_not_fetched_back(self, mirror: Instance, remote: ServiceNowSimulator) -> None:
        mirror.push(data={"short_description": "From here", "casemirror_reference": GUID})
        theirs = make(remote)
        assert [raw["sys_id"] for raw in mirror.fetch()] == [theirs]

    def test_every_part_of_an_or_query_is_bounded(
        self, runtime: ProcessRuntime, remote: ServiceNowSimulator, clock: Clock
    ) -> None:
        instance = make_instance(runtime, remote.url, query="impact=1^NQimpact=2")
        first = make(remote, impact="1")
        assert [raw["sys_id"] for raw in instance.fetch()] == [first]
        clock.tick(600)
        second = make(remote, impact="2")
        make(remote, impact="3")
        assert [raw["sys_id"] for raw in instance.fetch()] == [second]
        assert instance.fetch() == []


class TestPoll:
    def test_all_pages_come_although_many_changes_share_a_second(
        self, runtime: ProcessRuntime, remote: ServiceNowSimulator, clock: Clock
    ) -> None:
        instance = make_instance(runtime, remote.url, page_size="3")
        made = [make(remote) for _ in range(8)]
        clock.tick(1)
        made += [make(remote) for _ in range(2)]
        assert sorted(instance.modified(LONG_AGO)) == sorted(made)

    def test_what_was_said_or_attached_is_told_although_the_record_is_as_it_was(
        self, mirror: Instance, remote: ServiceNowSimulator, clock: Clock
    ) -> None:
        remote.set_faults(attachment_touches_parent=False)
        filed, talked, still = make(remote), make(remote), make(remote)
        since = clock.tick()
        remote.attach(filed, "a.txt", b"a")
        remote.comment(talked, "Hello")
        found = mirror.modified(since)
        assert set(found) == {filed, talked} and len(found) == 2 and still not in found
        assert mirror.modified(clock.tick()) == []


class TestPull:
    def test_the_object_is_whole_and_the_words_of_others_come_in_order(
        self, mirror: Instance, remote: ServiceNowSimulator, clock: Clock
    ) -> None:
        record = make(remote, description="It burns.")
        since = clock.tick()
        remote.comment(record, "Which one?")
        clock.tick()
        remote.comment(record, "Called the fire brigade.", element="work_notes")
        remote.attach(record, "photo.bin", bytes(range(256)) * 50)
        pulled = mirror.pull(record, since)
        assert pulled.raw["description"] == "It burns." and pulled.raw["state"] == "1 - New"
        assert [t.split("\n\n— ")[0] for t in pulled.texts] == ["Which one?", "Called the fire brigade."]
        assert "— alice, 20" in pulled.texts[0] and "UTC, comment in ServiceNow" in pulled.texts[0]
        assert pulled.files == {"photo.bin": bytes(range(256)) * 50}
        assert [e["Tags"] for e in pulled.entries] == [
            ["servicenow-comment"],
            ["servicenow-work-note"],
            ["servicenow-file"],
        ]
        assert pulled.reopened and pulled.closed is None
        clock.tick(7200)
        later = mirror.pull(record, clock.tick())
        assert later.raw == pulled.raw and later.texts == [] and later.files == {}

    def test_a_changed_field_costs_two_requests(
        self, mirror: Instance, remote: ServiceNowSimulator, clock: Clock
    ) -> None:
        """Design §6: at most two calls for each change that is applied."""
        record = make(remote, comments="An old comment")
        clock.tick(7200)
        since = clock.tick()
        remote.update(record, description="New")
        assert requests_of(remote, lambda: mirror.pull(record, since)) == 2
        assert requests_of(remote, lambda: mirror.push(record, delta={"description": "Newer"})) == 1

    def test_a_comment_is_found_in_any_time_zone_of_the_user(
        self, runtime: ProcessRuntime, remote: ServiceNowSimulator, clock: Clock
    ) -> None:
        """alice sees New York's time in display values."""
        credentials = {"identifier": "alice", "password": "alice"}
        instance = make_instance(runtime, remote.url, credentials=credentials)
        record = make(remote)
        since = clock.tick()
        remote.comment(record, "Hello", by="admin")
        assert len(instance.pull(record, since).texts) == 1
        clock.tick(4000)
        assert instance.pull(record, clock.tick()).texts == []

    def test_a_person_who_quotes_us_is_heard(self, mirror: Instance, remote: ServiceNowSimulator) -> None:
        record = make(remote)
        mirror.push(record, entries=[comment("Said", reference="e-400", uncertain=False)])
        remote.comment(record, "Right!\n\n— alice via casemirror [ref e-400]")
        assert [text[:6] for text in mirror.pull(record, LONG_AGO).texts] == ["Right!"]

    def test_closing_and_reopening_are_told(self, mirror: Instance, remote: ServiceNowSimulator) -> None:
        record = make(remote)
        remote.close(record, code="User error", notes="Plugged in.")
        closed = mirror.pull(record, LONG_AGO).closed
        assert closed and (closed["closeReason"], closed["closeNotes"]) == ("User error", "Plugged in.")
        remote.reopen(record)
        pulled = mirror.pull(record, LONG_AGO)
        assert pulled.reopened and pulled.closed is None

    def test_resolved_counts_as_closed_when_told_so(self, runtime: ProcessRuntime, remote: ServiceNowSimulator) -> None:
        record = make(remote)
        remote.update(record, state="6", close_code="User error")
        assert make_instance(runtime, remote.url).pull(record, LONG_AGO).closed is None
        assert make_instance(runtime, remote.url, resolved_is_closed=True).pull(record, LONG_AGO).closed

    def test_closing_can_be_left_to_people(self, runtime: ProcessRuntime, remote: ServiceNowSimulator) -> None:
        record = make(remote)
        remote.close(record)
        pulled = make_instance(runtime, remote.url, close_incident=False).pull(record, LONG_AGO)
        assert pulled.closed is None and not pulled.reopened and pulled.raw["state"] == "7 - Closed"

    def test_a_deleted_record_is_a_message(self, mirror: Instance, remote: ServiceNowSimulator) -> None:
        record = make(remote)
        remote.delete(record)
        assert "was not found" in mirror.pull(record, LONG_AGO).message
        assert "was not found" in mirror.pull("INC0010001", LONG_AGO).message

    def test_a_moment_s_outage_is_bridged(self, mirror: Instance, remote: ServiceNowSimulator) -> None:
        record = make(remote)
        remote.set_faults(down=True)
        with pytest.raises(CommandError, match="cannot be reached"):
            mirror.pull(record, LONG_AGO)
        remote.clear_faults()
        assert mirror.pull(record, LONG_AGO).raw["sys_id"] == record


class TestCreate:
    DATA = {"short_description": "Phishing", "description": "Look.", "priority": "2", "casemirror_reference": GUID}

    def test_a_record_is_created_once_for_one_reference(self, mirror: Instance, remote: ServiceNowSimulator) -> None:
        first, second = mirror.push(data=self.DATA), mirror.push(data=self.DATA)
        assert first == second and remote.state()["tables"] == {"incident": 1}
        row = remote.get(first)
        assert row is not None
        assert (row["short_description"], row["priority"], row["correlation_id"]) == ("Phishing", "2", GUID)

    def test_a_creation_whose_answer_was_lost_is_taken_up(self, mirror: Instance, remote: ServiceNowSimulator) -> None:
        remote.set_faults(fail_after_write=1)
        with pytest.raises(CommandError):
            mirror.push(data=self.DATA)
        remote.clear_faults()
        record = mirror.push(data={**self.DATA, "description": "Edited meanwhile."})
        assert remote.state()["tables"] == {"incident": 1}
        assert (remote.get(record) or {})["description"] == "Edited meanwhile."

    def test_an_incident_that_is_closed_already_makes_a_closed_record(
        self, mirror: Instance, remote: ServiceNowSimulator
    ) -> None:
        remote.set_faults(data_policy=True)
        record = mirror.push(data={**self.DATA, **CLOSING}, status=2)
        row = remote.get(record) or {}
        assert (row["state"], row["close_notes"]) == ("7", "Fixed by restart.")

    def test_one_that_was_created_closed_by_an_unseen_call_is_open_when_the_incident_is_again(
        self, mirror: Instance, remote: ServiceNowSimulator
    ) -> None:
        """The first answer was lost, so there is no id yet; a person reopened the incident meanwhile."""
        record = mirror.push(data={**self.DATA, **CLOSING}, status=2)
        mark = {"status_changed": True}
        assert mirror.push(data=self.DATA, status=1, casemirror=mark) == record
        assert (remote.get(record) or {})["state"] == "2"


class TestPush:
    def test_only_what_changed_is_written(self, mirror: Instance, remote: ServiceNowSimulator) -> None:
        record = make(remote, description="Old")
        mirror.push(record, data={"description": "New", "short_description": "Wrong"}, delta={"description": "New"})
        row = remote.get(record) or {}
        assert (row["description"], row["short_description"]) == ("New", "A record")

    def test_every_mapped_field_comes_back_as_it_was_sent(self, mirror: Instance, remote: ServiceNowSimulator) -> None:
        record = make(remote)
        sent = {
            "short_description": "Two  words", "description": "a\n\n  b", "state": "2 - In Progress", "category": "network",
            "subcategory": "dns", "close_code": "User error", "close_notes": "None\nat all",
        }  # fmt: skip
        for priority in ("1", "2", "3", "4", "5"):
            mirror.push(record, delta={**sent, "priority": priority})
            raw = mirror.pull(record, LONG_AGO).raw
            assert {name: raw[name] for name in sent} == sent and raw["priority"] == priority
        empty = {"description": "", "category": "", "close_notes": ""}
        mirror.push(record, delta=empty)
        raw = mirror.pull(record, LONG_AGO).raw
        assert {name: raw[name] for name in empty} == empty

    def test_a_severity_that_is_no_priority_is_not_sent(self, mirror: Instance, remote: ServiceNowSimulator) -> None:
        record = make(remote, impact="2", urgency="2")
        mirror.push(record, delta={"priority": "0"})
        assert (remote.get(record) or {})["priority"] == "3"

    def test_a_table_with_a_priority_of_its_own_gets_it(
        self, runtime: ProcessRuntime, remote: ServiceNowSimulator
    ) -> None:
        task = remote.create("sc_task", short_description="T")["sys_id"]
        make_instance(runtime, remote.url, ticket_type="sc_task").push(task, delta={"priority": "1"})
        assert (remote.get(task) or {})["priority"] == "1"

    def test_comments_and_work_notes_go_where_their_tag_says_and_do_not_come_back(
        self, mirror: Instance, remote: ServiceNowSimulator
    ) -> None:
        record = make(remote)
        entries = [
            comment("For the caller", 1, reference="e-100", uncertain=False),
            comment("For the team", 2, tags=("work_notes",), reference="e-101", uncertain=False),
        ]
        mirror.push(record, entries=entries)
        (said,), (noted,) = remote.comments(record), remote.comments(record, "work_notes")
        assert said["value"] == "For the caller\n\n— alice via casemirror [ref e-100]"
        assert noted["value"].startswith("For the team")
        assert mirror.pull(record, LONG_AGO).texts == []

    def test_a_comment_whose_answer_was_lost_is_not_doubled(
        self, mirror: Instance, remote: ServiceNowSimulator
    ) -> None:
        record = make(remote)
        remote.set_faults(fail_after_write=1)
        with pytest.raises(CommandError):
            mirror.push(record, entries=[comment("Once", reference="e-200", uncertain=False)])
        remote.clear_faults()
        mirror.push(record, entries=[comment("Once", reference="e-200", uncertain=True)])
        assert len(remote.comments(record)) == 1
        mirror.push(record, entries=[comment("Lost before it arrived", reference="e-201", uncertain=True)])
        assert len(remote.comments(record)) == 2
        mirror.push(record, entries=[comment("Once", 9, reference="e-202", uncertain=False)])
        assert len(remote.comments(record)) == 3

    def test_entries_of_another_server_are_not_doubled_either(
        self, mirror: Instance, remote: ServiceNowSimulator
    ) -> None:
        record = make(remote)
        for _ in range(2):
            mirror.push(record, entries=[comment("No mark", 33)])
        assert len(remote.comments(record)) == 1

    def test_a_file_arrives_once_byte_for_byte_and_does_not_come_back(
        self, mirror: Instance, remote: ServiceNowSimulator, tmp_path: Path
    ) -> None:
        record, body = make(remote), bytes(range(256)) * 300
        for uncertain in (False, True):
            entry, staged = attachment(tmp_path, "Report ä^x.txt", body, 4, reference="f-1000", uncertain=uncertain)
            mirror.push(record, entries=[entry], files=(staged,))
        (file,) = remote.attachments(record)
        assert (file["file_name"], remote.file(file["sys_id"])) == ("Report ä^x.txt", body)
        assert mirror.pull(record, LONG_AGO).files == {}

    def test_what_was_said_goes_out_although_a_field_is_refused(
        self, mirror: Instance, remote: ServiceNowSimulator
    ) -> None:
        remote.set_faults(data_policy=True)
        record = make(remote)
        with pytest.raises(CommandError, match="forbids this"):
            mirror.push(
                record, delta={"state": "7 - Closed"}, entries=[comment("Said", reference="e-300", uncertain=False)]
            )
        assert len(remote.comments(record)) == 1

    def test_a_record_that_is_gone_is_told(self, mirror: Instance, remote: ServiceNowSimulator) -> None:
        record = make(remote)
        remote.delete(record)
        with pytest.raises(CommandError, match="404"):
            mirror.push(record, delta={"description": "x"})

    def test_a_log_in_page_is_no_answer_to_a_write(self, mirror: Instance, remote: ServiceNowSimulator) -> None:
        """Status 200 and HTML: nothing was written, so nothing may count as sent."""
        record = make(remote)
        remote.set_faults(html=True)
        with pytest.raises(CommandError, match="an HTML page"):
            mirror.push(record, delta={"description": "x"})
        with pytest.raises(CommandError, match="an HTML page"):
            mirror.push(record, entries=[comment("Said", reference="e-301", uncertain=False)])


def told(instance: Instance, *args: Any, **given: Any) -> dict[str, Any]:
    """What a push tells of itself beside its answer: by our own key, whatever became of it."""
    reply = instance.raw_push(*args, casemirror={"status_changed": False, **given.pop("casemirror", {})}, **given)
    (mine,) = [item["casemirror"] for item in reply.results if isinstance(item, dict) and "casemirror" in item]
    return dict(mine)


class TestLateIndex:
    """A search that shows late what was written: what may be there is looked for, and not written again too early."""

    def test_a_comment_that_is_only_looked_for_is_not_written(
        self, mirror: Instance, remote: ServiceNowSimulator, clock: Clock
    ) -> None:
        record = make(remote)
        remote.set_faults(late_index_s=60, fail_after_write=1)
        with pytest.raises(CommandError):
            mirror.push(record, entries=[comment("Once", reference="e-500", uncertain=False)])
        again = comment("Once", reference="e-500", uncertain=True, only_look=True)
        assert told(mirror, record, entries=[again]) == {"unsent": [], "unknown": ["1@7"], "record": ""}
        assert remote.state()["comments"] == 1
        clock.tick(61)
        assert told(mirror, record, entries=[again]) == {"unsent": [], "unknown": [], "record": ""}
        assert remote.state()["comments"] == 1

    def test_a_file_that_is_only_looked_for_is_not_attached(
        self, mirror: Instance, remote: ServiceNowSimulator, clock: Clock, tmp_path: Path
    ) -> None:
        record = make(remote)
        remote.set_faults(late_index_s=60)
        entry, staged = attachment(tmp_path, "a.bin", b"abc", 4, reference="f-500", uncertain=False)
        mirror.push(record, entries=[entry], files=(staged,))
        again, _ = attachment(tmp_path, "a.bin", b"abc", 4, reference="f-500", uncertain=True, only_look=True)
        assert told(mirror, record, entries=[again], files=(staged,))["unknown"] == ["4@7"]
        clock.tick(61)
        assert told(mirror, record, entries=[again], files=(staged,))["unknown"] == []
        assert remote.state()["attachments"] == 1

    def test_a_record_that_is_only_looked_for_is_not_created(
        self, mirror: Instance, remote: ServiceNowSimulator, clock: Clock
    ) -> None:
        remote.set_faults(late_index_s=60)
        data = {"short_description": "Once", "casemirror_reference": GUID}
        made = mirror.push(data=data)
        entry = comment("Later", reference="e-501", uncertain=False)
        early = told(mirror, data=data, entries=[entry], casemirror={"only_look": True})
        assert early == {"unsent": ["1@7"], "unknown": [], "record": "unknown"}
        clock.tick(61)
        assert mirror.push(data=data, casemirror={"only_look": True}) == made
        assert remote.state()["tables"] == {"incident": 1}

    def test_what_was_refused_is_told_to_be_unsent(self, mirror: Instance, remote: ServiceNowSimulator) -> None:
        """What came before it was written; what came after it was not."""
        record = make(remote)
        entries = [comment(text, n, reference=f"e-51{n}", uncertain=False) for n, text in enumerate("ab", 1)]
        remote.set_faults(refuse_rate=1.0)
        assert told(mirror, record, entries=entries)["unsent"] == ["2@7", "1@7"]
        remote.clear_faults()
        assert told(mirror, record, entries=entries)["unsent"] == []

    def test_what_failed_after_the_write_is_not(self, mirror: Instance, remote: ServiceNowSimulator) -> None:
        record = make(remote)
        entries = [comment(text, n, reference=f"e-52{n}", uncertain=False) for n, text in enumerate("ab", 1)]
        remote.set_faults(fail_after_write=1)
        assert told(mirror, record, entries=entries) == {"unsent": ["2@7"], "unknown": [], "record": ""}

    def test_a_creation_says_whether_it_may_have_created(self, mirror: Instance, remote: ServiceNowSimulator) -> None:
        data = {"short_description": "Once", "casemirror_reference": GUID}
        remote.set_faults(refuse_rate=1.0)
        assert told(mirror, data=data)["record"] == "none"
        remote.clear_faults()
        remote.set_faults(fail_after_write=1)
        assert told(mirror, data=data)["record"] == ""

    def test_another_server_is_told_nothing(self, mirror: Instance, remote: ServiceNowSimulator) -> None:
        assert mirror.raw_push(make(remote), delta={"description": "x"}).results[:-1] == ()


class TestClosing:
    def test_a_close_and_a_reopening_reach_the_record(self, mirror: Instance, remote: ServiceNowSimulator) -> None:
        remote.set_faults(data_policy=True)
        record = make(remote)
        for _ in range(2):
            mirror.push(record, data={**CLOSING, "close_code": "User error"}, delta=CLOSING, status=2)
        row = remote.get(record) or {}
        assert (row["state"], row["close_code"], row["close_notes"]) == ("7", "User error", "Fixed by restart.")
        assert mirror.pull(record, LONG_AGO).closed
        mirror.push(record, incidentChanged=True, status=1)
        assert (remote.get(record) or {})["state"] == "2" and mirror.pull(record, LONG_AGO).reopened

    def test_what_a_person_closed_is_not_closed_again(self, mirror: Instance, remote: ServiceNowSimulator) -> None:
        record = make(remote)
        remote.update(record, state="8")
        mirror.push(record, delta=CLOSING, status=2)
        assert (remote.get(record) or {})["state"] == "8"

    def test_a_reopening_with_a_field_is_understood_when_casemirror_says_so(
        self, mirror: Instance, remote: ServiceNowSimulator
    ) -> None:
        record = make(remote)
        remote.close(record)
        mirror.push(record, delta={"description": "Back"}, status=1)
        assert (remote.get(record) or {})["state"] == "7"
        mirror.push(record, delta={"description": "Back again"}, status=1, casemirror={"status_changed": True})
        row = remote.get(record) or {}
        assert (row["state"], row["description"]) == ("2", "Back again")

    def test_a_later_change_of_a_closed_incident_does_not_close_again(
        self, mirror: Instance, remote: ServiceNowSimulator
    ) -> None:
        record = make(remote)
        mirror.push(record, delta={"description": "Changed after the close"}, status=2)
        assert (remote.get(record) or {})["state"] == "1"

    def test_closing_the_record_can_be_left_to_people(
        self, runtime: ProcessRuntime, remote: ServiceNowSimulator
    ) -> None:
        record = make(remote)
        make_instance(runtime, remote.url, close_ticket=False).push(record, delta=CLOSING, status=2)
        assert (remote.get(record) or {})["state"] == "1"

    @pytest.mark.parametrize("table", ["problem", "change_request", "sc_task", "sc_req_item", "sn_si_incident"])
    def test_every_table_is_closed_and_reopened_in_its_own_states(
        self, runtime: ProcessRuntime, remote: ServiceNowSimulator, table: str
    ) -> None:
        instance = make_instance(runtime, remote.url, ticket_type=table)
        record = remote.create(table, short_description="T")["sys_id"]
        instance.push(record, delta=CLOSING, status=2)
        assert instance.pull(record, LONG_AGO).closed
        instance.push(record, incidentChanged=True, status=1)
        assert instance.pull(record, LONG_AGO).reopened


class TestDyingHalfWay:
    """A push that is killed when any number of its requests have arrived, and is then repeated, does everything once."""

    @pytest.mark.parametrize("arrived", range(6))
    def test_a_creation_with_words_and_a_file(
        self, runtime: ProcessRuntime, remote: ServiceNowSimulator, mirror: Instance, tmp_path: Path, arrived: int
    ) -> None:
        def push(instance: Instance, uncertain: bool) -> str:
            entry, staged = attachment(tmp_path, "a.bin", b"\x00abc", 3, reference="f-100", uncertain=uncertain)
            said = comment("Said", 1, reference="c-100", uncertain=uncertain)
            noted = comment("Noted", 2, tags=("work_notes",), reference="c-101", uncertain=uncertain)
            data = {"short_description": "Once", "casemirror_reference": GUID}
            return instance.push(data=data, entries=[said, noted, entry], files=(staged,))

        if arrived < 5:
            with Proxy(remote.url, dies_after(arrived)) as wire, pytest.raises(CommandError, match="cannot be reached"):
                push(make_instance(runtime, wire.origin), uncertain=False)
        push(mirror, uncertain=True)
        state = remote.state()
        assert (state["tables"], state["comments"], state["work_notes"], state["attachments"]) == (
            {"incident": 1},
            1,
            1,
            1,
        )
        assert state["doubled"] == 0
