"""The integration against the fake remote: each command as a server runs it, in a process of its own.

Needs casemirror, whose pytest plugin brings the fixtures `run_command`, `integration` and `demisto`:  python -m pytest
"""

from datetime import datetime, timezone
from pathlib import Path

import fake_remote
import pytest

CODE = Path(__file__).parents[1] / "Integrations" / "NewIntegration" / "NewIntegration.py"
LONG_AGO = "2020-01-01T00:00:00.000000Z"


@pytest.fixture
def remote():
    with fake_remote.simulator() as found:
        yield found


@pytest.fixture
def run(run_command, remote):
    """Run a command on the remote."""

    def run(command, args=None, **further):
        return run_command(CODE, command, args, params={**remote.params, **further.pop("params", {})}, **further)

    return run


def now():
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def update(run, ticket_id, *, delta=None, data=None, entries=(), status=1, **further):
    """What update-remote-system answers."""
    args = {"remoteId": ticket_id, "data": data or delta or {}, "delta": delta or {}, "entries": list(entries), "status": status}
    return run("update-remote-system", {**args, "incidentChanged": bool(delta) or not ticket_id, **further}).answer


def comment(text, **mark):
    entry = {"id": "1@1", "type": 1, "contents": text, "user": "analyst", "tags": ["comments"], "file": ""}
    return {**entry, **({"casemirror": mark} if mark else {})}


def test_it_says_ok_and_tells_a_wrong_password(run):
    assert run("test-module").error == ""
    assert "refused" in run("test-module", params={"credentials.password": "wrong"}).error


def test_each_ticket_is_fetched_once_and_no_more_than_the_limit(run, remote):
    made = [remote.create(f"Ticket {number}") for number in range(3)]
    first = run("fetch-incidents", params={"max_fetch": "2"})
    then = run("fetch-incidents", params={"max_fetch": "2"}, last_run=first.last_run)
    ids = [[incident["mirror_id"] for incident in ran.objects] for ran in (first, then)]
    assert ids == [made[:2], made[2:]]
    assert run("fetch-incidents", last_run=then.last_run).incidents == []


def test_a_poll_names_what_changed(run, remote):
    old, new = remote.create("Old"), remote.create("New")
    since = now()
    remote.comment(new, "Hello")
    assert run("get-modified-remote-data", {"lastUpdate": since}).answer.ids == (new,)
    assert set(run("get-modified-remote-data", {"lastUpdate": LONG_AGO}).answer.ids) == {old, new}


def test_a_pull_tells_fields_comments_and_files(run, remote):
    ticket = remote.create("Printer on fire")
    remote.comment(ticket, "Which one?")
    remote.attach(ticket, "photo.bin", bytes(range(256)))
    told = run("get-remote-data", {"id": ticket, "lastUpdate": LONG_AGO}).answer
    said, file = told.entries
    assert told.object["title"] == "Printer on fire" and "Which one?" in said.contents
    assert (file.file_name, Path(file.file_path).read_bytes()) == ("photo.bin", bytes(range(256)))
    assert run("get-remote-data", {"id": ticket, "lastUpdate": now()}).answer.entries == ()


def test_closing_and_reopening_are_told(run, remote):
    ticket = remote.create("To be closed")
    closed = []
    for do in (remote.close, remote.reopen):
        do(ticket)
        (control,) = run("get-remote-data", {"id": ticket, "lastUpdate": now()}).answer.controls
        closed.append(control.close)
    assert closed == [True, False]


def test_a_deleted_ticket_is_told_in_words(run, remote):
    ticket = remote.create("Deleted")
    remote.delete(ticket)
    assert "was not found" in run("get-remote-data", {"id": ticket, "lastUpdate": LONG_AGO}).results[0]


def test_a_limit_is_told_in_the_words_that_servers_look_for(run, remote):
    remote.limit(True)
    ran = run("get-modified-remote-data", {"lastUpdate": LONG_AGO})
    assert ran.error == "skip update. error: API rate limit"


def test_only_what_changed_is_written(run, remote):
    ticket = remote.create("Old title")
    remote.write(ticket, {"description": "Newer there"})
    assert update(run, ticket, delta={"title": "New title"}, data={"title": "New title", "description": "Stale"}) == ticket
    assert remote.title(ticket) == "New title" and remote.tickets[ticket]["description"] == "Newer there"


def test_a_comment_is_written_once_and_does_not_come_back(run, remote):
    ticket, since = remote.create("Talked about"), now()
    update(run, ticket, entries=[comment("From here", uncertain=False, reference="r1")])
    update(run, ticket, entries=[comment("From here", uncertain=True, reference="r1")])
    assert remote.comments(ticket) == ["From here\n\nanalyst via casemirror [ref r1]"]
    assert run("get-remote-data", {"id": ticket, "lastUpdate": since}).answer.entries == ()


def test_what_is_only_to_be_looked_for_is_not_written(run, remote):
    ticket = remote.create("Talked about")
    args = {"remoteId": ticket, "data": {}, "delta": {}, "status": 1, "incidentChanged": False}
    entry = comment("Perhaps there", uncertain=True, reference="r2", only_look=True)
    told = run("update-remote-system", {**args, "entries": [entry]}).results
    assert told == [{"casemirror": {"unknown": ["1@1"]}}, ticket] and remote.comments(ticket) == []
    assert update(run, "", data={"title": "Perhaps there", "reference": "i1"}, casemirror={"only_look": True}) == ""
    assert list(remote.tickets) == [ticket]


def test_a_file_is_written_once_and_does_not_come_back(run, remote, tmp_path):
    ticket, since, path = remote.create("With a file"), now(), tmp_path / "report.bin"
    path.write_bytes(bytes(range(256)))
    entry = {**comment(""), "type": 3, "file": "report.bin"}
    for _ in range(2):
        args = {"remoteId": ticket, "data": {}, "delta": {}, "entries": [entry], "status": 1, "incidentChanged": False}
        assert run("update-remote-system", args, files={"1@1": path}).error == ""
    assert remote.files(ticket) == {"report.bin": bytes(range(256))}
    assert run("get-remote-data", {"id": ticket, "lastUpdate": since}).answer.entries == ()


def test_a_close_is_written_and_what_follows_it_does_not_close_again(run, remote):
    ticket = remote.create("To be closed")
    update(run, ticket, delta={"closeReason": "Resolved", "closeNotes": "Fixed."}, status=2)
    assert remote.is_closed(ticket) and remote.tickets[ticket]["resolution"] == "Fixed."
    remote.reopen(ticket)
    update(run, ticket, delta={"title": "Changed later"}, status=2)
    assert not remote.is_closed(ticket)


def test_a_ticket_is_created_once_and_not_fetched(run, remote):
    data = {"title": "Phishing", "severity": 3, "reference": "incident-7"}
    first, second = update(run, "", data=data), update(run, "", data=data)
    assert first == second and remote.tickets[first]["priority"] == "high"
    assert run("fetch-incidents").incidents == []


def test_the_schema_names_what_the_mapper_writes(run):
    assert set(run("get-mapping-fields").answer["Ticket"]) == {"title", "description", "severity", "reference"}


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2024-01-31T10:20:30.000001Z", "2024-01-31T10:20:30.000001Z"),
        ("2024-01-31T10:20:30+02:00", "2024-01-31T08:20:30.000000Z"),
        ("0001-01-01T00:00:00Z", "1970-01-01T00:00:00.000000Z"),
    ],
)
def test_times_of_every_server_are_understood(integration, text, utc):
    code = integration(CODE)
    assert code.stamp(code.utc(text)) == utc


def test_without_parameters_the_first_fetch_is_of_three_days(integration, demisto, monkeypatch):
    """A unit test: no process, `demisto` is patched as in any other test of an integration."""
    code, asked, kept = integration(CODE), [], []
    client = type("Client", (), {"created_since": lambda self, since, limit: asked.append((since, limit)) or []})()
    monkeypatch.setattr(demisto, "getLastRun", dict)
    monkeypatch.setattr(demisto, "setLastRun", kept.append)
    assert code.fetch_incidents(client, {}) == []
    (since, limit), (last,) = asked[0], kept
    assert limit == 50 and last["since"] == since and (datetime.now(timezone.utc) - code.utc(since)).days in (2, 3)
