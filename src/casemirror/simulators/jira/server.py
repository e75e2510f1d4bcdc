"""Running the simulator: in a thread of a test, where the caller also plays the person on the remote side, or as a process of its own."""

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ..common import serving
from .accounts import DEFAULT_USERS, User
from .app import App
from .faults import Faults, make_box
from .instance import Instance
from .person import Hand

Rows = Iterable[Mapping[str, Any]]


class JiraSimulator(serving.Served, Hand):
    """A Jira Data Center on 127.0.0.1, its own server thread, and a person's hand in it.

    port       0 = any free one, kept over `stop` and `start`
    seed       makes the dice of the faults reproducible
    users      default: admin, casemirror (Asia/Kolkata, token casemirror-token), alice (America/New_York), bob (Europe/Berlin)
               and viewer (reads only); password = user name
    rows       first issues, as field → value: `{"summary": "…", "project": "SOC"}`; projects: SOC (classic workflow), TASK (simple)
    fault_values   faults in force from the start (names of `faults.Faults`)
    clock      seconds since the epoch; every stamp and window comes from it
    certfile, keyfile   PEM files: serve https
    What a person can do on the remote side is in `person.Hand`.  Everything is in memory.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        seed: int | None = None,
        users: Iterable[User] = DEFAULT_USERS,
        rows: Rows = (),
        fault_values: Mapping[str, Any] | None = None,
        clock: Callable[[], float] = time.time,
        certfile: Path | str | None = None,
        keyfile: Path | str | None = None,
    ) -> None:
        self._box = make_box(fault_values or {}, seed)
        self.instance = Instance(users=users, rows=rows, box=self._box, clock=clock)
        self._app = App(self.instance, serving.hang_up)
        super().__init__(self._app, host=host, port=port, tls=(certfile, keyfile))

    @property
    def faults(self) -> Faults:
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
    seed: int | None = None,
    users: Iterable[User] = DEFAULT_USERS,
    rows: Rows = (),
    fault_values: Mapping[str, Any] | None = None,
    certfile: Path | str | None = None,
    keyfile: Path | str | None = None,
) -> None:
    """Serve until interrupted; parameters as of `JiraSimulator`.  Raises OSError when the port is taken."""
    box = make_box(fault_values or {}, seed)
    instance = Instance(users=users, rows=rows, box=box, clock=time.time)
    serving.serve(App(instance, serving.hang_up), "Jira", host=host, port=port, tls=(certfile, keyfile))
