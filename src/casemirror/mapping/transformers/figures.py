"""Built-in transformers of numbers that hardly any mapper uses.   Source: content.md §4.2, list of built-in transformers.

What no public source tells exactly is our reading of the name (decision 0010).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from casemirror.mapping.operators import Arguments, Transformer, items
from casemirror.mapping.value import OperatorFailed, Value, finite, number_of, text_of
from casemirror.model.values import Json

_MOST_DIGITS: Final = 15


def _precision(value: Value, args: Arguments) -> Value:
    """The number rounded to `by` decimals."""
    digits = args.integer("by", 0) or 0
    if not 0 <= digits <= _MOST_DIGITS:
        raise OperatorFailed(f"'by' is {digits}: 0 to {_MOST_DIGITS} decimals")
    return finite(round(float(number_of(value)), digits))


def _to_percent(value: Value, args: Arguments) -> Value:
    """0.25 → ``25%``."""
    return text_of(finite(round(float(number_of(value)) * 100, 10))) + "%"


def _quadratic_equation(value: Value, args: Arguments) -> Value:
    """Real roots of ``value·x² + b·x + c``, the larger one first; fails when there are none."""
    a, b, c = (float(number_of(part)) for part in (value, args.number("b"), args.number("c")))
    if a == 0:
        raise OperatorFailed("the value is 0, so the equation is not quadratic")
    below = b * b - 4 * a * c
    if below < 0:
        raise OperatorFailed("the equation has no real root")
    roots = {finite((-b + sign * math.sqrt(below)) / (2 * a)) for sign in (1, -1)}
    return list[Json](sorted(roots, reverse=True))


TABLE: Final[Mapping[str, Transformer]] = {
    "precision": items(_precision),
    "toPercent": items(_to_percent),
    "quadraticEquation": items(_quadratic_equation),
}
