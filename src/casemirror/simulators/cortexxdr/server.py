"""Running the simulator: in a thread of a test, where the caller also plays the person on the remote side, or as a process of its own."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from casemirror.simulators.common import serving

from . import faults
from .accounts import DEFAULT_KEYS, DEFAULT_USERS, Key
from .app import App
from .person import Hand
from .tenant import Tenant


class CortexXdrSimulator(Hand, serving.Served):
    """A Cortex XDR tenant on 127.0.0.1, in memory, its own server thread, and a person's hand in it.

    port       0 = any free one, kept over `stop` and `start`
    seed       makes the dice of the faults reproducible
    keys       default: 1 casemirror (advanced), 2 casemirror (standard), 3 viewer (advanced, reads only)
    users      mail address → full name; default: alice, bob and casemirror @example.com
    first      incidents that a new tenant starts with (fields, and `alerts`)
    fault_values   faults in force from the start (names of `faults.Faults`)
    clock      seconds since the epoch; every time of an incident and the limit's window come from it
    certfile, keyfile   PEM files: serve https
    What a person can do on the remote side is in `person.Hand`.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        seed: int | None = None,
        keys: Iterable[Key] = DEFAULT_KEYS,
        users: Mapping[str, str] = DEFAULT_USERS,
        first: Sequence[Mapping[str, Any]] = (),
        fault_values: Mapping[str, Any] | None = None,
        clock: Callable[[], float] = time.time,
        certfile: Path | str | None = None,
        keyfile: Path | str | None = None,
    ) -> None:
        self._box = faults.box(fault_values, seed)
        self.tenant = Tenant(keys=keys, users=users, first=first, box=self._box, clock=clock)
        self._app = App(self.tenant, serving.hang_up)
        serving.Served.__init__(self, self._app, host=host, port=port, tls=(certfile, keyfile))

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
        """New tenant, no counts, first faults."""
        self._app.reset()


def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    seed: int | None = None,
    first: Sequence[Mapping[str, Any]] = (),
    fault_values: Mapping[str, Any] | None = None,
    certfile: Path | str | None = None,
    keyfile: Path | str | None = None,
) -> None:
    """Serve until interrupted; parameters as of `CortexXdrSimulator`.  Raises OSError when the port is taken."""
    box = faults.box(fault_values, seed)
    tenant = Tenant(keys=DEFAULT_KEYS, users=DEFAULT_USERS, first=first, box=box, clock=time.time)
    app = App(tenant, serving.hang_up)
    serving.serve(app, "Cortex XDR", host=host, port=port, tls=(certfile, keyfile))
