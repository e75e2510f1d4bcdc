"""Runs the commands of an integration of our packs as the server does, by the real runtime, and keeps what the server would keep."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

import casemirror
from casemirror.runtime.command import Code, Command, Reply, Runtime, StagedFile

PACKS = Path(casemirror.__file__).parent / "packs"
_UNSET = {8: False, 16: []}
_USER = {"identifier": "", "password": "", "passwordChanged": False, "credential": "", "credentials": {}}


class CommandError(Exception):
    """The command ended with an error; the text is what the server would show."""


@dataclass(kw_only=True)
class Instance:
    """One instance of an integration.

    params     over the defaults of the integration's YAML
    last_run   kept from one fetch to the next, like the server does
    """

    runtime: Runtime
    yml: Path
    params: dict[str, Any]
    name: str = "instance-1"
    incident: str = "7"
    last_run: Any = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    def run(self, command: str, args: Mapping[str, Any] | None = None, files: tuple[StagedFile, ...] = ()) -> Reply:
        """The bare reply; the caller discards it."""
        described = yaml.safe_load(self.yml.read_text())
        source = self.yml.with_suffix(".py").read_text()
        key = hashlib.sha256(source.encode()).hexdigest()
        reply = self.runtime.run(
            Command(
                code=Code(key=key, name=described["name"], source=source),
                name=command,
                args=dict(args or {}),
                params={**defaults(described), **self.params},
                instance=self.name,
                brand=described["commonfields"]["id"],
                last_run=self.last_run,
                investigation={"id": self.incident},
                files=files,
                timeout_s=60,
            )
        )
        self.log += reply.log
        return reply

    def ask(self, command: str, args: Mapping[str, Any] | None = None, files: tuple[StagedFile, ...] = ()) -> list[Any]:
        """All results.  Raises CommandError."""
        reply = self.run(command, args, files)
        try:
            if reply.error:
                raise CommandError(reply.error)
            for result in reply.results:
                if isinstance(result, dict) and result.get("Type") == 4:
                    raise CommandError(result["Contents"])
            return list(reply.results)
        finally:
            reply.discard()

    def test(self) -> str:
        (result,) = self.ask("test-module")
        return str(result)

    def fetch(self) -> list[dict[str, Any]]:
        """The raw objects of one fetch; its lastRun is kept."""
        reply = self.run("fetch-incidents")
        try:
            if reply.error:
                raise CommandError(reply.error)
            self.last_run = reply.last_run
            return [json.loads(incident["rawJSON"]) for incident in reply.incidents or ()]
        finally:
            reply.discard()

    def modified(self, since: str) -> list[str]:
        (entry,) = self.ask("get-modified-remote-data", {"lastUpdate": since})
        return list(entry["Contents"])

    def pull(self, remote_id: str, since: str) -> Pulled:
        """What get-remote-data tells, the bytes of its files included."""
        reply = self.run("get-remote-data", {"id": remote_id, "lastUpdate": since})
        try:
            if reply.error:
                raise CommandError(reply.error)
            return Pulled.of(reply)
        finally:
            reply.discard()

    def push(
        self,
        remote_id: str = "",
        *,
        data: Mapping[str, Any] | None = None,
        delta: Mapping[str, Any] | None = None,
        entries: list[dict[str, Any]] | None = None,
        status: int = 1,
        files: tuple[StagedFile, ...] = (),
        **further: Any,
    ) -> str:
        """The remote id that update-remote-system answers.  `data` defaults to `delta`."""
        args = self._push_arguments(remote_id, data, delta, entries, status) | further
        return str(self.ask("update-remote-system", args, files)[-1])

    def raw_push(
        self,
        remote_id: str = "",
        *,
        data: Mapping[str, Any] | None = None,
        delta: Mapping[str, Any] | None = None,
        entries: list[dict[str, Any]] | None = None,
        files: tuple[StagedFile, ...] = (),
        **further: Any,
    ) -> Reply:
        """The reply of update-remote-system as it is, good or bad."""
        return self.run(
            "update-remote-system", self._push_arguments(remote_id, data, delta, entries, 1) | further, files
        )

    def _push_arguments(
        self,
        remote_id: str,
        data: Mapping[str, Any] | None,
        delta: Mapping[str, Any] | None,
        entries: list[dict[str, Any]] | None,
        status: int,
    ) -> dict[str, Any]:
        return {
            "remoteId": remote_id,
            "data": dict(data if data is not None else delta or {}),
            "delta": dict(delta or {}),
            "incidentChanged": bool(delta) or not remote_id,
            "status": status,
            "entries": entries or [],
        }


@dataclass(frozen=True, kw_only=True)
class Pulled:
    """get-remote-data's answer, taken apart."""

    raw: dict[str, Any] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    entries: list[dict[str, Any]] = field(default_factory=list)
    closed: dict[str, Any] | None = None
    reopened: bool = False
    message: str = ""

    @classmethod
    def of(cls, reply: Reply) -> Pulled:
        (result,) = reply.results
        if isinstance(result, str):
            return cls(message=result)
        if isinstance(result, dict):
            raise CommandError(result["Contents"])
        raw, *entries = result
        controls = [e["Contents"] for e in entries if isinstance(e["Contents"], dict)]
        found = {e["File"]: next(reply.folder.glob(f"*{e['FileID']}")).read_bytes() for e in entries if e.get("FileID")}  # type: ignore[union-attr]
        said = [e for e in entries if isinstance(e["Contents"], str)]
        return cls(
            raw=raw,
            texts=[e["Contents"] for e in said if not e.get("FileID")],
            files=found,
            entries=said,
            closed=next((c for c in controls if c.get("dbotIncidentClose")), None),
            reopened=any(c.get("dbotIncidentReopen") for c in controls),
        )


def defaults(described: Mapping[str, Any]) -> dict[str, Any]:
    """Value of every declared parameter as a new instance has it."""
    values: dict[str, Any] = {}
    for parameter in described["configuration"]:
        kind, given = parameter["type"], parameter.get("defaultvalue")
        value = _USER if kind == 9 else _UNSET.get(kind) if given in (None, "") else given
        values[parameter["name"]] = value == "true" if kind == 8 and isinstance(value, str) else value
    return values


def comment(
    text: str, number: int = 1, *, user: str = "alice", tags: tuple[str, ...] = ("comments",), **mark: Any
) -> dict[str, Any]:
    """An outgoing entry; `mark` is what casemirror says about it (uncertain, reference)."""
    entry: dict[str, Any] = {
        "id": f"{number}@7",
        "type": 1,
        "contents": text,
        "user": user,
        "tags": list(tags),
        "category": "chat",
        "file": "",
    }
    return entry | ({"casemirror": mark} if mark else {})


def attachment(folder: Path, name: str, body: bytes, number: int = 1, **mark: Any) -> tuple[dict[str, Any], StagedFile]:
    """An outgoing file entry and what the server stages for it."""
    path = folder / f"staged-{number}"
    path.write_bytes(body)
    entry = comment("", number, tags=("files",)) | {"type": 3, "file": name} | ({"casemirror": mark} if mark else {})
    return entry, StagedFile(entry_id=entry["id"], name=name, path=path)
