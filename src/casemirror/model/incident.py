"""The incident: casemirror's local case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Final

from casemirror.model.ids import IncidentId
from casemirror.model.values import Fields, Json


class Status(IntEnum):
    """State of an incident; the numbers are the contract's.   Source: seed `IncidentStatus`."""

    PENDING = 0
    ACTIVE = 1
    CLOSED = 2
    ARCHIVED = 3


SEVERITIES: Final[Mapping[str, float]] = {
    "unknown": 0,
    "informational": 0.5,
    "low": 1,
    "medium": 2,
    "high": 3,
    "critical": 4,
}
"""Level names in lower case → number.   Source: content.md §5.4."""

SYSTEM_FIELDS: Final = frozenset(
    "name details severity owner occurred category phase reason closeReason closeNotes closingUserId reminder "
    "notifyTime runStatus sourceBrand sourceInstance playbookId dueDate parent sla".split()
)
"""System fields that live in `Incident.fields` beside the custom ones. What is not here and not a column is custom."""

CLOSE_FIELDS: Final = ("closeReason", "closeNotes", "closingUserId")

MIRROR_ERROR_IN: Final = "incomingmirrorerror"
MIRROR_ERROR_OUT: Final = "outgoingmirrorerror"
MIRROR_ERRORS: Final = (MIRROR_ERROR_IN, MIRROR_ERROR_OUT)
"""Fields that show why the last pull brought nothing and why the last push failed; they are never dirty and never go out.

Source: mirroring.md §2.8.
"""

ENGINE_FIELDS: Final = frozenset(
    "id version guid type status created modified closed activated lastOpen openDuration rawJSON rawType rawName "
    "investigationId labels attachment droppedCount linkedCount dbotMirrorId dbotMirrorInstance dbotMirrorDirection "
    "dbotMirrorTags dbotDirtyFields dbotCurrentDirtyFields dbotMirrorLastSync CustomFields".split()
)
"""Names that no mirror-in and no field edit may write: columns, links and bookkeeping.   Source: mirroring.md §4.3.2."""


@dataclass(frozen=True, kw_only=True)
class Incident:
    """One local case as it is stored.

    fields   all user-visible values in one namespace: system fields by API name, custom fields by cliName;
             a field that was never set is absent
    changed  field → time (as text) at which its value here last became another
    version  grows by one with every write of fields, status or labels
    guid     UUID of this incident, the client reference that remote objects created from it carry
    """

    id: IncidentId
    guid: str
    version: int
    type: str
    status: Status
    fields: Fields
    changed: Mapping[str, str] = field(default_factory=dict)
    labels: tuple[Mapping[str, str], ...] = ()
    raw_json: str = ""
    created_at: datetime
    modified_at: datetime
    occurred_at: datetime
    closed_at: datetime | None = None
    activated_at: datetime | None = None
    last_open_at: datetime | None = None

    @property
    def name(self) -> str:
        """The incident's title."""
        return str(self.fields.get("name") or "")

    def get(self, name: str) -> Json:
        """Value of a field; None when it was never set."""
        return self.fields.get(name)


@dataclass(frozen=True, kw_only=True)
class MirrorFields:
    """What the contract calls `dbotMirror*`, as an integration or a mapper or a person gave it (not yet a link)."""

    remote_id: str = ""
    instance: str = ""
    direction: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NewIncident:
    """An incident that is about to be created: fetched, made by hand, or by a client."""

    fields: Fields
    type: str = "Unclassified"
    occurred_at: datetime | None = None
    labels: tuple[Mapping[str, str], ...] = ()
    raw_json: str = ""
    mirror: MirrorFields = field(default_factory=MirrorFields)
    attachments: tuple[Mapping[str, str], ...] = ()
    """`path` (the FileID in the command's working folder), `name`; imported as file entries."""
