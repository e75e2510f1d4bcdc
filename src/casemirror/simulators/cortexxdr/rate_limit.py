"""Calls counted for each key in a sliding window; whether the vendor's window slides is undocumented, and this is the stricter reading."""

from collections import defaultdict, deque

from casemirror.simulators.common.faults import RateLimit

from . import errors


class RateCounter:
    def __init__(self) -> None:
        self._taken: dict[str, deque[float]] = defaultdict(deque)

    def take(self, rule: RateLimit, key_id: str, now_s: float, status: int) -> None:
        """Count one call.  Raises ApiError with this status; a refused call is not counted."""
        taken = self._taken[key_id]
        while taken and taken[0] <= now_s - rule.window_s:
            taken.popleft()
        if len(taken) >= rule.limit:
            raise errors.rate_limited(status)
        taken.append(now_s)

    def clear(self) -> None:
        self._taken.clear()
