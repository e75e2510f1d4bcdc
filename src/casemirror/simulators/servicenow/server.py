"""Running a simulator: in a thread of a test, where the caller also plays the person on the remote side, or as a process of its own."""

import asyncio
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Self

import uvicorn
from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

from . import control, faults
from .accounts import DEFAULT_USERS, User
from .app import App
from .instance import Instance
from .person import Hand

DEFAULT_CLIENTS: Mapping[str, str] = {"casemirror": "casemirror"}
"""OAuth client_id → client_secret."""

_START_S = 10.0


class ServiceNowSimulator(Hand):
    """A ServiceNow instance on 127.0.0.1, its own server thread, and a person's hand in it.

    port       0 = any free one, kept over `stop` and `start`
    data       SQLite file that survives a restart; None = in memory
    seed       makes sys_ids and the dice of the faults reproducible
    users      default: admin, casemirror and alice (itil, sn_si.analyst), viewer (reads only), employee (no role); password = user name
    rows       table → first rows
    fault_values   faults in force from the start (names of `faults.Faults`)
    clock      seconds since the epoch; every stamp, window and lifetime comes from it
    certfile, keyfile   PEM files: serve https
    What a person can do on the remote side is in `person.Hand`.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        data: Path | str | None = None,
        seed: int | None = None,
        users: Iterable[User] = DEFAULT_USERS,
        rows: Mapping[str, Iterable[Mapping[str, str]]] | None = None,
        clients: Mapping[str, str] = DEFAULT_CLIENTS,
        fault_values: Mapping[str, Any] | None = None,
        clock: Callable[[], float] = time.time,
        certfile: Path | str | None = None,
        keyfile: Path | str | None = None,
    ) -> None:
        self.host, self.port = host, port
        self._tls = (certfile, keyfile)
        self._box = faults.FaultBox(faults.changed(faults.Faults(), fault_values or {}), seed)
        self.instance = Instance(users=users, rows=rows or {}, box=self._box, clock=clock, data=data, seed=seed)
        self._app = App(self.instance, clients, _hang_up)
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"{'http' if self._tls[0] is None else 'https'}://{self.host}:{self.port}"

    def start(self) -> Self:
        """Listen and serve.  Raises OSError when the port is taken, RuntimeError when the server does not come up."""
        listener = socket.create_server((self.host, self.port))
        self.port = listener.getsockname()[1]
        self._server = _make_server(self._app, self._tls)
        self._thread = threading.Thread(
            target=_run, args=(self._server, listener), name="servicenow-simulator", daemon=True
        )
        self._thread.start()
        patience_ends = time.monotonic() + _START_S
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > patience_ends:
                raise RuntimeError("the simulator's server did not start")
            time.sleep(0.002)
        return self

    def stop(self) -> None:
        """Close every connection and the data file; what the instance holds stays for the next `start`, also without a file."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = self._server.force_exit = True
            self._thread.join()
            self._server = self._thread = None
        self.instance.records.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def faults(self) -> faults.Faults:
        return self._box.now

    def set_faults(self, **values: Any) -> None:
        """Turn these switches, leave the others.  Raises ValueError."""
        self._box.change(values)

    def clear_faults(self) -> None:
        self._box.clear()

    def state(self) -> dict[str, Any]:
        """What `GET /_simulator/state?tickets=true` answers."""
        return control.state(self.instance, self._app.tally, with_tickets=True)

    def reset(self) -> None:
        """New instance, no counts, first faults."""
        self.instance.reset()
        self._box.clear()
        self._app.tally.clear()


def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    data: Path | str | None = None,
    seed: int | None = None,
    users: Iterable[User] = DEFAULT_USERS,
    rows: Mapping[str, Iterable[Mapping[str, str]]] | None = None,
    fault_values: Mapping[str, Any] | None = None,
    certfile: Path | str | None = None,
    keyfile: Path | str | None = None,
) -> None:
    """Serve until interrupted; parameters as of `ServiceNowSimulator`.  Raises OSError when the port is taken."""
    box = faults.FaultBox(faults.changed(faults.Faults(), fault_values or {}), seed)
    instance = Instance(users=users, rows=rows or {}, box=box, clock=time.time, data=data, seed=seed)
    listener = socket.create_server((host, port))
    scheme = "http" if certfile is None else "https"
    sys.stdout.write(f"ServiceNow simulator on {scheme}://{host}:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    try:
        _make_server(App(instance, DEFAULT_CLIENTS, _hang_up), (certfile, keyfile)).run(sockets=[listener])
    except KeyboardInterrupt:
        pass  # uvicorn raises the signal once more after its orderly end
    finally:
        instance.records.close()


class _Protocol(H11Protocol):
    """Lets the application reach a request's connection, which ASGI does not offer; and sends at once.

    asyncio sets TCP_NODELAY only on sockets made with IPPROTO_TCP, which accepted ones are not: every answer would wait 40 ms.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _hang_up(scope: Scope) -> None:
    scope["state"]["transport"].abort()


def _make_server(app: App, tls: tuple[Path | str | None, Path | str | None]) -> uvicorn.Server:
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
