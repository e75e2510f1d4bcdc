"""The Jira pack against the simulator, its commands run by the real runtime."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from casemirror.runtime.pool import ProcessRuntime
from casemirror.simulators.jira import DEFAULT_USERS, JiraSimulator, User
from casemirror.simulators.jira.issues import Issue
from support.packs import PACKS, CommandError, Instance, attachment, comment
from support.proxy import PASS, Proxy, dies_after

YML = PACKS / "CasemirrorJira/Integrations/CasemirrorJira/CasemirrorJira.yml"
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
def remote(clock: Clock) -> Iterator[JiraSimulator]:
    with JiraSimulator(clock=clock, seed=1) as simulator:
        yield simulator


def make_instance(runtime: ProcessRuntime, url: str, password: str = "casemirror", **params: Any) -> Instance:
    credentials = {"identifier": "casemirror", "password": password}
    given = {"url": url, "credentials": credentials, "project": "SOC", "mirror_direction": "Incoming And Outgoing"}
    return Instance(runtime=runtime, yml=YML, params={**given, **params})


@pytest.fixture
def mirror(runtime: ProcessRuntime, remote: JiraSimulator) -> Instance:
    return make_instance(runtime, remote.url)


def make(remote: JiraSimulator, **values: Any) -> str:
    return str(remote.create(**values).id)


def found(remote: JiraSimulator, issue_id: str) -> Issue:
    issue = remote.get(issue_id)
    assert issue is not None
    return issue


def requests_of(remote: JiraSimulator, run: Callable[[], Any]) -> int:
    """How many requests `run()` makes."""
    before = sum(remote.state()["requests"].values())
    run()
    return sum(remote.state()["requests"].values()) - before


class TestConnection:
    def test_a_good_set_up_is_ok(self, mirror: Instance) -> None:
        assert mirror.test() == "ok"

    def test_a_personal_access_token_is_enough(self, runtime: ProcessRuntime, remote: JiraSimulator) -> None:
        credentials = {"identifier": "", "password": ""}
        instance = make_instance(runtime, remote.url, credentials=credentials, token="casemirror-token")
        assert instance.test() == "ok"
        issue = make(remote)
        instance.push(issue, entries=[comment("Said", reference="e-1000", uncertain=False)])
        assert len(remote.texts(issue)) == 1 and instance.pull(issue, LONG_AGO).texts == []

    def test_neither_password_nor_token_is_told(self, runtime: ProcessRuntime, remote: JiraSimulator) -> None:
        with pytest.raises(CommandError, match="or a personal access token"):
            make_instance(runtime, remote.url, credentials={"identifier": "", "password": ""}).test()

    def test_a_wrong_password_is_told(self, runtime: ProcessRuntime, remote: JiraSimulator) -> None:
        with pytest.raises(CommandError, match="refused the user name, the password or the token"):
            make_instance(runtime, remote.url, password="wrong").test()

    @pytest.mark.parametrize(
        ("params", "words"),
        [
            ({"project": "NOPE"}, "No project could be found"),
            ({"issue_type": "Epic"}, "has no issue type Epic"),
            ({"closed_statuses": "Open, Solved"}, "Jira has no status Solved; it has Open"),
            ({"priorities": "Blocker, Low"}, "Jira has no priority Blocker"),
            ({"resolution": "Fixed"}, "Jira has no resolution Fixed"),
            ({"query": "colour = red"}, "Field 'colour' does not exist"),
        ],
    )
    def test_what_this_jira_lacks_is_named(
        self, runtime: ProcessRuntime, remote: JiraSimulator, params: dict[str, str], words: str
    ) -> None:
        try:
            answer = make_instance(runtime, remote.url, **params).test()
        except CommandError as error:
            answer = str(error)
        assert words in answer

    def test_a_screen_without_labels_is_told(self, mirror: Instance, remote: JiraSimulator) -> None:
        remote.set_faults(labels_on_screen=False)
        assert "lacks the field Labels" in mirror.test()

    def test_an_unreachable_jira_is_told(self, mirror: Instance, remote: JiraSimulator) -> None:
        remote.set_faults(down=True)
        with pytest.raises(CommandError, match="cannot be reached"):
            mirror.test()

    def test_a_page_instead_of_data_is_told(self, mirror: Instance, remote: JiraSimulator) -> None:
        issue = make(remote)
        remote.set_faults(html=True)
        for run in (
            mirror.test,
            mirror.fetch,
            lambda: mirror.modified(LONG_AGO),
            lambda: mirror.pull(issue, LONG_AGO),
            lambda: mirror.push(issue, delta={"summary": "x"}),
            lambda: mirror.push(issue, entries=[comment("Said", reference="e-301", uncertain=False)]),
        ):
            with pytest.raises(CommandError, match="an HTML page"):
                run()

    def test_the_rate_limit_is_passed_on_with_its_wait(self, mirror: Instance, remote: JiraSimulator) -> None:
        """MIR: `API rate limit` in every command."""
        issue = make(remote)
        remote.set_faults(rate_limit={"limit": 0, "window_s": 600})
        for run in (
            lambda: mirror.modified(LONG_AGO),
            lambda: mirror.pull(issue, LONG_AGO),
            lambda: mirror.push(issue, delta={"description": "x"}),
            mirror.fetch,
        ):
            with pytest.raises(CommandError, match=r"API rate limit; retry after \d+ s"):
                run()

    def test_the_mapper_editor_gets_the_fields(self, mirror: Instance) -> None:
        (schema,) = mirror.ask("get-mapping-fields")
        assert schema["Jira Issue"]["customfield_10002"] == "Impact" and "casemirror_reference" in schema["Jira Issue"]


class TestFetch:
    def test_new_issues_come_once_in_pages_although_they_share_a_second(
        self, runtime: ProcessRuntime, remote: JiraSimulator
    ) -> None:
        made = [make(remote) for _ in range(7)]
        instance = make_instance(runtime, remote.url, max_fetch="3", page_size="2")
        fetched = [[raw["id"] for raw in instance.fetch()] for _ in range(4)]
        assert fetched == [made[:3], made[3:6], made[6:], []]
        late = make(remote)
        assert [raw["id"] for raw in instance.fetch()] == [late]
        assert instance.fetch() == []

    def test_an_issue_that_becomes_visible_late_is_not_lost(
        self, mirror: Instance, remote: JiraSimulator, clock: Clock
    ) -> None:
        late = make(remote)
        remote.set_faults(late_index_s=30.0)
        clock.tick(10)
        shown = make(remote)
        assert mirror.fetch() == []
        clock.tick(21)
        assert [raw["id"] for raw in mirror.fetch()] == [late]
        clock.tick(21)
        assert [raw["id"] for raw in mirror.fetch()] == [shown]

    def test_the_raw_object_is_whole(self, mirror: Instance, remote: JiraSimulator) -> None:
        make(
            remote, summary="Disk full", description="It\r\nis.", priority="High", assignee="bob", labels=("a", "b"),
            customfield_10002="Minor",
        )  # fmt: skip
        (raw,) = mirror.fetch()
        assert (raw["summary"], raw["description"]) == ("Disk full", "It\nis.")
        assert (raw["priority"], raw["severity"], raw["status"], raw["status_category"]) == ("High", "3", "Open", "new")
        assert (raw["assignee"], raw["reporter"], raw["labels"]) == ("bob", "alice", ["a", "b"])
        assert (raw["customfield_10002"], raw["issuetype"], raw["project"]) == ("Minor", "Task", "SOC")
        assert raw["mirror_id"] == raw["id"] and raw["mirror_instance"] == "instance-1"
        assert raw["mirror_direction"] == "Both" and raw["mirror_tags"] == ["comments", "ForJira"]
        assert raw["created"].endswith("Z") and raw["link"] == f"{remote.url}/browse/SOC-1"

    def test_what_we_created_ourselves_is_not_fetched_back(self, mirror: Instance, remote: JiraSimulator) -> None:
        mirror.push(data={"summary": "From here", "casemirror_reference": GUID})
        theirs = make(remote, labels=(f"casemirror-{GUID}",))
        assert [raw["id"] for raw in mirror.fetch()] == [theirs]

    def test_only_the_project_s_issues_that_match_the_query_are_fetched(
        self, runtime: ProcessRuntime, remote: JiraSimulator, clock: Clock
    ) -> None:
        instance = make_instance(runtime, remote.url, query="labels = red OR priority = High", first_fetch="12 hours")
        wanted = [make(remote, labels=("red",)), make(remote, priority="High")]
        make(remote), make(remote, project="TASK", labels=("red",))
        assert [raw["id"] for raw in instance.fetch()] == wanted
        clock.tick(600)
        later = make(remote, priority="High")
        assert [raw["id"] for raw in instance.fetch()] == [later]


class TestPoll:
    def test_all_pages_come_although_many_changes_share_a_second(
        self, runtime: ProcessRuntime, remote: JiraSimulator, clock: Clock
    ) -> None:
        instance = make_instance(runtime, remote.url, page_size="3")
        made = [make(remote) for _ in range(8)]
        clock.tick(61)
        made += [make(remote) for _ in range(2)]
        assert instance.modified(LONG_AGO) == made

    def test_nothing_slips_through_when_issues_change_between_two_pages(
        self, runtime: ProcessRuntime, remote: JiraSimulator, clock: Clock
    ) -> None:
        """JRASERVER-69860: a search is no snapshot; what changes moves to the end and shifts the others."""
        made = []
        for _ in range(6):
            made.append(make(remote))
            clock.tick(61)
        searches = []

        def meddle(number: int, method: str, path: str) -> str:
            searches.extend([number] if path.endswith("/search") else [])
            if path.endswith("/search") and len(searches) == 2:
                for read_already in made[:2]:
                    remote.comment(read_already, "Moves to the end")
            return PASS

        with Proxy(remote.url, meddle) as wire:
            told = make_instance(runtime, wire.origin, page_size="2").modified(LONG_AGO)
        assert set(told) == set(made)

    def test_what_happened_in_the_same_minute_but_earlier_is_not_told(
        self, mirror: Instance, remote: JiraSimulator, clock: Clock
    ) -> None:
        clock.now -= clock.now % 60
        early = make(remote)
        since = clock.tick(20.5)
        late = make(remote)
        assert mirror.modified(since) == [late]
        assert mirror.modified(clock.tick(-10)) == [late] and early not in mirror.modified(since)

    def test_words_files_and_steps_change_an_issue(self, mirror: Instance, remote: JiraSimulator, clock: Clock) -> None:
        filed, talked, moved, still = (make(remote) for _ in range(4))
        since = clock.tick()
        remote.attach(filed, "a.txt", b"a")
        remote.comment(talked, "Hello")
        remote.move(moved, "In Progress")
        assert set(mirror.modified(since)) == {filed, talked, moved} and still not in mirror.modified(since)
        assert mirror.modified(clock.tick()) == []

    @pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/New_York", "Europe/Berlin", "Mars/Olympus_Mons"])
    def test_the_user_s_time_zone_is_found_out(
        self, runtime: ProcessRuntime, clock: Clock, zone: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A zone that this machine does not know makes the search wider and loses nothing."""
        known = "UTC" if zone.startswith("Mars") else zone
        me = User(name="casemirror", password="casemirror", time_zone=known)
        with JiraSimulator(clock=clock, users=[me, *DEFAULT_USERS[2:]]) as remote:
            if known != zone:
                monkeypatch.setattr("casemirror.simulators.jira.display.View.user", _with_zone(zone))
            old = make(remote)
            since = clock.tick(3600)
            new = make(remote)
            instance = make_instance(runtime, remote.url)
            assert instance.modified(since) == [new]
            assert [raw["id"] for raw in instance.fetch()] == [old, new]

    @pytest.mark.parametrize("hour", [0, 1])
    def test_an_hour_that_the_clocks_show_twice_hides_nothing(
        self, runtime: ProcessRuntime, clock: Clock, hour: int
    ) -> None:
        """On 2024-11-03 New York's clocks go from 2 back to 1 at 06:00 UTC."""
        clock.now = datetime(2024, 11, 3, 5 + hour, 10, tzinfo=UTC).timestamp()
        me = User(name="casemirror", password="casemirror", time_zone="America/New_York")
        with JiraSimulator(clock=clock, users=[me, *DEFAULT_USERS[2:]]) as remote:
            make(remote)
            since = clock.tick(600)
            new = make(remote)
            assert make_instance(runtime, remote.url).modified(since) == [new]


def _with_zone(zone: str) -> Callable[..., Any]:
    """A user as Jira shows it, with another time zone."""

    def user(view: Any, name: str | None) -> Any:
        return None if name is None else {"name": name, "key": name, "timeZone": zone}

    return user


class TestPull:
    def test_the_object_is_whole_and_the_words_of_others_come_in_order(
        self, mirror: Instance, remote: JiraSimulator, clock: Clock
    ) -> None:
        issue = make(remote, description="It burns.")
        since = clock.tick()
        remote.comment(issue, "Which one?", by="bob")
        clock.tick()
        remote.comment(issue, "The big one.\r\nOn the left.")
        remote.attach(issue, "photo ä?.bin", bytes(range(256)) * 50)
        pulled = mirror.pull(issue, since)
        assert pulled.raw["description"] == "It burns." and pulled.raw["status"] == "Open"
        assert [t.split("\n\n— ")[0] for t in pulled.texts] == ["Which one?", "The big one.\nOn the left."]
        assert "— bob, 20" in pulled.texts[0] and "UTC, in Jira" in pulled.texts[0]
        assert pulled.files == {"photo ä?.bin": bytes(range(256)) * 50}
        assert [e["Tags"] for e in pulled.entries] == [["jira-comment"], ["jira-comment"], ["jira-file"]]
        assert pulled.reopened and pulled.closed is None
        later = mirror.pull(issue, clock.tick())
        assert later.raw == pulled.raw and later.texts == [] and later.files == {}

    def test_a_changed_field_costs_two_requests(self, mirror: Instance, remote: JiraSimulator, clock: Clock) -> None:
        """Design §6: at most two calls for each change that is applied."""
        issue = make(remote)
        since = clock.tick()
        remote.comment(issue, "Hello")
        assert requests_of(remote, lambda: mirror.pull(issue, since)) == 1
        assert requests_of(remote, lambda: mirror.push(issue, delta={"description": "Newer"})) == 1

    def test_an_edited_comment_is_told_once_more(self, mirror: Instance, remote: JiraSimulator, clock: Clock) -> None:
        issue = make(remote)
        said = remote.comment(issue, "At ten")
        first = mirror.pull(issue, LONG_AGO)
        clock.tick()
        remote.rewrite(issue, said.id, "At eleven", by="bob")
        again = mirror.pull(issue, LONG_AGO)
        assert first.texts[0].startswith("At ten\n\n— alice")
        assert again.texts[0].startswith("At eleven\n\n— edited by bob, ")
        ids = [pulled.entries[0]["casemirror"]["id"] for pulled in (first, again)]
        assert ids[0] != ids[1] and ids[1] == mirror.pull(issue, LONG_AGO).entries[0]["casemirror"]["id"]

    def test_what_a_person_makes_of_our_comment_is_told(
        self, mirror: Instance, remote: JiraSimulator, clock: Clock
    ) -> None:
        issue = make(remote)
        mirror.push(issue, entries=[comment("Said", reference="e-401", uncertain=False)])
        clock.tick()
        remote.rewrite(issue, found(remote, issue).comments[0].id, "Said (no!)")
        assert [text[:10] for text in mirror.pull(issue, LONG_AGO).texts] == ["Said (no!)"]

    def test_a_person_who_quotes_us_is_heard(self, mirror: Instance, remote: JiraSimulator) -> None:
        issue = make(remote)
        mirror.push(issue, entries=[comment("Said", reference="e-400", uncertain=False)])
        remote.comment(issue, "Right!\n\n— alice via casemirror (ref e-400)")
        assert [text[:6] for text in mirror.pull(issue, LONG_AGO).texts] == ["Right!"]

    def test_closing_and_reopening_are_told(self, mirror: Instance, remote: JiraSimulator) -> None:
        issue = make(remote)
        remote.close(issue, resolution="Duplicate")
        closed = mirror.pull(issue, LONG_AGO).closed
        assert closed and (closed["closeReason"], closed["closeNotes"]) == ("Duplicate", "Status Resolved in Jira.")
        remote.reopen(issue)
        pulled = mirror.pull(issue, LONG_AGO)
        assert pulled.reopened and pulled.closed is None

    def test_the_named_statuses_count_as_closed(self, runtime: ProcessRuntime, remote: JiraSimulator) -> None:
        instance = make_instance(runtime, remote.url, closed_statuses="closed, In Progress")
        issue = make(remote)
        remote.move(issue, "Resolved", resolution="Done")
        assert instance.pull(issue, LONG_AGO).closed is None
        remote.move(issue, "Closed")
        assert instance.pull(issue, LONG_AGO).closed

    def test_closing_can_be_left_to_people(self, runtime: ProcessRuntime, remote: JiraSimulator) -> None:
        issue = make(remote)
        remote.close(issue)
        pulled = make_instance(runtime, remote.url, close_incident=False).pull(issue, LONG_AGO)
        assert pulled.closed is None and not pulled.reopened and pulled.raw["status"] == "Resolved"

    def test_a_deleted_issue_is_a_message(self, mirror: Instance, remote: JiraSimulator) -> None:
        issue = make(remote)
        remote.delete(issue)
        assert "was not found" in mirror.pull(issue, LONG_AGO).message
        assert "was not found" in mirror.pull("no/such", LONG_AGO).message


class TestCreate:
    DATA = {
        "summary": "Phishing", "description": "Look.", "severity": "3", "labels": ["mail"], "assignee": "",
        "casemirror_reference": GUID,
    }  # fmt: skip

    def test_an_issue_is_created_once_for_one_reference(self, mirror: Instance, remote: JiraSimulator) -> None:
        first, second = mirror.push(data=self.DATA), mirror.push(data=self.DATA)
        assert first == second and len(remote.issues()) == 1
        issue = found(remote, first)
        assert (issue.values["summary"], issue.values["priority"]) == ("Phishing", "High")
        assert issue.values["labels"] == (f"casemirror-{GUID}", "mail")
        assert mirror.pull(first, LONG_AGO).raw["labels"] == ["mail"]

    def test_a_creation_whose_answer_was_lost_is_taken_up(self, mirror: Instance, remote: JiraSimulator) -> None:
        remote.set_faults(fail_after_write=1)
        with pytest.raises(CommandError):
            mirror.push(data=self.DATA)
        issue = mirror.push(data={**self.DATA, "description": "Edited meanwhile."})
        assert len(remote.issues()) == 1
        assert found(remote, issue).values["description"] == "Edited meanwhile."

    def test_an_issue_may_be_created_with_nothing_and_gets_its_status(
        self, runtime: ProcessRuntime, remote: JiraSimulator
    ) -> None:
        instance = make_instance(runtime, remote.url, project="TASK", issue_type="Bug")
        issue = found(remote, instance.push(data={"casemirror_reference": GUID, "status": "In Progress"}))
        assert (issue.key, issue.values["summary"], issue.status) == ("TASK-1", "Untitled incident", "In Progress")
        assert issue.values["issuetype"] == "Bug"

    def test_a_status_of_another_workflow_is_passed_over_when_an_issue_is_created(
        self, mirror: Instance, remote: JiraSimulator
    ) -> None:
        issue = mirror.push(data={"casemirror_reference": GUID, "status": "Waiting for vendor"})
        assert found(remote, issue).status == "Open"

    def test_an_incident_that_is_closed_already_makes_a_closed_issue(
        self, mirror: Instance, remote: JiraSimulator
    ) -> None:
        issue = mirror.push(data={**self.DATA, **CLOSING, "status": "Open"}, status=2)
        assert (found(remote, issue).status, found(remote, issue).resolution) == ("Resolved", "Done")

    def test_one_that_was_created_closed_by_an_unseen_call_is_open_when_the_incident_is_again(
        self, mirror: Instance, remote: JiraSimulator
    ) -> None:
        """The first answer was lost, so there is no id yet; a person reopened the incident meanwhile."""
        issue = mirror.push(data={**self.DATA, **CLOSING}, status=2)
        assert mirror.push(data=self.DATA, status=1, casemirror={"status_changed": True}) == issue
        assert found(remote, issue).status != "Resolved"


class TestPush:
    def test_only_what_changed_is_written(self, mirror: Instance, remote: JiraSimulator) -> None:
        issue = make(remote, summary="Old", description="Old")
        mirror.push(issue, data={"description": "New", "summary": "Wrong"}, delta={"description": "New"})
        values = found(remote, issue).values
        assert (values["description"], values["summary"]) == ("New", "Old")

    def test_every_mapped_field_comes_back_as_it_was_sent(self, mirror: Instance, remote: JiraSimulator) -> None:
        issue = make(remote)
        sent = {
            "summary": "Two  words", "description": "a\n\n  b", "status": "In Progress", "assignee": "bob", "labels": ["a", "b-c"],
            "customfield_10001": "Berlin", "customfield_10002": "Minor", "customfield_10003": 12.0, "duedate": "2024-05-06",
        }  # fmt: skip
        for severity in ("4", "3", "2", "1", "0.5"):
            mirror.push(issue, delta={**sent, "severity": severity})
            raw = mirror.pull(issue, LONG_AGO).raw
            assert {name: raw[name] for name in sent} == sent and raw["severity"] == severity
        empty: dict[str, Any] = {
            "description": "", "assignee": "", "labels": [], "customfield_10001": "", "customfield_10002": "", "duedate": "",
        }  # fmt: skip
        mirror.push(issue, delta=empty)
        raw = mirror.pull(issue, LONG_AGO).raw
        assert {name: raw[name] for name in empty} == empty

    def test_another_list_of_priorities_is_used(self, runtime: ProcessRuntime, remote: JiraSimulator) -> None:
        instance = make_instance(runtime, remote.url, priorities="High, Low")
        issue = make(remote)
        instance.push(issue, delta={"severity": 3})
        assert found(remote, issue).values["priority"] == "Low"
        instance.push(issue, delta={"severity": "0"})
        assert found(remote, issue).values["priority"] == "Low"
        remote.edit(issue, priority="Medium")
        assert "severity" not in instance.pull(issue, LONG_AGO).raw

    def test_the_label_of_the_reference_stays(self, mirror: Instance, remote: JiraSimulator) -> None:
        issue = mirror.push(data={"summary": "T", "casemirror_reference": GUID})
        mirror.push(issue, delta={"labels": ["new"]})
        assert found(remote, issue).values["labels"] == (f"casemirror-{GUID}", "new")

    def test_a_title_of_two_lines_becomes_one(self, mirror: Instance, remote: JiraSimulator) -> None:
        issue = make(remote)
        mirror.push(issue, delta={"summary": " Two\n lines "})
        assert found(remote, issue).values["summary"] == "Two lines"

    def test_comments_go_out_and_do_not_come_back(self, mirror: Instance, remote: JiraSimulator) -> None:
        issue = make(remote)
        mirror.push(issue, entries=[comment("For all", reference="e-100", uncertain=False)])
        assert remote.texts(issue) == ["For all\n\n— alice via casemirror (ref e-100)"]
        assert mirror.pull(issue, LONG_AGO).texts == []

    def test_a_comment_whose_answer_was_lost_is_not_doubled(
        self, runtime: ProcessRuntime, remote: JiraSimulator
    ) -> None:
        mirror = make_instance(runtime, remote.url, page_size="1")
        issue = make(remote)
        remote.set_faults(fail_after_write=1)
        with pytest.raises(CommandError):
            mirror.push(issue, entries=[comment("Once", reference="e-200", uncertain=False)])
        mirror.push(issue, entries=[comment("Once", reference="e-200", uncertain=True)])
        assert len(remote.texts(issue)) == 1
        mirror.push(issue, entries=[comment("Lost before it arrived", reference="e-201", uncertain=True)])
        mirror.push(issue, entries=[comment("Lost before it arrived", reference="e-201", uncertain=True)])
        assert len(remote.texts(issue)) == 2
        mirror.push(issue, entries=[comment("Once", 9, reference="e-202", uncertain=False)])
        assert len(remote.texts(issue)) == 3

    def test_entries_of_another_server_are_not_doubled_either(self, mirror: Instance, remote: JiraSimulator) -> None:
        issue = make(remote)
        for _ in range(2):
            mirror.push(issue, entries=[comment("No mark", 33)])
        assert len(remote.texts(issue)) == 1

    def test_a_file_arrives_once_byte_for_byte_and_does_not_come_back(
        self, mirror: Instance, remote: JiraSimulator, tmp_path: Path
    ) -> None:
        issue, body = make(remote), bytes(range(256)) * 300
        for uncertain in (False, True):
            entry, staged = attachment(tmp_path, "Report ä^x.txt", body, 4, reference="f-1000", uncertain=uncertain)
            mirror.push(issue, entries=[entry], files=(staged,))
        assert remote.files(issue) == [("Report ä^x.txt", body)]
        assert mirror.pull(issue, LONG_AGO).files == {}

    def test_an_uncertain_file_is_not_taken_for_another_one_of_its_size(
        self, mirror: Instance, remote: JiraSimulator, tmp_path: Path
    ) -> None:
        issue = make(remote)
        for number, body in enumerate((b"one", b"two", b"two")):
            entry, staged = attachment(tmp_path, "log.txt", body, number, reference=f"f-200{number}", uncertain=True)
            mirror.push(issue, entries=[entry], files=(staged,))
        assert remote.files(issue) == [("log.txt", b"one"), ("log.txt", b"two")]

    def test_a_refused_field_holds_up_neither_the_others_nor_what_was_said(
        self, mirror: Instance, remote: JiraSimulator
    ) -> None:
        issue = make(remote)
        delta = {"assignee": "nobody-here", "description": "New", "status": "In Progress"}
        with pytest.raises(CommandError, match="assignee: User 'nobody-here' does not exist"):
            mirror.push(issue, delta=delta, entries=[comment("Said", reference="e-300", uncertain=False)])
        changed = found(remote, issue)
        assert (changed.values["description"], changed.status) == ("New", "In Progress")
        assert len(remote.texts(issue)) == 1

    def test_an_entry_that_does_not_fit_holds_up_no_other(
        self, mirror: Instance, remote: JiraSimulator, tmp_path: Path
    ) -> None:
        issue = make(remote)
        remote.set_faults(upload_limit=3)
        entry, staged = attachment(tmp_path, "large.bin", b"four", 4, reference="f-3000", uncertain=False)
        long = comment("x" * 40_000, 2, reference="e-310", uncertain=False)
        short = comment("Short", 3, reference="e-311", uncertain=False)
        reply = told(mirror, issue, entries=[entry, long, short], files=(staged,))
        assert reply["unsent"] == ["4@7", "2@7"] and [text[:5] for text in remote.texts(issue)] == ["Short"]

    def test_an_issue_that_is_gone_is_told(self, mirror: Instance, remote: JiraSimulator) -> None:
        issue = make(remote)
        remote.delete(issue)
        with pytest.raises(CommandError, match="Jira answered 404: Issue Does Not Exist"):
            mirror.push(issue, delta={"description": "x"})


def told(instance: Instance, *args: Any, **given: Any) -> dict[str, Any]:
    """What a push tells of itself beside its answer: by our own key, whatever became of it."""
    reply = instance.raw_push(*args, casemirror={"status_changed": False, **given.pop("casemirror", {})}, **given)
    (mine,) = [item["casemirror"] for item in reply.results if isinstance(item, dict) and "casemirror" in item]
    reply.discard()
    return dict(mine)


class TestUncertain:
    """What may be there is looked for, and not written again too early."""

    def test_a_comment_that_is_only_looked_for_is_not_written(self, mirror: Instance, remote: JiraSimulator) -> None:
        issue = make(remote)
        again = comment("Once", reference="e-500", uncertain=True, only_look=True)
        assert told(mirror, issue, entries=[again]) == {"unsent": [], "unknown": ["1@7"], "record": ""}
        assert remote.texts(issue) == []
        mirror.push(issue, entries=[comment("Once", reference="e-500", uncertain=False)])
        assert told(mirror, issue, entries=[again]) == {"unsent": [], "unknown": [], "record": ""}

    def test_an_issue_that_is_only_looked_for_is_not_created(
        self, mirror: Instance, remote: JiraSimulator, clock: Clock
    ) -> None:
        remote.set_faults(late_index_s=60)
        data = {"summary": "Once", "casemirror_reference": GUID}
        made = mirror.push(data=data)
        entry = comment("Later", reference="e-501", uncertain=False)
        early = told(mirror, data=data, entries=[entry], casemirror={"only_look": True})
        assert early == {"unsent": ["1@7"], "unknown": [], "record": "unknown"}
        clock.tick(61)
        assert mirror.push(data=data, casemirror={"only_look": True}) == made
        assert len(remote.issues()) == 1

    def test_what_was_refused_is_told_to_be_unsent(self, mirror: Instance, remote: JiraSimulator) -> None:
        """What came before it was written; what came after it was not."""
        issue = make(remote)
        entries = [comment(text, n, reference=f"e-51{n}", uncertain=False) for n, text in enumerate("ab", 1)]
        remote.set_faults(refuse_rate=1.0)
        assert told(mirror, issue, entries=entries)["unsent"] == ["2@7", "1@7"]
        remote.clear_faults()
        assert told(mirror, issue, entries=entries)["unsent"] == []

    def test_what_failed_after_the_write_is_not(self, mirror: Instance, remote: JiraSimulator) -> None:
        issue = make(remote)
        entries = [comment(text, n, reference=f"e-52{n}", uncertain=False) for n, text in enumerate("ab", 1)]
        remote.set_faults(fail_after_write=1)
        assert told(mirror, issue, entries=entries) == {"unsent": ["2@7"], "unknown": [], "record": ""}

    def test_a_creation_says_whether_it_may_have_created(self, mirror: Instance, remote: JiraSimulator) -> None:
        data = {"summary": "Once", "casemirror_reference": GUID}
        remote.set_faults(refuse_rate=1.0)
        assert told(mirror, data=data)["record"] == "none"
        remote.clear_faults()
        remote.set_faults(fail_after_write=1)
        assert told(mirror, data=data)["record"] == ""


class TestClosing:
    def test_a_close_and_a_reopening_reach_the_issue(self, mirror: Instance, remote: JiraSimulator) -> None:
        issue = make(remote)
        for _ in range(2):
            mirror.push(issue, delta=CLOSING, status=2)
        assert (found(remote, issue).status, found(remote, issue).resolution) == ("Resolved", "Done")
        (text,) = remote.texts(issue)
        assert text.startswith("Closed: Resolved\nFixed by restart.")
        pulled = mirror.pull(issue, LONG_AGO)
        assert pulled.closed and pulled.texts == []
        mirror.push(issue, incidentChanged=True, status=1)
        assert found(remote, issue).status == "Reopened" and mirror.pull(issue, LONG_AGO).reopened

    def test_a_close_that_failed_after_its_words_does_not_repeat_them(
        self, mirror: Instance, remote: JiraSimulator
    ) -> None:
        issue = make(remote)
        remote.set_faults(fail_after_write=1)
        with pytest.raises(CommandError):
            mirror.push(issue, delta=CLOSING, status=2)
        mirror.push(issue, delta=CLOSING, status=2)
        assert found(remote, issue).status == "Resolved" and len(remote.texts(issue)) == 1

    def test_the_close_reason_is_the_resolution_when_there_is_one_of_that_name(
        self, mirror: Instance, remote: JiraSimulator
    ) -> None:
        issue = make(remote)
        mirror.push(issue, delta={**CLOSING, "closeReason": "duplicate"}, status=2)
        assert found(remote, issue).resolution == "Duplicate"

    @pytest.mark.parametrize(("named", "status"), [("Close Issue", "Closed"), ("closed", "Closed"), ("", "Resolved")])
    def test_the_named_step_closes(
        self, runtime: ProcessRuntime, remote: JiraSimulator, named: str, status: str
    ) -> None:
        issue = make(remote)
        make_instance(runtime, remote.url, close_transition=named).push(issue, delta=CLOSING, status=2)
        assert found(remote, issue).status == status

    def test_a_workflow_where_every_step_may_be_made(self, runtime: ProcessRuntime, remote: JiraSimulator) -> None:
        instance = make_instance(runtime, remote.url, project="TASK", reopen_transition="In Progress")
        issue = make(remote, project="TASK")
        instance.push(issue, delta=CLOSING, status=2)
        assert found(remote, issue).status == "Done"
        instance.push(issue, incidentChanged=True, status=1)
        assert found(remote, issue).status == "In Progress"

    def test_a_step_that_there_is_not_is_told_with_those_that_there_are(
        self, mirror: Instance, remote: JiraSimulator
    ) -> None:
        issue = make(remote)
        with pytest.raises(
            CommandError, match=r"no step to Reopened for this user; it has: Start Progress → In Progress"
        ):
            mirror.push(issue, delta={"status": "Reopened"})

    def test_what_a_person_closed_is_not_closed_again(self, mirror: Instance, remote: JiraSimulator) -> None:
        issue = make(remote)
        remote.move(issue, "Closed", resolution="Won't Do")
        mirror.push(issue, delta=CLOSING, status=2)
        assert (found(remote, issue).status, remote.texts(issue)) == ("Closed", [])

    def test_a_reopening_with_a_field_opens_first_since_closed_issues_cannot_be_edited(
        self, mirror: Instance, remote: JiraSimulator
    ) -> None:
        issue = make(remote)
        remote.move(issue, "Closed", resolution="Done")
        with pytest.raises(CommandError, match="cannot be set"):
            mirror.push(issue, delta={"description": "Back"}, status=1)
        assert found(remote, issue).status == "Closed"
        mirror.push(issue, delta={"description": "Back again"}, status=1, casemirror={"status_changed": True})
        changed = found(remote, issue)
        assert (changed.status, changed.values["description"]) == ("Reopened", "Back again")

    def test_a_close_with_a_field_edits_first(self, runtime: ProcessRuntime, remote: JiraSimulator) -> None:
        issue = make(remote)
        instance = make_instance(runtime, remote.url, close_transition="Close Issue")
        instance.push(issue, delta={**CLOSING, "description": "The end"}, status=2)
        changed = found(remote, issue)
        assert (changed.status, changed.values["description"]) == ("Closed", "The end")

    def test_a_later_change_of_a_closed_incident_does_not_close_again(
        self, mirror: Instance, remote: JiraSimulator
    ) -> None:
        issue = make(remote)
        mirror.push(issue, delta={"description": "Changed after the close"}, status=2)
        assert found(remote, issue).status == "Open"

    def test_closing_the_issue_can_be_left_to_people(self, runtime: ProcessRuntime, remote: JiraSimulator) -> None:
        issue = make(remote)
        make_instance(runtime, remote.url, close_ticket=False).push(issue, delta=CLOSING, status=2)
        assert found(remote, issue).status == "Open"


class TestDyingHalfWay:
    """A push that is killed when any number of its requests have arrived, and is then repeated, does everything once."""

    @pytest.mark.parametrize("arrived", range(7))
    def test_a_closed_creation_with_words_and_a_file(
        self, runtime: ProcessRuntime, remote: JiraSimulator, mirror: Instance, tmp_path: Path, arrived: int
    ) -> None:
        def push(instance: Instance, uncertain: bool) -> str:
            entry, staged = attachment(tmp_path, "a.bin", b"\x00abc", 3, reference="f-100", uncertain=uncertain)
            said = comment("Said", 1, reference="c-100", uncertain=uncertain)
            data = {"summary": "Once", "casemirror_reference": GUID, **CLOSING}
            return instance.push(data=data, entries=[said, entry], files=(staged,), status=2)

        with Proxy(remote.url, dies_after(arrived)) as wire, pytest.raises(CommandError, match="cannot be reached"):
            push(make_instance(runtime, wire.origin), uncertain=False)
        issue = push(mirror, uncertain=True)
        assert [i.status for i in remote.issues()] == ["Resolved"]
        assert sorted(text.split("\n")[0] for text in remote.texts(issue)) == ["Closed: Resolved", "Said"]
        assert remote.files(issue) == [("a.bin", b"\x00abc")] and remote.state()["doubled"] == 0
