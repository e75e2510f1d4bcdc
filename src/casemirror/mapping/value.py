"""What evaluation works with: a JSON value or NOTHING, texts and numbers out of values, and the ways to fail."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

from casemirror.model.values import Json


class Nothing(Enum):
    """A path that leads nowhere; not the same as an explicit null, which is a value that was told."""

    NOTHING = "nothing"

    def __bool__(self) -> bool:
        return False


NOTHING: Final = Nothing.NOTHING
Value: TypeAlias = "Json | Nothing"


class OperatorFailed(ValueError):
    """A transformer, filter or cast cannot do its work on this value; drops the one field."""


FAILURES: Final = (ValueError, TypeError, ArithmeticError, LookupError, RecursionError, TimeoutError)
"""Everything that an operator may raise on odd input; each drops the one field."""


@dataclass(frozen=True, kw_only=True)
class Warning_:  # noqa: N801  `Warning` is a builtin
    """One field that was left out, and why. `operator` is empty when the field or its cast is to blame.

    expected   the source was empty: a mapper that transforms it unguarded fails on every such object, which is no news
    """

    mapper: str
    type: str
    field: str
    operator: str = ""
    text: str
    expected: bool = False

    def __str__(self) -> str:
        step = f", operator {self.operator}" if self.operator else ""
        return f"mapper {self.mapper!r}, type {self.type!r}, field {self.field!r}{step}: {self.text}"


def absent(value: Value) -> bool:
    """No value: nothing was found, or null."""
    return value is None or value is NOTHING


def json_of(value: Value) -> Json:
    """NOTHING as null."""
    return None if isinstance(value, Nothing) else value


def text_of(value: Value) -> str:
    """A value as text: whole numbers without fraction, `true`/`false`, null empty, objects and lists as compact JSON.

    Source: content.md §4.2, MAP-049, MAP-089. Raises ValueError for numbers too long to write.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, Nothing):
        return ""
    if isinstance(value, int | float):
        return str(whole(value))
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def whole(number: float) -> int | float:
    """An integral float as an integer."""
    if isinstance(number, float) and number.is_integer() and abs(number) < 1e15:
        return int(number)
    return number


def number_of(value: Value) -> int | float:
    """A value as a finite number. Raises OperatorFailed."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return finite(value)
    if isinstance(value, str):
        try:
            return int(value.strip())
        except ValueError:
            pass
        try:
            return finite(float(value.strip()))
        except ValueError:
            pass
    raise OperatorFailed(f"{shorten(value)} is no number")


def finite(number: float) -> int | float:
    """The number, integral ones as integers. Raises OperatorFailed for infinity and what is none."""
    if isinstance(number, float) and not math.isfinite(number):
        raise OperatorFailed("the result is no finite number")
    return whole(number)


def shorten(value: Value) -> str:
    """A value for a message, at most 40 characters of it."""
    text = repr(json_of(value)) if not isinstance(value, list | tuple | Mapping) else type(value).__name__
    return text if len(text) <= 40 else text[:39] + "…"


def as_list(value: Value) -> list[Json]:
    """The value as a list: a scalar alone in it, no value empty."""
    if isinstance(value, list | tuple):
        return list(value)
    return [] if isinstance(value, Nothing) or value is None else [value]


def flat(value: Json) -> Iterator[Json]:
    """The leaves of nested lists, in order."""
    stack = [value]
    while stack:
        top = stack.pop()
        if isinstance(top, list | tuple):
            stack.extend(reversed(top))
        else:
            yield top
