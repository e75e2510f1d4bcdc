"""Transformers of IPv4 addresses.   Source: content.md §4.2 row 59."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Final

from casemirror.mapping.operators import Arguments, Transformer, wholes
from casemirror.mapping.transformers.sequences import spread
from casemirror.mapping.value import NOTHING, OperatorFailed, Value, shorten, text_of
from casemirror.model.values import Json

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_MOST: Final = 1_000_000
"""Comparisons of an address with a range that one list may take."""


def networks(value: Value) -> list[Network]:
    """Ranges in CIDR form, as a list or a text with commas. Raises OperatorFailed."""
    return [network(part) for part in spread(value)]


def network(value: Value) -> Network:
    """One range, or one address as a range. Raises OperatorFailed."""
    try:
        return ipaddress.ip_network(text_of(value).strip(), strict=False)
    except ValueError:
        raise OperatorFailed(f"{shorten(value)} is no address range") from None


def is_inside(value: Value, ranges: list[Network]) -> bool:
    """The address lies in one of the ranges. Raises OperatorFailed when it is none."""
    return _times_inside(value, ranges) > 0


def _times_inside(value: Value, ranges: list[Network]) -> int:
    try:
        address = ipaddress.ip_address(text_of(value).strip())
    except ValueError:
        raise OperatorFailed(f"{shorten(value)} is no address") from None
    return sum(address in each for each in ranges)


def _both(value: Value, args: Arguments) -> list[tuple[Json, int]]:
    """Each address, and in how many of the ranges it lies. Raises OperatorFailed."""
    args.need("cidr_ranges")
    ranges, found = networks(args.value("cidr_ranges")), spread(value)
    if len(ranges) * len(found) > _MOST:
        raise OperatorFailed(f"addresses and ranges make more than {_MOST} comparisons")
    return [(part, _times_inside(part, ranges)) for part in found]


def _whitelist(value: Value, args: Arguments) -> Value:
    """Addresses in a range, once for each range that they are in, as upstream."""
    return [part for part, times in _both(value, args) for _ in range(times)] or NOTHING


def _blacklist(value: Value, args: Arguments) -> Value:
    """Addresses in no range."""
    return [part for part, times in _both(value, args) if not times] or NOTHING


TABLE: Final[Mapping[str, Transformer]] = {
    "IPv4Whitelist": wholes(_whitelist),
    "IPv4Blacklist": wholes(_blacklist),
}
