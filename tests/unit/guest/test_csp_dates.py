"""Times. The zone of the process is set, since some functions mean local time."""

import time
from datetime import UTC, datetime, timedelta

import CommonServerPython as csp
import pytest


@pytest.fixture(autouse=True)
def zone(monkeypatch):
    """Sets the process's zone; UTC to begin with, as in the child."""

    def move(name):
        monkeypatch.setenv("TZ", name)
        time.tzset()

    move("UTC")
    yield move
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("arg", "expected"),
    [
        (None, None),
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        ("1700000000", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        (1700000000000, datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        (2000000000, datetime(2033, 5, 18, 3, 33, 20, tzinfo=UTC)),
        ("2024-01-31T10:20:30Z", datetime(2024, 1, 31, 10, 20, 30, tzinfo=UTC)),
        ("2024-01-31 10:20:30", datetime(2024, 1, 31, 10, 20, 30)),
    ],
)
def test_arg_to_datetime(arg, expected):
    """Seconds, milliseconds above 2e9, text; a text without a zone stays naive."""
    assert csp.arg_to_datetime(arg) == expected


def test_arg_to_datetime_relative_and_local(zone):
    """'3 days ago' is told in UTC; a number in local time when asked for."""
    zone("Asia/Tokyo")
    ago = csp.arg_to_datetime("3 days")
    assert abs(datetime.now(UTC).replace(tzinfo=None) - timedelta(days=3) - ago) < timedelta(minutes=1)
    assert csp.arg_to_datetime(0, is_utc=False) == datetime(1970, 1, 1, 9)


def test_arg_to_datetime_settings():
    """They take the place of the default ones."""
    found = csp.arg_to_datetime("01/02/2024", settings={"DATE_ORDER": "DMY", "TIMEZONE": "UTC"})
    assert (found.month, found.day) == (2, 1)


@pytest.mark.parametrize(("arg", "required"), [("no date", False), (None, True), ([], False)])
def test_arg_to_datetime_refuses(arg, required):
    """ValueError with the argument's name."""
    with pytest.raises(ValueError, match="since"):
        csp.arg_to_datetime(arg, arg_name="since", required=required)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("4 minutes", timedelta(minutes=4)),
        ("1 hour", timedelta(hours=1)),
        ("3 days", timedelta(days=3)),
        ("2 months", timedelta(days=60)),
        ("1 Year", timedelta(days=365)),
    ],
)
def test_parse_date_range(zone, text, length):
    """It ends now, in UTC, as naive datetimes."""
    zone("Asia/Tokyo")
    start, end = csp.parse_date_range(text)
    assert end - start == length
    assert abs(datetime.now(UTC).replace(tzinfo=None) - end) < timedelta(minutes=1)


def test_parse_date_range_forms(zone):
    """Texts, milliseconds, shifted by hours, local."""
    start, end = csp.parse_date_range("1 day", date_format="%Y")
    assert len(start) == len(end) == 4
    start, end = csp.parse_date_range("1 hour", to_timestamp=True)
    assert end - start == 3600 * 1000
    assert abs(end - time.time() * 1000) < 60_000
    shifted = csp.parse_date_range("1 hour", timezone=-2)[1]
    assert abs(datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=2) - shifted) < timedelta(minutes=1)
    zone("Asia/Tokyo")
    local = csp.parse_date_range("1 hour", utc=False)[1]
    assert abs(datetime.now() - local) < timedelta(minutes=1)


@pytest.mark.parametrize("text", ["", "days", "3", "three days", "3 fortnights", "3 days ago", None])
def test_parse_date_range_reports_bad_input(host, text):
    """Through return_error."""
    with pytest.raises(SystemExit):
        csp.parse_date_range(text)
    assert host.emitted[0]["Type"] == 4


def test_parse_date_range_reports_a_bad_zone(host):
    """A number of hours only."""
    with pytest.raises(SystemExit):
        csp.parse_date_range("3 days", timezone="UTC")


@pytest.mark.parametrize(
    ("zone_name", "options", "expected"),
    [
        ("UTC", {}, "2023-11-14T22:13:20.000Z"),
        ("Asia/Tokyo", {}, "2023-11-14T22:13:20.000Z"),
        ("Asia/Tokyo", {"date_format": "%H:%M"}, "07:13"),
        ("Asia/Tokyo", {"date_format": "%H:%M", "is_utc": True}, "22:13"),
    ],
)
def test_timestamp_to_datestring(zone, zone_name, options, expected):
    """UTC when the format ends in Z or when asked for, else local."""
    zone(zone_name)
    assert csp.timestamp_to_datestring(1700000000999, **options) == expected
    assert csp.timestamp_to_datestring("1700000000999", **options) == expected


@pytest.mark.parametrize(("zone_name", "expected"), [("UTC", 1700000000000), ("Asia/Tokyo", 1699967600000)])
def test_date_to_timestamp_reads_local_time(zone, zone_name, expected):
    """Whatever zone the datetime carries: integrations count on it."""
    zone(zone_name)
    assert csp.date_to_timestamp("2023-11-14T22:13:20") == expected
    assert csp.date_to_timestamp("14.11.2023 22:13:20", date_format="%d.%m.%Y %H:%M:%S") == expected
    assert csp.date_to_timestamp(datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)) == expected


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda: csp.parse_date_string("2024-01-31T10:20:30"), datetime(2024, 1, 31, 10, 20, 30)),
        (lambda: csp.parse_date_string("2024-01-31T10:20:30.5+05:00"), datetime(2024, 1, 31, 10, 20, 30, 500000)),
        (lambda: csp.parse_date_string("31/2024", "%d/%Y"), datetime(2024, 1, 31)),
        (lambda: csp.datetime_to_string(datetime(2024, 1, 31)), "2024-01-31T00:00:00"),
        (lambda: csp.datetime_to_string(5), "5"),
        (lambda: csp.FormatIso8601(datetime(2024, 1, 31, 1, 2, 3, 4)), "2024-01-31T01:02:03"),
        (lambda: csp.epochToTimestamp(1700000000000), "2023-11-14 22:13:20"),
        (lambda: csp.formatEpochDate(1700000000), "Tue Nov 14 22:13:20 2023"),
        (lambda: csp.formatEpochDate(None), ""),
    ],
)
def test_forms(call, expected):
    """Text and back."""
    assert call() == expected
