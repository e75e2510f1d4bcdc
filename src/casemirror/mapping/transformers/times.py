"""Transformers that write and move dates.   Source: content.md §4.2 rows 57, 62, 65."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from casemirror.mapping import dates
from casemirror.mapping.operators import Arguments, Transformer, items
from casemirror.mapping.transformers.texts import bounded
from casemirror.mapping.value import OperatorFailed, Value, shorten

RFC_822: Final = "02 Jan 06 15:04 MST"
_LONGEST: Final = 100


def _offset(at: datetime, colon: str) -> str:
    text = at.strftime("%z")[:5]
    return text[:3] + colon + text[3:]


_PARTS: Final[Mapping[str, Callable[[datetime], str]]] = {
    "January": lambda t: t.strftime("%B"),
    "Jan": lambda t: t.strftime("%b"),
    "Monday": lambda t: t.strftime("%A"),
    "Mon": lambda t: t.strftime("%a"),
    "MST": lambda t: t.tzname() or "UTC",
    "2006": lambda t: f"{t.year:04d}",
    "Z07:00": lambda t: "Z" if not t.utcoffset() else _offset(t, ":"),
    "Z0700": lambda t: "Z" if not t.utcoffset() else _offset(t, ""),
    "-07:00": lambda t: _offset(t, ":"),
    "-0700": lambda t: _offset(t, ""),
    "-07": lambda t: _offset(t, "")[:3],
    "Z07": lambda t: "Z" if not t.utcoffset() else _offset(t, "")[:3],
    "01": lambda t: f"{t.month:02d}",
    "02": lambda t: f"{t.day:02d}",
    "03": lambda t: f"{t.hour % 12 or 12:02d}",
    "04": lambda t: f"{t.minute:02d}",
    "05": lambda t: f"{t.second:02d}",
    "06": lambda t: f"{t.year % 100:02d}",
    "_2": lambda t: f"{t.day:2d}",
    "__2": lambda t: f"{t.timetuple().tm_yday:3d}",
    "002": lambda t: f"{t.timetuple().tm_yday:03d}",
    "_2006": lambda t: f"_{t.year:04d}",
    "15": lambda t: f"{t.hour:02d}",
    "PM": lambda t: t.strftime("%p"),
    "pm": lambda t: t.strftime("%p").lower(),
    "1": lambda t: str(t.month),
    "2": lambda t: str(t.day),
    "3": lambda t: str(t.hour % 12 or 12),
    "4": lambda t: str(t.minute),
    "5": lambda t: str(t.second),
}
"""Parts of a Go time layout → how they are written. A name is no part of a longer word: `Month` stays.   Source: Go's `time`."""
_LAYOUT: Final = re.compile(
    r"[.,](?:0{1,9}|9{1,9})(?!\d)|"
    + "|".join(
        re.escape(part) + ("(?![a-z])" if part in ("Jan", "Mon") else "")
        for part in sorted(_PARTS, key=len, reverse=True)
    )
)


def written(at: datetime, layout: str) -> str:
    """A time in a layout of the Go language: `2006-01-02T15:04:05.000Z07:00`; a fraction of nines drops its zeros."""

    def part(match: re.Match[str]) -> str:
        text = match.group()
        if text[0] not in ".,":
            return _PARTS[text](at)
        digits = f"{at.microsecond:06d}000"[: len(text) - 1]
        if text[1] == "9":
            digits = digits.rstrip("0")
        return text[0] + digits if digits else ""

    return _LAYOUT.sub(part, layout)


def _to_string(value: Value, args: Arguments) -> Value:
    return bounded(written(dates.parse(value), args.text("format") or RFC_822))


def _modify(value: Value, args: Arguments) -> Value:
    """The date moved by `variation`, in English: ``in 1 day``, ``3 months ago``; its zone stays.   Source: row 57."""
    return _relative(args.need("variation"), _as_told(value)).isoformat()


def _as_told(value: Value) -> datetime:
    """A date in the zone that its text tells, naive without one. Raises OperatorFailed."""
    at = dates.parse(value)
    told = dates.parse_parts(value, dayfirst=False, yearfirst=False, fuzzy=False) if isinstance(value, str) else None
    if told is None or told.tzinfo is None:
        return at.replace(tzinfo=None)
    return at.astimezone(told.tzinfo)


def _relative(text: str, base: datetime) -> datetime:
    """What a relative English date means from `base` on. Raises OperatorFailed."""
    if len(text) > _LONGEST:
        raise OperatorFailed(f"{shorten(text)} is no variation of a date")
    module: Any = importlib.import_module("dateparser")  # half a second to load, and hardly ever needed
    how = {"RELATIVE_BASE": base.replace(tzinfo=None)}
    try:
        found = module.parse(text, languages=["en"], settings=how)
    except (ValueError, OverflowError, TypeError, ArithmeticError, LookupError, AttributeError, RecursionError):
        found = None
    if not isinstance(found, datetime):
        raise OperatorFailed(f"{shorten(text)} is no variation of a date, such as `in 1 day`")
    return found.replace(tzinfo=base.tzinfo)


def relative(text: str, now: datetime | None) -> datetime:
    """What a relative English date means now. Raises OperatorFailed, also where nobody knows the present."""
    if now is None:
        raise OperatorFailed("the present time is not known here")
    return _relative(text, now)


def _to_timestamp(value: Value, args: Arguments) -> Value:
    """Whole seconds since 1970."""
    return int((dates.parse(value) - dates.EPOCH).total_seconds())


TABLE: Final[Mapping[str, Transformer]] = {
    "toString": items(_to_string),
    "ModifyDateTime": items(_modify),
    "DateToTimeStamp": items(_to_timestamp),
}
