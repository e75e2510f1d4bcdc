"""How the tenant behaves where the documents leave it open, and what can be made to go wrong with it beyond any remote's faults."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from casemirror.simulators.common import faults as common

LIMIT = common.RateLimit(limit=10, window_s=60.0)
"""Of get_incident_extra_data.  Source: "Get Extra Incident Data"."""


@dataclass(frozen=True, kw_only=True)
class Faults(common.Faults):
    """rate_limit          of get_incident_extra_data, for each key; default as documented: 10 in a minute; None = no limit

    rate_limit_status   429 or 500: how too many requests are answered (the vendor does not say; default 429)
    idle_write_touches  an update that changes nothing moves modification_time (the vendor does not say; default: yes)
    no_licence          every call is answered 402
    clock_off_s         the server's clock is so much ahead when it looks at the time stamp of a request
    The others are in `common.faults.Faults`; the page of `html` is the one for signing in.
    """

    rate_limit: common.RateLimit | None = LIMIT
    rate_limit_status: int = 429
    idle_write_touches: bool = True
    no_licence: bool = False
    clock_off_s: float = 0.0


class FaultBox(common.FaultBox[Faults]):
    """The faults in force."""

    def __init__(self, initial: Faults, seed: int | None) -> None:
        super().__init__(initial, seed, _CHECKS)


def box(values: Mapping[str, Any] | None, seed: int | None) -> FaultBox:
    """With these switches turned from the start.  Raises ValueError with a sentence for the person."""
    return FaultBox(common.changed(Faults(), values or {}, _CHECKS), seed)


def _status(value: Any) -> int:
    if value not in (429, 500):
        raise ValueError(f"rate_limit_status must be 429 or 500, not {value!r}")
    return int(value)


_CHECKS = {"rate_limit": common.rate_limit, "rate_limit_status": _status}
