"""The budget of requests that one credential has at a remote: what a person set, what refusals taught, what is left."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

RESERVED: Final = 0.2
"""Share of the budget that only changes made here may use: people come first."""
LEARN: Final = 0.9
"""Share of what was used at a refusal that is taken for the limit."""
GROWTH: Final = 1.5
"""A learned limit grows by that factor each minute once it is no longer believed: others may use the credential, too."""
FORGOTTEN: Final = timedelta(hours=1)
"""A refusal teaches nothing any more after that long."""
ALIKE: Final = 1.3
"""Two refusals teach the same when what was used differs by no more than this factor."""


@dataclass(frozen=True)
class Use:
    """Requests of a few seconds, which ended at `at`."""

    at: datetime
    requests: int
    commands: int = 1


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What one credential may do within `window_s` seconds.

    requests   set by a person; 0: not set
    learned    requests that a refusal at `learned_at` left over
    agreed     refusals in a row that taught the same: each of them doubles the minutes for which it is believed
    hits       refusals so far
    shared     other instances that use the same credential
    """

    credential: str = ""
    requests: int = 0
    window_s: int = 60
    learned: float | None = None
    learned_at: datetime | None = None
    agreed: int = 0
    hits: int = 0
    shared: tuple[str, ...] = ()

    @property
    def window(self) -> timedelta:
        """The window as a length of time."""
        return timedelta(seconds=self.window_s)

    def limit(self, now: datetime) -> int | None:
        """Requests in a window; None when nothing is known of a limit."""
        known = [float(self.requests)] if self.requests else []
        if self.learned is not None and self.learned_at is not None and now - self.learned_at < FORGOTTEN:
            minutes = (now - self.learned_at).total_seconds() / 60 - 2**self.agreed
            known.append(self.learned * GROWTH ** max(minutes, 0.0))
        return max(1, math.floor(min(known))) if known else None

    def allowed(self, now: datetime, *, incoming: bool) -> int | None:
        """What may be used: all of it for changes made here, a little less for asking the remote."""
        limit = self.limit(now)
        return limit - math.ceil(limit * RESERVED) if limit and incoming and limit > 1 else limit

    def spent_until(self, uses: Sequence[Use], now: datetime, *, incoming: bool) -> datetime | None:
        """When there is something left again; None: now.

        uses   oldest first
        """
        allowed = self.allowed(now, incoming=incoming)
        inside = [use for use in uses if use.at > now - self.window]
        used = sum(use.requests for use in inside)
        if allowed is None or used < allowed:
            return None
        for use in inside:
            used -= use.requests
            if used < allowed:
                return use.at + self.window
        return now + self.window


def learn(budget: Budget, used: int, now: datetime) -> Budget:
    """What a refusal teaches: the limit is somewhat less than what was used within the window.

    One that follows another within the window teaches nothing: little was used since because we waited.
    """
    known = budget.learned if budget.limit(now) is not None else None
    counted = replace(budget, hits=budget.hits + 1)
    if used == 0 or (known is not None and budget.learned_at is not None and now - budget.learned_at < budget.window):
        return counted
    found = max(1.0, LEARN * used)
    alike = known is not None and known / ALIKE <= found <= known * ALIKE
    return replace(counted, learned=found, learned_at=now, agreed=min(budget.agreed + 1, 5) if alike else 0)
