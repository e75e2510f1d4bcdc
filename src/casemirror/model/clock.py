"""Time as something one is given: the real clock in a server, a hand-turned one in tests."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the engine asks for the time; nothing in casemirror calls `datetime.now` but this module."""

    def now(self) -> datetime:
        """Aware UTC time."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait; a hand-turned clock moves forward at once."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Aware UTC time."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait `seconds`."""
        time.sleep(seconds)


class ManualClock:
    """A clock that stands still until it is turned; for tests, dry runs and replays."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        """The time that was set last."""
        return self._at

    def sleep(self, seconds: float) -> None:
        """Move forward instead of waiting."""
        self.turn(seconds)

    def turn(self, seconds: float) -> None:
        """Move forward by `seconds`."""
        self._at += timedelta(seconds=seconds)
