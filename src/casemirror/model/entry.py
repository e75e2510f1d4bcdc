"""Entries: everything that is said in an incident's war room — notes, chat, files, command results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum

from casemirror.model.ids import EntryId, FileId, IncidentId, LinkId
from casemirror.model.values import Json


class EntryKind(IntEnum):
    """The contract's entry types that casemirror itself writes; others are stored by their number."""

    NOTE = 1
    FILE = 3
    ERROR = 4
    ENTRY_INFO_FILE = 9


@dataclass(frozen=True, kw_only=True)
class FileRef:
    """A file of the store, as an entry shows it."""

    id: FileId
    name: str
    size: int
    """bytes"""
    content_type: str = "application/octet-stream"


@dataclass(frozen=True, kw_only=True)
class NewEntry:
    """An entry that is about to be written."""

    contents: str = ""
    kind: int = EntryKind.NOTE
    format: str = "text"
    """`text`, `markdown`, `html`, `json`"""
    user: str = ""
    """login name; empty for the system"""
    category: str = ""
    """`chat` for what a person typed"""
    tags: tuple[str, ...] = ()
    note: bool = False
    file: FileRef | None = None
    context: Json = None
    brand: str = ""
    instance: str = ""
    link_id: LinkId | None = None
    """the link that it came in by; None for what was said here"""
    fingerprint: str = ""
    seen_until: datetime | None = None
    """end of the pull that first brought it: a later pull whose window begins before this may bring it again"""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An entry as it is stored; `mirrored` says that it came in by a link."""

    id: EntryId
    incident_id: IncidentId
    number: int
    created_at: datetime
    modified_at: datetime
    contents: str = ""
    kind: int = EntryKind.NOTE
    format: str = "text"
    user: str = ""
    category: str = ""
    tags: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    """those of its tags that a person gave it later"""
    tagged_at: datetime | None = None
    note: bool = False
    file: FileRef | None = None
    context: Json = None
    brand: str = ""
    instance: str = ""
    link_id: LinkId | None = None
    fingerprint: str = ""
    seen_until: datetime | None = None
    held: bool = False
    """came in while the incident was pending: shown when it becomes active (MIR-120)"""

    @property
    def mirrored(self) -> bool:
        """It came in by mirroring."""
        return self.link_id is not None

    @property
    def label(self) -> str:
        """``"<number>@<incident>"``, the id that integrations see."""
        return f"{self.number}@{self.incident_id}"


class DeliveryState(StrEnum):
    """Where an entry stands on its way out by one link."""

    INTENDED = "intended"
    """a call that carries it was begun; its outcome is not known yet"""
    SENT = "sent"
    UNDELIVERABLE = "undeliverable"
    """its file is gone; given up with a warning"""


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """An entry that a link still has to send."""

    entry: Entry
    uncertain: bool = False
    """it was *intended* by an earlier call whose outcome nobody saw: it may be there already"""
    intended_at: datetime | None = None
    ends_by: datetime | None = None
    """the last call that may have written it is over by then"""
    only_look: bool = False
    """it may be there although no search shows it yet: to be looked for, and not to be written now"""


@dataclass(frozen=True, kw_only=True)
class RunAgain:
    """A command that an entry asks to have run later (a command that polls).   Source: csp-surface.md, ScheduledCommand.

    after_s        wait, seconds
    ends_after_s   it is given up after that long, seconds
    """

    command: str
    args: Mapping[str, Json]
    after_s: float
    ends_after_s: float


@dataclass(frozen=True, kw_only=True)
class InboundEntry:
    """An entry out of a reply, normalised; files are still paths in the command's working folder."""

    contents: str = ""
    kind: int = EntryKind.NOTE
    format: str = "text"
    tags: tuple[str, ...] = ()
    note: bool = False
    category: str = ""
    file_name: str = ""
    file_path: str = ""
    file: FileRef | None = None
    """set once the file was imported into the store"""
    context: Json = field(default=None)
    again: RunAgain | None = None
    remote_id: str = ""
    """what the remote calls it, when the integration says so: then it is never taken for another one, or for a new one"""

    @property
    def has_file(self) -> bool:
        """It brings bytes."""
        return bool(self.file_name)


@dataclass(frozen=True, kw_only=True)
class Control:
    """A control entry: `dbotIncidentClose` or `dbotIncidentReopen`."""

    close: bool
    reason: str = ""
    notes: str = ""
    extra: dict[str, Json] = field(default_factory=dict)
    """other keys of the entry, applied as inbound values where they name a field (MIR-130)"""
