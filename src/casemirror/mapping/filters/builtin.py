"""The built-in comparisons of texts, numbers, dates and lists.   Source: content.md §4.3; MAP-026…038."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from casemirror.mapping import dates, patterns
from casemirror.mapping.operators import Filter, Sides, Test
from casemirror.mapping.value import Value, as_list, flat, json_of, number_of, text_of
from casemirror.model.values import Json, same


def _text(value: Value, how: Sides) -> str:
    return text_of(value).casefold() if how.ignore_case else text_of(value)


def _same_text(left: Json, right: Value, how: Sides) -> bool:
    return _text(left, how) == _text(right, how)


def _same_number(left: Json, right: Value, how: Sides) -> bool:
    return number_of(left) == number_of(right)


def _same(left: Json, right: Value, how: Sides) -> bool:
    """As numbers when both are, else as texts."""
    if _is_numeric(left) and _is_numeric(right):
        return number_of(left) == number_of(right)
    return _same_text(left, right, how)


_NUMERIC: Final = re.compile(r"\s*[+-]?\d{1,300}(?:\.\d{1,300})?\s*")


def _is_numeric(value: Value) -> bool:
    if isinstance(value, str):
        return _NUMERIC.fullmatch(value) is not None
    return isinstance(value, int | float) and not isinstance(value, bool)


def _contains_general(left: Json, right: Value, how: Sides) -> bool:
    """A text contains the right side; of a list an element equals it or contains it as text."""
    wanted = _text(right, how)
    if isinstance(left, list | tuple):
        return any(_same_text(v, right, how) or (isinstance(v, str) and wanted in _text(v, how)) for v in left)
    return left is not None and wanted in _text(left, how)


def _items(right: Value, how: Sides) -> set[str]:
    """The elements of a list, or the parts of a text between commas."""
    if isinstance(right, list | tuple):
        return {_text(v, how) for v in right}
    return {part.strip() for part in _text(right, how).split(",")}


def is_empty(value: Json) -> bool:
    """Null, ``""``, ``[]``, ``{}``, or a list of only such."""
    if isinstance(value, list | tuple):
        return all(leaf in (None, "", {}) for leaf in flat(value))
    return value is None or value in ("", {})


def _number_test(compare: Callable[[float, float], bool]) -> Test:
    return lambda left, right, how: compare(number_of(left), number_of(right))


def _date_test(order: int) -> Test:
    """Instants: 1 for later, -1 for earlier, 0 for the same."""

    def test(left: Json, right: Value, how: Sides) -> bool:
        a, b = dates.parse(left), dates.parse(right)
        return (a > b) - (a < b) == order

    return test


def _has_length(left: Json, right: Value, how: Sides) -> bool:
    return len(as_list(left)) == number_of(right)


POSITIVE: Final[Mapping[str, Filter]] = {
    "isEqualString": Filter(_same_text),
    "isEqualNumber": Filter(_same_number),
    "isEqual": Filter(_same),
    "startWith": Filter(lambda v, r, how: _text(v, how).startswith(_text(r, how))),
    "endWith": Filter(lambda v, r, how: _text(v, how).endswith(_text(r, how))),
    "containsString": Filter(lambda v, r, how: _text(r, how) in _text(v, how)),
    "containsGeneral": Filter(_contains_general, whole=True),
    "contains": Filter(_contains_general, whole=True),
    "match": Filter(lambda v, r, how: patterns.found_in(text_of(r), text_of(v), ignore_case=how.ignore_case)),
    "stringHasLength": Filter(lambda v, r, how: len(text_of(v)) == number_of(r)),
    "hasLength": Filter(_has_length, whole=True),
    "inList": Filter(lambda v, r, how: _text(v, how) in _items(r, how)),
    "in": Filter(lambda v, r, how: _text(v, how) in _items(r, how)),
    "greaterThan": Filter(_number_test(lambda a, b: a > b)),
    "greaterThanOrEqual": Filter(_number_test(lambda a, b: a >= b)),
    "lessThan": Filter(_number_test(lambda a, b: a < b)),
    "lessThanOrEqual": Filter(_number_test(lambda a, b: a <= b)),
    "isTrue": Filter(lambda v, r, how: v is True or text_of(v).lower() == "true"),
    "isFalse": Filter(lambda v, r, how: v is False or text_of(v).lower() == "false"),
    "isAfter": Filter(_date_test(1)),
    "isBefore": Filter(_date_test(-1)),
    "isSame": Filter(_date_test(0)),
    "isEmpty": Filter(lambda v, r, how: is_empty(v), whole=True),
    "isEqualCase": Filter(lambda v, r, how: text_of(v) == text_of(r)),
    "isIdenticalIncident": Filter(lambda v, r, how: same(v, json_of(r)), whole=True),
    "isExists": Filter(lambda v, r, how: v is not None, whole=True),
}
NEGATIVE: Final[Mapping[str, str]] = {
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
    "isNotEqualCase": "isEqualCase",
    "isNotIdenticalIncident": "isIdenticalIncident",
    "isNotEmpty": "isEmpty",
    "isNotExists": "isExists",
}
