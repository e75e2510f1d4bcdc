"""`If-Then-Else`: one value or another, by a condition.   Source: content.md §4.2 row 18; the public script."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Final

from casemirror.mapping import patterns
from casemirror.mapping.operators import Arguments, Transformer, items
from casemirror.mapping.script_values import add, compare, same_loosely, same_strictly
from casemirror.mapping.transformers.matches import words
from casemirror.mapping.value import OperatorFailed, Value, absent, as_list, json_of, text_of
from casemirror.model.values import Json

_CONDITION: Final = re.compile(
    r"\s*(lhs|rhs|value)\s*(===|!==|==|!=|>=|<=|>|<|=~|not\s+in\s+list|in\s+list)\s*(lhs|rhs|value)\s*"
)
_TYPED: Final = "input_data_type:"


def _if_then_else(value: Value, args: Arguments) -> Value:
    """`then` when the condition holds, else `else`; no value is the empty text, as the script gives it."""
    options = _Options(args.text("options"))
    chosen = _typed(value, args, options, "then" if _holds(value, args, options) else "else")
    return "" if absent(chosen) else chosen


def _holds(value: Value, args: Arguments, options: _Options) -> bool:
    """Without a condition: the value loosely equals `equals`, whatever `rhs` may be."""
    text = args.text("condition").strip()
    if not text:
        return options.compare("==", _typed(value, args, options, "value"), _typed(value, args, options, "equals"))
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise OperatorFailed(f"the condition {text!r} is none of `lhs==rhs`, `value=~rhs`, `lhs in list rhs`, …")
    left, right = (_typed(value, args, options, match[side]) for side in (1, 3))
    return options.compare(" ".join(match[2].split()), left, right)


def _typed(value: Value, args: Arguments, options: _Options, name: str) -> Value:
    """An argument, or the value, as what the options make of it: itself (`raw`), parsed (`json`), the value (`value`)."""
    given, kind = value if name == "value" else args.value(name), options.types.get(name, "raw")
    if kind == "value":
        return value
    if kind == "json":
        return _parsed(given, name)
    if kind != "raw":
        raise OperatorFailed(f"option {_TYPED}{name}: unknown type {kind!r}; there are raw, json, value")
    return given


def _parsed(given: Value, name: str) -> Value:
    if not isinstance(given, str):
        return given
    try:
        parsed: Json = json.loads(given)
    except ValueError:
        raise OperatorFailed(f"{name!r} is no JSON") from None
    return parsed


class _Options:
    """The flags of one use: ``case_insensitive``, ``regex_…``, ``input_data_type:then=json``."""

    def __init__(self, text: str) -> None:
        options = words(text)
        typed = [option.removeprefix(_TYPED) for option in options if option.startswith(_TYPED) and "=" in option]
        self.types: Final[Mapping[str, str]] = dict(part.split("=", 1) for part in typed)
        self._flags = frozenset(options)

    def _folded(self, value: Value) -> Value:
        if "case_insensitive" in self._flags and isinstance(value, str):
            return value.lower()
        return value

    def compare(self, sign: str, left: Value, right: Value) -> bool:
        """One of the comparisons, as JavaScript has them."""
        if sign in ("in list", "not in list"):
            return self._listed(left, right) is (sign == "in list")
        if sign == "=~":
            return self._matches(left, right)
        if sign in _EQUALITIES:
            test, wanted = _EQUALITIES[sign]
            return test(self._folded(left), self._folded(right)) is wanted
        return compare(sign, self._folded(left), self._folded(right))

    def _listed(self, left: Value, right: Value) -> bool:
        """Is the text of the left one of the right: a list, its JSON text, or parts with commas between?"""
        listed = as_list(right)
        if isinstance(right, str):
            is_json = right.startswith("[") and right.endswith("]")
            listed = as_list(_parsed(right, "rhs")) if is_json else [part.strip() for part in right.split(",")]
        return self._folded(_as_text(left)) in [self._folded(item) for item in listed if isinstance(item, str)]

    def _matches(self, left: Value, right: Value) -> bool:
        named = {"case_insensitive": "i", "regex_dot_all": "s", "regex_multiline": "m"}
        flags = "".join(flag for name, flag in named.items() if name in self._flags)
        return patterns.matches(_as_text(right), _as_text(left), flags, whole="regex_full_match" in self._flags)


def _as_text(value: Value) -> str:
    """What JavaScript makes of a value when it needs a text."""
    return text_of(add(json_of(value), ""))


_EQUALITIES: Final[Mapping[str, tuple[Callable[[Value, Value], bool], bool]]] = {
    "==": (same_loosely, True),
    "!=": (same_loosely, False),
    "===": (same_strictly, True),
    "!==": (same_strictly, False),
}

TABLE: Final[Mapping[str, Transformer]] = {"If-Then-Else": items(_if_then_else)}
