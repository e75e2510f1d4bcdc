"""Filters that are scripts upstream, as functions of ours.   Source: content.md §4.3."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from casemirror.mapping import dates
from casemirror.mapping.operators import Filter, Sides, Test
from casemirror.mapping.transformers import times
from casemirror.mapping.transformers.addresses import is_inside, network, networks
from casemirror.mapping.transformers.sequences import spread
from casemirror.mapping.value import OperatorFailed, Value, as_list, flat, number_of, shorten, text_of
from casemirror.model.values import Json

_VERSION_PART: Final = re.compile(r"\s*\+?[0-9]{1,9}\s*")
_PRIVATE: Final = "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16"


def _contains_any(left: Json, right: Value, how: Sides) -> bool:
    """A text, or one of a list, contains one of the texts of the right side; what is empty is in nothing."""
    wanted = [text for part in flat(as_list(right)) if (text := text_of(part))]
    texts = [text_of(part) for part in as_list(left)]
    if how.ignore_case:
        wanted, texts = [w.casefold() for w in wanted], [t.casefold() for t in texts]
    return any(part in text for text in texts for part in wanted)


def _in_range(left: Json, right: Value, how: Sides) -> bool:
    """Between two numbers, both included; what is no number is outside."""
    ends = spread(right)
    if len(ends) < 2:
        return False
    try:
        return number_of(ends[0]) <= number_of(left) <= number_of(ends[1])
    except OperatorFailed:
        return False


def _size_test(compare: Callable[[int, int | float], bool]) -> Test:
    def test(left: Json, right: Value, how: Sides) -> bool:
        return any(compare(network(part).num_addresses, number_of(right)) for part in spread(left))

    return test


def _after_relative_date(left: Json, right: Value, how: Sides) -> bool:
    """Later than, say, ``6 months ago``."""
    return dates.parse(left) > times.relative(text_of(right), how.outside.now)


def _version_test(wanted: Callable[[int], bool]) -> Test:
    def test(left: Json, right: Value, how: Sides) -> bool:
        a, b = _version(left), _version(right)
        return wanted((a > b) - (a < b))

    return test


def _version(value: Value) -> list[int]:
    """Two to four numbers with dots, as System.Version of .NET reads them: `1.2` is less than `1.2.0`."""
    parts = text_of(value).split(".")
    if not 2 <= len(parts) <= 4 or not all(_VERSION_PART.fullmatch(part) for part in parts):
        raise OperatorFailed(f"{shorten(value)} is no version")
    return [int(part) for part in parts]


TABLE: Final[Mapping[str, Filter]] = {
    "StringContainsArray": Filter(_contains_any, whole=True),
    "InRange": Filter(_in_range),
    "IsInCidrRanges": Filter(lambda left, right, how: is_inside(left, networks(right))),
    "IsNotInCidrRanges": Filter(lambda left, right, how: not is_inside(left, networks(right))),
    "GreaterCidrNumAddresses": Filter(_size_test(lambda size, than: size > than)),
    "LowerCidrNumAddresses": Filter(_size_test(lambda size, than: size < than)),
    "IsRFC1918Address": Filter(lambda left, right, how: is_inside(left, networks(_PRIVATE))),
    "AfterRelativeDate": Filter(_after_relative_date),
    "VersionEqualTo": Filter(_version_test(lambda order: order == 0)),
    "VersionGreaterThan": Filter(_version_test(lambda order: order > 0)),
    "VersionLessThan": Filter(_version_test(lambda order: order < 0)),
}
