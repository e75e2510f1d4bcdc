"""The Cortex XDR simulator as a remote to play with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import cast

from casemirror.actions.contract.remote import FETCHES, PASSWORD, Remote
from casemirror.model.values import Json
from casemirror.simulators.cortexxdr import DEFAULT_KEYS, CortexXdrSimulator


class CortexXdr:
    """Incidents of a tenant, as an analyst works on them; their titles are descriptions.

    It has no files, and its API does not tell what people comment, so nobody does.
    """

    def __init__(self, simulator: CortexXdrSimulator) -> None:
        self._there = simulator
        self.url, self.resolution_s = simulator.url, 0.001
        self.params: Mapping[str, Json] = {
            **FETCHES,
            "url": simulator.url,
            "apikey_id": DEFAULT_KEYS[0].id,
            "apikey": PASSWORD,
            "credentials.identifier": DEFAULT_KEYS[0].id,
            "credentials.password": PASSWORD,
        }

    def create(self, title: str) -> str:
        """XDR finds something."""
        return self._there.create(title)

    def change(self, remote_id: str, title: str) -> None:
        """XDR describes it in other words."""
        self._there.set(remote_id, description=title)

    def close(self, remote_id: str) -> None:
        """Alice resolves it."""
        self._there.close(remote_id)

    def reopen(self, remote_id: str) -> None:
        """Alice takes it up again."""
        self._there.reopen(remote_id)

    def delete(self, remote_id: str) -> None:
        """Alice deletes it."""
        self._there.delete(remote_id)

    def title(self, remote_id: str) -> str:
        """Its description."""
        return str(self._there.get(remote_id)["description"])

    def comments(self, remote_id: str) -> list[str]:
        """Its comments."""
        return self._there.comments(remote_id)

    def is_closed(self, remote_id: str) -> bool:
        """It is resolved."""
        return str(self._there.get(remote_id)["status"]).startswith("resolved")

    def limit(self, on: bool) -> None:
        """Answer 429."""
        self._there.set_faults(refuse_rate=float(on))

    def fail(self, on: bool) -> None:
        """Answer 500."""
        self._there.set_faults(fail_rate=float(on))


@contextmanager
def opened() -> Iterator[Remote]:
    """A tenant without the limit of its API, serving: a check asks far more often than a mirror does."""
    keys = [replace(key, key=PASSWORD) if key.may_write else key for key in DEFAULT_KEYS]
    with CortexXdrSimulator(keys=keys, fault_values={"rate_limit": None}) as simulator:
        yield cast(Remote, CortexXdr(simulator))
