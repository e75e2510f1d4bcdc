"""Times: from and to text, epoch seconds and milliseconds, and ranges that end now."""

import re
import time
from datetime import UTC, datetime, timedelta

import dateparser
from dateutil import parser as iso_parser

from csp import results
from csp.host import demisto

# A number above this is milliseconds: as seconds it would lie behind 2033.
LARGEST_SECONDS = 2_000_000_000

_DAYS_OF = {"day": 1, "month": 30, "year": 365}
_UNITS = {"minute": "minutes", "hour": "hours"}


def arg_to_datetime(arg, arg_name=None, is_utc=True, required=False, settings=None):
    """datetime from an argument; None for None unless it is required.

    A number (or digits) is epoch seconds, above 2e9 milliseconds → aware UTC, or naive local time when is_utc is false.
    A text goes through dateparser ('3 days ago' too) with `settings`, UTC by default; the result may be naive.
    ValueError for anything else.
    """
    if arg is None:
        if required:
            raise ValueError(f'Missing "{arg_name}"' if arg_name else "Missing a required date")
        return None
    if isinstance(arg, int | float) or (isinstance(arg, str) and arg.isdigit()):
        seconds = float(arg)
        if seconds > LARGEST_SECONDS:
            seconds /= 1000
        return datetime.fromtimestamp(seconds, UTC if is_utc else None)
    if isinstance(arg, str):
        found = dateparser.parse(arg, settings=settings or {"TIMEZONE": "UTC"})
        if found is not None:
            return found
    raise ValueError(f'Invalid date: "{arg_name}"="{arg}"' if arg_name else f'"{arg}" is not a valid date')


def parse_date_range(date_range, date_format=None, to_timestamp=False, timezone=0, utc=True):
    """(start, end) of a range that ends now, from a text such as '3 days'. Bad input goes to return_error.

    The units are minute, hour, day, month (30 days) and year (365 days). The times are UTC, or local when utc is false, shifted by
    `timezone` hours. They are naive datetimes, texts with date_format, or epoch milliseconds with to_timestamp.
    """
    length = _length_of(date_range)
    if not isinstance(timezone, int | float):
        results.return_error(f'Invalid timezone "{timezone}": it must be a number of hours')
    end = datetime.now(UTC).replace(tzinfo=None) if utc else datetime.now()
    if timezone:
        end += timedelta(hours=timezone)
    start = end - length
    if to_timestamp:
        return date_to_timestamp(start), date_to_timestamp(end)
    if date_format:
        return start.strftime(date_format), end.strftime(date_format)
    return start, end


def _length_of(date_range):
    found = re.fullmatch(r"\s*(\d+)\s+(minute|hour|day|month|year)s?\s*", str(date_range).lower())
    if not found:
        results.return_error(
            f'Invalid date range "{date_range}": it must be a number and a unit, such as 4 minutes, 2 hours, 1 day, 6 months'
        )
    number, unit = int(found[1]), found[2]
    return timedelta(**{_UNITS[unit]: number}) if unit in _UNITS else timedelta(days=number * _DAYS_OF[unit])


def timestamp_to_datestring(timestamp, date_format="%Y-%m-%dT%H:%M:%S.000Z", is_utc=False):
    """Text from epoch milliseconds: in UTC when asked for or when the format ends in Z, else in local time."""
    zone = UTC if is_utc or date_format.endswith("Z") else None
    return datetime.fromtimestamp(int(timestamp) / 1000.0, zone).strftime(date_format)


def date_to_timestamp(date_str_or_dt, date_format="%Y-%m-%dT%H:%M:%S"):
    """Epoch milliseconds (whole seconds) from a datetime or from a text in date_format.

    The clock time is read as LOCAL time, whatever zone the datetime carries: integrations count on it and run with TZ=UTC.
    """
    if isinstance(date_str_or_dt, str):
        return int(time.mktime(time.strptime(date_str_or_dt, date_format)) * 1000)
    return int(time.mktime(date_str_or_dt.timetuple()) * 1000)


def parse_date_string(date_string, date_format="%Y-%m-%dT%H:%M:%S"):
    """Naive datetime from a text in date_format, or in any other common form; ValueError when it is no date.

    A zone in the text is dropped, not converted: integrations compare the clock times of one remote with each other.
    """
    try:
        return datetime.strptime(date_string, date_format).replace(tzinfo=None)
    except ValueError:
        demisto.debug(f"{date_string!r} is not in the form {date_format!r}; it is read by its own form")
        return iso_parser.parse(date_string).replace(tzinfo=None)


def datetime_to_string(datetime_obj):
    """ISO text of a datetime; what has no isoformat comes back as its text."""
    return datetime_obj.isoformat() if hasattr(datetime_obj, "isoformat") else str(datetime_obj)


def FormatIso8601(t):
    """'2024-01-31T10:20:30' from a datetime: whole seconds, no zone."""
    return t.strftime("%Y-%m-%dT%H:%M:%S")


def epochToTimestamp(epoch):
    """'2024-01-31 10:20:30' (UTC) from epoch milliseconds."""
    return datetime.fromtimestamp(epoch / 1000.0, UTC).strftime("%Y-%m-%d %H:%M:%S")


def formatEpochDate(t):
    """'Wed Jan 31 10:20:30 2024' (local time) from epoch seconds; '' for nothing."""
    return time.ctime(t) if t else ""
