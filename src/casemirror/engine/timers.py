"""Timer (SLA) fields of a new incident: there from the beginning, idle.   Source: content.md §5.2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from casemirror.content.catalog import Catalog
from casemirror.model.values import ZERO_TIME, Json

IDLE: Final[Mapping[str, Json]] = {
    "runStatus": "idle",
    "startDate": ZERO_TIME,
    "endDate": ZERO_TIME,
    "lastPauseDate": ZERO_TIME,
    "dueDate": ZERO_TIME,
    "accumulatedPause": 0,
    "totalDuration": 0,
    "sla": 0,
    "slaStatus": -1,
    "breachTriggered": False,
}
"""A timer that nobody started; `sla` is in minutes."""


def begun(fields: Mapping[str, Json], incident_type: str, catalog: Catalog) -> dict[str, Json]:
    """The fields of a new incident with every timer that its type shows; parts that are given count over the idle ones."""
    found = dict(fields)
    for field in catalog.fields.values():
        given = found.get(field.cli_name)
        if field.is_timer and (field.shows_on(incident_type) or given):
            parts = given if isinstance(given, Mapping) else {}
            found[field.cli_name] = {**IDLE, "sla": field.sla_minutes, **parts}
    return found
