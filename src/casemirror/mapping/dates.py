"""Read the dates of this world without asking a clock: what lacks a day, month or year is no date."""

from __future__ import annotations

import contextlib
import importlib
import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final

from dateutil import parser, tz

from casemirror.mapping.value import OperatorFailed, Value, number_of, shorten
from casemirror.model.values import ZERO_TIME

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECONDS_FROM: Final = 10**10
"""Smaller epoch numbers are seconds.   Source: content.md §4.2 row 5."""

_LONGEST: Final = 100
_SOME: Final = (datetime(1972, 1, 1), datetime(1975, 2, 2))  # noqa: DTZ001  two defaults, to see what a text leaves open
_ZONES: Final = {
    "UTC": 0,
    "GMT": 0,
    "Z": 0,
    "EST": -5,
    "EDT": -4,
    "CST": -6,
    "CDT": -5,
    "MST": -7,
    "MDT": -6,
    "PST": -8,
    "PDT": -7,
}
_ISO: Final = re.compile(r"^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?$")


def parse(value: Value) -> datetime:
    """Read a date as aware UTC; no zone means UTC, numbers are epoch seconds or milliseconds. Raises OperatorFailed.

    Source: content.md §4.3, §5.4.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return from_epoch(value)
    if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST:
        raise OperatorFailed(f"{shorten(value)} is no date")
    text = value.strip()
    if text == ZERO_TIME:
        return datetime.min.replace(tzinfo=UTC)
    return _utc(_iso(text) or _free(text) or _last_resort(text), text)


def from_epoch(number: float) -> datetime:
    """Epoch seconds, or milliseconds from 10^10 on. Raises OperatorFailed beyond the year 9999."""
    ms = number if abs(number) >= MILLISECONDS_FROM else number * 1000
    try:
        return EPOCH + timedelta(milliseconds=ms)
    except (OverflowError, ValueError):
        raise OperatorFailed(f"{shorten(number)} is no time of this calendar") from None


def parse_parts(text: str, *, dayfirst: bool, yearfirst: bool, fuzzy: bool) -> datetime | None:
    """Read a free text by dateutil; None when it is no complete date. The result has the zone that the text tells."""
    if not text.strip() or len(text) > _LONGEST:
        return None
    found = [_dateutil(text, default, dayfirst=dayfirst, yearfirst=yearfirst, fuzzy=fuzzy) for default in _SOME]
    return found[0] if found[0] == found[1] else None


def text_of(at: datetime) -> str:
    """Write a time as incidents store it: RFC 3339, UTC, a fraction only where there is one."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _iso(text: str) -> datetime | None:
    """The common forms, quickly; digits beyond microseconds are cut."""
    if not _ISO.match(text):
        return None
    with contextlib.suppress(ValueError):
        return datetime.fromisoformat(re.sub(r"([.,]\d{6})\d+", r"\1", text))
    return None


def _free(text: str) -> datetime | None:
    if text.isascii() and text.isdigit():
        return from_epoch(number_of(text)) if len(text) >= 9 else None
    return parse_parts(text, dayfirst=False, yearfirst=False, fuzzy=False)


_parser: Final[Any] = parser.parse
"""Untyped: its stubs do not know that the offset given to `tzinfos` may be None."""


def _dateutil(text: str, default: datetime, **how: bool) -> datetime | None:
    try:
        found = _parser(text, default=default, tzinfos=_zone, **how)
    except (ValueError, OverflowError, TypeError, ArithmeticError, LookupError, AttributeError):
        return None
    return found if isinstance(found, datetime) else None


def _zone(name: str | None, offset: int | None) -> tzinfo | None:
    """A zone that is named or given as offset; an unknown name says nothing."""
    if offset is not None:
        return tz.tzutc() if offset == 0 else tz.tzoffset(name, offset)
    hours = _ZONES.get(name or "")
    return None if hours is None else tz.tzoffset(name, hours * 3600)


def _last_resort(text: str) -> datetime | None:
    """English absolute dates that dateutil does not know; relative ones ("2 days ago") would need a clock."""
    if not any(c.isdigit() for c in text) or not any(c.isalpha() for c in text):
        return None
    module: Any = importlib.import_module("dateparser")  # half a second to load, and hardly ever needed
    settings = {"STRICT_PARSING": True, "PARSERS": ["absolute-time"], "TIMEZONE": "UTC"}
    try:
        found = module.parse(text, languages=["en"], settings=settings)
    except (ValueError, OverflowError, TypeError, ArithmeticError, LookupError, AttributeError, RecursionError):
        return None
    return found if isinstance(found, datetime) else None


def _utc(at: datetime | None, text: str) -> datetime:
    if at is None:
        raise OperatorFailed(f"{shorten(text)} is no complete date")
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (OverflowError, ValueError):
        raise OperatorFailed(f"{shorten(text)} is no time of this calendar") from None
