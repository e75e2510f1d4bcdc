"""The Jira simulator as a remote to play with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from casemirror.actions.contract.remote import FETCHES, PASSWORD, USER, Remote
from casemirror.model.values import Json
from casemirror.simulators.jira import DEFAULT_USERS, JiraSimulator


class Jira:
    """Issues of the project SOC, as a person uses them; they are named by their numbers, not their keys."""

    def __init__(self, simulator: JiraSimulator) -> None:
        self._there = simulator
        self.url, self.resolution_s = simulator.url, 1.0
        self.params: Mapping[str, Json] = {
            **FETCHES,
            "url": simulator.url,
            "project": "SOC",
            "credentials.identifier": USER,
            "credentials.password": PASSWORD,
        }

    def create(self, title: str) -> str:
        """Alice opens an issue."""
        return str(self._there.create(summary=title).id)

    def change(self, remote_id: str, title: str) -> None:
        """Alice gives it another summary."""
        self._there.edit(remote_id, summary=title)

    def comment(self, remote_id: str, text: str) -> None:
        """Alice comments."""
        self._there.comment(remote_id, text)

    def attach(self, remote_id: str, name: str, body: bytes) -> None:
        """Alice attaches a file."""
        self._there.attach(remote_id, name, body)

    def close(self, remote_id: str) -> None:
        """Alice moves it to a done status."""
        self._there.close(remote_id)

    def reopen(self, remote_id: str) -> None:
        """Alice moves it back."""
        self._there.reopen(remote_id)

    def delete(self, remote_id: str) -> None:
        """An administrator deletes it."""
        self._there.delete(remote_id)

    def title(self, remote_id: str) -> str:
        """Its summary."""
        found = self._there.get(remote_id)
        return "" if found is None else str(found.values["summary"])

    def comments(self, remote_id: str) -> list[str]:
        """Its comments."""
        return self._there.texts(remote_id)

    def files(self, remote_id: str) -> dict[str, bytes]:
        """Its attachments."""
        return dict(self._there.files(remote_id))

    def is_closed(self, remote_id: str) -> bool:
        """It has a resolution."""
        found = self._there.get(remote_id)
        return found is not None and found.resolution is not None

    def limit(self, on: bool) -> None:
        """Answer 429."""
        self._there.set_faults(refuse_rate=float(on))

    def fail(self, on: bool) -> None:
        """Answer 500."""
        self._there.set_faults(fail_rate=float(on))


@contextmanager
def opened() -> Iterator[Remote]:
    """A Jira, serving."""
    users = [replace(user, password=PASSWORD) if user.name == USER else user for user in DEFAULT_USERS]
    with JiraSimulator(users=users) as simulator:
        yield Jira(simulator)
