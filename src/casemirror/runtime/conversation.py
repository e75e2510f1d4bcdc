"""Talks with the child of one command: sends it what it needs, answers what it asks, collects what it says."""

from __future__ import annotations

import math
import shlex
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

from casemirror.runtime.command import Command, StagedFile
from casemirror.runtime.frames import TOO_MUCH, Frames, Unreadable
from casemirror.runtime.masking import Masker
from casemirror.runtime.workplace import Desk

LOG_LINES: Final = 2000
"""lines of a command's log that are kept: the first and the last half"""
LOG_LINE: Final = 4096
"""characters of one line"""
LOG_MESSAGE: Final = 16384
"""characters of one message, as `guest/demisto.py` cuts it"""

_ERROR: Final = 4
"""`Type` of an error entry"""


class Log:
    """The bounded log of one command; lines are masked when they come in."""

    def __init__(self, mask: Masker) -> None:
        self._mask = mask
        self._first: list[str] = []
        self._last: deque[str] = deque(maxlen=LOG_LINES // 2)
        self._left_out = 0

    def add(self, text: str) -> None:
        """Add a text of one or more lines."""
        for line in self._mask(text).splitlines() or [""]:
            line = line if len(line) <= LOG_LINE else line[:LOG_LINE] + " …"
            if len(self._first) < LOG_LINES // 2:
                self._first.append(line)
            else:
                self._left_out += len(self._last) == self._last.maxlen
                self._last.append(line)

    def lines(self) -> tuple[str, ...]:
        """What is kept."""
        gap = [f"… {self._left_out} lines left out …"] if self._left_out else []
        return (*self._first, *gap, *self._last)


class Context:
    """The integration context of a run whose caller keeps none (tests of an instance, dry runs): lives as long as the run."""

    def __init__(self, context: Any, version: int) -> None:
        self._context = context
        self._version = version

    def get(self) -> tuple[Any, int]:
        """(context, version)."""
        return self._context, self._version

    def set(self, context: Any, version: int) -> int:
        """New version. Raises ValueError when `version` is stale."""
        if version not in (-1, self._version):
            raise ValueError(f"the integration context has version {self._version}, not {version}")
        self._context, self._version = context, self._version + 1
        return self._version


def advice(command: Command, host: str) -> str:
    """What a refusal says after the host."""
    name = command.instance
    return f"is not among the hosts that {name} may reach; casemirror instance egress {shlex.quote(name)} --allow {host} allows it"


def masked_error(result: Any, mask: Masker) -> Any:
    """A result with the texts of error entries masked: people will see them. All other results are data and stay as they are."""
    if isinstance(result, list):
        return [masked_error(item, mask) for item in result]
    if not isinstance(result, dict) or result.get("Type") != _ERROR:
        return result
    return {key: mask(value) if isinstance(value, str) else value for key, value in result.items()}


class Conversation:
    """One command's talk, from the hello to the end; what it said is in the attributes."""

    def __init__(self, command: Command, desk: Desk, frames: Frames, mask: Masker, answer_bytes: int) -> None:
        self._command = command
        self._left = answer_bytes
        self._desk = desk
        self._frames = frames
        self._context = Context(command.context, command.context_version)
        self._mask = mask
        self.log = Log(mask)
        self.results: list[Any] = []
        self.incidents: list[Any] | None = None
        self.health: str | None = None
        self.end: Mapping[str, Any] | None = None
        """the last message: {"error", "requests", "last_run"?, "last_mirror_run"?}"""

    def hello(self) -> int:
        """Wait for the child; its process id. Raises Closed, Late, Unreadable."""
        return int(self._frames.receive()["pid"])

    def begin(self, environment: Mapping[str, str], limits: Mapping[str, int | None]) -> None:
        """Send the command. Raises Closed, Late."""
        command, desk = self._command, self._desk
        self._frames.send(
            {
                "name": command.name,
                "args": command.args,
                "params": command.params,
                "instance": command.instance,
                "brand": command.brand,
                "last_run": command.last_run,
                "last_mirror_run": command.last_mirror_run,
                "context": command.context,
                "context_version": command.context_version,
                "investigation": command.investigation,
                "incidents": command.incidents,
                "calling_context": command.calling_context,
                "files": self._staged(),
                "debug": command.debug,
                "folder": str(desk.work),
                "stdout": str(desk.stdout),
                "stderr": str(desk.stderr),
                "environment": {**environment, "HOME": str(desk.work), "TMPDIR": str(desk.work)},
                "limits": limits,
                "egress": command.egress,
                "egress_advice": advice(command, "{host}"),
                "may_listen": math.isinf(command.timeout_s),
            }
        )

    def listen(self) -> None:
        """Hear the child out. Raises Closed (it ended without a last message), Late, Unreadable."""
        while self.end is None:
            message = self._frames.receive()
            handle = self._handlers().get(message.get("say"))
            if handle is not None:
                handle(message)

    def _handlers(self) -> Mapping[Any, Callable[[Mapping[str, Any]], None]]:
        return {
            "result": self._on_result,
            "incidents": self._on_incidents,
            "log": self._on_log,
            "health": self._on_health,
            "ask": self._on_ask,
            "end": self._on_end,
        }

    def _on_result(self, message: Mapping[str, Any]) -> None:
        self._charge()
        self.results.append(masked_error(message.get("value"), self._mask))

    def _on_incidents(self, message: Mapping[str, Any]) -> None:
        self._charge()
        value = message.get("value")
        self.incidents = (self.incidents or []) + (value if isinstance(value, list) else [value])

    def _charge(self) -> None:
        """What is kept until the end is bounded. Raises Unreadable."""
        self._left -= self._frames.size
        if self._left < 0:
            raise Unreadable(TOO_MUCH)

    def _on_log(self, message: Mapping[str, Any]) -> None:
        text = str(message.get("text"))
        # the child cut a long text, perhaps in the middle of a secret
        text = text if len(text) < LOG_MESSAGE else text[:-LOG_LINE] + " …"
        self.log.add(f"{message.get('level')}: {text}")

    def _on_health(self, message: Mapping[str, Any]) -> None:
        self.health = str(message.get("text") or "")
        if self._command.host.tell_health is not None:
            self._command.host.tell_health(self._mask(self.health))

    def _on_end(self, message: Mapping[str, Any]) -> None:
        self.end = message

    def _on_ask(self, message: Mapping[str, Any]) -> None:
        try:
            answer: dict[str, Any] = {"value": self._answer(message)}
        except ValueError as error:
            answer = {"error": str(error), "kind": "ValueError"}
        self._frames.send(answer)

    def _answer(self, message: Mapping[str, Any]) -> Any:
        """The value asked for. Raises ValueError, which the integration gets."""
        host, what = self._command.host, message.get("what")
        if what == "set_context":
            return (host.set_context or self._context.set)(message.get("context"), int(message.get("version", -1)))
        if what == "get_context":
            context, version = (host.get_context or self._context.get)()
            return {"context": context, "version": version}
        if what == "find_user":
            return (host.find_user(message.get("asked") or {}) if host.find_user else None) or {}
        if what == "get_file":
            return self._file(str(message.get("entry_id")))
        if what == "map_object":
            return self._mapped(message)
        if what == "transform":
            return self._transformed(message)
        if what == "pack_version":
            return host.pack_version(str(message.get("name") or "")) if host.pack_version else ""
        if what == "create_incidents":
            if host.create_incidents is None:
                raise ValueError("this command cannot create incidents")
            raws = list(message.get("incidents") or [])
            return host.create_incidents(raws, message.get("last_run"), self._desk.work)
        raise ValueError(f"unsupported: {what}")

    def _mapped(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        if self._command.host.map_object is None:
            raise ValueError("this command cannot map objects")
        named = str(message.get("mapper") or ""), str(message.get("type") or "")
        return self._command.host.map_object(message.get("object"), *named)

    def _transformed(self, message: Mapping[str, Any]) -> Any:
        if self._command.host.transform is None:
            raise ValueError("this command cannot use the transform language (demisto.dt)")
        return self._command.host.transform(message.get("object"), str(message.get("expression") or ""))

    def _file(self, entry_id: str) -> Mapping[str, str]:
        found: StagedFile | None = self._command.host.get_file(entry_id) if self._command.host.get_file else None
        if found is None:
            raise ValueError(f"no file entry {entry_id!r}")
        try:
            return self._desk.stage(found)
        except OSError as error:
            raise ValueError(f"the file of entry {entry_id!r} is gone: {error.strerror}") from error

    def _staged(self) -> dict[str, Mapping[str, str]]:
        """Files by entry id; one that is gone is left out: the integration gets ValueError for it (mirroring.md §3.7)."""
        staged: dict[str, Mapping[str, str]] = {}
        for file in self._command.files:
            try:
                staged[file.entry_id] = self._desk.stage(file)
            except OSError as error:
                self.log.add(f"warning: file {file.name!r} of entry {file.entry_id} cannot be given: {error.strerror}")
        return staged
