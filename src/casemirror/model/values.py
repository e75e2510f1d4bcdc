"""JSON values, and times as text.

The engine keeps times as aware UTC `datetime`; integrations get them as text with exactly six fraction digits and a
``Z``, the one form that all public mirroring integrations parse correctly.   Source: MIR-022.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, TypeAlias

Json: TypeAlias = "None | bool | int | float | str | Sequence[Json] | Mapping[str, Json]"
Fields: TypeAlias = Mapping[str, Json]
"""Incident field → JSON value. System fields by their API name, custom fields by their `cliName`, side by side."""

ZERO_TIME: Final = "0001-01-01T00:00:00Z"
"""How an unset time looks in the incident that integrations and mappers see."""

EMPTY: Final[tuple[Json, ...]] = (None, "", [], {})


def is_empty(value: Json) -> bool:
    """Say whether a field with this value counts as unset; ``False`` and ``0`` are values."""
    return value is None or value == ZERO_TIME or (isinstance(value, str | list | tuple | dict) and len(value) == 0)


def same(a: Json, b: Json) -> bool:
    """Say whether two field values are equal; all unset forms are equal, ``1`` and ``True`` are not.

    Numbers compare by value (``1 == 1.0``), lists by order, objects by content.
    """
    if is_empty(a) or is_empty(b):
        return is_empty(a) and is_empty(b)
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, int | float) and isinstance(b, int | float):
        return a == b
    if isinstance(a, str) or isinstance(b, str):
        return a == b
    return canonical(a) == canonical(b)


def canonical(value: Json) -> str:
    """Write a JSON value so that equal values give equal text (sorted keys, no blanks)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def time_text(at: datetime) -> str:
    """Write an aware time as integrations get it: ``YYYY-MM-DDTHH:MM:SS.ffffffZ``, UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f").rjust(26, "0") + "Z"


def parse_time(text: str) -> datetime:
    """Read what `time_text` writes, or any ISO 8601 time; no zone means UTC. Raises ValueError."""
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
