"""A bucket of tokens for each user.  Source: Atlassian docs "Adjusting your code for rate limiting" (Jira Data Center)."""

import math
from dataclasses import dataclass

from ..common.faults import RateLimit
from . import errors


@dataclass
class _Bucket:
    tokens: int
    filled_at_s: float


class Buckets:
    def __init__(self) -> None:
        self._buckets: dict[str, _Bucket] = {}

    def take(self, rule: RateLimit, user: str, now_s: float) -> dict[str, str]:
        """Take one token; the headers that every authenticated answer carries.  Raises ApiError 429 when there is none."""
        bucket = self._buckets.setdefault(user, _Bucket(rule.limit, now_s))
        fills = int((now_s - bucket.filled_at_s) // rule.window_s)
        if fills > 0:
            bucket.tokens, bucket.filled_at_s = rule.limit, bucket.filled_at_s + fills * rule.window_s
        is_refused = bucket.tokens <= 0
        bucket.tokens = max(0, min(bucket.tokens, rule.limit) - 1)
        wait_s = math.ceil(bucket.filled_at_s + rule.window_s - now_s)
        headers = {
            "X-RateLimit-Limit": str(rule.limit),
            "X-RateLimit-Remaining": str(bucket.tokens),
            "X-RateLimit-Interval-Seconds": str(math.ceil(rule.window_s)),
            "X-RateLimit-FillRate": str(rule.limit),
            "Retry-After": str(wait_s if is_refused else 0),
        }
        if is_refused:
            raise errors.rate_limited(headers)
        return headers
