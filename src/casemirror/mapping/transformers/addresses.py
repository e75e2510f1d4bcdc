"""Transformers of IPv4 addresses.   Source: content.md §4.2 row 59."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Final

from casemirror.mapping.operators import Arguments, Transformer, wholes
from casemirror.mapping.transformers.sequences import spread
from casemirror.mapping.value import NOTHING, OperatorFailed, Value, shorten, text_of

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


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
    try:
        address = ipaddress.ip_address(text_of(value).strip())
    except ValueError:
        raise OperatorFailed(f"{shorten(value)} is no address") from None
    return any(address in each for each in ranges)


def _kept(value: Value, args: Arguments, *, inside: bool) -> Value:
    ranges = networks(args.need("cidr_ranges"))
    return [part for part in spread(value) if is_inside(part, ranges) is inside] or NOTHING


TABLE: Final[Mapping[str, Transformer]] = {
    "IPv4Whitelist": wholes(lambda value, args: _kept(value, args, inside=True)),
    "IPv4Blacklist": wholes(lambda value, args: _kept(value, args, inside=False)),
}
