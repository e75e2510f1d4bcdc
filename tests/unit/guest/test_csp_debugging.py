"""What libraries say in debug mode, and dumps for developers."""

import http.client
import logging
import os
import signal
import warnings

import CommonServerPython as csp
import pytest
from csp import debugging


@pytest.fixture
def debug_run(host):
    """A run in debug mode, with a secret among its parameters; ended afterwards."""
    host.is_debug = True
    host.callingContext["params"] = {"password": "hunter22"}
    csp.begin_run()
    yield host
    host.is_debug = False
    csp.begin_run()


def test_debug_mode_logs_libraries_and_ends_with_the_run(host, debug_run):
    """begin_run() of the next run puts everything back."""
    assert isinstance(csp._requests_logger, csp.DebugLogger)
    assert csp.is_debug_mode() is True
    csp._requests_logger.log_start_debug()
    logging.getLogger("urllib3").debug("logged in with %s", "hunter22")
    csp._requests_logger.log_stop_debug()
    assert "logged in with <XX_REPLACED>" in host.logged
    assert "debug-mode started for some-command" in host.logged
    assert "hunter22" not in host.logged
    host.is_debug = False
    csp.begin_run()
    assert csp._requests_logger is None
    assert csp.is_debug_mode() is False
    assert http.client.HTTPConnection.debuglevel == 0
    assert "print" not in vars(http.client)


def test_http_lines_come_without_secrets(debug_run, remote):
    """Neither headers nor forms tell them, whether or not they are parameters."""
    remote.answer(200, {})
    client = csp.BaseClient(
        remote.url, headers={"Authorization": "Bearer t0ken-of-a-login", "Cookie": "a=b; sid=s3cret"}
    )
    client._http_request("POST", "/v1/login", data={"client_secret": "h1dden", "user": "bob"})
    assert "POST /v1/login" in debug_run.logged
    assert "user=bob" in debug_run.logged
    for secret in ("t0ken", "s3cret", "h1dden"):
        assert secret not in debug_run.logged
    assert remote.asked[0]["headers"]["Cookie"] == "a=b; sid=s3cret"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("header: Set-Cookie: sid=1; Path=/", "header: Set-Cookie: <XX_REPLACED>"),
        (
            r"b'GET / HTTP/1.1\r\nX-Api-Key: abc d\r\nHost: h'",
            r"b'GET / HTTP/1.1\r\nX-Api-Key: <XX_REPLACED>\r\nHost: h'",
        ),
        ('{"access_token": "abc", "n": 1}', '{"access_token": "<XX_REPLACED>", "n": 1}'),
        ("GET /x?api_key=abc&limit=5", "GET /x?api_key=<XX_REPLACED>&limit=5"),
        ("key of the incident: 17", "key of the incident: 17"),
    ],
)
def test_values_behind_secret_names_are_masked(text, shown):
    """To the end of the header, the field, the text."""
    assert debugging.without_credentials(text) == shown


def test_handler_gives_messages_to_its_logger_or_to_the_debug_log(host):
    """A record that cannot be shown does not stop the command."""
    log = csp.IntegrationLogger()
    for handler in (csp.DemistoHandler(log), csp.DemistoHandler()):
        handler.emit(logging.makeLogRecord({"msg": "hello %s", "args": ("you",)}))
    assert log.messages == ["hello you"]
    assert host.log_lines == [("debug", "hello you")]


def test_warnings_go_to_the_log_while_it_lives(host):
    """And to where they went before afterwards."""
    before = warnings.showwarning
    handler = csp.WarningsHandler()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = csp.WarningsHandler.handle_warning
        warnings.warn("careful", UserWarning, stacklevel=1)
    handler.stop()
    assert warnings.showwarning is before
    assert "python warning:" in host.logged
    assert "careful" in host.logged


def test_logger_can_be_written_to(host):
    """As a file, and in the place of print."""
    log = csp.IntegrationLogger()
    log.write("one\n")
    log.write("\n")
    log.print_override("two", 3, end="")
    assert log.messages == ["one", "two 3"]


def test_dumps_name_threads_and_classes():
    """As text, for a signal's handler."""
    threads = csp.get_message_threads_dump(None, None)
    assert "MainThread" in threads
    assert "test_dumps_name_threads_and_classes" in threads
    lines = csp.get_message_memory_dump(None, None, rows=3).splitlines()
    assert len(lines) == 4
    assert all("objects" in line and "bytes" in line for line in lines[1:])


def test_signal_has_the_dumps_logged(host):
    """SIGUSR1 unless another one is named."""
    before = signal.getsignal(signal.SIGUSR1)
    try:
        csp.register_signal_handler_profiling_dump(profiling_dump_rows_limit=1)
        os.kill(os.getpid(), signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert "Threads Dump" in host.logged
    assert "Memory Dump" in host.logged


def test_size_counts_what_an_object_leads_to_once():
    """Without classes and modules."""

    class Holder:
        def __init__(self, held):
            self.held = held

    text = "x" * 10_000
    size = csp.get_size_of_object([text, [text], Holder({"k": text})])
    assert 10_000 < size < 12_000
    assert csp.get_size_of_object(5) < 100
    circle = []
    circle.append(circle)
    assert csp.get_size_of_object(circle) < 200
