"""Read single values out of loosely typed bodies: what is missing or of a wrong kind is the empty value, never an error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from casemirror.model.values import Json

_TRUE: Final = frozenset({"true", "yes", "on", "1"})


def text(value: Json) -> str:
    """A value as text; None is empty, booleans are `true`/`false`, objects and lists are empty."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    return ""


def flag(value: Json) -> bool:
    """A boolean; absent, null and false are the same.   Source: content.md §1.5."""
    return value.strip().lower() in _TRUE if isinstance(value, str) else value is True or value == 1


def integer(value: Json, default: int = 0) -> int:
    """A whole number, also when it is written as text."""
    if isinstance(value, bool):
        return default
    try:
        return int(value) if isinstance(value, int | float | str) else default
    except (ValueError, OverflowError):
        return default


def mapping(value: Json) -> Mapping[str, Json]:
    """An object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def mappings(value: Json) -> tuple[Mapping[str, Json], ...]:
    """The objects of a list."""
    return tuple(v for v in sequence(value) if isinstance(v, Mapping))


def sequence(value: Json) -> Sequence[Json]:
    """A list, else an empty one."""
    return value if isinstance(value, list | tuple) else ()


def texts(value: Json) -> tuple[str, ...]:
    """The values of a list as texts, None left out."""
    return tuple(text(v) for v in sequence(value) if v is not None)
