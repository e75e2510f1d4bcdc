"""How the instance is configured, and what can be made to go wrong with it beyond what can with every remote."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from casemirror.simulators.common import faults as common


@dataclass(frozen=True, kw_only=True)
class Faults(common.Faults):
    """rate_limit                     429 above it for one user; None = no rule (the vendor's rules: a window is an hour)

    time_zone                      the server's clock shows this zone although its stamps claim to be UTC; None = right
    data_policy                    closing an incident without close_code and close_notes is refused with 403 (default: off)
    attachment_touches_parent      an upload updates the ticket's sys_updated_on (the vendor does not say; default: yes)
    invalid_query_returns_no_rows  the property glide.invalid_query.returns_no_rows (default as the vendor's: off)
    The others are in `common.faults.Faults`; the page of `html` is the hibernating or log-in page.
    """

    rate_limit: common.RateLimit | None = None
    time_zone: str | None = None
    data_policy: bool = False
    attachment_touches_parent: bool = True
    invalid_query_returns_no_rows: bool = False


class FaultBox(common.FaultBox[Faults]):
    """The faults in force."""

    def __init__(self, initial: Faults, seed: int | None) -> None:
        super().__init__(initial, seed, _CHECKS)


def box(values: Mapping[str, Any] | None, seed: int | None) -> FaultBox:
    """With these switches turned from the start.  Raises ValueError with a sentence for the person."""
    return FaultBox(common.changed(Faults(), values or {}, _CHECKS), seed)


def stamp(now_s: float, faults: Faults) -> str:
    """The database's spelling of a moment: UTC to the second, or what a wrongly set server takes for UTC."""
    zone = UTC if faults.time_zone is None else ZoneInfo(faults.time_zone)
    return datetime.fromtimestamp(now_s, zone).strftime("%Y-%m-%d %H:%M:%S")


def _time_zone(value: Any) -> str | None:
    if value is None:
        return None
    try:
        return ZoneInfo(value).key
    except (ValueError, TypeError, OSError, LookupError):
        raise ValueError(f"time_zone must be null or a zone's name such as Europe/Berlin, not {value!r}") from None


_CHECKS = {"rate_limit": common.rate_limit, "time_zone": _time_zone}
