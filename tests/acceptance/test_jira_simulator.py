"""The Jira simulator seen from outside: an independent client from PyPI, plain HTTP for the rest, and its faults."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import jira
import pytest
import requests

from casemirror.simulators.jira import JiraSimulator

NOON_S = datetime(2024, 3, 1, 12, tzinfo=UTC).timestamp()


class HandTurnedClock:
    def __init__(self) -> None:
        self.now_s = NOON_S

    def __call__(self) -> float:
        return self.now_s


class Caller:
    """Plain HTTP as one user; paths are relative to /rest/api/2."""

    def __init__(self, simulator: JiraSimulator, user: str) -> None:
        self.session = requests.Session()
        if user:
            self.session.auth = (user, user)
        self.url = simulator.url

    def __call__(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        return self.session.request(method, f"{self.url}/rest/api/2/{path}", timeout=30, **kwargs)

    def search(self, jql: str, **params: Any) -> dict[str, Any]:
        answer = self("GET", "search", params={"jql": jql, **params})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
def clock() -> HandTurnedClock:
    return HandTurnedClock()


@pytest.fixture
def simulator(clock: HandTurnedClock) -> Iterator[JiraSimulator]:
    with JiraSimulator(clock=clock, seed=7) as running:
        yield running


@pytest.fixture
def call_as(simulator: JiraSimulator) -> Iterator[Callable[[str], Caller]]:
    callers: list[Caller] = []

    def make(user: str) -> Caller:
        callers.append(Caller(simulator, user))
        return callers[-1]

    yield make
    for caller in callers:
        caller.session.close()


@pytest.fixture
def call(call_as: Callable[[str], Caller]) -> Caller:
    return call_as("casemirror")


@pytest.fixture
def client(simulator: JiraSimulator) -> Iterator[jira.JIRA]:
    found = jira.JIRA(simulator.url, basic_auth=("alice", "alice"), max_retries=0)
    yield found
    found.close()


def errors(answer: requests.Response, status: int) -> tuple[list[str], dict[str, str]]:
    """The documented error collection."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert set(body) == {"errorMessages", "errors"}
    return body["errorMessages"], body["errors"]


# --- an independent client


def test_the_client_creates_reads_edits_and_searches(client: jira.JIRA, simulator: JiraSimulator) -> None:
    made = client.create_issue(
        project="SOC",
        summary="Printer on fire",
        description="Tray 2",
        issuetype={"name": "Task"},
        priority={"name": "High"},
        labels=["hot", "floor-3"],
    )
    assert made.key == "SOC-1" and made.fields.reporter.name == "alice" and made.fields.status.name == "Open"
    made.update(summary="Printer is burning", priority={"name": "Highest"}, customfield_10002={"value": "Extensive"})
    made.add_field_value("labels", "urgent")
    client.assign_issue(made, "bob")
    stored = simulator.get("SOC-1")
    assert stored is not None and stored.values["summary"] == "Printer is burning"
    assert (stored.values["priority"], stored.values["assignee"]) == ("Highest", "bob")
    assert stored.values["labels"] == ("floor-3", "hot", "urgent")
    assert client.issue("10001").fields.customfield_10002.value == "Extensive"
    simulator.create(summary="Another")
    found = client.search_issues("project = SOC AND labels = hot ORDER BY key")
    assert [issue.key for issue in found] == ["SOC-1"] and found.total == 1


def test_the_client_comments_attaches_and_moves(client: jira.JIRA, simulator: JiraSimulator) -> None:
    made = client.create_issue(project="SOC", summary="x", issuetype={"name": "Task"})
    said = client.add_comment(made, "On my way")
    said.update(body="I am there")
    assert [comment.body for comment in client.comments(made)] == ["I am there"]
    client.add_attachment(made, io.BytesIO(b"\x00\x01bytes"), filename="a b.bin")
    (file,) = client.issue(made.key).fields.attachment
    assert (file.filename, file.size, file.get()) == ("a b.bin", 7, b"\x00\x01bytes")
    assert [step["name"] for step in client.transitions(made)] == ["Start Progress", "Resolve Issue", "Close Issue"]
    client.transition_issue(made, "Resolve Issue", fields={"resolution": {"name": "Duplicate"}}, comment="Same")
    closed = client.issue(made.key)
    assert (closed.fields.status.name, closed.fields.resolution.name) == ("Resolved", "Duplicate")
    assert closed.fields.status.statusCategory.key == "done"
    client.transition_issue(made, "Reopen Issue")
    assert client.issue(made.key).fields.resolution is None
    assert simulator.texts(made.key) == ["I am there", "Same"]


def test_the_client_reads_what_describes_the_instance(client: jira.JIRA) -> None:
    assert client.server_info()["deploymentType"] == "Server"
    assert client.myself()["timeZone"] == "America/New_York"
    assert {"summary", "customfield_10001"} <= {field["id"] for field in client.fields()}
    assert [project.key for project in client.projects()] == ["SOC", "TASK"]
    assert "Done" in [resolution.name for resolution in client.resolutions()]
    types = client.project_issue_types("SOC")
    assert [kind.name for kind in types] == ["Task", "Bug", "Incident"]
    assert "labels" in {field.fieldId for field in client.project_issue_fields("SOC", types[0].id)}
    assert client.user("bob").displayName == "Bob Builder"


def test_the_client_deletes_only_as_an_administrator(client: jira.JIRA, simulator: JiraSimulator) -> None:
    made = simulator.create()
    with pytest.raises(jira.JIRAError, match="do not have permission to delete"):
        client.issue(made.key).delete()
    admin = jira.JIRA(simulator.url, basic_auth=("admin", "admin"), max_retries=0)
    admin.issue(made.key).delete()
    with pytest.raises(jira.JIRAError, match="Issue Does Not Exist"):
        admin.issue(made.key)
    admin.close()


def test_the_client_logs_in_by_a_personal_access_token(simulator: JiraSimulator) -> None:
    client = jira.JIRA(simulator.url, token_auth="casemirror-token", max_retries=0)
    assert client.myself()["name"] == "casemirror"
    client.close()


# --- who asks


def test_a_wrong_password_is_a_page_with_401(simulator: JiraSimulator) -> None:
    answer = requests.get(f"{simulator.url}/rest/api/2/myself", auth=("alice", "wrong"), timeout=30)
    assert answer.status_code == 401 and answer.headers["X-Seraph-LoginReason"] == "AUTHENTICATED_FAILED"
    assert answer.text.startswith("<html>")


def test_nobody_sees_nothing(call_as: Callable[[str], Caller], simulator: JiraSimulator) -> None:
    simulator.create()
    nobody = call_as("")
    assert nobody.search("project = SOC")["total"] == 0
    for path in ("myself", "issue/SOC-1", "field"):
        errors(nobody("GET", path), 401)
    assert nobody("GET", "serverInfo").status_code == 200


def test_who_only_reads_changes_nothing(call_as: Callable[[str], Caller], simulator: JiraSimulator) -> None:
    simulator.create()
    viewer = call_as("viewer")
    assert viewer("GET", "issue/SOC-1").headers["X-AUSERNAME"] == "viewer"
    errors(viewer("PUT", "issue/SOC-1", json={"fields": {"summary": "y"}}), 403)
    errors(viewer("POST", "issue/SOC-1/comment", json={"body": "y"}), 403)
    assert viewer("GET", "issue/SOC-1/transitions").json()["transitions"] == []
    assert errors(viewer("POST", "issue", json={"fields": {}}), 400)[1]["project"].startswith("You cannot create")


# --- times


def test_times_are_shown_and_asked_in_the_user_s_zone(
    call_as: Callable[[str], Caller], simulator: JiraSimulator, clock: HandTurnedClock
) -> None:
    clock.now_s = NOON_S + 0.789
    simulator.create()
    for user, text, minute in (
        ("admin", "2024-03-01T12:00:00.789+0000", "12:00"),
        ("casemirror", "2024-03-01T17:30:00.789+0530", "17:30"),
        ("alice", "2024-03-01T07:00:00.789-0500", "07:00"),
    ):
        caller = call_as(user)
        found = caller.search(f'updated >= "2024/03/01 {minute}"', fields="updated")
        assert [issue["fields"] for issue in found["issues"]] == [{"updated": text}]
        later = minute[:-1] + "1"
        assert caller.search(f'updated >= "2024/03/01 {later}"')["total"] == 0


def test_whatever_happens_to_an_issue_updates_it(
    call: Caller, simulator: JiraSimulator, clock: HandTurnedClock
) -> None:
    simulator.create()
    for happens in (
        lambda: simulator.comment("SOC-1", "x"),
        lambda: simulator.attach("SOC-1", "a.txt", b"a"),
        lambda: simulator.move("SOC-1", "In Progress"),
        lambda: simulator.edit("SOC-1", summary="New"),
        lambda: simulator.rewrite("SOC-1", simulator.get("SOC-1").comments[0].id, "y"),  # type: ignore[union-attr]
    ):
        clock.now_s += 60
        happens()
        issue = simulator.get("SOC-1")
        assert issue is not None and issue.updated_s == clock.now_s
    before = clock.now_s
    clock.now_s += 60
    simulator.edit("SOC-1", summary="New")
    issue = simulator.get("SOC-1")
    assert issue is not None and issue.updated_s == before


# --- search


def test_pages_are_capped_and_named_fields_are_given(call: Caller, simulator: JiraSimulator) -> None:
    for number in range(5):
        simulator.create(summary=str(number))
    simulator.set_faults(max_results=2)
    first = call.search("project = SOC ORDER BY key", maxResults=100, fields="summary")
    assert (first["startAt"], first["maxResults"], first["total"]) == (0, 2, 5)
    assert [issue["fields"] for issue in first["issues"]] == [{"summary": "0"}, {"summary": "1"}]
    body = {"jql": "project = SOC ORDER BY key", "startAt": 4, "fields": ["*navigable", "-labels"]}
    last = call("POST", "search", json=body).json()
    (issue,) = last["issues"]
    assert issue["key"] == "SOC-5" and "labels" not in issue["fields"] and "comment" not in issue["fields"]


def test_a_wrong_query_is_refused(call: Caller) -> None:
    answer = call("GET", "search", params={"jql": "project = NOPE"})
    assert errors(answer, 400)[0] == ["The value 'NOPE' does not exist for the field 'project'."]
    answer = call("GET", "search", params={"jql": "key = SOC-77"})
    assert "An issue with key 'SOC-77' does not exist" in errors(answer, 400)[0][0]


def test_a_search_may_be_late_but_an_issue_is_not(
    call: Caller, simulator: JiraSimulator, clock: HandTurnedClock
) -> None:
    simulator.set_faults(late_index_s=30.0)
    simulator.create()
    assert call.search("project = SOC")["total"] == 0
    assert call("GET", "issue/SOC-1").status_code == 200
    clock.now_s += 31
    assert call.search("project = SOC")["total"] == 1


# --- writing


def test_each_field_says_what_is_wrong_with_it(call: Caller) -> None:
    answer = call("POST", "issue", json={"fields": {}})
    assert set(errors(answer, 400)[1]) == {"project", "issuetype", "summary"}
    wrong = {
        "project": {"key": "SOC"},
        "issuetype": {"name": "Task"},
        "summary": "x" * 256,
        "labels": ["two words"],
        "assignee": {"name": "nobody-here"},
        "priority": {"name": "Urgent"},
        "customfield_10002": {"value": "Huge"},
        "customfield_10003": "many",
        "duedate": "soon",
        "status": {"name": "Closed"},
        "nonsense": 1,
    }
    found = errors(call("POST", "issue", json={"fields": wrong}), 400)[1]
    assert set(found) == set(wrong) - {"project", "issuetype"}
    assert found["assignee"] == "User 'nobody-here' does not exist."
    assert found["nonsense"] == "Field 'nonsense' cannot be set. It is not on the appropriate screen, or unknown."


def test_an_edit_is_all_or_nothing(call: Caller, simulator: JiraSimulator) -> None:
    simulator.create(summary="Old", labels=("a",))
    fields = {"summary": "New", "priority": {"name": "Urgent"}}
    assert set(errors(call("PUT", "issue/SOC-1", json={"fields": fields}), 400)[1]) == {"priority"}
    issue = simulator.get("SOC-1")
    assert issue is not None and issue.values["summary"] == "Old"
    update = {"labels": [{"add": "b"}, {"remove": "a"}], "summary": [{"set": "Newer"}]}
    assert call("PUT", "issue/SOC-1", json={"update": update}).status_code == 204
    issue = simulator.get("SOC-1")
    assert issue is not None and (issue.values["summary"], issue.values["labels"]) == ("Newer", ("b",))


def test_a_closed_issue_of_the_classic_workflow_cannot_be_edited(call: Caller, simulator: JiraSimulator) -> None:
    """Jira docs "Workflow properties": jira.issue.editable."""
    simulator.create()
    simulator.move("SOC-1", "Closed", resolution="Done")
    found = errors(call("PUT", "issue/SOC-1", json={"fields": {"summary": "y"}}), 400)
    assert "cannot be set" in found[1]["summary"]
    assert call("POST", "issue/SOC-1/comment", json={"body": "still"}).status_code == 201


def test_a_step_that_is_not_offered_is_refused(call: Caller, simulator: JiraSimulator) -> None:
    simulator.create()
    answer = call("POST", "issue/SOC-1/transitions", json={"transition": {"id": "3"}})
    assert "not valid for the current state" in errors(answer, 400)[0][0]
    answer = call("POST", "issue/SOC-1/transitions", json={"transition": {"id": "5"}})
    assert errors(answer, 400)[1] == {"resolution": "Resolution is required."}
    offered = call("GET", "issue/SOC-1/transitions?expand=transitions.fields").json()["transitions"]
    screens = {step["name"]: list(step["fields"]) for step in offered}
    assert screens == {"Start Progress": [], "Resolve Issue": ["resolution"], "Close Issue": ["resolution"]}


def test_an_upload_needs_the_token_and_has_a_limit(call: Caller, simulator: JiraSimulator) -> None:
    simulator.create()
    file = {"file": ("a.txt", b"four", "text/plain")}
    answer = call("POST", "issue/SOC-1/attachments", files=file)
    assert (answer.status_code, answer.text) == (403, "XSRF check failed")
    token = {"X-Atlassian-Token": "no-check"}
    simulator.set_faults(upload_limit=3)
    errors(call("POST", "issue/SOC-1/attachments", files=file, headers=token), 413)
    simulator.set_faults(upload_limit=4)
    (made,) = call("POST", "issue/SOC-1/attachments", files=file, headers=token).json()
    assert call.session.get(made["content"], timeout=30).content == b"four"
    assert call("GET", f"attachment/{made['id']}").json()["filename"] == "a.txt"
    assert call("DELETE", f"attachment/{made['id']}").status_code == 204 and simulator.files("SOC-1") == []


# --- faults


def test_the_rate_limit_is_told_in_headers(call: Caller, simulator: JiraSimulator, clock: HandTurnedClock) -> None:
    """Atlassian docs "Adjusting your code for rate limiting": Jira Data Center's headers."""
    simulator.set_faults(rate_limit={"limit": 2, "window_s": 60})
    headers = [call("GET", "myself").headers for _ in range(2)]
    assert [found["X-RateLimit-Remaining"] for found in headers] == ["1", "0"]
    assert headers[0]["X-RateLimit-Limit"] == "2" and headers[0]["Retry-After"] == "0"
    refused = call("GET", "myself")
    assert errors(refused, 429) and refused.headers["Retry-After"] == "60"
    clock.now_s += 60
    assert call("GET", "myself").status_code == 200


def test_a_write_may_be_done_although_its_answer_is_lost(call: Caller, simulator: JiraSimulator) -> None:
    simulator.create()
    simulator.set_faults(fail_after_write=1)
    assert call("POST", "issue/SOC-1/comment", json={"body": "x"}).status_code == 500
    assert simulator.texts("SOC-1") == ["x"]
    assert call("POST", "search", json={"jql": ""}).status_code == 200  # asks, and writes nothing
    simulator.set_faults(fail_next=1)
    errors(call("GET", "myself"), 500)
    simulator.set_faults(html=True)
    assert "<title>Log in" in call("GET", "myself").text
    simulator.set_faults(html=False, down=True)
    with pytest.raises(requests.ConnectionError):
        call("GET", "myself")


def test_the_controls_tell_and_reset(simulator: JiraSimulator, call: Caller) -> None:
    simulator.create(summary="x")
    simulator.comment("SOC-1", "Twice")
    simulator.comment("SOC-1", "Twice")
    call("GET", "issue/SOC-1/comment")
    url = f"{simulator.url}/_simulator"
    state = requests.get(f"{url}/state?tickets=true", timeout=30).json()
    assert state["requests"] == {"GET issue/comment": 1} and state["doubled"] == 1
    assert state["tickets"]["10001"]["status"] == "Open"
    assert [write["verb"] for write in requests.get(f"{url}/writes", timeout=30).json()] == [
        "create",
        "update",
        "update",
    ]
    wrong = requests.put(f"{url}/faults", json={"colour": 1}, timeout=30)
    assert wrong.status_code == 400 and "there is no fault 'colour'" in wrong.json()["error"]
    assert requests.post(f"{url}/reset", timeout=30).json()["issues"] == 0


def test_it_runs_as_a_process_of_its_own() -> None:
    command = [sys.executable, "-m", "casemirror.simulators.jira", "--port", "0", "--issues", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line.startswith("Jira simulator on http://127.0.0.1:")
            url = line.split(" on ")[1].strip()
            answer = requests.get(f"{url}/rest/api/2/search", auth=("bob", "bob"), timeout=30).json()
            assert [issue["key"] for issue in answer["issues"]] == ["SOC-2", "SOC-1"]
        finally:
            process.terminate()


def test_a_wrong_option_is_refused() -> None:
    command = [sys.executable, "-m", "casemirror.simulators.jira", "--port", "0", "--fault", "colour=1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "there is no fault 'colour'" in done.stderr
