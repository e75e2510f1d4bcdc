"""LOG masks secrets, buffers, and the decorator logs calls."""

import base64
import json
from urllib.parse import quote

import CommonServerPython as csp
import pytest

KEY = "-----BEGIN-----\nab/c+d=\n-----END-----"


@pytest.mark.parametrize(
    ("params", "text", "logged"),
    [
        ({"apikey": "hunter22"}, "key hunter22!", "key <XX_REPLACED>!"),
        ({"API_Token": "hunter22"}, "hunter22", "<XX_REPLACED>"),
        ({"url": "https://r.example"}, "https://r.example", "https://r.example"),
        ({"credentials": {"identifier": "bob", "password": "hunter22"}}, "bob hunter22", "bob <XX_REPLACED>"),
        ({"c": {"credentials": {"sshkey": KEY}}}, KEY, "<XX_REPLACED>"),
        ({"private_key": KEY}, json.dumps({"k": KEY}), '{"k": "<XX_REPLACED>"}'),
        ({"private_key": KEY}, quote(KEY, safe=""), "<XX_REPLACED>"),
        ({"secret": "hunter22"}, base64.b64encode(b"hunter22").decode(), "<XX_REPLACED>"),
        (
            {"login": {"identifier": "bob", "password": "hunter22"}},
            "Basic " + base64.b64encode(b"bob:hunter22").decode(),
            "Basic <XX_REPLACED>",
        ),
        ({"password": "it"}, "API rate limit", "API rate limit"),
        ({"use_private_key": True, "token": None}, "True None", "True None"),
    ],
)
def test_secrets_of_the_parameters_are_masked(host, params, text, logged):
    """By the parameter's name, at any depth, and in every form in which a secret may turn up; too short ones would shred words."""
    host.callingContext["params"] = params
    csp.begin_run()
    assert csp.LOG(text) == logged


def test_longer_secret_is_masked_before_its_part(host):
    """Otherwise the rest of the longer one would stay readable."""
    csp.LOG.add_replace_strs("abcd", "abcd-efgh")
    assert csp.LOG("abcd-efgh abcd") == "<XX_REPLACED> <XX_REPLACED>"


def test_messages_wait_for_print_log(host):
    """They go to the info log together, once."""
    csp.LOG("one")
    csp.LOG(ValueError("two"))
    assert host.log_lines == []
    csp.LOG.print_log()
    csp.LOG.print_log()
    assert [line[0] for line in host.log_lines] == ["info"]
    assert host.logged.endswith("one\ntwo")


def test_debug_mode_logs_at_once(host):
    """print_log has nothing left to say."""
    host.is_debug = True
    csp.begin_run()
    csp.LOG("now")
    assert host.log_lines == [("debug", "now")]
    csp.LOG.print_log()
    assert len(host.log_lines) == 1


def test_logging_never_fails():
    """A value that has no text is no reason to fail a command."""

    class Odd:
        def __str__(self):
            raise RuntimeError

    assert "Odd" in csp.LOG(Odd())
    assert csp.LOG(b"\xff") == "\ufffd"


@pytest.mark.parametrize(("is_debug", "tells_result"), [(False, False), (True, True)])
def test_logger_tells_calls_and_in_debug_mode_results(host, is_debug, tells_result):
    """The decorated function still works."""
    host.is_debug = is_debug
    csp.begin_run()

    @csp.logger
    def add(a, b):
        return a + b + 1000

    assert add(1, b=2) == 1003
    csp.LOG.print_log()
    assert "calling add(1, b=2)" in host.logged
    assert ("1003" in host.logged) == tells_result


def test_add_sensitive_log_strs_masks_from_then_on():
    """For secrets that only a login brings."""
    csp.add_sensitive_log_strs("session-4711")
    csp.add_sensitive_log_strs("")
    assert csp.LOG("got session-4711") == "got <XX_REPLACED>"
