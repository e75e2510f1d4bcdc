"""The ServiceNow simulator seen from outside: independent clients from PyPI, plain HTTP for the rest, and every fault."""

import asyncio
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pysnc
import pytest
import requests

from casemirror.simulators.servicenow import DEFAULT_USERS, Faults, ServiceNowSimulator, User
from casemirror.simulators.servicenow.app import App
from casemirror.simulators.servicenow.faults import FaultBox
from casemirror.simulators.servicenow.instance import Instance
from support import certificates

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # pysnow warns at import where libmagic is missing
    import pysnow

NOON_S = datetime(2024, 3, 1, 12, tzinfo=UTC).timestamp()


class HandTurnedClock:
    def __init__(self) -> None:
        self.now_s = NOON_S

    def __call__(self) -> float:
        return self.now_s


class Caller:
    """Plain HTTP as one user; paths are relative to /api/now."""

    def __init__(self, simulator: ServiceNowSimulator, user: str) -> None:
        self.session = requests.Session()
        self.session.auth = (user, user)
        self._simulator = simulator

    def __call__(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        return self.session.request(method, f"{self._simulator.url}/api/now/{path}", timeout=30, **kwargs)

    def found(self, path: str, query: str = "", **params: str) -> list[dict[str, Any]]:
        answer = self("GET", path, params={"sysparm_query": query, **params})
        assert answer.status_code == 200, answer.text
        rows: list[dict[str, Any]] = answer.json()["result"]
        return rows


@pytest.fixture
def clock() -> HandTurnedClock:
    return HandTurnedClock()


@pytest.fixture
def simulator(clock: HandTurnedClock) -> Iterator[ServiceNowSimulator]:
    with ServiceNowSimulator(clock=clock, seed=7) as running:
        yield running


@pytest.fixture
def call_as(simulator: ServiceNowSimulator) -> Iterator[Callable[[str], Caller]]:
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


def _error(answer: requests.Response, status: int) -> dict[str, Any]:
    """The documented error envelope's content."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body["status"] == "failure"
    assert set(body["error"]) == {"message", "detail"}
    error: dict[str, Any] = body["error"]
    return error


# --- independent clients


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 as (certificate, key)."""
    return certificates.make(tmp_path_factory.mktemp("certificate"), "127.0.0.1")


@pytest.fixture
def client(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[pysnc.ServiceNowClient, ServiceNowSimulator]]:
    certfile, keyfile = certificate
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certfile))  # goes before the client's own setting
    with ServiceNowSimulator(certfile=certfile, keyfile=keyfile) as simulator:
        client = pysnc.ServiceNowClient(simulator.url, ("admin", "admin"), verify=str(certfile), auto_retry=False)
        yield client, simulator
        client.session.close()


def test_the_vendors_own_client_inserts_reads_updates_and_deletes(
    client: tuple[pysnc.ServiceNowClient, ServiceNowSimulator],
) -> None:
    """pysnc is ServiceNow's own Python client; it speaks https only and asks for display and database values."""
    snow, simulator = client
    record = snow.GlideRecord("incident")
    record.initialize()
    record.short_description, record.urgency, record.impact = "Printer on fire", "1", "1"
    sys_id = str(record.insert())
    stored = simulator.get(sys_id)
    assert stored is not None and (stored["short_description"], stored["priority"]) == ("Printer on fire", "1")

    record = snow.GlideRecord("incident")
    assert record.get(sys_id)
    assert record.get_value("state") == "1" and record.get_display_value("state") == "New"
    record.state = "2"
    record.comments = "Bring water"
    assert record.update()
    assert [entry["value"] for entry in simulator.comments(sys_id)] == ["Bring water"]

    assert record.delete()
    assert simulator.get(sys_id) is None


def test_the_vendors_own_client_pages_through_a_query(
    client: tuple[pysnc.ServiceNowClient, ServiceNowSimulator],
) -> None:
    snow, simulator = client
    for number in range(25):
        simulator.create("incident", short_description=f"No. {number}", urgency="1" if number % 5 == 0 else "3")
    record = snow.GlideRecord("incident", batch_size=4)
    record.add_query("urgency", "3")
    record.order_by_desc("number")
    record.query()
    found = [str(row.short_description) for row in record]
    assert found == [f"No. {number}" for number in reversed(range(25)) if number % 5]
    assert record.get_row_count() == 20


def test_the_vendors_own_client_exchanges_attachments(
    client: tuple[pysnc.ServiceNowClient, ServiceNowSimulator],
) -> None:
    snow, simulator = client
    sys_id = simulator.create("incident", short_description="With a file")["sys_id"]
    simulator.attach(sys_id, "from-remote.txt", b"remote")
    record = snow.GlideRecord("incident")
    assert record.get(sys_id)
    record.add_attachment("from-client.bin", b"\x00\x01client")
    attachments = record.get_attachments()
    assert {attachment.file_name: attachment.read() for attachment in attachments} == {
        "from-remote.txt": b"remote",
        "from-client.bin": b"\x00\x01client",
    }


def test_a_second_client_queries_creates_updates_and_deletes(simulator: ServiceNowSimulator) -> None:
    """pysnow: PUT for updates, sysparm_* of its own."""
    client = pysnow.Client(host=f"127.0.0.1:{simulator.port}", user="admin", password="admin", use_ssl=False)
    incidents = client.resource(api_path="/table/incident")
    created = incidents.create({"short_description": "By pysnow", "description": "x"}).one()
    assert created["number"] == "INC0010001"
    simulator.create("incident", short_description="By a person")
    query = pysnow.QueryBuilder().field("short_description").contains("By").AND().field("number").order_descending()
    assert [row["short_description"] for row in incidents.get(query=query).all()] == ["By a person", "By pysnow"]
    incidents.update({"number": "INC0010001"}, {"description": "y"})
    stored = simulator.get(created["sys_id"])
    assert stored is not None and stored["description"] == "y"
    assert incidents.delete({"number": "INC0010001"})["status"] == "record deleted"
    assert simulator.get(created["sys_id"]) is None
    client.session.close()


# --- Table API


def test_every_value_is_a_string_and_a_reference_is_a_link(call: Caller, simulator: ServiceNowSimulator) -> None:
    sys_id = simulator.create("incident", short_description="x")["sys_id"]
    row = call("GET", f"table/incident/{sys_id}").json()["result"]
    opened_by = row.pop("opened_by")
    assert opened_by == {
        "link": f"{simulator.url}/api/now/table/sys_user/{opened_by['value']}",
        "value": opened_by["value"],
    }
    assert call.session.get(opened_by["link"], timeout=30).json()["result"]["user_name"] == "alice"
    assert row.pop("sys_domain")["value"] == "global"
    assert all(isinstance(value, str) for value in row.values())
    assert (row["assigned_to"], row["active"], row["sys_created_on"], row["sys_mod_count"]) == (
        "",
        "true",
        "2024-03-01 12:00:00",
        "0",
    )


def test_display_values_are_labels_names_and_the_callers_time(
    call_as: Callable[[str], Caller], simulator: ServiceNowSimulator
) -> None:
    """ServiceNow docs "Table API", sysparm_display_value; alice lives in New York."""
    simulator.create("incident", short_description="x", state="2")
    alice = call_as("alice")
    shown = alice.found(
        "table/incident", sysparm_display_value="true", sysparm_fields="state,opened_by,opened_at,nonsense"
    )[0]
    assert shown["state"] == "In Progress" and shown["opened_at"] == "2024-03-01 07:00:00" and "nonsense" not in shown
    assert shown["opened_by"]["display_value"] == "Alice Analyst" and "link" in shown["opened_by"]
    both = alice.found("table/incident", sysparm_display_value="all", sysparm_exclude_reference_link="true")[0]
    assert both["state"] == {"display_value": "In Progress", "value": "2"}
    assert both["opened_at"] == {"display_value": "2024-03-01 07:00:00", "value": "2024-03-01 12:00:00"}
    assert set(both["opened_by"]) == {"display_value", "value"}


def test_input_display_values_are_turned_into_codes_ids_and_utc(
    call_as: Callable[[str], Caller], simulator: ServiceNowSimulator
) -> None:
    alice = call_as("alice")
    sent = {"state": "In Progress", "assigned_to": "Alice Analyst", "due_date": "2024-03-02 07:00:00"}
    row = alice("POST", "table/incident", params={"sysparm_input_display_value": "true"}, json=sent).json()["result"]
    stored = simulator.get(row["sys_id"])
    assert stored is not None and (stored["state"], stored["due_date"]) == ("2", "2024-03-02 12:00:00")
    assert row["assigned_to"]["value"] == row["opened_by"]["value"]
    plain = alice(
        "POST",
        "table/incident",
        params={"sysparm_input_display_value": "False"},
        json={"due_date": "2024-03-02 07:00:00"},
    )
    assert plain.json()["result"]["due_date"] == "2024-03-02 07:00:00"


def test_a_dot_walked_path_is_a_field_and_a_condition(call: Caller, simulator: ServiceNowSimulator) -> None:
    simulator.create("incident", short_description="x")
    simulator.create("incident", short_description="y", by="admin")
    found = call.found(
        "table/incident", "opened_by.user_name=alice", sysparm_fields="short_description,opened_by.email"
    )
    assert found == [{"short_description": "x", "opened_by.email": "alice@example.com"}]


def test_name_value_parameters_filter_and_may_be_display_values(call: Caller, simulator: ServiceNowSimulator) -> None:
    for state in ("1", "2", "7"):
        simulator.create("incident", short_description=f"state {state}", state=state)
    answer = call("GET", "table/incident", params={"state": "closed", "opened_by": "alice"})
    assert [row["short_description"] for row in answer.json()["result"]] == ["state 7"]


def test_pages_are_linked_and_counted(call: Caller, simulator: ServiceNowSimulator) -> None:
    for number in range(5):
        simulator.create("incident", short_description=str(number))
    answer = call(
        "GET",
        "table/incident",
        params={"sysparm_query": "ORDERBYnumber", "sysparm_limit": "2", "sysparm_fields": "short_description"},
    )
    seen = [row["short_description"] for row in answer.json()["result"]]
    assert answer.headers["X-Total-Count"] == "5" and set(answer.links) == {"first", "next", "last"}
    while "next" in answer.links:
        answer = call.session.get(answer.links["next"]["url"], timeout=30)
        seen += [row["short_description"] for row in answer.json()["result"]]
    assert seen == ["0", "1", "2", "3", "4"] and "prev" in answer.links
    bare = call(
        "GET",
        "table/incident",
        params={"sysparm_limit": "2", "sysparm_no_count": "true", "sysparm_suppress_pagination_header": "true"},
    )
    assert "X-Total-Count" not in bare.headers and "Link" not in bare.headers


def test_an_empty_search_is_404_in_v1_and_an_empty_list_since(call: Caller) -> None:
    assert _error(call("GET", "v1/table/incident"), 404)["message"] == "No Record found"
    for version in ("", "v2/"):
        answer = call("GET", f"{version}table/incident")
        assert (answer.status_code, answer.json()) == (200, {"result": []})


def test_the_platform_keeps_its_own_columns(
    call: Caller, simulator: ServiceNowSimulator, clock: HandTurnedClock
) -> None:
    """sys_* and number cannot be written, unknown columns are ignored, and a write that changes nothing is no update."""
    sent = {
        "sys_id": "f" * 32,
        "number": "INC1",
        "sys_created_by": "me",
        "nonsense": "1",
        "": "text",
        "short_description": "x",
    }
    created = call("POST", "table/incident", json=sent)
    row = created.json()["result"]
    assert created.status_code == 201 and created.headers["Location"].endswith(f"/table/incident/{row['sys_id']}")
    assert (row["number"], row["sys_created_by"]) == ("INC0010001", "casemirror") and row["sys_id"] != "f" * 32
    assert "nonsense" not in row and "" not in row
    clock.now_s += 5
    same = call("PATCH", f"table/incident/{row['sys_id']}", json={"short_description": "x", "": "text"}).json()[
        "result"
    ]
    assert (same["sys_updated_on"], same["sys_mod_count"]) == ("2024-03-01 12:00:00", "0")
    new = call("PUT", f"table/incident/{row['sys_id']}", json={"short_description": "y"}).json()["result"]
    assert (new["sys_updated_on"], new["sys_mod_count"], new["sys_created_on"]) == (
        "2024-03-01 12:00:05",
        "1",
        "2024-03-01 12:00:00",
    )
    assert simulator.create("problem", short_description="p")["number"] == "PRB0010001"


def test_closing_stamps_and_reopening_clears(
    call: Caller, simulator: ServiceNowSimulator, clock: HandTurnedClock
) -> None:
    sys_id = simulator.create("incident", short_description="x")["sys_id"]
    clock.now_s += 60
    closed = call("PATCH", f"table/incident/{sys_id}", json={"state": "7"}).json()["result"]
    assert (closed["closed_at"], closed["active"], closed["incident_state"]) == ("2024-03-01 12:01:00", "false", "7")
    assert closed["closed_by"]["value"] == simulator.instance.users["casemirror"].sys_id
    opened = simulator.reopen(sys_id)
    assert (opened["closed_at"], opened["closed_by"], opened["active"], opened["reopen_count"]) == ("", "", "true", "1")


def test_the_data_policy_refuses_to_close_without_code_and_notes(call: Caller, simulator: ServiceNowSimulator) -> None:
    sys_id = simulator.create("incident", short_description="x")["sys_id"]
    simulator.set_faults(data_policy=True)
    assert (
        "Data Policy"
        in _error(call("PATCH", f"table/incident/{sys_id}", json={"state": "7", "close_code": "x"}), 403)["detail"]
    )
    kept = simulator.get(sys_id)
    assert kept is not None and (kept["state"], kept["close_code"]) == ("1", "")
    assert (
        call(
            "PATCH", f"table/incident/{sys_id}", json={"state": "7", "close_code": "x", "close_notes": "y"}
        ).status_code
        == 200
    )


def test_a_comment_becomes_a_journal_entry_and_touches_the_ticket(
    call: Caller, simulator: ServiceNowSimulator, clock: HandTurnedClock
) -> None:
    sys_id = simulator.create("incident", short_description="x", comments="at first")["sys_id"]
    clock.now_s += 10
    row = call("PATCH", f"table/incident/{sys_id}", json={"work_notes": "then"}).json()["result"]
    assert (row["work_notes"], row["sys_updated_on"], row["sys_updated_by"]) == (
        "",
        "2024-03-01 12:00:10",
        "casemirror",
    )
    query = f"element_id={sys_id}^sys_created_on>2024-03-01 11:59:59^element=comments^ORelement=work_notes^ORDERBYsys_created_on"
    entries = call.found("table/sys_journal_field", query)
    assert [(entry["element"], entry["value"], entry["sys_created_by"], entry["name"]) for entry in entries] == [
        ("comments", "at first", "alice", "incident"),
        ("work_notes", "then", "casemirror", "incident"),
    ]
    later = f"element_id={sys_id}^sys_created_on>2024-03-01 12:00:00^element=comments^ORelement=work_notes"
    assert [entry["value"] for entry in call.found("table/sys_journal_field", later)] == ["then"]


# --- attachments


def test_an_uploaded_form_is_found_and_downloaded(call: Caller, simulator: ServiceNowSimulator) -> None:
    """The part may have any name; Content-Type, size and link come back with the metadata."""
    sys_id = simulator.create("incident", short_description="x")["sys_id"]
    answer = call(
        "POST",
        "v1/attachment/upload",
        data={"table_name": "incident", "table_sys_id": sys_id},
        files={"uploadFile": ("ü.txt", b"abc", "text/plain")},
    )
    assert answer.status_code == 201
    row = call.found("attachment", f"table_sys_id={sys_id}")[0]
    assert row == answer.json()["result"]
    assert (row["file_name"], row["content_type"], row["size_bytes"]) == ("ü.txt", "text/plain", "3")
    assert answer.headers["Location"].endswith(f"/attachment/{row['sys_id']}")
    download = call.session.get(row["download_link"], timeout=30)
    assert download.content == b"abc" and "X-Attachment-Metadata" in download.headers
    assert call.found("attachment", f"table_sys_id={sys_id}^sys_created_on>2024-03-01 12:00:00") == []


def test_an_uploaded_body_needs_its_parameters_and_its_ticket(call: Caller, simulator: ServiceNowSimulator) -> None:
    sys_id = simulator.create("incident", short_description="x")["sys_id"]
    where = {"table_name": "incident", "table_sys_id": sys_id, "file_name": "a.bin"}
    headers = {"Content-Type": "application/octet-stream"}
    row = call("POST", "attachment/file", params=where, data=b"\x00\xff", headers=headers).json()["result"]
    assert simulator.file(row["sys_id"]) == b"\x00\xff"
    _error(call("POST", "attachment/file", params={**where, "file_name": ""}, data=b"x", headers=headers), 400)
    _error(call("POST", "attachment/file", params={**where, "table_sys_id": "0" * 32}, data=b"x", headers=headers), 404)
    _error(call("POST", "attachment/upload", data={"table_name": "incident"}, files={"file": b"x"}), 400)
    assert call("DELETE", f"attachment/{row['sys_id']}").status_code == 204
    _error(call("GET", f"attachment/{row['sys_id']}/file"), 404)


@pytest.mark.parametrize(("touches", "updated_on"), [(True, "2024-03-01 12:00:10"), (False, "2024-03-01 12:00:00")])
def test_whether_an_upload_touches_the_ticket_is_a_switch(
    simulator: ServiceNowSimulator, clock: HandTurnedClock, touches: bool, updated_on: str
) -> None:
    sys_id = simulator.create("incident", short_description="x")["sys_id"]
    simulator.set_faults(attachment_touches_parent=touches)
    clock.now_s += 10
    simulator.attach(sys_id, "a.txt", b"a")
    row = simulator.get(sys_id)
    assert row is not None and row["sys_updated_on"] == updated_on


# --- who may what


def test_a_reader_may_not_write_and_only_an_administrator_deletes(
    call_as: Callable[[str], Caller], simulator: ServiceNowSimulator
) -> None:
    sys_id = simulator.create("incident", short_description="x")["sys_id"]
    path = f"table/incident/{sys_id}"
    assert call_as("viewer")("GET", path).status_code == 200
    assert "ACL" in _error(call_as("viewer")("PATCH", path, json={"state": "2"}), 403)["detail"]
    _error(call_as("viewer")("POST", "table/incident", json={}), 403)
    _error(call_as("casemirror")("DELETE", path), 403)
    assert call_as("admin")("DELETE", path).status_code == 204
    _error(call_as("admin")("GET", path), 404)


def test_what_a_user_may_not_see_does_not_exist_for_it(
    call_as: Callable[[str], Caller], simulator: ServiceNowSimulator
) -> None:
    """A hidden record answers 404; in a list it is left out after the limit was applied, so that pages may be short."""
    hidden = simulator.create("incident", short_description="hidden")["sys_id"]
    simulator.comment(hidden, "secret")
    own = simulator.create("incident", short_description="own", by="employee", comments="seen", work_notes="internal")[
        "sys_id"
    ]
    employee = call_as("employee")
    _error(employee("GET", f"table/incident/{hidden}"), 404)
    _error(employee("PATCH", f"table/incident/{hidden}", json={"state": "2"}), 404)
    answer = employee("GET", "table/incident", params={"sysparm_query": "ORDERBYnumber", "sysparm_limit": "1"})
    assert answer.json()["result"] == [] and answer.headers["X-Total-Count"] == "2"
    assert [row["sys_id"] for row in employee.found("table/incident")] == [own]
    assert [entry["value"] for entry in employee.found("table/sys_journal_field")] == ["seen"]
    _error(
        employee("GET", f"table/sn_si_incident/{simulator.create('sn_si_incident', short_description='s')['sys_id']}"),
        404,
    )


def test_oauth_grants_renews_and_expires(simulator: ServiceNowSimulator, clock: HandTurnedClock) -> None:
    client = {"client_id": "casemirror", "client_secret": "casemirror"}

    def token(**form: str) -> requests.Response:
        return requests.post(f"{simulator.url}/oauth_token.do", data=form, timeout=30)

    def status(access_token: str) -> int:
        headers = {"Authorization": f"Bearer {access_token}"}
        return requests.get(f"{simulator.url}/api/now/table/incident", headers=headers, timeout=30).status_code

    refused = token(
        client_id="casemirror", client_secret="wrong", grant_type="password", username="alice", password="alice"
    )
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert token(**client, grant_type="password", username="alice", password="wrong").status_code == 401
    granted = token(**client, grant_type="password", username="alice", password="alice").json()
    assert granted["expires_in"] == 1799 and status(granted["access_token"]) == 200
    clock.now_s += 1799
    assert status(granted["access_token"]) == 401
    renewed = token(**client, grant_type="refresh_token", refresh_token=granted["refresh_token"]).json()
    assert status(renewed["access_token"]) == 200
    assert token(**client, grant_type="refresh_token", refresh_token=granted["access_token"]).status_code == 401
    assert token(**client, grant_type="implicit").status_code == 400


# --- errors


def test_errors_have_the_documented_shape(
    call: Caller, call_as: Callable[[str], Caller], simulator: ServiceNowSimulator
) -> None:
    sys_id = simulator.create("incident", short_description="x")["sys_id"]
    json_type = {"Content-Type": "application/json"}
    assert _error(call("GET", "table/nonsense"), 400)["message"] == "Invalid table nonsense"
    _error(call("GET", "nonsense"), 400)
    _error(call("GET", "table/incident", params={"sysparm_offset": "-1"}), 400)
    _error(call("POST", "table/incident", data="{", headers=json_type), 400)
    _error(call("POST", "table/incident", data="5", headers=json_type), 400)
    unknown = call_as("nobody")("GET", "table/incident")
    assert _error(unknown, 401)["message"] == "User Not Authenticated" and "WWW-Authenticate" in unknown.headers
    assert _error(call("GET", f"table/incident/{'0' * 32}"), 404) == {
        "message": "No Record found",
        "detail": "Record doesn't exist or ACL restricts the record retrieval",
    }
    _error(call("DELETE", "table/incident"), 405)
    _error(call("POST", f"table/incident/{sys_id}"), 405)
    _error(call("GET", "table/incident", headers={"Accept": "application/xml"}), 406)
    _error(call("POST", "table/incident", data="<x/>", headers={"Content-Type": "application/xml"}), 415)


def test_a_list_of_records_counts_as_its_first(call: Caller, simulator: ServiceNowSimulator) -> None:
    """KB0534905: multi-record writes are not supported."""
    assert (
        call(
            "POST", "table/incident", json=[{"short_description": "first"}, {"short_description": "second"}]
        ).status_code
        == 201
    )
    assert [row["short_description"] for row in call.found("table/incident")] == ["first"]


# --- faults


def test_a_rate_limit_refuses_until_its_window_ends(
    call_as: Callable[[str], Caller], simulator: ServiceNowSimulator, clock: HandTurnedClock
) -> None:
    """ServiceNow docs "Inbound REST API rate limiting"; rules count each user for itself."""
    clock.now_s += 12.5
    simulator.set_faults(rate_limit={"limit": 2, "window_s": 60})
    call = call_as("casemirror")
    assert [call("GET", "table/incident").status_code for _ in range(2)] == [200, 200]
    refused = call("GET", "table/incident")
    assert _error(refused, 429) == {
        "message": "Rate limit exceeded",
        "detail": "Rate limit of 2 requests per hour for Table API exceeded",
    }
    assert (refused.headers["Retry-After"], refused.headers["X-RateLimit-Limit"]) == ("48", "2")
    assert (
        refused.headers["X-RateLimit-Reset"] == str(int(NOON_S) + 60) and len(refused.headers["X-RateLimit-Rule"]) == 32
    )
    assert call_as("alice")("GET", "table/incident").status_code == 200
    clock.now_s += float(refused.headers["Retry-After"])
    assert call("GET", "table/incident").status_code == 200


def test_a_late_index_hides_changes_from_lists_only(
    call: Caller, simulator: ServiceNowSimulator, clock: HandTurnedClock
) -> None:
    sys_id = simulator.create("incident", short_description="x")["sys_id"]
    simulator.set_faults(late_index_s=30)
    clock.now_s += 40
    simulator.update(sys_id, short_description="y")
    simulator.comment(sys_id, "new")
    since = "sys_updated_on>2024-03-01 12:00:00"
    assert call("GET", f"table/incident/{sys_id}").json()["result"]["short_description"] == "y"
    assert call.found("table/incident", since) == [] and call.found("table/sys_journal_field") == []
    assert [row["short_description"] for row in call.found("table/incident")] == ["x"]
    clock.now_s += 30
    assert [row["short_description"] for row in call.found("table/incident", since)] == ["y"]
    assert [entry["value"] for entry in call.found("table/sys_journal_field")] == ["new"]
    simulator.delete(sys_id)
    assert len(call.found("table/incident")) == 1
    simulator.set_faults(late_index_s=0)
    assert call.found("table/incident") == []


def test_a_failure_before_does_nothing_and_a_failure_after_has_done_it(
    call: Caller, simulator: ServiceNowSimulator
) -> None:
    sys_id = simulator.create("incident", short_description="x")["sys_id"]
    simulator.set_faults(fail_next=1)
    _error(call("PATCH", f"table/incident/{sys_id}", json={"comments": "before"}), 500)
    assert simulator.comments(sys_id) == []
    simulator.set_faults(fail_after_write=1)
    assert call("GET", f"table/incident/{sys_id}").status_code == 200
    _error(call("PATCH", f"table/incident/{sys_id}", json={"comments": "after"}), 500)
    assert [entry["value"] for entry in simulator.comments(sys_id)] == ["after"]
    assert call("PATCH", f"table/incident/{sys_id}", json={"comments": "after"}).status_code == 200
    assert simulator.state()["doubled"] == 1


def test_failures_at_a_rate_repeat_with_the_seed() -> None:
    def statuses(seed: int) -> list[int]:
        with ServiceNowSimulator(seed=seed, fault_values={"fail_rate": 0.5, "fail_after_write_rate": 0.5}) as simulator:
            call = Caller(simulator, "casemirror")
            found = [call("POST", "table/incident", json={}).status_code for _ in range(20)]
            call.session.close()
            return found

    first = statuses(1)
    assert set(first) == {201, 500} and statuses(1) == first and statuses(2) != first


def test_a_slow_server_answers_after_the_callers_patience_and_still_stops(simulator: ServiceNowSimulator) -> None:
    simulator.set_faults(slow_s=3600)
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{simulator.url}/api/now/table/incident", auth=("alice", "alice"), timeout=0.2)


def test_a_server_in_the_wrong_zone_stamps_its_local_time(call: Caller, simulator: ServiceNowSimulator) -> None:
    simulator.set_faults(time_zone="Asia/Tokyo")
    created = call("POST", "table/incident", json={}).json()["result"]
    assert created["sys_created_on"] == "2024-03-01 21:00:00"


def test_an_html_page_answers_everything(call: Caller, simulator: ServiceNowSimulator) -> None:
    simulator.set_faults(html=True)
    answer = call("GET", "table/incident")
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html")
    assert "Instance Hibernating page" in answer.text


def test_a_server_that_is_down_closes_connections_until_it_is_up_again(
    call: Caller, simulator: ServiceNowSimulator
) -> None:
    assert call("GET", "table/incident").status_code == 200
    requests.put(f"{simulator.url}/_simulator/faults", json={"down": True}, timeout=30)
    for body in (None, {"short_description": "x"}):
        with pytest.raises(requests.ConnectionError):
            call("POST" if body else "GET", "table/incident", json=body)
    requests.put(f"{simulator.url}/_simulator/faults", json={"down": False}, timeout=30)
    assert call.found("table/incident") == []
    assert simulator.state()["answers"] == {"200": 2, "closed": 2}


def test_an_invalid_query_returns_everything_or_nothing_as_the_property_says(
    call: Caller, simulator: ServiceNowSimulator
) -> None:
    simulator.create("incident", short_description="x")
    assert len(call.found("table/incident", "nonsense=1")) == 1
    simulator.set_faults(invalid_query_returns_no_rows=True)
    assert call.found("table/incident", "nonsense=1") == []


# --- controls, memory, process


def test_the_controls_tell_change_and_reset(call: Caller, simulator: ServiceNowSimulator) -> None:
    control = f"{simulator.url}/_simulator"
    sys_id = call("POST", "table/incident", json={"short_description": "x", "comments": "c"}).json()["result"]["sys_id"]
    state = requests.get(f"{control}/state", params={"tickets": "true"}, timeout=30).json()
    assert state["requests"] == {"POST incident": 1} and state["tables"] == {"incident": 1}
    assert (state["comments"], state["work_notes"], state["attachments"], state["doubled"]) == (1, 0, 0, 0)
    assert state["tickets"][sys_id]["comments"] == 1
    assert requests.put(f"{control}/faults", json={"late_index_s": 2}, timeout=30).json()["late_index_s"] == 2
    mistakes: list[Any] = [
        {"nonsense": 1},
        {"down": "yes"},
        {"slow_s": -1},
        {"rate_limit": 5},
        {"time_zone": "Mars/Olympus"},
        [],
    ]
    for wrong in mistakes:
        answer = requests.put(f"{control}/faults", json=wrong, timeout=30)
        assert answer.status_code == 400 and answer.json()["error"]
    assert requests.get(f"{control}/faults", timeout=30).json()["late_index_s"] == 2
    reset = requests.post(f"{control}/reset", timeout=30).json()
    assert reset["tables"] == {} and reset["requests"] == {}
    assert requests.get(f"{control}/faults", timeout=30).json()["late_index_s"] == 0
    assert call("POST", "table/incident", json={}).json()["result"]["number"] == "INC0010001"


def test_the_controls_answer_this_machine_only() -> None:
    """Seen through the application: a connection from elsewhere cannot be had here."""
    box = FaultBox(Faults(), None)
    app = App(Instance(users=DEFAULT_USERS, rows={}, box=box, clock=lambda: NOON_S), {})
    sent: list[Any] = []
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/_simulator/reset",
        "query_string": b"",
        "headers": [],
        "client": ("192.0.2.1", 9),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    assert sent[0]["status"] == 403


def test_a_simulator_with_a_file_survives_a_restart(tmp_path: Path) -> None:
    """Tickets, journal, attachments, numbers and deletions; the second start seeds nothing again."""
    data = tmp_path / "instance.db"
    rows = {"incident": [{"short_description": "seed", "sys_id": "a" * 32, "comments": "seeded"}]}
    with ServiceNowSimulator(data=data, rows=rows) as simulator:
        kept = simulator.create("incident", short_description="kept")
        gone = simulator.create("incident", short_description="gone")
        simulator.comment(kept["sys_id"], "hello")
        file_id = simulator.attach(kept["sys_id"], "a.txt", b"bytes")["sys_id"]
        simulator.delete(gone["sys_id"])
    with ServiceNowSimulator(data=data, rows=rows) as simulator:
        again = simulator.get(kept["sys_id"])
        assert again is not None and again["number"] == "INC0010002"
        assert simulator.get(gone["sys_id"]) is None
        assert [entry["value"] for entry in simulator.comments(kept["sys_id"]) + simulator.comments("a" * 32)] == [
            "hello",
            "seeded",
        ]
        assert simulator.file(file_id) == b"bytes"
        assert simulator.create("incident", short_description="next")["number"] == "INC0010004"
        caller = Caller(simulator, "casemirror")
        found = caller.found("table/incident", "ORDERBYnumber")
        caller.session.close()
    assert [row["short_description"] for row in found] == ["seed", "kept", "next"]


def test_a_stopped_simulator_starts_again_at_its_address(simulator: ServiceNowSimulator) -> None:
    sys_id = simulator.create("incident", short_description="x")["sys_id"]
    url = simulator.url
    simulator.stop()
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=30)
    simulator.start()
    assert simulator.url == url
    answer = requests.get(f"{url}/api/now/table/incident/{sys_id}", auth=("alice", "alice"), timeout=30)
    assert answer.json()["result"]["short_description"] == "x"


def test_users_are_as_given() -> None:
    with ServiceNowSimulator(users=[User(user_name="jo", password="secret", roles=("itil",), name="Jo")]) as simulator:
        statuses = [
            requests.get(f"{simulator.url}/api/now/table/sys_user", auth=auth, timeout=30).status_code
            for auth in (("jo", "secret"), ("admin", "admin"))
        ]
    assert statuses == [200, 401]


def test_it_runs_as_a_process_of_its_own() -> None:
    command = [
        sys.executable,
        "-m",
        "casemirror.simulators.servicenow",
        "--port",
        "0",
        "--tickets",
        "2",
        "--fault",
        "late_index_s=0.5",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        faults = requests.get(f"{url}/_simulator/faults", timeout=30).json()
        state = requests.get(f"{url}/_simulator/state", timeout=30).json()
        process.terminate()
    assert faults["late_index_s"] == 0.5 and state["tables"] == {"incident": 2}
    wrong = subprocess.run(
        [*command[:3], "--fault", "nonsense=1"], capture_output=True, text=True, timeout=60, check=False
    )
    assert wrong.returncode == 2 and "there is no fault 'nonsense'" in wrong.stderr
