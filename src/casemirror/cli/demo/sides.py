"""The three places where a ticket is, each with a person's hands and one way to look at it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import requests

from casemirror.actions import case, incidents, links, mirror, warroom
from casemirror.cli.demo.stage import SNOW, SNOW_TAGS, TRACKER, TRACKER_TAGS, Stage
from casemirror.model.ids import IncidentId
from casemirror.model.incident import Status

PRIORITIES: Final[Mapping[str, float]] = {"1": 4.0, "2": 3.0, "3": 2.0, "4": 1.0, "5": 0.5}
"""ServiceNow's priority → severity."""
ROUNDUP_PRIORITIES: Final[Mapping[str, float]] = {
    "critical": 4.0,
    "urgent": 3.0,
    "bug": 2.0,
    "feature": 1.0,
    "wish": 0.5,
}


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """One ticket as it is on one side, in words that all sides share.

    said    texts of comments, as they stand there
    files   names with bytes
    """

    title: str
    description: str
    severity: float
    closed: bool
    said: tuple[str, ...] = ()
    files: tuple[tuple[str, bytes], ...] = ()

    def says(self, text: str) -> int:
        """How often something was said."""
        return sum(text in words for words in self.said)

    def has(self, name: str, body: bytes) -> int:
        """How often a file is there."""
        return sum(file == (name, body) for file in self.files)


@dataclass(kw_only=True)
class Ids:
    """What one case is called on each side; empty: not there yet."""

    here: IncidentId = IncidentId(0)
    snow: str = ""
    tracker: str = ""


class Side(Protocol):
    """A place where tickets are."""

    name: str

    def look(self, ids: Ids) -> Ticket | None:
        """The ticket as it is now; None when it is not there."""
        ...

    def count(self) -> int:
        """How many tickets there are."""
        ...


@dataclass(kw_only=True)
class ServiceNow:
    """Alice's side."""

    stage: Stage
    name: str = "ServiceNow"

    def open(self, title: str, description: str, *, impact: str, urgency: str) -> Ids:
        """Alice opens a ticket."""
        columns = {"short_description": title, "description": description, "impact": impact, "urgency": urgency}
        return Ids(snow=self.stage.snow.create("incident", by="alice", **columns)["sys_id"])

    def number(self, ids: Ids) -> str:
        """What people call the ticket."""
        return (self.stage.snow.get(ids.snow) or {"number": ids.snow})["number"]

    def look(self, ids: Ids) -> Ticket | None:
        """The record, its additional comments and attachments."""
        row = self.stage.snow.get(ids.snow) if ids.snow else None
        if row is None:
            return None
        attached = self.stage.snow.attachments(ids.snow)
        return Ticket(
            title=row["short_description"],
            description=row["description"],
            severity=PRIORITIES.get(row["priority"], 0.0),
            closed=row["state"] in ("7", "8"),
            said=tuple(entry["value"] for entry in self.stage.snow.comments(ids.snow)),
            files=tuple((a["file_name"], self.stage.snow.file(a["sys_id"])) for a in attached),
        )

    def count(self) -> int:
        """How many incidents the instance has."""
        return int(self.stage.snow.state()["tables"].get("incident", 0))

    def calls(self) -> int:
        """Calls that its API answered; Alice's work is none."""
        return sum(self.stage.snow.state()["requests"].values())


@dataclass(kw_only=True)
class Roundup:
    """Bob's side; he works over the REST API, and his calls are counted apart from casemirror's."""

    stage: Stage
    name: str = "Roundup"
    mine: int = 0
    _session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        url = self.stage.tracker.url
        self._session.trust_env = False
        self._session.auth = ("bob", "bob")
        self._session.headers.update({"X-Requested-With": "rest", "Origin": url.rsplit("/", 2)[0], "Referer": url})

    def open(self, title: str, description: str, *, priority: str) -> Ids:
        """Bob opens an issue."""
        first = self._post("msg", content=description, author="bob", date=".")
        return Ids(tracker=self._post("issue", title=title, priority=priority, messages=[first]))

    def change(self, ids: Ids, **values: Any) -> None:
        """Bob sets properties."""
        path = f"issue/{ids.tracker}"
        tag = self._call("GET", path).headers["ETag"]
        self._call("PATCH", path, json=values, headers={"If-Match": tag})

    def comment(self, ids: Ids, text: str) -> None:
        """Bob writes a message."""
        message = self._post("msg", content=text, author="bob", date=".")
        self.change(ids, messages=[m["id"] for m in self._issue(ids)["messages"]] + [message])

    def attach(self, ids: Ids, name: str, body: bytes) -> None:
        """Bob attaches a file."""
        parts = {"name": (None, name), "type": (None, "text/plain"), "content": (name, body, "text/plain")}
        file = self._call("POST", "file", files=parts).json()["data"]["id"]
        self.change(ids, files=[f["id"] for f in self._issue(ids)["files"]] + [file])

    def look(self, ids: Ids) -> Ticket | None:
        """The issue, its messages and files. The opening message is the description."""
        if not ids.tracker:
            return None
        issue = self._issue(ids)
        numbers = sorted((m["id"] for m in issue["messages"]), key=int)
        texts = [self._read(f"msg/{number}", **{"@verbose": 3})["content"] for number in numbers]
        return Ticket(
            title=issue["title"],
            description=texts[0] if texts else "",
            severity=ROUNDUP_PRIORITIES.get((issue["priority"] or {}).get("name", ""), 0.0),
            closed=(issue["status"] or {}).get("name") == "resolved",
            said=tuple(texts[1:]),
            files=tuple((f["name"], self._bytes(f["id"])) for f in issue["files"]),
        )

    def count(self) -> int:
        """How many issues the tracker has."""
        return len(self._call("GET", "issue").json()["data"]["collection"])

    def calls(self) -> int:
        """Calls that the tracker answered to others than Bob."""
        log = (self.stage.tracker.folder / "server.log").read_text(errors="replace")
        return log.count("/rest/") - self.mine

    def _issue(self, ids: Ids) -> dict[str, Any]:
        return self._read(f"issue/{ids.tracker}", **{"@verbose": 2, "@protected": "true"})

    def _read(self, path: str, **params: Any) -> dict[str, Any]:
        found: dict[str, Any] = self._call("GET", path, params=params).json()["data"]["attributes"]
        return found

    def _bytes(self, file: str) -> bytes:
        return self._call("GET", f"file/{file}/binary_content", headers={"Accept": "*/*"}).content

    def _post(self, kind: str, **values: Any) -> str:
        new: str = self._call("POST", kind, json=values).json()["data"]["id"]
        return new

    def _call(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        self.mine += 1
        answer = self._session.request(method, f"{self.stage.tracker.url}rest/data/{path}", timeout=20, **kwargs)
        answer.raise_for_status()
        return answer


@dataclass(kw_only=True)
class Here:
    """Your side: casemirror itself, by the same actions that the command line uses."""

    stage: Stage
    name: str = "casemirror"

    def look(self, ids: Ids) -> Ticket | None:
        """The incident with its war room."""
        if not ids.here:
            return None
        found = case.show(self.stage.app, self.stage.me, ids.here)
        severity = found.incident.get("severity")
        return Ticket(
            title=found.incident.name,
            description=str(found.incident.get("details") or ""),
            severity=float(severity) if isinstance(severity, int | float) else 0.0,
            closed=found.incident.status is Status.CLOSED,
            said=tuple(e.contents for e in found.entries if e.file is None and (e.user or e.mirrored)),
            files=tuple((e.file.name, self._bytes(e.file.id)) for e in found.entries if e.file),
        )

    def count(self) -> int:
        """How many incidents there are."""
        return len(incidents.list_all(self.stage.app, self.stage.me, limit=1000))

    def find(self, ids: Ids) -> IncidentId | None:
        """The incident that a remote ticket was fetched as."""
        for incident, link in incidents.list_all(self.stage.app, self.stage.me, limit=1000):
            if link and link.remote_id in (ids.snow, ids.tracker):
                return incident.id
        return None

    def learn(self, ids: Ids) -> None:
        """Note the ids of remote tickets that were created meanwhile."""
        for link in links.list_all(self.stage.app, self.stage.me, ids.here):
            if link.instance_name == SNOW:
                ids.snow = link.remote_id
            elif link.instance_name == TRACKER:
                ids.tracker = link.remote_id

    def know_closed(self, ids: Ids) -> bool:
        """Both remotes were seen closed since the incident was."""
        rows = mirror.records(self.stage.app, self.stage.me, incident_id=ids.here)
        return all(row["remoteClosed"] and not row["queued"] for row in rows)

    def link_to_tracker(self, ids: Ids) -> None:
        """Have the issue created; let its words go to ServiceNow, too."""
        links.add(self.stage.app, self.stage.me, ids.here, TRACKER, tags=TRACKER_TAGS)
        self.edit(ids, dbotMirrorTags=",".join(SNOW_TAGS))

    def link_to_snow(self, ids: Ids) -> None:
        """Have the ServiceNow record created."""
        links.add(self.stage.app, self.stage.me, ids.here, SNOW, tags=SNOW_TAGS)
        self.edit(ids, dbotMirrorTags=",".join(TRACKER_TAGS))

    def edit(self, ids: Ids, **fields: str) -> None:
        """Change fields."""
        incidents.edit(self.stage.app, self.stage.me, ids.here, fields)

    def comment(self, ids: Ids, text: str) -> None:
        """Say something to both systems."""
        warroom.comment(self.stage.app, self.stage.me, ids.here, text, tags=("comments",))

    def attach(self, ids: Ids, name: str, body: bytes) -> None:
        """Attach a file for both systems."""
        tags = ("ForServiceNow", "ForRoundup")
        warroom.attach(self.stage.app, self.stage.me, ids.here, io.BytesIO(body), name, tags=tags)

    def close(self, ids: Ids, reason: str, notes: str) -> None:
        """Close the incident."""
        incidents.close(self.stage.app, self.stage.me, ids.here, reason=reason, notes=notes)

    def _bytes(self, file: Any) -> bytes:
        from casemirror.store import files

        return files.path(self.stage.app.store, file).read_bytes()
