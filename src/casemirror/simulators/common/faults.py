"""What can be made to go wrong with any remote: switches that may be turned while it runs.

`Faults` is the setting, `FaultBox` the live state: it counts down and rolls the dice, reproducibly when given a seed.
"""

import dataclasses
import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Row = TypeVar("Row")


@dataclass(frozen=True, kw_only=True)
class Faults:
    """late_index_s                   searches see a change only after so many seconds; reading by id sees it at once

    refuse_rate, retry_after_s     the remote's answer for too many requests, whatever its rule: a share of the calls;
                                   in Retry-After, 0 = without the header
    fail_next, fail_rate           500 before anything happens: the next N calls; a share (0…1) of the calls
    fail_after_write, …_rate       500 although the write was done: the next N writes; a share (0…1) of the writes
    hang_rate, hang_after_write_rate, hang_s   no answer for so many seconds, then the connection is closed: a share of the
                                   calls, and nothing is done; a share of the writes, and they are done
    slow_s                         added to every call
    disorder_rate                  a share of the list answers has its rows in any order, and one of them twice
    html                           every call is answered by an HTML page, status 200 (hibernating or log-in page)
    down                           every connection is closed without an answer
    """

    late_index_s: float = 0.0
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
    html: bool = False
    down: bool = False


F = TypeVar("F", bound=Faults)
Check = Callable[[Any], Any]
"""A JSON value → the switch's value.  Raises ValueError with a sentence for the person."""


class FaultBox(Generic[F]):
    """The faults in force; safe to use from several threads.

    checks   switch → its check, for those that are no plain number or truth value
    """

    def __init__(self, initial: F, seed: int | None, checks: Mapping[str, Check] | None = None) -> None:
        self._checks = checks or {}
        self._initial = initial
        self._faults = initial
        self._dice = random.Random(seed)
        self._lock = threading.Lock()
        self.struck: Counter[str] = Counter()

    @property
    def now(self) -> F:
        return self._faults

    def change(self, values: Mapping[str, Any]) -> F:
        """Turn the named switches, leave the others.  Raises ValueError with a sentence for the person."""
        with self._lock:
            self._faults = changed(self._faults, values, self._checks)
            return self._faults

    def clear(self) -> F:
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
        """Whether this call is refused for now."""
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
                self._faults = changed(self._faults, {count: left - 1}, self._checks)
            elif not (share > 0 and self._dice.random() < share):
                return False
            self.struck[rate.removesuffix("_rate")] += 1
            return True


def changed(faults: F, values: Mapping[str, Any], checks: Mapping[str, Check]) -> F:
    """`faults` with these JSON values set.  Raises ValueError for an unknown name or a value of the wrong type."""
    defaults = {field.name: field.default for field in dataclasses.fields(faults)}
    for name in values:
        if name not in defaults:
            raise ValueError(f"there is no fault {name!r}; there are {', '.join(sorted(defaults))}")
    checked = {
        name: checks[name](value) if name in checks else plain(name, value, type(defaults[name]))
        for name, value in values.items()
    }
    return dataclasses.replace(faults, **checked)


def as_json(faults: Faults) -> dict[str, Any]:
    return dataclasses.asdict(faults)


def plain(name: str, value: Any, wanted: type) -> Any:
    """The value as a number from 0 or a truth value.  Raises ValueError."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if wanted is float and number and value >= 0:
        return float(value)
    if wanted is int and number and value == int(value) and value >= 0:
        return int(value)
    if wanted is bool and isinstance(value, bool):
        return value
    raise ValueError(f"{name} must be {'true or false' if wanted is bool else 'a number from 0'}, not {value!r}")


@dataclass(frozen=True, kw_only=True)
class RateLimit:
    """At most `limit` requests of one caller in each window of `window_s` seconds."""

    limit: int
    window_s: float = 3600.0


def rate_limit(value: Any) -> RateLimit | None:
    """The check of a switch `rate_limit`."""
    if value is None or isinstance(value, RateLimit):
        return value
    try:
        rule = RateLimit(**value)
    except TypeError:
        raise ValueError('rate_limit must be null or {"limit": N, "window_s": seconds}') from None
    limit, window_s = plain("limit", rule.limit, int), plain("window_s", rule.window_s, float)
    if window_s <= 0:
        raise ValueError("rate_limit.window_s must be more than 0 seconds")
    return RateLimit(limit=limit, window_s=window_s)
