"""Identifiers, each its own type, so that an incident id is never handed over as a link id."""

from typing import NewType

IncidentId = NewType("IncidentId", int)
EntryId = NewType("EntryId", int)
"""Row id of an entry; outside it is shown as ``"<number>@<incident>"`` (`Entry.label`)."""
LinkId = NewType("LinkId", int)
InstanceId = NewType("InstanceId", str)
"""UUID text; an instance may be renamed, its id stays."""
LaneId = NewType("LaneId", str)
"""``"<instance id>/<number>"``."""
FileId = NewType("FileId", str)
"""SHA-256 of the content in lower-case hex: files are content-addressed."""
