"""When a remote object was changed, by its own account, and how late that was told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from casemirror.engine import lateness
from casemirror.model.ids import IncidentId, InstanceId, LaneId, LinkId
from casemirror.model.lane import Lane
from casemirror.model.link import Direction, Link
from casemirror.model.settings import Settings

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
LANE = Lane(id=LaneId("i/0"), instance_id=InstanceId("i"))


def settings(**stored: str) -> Settings:
    return Settings.from_stored({name.replace("__", "."): value for name, value in stored.items()})[0]


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"sys_updated_on": "2026-01-02 11:00:00"}, NOW - timedelta(hours=1)),
        ({"modification_time": 1767351600000}, NOW - timedelta(hours=1)),
        ({"updated": 1767351600}, NOW - timedelta(hours=1)),
        ({"updated": "1767351600"}, NOW - timedelta(hours=1)),
        ({"lastModifiedDateTime": "2026-01-02T11:00:00.123Z"}, NOW - timedelta(hours=1) + timedelta(milliseconds=123)),
        ({"last-updated": "2026-01-02T03:00:00-08:00"}, NOW - timedelta(hours=1)),
        ({"updatedAt": "2026-01-02", "modified": "2026-01-02T01:00:00Z"}, NOW - timedelta(hours=11)),
        ({"updated": "yesterday", "modified": True, "changed": None, "lastUpdate": -5}, None),
        ({"updated": 1e30}, None),
        ({"updated": "2031-01-01"}, None),
        ({"created": "2026-01-02T11:00:00Z", "id": "1"}, None),
        ({}, None),
    ],
)
def test_the_time_of_the_last_change_is_read_where_objects_have_it(
    payload: dict[str, object], expected: datetime | None
) -> None:
    assert lateness.changed_at(payload, NOW) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("late_s", "ago", "stored", "expected_s"),
    [
        (0.0, None, {}, 60),
        (30.0, timedelta(0), {}, 60),
        (100.0, timedelta(0), {}, 150),
        (100.0, timedelta(hours=24), {}, 150),
        (100.0, timedelta(hours=25), {}, 60),
        (1e6, timedelta(0), {}, 3600),
        (1e6, timedelta(0), {"mirror__overlap__max": "0"}, 60),
        (100.0, timedelta(0), {"mirror__overlap": "0"}, 0),
        (100.0, timedelta(0), {"mirror__overlap": "300"}, 300),
    ],
)
def test_the_overlap_follows_the_latest_change_for_a_day(
    late_s: float, ago: timedelta | None, stored: dict[str, str], expected_s: float
) -> None:
    lane = replace(LANE, late_s=late_s, late_at=None if ago is None else NOW - ago)
    assert lateness.overlap(settings(**stored), lane, NOW) == timedelta(seconds=expected_s)


@pytest.mark.parametrize(
    ("told_by_s", "known_s", "changed_s", "late_s"),
    [
        (-60, -500, -100, 40),
        (-60, -500, -30, 0),
        (-60, -100, -100, 0),
        (-60, None, -100, 0),
        (None, -500, -100, 100),
    ],
)
def test_late_is_what_an_earlier_poll_should_have_told(
    told_by_s: int | None, known_s: int | None, changed_s: int, late_s: int
) -> None:
    """Seconds from now; without an earlier poll of its own a link is measured by the cursor (now)."""

    def at(seconds: int | None) -> datetime | None:
        return None if seconds is None else NOW + timedelta(seconds=seconds)

    link = Link(
        id=LinkId(1),
        incident_id=IncidentId(1),
        instance_id=InstanceId("i"),
        instance_name="i",
        remote_id="R",
        direction=Direction.BOTH,
        since_at=NOW,
        told_by=at(told_by_s),
        remote_changed_at=at(known_s),
    )
    changed = NOW + timedelta(seconds=changed_s)
    assert lateness.lateness(link, changed, NOW) == timedelta(seconds=late_s)
