"""The filters: does the left side, compared with the right one, let an element pass?

A comparison of single values passes a list when any element does; negative operators negate the positive result; with no
left value every positive comparison is false.   Source: content.md §4.3; MAP-026…038.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from casemirror.mapping.filters import builtin, scripts
from casemirror.mapping.operators import Filter, Sides, bare
from casemirror.mapping.value import Value, as_list, json_of

_POSITIVE: Final[Mapping[str, Filter]] = {**builtin.POSITIVE}
_NEGATIVE: Final[Mapping[str, str]] = {**builtin.NEGATIVE}
"""Name → the filter whose result it negates."""

KNOWN: Final[Mapping[str, Filter]] = {
    **scripts.TABLE,
    **_POSITIVE,
    **{name: Filter(_POSITIVE[of].test, _POSITIVE[of].whole, negated=True) for name, of in _NEGATIVE.items()},
}


def find(name: str) -> Filter | None:
    """The filter with that name; `string.` and `number.` say how isEqual compares.   Source: content.md §3.4; MAP-032."""
    plain = bare(name)
    if plain in ("isEqual", "isNotEqual") and name.startswith(("string.", "number.")):
        plain += "String" if name.startswith("string.") else "Number"
    return KNOWN.get(plain)


def passes(found: Filter, left: Value, right: Value, how: Sides) -> bool:
    """Apply a filter. Raises what its test raises (`value.FAILURES`)."""
    if found.whole:
        return found.test(json_of(left), right, how) is not found.negated
    elements = [v for v in as_list(left) if v is not None]
    return any(found.test(v, right, how) for v in elements) is not found.negated
