"""A remote system and its integration, played by one Python object; the only fake of the engine's tests.

`Remote` plays: tickets with fields, comments and files, and what the mirror commands of an ordinary integration answer.
`ScriptedRuntime` hands each command to the remote of its instance. Every call is recorded; the next answer of a command
can be another one (`next_answer`), and things can happen while a command runs (`during`, `afterwards`).
"""

from __future__ import annotations

import copy
import json
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from casemirror.model.clock import ManualClock
from casemirror.model.values import parse_time, time_text
from casemirror.runtime.command import Command, Ending, Reply

POLL, PULL, PUSH, FETCH = "get-modified-remote-data", "get-remote-data", "update-remote-system", "fetch-incidents"
MARKER = "Mirrored from Cortex XSOAR"


class Killed(BaseException):
    """The whole process dies here (kill -9): nothing of ours may catch it."""


def said(*results: Any, **rest: Any) -> Reply:
    """The command sends these results and ends well."""
    return Reply(results=results, **rest)


def error(text: str) -> Reply:
    """What `return_error` makes: an error entry and a normal end."""
    return said({"Type": 4, "ContentsFormat": "text", "Contents": text, "EntryContext": None})


def raised(kind: str, text: str = "") -> Reply:
    """An exception escapes the script."""
    trace = f'Traceback (most recent call last):\n  File "<script>", line 7, in main\n    work()\n{kind}: {text}'
    return Reply(ending=Ending.RAISED, error=trace)


def died() -> Reply:
    """The process ends without an answer."""
    return Reply(ending=Ending.DIED, error="the command was ended by signal 9")


def timed_out() -> Reply:
    """The process is killed at the time limit."""
    return Reply(ending=Ending.TIMED_OUT, error="the command took longer than 300 s and was killed")


def note(text: str, **keys: Any) -> dict[str, Any]:
    """An inbound war-room entry."""
    return {"Type": 1, "Contents": text, "ContentsFormat": "text", "Note": False, **keys}


def close_entry(reason: str = "Resolved", notes: str | None = "fixed there", **extra: Any) -> dict[str, Any]:
    """The control entry that closes."""
    contents = {"dbotIncidentClose": True, "closeReason": reason, **extra}
    return note("", Contents=contents if notes is None else {**contents, "closeNotes": notes}, ContentsFormat="json")


def reopen_entry() -> dict[str, Any]:
    """The control entry that reopens."""
    return note("", Contents={"dbotIncidentReopen": True}, ContentsFormat="json")


@dataclass(kw_only=True)
class Comment:
    """A comment, or a file with its name; `ours` came from casemirror."""

    text: str
    at: datetime
    visible_at: datetime
    ours: bool = False
    file: str = ""
    content: bytes = b""


@dataclass(kw_only=True)
class Ticket:
    """One remote object."""

    id: str
    created_at: datetime
    changed_at: datetime
    fields: dict[str, Any] = field(default_factory=dict)
    comments: list[Comment] = field(default_factory=list)
    closed: bool = False
    reason: str = ""

    @property
    def texts(self) -> list[str]:
        """What people read there."""
        return [c.file or c.text for c in self.comments]


@dataclass(frozen=True)
class Call:
    """One command as it was asked for."""

    name: str
    args: Mapping[str, Any]
    at: datetime
    command: Command = field(repr=False)


Answer = Reply | Callable[[Command], Reply]


class Remote:
    """A remote system with an ordinary integration in front of it; traits are attributes.

    takes_s       a call lasts that long on the hand-turned clock
    creates       update-remote-system with an empty remoteId makes a ticket
    says_reopen   an open ticket that was closed before is answered with a reopen entry
    extra         keys laid over each mirrored object
    lag_s         the list of what changed knows a change only so much later
    behind_s      its clock is behind ours: its times, and what it compares with `lastUpdate`
    page          most rows of that list, oldest change first; 0: all
    tells_change  the object bears the time of its last change
    """

    def __init__(self, clock: ManualClock, folder: Path, instance: str) -> None:
        self.clock, self.folder, self.instance = clock, folder, instance
        self.tickets: dict[str, Ticket] = {}
        self.calls: list[Call] = []
        self.takes_s = 0.0
        self.creates = True
        self.says_reopen = False
        self.extra: dict[str, Any] = {}
        self.lag_s = self.behind_s = 0.0
        self.page = 0
        self.tells_change = False
        self._answers: dict[str, deque[Answer]] = defaultdict(deque)
        self._before: dict[str, deque[Callable[[], object]]] = defaultdict(deque)
        self._after: dict[str, deque[Callable[[], object]]] = defaultdict(deque)

    # a person's hands there

    def ticket(self, ticket_id: str = "", **fields: Any) -> Ticket:
        """Somebody opens a ticket."""
        now = self.clock.now()
        made = Ticket(id=ticket_id or f"T{len(self.tickets) + 1}", created_at=now, changed_at=now)
        made.fields = {"title": "printer on fire", "state": "new", "severity": 1, **fields}
        self.tickets[made.id] = made
        return made

    def change(self, ticket_id: str, **fields: Any) -> None:
        """Somebody changes fields."""
        ticket = self.tickets[ticket_id]
        ticket.fields.update(fields)
        ticket.changed_at = self.clock.now()

    def comment(self, ticket_id: str, text: str, *, visible_after_s: float = 0.0, **rest: Any) -> None:
        """Somebody says something; a slow index shows it later, under the time at which it was said."""
        now = self.clock.now()
        ticket = self.tickets[ticket_id]
        later = datetime.fromtimestamp(now.timestamp() + visible_after_s, now.tzinfo)
        ticket.comments.append(Comment(text=text, at=now, visible_at=later, **rest))
        ticket.changed_at = now

    def close(self, ticket_id: str, reason: str = "Resolved") -> None:
        """Somebody closes the ticket."""
        self.change(ticket_id)
        self.tickets[ticket_id].closed, self.tickets[ticket_id].reason = True, reason

    def reopen(self, ticket_id: str) -> None:
        """Somebody opens it again."""
        self.change(ticket_id)
        self.tickets[ticket_id].closed = False

    # what tests arrange

    def next_answer(self, command: str, *answers: Answer) -> None:
        """The next calls of a command are answered by these, once each; what is played then comes back."""
        self._answers[command].extend(answers)

    def loses_answer(self, command: str) -> None:
        """The next call of a command has its effect, then the process dies."""

        def lost(asked: Command) -> Reply:
            self.play(asked)
            return died()

        self.next_answer(command, lost)

    def during(self, command: str, work: Callable[[], object]) -> None:
        """While the next call of a command runs, before it has its effect, this happens."""
        self._before[command].append(work)

    def afterwards(self, command: str, work: Callable[[], object]) -> None:
        """After the next call of a command had its effect, and before its answer arrives, this happens."""
        self._after[command].append(work)

    # what tests look at

    def asked(self, command: str) -> list[Mapping[str, Any]]:
        """Arguments of all calls of a command."""
        return [call.args for call in self.calls if call.name == command]

    def since(self, number: int) -> list[str]:
        """Names of the calls after the first `number` ones."""
        return [call.name for call in self.calls[number:]]

    def pulled(self) -> list[str]:
        """Remote ids in the order of the pulls."""
        return [args["id"] for args in self.asked(PULL)]

    # the integration

    def run(self, command: Command) -> Reply:
        """Answer one command."""
        self.calls.append(Call(command.name, copy.deepcopy(dict(command.args)), self.clock.now(), command))
        self.clock.turn(self.takes_s)
        if self._before[command.name]:
            self._before[command.name].popleft()()
        answers = self._answers[command.name]
        answer: Answer = answers.popleft() if answers else self.play
        reply = answer if isinstance(answer, Reply) else answer(command)
        if self._after[command.name]:
            self._after[command.name].popleft()()
        return reply

    def play(self, command: Command) -> Reply:
        """What an ordinary integration does."""
        plays = {POLL: self._poll, PULL: self._pull, PUSH: self._push, FETCH: self._fetch}
        return plays[command.name](command)

    def _poll(self, command: Command) -> Reply:
        since = parse_time(command.args["lastUpdate"])
        listed = self.clock.now() - timedelta(seconds=self.lag_s)
        found = [t for t in self.tickets.values() if self._stamp(t) >= since and t.changed_at <= listed]
        ids = [t.id for t in sorted(found, key=lambda t: t.changed_at)][: self.page or None]
        return said({"Contents": ids, "Type": 1, "ContentsFormat": "json"})

    def _stamp(self, ticket: Ticket) -> datetime:
        """When the ticket was changed, by the remote's own clock."""
        return ticket.changed_at - timedelta(seconds=self.behind_s)

    def _pull(self, command: Command) -> Reply:
        ticket = self.tickets.get(command.args["id"])
        if ticket is None:
            return said("Ticket was not found.")
        since, now = parse_time(command.args["lastUpdate"]), self.clock.now()
        seen = [c for c in ticket.comments if c.at >= since and c.visible_at <= now]
        entries = [self._entry(c, number) for number, c in enumerate(seen)]
        control = []
        if ticket.closed:
            control = [close_entry(ticket.reason)]
        elif self.says_reopen:
            control = [reopen_entry()]
        told = {"updated_at": time_text(self._stamp(ticket))} if self.tells_change else {}
        return said([{"id": ticket.id, **ticket.fields, **told, **self.extra}, *entries, *control], folder=self.folder)

    def _entry(self, comment: Comment, number: int) -> dict[str, Any]:
        if not comment.file:
            return note(f"{comment.text}\n\n{MARKER}" if comment.ours else comment.text)
        (self.folder / f"1_{number}").write_bytes(comment.content)
        return note("", Type=3, File=comment.file, FileID=str(number))

    def _push(self, command: Command) -> Reply:
        args = command.args
        ticket = self.tickets.get(args["remoteId"])
        if ticket is None:
            if args["remoteId"] or not self.creates:
                return said(args["remoteId"])
            ticket = self.ticket(title="", severity=0)
        names = ticket.fields.keys() | {"title", "description", "note", "assignee"}
        ticket.fields.update({k: v for k, v in args["delta"].items() if k in names})
        ticket.changed_at = now = self.clock.now()
        for entry in args["entries"]:
            staged = next((f for f in command.files if f.entry_id == entry["id"]), None)
            content = staged.path.read_bytes() if staged else b""
            text, file = entry["contents"], entry["file"]
            ticket.comments.append(Comment(text=text, at=now, visible_at=now, ours=True, file=file, content=content))
        if args["casemirror"]["status_changed"]:
            ticket.closed, ticket.reason = args["status"] == 2, args["delta"].get("closeReason", "")
        return said(ticket.id)

    def _fetch(self, command: Command) -> Reply:
        after = parse_time(command.last_run["at"]) if command.last_run else None
        found = [t for t in self.tickets.values() if after is None or t.created_at > after]
        newest = max((t.created_at for t in found), default=after)
        last_run = {"at": time_text(newest)} if newest else {}
        return Reply(incidents=tuple(self._event(t) for t in found), last_run=last_run)

    def _event(self, ticket: Ticket) -> dict[str, Any]:
        event = {"id": ticket.id, "kind": "ticket", **ticket.fields}
        mirror = {
            "mirror_id": ticket.id,
            "mirror_instance": self.instance,
            "mirror_direction": "Both",
            "mirror_tags": "comments",
        }
        return {
            "name": ticket.fields["title"],
            "occurred": time_text(ticket.created_at),
            "rawJSON": json.dumps({**event, **mirror}),
        }


class ScriptedRuntime:
    """Runs commands by the remote of their instance; `watch` looks at every call before it is answered."""

    def __init__(self, watch: Callable[[], object] = lambda: None) -> None:
        self.remotes: dict[str, Remote] = {}
        self._watch = watch

    def run(self, command: Command) -> Reply:
        """Run one command to its end."""
        self._watch()
        return self.remotes[command.instance].run(command)

    def close(self) -> None:
        """Nothing to end."""
