"""Requests counted per user in fixed windows, as the vendor's rate limit rules do (without their lag of up to 30 seconds).

Source: ServiceNow docs "Inbound REST API rate limiting".
"""

import math
from collections.abc import Mapping

from casemirror.simulators.common.faults import RateLimit

from . import errors

_RULE_ID = "a1b2c3d4e5f60718293a4b5c6d7e8f90"


class RateCounter:
    def __init__(self) -> None:
        self._window = (0.0, 0.0)
        self._counts: dict[str, int] = {}

    def take(self, rule: RateLimit, user_name: str, api: str, now_s: float) -> Mapping[str, str]:
        """Count one request and return the headers that every answer under a rule carries.

        Raises ApiError 429, with the seconds until the window ends in Retry-After; a refused request is not counted.
        """
        window = (rule.window_s, now_s // rule.window_s)
        if window != self._window:
            self._window, self._counts = window, {}
        ends_at_s = (window[1] + 1) * rule.window_s
        headers = {
            "X-RateLimit-Limit": str(rule.limit),
            "X-RateLimit-Reset": str(math.ceil(ends_at_s)),
            "X-RateLimit-Rule": _RULE_ID,
        }
        if self._counts.get(user_name, 0) >= rule.limit:
            wait_s = max(1, math.ceil(ends_at_s - now_s))
            raise errors.rate_limited(rule.limit, api, headers | {"Retry-After": str(wait_s)})
        self._counts[user_name] = self._counts.get(user_name, 0) + 1
        return headers
