"""The built-in filters: does the left side, compared with the right one, let an element pass?

A comparison of single values passes a list when any element does; negative operators negate the positive result; with no
left value every positive comparison is false.   Source: content.md §4.3; MAP-026…038.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from casemirror.mapping import dates, patterns
from casemirror.mapping.operators import bare
from casemirror.mapping.value import Value, as_list, flat, json_of, number_of, text_of
from casemirror.model.values import Json

Test = Callable[[Json, Value, bool], bool]
"""left, right, ignore case → passes. Raises `value.FAILURES` when a side cannot be cast."""


@dataclass(frozen=True)
class Filter:
    """A filter by name.

    whole     the test sees the left side as it is, no value included; otherwise element by element
    negated   the result is turned round
    """

    test: Test
    whole: bool = False
    negated: bool = False


def passes(found: Filter, left: Value, right: Value, *, ignore_case: bool = False) -> bool:
    """Apply a filter. Raises what its test raises (`value.FAILURES`)."""
    if found.whole:
        return found.test(json_of(left), right, ignore_case) is not found.negated
    elements = [v for v in as_list(left) if v is not None]
    return any(found.test(v, right, ignore_case) for v in elements) is not found.negated


def _text(value: Value, ignore_case: bool) -> str:
    return text_of(value).casefold() if ignore_case else text_of(value)


def _same_text(left: Json, right: Value, ignore_case: bool) -> bool:
    return _text(left, ignore_case) == _text(right, ignore_case)


def _same_number(left: Json, right: Value, ignore_case: bool) -> bool:
    return number_of(left) == number_of(right)


def _same(left: Json, right: Value, ignore_case: bool) -> bool:
    """As numbers when both are, else as texts."""
    if _is_numeric(left) and _is_numeric(right):
        return number_of(left) == number_of(right)
    return _same_text(left, right, ignore_case)


_NUMERIC: Final = re.compile(r"\s*[+-]?\d{1,300}(?:\.\d{1,300})?\s*")


def _is_numeric(value: Value) -> bool:
    if isinstance(value, str):
        return _NUMERIC.fullmatch(value) is not None
    return isinstance(value, int | float) and not isinstance(value, bool)


def _contains_general(left: Json, right: Value, ignore_case: bool) -> bool:
    """A text contains the right side; of a list an element equals it or contains it as text."""
    wanted = _text(right, ignore_case)
    if isinstance(left, list | tuple):
        return any(
            _same_text(v, right, ignore_case) or (isinstance(v, str) and wanted in _text(v, ignore_case)) for v in left
        )
    return left is not None and wanted in _text(left, ignore_case)


def _items(right: Value, ignore_case: bool) -> set[str]:
    """The elements of a list, or the parts of a text between commas."""
    if isinstance(right, list | tuple):
        return {_text(v, ignore_case) for v in right}
    return {part.strip() for part in _text(right, ignore_case).split(",")}


def is_empty(value: Json) -> bool:
    """Null, ``""``, ``[]``, ``{}``, or a list of only such."""
    if isinstance(value, list | tuple):
        return all(leaf in (None, "", {}) for leaf in flat(value))
    return value is None or value in ("", {})


def _number_test(compare: Callable[[float, float], bool]) -> Test:
    return lambda left, right, ignore_case: compare(number_of(left), number_of(right))


def _date_test(order: int) -> Test:
    """Instants: 1 for later, -1 for earlier, 0 for the same."""

    def test(left: Json, right: Value, ignore_case: bool) -> bool:
        a, b = dates.parse(left), dates.parse(right)
        return (a > b) - (a < b) == order

    return test


def _has_length(left: Json, right: Value, ignore_case: bool) -> bool:
    return len(as_list(left)) == number_of(right)


_POSITIVE: Final[Mapping[str, Filter]] = {
    "isEqualString": Filter(_same_text),
    "isEqualNumber": Filter(_same_number),
    "isEqual": Filter(_same),
    "startWith": Filter(lambda v, r, i: _text(v, i).startswith(_text(r, i))),
    "endWith": Filter(lambda v, r, i: _text(v, i).endswith(_text(r, i))),
    "containsString": Filter(lambda v, r, i: _text(r, i) in _text(v, i)),
    "containsGeneral": Filter(_contains_general, whole=True),
    "contains": Filter(_contains_general, whole=True),
    "match": Filter(lambda v, r, i: patterns.found_in(text_of(r), text_of(v), ignore_case=i)),
    "stringHasLength": Filter(lambda v, r, i: len(text_of(v)) == number_of(r)),
    "hasLength": Filter(_has_length, whole=True),
    "inList": Filter(lambda v, r, i: _text(v, i) in _items(r, i)),
    "in": Filter(lambda v, r, i: _text(v, i) in _items(r, i)),
    "greaterThan": Filter(_number_test(lambda a, b: a > b)),
    "greaterThanOrEqual": Filter(_number_test(lambda a, b: a >= b)),
    "lessThan": Filter(_number_test(lambda a, b: a < b)),
    "lessThanOrEqual": Filter(_number_test(lambda a, b: a <= b)),
    "isTrue": Filter(lambda v, r, i: v is True or text_of(v).lower() == "true"),
    "isFalse": Filter(lambda v, r, i: v is False or text_of(v).lower() == "false"),
    "isAfter": Filter(_date_test(1)),
    "isBefore": Filter(_date_test(-1)),
    "isSame": Filter(_date_test(0)),
    "isEmpty": Filter(lambda v, r, i: is_empty(v), whole=True),
    "isExists": Filter(lambda v, r, i: v is not None, whole=True),
}
_NEGATIVE: Final = {
    "isNotEqualString": "isEqualString",
    "isNotEqualNumber": "isEqualNumber",
    "isNotEqual": "isEqual",
    "notStartWith": "startWith",
    "notEndWith": "endWith",
    "notContainsString": "containsString",
    "notContainsGeneral": "containsGeneral",
    "notContains": "contains",
    "notInList": "inList",
    "notIn": "in",
    "isNotEmpty": "isEmpty",
    "isNotExists": "isExists",
}

KNOWN: Final[Mapping[str, Filter]] = {
    **_POSITIVE,
    **{name: Filter(_POSITIVE[of].test, _POSITIVE[of].whole, negated=True) for name, of in _NEGATIVE.items()},
}


def find(name: str) -> Filter | None:
    """The filter with that name; `string.` and `number.` say how isEqual compares.   Source: content.md §3.4; MAP-032."""
    plain = bare(name)
    if plain in ("isEqual", "isNotEqual") and name.startswith(("string.", "number.")):
        plain += "String" if name.startswith("string.") else "Number"
    return KNOWN.get(plain)
