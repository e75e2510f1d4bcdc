"""Serving a simulator: in a thread of a test, or as a process of its own until it is interrupted."""

import asyncio
import contextlib
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Self

import uvicorn
from starlette.types import ASGIApp, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

Tls = tuple[Path | str | None, Path | str | None]
"""Certificate and key as PEM files; (None, None) = http."""

_START_S = 10.0


class Served:
    """A server on `host` in a thread of its own; port 0 = any free one, kept over `stop` and `start`."""

    def __init__(self, app: ASGIApp, *, host: str, port: int, tls: Tls) -> None:
        self.host, self.port = host, port
        self._tls = tls
        self._served = app
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"{_scheme(self._tls)}://{self.host}:{self.port}"

    def start(self) -> Self:
        """Listen and serve.  Raises OSError when the port is taken, RuntimeError when the server does not come up."""
        listener = socket.create_server((self.host, self.port))
        self.port = listener.getsockname()[1]
        self._server = _make_server(self._served, self._tls)
        self._thread = threading.Thread(target=_run, args=(self._server, listener), name="simulator", daemon=True)
        self._thread.start()
        patience_ends = time.monotonic() + _START_S
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > patience_ends:
                raise RuntimeError("the simulator's server did not start")
            time.sleep(0.002)
        return self

    def stop(self) -> None:
        """Close every connection; what the remote holds stays for the next `start`."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = self._server.force_exit = True
            self._thread.join()
            self._server = self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def serve(app: ASGIApp, name: str, *, host: str, port: int, tls: Tls) -> None:
    """Serve until interrupted, after one line with the address.  Raises OSError when the port is taken."""
    listener = socket.create_server((host, port))
    sys.stdout.write(f"{name} simulator on {_scheme(tls)}://{host}:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises the signal once more after its orderly end
        _make_server(app, tls).run(sockets=[listener])


def hang_up(scope: Scope) -> None:
    """Close a request's connection without an answer."""
    scope["state"]["transport"].abort()


class _Protocol(H11Protocol):
    """Lets the application reach a request's connection, which ASGI does not offer; and sends at once.

    asyncio sets TCP_NODELAY only on sockets made with IPPROTO_TCP, which accepted ones are not: every answer would wait 40 ms.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _scheme(tls: Tls) -> str:
    return "http" if tls[0] is None else "https"


def _make_server(app: ASGIApp, tls: Tls) -> uvicorn.Server:
    certfile, keyfile = tls
    config = uvicorn.Config(
        app,
        http=_Protocol,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
        ssl_certfile=certfile,
        ssl_keyfile=keyfile,
    )
    return uvicorn.Server(config)


def _run(server: uvicorn.Server, listener: socket.socket) -> None:
    asyncio.run(server.serve(sockets=[listener]))
