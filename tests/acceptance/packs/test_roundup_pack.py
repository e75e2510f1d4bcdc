"""The Roundup pack against a real tracker, its commands run by the real runtime."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from casemirror.runtime.pool import ProcessRuntime
from support.packs import PACKS, CommandError, Instance, attachment, comment
from support.proxy import PASS, Proxy, dies_after
from support.roundup import USER, Person, RoundupTracker, now, running_tracker

YML = PACKS / "CasemirrorRoundup/Integrations/Roundup/Roundup.yml"
LONG_AGO = "2020-01-01T00:00:00.000000Z"
GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
CLOSING = {"closeReason": "Resolved", "closeNotes": "Fixed by restart.", "closingUserId": "bob"}


@pytest.fixture(scope="module")
def tracker() -> Iterator[RoundupTracker]:
    with running_tracker() as running:
        yield running


@pytest.fixture
def alice(tracker: RoundupTracker) -> Person:
    return Person(tracker, "alice")


@pytest.fixture
def bob(tracker: RoundupTracker) -> Person:
    return Person(tracker, "bob")


def make_instance(runtime: ProcessRuntime, url: str, password: str = USER, **params: Any) -> Instance:
    credentials = {"identifier": USER, "password": password}
    return Instance(
        runtime=runtime,
        yml=YML,
        params={"url": url, "credentials": credentials, "mirror_direction": "Incoming And Outgoing", **params},
    )


def origin(tracker: RoundupTracker) -> str:
    return tracker.url.rsplit("/", 2)[0]


@pytest.fixture
def mirror(runtime: ProcessRuntime, tracker: RoundupTracker) -> Instance:
    return make_instance(runtime, tracker.url)


class TestConnection:
    def test_a_good_set_up_is_ok(self, mirror: Instance) -> None:
        assert mirror.test() == "ok"

    def test_a_status_that_the_tracker_lacks_is_named(self, runtime: ProcessRuntime, tracker: RoundupTracker) -> None:
        assert "no status done, it has" in make_instance(runtime, tracker.url, closed_statuses="done").test().replace(
            ";", ","
        )

    def test_an_unknown_property_is_named(self, runtime: ProcessRuntime, tracker: RoundupTracker) -> None:
        with pytest.raises(CommandError, match="Unknown property: colour"):
            make_instance(runtime, tracker.url, extra_fields="colour").test()

    def test_a_wrong_password_is_told(self, runtime: ProcessRuntime, tracker: RoundupTracker) -> None:
        with pytest.raises(CommandError, match="refused the user name or the password"):
            make_instance(runtime, tracker.url, password="wrong").test()

    def test_an_unreachable_tracker_is_told(self, runtime: ProcessRuntime) -> None:
        with pytest.raises(CommandError, match="cannot be reached"):
            make_instance(runtime, "http://127.0.0.1:9/demo/").test()

    def test_a_wrong_address_is_told(self, runtime: ProcessRuntime, tracker: RoundupTracker) -> None:
        with pytest.raises(CommandError, match="404: an HTML page"):
            make_instance(runtime, tracker.url.replace("/demo/", "/other/")).test()

    def test_a_page_instead_of_data_is_told(self, runtime: ProcessRuntime, tracker: RoundupTracker) -> None:
        """The tracker's front page answers where its API is expected."""
        with pytest.raises(CommandError, match="an HTML page"):
            make_instance(runtime, tracker.url + "issue?x=").test()

    def test_an_address_that_the_tracker_does_not_know_is_told(
        self, runtime: ProcessRuntime, tracker: RoundupTracker
    ) -> None:
        with pytest.raises(CommandError, match="the tracker's own address"):
            make_instance(runtime, tracker.url.replace("127.0.0.1", "localhost")).test()

    def test_the_rate_limit_is_passed_on_with_its_wait(self, runtime: ProcessRuntime) -> None:
        """MIR: `API rate limit` in every command."""
        with running_tracker({"web_api_calls_per_interval": "2", "web_api_interval_in_sec": "600"}) as limited:
            instance = make_instance(runtime, limited.url)
            for _ in range(3):
                with pytest.raises(CommandError, match=r"API rate limit; retry after \d+ s"):
                    for _ in range(4):
                        instance.modified(LONG_AGO)
            with pytest.raises(CommandError, match="API rate limit"):
                instance.push("1", delta={"title": "x"})

    def test_the_mapper_editor_gets_the_properties(self, mirror: Instance) -> None:
        (schema,) = mirror.ask("get-mapping-fields")
        assert {"title", "status", "priority", "description"} <= set(schema["Roundup Issue"])


@pytest.fixture
def own_tracker() -> Iterator[RoundupTracker]:
    with running_tracker() as running:
        yield running


class TestFetch:
    def test_new_issues_come_once_in_pages_although_they_share_a_second(
        self, runtime: ProcessRuntime, own_tracker: RoundupTracker
    ) -> None:
        alice = Person(own_tracker, "alice")
        made = [alice.create(f"Issue {n}") for n in range(7)]
        instance = make_instance(runtime, own_tracker.url, max_fetch="3")
        fetched = [[raw["id"] for raw in instance.fetch()] for _ in range(4)]
        assert fetched == [made[:3], made[3:6], made[6:], []]
        late = alice.create("One more")
        assert [raw["id"] for raw in instance.fetch()] == [late]
        assert instance.fetch() == []

    def test_the_raw_object_is_whole(self, mirror: Instance, alice: Person) -> None:
        issue = alice.create("Disk full", "The disk\nis full.", priority="urgent", assignedto="bob")
        raw = next(raw for raw in mirror.fetch() if raw["id"] == issue)
        assert raw["title"] == "Disk full" and raw["description"] == "The disk\nis full."
        assert (raw["priority"], raw["assignedto"], raw["status"]) == ("urgent", "bob", "unread")
        assert raw["mirror_id"] == issue and raw["mirror_instance"] == "instance-1"
        assert raw["mirror_direction"] == "Both" and raw["mirror_tags"] == ["comments", "ForRoundup"]

    def test_what_we_created_ourselves_is_not_fetched_back(self, mirror: Instance, alice: Person) -> None:
        ours = mirror.push(data={"title": "From here", "casemirror_reference": GUID})
        theirs = alice.create("From there")
        fetched = [raw["id"] for raw in mirror.fetch()]
        while more := mirror.fetch():
            fetched += [raw["id"] for raw in more]
        assert theirs in fetched and ours not in fetched

    def test_a_query_narrows_the_fetch(self, runtime: ProcessRuntime, tracker: RoundupTracker, alice: Person) -> None:
        wanted, other = alice.create("Wanted", priority="wish"), alice.create("Other", priority="bug")
        fetched = [raw["id"] for raw in make_instance(runtime, tracker.url, fetch_query="priority=wish").fetch()]
        assert wanted in fetched and other not in fetched


class TestPoll:
    def test_what_changed_since_is_told_in_order(self, mirror: Instance, alice: Person, bob: Person) -> None:
        old, talked, filed = alice.create(), alice.create(), alice.create()
        since = now()
        alice.change(old, title="New title")
        bob.comment(talked, "Hello")
        bob.attach(filed, "a.txt", b"a")
        assert set(mirror.modified(since)) == {old, talked, filed}
        assert mirror.modified(now()) == []

    def test_the_user_s_time_zone_does_not_matter(self, runtime: ProcessRuntime, own_tracker: RoundupTracker) -> None:
        issue = Person(own_tracker, "alice").create()
        admin = Person(own_tracker, "admin")
        (user,) = admin._call("GET", "user", params={"username": USER}).json()["data"]["collection"]
        tag = admin._call("GET", f"user/{user['id']}").headers["ETag"]
        admin._call("PATCH", f"user/{user['id']}", json={"timezone": "America/New_York"}, headers={"If-Match": tag})
        instance = make_instance(runtime, own_tracker.url)
        assert issue in instance.modified(now_minus_minute())
        assert instance.modified(now()) == []

    def test_a_tracker_with_a_limit_for_answers_is_asked_again(
        self, runtime: ProcessRuntime, own_tracker: RoundupTracker
    ) -> None:
        alice = Person(own_tracker, "alice")
        made = []
        for _ in range(3):
            made += [alice.create() for _ in range(2)]
            now()
        own_tracker.stop()
        setting = "from roundup.rest import RestfulInstance\nRestfulInstance.max_response_row_size = 5\n"
        (own_tracker.folder / "tracker" / "interfaces.py").write_text(setting)
        own_tracker.start()
        assert make_instance(runtime, own_tracker.url).modified(LONG_AGO) == made


def now_minus_minute() -> str:
    from datetime import UTC, datetime, timedelta

    return (datetime.now(UTC) - timedelta(minutes=1)).isoformat(timespec="microseconds").replace("+00:00", "Z")


class TestPull:
    def test_the_object_is_whole_and_the_words_of_others_come_in_order(
        self, mirror: Instance, alice: Person, bob: Person
    ) -> None:
        issue = alice.create("Printer", "It is on fire.")
        since = now()
        bob.comment(issue, "Which one?")
        alice.comment(issue, "The big one.")
        bob.attach(issue, "photo.bin", bytes(range(256)) * 50)
        pulled = mirror.pull(issue, since)
        assert pulled.raw["title"] == "Printer" and pulled.raw["description"] == "It is on fire."
        assert [text.split("\n\n— ")[0] for text in pulled.texts] == ["Which one?", "The big one."]
        assert "— bob, 20" in pulled.texts[0] and "UTC, in Roundup" in pulled.texts[0]
        assert pulled.files == {"photo.bin": bytes(range(256)) * 50}
        assert pulled.reopened and pulled.closed is None
        assert [e["Tags"] for e in pulled.entries] == [["roundup-comment"], ["roundup-comment"], ["roundup-file"]]
        later = mirror.pull(issue, now())
        assert later.raw == pulled.raw and later.texts == [] and later.files == {}

    def test_a_message_of_a_program_without_a_date_is_told(self, mirror: Instance, alice: Person, bob: Person) -> None:
        issue = alice.create()
        alice.change(issue, messages=[bob._post("msg", content="No date", author="bob")])
        assert "No date\n\n— bob, 20" in mirror.pull(issue, LONG_AGO).texts[0]

    def test_a_person_who_quotes_us_is_heard(self, mirror: Instance, alice: Person) -> None:
        issue = alice.create()
        mirror.push(issue, entries=[comment("Said", reference="e-400", uncertain=False)])
        alice.comment(issue, "Right!\n\n— alice via casemirror [ref e-400]")
        assert [text[:6] for text in mirror.pull(issue, LONG_AGO).texts] == ["Right!"]

    def test_closing_and_reopening_are_told(self, mirror: Instance, alice: Person) -> None:
        issue = alice.create()
        alice.close(issue)
        pulled = mirror.pull(issue, LONG_AGO)
        assert pulled.closed and "alice set the status resolved" in pulled.closed["closeNotes"] and not pulled.reopened
        alice.reopen(issue)
        pulled = mirror.pull(issue, LONG_AGO)
        assert pulled.reopened and pulled.closed is None

    def test_closing_can_be_left_to_people(
        self, runtime: ProcessRuntime, tracker: RoundupTracker, alice: Person
    ) -> None:
        issue = alice.create()
        alice.close(issue)
        pulled = make_instance(runtime, tracker.url, close_incident=False).pull(issue, LONG_AGO)
        assert pulled.closed is None and not pulled.reopened and pulled.raw["status"] == "resolved"

    def test_a_retired_issue_is_a_message(self, mirror: Instance, alice: Person, tracker: RoundupTracker) -> None:
        issue = alice.create()
        Person(tracker, "admin").retire(issue)
        assert "was not found" in mirror.pull(issue, LONG_AGO).message
        assert "was not found" in mirror.pull("999999", LONG_AGO).message


class TestCreate:
    def test_an_issue_is_created_once_for_one_reference(self, mirror: Instance, alice: Person) -> None:
        data = {
            "title": "Phishing",
            "description": "Look at this.",
            "priority": "critical",
            "casemirror_reference": GUID + "1",
        }
        before = alice.count()
        first, second = mirror.push(data=data), mirror.push(data=data)
        assert first == second and alice.count() == before + 1
        issue = alice.get(first)
        assert issue["title"] == "Phishing" and issue["priority"]["name"] == "critical"
        assert alice.messages(first) == ["Look at this."] and alice.status(first) == "unread"

    def test_a_creation_that_was_killed_between_its_calls_is_taken_up(
        self, mirror: Instance, alice: Person, tracker: RoundupTracker
    ) -> None:
        """The opening message is there, the issue is not."""
        Person(tracker, USER)._post("msg", content="Look", author=USER, messageid=f"<{GUID}2.issue@casemirror>")
        before = alice.count("msg")
        issue = mirror.push(data={"title": "T", "description": "Look", "casemirror_reference": GUID + "2"})
        assert alice.count("msg") == before and alice.messages(issue) == ["Look"]

    def test_it_may_have_nothing_but_entries(self, mirror: Instance, alice: Person) -> None:
        issue = mirror.push(
            data={"casemirror_reference": GUID + "3"}, entries=[comment("Hi", reference="e-30", uncertain=False)]
        )
        assert alice.get(issue)["title"] == "Untitled incident"
        assert mirror.pull(issue, LONG_AGO).raw["description"] == ""
        assert (
            alice.messages(issue)[1].startswith("Hi\n\n— alice via casemirror [ref e-30]")
            and alice.status(issue) == "unread"
        )

    def test_an_incident_that_is_closed_already_makes_a_closed_issue(self, mirror: Instance, alice: Person) -> None:
        issue = mirror.push(data={"title": "Old", "casemirror_reference": GUID + "4", **CLOSING}, status=2)
        assert alice.status(issue) == "resolved"

    def test_one_that_was_created_closed_by_an_unseen_call_is_open_when_the_incident_is_again(
        self, mirror: Instance, alice: Person
    ) -> None:
        """The first answer was lost, so there is no id yet; a person reopened the incident meanwhile."""
        data = {"title": "Old", "casemirror_reference": GUID + "6"}
        issue = mirror.push(data={**data, **CLOSING}, status=2)
        assert mirror.push(data=data, status=1, casemirror={"status_changed": True}) == issue
        assert alice.status(issue) != "resolved"


class TestPush:
    def test_only_what_changed_is_written(self, mirror: Instance, alice: Person) -> None:
        issue = alice.create("Old", "Words", priority="bug", assignedto="bob")
        mirror.push(issue, data={"title": "New", "priority": "wish", "status": "testing"}, delta={"title": "New"})
        found = alice.get(issue)
        assert found["title"] == "New" and found["priority"]["name"] == "bug" and found["status"]["name"] == "unread"

    def test_every_mapped_field_comes_back_as_it_was_sent(self, mirror: Instance, alice: Person) -> None:
        issue = mirror.push(data={"title": "T", "description": "D", "casemirror_reference": GUID + "5"})
        sent = {
            "title": "Two  words",
            "description": "a\n\n  b\n\n— c",
            "priority": "feature",
            "status": "in-progress",
            "assignedto": "bob",
        }
        mirror.push(issue, delta=sent)
        raw = mirror.pull(issue, LONG_AGO).raw
        assert {name: raw[name] for name in sent} == sent
        empty = {"description": "", "priority": "none", "assignedto": ""}
        mirror.push(issue, delta=empty)
        raw = mirror.pull(issue, LONG_AGO).raw
        assert {name: raw[name] for name in empty} == empty

    def test_an_unknown_person_is_told(self, mirror: Instance, alice: Person) -> None:
        with pytest.raises(CommandError, match="'nobody-here' is not a user"):
            mirror.push(alice.create(), delta={"assignedto": "nobody-here"})

    def test_a_description_without_an_opening_message_becomes_a_message(
        self, mirror: Instance, bob: Person, alice: Person
    ) -> None:
        issue = alice.create()
        for _ in range(2):
            mirror.push(issue, delta={"description": "Added later"})
        assert len(alice.messages(issue)) == 1 and alice.messages(issue)[0].startswith("Added later")

    def test_a_comment_does_not_change_the_status_nor_come_back(self, mirror: Instance, alice: Person) -> None:
        """Roundup's detector would make the issue chatting."""
        for status in ("unread", "resolved"):
            issue = alice.create(status=status)
            mirror.push(issue, entries=[comment("From here", reference="e-1" + status, uncertain=False)])
            assert alice.status(issue) == status
            assert mirror.pull(issue, LONG_AGO).texts == []

    def test_an_uncertain_comment_is_not_doubled(
        self, mirror: Instance, alice: Person, tracker: RoundupTracker
    ) -> None:
        issue = alice.create()
        entry = comment("Once", reference="e-200", uncertain=False)
        again = comment("Once", reference="e-200", uncertain=True)
        mirror.push(issue, entries=[entry])
        mirror.push(issue, entries=[again])
        assert len(alice.messages(issue)) == 1
        # killed between the message and the issue: the message is there and belongs to nothing
        Person(tracker, USER)._post("msg", content="Lost — via", author=USER, messageid="<e-201@casemirror>")
        mirror.push(issue, entries=[comment("Lost", reference="e-201", uncertain=True)])
        assert len(alice.messages(issue)) == 2
        mirror.push(issue, entries=[comment("Once", 9, reference="e-202", uncertain=False)])
        assert len(alice.messages(issue)) == 3

    def test_entries_of_another_server_are_not_doubled_either(self, mirror: Instance, alice: Person) -> None:
        issue = alice.create()
        for _ in range(2):
            mirror.push(issue, entries=[comment("No mark", 33)])
        assert len(alice.messages(issue)) == 1

    @pytest.mark.parametrize("body", [bytes(range(256)) * 300, b"text\r\nwith lines\n\n", "ä\n".encode()])
    def test_a_file_arrives_once_byte_for_byte_and_does_not_come_back(
        self, mirror: Instance, alice: Person, tmp_path: Path, body: bytes
    ) -> None:
        issue = alice.create()
        reference = f"f-{len(body)}"
        for uncertain in (False, True):
            entry, staged = attachment(tmp_path, "Report ä.txt", body, 4, reference=reference, uncertain=uncertain)
            mirror.push(issue, entries=[entry], files=(staged,))
        assert alice.files(issue) == [("Report ä.txt", body)]
        assert mirror.pull(issue, LONG_AGO).files == {}

    @pytest.mark.parametrize("body", [b"text\r\nwith lines\n\n", "ä\n".encode()])
    def test_a_file_comes_in_byte_for_byte(self, mirror: Instance, alice: Person, body: bytes) -> None:
        issue = alice.create()
        alice.attach(issue, "in.txt", body, "text/plain")
        assert mirror.pull(issue, LONG_AGO).files == {"in.txt": body}

    def test_an_empty_file_is_told_since_the_tracker_cannot_hold_it(
        self, mirror: Instance, alice: Person, tmp_path: Path
    ) -> None:
        issue = alice.create()
        entry, staged = attachment(tmp_path, "empty.txt", b"", reference="f-empty", uncertain=False)
        mirror.push(issue, entries=[entry], files=(staged,))
        assert "empty.txt is empty" in alice.messages(issue)[0] and alice.files(issue) == []

    def test_fields_go_out_although_an_entry_fails(self, mirror: Instance, alice: Person) -> None:
        issue = alice.create("Old")
        lost = comment("", 5, tags=("files",)) | {"type": 3, "file": "gone.txt"}
        with pytest.raises(CommandError):
            mirror.push(issue, delta={"title": "New"}, entries=[lost])
        assert alice.get(issue)["title"] == "New"

    def test_a_change_of_another_person_in_between_is_kept(
        self, mirror: Instance, alice: Person, tracker: RoundupTracker, runtime: ProcessRuntime
    ) -> None:
        """The first PATCH meets another ETag (412) and is made again on what is there now."""
        issue = alice.create("Old")
        quicker = [lambda: alice.comment(issue, "Me too")]

        def meddle(number: int, method: str, path: str) -> str:
            if method == "PATCH" and quicker:
                quicker.pop()()
            return PASS

        with Proxy(origin(tracker), meddle) as wire:
            make_instance(runtime, wire.origin + "/demo/").push(
                issue, delta={"title": "New"}, entries=[comment("Mine", reference="e-300", uncertain=False)]
            )
        assert alice.get(issue)["title"] == "New"
        assert {text.split("\n")[0] for text in alice.messages(issue)} == {"Me too", "Mine"}


class TestClosing:
    def test_a_close_and_a_reopening_reach_the_issue(self, mirror: Instance, alice: Person) -> None:
        issue = alice.create()
        for _ in range(2):
            mirror.push(issue, delta=CLOSING, status=2)
        assert alice.status(issue) == "resolved"
        (text,) = alice.messages(issue)
        assert text.startswith("Closed: Resolved\nFixed by restart.")
        pulled = mirror.pull(issue, LONG_AGO)
        assert pulled.closed and pulled.texts == []
        mirror.push(issue, incidentChanged=True, status=1)
        assert alice.status(issue) == "chatting" and mirror.pull(issue, LONG_AGO).reopened

    def test_a_reopening_with_a_field_is_understood_when_casemirror_says_so(
        self, mirror: Instance, alice: Person
    ) -> None:
        issue = alice.create(status="resolved")
        mirror.push(issue, delta={"title": "Back"}, status=1)
        assert alice.status(issue) == "resolved"
        mirror.push(issue, delta={"title": "Back again"}, status=1, casemirror={"status_changed": True})
        assert alice.status(issue) == "chatting"

    def test_a_later_change_of_a_closed_incident_does_not_close_again(self, mirror: Instance, alice: Person) -> None:
        issue = alice.create()
        mirror.push(issue, delta={"title": "Changed after the close"}, status=2)
        assert alice.status(issue) == "unread"

    def test_closing_the_issue_can_be_left_to_people(
        self, runtime: ProcessRuntime, tracker: RoundupTracker, alice: Person
    ) -> None:
        issue = alice.create()
        make_instance(runtime, tracker.url, close_ticket=False).push(issue, delta=CLOSING, status=2)
        assert alice.status(issue) == "unread"


class TestDyingHalfWay:
    """A push that is killed when any number of its requests have arrived, and is then repeated, does everything once."""

    @pytest.mark.parametrize("arrived", range(9))
    def test_a_creation_with_a_comment_and_a_file(
        self,
        runtime: ProcessRuntime,
        tracker: RoundupTracker,
        mirror: Instance,
        alice: Person,
        tmp_path: Path,
        arrived: int,
    ) -> None:
        data = {"title": "Once", "description": "D", "casemirror_reference": f"{GUID}-{arrived}"}
        before = alice.count()

        def push(instance: Instance, uncertain: bool) -> str:
            entry, staged = attachment(
                tmp_path, "a.bin", b"\x00abc", 2, reference=f"f-{arrived}00", uncertain=uncertain
            )
            said = comment("Said", reference=f"c-{arrived}00", uncertain=uncertain)
            return instance.push(data=data, entries=[said, entry], files=(staged,))

        with Proxy(origin(tracker), dies_after(arrived)) as wire:
            dying = make_instance(runtime, wire.origin + "/demo/")
            if arrived < 8:
                with pytest.raises(CommandError, match="cannot be reached"):
                    push(dying, uncertain=False)
        issue = push(mirror, uncertain=True)
        assert alice.count() == before + 1
        assert [text.split("\n")[0] for text in alice.messages(issue)] == ["D", "Said"]
        assert alice.files(issue) == [("a.bin", b"\x00abc")] and alice.status(issue) == "unread"
