"""Fetching by time windows that reach back."""

import json
from datetime import UTC, datetime, timedelta

import CommonServerPython as csp
import pytest
from csp import lookback

NOW = datetime(2024, 5, 1, 12, 0, 0)
FORMAT = "%Y-%m-%dT%H:%M:%S"


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """The time of the fetch: NOW, until a test sets another one."""

    class Clock(datetime):
        at = NOW

        @classmethod
        def now(cls, tz=None):
            return cls.at.replace(tzinfo=UTC)

    monkeypatch.setattr(lookback, "datetime", Clock)
    return Clock


@pytest.mark.parametrize(
    ("last_run", "options", "expected"),
    [
        ({"time": "2024-05-01T11:00:00"}, {}, ("2024-05-01T11:00:00", "2024-05-01T12:00:00")),
        ({"time": "2024-05-01T11:50:00"}, {"look_back": 30}, ("2024-05-01T11:30:00", "2024-05-01T12:00:00")),
        ({"time": "2024-05-01T09:00:00"}, {"look_back": 30}, ("2024-05-01T09:00:00", "2024-05-01T12:00:00")),
        ({"time": "2024-05-01T11:00:00"}, {"timezone": 2}, ("2024-05-01T11:00:00", "2024-05-01T14:00:00")),
        ({"time": "2024-05-01T11:00:00Z"}, {"date_format": "%d.%m."}, ("01.05.", "01.05.")),
    ],
)
def test_range(last_run, options, expected):
    """From where the last fetch left off; at least look_back minutes."""
    assert csp.get_fetch_run_time_range(last_run, "3 days", **options) == expected


def test_first_range_starts_as_the_instance_says():
    """In the remote's time."""
    start, end = csp.get_fetch_run_time_range({}, "2024-04-01 10:00", timezone=1)
    assert (start, end) == ("2024-04-01T11:00:00", "2024-05-01T13:00:00")


@pytest.mark.parametrize(
    ("known", "limit", "ids"),
    [(None, 9, [1, 2, 3]), ({"1": 5, "3": 5}, 9, [2]), (["1"], 1, [2]), ({2: 5}, 9, [1, 3])],
)
def test_what_was_fetched_before_is_left_out(known, limit, ids):
    """Also after the last run went through JSON, where keys become texts."""
    found = [{"id": n} for n in (1, 2, 3)]
    last_run = {"found_incident_ids": known}
    assert [i["id"] for i in csp.filter_incidents_by_duplicates_and_limit(found, last_run, limit, "id")] == ids


def _update(last_run, incidents, **options):
    given = {
        "fetch_limit": 2,
        "start_fetch_time": "2024-05-01T11:00:00",
        "end_fetch_time": "2024-05-01T12:00:00",
        "look_back": 0,
        "created_time_field": "created",
        "id_field": "id",
        **options,
    }
    return csp.update_last_run_object(last_run=last_run, incidents=incidents, **given)


def _incident(number, created):
    return {"id": number, "created": f"2024-05-01T{created}"}


@pytest.mark.parametrize(
    ("incidents", "options", "time", "limit"),
    [
        ([], {}, "2024-05-01T12:00:00", 2),
        ([_incident(1, "11:30:00")], {}, "2024-05-01T11:30:00", 2),
        ([_incident(1, "11:40:00Z"), _incident(2, "11:30:00")], {}, "2024-05-01T11:40:00", 2),
        ([_incident(1, "11:30:00")], {"increase_last_run_time": True}, "2024-05-01T11:30:01", 2),
        ([_incident(1, "11:30:00")], {"look_back": 5}, "2024-05-01T11:30:00", 2),
        ([_incident(1, "11:30:00"), _incident(2, "11:40:00")], {"look_back": 5}, "2024-05-01T11:00:00", 4),
    ],
)
def test_next_fetch(incidents, options, time, limit):
    """At the newest one; a full batch with look_back asks for the same range again, and for more."""
    last_run = {"time": "old", "other": "kept"}
    updated = _update(last_run, incidents, **options)
    assert updated is last_run
    assert (updated["time"], updated["limit"], updated["other"]) == (time, limit, "kept")
    assert set(updated["found_incident_ids"]) == {incident["id"] for incident in incidents}


def test_ids_are_forgotten_when_no_range_can_reach_them(clock):
    """Twice look_back after they were found; not while the ranges do not move."""
    old = {
        "a": (NOW - timedelta(minutes=21)).replace(tzinfo=UTC).timestamp(),
        "b": NOW.replace(tzinfo=UTC).timestamp() - 60,
    }
    assert set(_update({"found_incident_ids": dict(old)}, [], look_back=10)["found_incident_ids"]) == {"b"}
    stays = _update({"found_incident_ids": dict(old)}, [_incident(1, "11:00:00")], look_back=10)
    assert set(stays["found_incident_ids"]) == {"a", "b", 1}


def test_date_that_is_none_is_refused():
    with pytest.raises(ValueError, match="soon-ish"):
        lookback.get_latest_incident_created_time([{"created": "soon-ish"}], "created")


def test_nothing_is_lost_and_nothing_comes_twice(clock):
    """Over fetches, with a remote that shows some objects late and more of them than a fetch may take."""
    objects = [
        (n, NOW + timedelta(minutes=n), NOW + timedelta(minutes=n + (9 if n % 3 == 0 else 0))) for n in range(40)
    ]
    last_run, fetched = {"time": NOW.strftime(FORMAT)}, []
    for minute in range(1, 200, 2):
        clock.at = NOW + timedelta(minutes=minute)
        start, end = csp.get_fetch_run_time_range(last_run, "1 hour", look_back=10)
        asked = last_run.get("limit") or 3
        visible = [
            (n, made) for n, made, shown in objects if shown <= clock.at and start <= made.strftime(FORMAT) <= end
        ]
        raw = [{"id": n, "created": made.strftime(FORMAT)} for n, made in visible[:asked]]
        new = csp.filter_incidents_by_duplicates_and_limit(raw, last_run, 3, "id")
        fetched += [incident["id"] for incident in new]
        last_run = csp.update_last_run_object(last_run, new, 3, start, end, 10, "created", "id")
        last_run = json.loads(json.dumps(last_run))
    assert sorted(fetched) == list(range(40))
