"""Runs the commands of an integration as the engine does, without a store: its notebooks live as long as the bench.

Arguments and answers go through `runtime.wire`, classifiers and mappers through `mapping`: what is tried here is what the
engine would do. Every call is noted, with secrets masked.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from casemirror.actions.contract.remote import Remote
from casemirror.actions.contract.subject import Subject
from casemirror.actions.planning_runtime import masked
from casemirror.engine import commands, fetch
from casemirror.engine.pack_scripts import PackScripts
from casemirror.mapping import classify, incoming
from casemirror.mapping import outgoing as mapper_out
from casemirror.mapping.outside import Outside
from casemirror.model.clock import Clock, SystemClock
from casemirror.model.entry import Entry, EntryKind, FileRef, Outgoing
from casemirror.model.ids import EntryId, FileId, IncidentId
from casemirror.model.incident import CLOSE_FIELDS, Incident, MirrorFields, Status
from casemirror.model.settings import Settings
from casemirror.model.values import Json, time_text
from casemirror.runtime import wire
from casemirror.runtime.command import Command, Ending, HostCalls, Reply, Runtime, StagedFile
from casemirror.runtime.masking import Masker
from casemirror.runtime.wire import PollAnswer, RemoteData

INSTANCE: Final = "check"
"""What `demisto.integrationInstance()` says."""
INCIDENT: Final = IncidentId(1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LIMIT_S: Final = 120.0
"""Wall clock of one command, seconds."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One command that was run; everything in it is masked."""

    command: str
    args: Mapping[str, Any]
    answer: Any
    ending: Ending
    error: str = ""
    log: tuple[str, ...] = ()
    duration_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """One incident that a fetch gave.

    raw      as the integration gave it
    event    its object: what the classifier and the mapper see
    fields   incident field → value, mapped in
    """

    raw: Mapping[str, Any]
    event: Mapping[str, Any]
    kind: str
    mirror: MirrorFields
    fields: Mapping[str, Json]


@dataclass(kw_only=True)
class Bench:
    """One instance on trial.

    params      all parameters, as the code gets them
    secrets     texts to mask
    remote      what can be played with; None: nothing, or a real one
    may_write   id of an object of a real remote that may be written to; empty: none
    """

    subject: Subject
    runtime: Runtime
    params: Mapping[str, Json]
    secrets: tuple[str, ...] = ()
    remote: Remote | None = None
    may_write: str = ""
    clock: Clock = field(default_factory=SystemClock)
    settings: Settings = field(default_factory=lambda: Settings({}))
    calls: list[Call] = field(default_factory=list)
    last_run: Any = field(default_factory=dict)
    last_mirror_run: Any = field(default_factory=dict)
    _context: Any = field(default_factory=dict)
    _version: int = 0
    _replies: list[Reply] = field(default_factory=list)
    _numbers: int = 0
    memory: dict[str, Any] = field(default_factory=dict)
    """what several points look at and only the first one has to make"""

    # running

    def run(
        self, name: str, args: Mapping[str, Any] | None = None, files: tuple[StagedFile, ...] = (), **over: Any
    ) -> Reply:
        """Run one command to its end; its notebooks are kept when it ended well. `tidy` removes what it left.

        over   fields of `runtime.command.Command` that are to be other than usual
        """
        subject, args = self.subject, args or {}
        usual: dict[str, Any] = {
            "instance": INSTANCE,
            "params": self.params,
            "last_run": self.last_run,
            "last_mirror_run": self.last_mirror_run,
            "context": self._context,
            "context_version": self._version,
            "investigation": {"id": str(INCIDENT)},
            "host": HostCalls(set_context=self._set_context, get_context=lambda: (self._context, self._version)),
            "timeout_s": _LIMIT_S,
        }
        reply = self.runtime.run(
            Command(
                code=commands.code_of(subject.integration, subject.catalog),
                name=name,
                args=args,
                brand=subject.integration.id,
                files=files,
                secrets=self.secrets,
                **{**usual, **over},
            )
        )
        self._replies.append(reply)
        self._note(name, args, reply)
        if not wire.error_text(reply):
            self.last_run = self.last_run if reply.last_run is None else reply.last_run
            self.last_mirror_run = self.last_mirror_run if reply.last_mirror_run is None else reply.last_mirror_run
        return reply

    def _note(self, name: str, args: Mapping[str, Any], reply: Reply) -> None:
        answer: list[Any] = [*reply.results, *([{"incidents": list(reply.incidents)}] if reply.incidents else [])]
        self.calls.append(
            Call(
                command=name,
                args=masked(self.mask, dict(args)),
                answer=masked(self.mask, answer),
                ending=reply.ending,
                error=reply.error,
                log=reply.log,
                duration_s=reply.duration_s,
            )
        )

    @cached_property
    def mask(self) -> Masker:
        """Takes secrets out of texts."""
        return Masker(self.secrets)

    def _set_context(self, context: Any, version: int) -> int:
        if version not in (-1, self._version):
            raise ValueError(f"version {version} of the context is stale; it is {self._version} now")
        self._context, self._version = context, self._version + 1
        return self._version

    def tidy(self) -> None:
        """Remove what the commands left in their folders, and forget the calls."""
        for reply in self._replies:
            reply.discard()
        self._replies.clear()
        self.calls.clear()

    # time

    def moment(self) -> datetime:
        """A time that the remote can tell from all that was before, and not from what is done at once."""
        step = timedelta(seconds=self.remote.resolution_s if self.remote else 1.0)
        now = self.clock.now()
        following = _EPOCH + ((now - _EPOCH) // step + 1) * step
        self.clock.sleep((following - now).total_seconds())
        return following

    def earlier(self, **by: float) -> datetime:
        """A time before now."""
        return self.clock.now() - timedelta(**by)

    # the mirror commands, understood as the engine does

    def fetch(self, last_run: Any = None) -> list[Fetched]:
        """Fetch once, from `last_run` on when it is given. Raises what `wire.parse_fetch` raises."""
        reply = self.run("fetch-incidents", {}, **({} if last_run is None else {"last_run": last_run}))
        return [self.understood(raw) for raw in wire.parse_fetch(reply)]

    def understood(self, raw: Mapping[str, Any]) -> Fetched:
        """A fetched incident, classified and mapped as the engine does it (`engine.fetch.prepare`)."""
        given = wire.new_incident(raw)
        event = fetch.event_of(given, raw)
        kind = classify.classify(
            event, self.subject.classifier, self._default_type, str(raw.get("type") or ""), self.outside
        )
        mapped = self._map_in(event, kind)
        return Fetched(
            raw=raw,
            event=event,
            kind=kind,
            mirror=fetch.merged_mirror(given.mirror, wire.parse_mirror_fields(mapped.mirror)),
            fields={**given.fields, **mapped.fields},
        )

    @property
    def _default_type(self) -> str:
        return next((str(self.params.get(p.name) or "") for p in self.subject.integration.params if p.type == 13), "")

    @property
    def outside(self) -> Outside:
        """The world around an evaluation."""
        scripts = PackScripts(self.runtime, self.subject.catalog, self.settings)
        return Outside(now=self.clock.now(), scripts=scripts)

    def _map_in(self, event: Mapping[str, Any], kind: str) -> incoming.MappedIn:
        return incoming.map_in(event, self.subject.mapper_in, kind, self.subject.catalog, outside=self.outside)

    def poll(self, since: datetime | str) -> PollAnswer:
        """Ask what changed since a time, or since one that is written in a way of its own. Raises as `wire.parse_poll`."""
        args = {"lastUpdate": since} if isinstance(since, str) else wire.poll_arguments(since)
        return wire.parse_poll(self.run("get-modified-remote-data", args, investigation={"id": "playground"}))

    def named(self, since: datetime | str) -> frozenset[str]:
        """Ids that a poll names."""
        answer = self.poll(since)
        return frozenset({*answer.ids, *answer.data})

    def pull(self, remote_id: str, since: datetime | str) -> RemoteData:
        """Look at one object. Raises as `wire.parse_pull`."""
        args = {"id": remote_id, "lastUpdate": since if isinstance(since, str) else time_text(since)}
        return wire.parse_pull(self.run("get-remote-data", args), remote_id)

    def told(self, data: RemoteData) -> dict[str, Json]:
        """Incident field → value of what a pull told."""
        return self._map_in(data.object, self._kind).told if data.object is not None else {}

    @property
    def _kind(self) -> str:
        """The type of the incident on trial."""
        classifier = self.subject.classifier
        return (classifier.default_type if classifier else "") or self._default_type or classify.UNCLASSIFIED

    def local(self, fields: Mapping[str, Json], status: Status = Status.ACTIVE) -> Incident:
        """An incident of ours with these fields."""
        now = self.clock.now()
        return Incident(
            id=INCIDENT,
            guid=str(uuid.uuid4()),
            version=1,
            type=self._kind,
            status=status,
            fields=fields,
            created_at=now,
            modified_at=now,
            occurred_at=now,
        )

    def push_arguments(
        self,
        remote_id: str,
        incident: Incident,
        dirty: Collection[str] = (),
        sends: Sequence[Outgoing] = (),
        *,
        status_changed: bool = False,
        only_look: bool = False,
    ) -> dict[str, Any]:
        """What the engine gives to update-remote-system (`engine.outbound.pack`); without an id the object is to be created."""
        source = wire.outgoing_source(incident, None)
        mapped = mapper_out.map_out(
            source,
            self.subject.mapper_out,
            incident.type,
            dirty=set(dirty) if remote_id else set(source),
            passthrough=self.settings.words("mirror.passthrough"),
            outside=self.outside,
        )
        delta = dict(mapped.delta) if remote_id else dict(mapped.data)
        return wire.push_arguments(
            remote_id=remote_id,
            data=dict(mapped.data),
            delta=delta,
            incident_changed=not remote_id or status_changed or bool(delta),
            status=int(incident.status),
            entries=[wire.outgoing_entry(each) for each in sends],
            status_changed=status_changed,
            only_look=only_look,
        )

    def push(
        self,
        remote_id: str,
        incident: Incident,
        dirty: Collection[str] = (),
        sends: Sequence[Outgoing] = (),
        *,
        files: tuple[StagedFile, ...] = (),
        status_changed: bool = False,
    ) -> str:
        """Send what changed; the id that it answers. Raises as `wire.parse_push`."""
        args = self.push_arguments(remote_id, incident, dirty, sends, status_changed=status_changed)
        return wire.parse_push(self.run("update-remote-system", args, files))

    def said(self, text: str, tags: Iterable[str], file: Path | None = None) -> Outgoing:
        """An entry that somebody wrote here and that is to be sent; with `file` it is a file of the name `text`."""
        self._numbers += 1
        now = self.clock.now()
        attached = FileRef(id=FileId("0" * 64), name=text, size=file.stat().st_size) if file else None
        entry = Entry(
            id=EntryId(self._numbers),
            incident_id=INCIDENT,
            number=self._numbers,
            created_at=now,
            modified_at=now,
            contents="" if file else text,
            kind=EntryKind.FILE if file else EntryKind.NOTE,
            user="analyst",
            category="" if file else "chat",
            tags=tuple(tags),
            file=attached,
        )
        return Outgoing(entry=entry)

    # the remote

    @contextmanager
    def misbehaving(self, how: str) -> Iterator[None]:
        """While the remote refuses (`limit`) or fails (`fail`) every call."""
        switch = getattr(self.remote, how)
        switch(True)
        try:
            yield
        finally:
            switch(False)


def again(sent: Outgoing, *, only_look: bool = False) -> Outgoing:
    """The same entry, sent once more because nobody saw what became of the first call (rule 7)."""
    return replace(sent, uncertain=True, only_look=only_look)


def closed(incident: Incident, now: datetime) -> tuple[Incident, tuple[str, ...]]:
    """The incident closed by a person, and what that made dirty.   Source: mirroring.md §3.2; MIR-153."""
    closing = {"closeReason": "Resolved", "closeNotes": "Closed by casemirror check.", "closingUserId": "analyst"}
    fields = {**incident.fields, **closing}
    return replace(incident, fields=fields, status=Status.CLOSED, closed_at=now), CLOSE_FIELDS
