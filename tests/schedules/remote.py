"""The remote of the schedules: whole seconds, a late index, and an integration that may look for its own words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from casemirror.model.clock import ManualClock
from casemirror.model.values import parse_time
from casemirror.runtime.command import Command, Reply
from support.desk import Comment, Remote, Ticket, said


class ScheduleRemote(Remote):
    """A remote whose integration tells the remote's own ids.

    careful         its integration looks for what may be there already
    whole_seconds   it stamps in whole seconds
    shows_after_s           after how many seconds the index that polls look into shows a change
    """

    def __init__(self, clock: ManualClock, folder: Path, instance: str) -> None:
        super().__init__(clock, folder, instance)
        self.careful = self.whole_seconds = True
        self.shows_after_s: Callable[[], float] = lambda: 0.0
        self.indexed: defaultdict[str, list[tuple[datetime, datetime]]] = defaultdict(list)

    def ticket(self, ticket_id: str = "", **fields: Any) -> Ticket:
        """As `Remote.ticket`, with all the fields that people edit."""
        made = super().ticket(ticket_id, **{"description": "", "count": 0, "labels": [], **fields})
        self._note_change(made.id)
        return made

    def comment(self, ticket_id: str, text: str, **rest: Any) -> None:
        """As `Remote.comment`."""
        super().comment(ticket_id, text, **rest)
        self._note_change(ticket_id)

    def change(self, ticket_id: str, **fields: Any) -> None:
        """As `Remote.change`."""
        super().change(ticket_id, **fields)
        self._note_change(ticket_id)

    def _note_change(self, ticket_id: str) -> None:
        ticket, now = self.tickets[ticket_id], self.clock.now()
        if self.whole_seconds:
            ticket.changed_at = ticket.changed_at.replace(microsecond=0)
            if ticket.comments:
                ticket.comments[-1].at = ticket.comments[-1].at.replace(microsecond=0)
        self.indexed[ticket_id].append((ticket.changed_at, now + timedelta(seconds=self.shows_after_s())))

    def _poll(self, command: Command) -> Reply:
        since, now = parse_time(command.args["lastUpdate"]), self.clock.now()
        shown = (i for i, changes in self.indexed.items() if any(at >= since and seen <= now for at, seen in changes))
        return said({"Contents": list(shown), "Type": 1, "ContentsFormat": "json"})

    def _push(self, command: Command) -> Reply:
        args = command.args
        made_for = str(command.investigation["id"])
        found = next((t for t in self.tickets.values() if self.careful and t.fields.get("made_for") == made_for), None)
        remote_id = args["remoteId"] or (found.id if found else "")
        there = {c.file for c in self.tickets[remote_id].comments} if remote_id in self.tickets else set()
        if self.careful and not remote_id and args["casemirror"].get("only_look"):
            return said("", {"casemirror": {"record": "unknown"}})
        new = [e for e in args["entries"] if not (self.careful and _is_there(e, there))]
        early = [e for e in new if self.careful and e["casemirror"].get("only_look")]
        new = [e for e in new if e not in early]
        reply = super()._push(replace(command, args={**args, "remoteId": remote_id, "entries": new}))
        ticket = self.tickets[str(reply.results[-1])]
        if early:
            reply = replace(reply, results=(*reply.results, {"casemirror": {"unknown": [e["id"] for e in early]}}))
        if not args["remoteId"]:
            ticket.fields["made_for"] = made_for
        if self.careful:
            for comment, entry in zip(ticket.comments[len(ticket.comments) - len(new) :], new, strict=True):
                comment.file = entry["casemirror"]["reference"]  # kept beside the text, as a message id is
        self._note_change(ticket.id)
        return reply

    def _pull(self, command: Command) -> Reply:
        ticket = self.tickets[command.args["id"]]
        kept = ticket.comments
        ticket.comments = [c for c in kept if not (self.careful and c.ours)]
        try:
            reply = super()._pull(command)
        finally:
            ticket.comments = kept
        return reply if reply.results else said([])

    def _entry(self, comment: Comment, number: int) -> dict[str, Any]:
        return {**super()._entry(comment, number), "Tags": ["comments"]}


def _is_there(entry: Any, there: set[str]) -> bool:
    return bool(entry["casemirror"]["uncertain"] and entry["casemirror"]["reference"] in there)
