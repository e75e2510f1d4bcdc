"""`If-Then-Else`: one value or another, by a condition.   Source: content.md §4.2 row 18."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Final

from casemirror.mapping import patterns
from casemirror.mapping.operators import Arguments, Transformer, items
from casemirror.mapping.script_values import compare, same_loosely, same_strictly
from casemirror.mapping.value import OperatorFailed, Value, as_list, text_of
from casemirror.model.values import Json

_CONDITION: Final = re.compile(
    r"\s*(lhs|value)\s*(===|!==|==|!=|>=|<=|>|<|=~|not\s+in\s+list|in\s+list)\s*(lhs|rhs|value)\s*"
)


def _if_then_else(value: Value, args: Arguments) -> Value:
    """`then` when the condition holds, else `else`; without a condition: when the value loosely equals `equals` (or `rhs`)."""
    options = _Options(args.text("options"))
    holds = _holds(value, args, options)
    chosen = args.value("then" if holds else "else")
    return options.typed("then" if holds else "else", chosen)


def _holds(value: Value, args: Arguments, options: _Options) -> bool:
    text = args.text("condition").strip()
    if not text:
        right = args.value("equals") if "equals" in args.given else options.typed("rhs", args.value("rhs"))
        return options.same(value, right)
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise OperatorFailed(f"the condition {text!r} is none of `lhs==rhs`, `value=~rhs`, `lhs in list rhs`, …")
    given = {"value": value, **{side: options.typed(side, args.value(side)) for side in ("lhs", "rhs")}}
    return options.compare(" ".join(match[2].split()), given[match[1]], given[match[3]])


class _Options:
    """The flags of one use: ``case_insensitive``, ``regex_…``, ``input_data_type:then=json``."""

    def __init__(self, text: str) -> None:
        words = [word.strip() for word in text.split(",") if word.strip()]
        types = [word.removeprefix("input_data_type:") for word in words if word.startswith("input_data_type:")]
        self._types = dict(part.split("=", 1) for part in types if "=" in part)
        self._flags = frozenset(words)

    def typed(self, name: str, value: Value) -> Value:
        """An argument as the type that the options give it."""
        kind = self._types.get(name, "string" if isinstance(value, str) else "")
        if kind == "json" and isinstance(value, str):
            try:
                parsed: Json = json.loads(value)
            except ValueError:
                raise OperatorFailed(f"argument {name!r} is no JSON") from None
            return parsed
        return value

    def _folded(self, value: Value) -> Value:
        if "case_insensitive" in self._flags and isinstance(value, str):
            return value.lower()
        return value

    def same(self, left: Value, right: Value) -> bool:
        """Loosely equal, as JavaScript has it."""
        return same_loosely(self._folded(left), self._folded(right))

    def compare(self, sign: str, left: Value, right: Value) -> bool:
        """One of the comparisons."""
        if sign in ("in list", "not in list"):
            return self._listed(left, right) is (sign == "in list")
        if sign == "=~":
            return self._matches(left, right)
        if sign in _EQUALITIES:
            test, wanted = _EQUALITIES[sign]
            return test(self._folded(left), self._folded(right)) is wanted
        return compare(sign, self._folded(left), self._folded(right))

    def _listed(self, left: Value, right: Value) -> bool:
        items_ = [part.strip() for part in right.split(",")] if isinstance(right, str) else as_list(right)
        return any(self.same(left, item) for item in items_)

    def _matches(self, left: Value, right: Value) -> bool:
        named = {"case_insensitive": "i", "regex_dot_all": "s", "regex_multiline": "m"}
        flags = "".join(flag for name, flag in named.items() if name in self._flags)
        return patterns.matches(text_of(right), text_of(left), flags, whole="regex_full_match" in self._flags)


_EQUALITIES: Final[Mapping[str, tuple[Callable[[Value, Value], bool], bool]]] = {
    "==": (same_loosely, True),
    "!=": (same_loosely, False),
    "===": (same_strictly, True),
    "!==": (same_strictly, False),
}

TABLE: Final[Mapping[str, Transformer]] = {"If-Then-Else": items(_if_then_else)}
