"""Running the simulator: in a thread of a test, where the caller also plays the person on the remote side, or as a process of its own."""

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from casemirror.simulators.common import serving

from . import faults
from .accounts import DEFAULT_USERS, User
from .app import App
from .instance import Instance
from .person import Hand

DEFAULT_CLIENTS: Mapping[str, str] = {"casemirror": "casemirror"}
"""OAuth client_id → client_secret."""


class ServiceNowSimulator(Hand, serving.Served):
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
        self._box = faults.box(fault_values, seed)
        self.instance = Instance(users=users, rows=rows or {}, box=self._box, clock=clock, data=data, seed=seed)
        self._app = App(self.instance, clients, serving.hang_up)
        serving.Served.__init__(self, self._app, host=host, port=port, tls=(certfile, keyfile))

    def stop(self) -> None:
        """Close every connection and the data file; what the instance holds stays for the next `start`, also without a file."""
        super().stop()
        self.instance.records.close()

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
        return self._app.state(True)

    def reset(self) -> None:
        """New instance, no counts, first faults."""
        self._app.reset()


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
    box = faults.box(fault_values, seed)
    instance = Instance(users=users, rows=rows or {}, box=box, clock=time.time, data=data, seed=seed)
    try:
        app = App(instance, DEFAULT_CLIENTS, serving.hang_up)
        serving.serve(app, "ServiceNow", host=host, port=port, tls=(certfile, keyfile))
    finally:
        instance.records.close()
