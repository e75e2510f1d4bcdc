"""BaseClient and the proxy settings, against a server on 127.0.0.1."""

import os
import socket
import ssl

import CommonServerPython as csp
import pytest
import requests


@pytest.mark.parametrize(
    ("resp_type", "body", "expected"),
    [
        ("json", {"a": 1}, {"a": 1}),
        ("JSON", [1], [1]),
        ("text", b"plain", "plain"),
        ("content", b"\x00\xff", b"\x00\xff"),
    ],
)
def test_answer_comes_as_asked_for(remote, resp_type, body, expected):
    """Data, text, bytes."""
    remote.answer(200, body)
    assert csp.BaseClient(remote.url)._http_request("GET", "/x", resp_type=resp_type) == expected


@pytest.mark.parametrize("resp_type", ["response", "xml"])
def test_answer_as_the_response(remote, resp_type):
    """XML is only checked."""
    remote.answer(200, b"<a/>")
    assert csp.BaseClient(remote.url)._http_request("GET", resp_type=resp_type).text == "<a/>"


@pytest.mark.parametrize("resp_type", ["json", "xml"])
def test_answer_that_cannot_be_read(remote, resp_type):
    """DemistoException with the response at hand."""
    remote.answer(200, b"neither")
    with pytest.raises(
        csp.DemistoException, match=f"Failed to parse {resp_type} object from response: b'neither'"
    ) as failure:
        csp.BaseClient(remote.url)._http_request("GET", resp_type=resp_type)
    assert failure.value.res.status_code == 200


def test_request_carries_what_was_given(remote):
    """The call's own headers and auth go before the client's."""
    remote.answers = [(200, {}), (200, {})]
    client = csp.BaseClient(f"{remote.url}/api/", headers={"X-A": "client"}, auth=("bob", "pw"))
    client._http_request("POST", "/v1", json_data={"k": 1}, params={"q": "1"})
    client._http_request("PUT", full_url=f"{remote.url}/else", headers={"X-A": "call"}, auth=("eve", "pw"), data="raw")
    first, second = remote.asked
    assert (first["method"], first["path"], first["body"]) == ("POST", "/api/v1?q=1", '{"k": 1}')
    assert (first["headers"]["X-A"], first["headers"]["Authorization"]) == ("client", "Basic Ym9iOnB3")
    assert (second["method"], second["path"], second["body"]) == ("PUT", "/else", "raw")
    assert (second["headers"]["X-A"], second["headers"]["Authorization"]) == ("call", "Basic ZXZlOnB3")


@pytest.mark.parametrize(
    ("status", "body", "text"),
    [
        (404, {"error": "gone"}, 'Error in API call [404] - Not Found\n{"error": "gone"}'),
        (500, b"<html>", "Error in API call [500] - Internal Server Error\n<html>"),
    ],
)
def test_unaccepted_status_is_told(remote, status, body, text):
    """The text that integrations and people search for; no retry by default."""
    remote.answer(status, body)
    with pytest.raises(csp.DemistoException) as failure:
        csp.BaseClient(remote.url)._http_request("GET")
    assert str(failure.value) == text
    assert failure.value.res.status_code == status
    assert len(remote.asked) == 1


@pytest.mark.parametrize(
    ("client_codes", "call_codes", "status", "accepted"),
    [
        ((), None, 201, True),
        ((200,), None, 201, False),
        ((200,), (201,), 201, True),
        ((), (404,), 404, True),
        ((404,), None, 404, True),
    ],
)
def test_accepted_statuses(remote, client_codes, call_codes, status, accepted):
    """The call's, else the client's, else below 400."""
    remote.answer(status, {})
    client = csp.BaseClient(remote.url, ok_codes=client_codes)
    if accepted:
        assert client._http_request("GET", ok_codes=call_codes) == {}
    else:
        with pytest.raises(csp.DemistoException):
            client._http_request("GET", ok_codes=call_codes)


def test_error_handler_takes_the_place_of_the_exception(remote):
    """When it raises nothing the answer is read."""
    remote.answer(409, {"a": 1})
    seen = []
    assert csp.BaseClient(remote.url)._http_request("GET", error_handler=seen.append) == {"a": 1}
    assert [res.status_code for res in seen] == [409]


def test_empty_answer(remote):
    """The response itself, when allowed."""
    remote.answers = [(204, b""), (204, b"")]
    client = csp.BaseClient(remote.url)
    assert client._http_request("GET", return_empty_response=True).status_code == 204
    with pytest.raises(csp.DemistoException, match="parse json"):
        client._http_request("GET")


@pytest.mark.parametrize(
    ("raise_on_status", "text"), [(False, r"Error in API call \[503\]"), (True, "Max Retries Error")]
)
def test_retries(remote, raise_on_status, text):
    """Statuses in the list are tried again, so often."""
    client = csp.BaseClient(remote.url)
    again = {"retries": 2, "status_list_to_retry": [503], "backoff_factor": 0, "raise_on_status": raise_on_status}
    remote.answers = [(503, {}), (503, {}), (200, {"a": 1})]
    assert client._http_request("POST", **again) == {"a": 1}
    remote.answers = [(503, {})] * 3
    with pytest.raises(csp.DemistoException, match=text):
        client._http_request("POST", **again)
    assert len(remote.asked) == 6


def test_refused_connection_is_explained():
    """With a hint and the exception that caused it."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        client = csp.BaseClient(f"http://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(csp.DemistoException, match="^Connection Error") as failure:
            client._http_request("GET")
    assert isinstance(failure.value.exception, requests.exceptions.ConnectionError)


@pytest.mark.parametrize(
    ("raised", "text"),
    [
        (requests.exceptions.ConnectTimeout("x"), "^Connection Timeout Error"),
        (requests.exceptions.SSLError("x"), "^SSL Certificate Verification Failed"),
        (requests.exceptions.ProxyError("x"), "^Proxy Error"),
        (requests.exceptions.RetryError("x"), "^Max Retries Error"),
        (requests.exceptions.ConnectionError("x"), "^Connection Error"),
        (requests.exceptions.ReadTimeout("too slow"), "^too slow$"),
    ],
)
def test_failures_of_requests_are_explained(monkeypatch, raised, text):
    """Each kind by its own hint, the special ones before the general one."""
    client = csp.BaseClient("http://127.0.0.1")

    def fail(*args, **kwargs):
        raise raised

    monkeypatch.setattr(client._session, "request", fail)
    with pytest.raises(csp.DemistoException, match=text) as failure:
        client._http_request("GET")
    assert failure.value.exception is raised


@pytest.mark.parametrize(
    ("environment", "given", "used"),
    [
        ({}, None, 60),
        ({}, 5, 5),
        ({"REQUESTS_TIMEOUT": "7"}, None, 7),
        ({"REQUESTS_TIMEOUT": "7", "REQUESTS_TIMEOUT.Brand": "8.5"}, None, 8.5),
        ({"REQUESTS_TIMEOUT.Other": "8"}, None, 60),
    ],
)
def test_timeout(host, monkeypatch, environment, given, used):
    """The call's, the environment's for the integration, the environment's, 60 s."""
    host.callingContext["context"]["IntegrationBrand"] = "Brand"
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    client, seen = csp.BaseClient("http://127.0.0.1"), {}

    def request(*args, **kwargs):
        seen.update(kwargs)
        response = requests.Response()
        response.status_code, response._content = 200, b"{}"
        return response

    monkeypatch.setattr(client._session, "request", request)
    client._http_request("GET", timeout=given, stream=True)
    assert (seen["timeout"], seen["stream"]) == (used, True)


@pytest.mark.parametrize(
    ("verify", "proxy", "kept"),
    [
        (True, True, {"HTTP_PROXY", "REQUESTS_CA_BUNDLE"}),
        (True, False, {"REQUESTS_CA_BUNDLE"}),
        (False, True, {"HTTP_PROXY"}),
    ],
)
def test_client_cleans_the_environment(monkeypatch, verify, proxy, kept):
    """requests would prefer the variables to verify=False, and use a proxy unasked."""
    monkeypatch.setenv("HTTP_PROXY", "http://p:1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/ca")
    csp.BaseClient("http://127.0.0.1", verify=verify, proxy=proxy)
    assert {name for name in ("HTTP_PROXY", "REQUESTS_CA_BUNDLE") if name in os.environ} == kept


@pytest.mark.parametrize("retries", [0, 2])
def test_client_without_verification_takes_old_servers(retries):
    """Also after retries were set up; with verification nothing is laxer than usual."""
    lax, strict = (csp.BaseClient("https://127.0.0.1", verify=verify) for verify in (False, True))
    if retries:
        lax._implement_retry(retries)
        strict._implement_retry(retries)
    context = lax._session.get_adapter("https://x").poolmanager.connection_pool_kw["ssl_context"]
    assert context.verify_mode == ssl.CERT_NONE
    assert not context.check_hostname
    assert "ssl_context" not in strict._session.get_adapter("https://x").poolmanager.connection_pool_kw


@pytest.mark.parametrize(
    ("params", "arguments", "proxies", "kept"),
    [
        (
            {"proxy": True},
            {},
            {"http": "http://p:1", "https": "https://q:2"},
            {"HTTP_PROXY", "HTTPS_PROXY", "CURL_CA_BUNDLE"},
        ),
        ({"proxy": False}, {}, {}, {"CURL_CA_BUNDLE"}),
        (
            {},
            {"checkbox_default_value": True},
            {"http": "http://p:1", "https": "https://q:2"},
            {"HTTP_PROXY", "HTTPS_PROXY", "CURL_CA_BUNDLE"},
        ),
        (
            {"useproxy": True},
            {"proxy_param_name": "useproxy"},
            {"http": "http://p:1", "https": "https://q:2"},
            {"HTTP_PROXY", "HTTPS_PROXY", "CURL_CA_BUNDLE"},
        ),
        ({"insecure": True}, {}, {}, set()),
        ({"unsecure": True}, {}, {}, set()),
        ({"any_cert": True}, {"insecure_param_name": "any_cert"}, {}, set()),
        ({"insecure": True}, {"handle_insecure": False}, {}, {"CURL_CA_BUNDLE"}),
    ],
)
def test_handle_proxy(host, monkeypatch, params, arguments, proxies, kept):
    """By the boxes of the instance."""
    monkeypatch.setenv("HTTP_PROXY", "p:1")
    monkeypatch.setenv("HTTPS_PROXY", "https://q:2")
    monkeypatch.setenv("CURL_CA_BUNDLE", "/ca")
    host.callingContext["params"] = params
    assert csp.handle_proxy(**arguments) == proxies
    assert {name for name in ("HTTP_PROXY", "HTTPS_PROXY", "CURL_CA_BUNDLE") if name in os.environ} == kept


def test_proxy_without_a_scheme_gets_one(monkeypatch):
    """Others stay."""
    monkeypatch.setenv("HTTP_PROXY", "proxy.example:3128")
    monkeypatch.setenv("https_proxy", "https://proxy.example:3128")
    csp.ensure_proxy_has_http_prefix()
    assert os.environ["HTTP_PROXY"] == "http://proxy.example:3128"
    assert os.environ["https_proxy"] == "https://proxy.example:3128"


class Client(csp.BaseClient):
    """As integrations subclass it."""

    def __init__(self, base_url, **kwargs):
        csp.BaseClient.__init__(self, base_url, headers={"X-A": "1"}, auth=("u", "p"), ok_codes=(418,), **kwargs)


def test_subclass_finds_what_the_client_was_made_with(remote):
    """Integrations read and replace these between requests."""
    client = Client(remote.url, verify=False, timeout=7)
    assert (client._base_url, client._verify, client._ok_codes, client.timeout) == (remote.url, False, (418,), 7)
    assert (client._headers, client._auth) == ({"X-A": "1"}, ("u", "p"))
    assert isinstance(client._session, requests.Session)
    remote.answer(418, {"tea": True})
    assert client._http_request("GET", resp_type="response").status_code == 418
    client._headers = {"X-A": "2"}
    remote.answer(418, {"tea": True})
    client._http_request("GET")
    assert [asked["headers"]["X-A"] for asked in remote.asked] == ["1", "2"]


@pytest.mark.parametrize(
    ("status", "own", "given", "expected"),
    [
        (200, (), None, True),
        (404, (), None, False),
        (404, (404,), None, True),
        (200, (404,), None, False),
        (200, (404,), (200,), True),
    ],
)
def test_status_is_accepted_by_the_calls_codes_then_by_the_clients(status, own, given, expected):
    """Without any, below 400."""
    client = csp.BaseClient("https://r.example", ok_codes=own)
    response = requests.Response()
    response.status_code = status
    assert client._is_status_code_valid(response, given) is expected
