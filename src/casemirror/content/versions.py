"""Which server casemirror claims to be, and which items are meant for it.   Source: content.md §1.8; MAP-096."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from casemirror.model.values import Json

EMULATED: Final = (6, 10, 0)
"""Server version whose content is loaded."""

MARKETPLACES: Final = ("xsoar", "xsoar_on_prem")
"""Suffixes (`key:xsoar`) that override the plain key; the later one wins. All other suffixed keys are dropped."""

_LATEST: Final = (99, 99, 99)


def parse(text: Json, default: tuple[int, ...] = (0, 0, 0)) -> tuple[int, ...]:
    """Read ``"6.10.0"`` as numbers; what is no number counts as 0, an empty text as `default`."""
    parts = str(text or "").strip().split(".")
    if parts == [""]:
        return default
    numbers = [int(p) if p.isascii() and p.isdigit() and len(p) < 10 else 0 for p in parts[:4]]
    return tuple(numbers + [0] * (3 - len(numbers)))


def is_eligible(body: Mapping[str, Json], server: tuple[int, ...] = EMULATED) -> bool:
    """Say whether an item's bounds (inclusive, YAML or JSON spelling) hold the emulated server version."""
    lowest = parse(body.get("fromversion", body.get("fromVersion")))
    highest = parse(body.get("toversion", body.get("toVersion")), _LATEST)
    return lowest <= server <= highest and _is_for_us(body.get("marketplaces"))


def _is_for_us(marketplaces: Json) -> bool:
    if not isinstance(marketplaces, list) or not marketplaces:
        return True
    return any(name in MARKETPLACES for name in marketplaces)
