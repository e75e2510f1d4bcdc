"""What can be made to go wrong, and how the instance is configured: switches that may be turned while it runs.

`Faults` is the setting, `FaultBox` the live state: it counts down and rolls the dice, reproducibly when given a seed.
"""

import dataclasses
import random
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

Row = TypeVar("Row")


@dataclass(frozen=True, kw_only=True)
class RateLimit:
    """At most `limit` requests of one user in each window of `window_s` seconds (the vendor's rules: an hour)."""

    limit: int
    window_s: float = 3600.0


@dataclass(frozen=True, kw_only=True)
class Faults:
    """late_index_s                   list queries see a change only after so many seconds; reading by id sees it at once

    rate_limit                     429 above it; None = no rule
    refuse_rate, retry_after_s     429 whatever the rule: a share of the calls; in Retry-After, 0 = without the header
    fail_next, fail_rate           500 before anything happens: the next N calls; a share (0…1) of the calls
    fail_after_write, …_rate       500 although the write was done: the next N writes; a share (0…1) of the writes
    hang_rate, hang_after_write_rate, hang_s   no answer for so many seconds, then the connection is closed: a share of the
                                   calls, and nothing is done; a share of the writes, and they are done
    slow_s                         added to every call
    disorder_rate                  a share of the list answers has its rows in any order, and one of them twice
    time_zone                      the server's clock shows this zone although its stamps claim to be UTC; None = right
    html                           every call is answered by an HTML page, status 200 (hibernating or log-in page)
    down                           every connection is closed without an answer
    data_policy                    closing an incident without close_code and close_notes is refused with 403 (default: off)
    attachment_touches_parent      an upload updates the ticket's sys_updated_on (the vendor does not say; default: yes)
    invalid_query_returns_no_rows  the property glide.invalid_query.returns_no_rows (default as the vendor's: off)
    """

    late_index_s: float = 0.0
    rate_limit: RateLimit | None = None
    refuse_rate: float = 0.0
    retry_after_s: float = 0.0
    fail_next: int = 0
    fail_rate: float = 0.0
    fail_after_write: int = 0
    fail_after_write_rate: float = 0.0
    hang_rate: float = 0.0
    hang_after_write_rate: float = 0.0
    hang_s: float = 30.0
    slow_s: float = 0.0
    disorder_rate: float = 0.0
    time_zone: str | None = None
    html: bool = False
    down: bool = False
    data_policy: bool = False
    attachment_touches_parent: bool = True
    invalid_query_returns_no_rows: bool = False


class FaultBox:
    """The faults in force; safe to use from several threads."""

    def __init__(self, initial: Faults, seed: int | None) -> None:
        self._initial = initial
        self._faults = initial
        self._dice = random.Random(seed)
        self._lock = threading.Lock()
        self.struck: Counter[str] = Counter()

    @property
    def now(self) -> Faults:
        return self._faults

    def change(self, values: Mapping[str, Any]) -> Faults:
        """Turn the named switches, leave the others.  Raises ValueError with a sentence for the person."""
        with self._lock:
            self._faults = changed(self._faults, values)
            return self._faults

    def clear(self) -> Faults:
        """Back to how the simulator was started."""
        with self._lock:
            self._faults = self._initial
            self.struck.clear()
            return self._faults

    def fails_before(self) -> bool:
        """Whether this call fails; counts `fail_next` down."""
        return self._falls("fail_next", "fail_rate")

    def fails_after_write(self) -> bool:
        """Whether the answer to this (done) write is lost; counts `fail_after_write` down."""
        return self._falls("fail_after_write", "fail_after_write_rate")

    def refuses(self) -> bool:
        """Whether this call is answered 429."""
        return self._falls("", "refuse_rate")

    def hangs_before(self) -> bool:
        """Whether this call is neither done nor answered."""
        return self._falls("", "hang_rate")

    def hangs_after_write(self) -> bool:
        """Whether this (done) write is not answered."""
        return self._falls("", "hang_after_write_rate")

    def disordered(self, rows: list[Row]) -> list[Row]:
        """The rows of a list answer, sometimes in another order and one of them twice."""
        if not rows or not self._falls("", "disorder_rate"):
            return rows
        with self._lock:
            mixed = [*rows, self._dice.choice(rows)]
            self._dice.shuffle(mixed)
            return mixed

    def note(self, name: str) -> None:
        """Count a fault that struck."""
        with self._lock:
            self.struck[name] += 1

    def _falls(self, count: str, rate: str) -> bool:
        with self._lock:
            left = getattr(self._faults, count) if count else 0
            share: float = getattr(self._faults, rate)
            if left > 0:
                self._faults = changed(self._faults, {count: left - 1})
            elif not (share > 0 and self._dice.random() < share):
                return False
            self.struck[rate.removesuffix("_rate")] += 1
            return True


def changed(faults: Faults, values: Mapping[str, Any]) -> Faults:
    """`faults` with these JSON values set.  Raises ValueError for an unknown name or a value of the wrong type."""
    return dataclasses.replace(faults, **{name: _checked(name, value) for name, value in values.items()})


def as_json(faults: Faults) -> dict[str, Any]:
    return dataclasses.asdict(faults)


def stamp(now_s: float, faults: Faults) -> str:
    """The database's spelling of a moment: UTC to the second, or what a wrongly set server takes for UTC."""
    zone = UTC if faults.time_zone is None else ZoneInfo(faults.time_zone)
    return datetime.fromtimestamp(now_s, zone).strftime("%Y-%m-%d %H:%M:%S")


def _checked(name: str, value: Any) -> Any:
    defaults = {field.name: field.default for field in dataclasses.fields(Faults)}
    if name not in defaults:
        raise ValueError(f"there is no fault {name!r}; there are {', '.join(sorted(defaults))}")
    if name == "rate_limit":
        return _rate_limit(value)
    if name == "time_zone":
        return _time_zone(value)
    return _plain(name, value, type(defaults[name]))


def _plain(name: str, value: Any, wanted: type) -> Any:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if wanted is float and number and value >= 0:
        return float(value)
    if wanted is int and number and value == int(value) and value >= 0:
        return int(value)
    if wanted is bool and isinstance(value, bool):
        return value
    raise ValueError(f"{name} must be {'true or false' if wanted is bool else 'a number from 0'}, not {value!r}")


def _rate_limit(value: Any) -> RateLimit | None:
    if value is None or isinstance(value, RateLimit):
        return value
    try:
        rule = RateLimit(**value)
    except TypeError:
        raise ValueError('rate_limit must be null or {"limit": N, "window_s": seconds}') from None
    limit, window_s = _plain("limit", rule.limit, int), _plain("window_s", rule.window_s, float)
    if window_s <= 0:
        raise ValueError("rate_limit.window_s must be more than 0 seconds")
    return RateLimit(limit=limit, window_s=window_s)


def _time_zone(value: Any) -> str | None:
    if value is None:
        return None
    try:
        return ZoneInfo(value).key
    except (ValueError, TypeError, OSError, LookupError):
        raise ValueError(f"time_zone must be null or a zone's name such as Europe/Berlin, not {value!r}") from None
