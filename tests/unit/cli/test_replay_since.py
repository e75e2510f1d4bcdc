"""Since when: a time, or how long ago."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from casemirror.cli.replay import _time
from casemirror.model.errors import Invalid

NOON = datetime(2026, 1, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-01-02", datetime(2026, 1, 2, tzinfo=UTC)),
        ("2026-01-02T08:30", datetime(2026, 1, 2, 8, 30, tzinfo=UTC)),
        ("2026-01-02T08:30:00+02:00", datetime(2026, 1, 2, 6, 30, tzinfo=UTC)),
        ("7d", datetime(2026, 1, 3, 12, tzinfo=UTC)),
        (" 12 h ", datetime(2026, 1, 10, 0, tzinfo=UTC)),
        ("30m", datetime(2026, 1, 10, 11, 30, tzinfo=UTC)),
        ("1w", datetime(2026, 1, 3, 12, tzinfo=UTC)),
    ],
)
def test_times_and_ages(text: str, at: datetime) -> None:
    assert _time(text, NOON) == at


@pytest.mark.parametrize("text", ["", "yesterday", "7", "d", "-7d", "999999d", "2026-13-01"])
def test_what_is_neither_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="give a time like 2026-11-20"):
        _time(text, NOON)
