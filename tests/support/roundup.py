"""A Roundup tracker for tests, and the hands of people who work in it."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from casemirror.simulators.roundup import ADMIN_PASSWORD, PEOPLE, USER, RoundupTracker

__all__ = ["ADMIN_PASSWORD", "PEOPLE", "USER", "Person", "RoundupTracker", "now", "running_tracker"]


@contextmanager
def running_tracker(settings: Mapping[str, str] | None = None) -> Iterator[RoundupTracker]:
    """A new tracker in a private temporary folder (pytest's own are closed to the user that Roundup runs as)."""
    folder = Path(tempfile.mkdtemp(prefix="casemirror-roundup-"))
    try:
        with RoundupTracker(folder, settings=settings) as tracker:
            yield tracker
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Person:
    """What one user does in the tracker; ids are texts. Raises requests' HTTPError when the tracker refuses."""

    def __init__(self, tracker: RoundupTracker, name: str = "alice", password: str = "") -> None:
        self.name = name
        self._data = tracker.url + "rest/data/"
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.auth = (name, password or (ADMIN_PASSWORD if name == "admin" else name))
        origin = tracker.url.rsplit("/", 2)[0]
        self._session.headers.update({"X-Requested-With": "rest", "Origin": origin, "Referer": tracker.url})

    def create(self, title: str = "An issue", description: str = "", **values: Any) -> str:
        """A new issue; with a description it is opened with a message, as the tracker's own page does it."""
        if description:
            values["messages"] = [self._post("msg", content=description, author=self.name, date=".")]
        return self._post("issue", title=title, **values)

    def change(self, issue: str, **values: Any) -> None:
        """Set properties; '' empties one."""
        path = f"issue/{issue}"
        tag = self._call("GET", path).headers["ETag"]
        self._call("PATCH", path, json=values, headers={"If-Match": tag})

    def comment(self, issue: str, text: str) -> str:
        message = self._post("msg", content=text, author=self.name, date=".")
        self.change(issue, messages=[m["id"] for m in self.get(issue)["messages"]] + [message])
        return message

    def attach(self, issue: str, name: str, body: bytes, kind: str = "application/octet-stream") -> str:
        parts = {"name": (None, name), "type": (None, kind), "content": (name, body, kind)}
        file: str = self._call("POST", "file", files=parts).json()["data"]["id"]
        self.change(issue, files=[f["id"] for f in self.get(issue)["files"]] + [file])
        return file

    def close(self, issue: str, status: str = "resolved") -> None:
        self.change(issue, status=status)

    def reopen(self, issue: str, status: str = "chatting") -> None:
        self.change(issue, status=status)

    def retire(self, issue: str) -> None:
        """Only the administrator may."""
        path = f"issue/{issue}"
        self._call("DELETE", path, headers={"If-Match": self._call("GET", path).headers["ETag"]})

    def get(self, issue: str) -> dict[str, Any]:
        """The properties of an issue; linked items as objects with id and name."""
        params = {"@verbose": 2, "@protected": "true"}
        attributes: dict[str, Any] = self._call("GET", f"issue/{issue}", params=params).json()["data"]["attributes"]
        return attributes

    def status(self, issue: str) -> str:
        name: str = self.get(issue)["status"]["name"]
        return name

    def messages(self, issue: str) -> list[str]:
        """Texts of an issue's messages, oldest first."""
        ids = sorted((m["id"] for m in self.get(issue)["messages"]), key=int)
        found = [self._call("GET", f"msg/{i}", params={"@verbose": 3}).json()["data"]["attributes"] for i in ids]
        return [message["content"] for message in found]

    def files(self, issue: str) -> list[tuple[str, bytes]]:
        """Name and bytes of each file of an issue."""
        return [
            (file["name"], self._call("GET", f"file/{file['id']}/binary_content", headers={"Accept": "*/*"}).content)
            for file in self.get(issue)["files"]
        ]

    def count(self, kind: str = "issue", **filters: Any) -> int:
        """How many items of a class there are."""
        return len(self._call("GET", kind, params=filters).json()["data"]["collection"])

    def _post(self, kind: str, **values: Any) -> str:
        new: str = self._call("POST", kind, json=values).json()["data"]["id"]
        return new

    def _call(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        answer = self._session.request(method, self._data + path, timeout=20, **kwargs)
        answer.raise_for_status()
        return answer


def now() -> str:
    """The time as the server passes it to commands, at the start of a second of its own, so that nothing before it counts."""
    time.sleep(1 - time.time() % 1)
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
