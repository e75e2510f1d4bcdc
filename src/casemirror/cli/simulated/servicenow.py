"""The ServiceNow simulator as a remote to play with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from casemirror.actions.contract.remote import FETCHES, PASSWORD, USER, Remote
from casemirror.model.errors import NotFound
from casemirror.model.values import Json
from casemirror.simulators.servicenow import DEFAULT_USERS, ServiceNowSimulator


class ServiceNow:
    """The ServiceNow simulator, as a person uses it."""

    def __init__(self, simulator: ServiceNowSimulator) -> None:
        self._there = simulator
        self.url, self.resolution_s = simulator.url, 1.0
        self.params: Mapping[str, Json] = {
            **FETCHES,
            "url": simulator.url,
            "credentials.identifier": USER,
            "credentials.password": PASSWORD,
        }

    def create(self, title: str) -> str:
        """Alice opens an incident record."""
        return self._there.create("incident", short_description=title)["sys_id"]

    def change(self, remote_id: str, title: str) -> None:
        """Alice gives it another short description."""
        self._there.update(remote_id, short_description=title)

    def comment(self, remote_id: str, text: str) -> None:
        """Alice comments."""
        self._there.comment(remote_id, text)

    def attach(self, remote_id: str, name: str, body: bytes) -> None:
        """Alice attaches a file."""
        self._there.attach(remote_id, name, body)

    def close(self, remote_id: str) -> None:
        """Alice closes it."""
        self._there.close(remote_id)

    def reopen(self, remote_id: str) -> None:
        """Alice opens it again."""
        self._there.reopen(remote_id)

    def delete(self, remote_id: str) -> None:
        """Alice deletes it."""
        self._there.delete(remote_id)

    def title(self, remote_id: str) -> str:
        """Its short description."""
        return self._record(remote_id)["short_description"]

    def comments(self, remote_id: str) -> list[str]:
        """Comments and work notes."""
        return [row["value"] for row in self._there.comments(remote_id, None)]

    def files(self, remote_id: str) -> dict[str, bytes]:
        """Attachments."""
        return {row["file_name"]: self._there.file(row["sys_id"]) for row in self._there.attachments(remote_id)}

    def is_closed(self, remote_id: str) -> bool:
        """Closed or cancelled."""
        return self._record(remote_id)["active"] == "false"

    def limit(self, on: bool) -> None:
        """Answer 429."""
        self._there.set_faults(refuse_rate=float(on))

    def fail(self, on: bool) -> None:
        """Answer 500."""
        self._there.set_faults(fail_rate=float(on))

    def _record(self, remote_id: str) -> Mapping[str, str]:
        found = self._there.get(remote_id)
        if found is None:
            raise NotFound(f"the simulator has no record {remote_id}")
        return found


@contextmanager
def opened() -> Iterator[Remote]:
    """A ServiceNow instance, serving."""
    users = [replace(user, password=PASSWORD) if user.user_name == USER else user for user in DEFAULT_USERS]
    with ServiceNowSimulator(users=users) as simulator:
        yield ServiceNow(simulator)
