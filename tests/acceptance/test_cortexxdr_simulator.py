"""The Cortex XDR simulator seen from outside: an independent client from PyPI, plain HTTP for the rest, and every fault."""

from __future__ import annotations

import hashlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from cortex_xdr_client.api.authentication import Authentication, AuthenticationType
from cortex_xdr_client.api.models.incidents import IncidentStatus
from cortex_xdr_client.client import CortexXDRClient

from casemirror.simulators.cortexxdr import CortexXdrSimulator, Key
from support import certificates

NOON_S = datetime(2024, 3, 1, 12, tzinfo=UTC).timestamp()
NOON_MS = int(NOON_S * 1000)
HOST = "api-xdr.test"


class HandTurnedClock:
    def __init__(self) -> None:
        self.now_s = NOON_S

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> HandTurnedClock:
    return HandTurnedClock()


@pytest.fixture
def xdr(clock: HandTurnedClock) -> Iterator[CortexXdrSimulator]:
    with CortexXdrSimulator(clock=clock, seed=7) as running:
        yield running


def signed(key_id: str = "1", key: str = "casemirror", off_s: float = 0.0) -> dict[str, str]:
    """Headers of an advanced key, as the vendor's example makes them."""
    stamp, nonce = str(int(time.time() + off_s) * 1000), "n" * 64
    hashed = hashlib.sha256(f"{key}{nonce}{stamp}".encode()).hexdigest()
    return {"x-xdr-auth-id": key_id, "x-xdr-nonce": nonce, "x-xdr-timestamp": stamp, "Authorization": hashed}


def post(
    xdr: CortexXdrSimulator, call: str, asked: Any = None, headers: dict[str, str] | None = None
) -> requests.Response:
    return requests.post(
        f"{xdr.url}/public_api/v1/incidents/{call}/",
        json={"request_data": asked or {}},
        headers=signed() if headers is None else headers,
        timeout=30,
    )


def reply(xdr: CortexXdrSimulator, call: str, **asked: Any) -> Any:
    answer = post(xdr, call, asked)
    assert answer.status_code == 200, answer.text
    return answer.json()["reply"]


def found(xdr: CortexXdrSimulator, **asked: Any) -> list[str]:
    return [each["incident_id"] for each in reply(xdr, "get_incidents", **asked)["incidents"]]


def refusal(answer: requests.Response, status: int) -> str:
    """err_msg and err_extra of the documented error envelope."""
    assert answer.status_code == status, answer.text
    body = answer.json()["reply"]
    assert body.keys() == {"err_code", "err_msg", "err_extra"} and body["err_code"] == status
    return f"{body['err_msg']}: {body['err_extra']}"


# --- an independent client


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CortexXdrSimulator]:
    """Under the kind of name that the client insists on, over https."""
    certfile, keyfile = certificates.make(tmp_path, HOST)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certfile))
    resolve = socket.getaddrinfo

    def to_here(host: str, *rest: Any, **further: Any) -> Any:
        return resolve("127.0.0.1" if host == HOST else host, *rest, **further)

    monkeypatch.setattr(socket, "getaddrinfo", to_here)
    with CortexXdrSimulator(certfile=certfile, keyfile=keyfile) as running:
        yield running


def client_of(served: CortexXdrSimulator, kind: AuthenticationType) -> CortexXDRClient:
    key_id = 1 if kind is AuthenticationType.ADVANCED else 2
    return CortexXDRClient(Authentication("casemirror", key_id, kind), f"{HOST}:{served.port}")


@pytest.mark.parametrize("kind", AuthenticationType)
def test_an_independent_client_lists_filters_and_sorts(served: CortexXdrSimulator, kind: AuthenticationType) -> None:
    """cortex-xdr-client checks every answer against its own models."""
    first, second = served.create("Malware on host-1"), served.create("Port scan", alerts=[{"severity": "low"}])
    served.close(second, "resolved_false_positive", "a scanner of ours")
    incidents = client_of(served, kind).incidents_api
    listed = incidents.get_incidents(sort={"field": "creation_time", "keyword": "asc"})
    assert listed is not None and (listed.reply.total_count, listed.reply.result_count) == (2, 2)
    one, other = listed.reply.incidents
    assert (one.incident_id, one.status, one.severity, one.alert_count) == (first, IncidentStatus.NEW, "medium", 1)
    assert (other.resolve_comment, other.low_severity_alert_count) == ("a scanner of ours", 1)
    for asked in (
        {"incident_id_list": [second]},
        {"description": "port", "description_contains": True},
        {"status": IncidentStatus.RESOLVED_FALSE_POSITIVE},
        {"modification_time": other.modification_time, "after_modification": True, "incident_id_list": [second]},
    ):
        answer = incidents.get_incidents(**asked)
        assert answer is not None and [each.incident_id for each in answer.reply.incidents] == [second]


def test_an_independent_client_reads_alerts_and_writes(served: CortexXdrSimulator) -> None:
    incident = served.create("Malware", alerts=[{"name": "A"}, {"name": "B", "severity": "high"}])
    incidents = client_of(served, AuthenticationType.ADVANCED).incidents_api
    told = incidents.update_incident(
        incident_id=incident,
        update_data={
            "status": "resolved_known_issue",
            "resolve_comment": "known",
            "assigned_user_mail": "bob@example.com",
            "manual_severity": "low",
            "comment": {"comment_action": "add", "value": "Looked into it"},
        },
    )
    assert told == {"reply": True}
    extra = incidents.get_incident_extra_data(incident, alerts_limit=1)
    assert extra is not None
    now = extra.reply.incident
    assert (now.status, now.resolve_comment) == (IncidentStatus.RESOLVED_KNOWN_ISSUE, "known")
    assert (now.assigned_user_mail, now.assigned_user_pretty_name) == ("bob@example.com", "Bob Builder")
    assert (now.severity, now.manual_severity) == ("high", "low")
    assert (extra.reply.alerts.total_count, [each.name for each in extra.reply.alerts.data]) == (2, ["A"])
    assert served.comments(incident) == ["Looked into it"]
    with pytest.raises(requests.HTTPError, match="500"):
        incidents.update_incident(incident_id="99", update_data={"status": "new"})


# --- who asks


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(key_id="9"),
        signed(key="wrong"),
        signed(off_s=-400),
        signed() | {"x-xdr-timestamp": "soon"},
        {"x-xdr-auth-id": "1", "Authorization": "casemirror"},
        {"x-xdr-auth-id": "2", "Authorization": "wrong"},
    ],
    ids=["nothing", "unknown id", "wrong key", "late", "no time", "advanced as standard", "standard, wrong"],
)
def test_who_proves_no_key_is_refused(xdr: CortexXdrSimulator, headers: dict[str, str]) -> None:
    assert "API request Unauthorized" in refusal(post(xdr, "get_incidents", headers=headers), 401)


def test_a_nonce_may_come_again_and_a_standard_key_is_the_key_itself(xdr: CortexXdrSimulator) -> None:
    headers = signed()
    for each in (headers, headers, {"x-xdr-auth-id": "2", "Authorization": "casemirror"}):
        assert post(xdr, "get_incidents", headers=each).status_code == 200


def test_rights_and_licence(xdr: CortexXdrSimulator) -> None:
    incident = xdr.create()
    viewer = signed("3", "viewer")
    assert post(xdr, "get_incidents", headers=viewer).status_code == 200
    asked = {"incident_id": incident, "update_data": {"status": "resolved_other"}}
    assert "permissions" in refusal(post(xdr, "update_incident", asked, viewer), 403)
    assert xdr.get(incident)["status"] == "new"
    xdr.set_faults(no_licence=True)
    assert "license" in refusal(post(xdr, "get_incidents"), 402)


# --- searching


def test_every_filter_must_match(xdr: CortexXdrSimulator, clock: HandTurnedClock) -> None:
    one = xdr.create("Malware on host-1", alerts=[{"source": "XDR Agent"}])
    clock.now_s += 10
    two = xdr.create("Port scan", alerts=[{"source": "PAN NGFW"}])
    xdr.set(two, starred=True)
    clock.now_s += 10
    xdr.update(one, status="under_investigation")

    def by(*filters: tuple[str, str, Any]) -> list[str]:
        asked = [{"field": f, "operator": o, "value": v} for f, o, v in filters]
        return found(xdr, filters=asked, sort={"field": "creation_time", "keyword": "asc"})

    assert by() == [one, two]
    assert by(("creation_time", "gte", NOON_MS + 1)) == by(("creation_time", "gte", NOON_MS + 10_000)) == [two]
    assert by(("modification_time", "gte", NOON_MS + 20_000)) == by(("creation_time", "lte", NOON_MS)) == [one]
    assert by(("alert_sources", "in", ["PAN NGFW", "x"])) == by(("starred", "eq", True)) == [two]
    assert by(("status", "eq", "new")) == by(("status", "neq", "under_investigation")) == [two]
    assert by(("description", "in", ["Port scan"])) == by(("description", "contains", "SCAN")) == [two]
    assert by(("incident_id_list", "in", [one, two, "7"]), ("status", "eq", "new")) == [two]


def test_pages_of_at_most_a_hundred(xdr: CortexXdrSimulator, clock: HandTurnedClock) -> None:
    made = []
    for _ in range(103):
        made.append(xdr.create())
        clock.now_s += 1
    oldest_first = {"field": "modification_time", "keyword": "asc"}
    assert found(xdr, sort=oldest_first) == made[:100]
    assert found(xdr, sort=oldest_first, search_from=100, search_to=200) == made[100:]
    assert found(xdr) == made[:2:-1]
    page = reply(xdr, "get_incidents", search_from=1, search_to=3)
    assert (page["total_count"], page["result_count"]) == (103, 2)


@pytest.mark.parametrize(
    "asked",
    [
        {"search_from": 0, "search_to": 101},
        {"search_from": 5, "search_to": 5},
        {"search_from": -1},
        {"filters": {}},
        {"filters": [{"field": "status", "operator": "eq"}]},
        {"filters": [{"field": "colour", "operator": "eq", "value": "red"}]},
        {"filters": [{"field": "creation_time", "operator": "eq", "value": 1}]},
        {"filters": [{"field": "creation_time", "operator": "gte", "value": "2024-01-01"}]},
        {"filters": [{"field": "incident_id_list", "operator": "in", "value": [1]}]},
        {"sort": {"field": "status"}},
        {"sort": {"field": "creation_time", "keyword": "up"}},
    ],
)
def test_a_wrong_search_is_refused(xdr: CortexXdrSimulator, asked: dict[str, Any]) -> None:
    assert "public API" in refusal(post(xdr, "get_incidents", asked), 500)


def test_a_body_that_is_no_request_is_refused(xdr: CortexXdrSimulator) -> None:
    url = f"{xdr.url}/public_api/v1/incidents/get_incidents"
    assert requests.post(url, data=b"{", headers=signed(), timeout=30).status_code == 400
    assert requests.post(url, json=[1], headers=signed(), timeout=30).status_code == 500
    assert requests.post(url, headers=signed(), timeout=30).status_code == 200
    assert requests.get(url, headers=signed(), timeout=30).status_code == 405
    assert post(xdr, "delete_incident").status_code == 404


# --- changing


def test_modification_time_moves_with_every_change(xdr: CortexXdrSimulator, clock: HandTurnedClock) -> None:
    """In milliseconds; creation_time stays."""
    incident = xdr.create()
    for change in (
        lambda: xdr.update(incident, status="under_investigation"),
        lambda: xdr.comment(incident, "hm"),
        lambda: xdr.alert(incident, severity="critical"),
        lambda: xdr.set(incident, starred=True),
        lambda: xdr.update(incident, status="under_investigation"),
    ):
        before = xdr.get(incident)
        clock.now_s += 0.25
        change()
        after = xdr.get(incident)
        assert after["modification_time"] == before["modification_time"] + 250
        assert after["creation_time"] == NOON_MS
    assert (after["severity"], after["alert_count"], after["critical_severity_alert_count"]) == ("critical", 2, 1)
    xdr.set_faults(idle_write_touches=False)
    clock.now_s += 1
    assert xdr.update(incident, status="under_investigation") == after


def test_what_takes_a_value_away(xdr: CortexXdrSimulator) -> None:
    incident = xdr.create()
    for nothing in (None, "", "none"):
        xdr.update(incident, assigned_user_mail="alice@example.com", manual_severity="HIGH")
        reply(
            xdr,
            "update_incident",
            incident_id=incident,
            update_data={"assigned_user_mail": nothing, "manual_severity": nothing},
        )
        now = xdr.get(incident)
        assert (now["assigned_user_mail"], now["assigned_user_pretty_name"], now["manual_severity"]) == (None,) * 3


@pytest.mark.parametrize(
    "values",
    [
        {"assigned_user_mail": "mallory@example.com"},
        {"assigned_user_pretty_name": "Alice"},
        {"manual_severity": "critical"},
        {"status": "closed"},
        {"resolve_comment": "done"},
        {"comment": "hm"},
        {"comment": {"comment_action": "remove", "value": "hm"}},
        {"description": "other"},
    ],
    ids=lambda values: " ".join(values),
)
def test_a_wrong_change_is_refused_and_changes_nothing(xdr: CortexXdrSimulator, values: dict[str, Any]) -> None:
    incident = xdr.create()
    before = xdr.get(incident)
    asked = {"incident_id": incident, "update_data": values | {"manual_severity": values.get("manual_severity", "low")}}
    assert "public API" in refusal(post(xdr, "update_incident", asked), 500)
    assert xdr.get(incident) == before


def test_an_incident_closes_and_opens(xdr: CortexXdrSimulator) -> None:
    incident = xdr.create()
    xdr.close(incident, "RESOLVED_OTHER", "gone")
    closed = xdr.get(incident)
    assert (closed["status"], closed["resolve_comment"]) == ("resolved_other", "gone")
    assert closed["resolved_timestamp"] == NOON_MS
    xdr.reopen(incident)
    assert (xdr.get(incident)["status"], xdr.get(incident)["resolved_timestamp"]) == ("under_investigation", None)
    xdr.delete(incident)
    assert found(xdr) == []
    assert "not found" in refusal(post(xdr, "get_incident_extra_data", {"incident_id": incident}), 500)


# --- limits and faults


@pytest.mark.parametrize("status", [429, 500])
def test_ten_times_a_minute_and_no_more(xdr: CortexXdrSimulator, clock: HandTurnedClock, status: int) -> None:
    """For each key; only of the call that documents it."""
    xdr.set_faults(rate_limit_status=status)
    incident = xdr.create()
    asked = {"incident_id": incident}
    for _ in range(10):
        assert post(xdr, "get_incident_extra_data", asked).status_code == 200
        clock.now_s += 1
    assert "Rate limit exceeded" in refusal(post(xdr, "get_incident_extra_data", asked), status)
    assert post(xdr, "get_incident_extra_data", asked, signed("3", "viewer")).status_code == 200
    assert found(xdr) == [incident]
    clock.now_s += 50
    assert post(xdr, "get_incident_extra_data", asked).status_code == 200
    assert post(xdr, "get_incident_extra_data", asked).status_code == status
    xdr.set_faults(rate_limit=None)
    assert post(xdr, "get_incident_extra_data", asked).status_code == 200


def test_faults_strike(xdr: CortexXdrSimulator, clock: HandTurnedClock) -> None:
    incident = xdr.create()
    closing = {"incident_id": incident, "update_data": {"status": "resolved_other"}}
    xdr.set_faults(refuse_rate=1.0, retry_after_s=3.0)
    refused = post(xdr, "get_incidents")
    assert "Rate limit exceeded" in refusal(refused, 429) and refused.headers["Retry-After"] == "3"
    xdr.set_faults(refuse_rate=0.0, fail_next=1)
    assert "fault injection" in refusal(post(xdr, "update_incident", closing), 500)
    assert xdr.get(incident)["status"] == "new"
    xdr.set_faults(fail_after_write=1)
    assert "fault injection" in refusal(post(xdr, "update_incident", closing), 500)
    assert xdr.get(incident)["status"] == "resolved_other"
    xdr.set_faults(html=True)
    assert post(xdr, "get_incidents").text.startswith("<!DOCTYPE html>")
    xdr.set_faults(html=False, down=True)
    with pytest.raises(requests.ConnectionError):
        post(xdr, "get_incidents")
    xdr.set_faults(down=False, disorder_rate=1.0)
    assert found(xdr) == [incident, incident]
    xdr.set_faults(disorder_rate=0.0, clock_off_s=400.0)
    assert post(xdr, "get_incidents").status_code == 401
    xdr.clear_faults()
    assert found(xdr) == [incident]


def test_searches_may_be_late_and_reading_is_not(xdr: CortexXdrSimulator, clock: HandTurnedClock) -> None:
    xdr.set_faults(late_index_s=5.0)
    incident = xdr.create()
    assert found(xdr) == []
    assert reply(xdr, "get_incident_extra_data", incident_id=incident)["incident"]["incident_id"] == incident
    clock.now_s += 5
    assert found(xdr) == [incident]
    xdr.delete(incident)
    assert found(xdr) == [incident]
    clock.now_s += 5
    assert found(xdr) == []


@pytest.mark.parametrize(
    ("name", "value"), [("rate_limit_status", 418), ("rate_limit", 5), ("no_licence", 1), ("nonsense", 1)]
)
def test_a_wrong_switch_is_refused(xdr: CortexXdrSimulator, name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        xdr.set_faults(**{name: value})


def test_the_control_interface_tells_and_turns(xdr: CortexXdrSimulator) -> None:
    incident = xdr.create()
    xdr.comment(incident, "twice")
    xdr.comment(incident, "twice")
    found(xdr)
    base = f"{xdr.url}/_simulator"
    state = requests.get(f"{base}/state", params={"tickets": "true"}, timeout=30).json()
    assert state == json.loads(json.dumps(xdr.state()))
    assert (state["incidents"], state["comments"], state["doubled"]) == (1, 2, 1)
    assert state["requests"] == {"get_incidents": 1} and state["answers"] == {"200": 1}
    writes = requests.get(f"{base}/writes", timeout=30).json()
    assert [(each["verb"], each["by"]) for each in writes] == [
        ("create", ""),
        ("update", "alice@example.com"),
        ("update", "alice@example.com"),
    ]
    changed = requests.put(f"{base}/faults", json={"rate_limit": {"limit": 3, "window_s": 5}}, timeout=30).json()
    assert changed["rate_limit"] == {"limit": 3, "window_s": 5.0}
    assert requests.put(f"{base}/faults", json={"nonsense": 1}, timeout=30).status_code == 400
    assert requests.post(f"{base}/reset", timeout=30).json()["incidents"] == 0
    assert xdr.faults.rate_limit is not None and xdr.faults.rate_limit.limit == 10


def test_keys_and_first_incidents_are_as_given() -> None:
    key = Key(id="5", key="secret", advanced=False)
    with CortexXdrSimulator(keys=[key], first=[{"description": "there from the start", "alerts": []}]) as xdr:
        headers = {"x-xdr-auth-id": "5", "Authorization": "secret"}
        (incident,) = post(xdr, "get_incidents", headers=headers).json()["reply"]["incidents"]
        assert (incident["description"], incident["alert_count"]) == ("there from the start", 0)
        assert post(xdr, "get_incidents").status_code == 401


def test_it_runs_as_a_process_of_its_own() -> None:
    command = [sys.executable, "-m", "casemirror.simulators.cortexxdr", "--port", "0", "--incidents", "2"]
    with subprocess.Popen([*command, "--fault", "late_index_s=0.5"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        url = line.split()[-1]
        faults = requests.get(f"{url}/_simulator/faults", timeout=30).json()
        state = requests.get(f"{url}/_simulator/state", timeout=30).json()
        process.terminate()
    assert line.startswith("Cortex XDR simulator on http://127.0.0.1:")
    assert faults["late_index_s"] == 0.5 and state["incidents"] == 2
    wrong = subprocess.run(
        [*command[:3], "--fault", "nonsense=1"], capture_output=True, text=True, timeout=60, check=False
    )
    assert wrong.returncode == 2 and "there is no fault 'nonsense'" in wrong.stderr
