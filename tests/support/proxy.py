"""A wire between an integration and its remote that can be cut, or on which somebody else is quicker."""

from __future__ import annotations

import http.server
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Self

CUT = "cut"
"""The request does not arrive."""
CUT_AFTER = "cut after"
"""The request arrives, its answer does not."""
PASS = "pass"

Hook = Callable[[int, str, str], str]
"""(number of the request from 1, method, path) → PASS, CUT or CUT_AFTER; it may also do something first."""

_KEPT = ("Content-Type", "ETag", "Retry-After", "Link")


class Proxy:
    """Passes every request on to `target` (scheme://host:port) unless the hook says otherwise; a context manager."""

    def __init__(self, target: str, hook: Hook) -> None:
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(target, hook))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def dies_after(calls: int) -> Hook:
    """As if the integration had been killed when so many of its requests had arrived: nothing is answered from then on."""

    def hook(number: int, method: str, path: str) -> str:
        return PASS if number < calls else CUT_AFTER if number == calls else CUT

    return hook


def _handler(target: str, hook: Hook) -> type[http.server.BaseHTTPRequestHandler]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    lock, count = threading.Lock(), 0

    class Handler(http.server.BaseHTTPRequestHandler):
        def _handle(self) -> None:
            nonlocal count
            with lock:
                count += 1
                number = count
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            verdict = hook(number, self.command, self.path)
            if verdict == CUT:
                self._hang_up()
                return
            status, headers, content = self._ask(body)
            if verdict == CUT_AFTER:
                self._hang_up()
                return
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _handle

        def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
            headers = {
                n: v for n, v in self.headers.items() if n.lower() not in ("host", "accept-encoding", "connection")
            }
            if "Origin" in headers:  # what the remote believes to be its own address
                headers |= {"Origin": target, "Referer": target + "/"}
            request = urllib.request.Request(target + self.path, body or None, headers, method=self.command)
            try:
                answer = opener.open(request, timeout=20)
            except urllib.error.HTTPError as error:
                answer = error
            with answer:
                return answer.status, [(n, answer.headers[n]) for n in _KEPT if answer.headers.get(n)], answer.read()

        def _hang_up(self) -> None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
