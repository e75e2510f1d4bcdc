"""OAuth of ServiceNow: login, renewal, refusals, against a server on 127.0.0.1."""

from urllib.parse import parse_qs

import CommonServerPython as csp
import pytest
from ServiceNowApiModule import ServiceNowClient


@pytest.fixture
def client(remote):
    return ServiceNowClient(
        credentials={"identifier": "", "password": ""},
        use_oauth=True,
        client_id="cid",
        client_secret="cs",
        url=remote.url,
        verify=False,
        proxy=None,
        headers={"Content-Type": "application/json"},
    )


@pytest.fixture
def clock(monkeypatch):
    """A hand-turned clock."""
    now = [1_700_000_000.0]
    monkeypatch.setattr("time.time", lambda: now[0])
    return now


def _tokens(number, **more):
    return {"access_token": f"a{number}", "refresh_token": f"r{number}", "expires_in": 1799, **more}


def _form(asked):
    return {name: values[0] for name, values in parse_qs(asked["body"]).items()}


def test_star_import_brings_the_client_only():
    """It must not hide names of the integration, which stands before it."""
    found = {}
    exec("from ServiceNowApiModule import *", found)
    assert set(found) - {"__builtins__"} == {"ServiceNowClient"}


def test_login_keeps_tokens_and_neither_name_nor_password(client, remote, host):
    """POST oauth_token.do as a form; what else the instance keeps stays."""
    host.stored = {"other": 1}
    remote.answer(200, _tokens(1))
    client.login("bob", "pw&")
    (asked,) = remote.asked
    assert (asked["method"], asked["path"]) == ("POST", "/oauth_token.do")
    assert asked["headers"]["Content-Type"] == "application/x-www-form-urlencoded"
    assert _form(asked) == {
        "client_id": "cid",
        "client_secret": "cs",
        "grant_type": "password",
        "username": "bob",
        "password": "pw&",
    }
    assert (host.stored["other"], host.stored["access_token"], host.stored["refresh_token"]) == (1, "a1", "r1")
    assert "pw&" not in str(host.stored)


def test_token_is_used_until_it_ends_and_then_renewed(client, remote, host, clock):
    """expires_in is in seconds; a refresh without a new refresh token keeps the old one."""
    remote.answers = [(200, _tokens(1)), (200, {"access_token": "a2", "expires_in": 1799})]
    client.login("bob", "pw")
    clock[0] += 1700
    assert client.get_access_token() == "a1"
    assert len(remote.asked) == 1
    clock[0] += 95
    assert client.get_access_token() == "a2"
    assert _form(remote.asked[1]) == {
        "client_id": "cid",
        "client_secret": "cs",
        "grant_type": "refresh_token",
        "refresh_token": "r1",
    }
    assert host.stored["refresh_token"] == "r1"
    assert client.get_access_token() == "a2"
    assert len(remote.asked) == 2


def test_without_login_there_is_no_token(client):
    """The text says what to do."""
    with pytest.raises(csp.DemistoException, match="servicenow-oauth-login"):
        client.get_access_token()


@pytest.mark.parametrize(
    ("status", "answer", "text"),
    [
        (401, {"error": "access_denied", "error_description": "expired"}, "access_denied - expired"),
        (400, {"error": "invalid_grant"}, "invalid_grant"),
        (200, {}, "no reason given"),
        (500, {"error": "x"}, r"Error in API call \[500\]"),
    ],
)
def test_refusal_is_told(client, remote, host, status, answer, text):
    """ServiceNow's own words, and no token is kept."""
    remote.answer(status, answer)
    with pytest.raises(csp.DemistoException, match=text):
        client.login("bob", "wrong")
    assert not host.stored.get("access_token")


def test_failed_login_ends_the_session_of_the_user_before(client, remote):
    """Otherwise the commands would go on as somebody else."""
    remote.answers = [(200, _tokens(1)), (401, {"error": "access_denied"})]
    client.login("bob", "pw")
    with pytest.raises(csp.DemistoException):
        client.login("eve", "wrong")
    with pytest.raises(csp.DemistoException, match="servicenow-oauth-login"):
        client.get_access_token()


@pytest.mark.parametrize(("use_oauth", "expected"), [(True, "Bearer a1"), (False, "Basic Ym9iOnB3")])
def test_requests_are_authorised(remote, host, use_oauth, expected):
    """By the token, or by name and password."""
    host.stored = {"access_token": "a1", "refresh_token": "r1", "expiry_time": 4_000_000_000}
    remote.answer(200, {"result": []})
    client = ServiceNowClient({"identifier": "bob", "password": "pw"}, use_oauth=use_oauth, url=remote.url)
    assert client.http_request("GET", "api/now/table/incident", params={"sysparm_limit": 1}) == {"result": []}
    (asked,) = remote.asked
    assert asked["path"] == "/api/now/table/incident?sysparm_limit=1"
    assert asked["headers"]["Authorization"] == expected
