"""Built-in transformers of numbers and dates.   Source: content.md §4.2, Q20; MAP-039, MAP-089."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

from casemirror.mapping import dates
from casemirror.mapping.operators import Arguments, Transformer, items
from casemirror.mapping.value import OperatorFailed, Value, finite, number_of

_BIGGEST: Final = 1e300
"""Beyond this, whole numbers are refused too: they would grow without bound."""


def _checked(number: float) -> int | float:
    if abs(number) > _BIGGEST:
        raise OperatorFailed("the result is too large")
    return finite(number)


def _by(operation: Callable[[float, float], float]) -> Transformer:
    """An operation with the argument `by`. Division by zero fails; whole results are integers."""

    def function(value: Value, args: Arguments) -> Value:
        return _checked(operation(_checked(number_of(value)), _checked(args.number("by"))))

    return items(function)


def _alone(operation: Callable[[float], float]) -> Transformer:
    return items(lambda value, args: _checked(operation(_checked(number_of(value)))))


def _round(number: float) -> float:
    """The nearest whole number, halves away from zero."""
    return math.copysign(math.floor(abs(number) + 0.5), number)


def _to_unix(value: Value, args: Arguments) -> Value:
    return int((dates.parse(value) - dates.EPOCH).total_seconds())


TABLE: Final[Mapping[str, Transformer]] = {
    "addition": _by(lambda a, b: a + b),
    "subtraction": _by(lambda a, b: a - b),
    "multiply": _by(lambda a, b: a * b),
    "division": _by(lambda a, b: a / b),
    "modulo": _by(math.fmod),
    "floor": _alone(math.floor),
    "ceil": _alone(math.ceil),
    "round": _alone(_round),
    "abs": _alone(abs),
    "toUnix": items(_to_unix),
}
