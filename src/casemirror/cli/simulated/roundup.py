"""A real Roundup tracker as a remote to play with: nothing is simulated, so it cannot be told to refuse or to fail."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, cast

import requests

from casemirror.actions.contract.remote import FETCHES, Remote
from casemirror.model.errors import CasemirrorError
from casemirror.model.values import Json
from casemirror.simulators.roundup import ADMIN_PASSWORD, RoundupTracker

ACCOUNT: Final = "mirroring-account"
"""User and password of the integration: a word of its own, since passwords are masked wherever they show."""
_LIMIT_S: Final = 20.0


class CannotStart(CasemirrorError):
    """The tracker did not come up; the text says why."""

    code = "simulator.cannot_start"


class Roundup:
    """Issues, as alice uses them over the REST API; the administrator deletes."""

    def __init__(self, tracker: RoundupTracker) -> None:
        self.url, self.resolution_s = tracker.url, 1.0
        self.params: Mapping[str, Json] = {
            **FETCHES,
            "url": tracker.url,
            "credentials.identifier": ACCOUNT,
            "credentials.password": ACCOUNT,
        }
        self._alice = self._session("alice", "alice")
        self._admin = self._session("admin", ADMIN_PASSWORD)

    def create(self, title: str) -> str:
        """Alice opens an issue."""
        return self._made("issue", json={"title": title})

    def change(self, remote_id: str, title: str) -> None:
        """Alice gives it another title."""
        self._patch(remote_id, title=title)

    def comment(self, remote_id: str, text: str) -> None:
        """Alice writes a message."""
        message = self._made("msg", json={"content": text, "author": "alice", "date": "."})
        self._patch(remote_id, messages=[*self._ids(remote_id, "messages"), message])

    def attach(self, remote_id: str, name: str, body: bytes) -> None:
        """Alice attaches a file."""
        kind = "application/octet-stream"
        file = self._made("file", files={"name": (None, name), "type": (None, kind), "content": (name, body, kind)})
        self._patch(remote_id, files=[*self._ids(remote_id, "files"), file])

    def close(self, remote_id: str) -> None:
        """Alice resolves it."""
        self._patch(remote_id, status="resolved")

    def reopen(self, remote_id: str) -> None:
        """Alice takes it up again."""
        self._patch(remote_id, status="chatting")

    def delete(self, remote_id: str) -> None:
        """The administrator retires it."""
        path = f"issue/{remote_id}"
        tag = self._call(self._admin, "GET", path).headers["ETag"]
        self._call(self._admin, "DELETE", path, headers={"If-Match": tag})

    def title(self, remote_id: str) -> str:
        """Its title."""
        return str(self._issue(remote_id)["title"])

    def comments(self, remote_id: str) -> list[str]:
        """Its messages, oldest first."""
        paths = [f"msg/{number}" for number in sorted(self._ids(remote_id, "messages"), key=int)]
        return [str(self._attributes(path, **{"@verbose": 3})["content"]) for path in paths]

    def files(self, remote_id: str) -> dict[str, bytes]:
        """Its files."""
        return {
            str(file["name"]): self._call(
                self._alice, "GET", f"file/{file['id']}/binary_content", headers={"Accept": "*/*"}
            ).content
            for file in self._issue(remote_id)["files"]
        }

    def is_closed(self, remote_id: str) -> bool:
        """It is resolved."""
        return bool(self._issue(remote_id)["status"]["name"] == "resolved")

    def _session(self, name: str, password: str) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.auth = (name, password)
        origin = self.url.rsplit("/", 2)[0]
        session.headers.update({"X-Requested-With": "rest", "Origin": origin, "Referer": self.url})
        return session

    def _call(self, session: requests.Session, method: str, path: str, **kwargs: Any) -> requests.Response:
        answer = session.request(method, f"{self.url}rest/data/{path}", timeout=_LIMIT_S, **kwargs)
        answer.raise_for_status()
        return answer

    def _made(self, kind: str, **kwargs: Any) -> str:
        return str(self._call(self._alice, "POST", kind, **kwargs).json()["data"]["id"])

    def _patch(self, remote_id: str, **values: Any) -> None:
        path = f"issue/{remote_id}"
        tag = self._call(self._alice, "GET", path).headers["ETag"]
        self._call(self._alice, "PATCH", path, json=values, headers={"If-Match": tag})

    def _attributes(self, path: str, **params: Any) -> dict[str, Any]:
        found: dict[str, Any] = self._call(self._alice, "GET", path, params=params).json()["data"]["attributes"]
        return found

    def _issue(self, remote_id: str) -> dict[str, Any]:
        return self._attributes(f"issue/{remote_id}", **{"@verbose": 2})

    def _ids(self, remote_id: str, name: str) -> list[str]:
        return [str(item["id"]) for item in self._issue(remote_id)[name]]


@contextmanager
def opened() -> Iterator[Remote]:
    """A new tracker in a temporary folder, serving. Raises CannotStart."""
    folder = Path(tempfile.mkdtemp(prefix="casemirror-roundup-"))
    folder.chmod(0o711)  # the tracker may run as another user, who must get through to its folder
    tracker = RoundupTracker(folder / "roundup", people=("alice", ACCOUNT))
    try:
        tracker.start()
        yield cast(Remote, Roundup(tracker))
    except RuntimeError as error:
        raise CannotStart(str(error)) from error
    finally:
        tracker.stop()
        shutil.rmtree(folder, ignore_errors=True)
