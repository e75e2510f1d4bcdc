"""What an author sees: each command, what it answered, how that was understood, what the engine decided."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from casemirror.actions.planning_link import changes_of
from casemirror.actions.planning_values import Change
from casemirror.cli import output
from casemirror.engine.looking import Decided
from casemirror.engine.turn import Turn
from casemirror.model.errors import CasemirrorError
from casemirror.runtime import wire
from casemirror.runtime.command import Command, Reply, Runtime
from casemirror.runtime.masking import Masker

SHOWN: Final = 160
"""Characters of a value."""
_LOG: Final = 12
"""Lines of the log of a command that failed; the last ones say most."""


@dataclass(kw_only=True)
class Trace:
    """Writes lines. A cycle that finds nothing writes none: what it would have said is held back and forgotten.

    show_log   the integration's log lines, also of commands that went well
    """

    console: Console
    show_log: bool = False
    failures: int = 0
    _held: list[Text] | None = field(default=None, repr=False)

    def line(self, mark: str, text: str, style: str = "") -> None:
        """One line with the time."""
        for number, part in enumerate(output.clean(text).splitlines() or [""]):
            at = time.strftime("%H:%M:%S") if not number else " " * 8
            line = Text.assemble(
                (f"{at} ", "dim"), (f"{mark if not number else '':<2} ", style or "dim"), (part, style)
            )
            if self._held is None:
                self.console.print(line, soft_wrap=True)
            else:
                self._held.append(line)

    def heading(self, text: str) -> None:
        """What begins now."""
        self.console.print(Text(f"\n{output.clean(text)}", style="bold"), soft_wrap=True)

    def good(self, text: str) -> None:
        """Something is as it should be."""
        self.line("✓", text, "green")

    def bad(self, text: str) -> None:
        """Something is not; counted."""
        self.failures += 1
        self.release()
        self.line("✗", text, "red")

    def hold(self) -> None:
        """Hold lines back until it is known whether they are worth a look."""
        self._held = []

    def release(self) -> None:
        """They are."""
        held, self._held = self._held, None
        for line in held or ():
            self.console.print(line, soft_wrap=True)

    def forget(self) -> None:
        """They are not."""
        self._held = None


@dataclass(frozen=True)
class Tracer:
    """Runs commands, and shows each; scripts of mappers run unseen.

    secrets   what is masked; a user name is not, or half of a trace would be unreadable
    """

    runtime: Runtime
    trace: Trace
    secrets: Callable[[], tuple[str, ...]]

    def run(self, command: Command) -> Reply:
        """Run one command to its end."""
        if not command.instance:
            return self.runtime.run(command)
        command = replace(command, secrets=self.secrets())
        mask = Masker(command.secrets)
        self.trace.line("→", f"{command.name} {mask(_asked(command))}".rstrip())
        reply = self.runtime.run(command)
        text = wire.error_text(reply)
        self.trace.line("←", mask(_answered(reply, text)), "red" if text else "")
        if not text:
            self.trace.line("=", mask(understood(command, reply)), "cyan")
        if self.trace.show_log or text:
            for line in reply.log if self.trace.show_log else reply.log[-_LOG:]:
                self.trace.line("|", line, "dim")
        return reply

    def close(self) -> None:
        """Nothing of its own to end."""


def _asked(command: Command) -> str:
    """The arguments, and the notebook that a fetch goes on from."""
    args = dict(command.args)
    if command.name == "fetch-incidents":
        args = {"lastRun": command.last_run}
    return wire.shown(args, 4 * SHOWN) if args else ""


def _answered(reply: Reply, error: str) -> str:
    took = f"   {reply.duration_s:.2f} s" + ("" if reply.ending == "normal" else f", {reply.ending}")
    if error:
        return f"{error.strip()}{took}"
    told: list[Any] = [*reply.results]
    if reply.incidents is not None:
        told.append({"incidents": list(reply.incidents)})
    notes = {"lastRun": reply.last_run, "lastMirrorRun": reply.last_mirror_run}
    set_ = "".join(f"   {name} {wire.shown(value, 2 * SHOWN)}" for name, value in notes.items() if value is not None)
    return f"{wire.shown(told[0] if len(told) == 1 else told, 4 * SHOWN) if told else 'nothing'}{set_}{took}"


def understood(command: Command, reply: Reply) -> str:
    """What the engine makes of an answer, in words."""
    readers: Mapping[str, Callable[[Reply], str]] = {
        "test-module": _test,
        "fetch-incidents": _fetch,
        "get-modified-remote-data": _poll,
        "get-remote-data": lambda reply: _pull(reply, str(command.args.get("id") or "")),
        "update-remote-system": _push,
        "get-mapping-fields": _schema,
    }
    reader = readers.get(command.name)
    try:
        return reader(reply) if reader else "an answer"
    except CasemirrorError as error:
        return f"{error.stable_code}: {error.message}"


def _test(reply: Reply) -> str:
    wire.parse_test(reply)
    return "it works"


def _fetch(reply: Reply) -> str:
    found = wire.parse_fetch(reply)
    return ", ".join([output.many(len(found), "incident"), *(repr(raw.get("name")) for raw in found[:3])])


def _poll(reply: Reply) -> str:
    answer = wire.parse_poll(reply)
    if answer.kind == "silent":
        return "no answer at all: taken for a command that is not implemented, or for no news"
    if answer.kind == "error":
        return f"an error without a mark: {answer.text}"
    ids = [*answer.ids, *answer.data]
    notes = "".join(f"; left out: {warning}" for warning in answer.warnings)
    return (f"changed: {', '.join(ids[:10])}{' …' if len(ids) > 10 else ''}" if ids else "nothing changed") + notes


def _pull(reply: Reply, remote_id: str) -> str:
    data = wire.parse_pull(reply, remote_id)
    parts = [f"an object of {output.many(len(data.object), 'key')}" if data.object else "no object"]
    said = [entry for entry in data.entries if not entry.has_file]
    parts += [output.many(len(said), "comment")] if said else []
    parts += [f"file {entry.file_name}" for entry in data.entries if entry.has_file]
    parts += ["it is closed there" if control.close else "it is open there" for control in data.controls]
    parts += [f"a message: {data.message}"] if data.message else []
    return ", ".join([*parts, *(f"left out: {warning}" for warning in data.warnings)])


def _push(reply: Reply) -> str:
    remote_id = wire.parse_push(reply)
    return f"written to {remote_id}" if remote_id else "no id: nothing was created"


def _schema(reply: Reply) -> str:
    schema = wire.parse_schema(reply)
    return ", ".join(f"{name}: {output.many(len(fields), 'field')}" for name, fields in schema.items()) or "no fields"


def decisions(trace: Trace, mask: Masker) -> Callable[[Turn, Decided], None]:
    """Shows what the engine decided about each link; a link of which both sides agree has nothing to show."""

    def tell(turn: Turn, decided: Decided) -> None:
        changes = changes_of(turn, decided, mask)
        name = f"incident {decided.incident.id}"
        for change in changes:
            trace.line("!", f"{name}: {described(change)}", "yellow")
        if not changes:
            trace.line("!", f"{name}: both sides agree")

    return tell


def described(change: Change) -> str:
    """One line of a decision."""
    parts = [change.kind, change.name]
    if change.kind in ("field in", "field out", "kept", "conflict"):
        parts.append(f"{short(change.old)} → {short(change.new)}")
    elif change.new not in (None, ""):
        parts.append(short(change.new))
    return " ".join(filter(None, parts)) + (f"   ({change.why})" if change.why else "")


def short(value: Any) -> str:
    """A value on a line."""
    return wire.shown(value, SHOWN)
