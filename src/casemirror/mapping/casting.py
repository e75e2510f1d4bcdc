"""Cast a mapped value to its field's type.   Source: content.md §5.3, §5.4; mirroring.md §4.3; MAP-079…082."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import Final

from casemirror.mapping import dates
from casemirror.mapping.value import OperatorFailed, as_list, flat, number_of, shorten, text_of
from casemirror.model.incident import SEVERITIES
from casemirror.model.values import ZERO_TIME, Json

_TIMER_PARTS: Final = frozenset(
    "startDate dueDate endDate lastPauseDate accumulatedPause totalDuration sla slaStatus breachTriggered".split()
)
"""Keys of a timer that a mapping may set; never its run status.   Source: mirroring.md §4.3.9."""
_LEVELS: Final = frozenset(SEVERITIES.values())


def cast(kind: str, value: Json, options: Collection[str] = ()) -> Json:
    """Cast a value to a field type (`severity` and `tags` are types too); an unknown type is text.

    Empty values (null, ``""``, ``[]``, ``{}``, the zero time) become the type's own empty value. Raises OperatorFailed.
    options   of a list of choices: a text that is no choice but whose parts between commas all are is split
    """
    if value is None or value in ("", [], {}, ZERO_TIME):
        return emptied(kind)
    if kind in ("multiSelect", "tagsSelect", "role"):
        return _choices(value, options)
    return _CASTS.get(kind, _text)(value)


def emptied(kind: str) -> Json:
    """The empty value of a field type."""
    if kind in ("multiSelect", "tagsSelect", "role", "tags", "grid", "attachments"):
        return []
    return None if kind in ("number", "boolean", "date", "timer", "severity", "internal") else ""


def _text(value: Json) -> Json:
    """A list is joined by commas, an object is JSON text.   Source: Q2, Q3."""
    if isinstance(value, list | tuple):
        return ",".join(text_of(v) for v in value)
    return text_of(value)


def _first(value: Json) -> Json:
    if isinstance(value, list | tuple):
        return next((leaf for leaf in flat(value) if leaf is not None), None)
    return value


def _number(value: Json) -> Json:
    first = _first(value)
    return None if first is None or first == "" else number_of(first)


def _boolean(value: Json) -> Json:
    if isinstance(value, str):
        return value.strip().lower() in ("true", "yes", "1")
    if isinstance(value, bool | int | float):
        return bool(value)
    raise OperatorFailed(f"{shorten(value)} is neither true nor false")


def _date(value: Json) -> Json:
    first = _first(value)
    return None if first is None or first in ("", ZERO_TIME) else dates.text_of(dates.parse(first))


def _choices(value: Json, options: Collection[str]) -> Json:
    if isinstance(value, str) and options and value not in options:
        parts = [part.strip() for part in value.split(",")]
        if all(part in options for part in parts):
            return list(parts)
    return [text_of(v) for v in as_list(value) if v is not None]


def _tags(value: Json) -> Json:
    """Tags of a mirrored incident; a text may hold several."""
    if isinstance(value, Mapping):
        raise OperatorFailed("an object is no list of tags")
    texts = value.split(",") if isinstance(value, str) else [text_of(v) for v in as_list(value) if v is not None]
    return [text.strip() for text in texts if text.strip()]


def _grid(value: Json) -> Json:
    """Rows: a list of objects, one object, or the JSON text of either."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise OperatorFailed(f"{shorten(value)} is no table") from None
    rows = [row for row in as_list(value) if row is not None]
    if not all(isinstance(row, Mapping) for row in rows):
        raise OperatorFailed("a table needs objects as rows")
    return rows


def _timer(value: Json) -> Json:
    """What to merge into the timer: minutes are its `sla`, a date its `dueDate`, an object its known keys."""
    if isinstance(value, Mapping):
        return {key: inner for key, inner in value.items() if key in _TIMER_PARTS}
    first = _first(value)
    if isinstance(first, int | float) and not isinstance(first, bool):
        return {"sla": number_of(first)}
    if isinstance(first, str) and first.strip().isascii() and first.strip().isdigit() and len(first.strip()) < 9:
        return {"sla": int(first)}
    return {"dueDate": dates.text_of(dates.parse(first))}


def _severity(value: Json) -> Json:
    """A number or a level's name in any case; anything else is none.   Source: mirroring.md §4.3.5."""
    first = _first(value)
    if isinstance(first, str) and first.strip().lower() in SEVERITIES:
        level: float = SEVERITIES[first.strip().lower()]
    else:
        level = number_of(first)
    if isinstance(first, bool) or level not in _LEVELS:
        raise OperatorFailed(f"{shorten(first)} is no severity (0, 0.5, 1 to 4, or a level's name)")
    return number_of(level)


def _attachments(value: Json) -> Json:
    return [item for item in as_list(value) if isinstance(item, Mapping)]


_CASTS: Final[Mapping[str, Callable[[Json], Json]]] = {
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "grid": _grid,
    "timer": _timer,
    "severity": _severity,
    "tags": _tags,
    "attachments": _attachments,
    "internal": lambda value: value,
}
