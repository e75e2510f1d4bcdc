"""What the expressions of `script` do with values: truth, equality, members and methods, as JavaScript has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from casemirror.mapping.value import NOTHING, OperatorFailed, Value, absent, finite, json_of, number_of, text_of, whole
from casemirror.model.values import Json

_LONGEST: Final = 1_000_000
"""Longest text an expression may build, characters."""


def is_true(value: Value) -> bool:
    """JavaScript truth: empty lists and objects are true."""
    if absent(value):
        return False
    return True if isinstance(value, list | tuple | Mapping) else bool(value)


def same_strictly(left: Value, right: Value) -> bool:
    """``===``: same type and value; undefined is not null."""
    if absent(left) or absent(right):
        return left is right
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | float) and isinstance(right, int | float):
        return left == right
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    return left is right


def same_loosely(left: Value, right: Value) -> bool:
    """``==``: null equals undefined, numbers equal their text, booleans are 1 and 0."""
    if absent(left) or absent(right):
        return absent(left) and absent(right)
    if _is_container(left) and _is_container(right):
        return left is right
    left, right = _primitive(left), _primitive(right)
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    a, b = _number(left), _number(right)
    return a is not None and a == b


def compare(sign: str, left: Value, right: Value) -> bool:
    """Texts compare as texts, everything else as numbers; what is no number is in no order."""
    left, right = _primitive(left), _primitive(right)
    if isinstance(left, str) and isinstance(right, str):
        order = (left > right) - (left < right)
    else:
        a, b = _number(left), _number(right)
        if a is None or b is None:
            return False
        order = (a > b) - (a < b)
    return {"<": order < 0, ">": order > 0, "<=": order <= 0, ">=": order >= 0}[sign]


def add(left: Value, right: Value) -> Value:
    """Numbers add; as soon as one side is text, both are joined as texts."""
    if isinstance(left, str) or isinstance(right, str) or _is_container(left) or _is_container(right):
        return _short(_text(left) + _text(right))
    return finite(number_of(left) + number_of(right))


def member(value: Value, key: Value) -> Value:
    """``value.key``, ``value[key]``. Raises OperatorFailed on null and undefined."""
    if isinstance(value, Mapping):
        return value.get(text_of(key), NOTHING)
    if absent(value):
        raise OperatorFailed(f"cannot read {text_of(key)!r} of nothing")
    if isinstance(value, str | list | tuple):
        if key == "length":
            return len(value)
        if isinstance(key, int | float) and not isinstance(key, bool) and whole(key) in range(len(value)):
            return value[int(key)]
    return NOTHING


def method(value: Value, name: str, arguments: Sequence[Value]) -> Value:
    """Call one of the known methods. Raises OperatorFailed for any other."""
    if isinstance(value, list | tuple):
        known = _LIST_METHODS.get(name)
        if known is None:
            raise OperatorFailed(f"lists have no method {name!r} here")
        return known(list(value), arguments)
    if isinstance(value, bool | int | float) and name == "toString":
        return text_of(value)
    found = _TEXT_METHODS.get(name)
    if found is None or not isinstance(value, str):
        raise OperatorFailed(f"cannot call {name!r} on this value")
    return found(value, arguments)


def _argument(arguments: Sequence[Value], at: int, default: Value = NOTHING) -> Value:
    return arguments[at] if at < len(arguments) and arguments[at] is not NOTHING else default


def _integer(arguments: Sequence[Value], at: int, default: int) -> int:
    return int(number_of(_argument(arguments, at, default)))


def _substr(text: str, arguments: Sequence[Value]) -> Value:
    start = _integer(arguments, 0, 0)
    start = max(len(text) + start, 0) if start < 0 else start
    return text[start : start + max(_integer(arguments, 1, len(text)), 0)]


def _substring(text: str, arguments: Sequence[Value]) -> Value:
    ends = sorted(min(max(_integer(arguments, i, d), 0), len(text)) for i, d in ((0, 0), (1, len(text))))
    return text[ends[0] : ends[1]]


def _slice(value: Sequence[Json] | str, arguments: Sequence[Value]) -> Value:
    part = value[slice(_integer(arguments, 0, 0), _integer(arguments, 1, len(value)))]
    return part if isinstance(part, str) else list(part)


def _split(text: str, arguments: Sequence[Value]) -> Value:
    separator = _argument(arguments, 0)
    if separator is NOTHING:
        return [text]
    return list(text.split(_text(separator)) if separator != "" else text)


def _replace(text: str, arguments: Sequence[Value]) -> Value:
    return _short(text.replace(_text(_argument(arguments, 0)), _text(_argument(arguments, 1)), 1))


def _index_of(items: list[Json], arguments: Sequence[Value]) -> Value:
    wanted = _argument(arguments, 0)
    return next((i for i, item in enumerate(items) if same_strictly(item, wanted)), -1)


_TEXT_METHODS: Final[Mapping[str, Callable[[str, Sequence[Value]], Value]]] = {
    "toLowerCase": lambda t, a: t.lower(),
    "toUpperCase": lambda t, a: t.upper(),
    "toString": lambda t, a: t,
    "trim": lambda t, a: t.strip(),
    "indexOf": lambda t, a: t.find(_text(_argument(a, 0))),
    "lastIndexOf": lambda t, a: t.rfind(_text(_argument(a, 0))),
    "includes": lambda t, a: _text(_argument(a, 0)) in t,
    "startsWith": lambda t, a: t.startswith(_text(_argument(a, 0))),
    "endsWith": lambda t, a: t.endswith(_text(_argument(a, 0))),
    "charAt": lambda t, a: t[_integer(a, 0, 0) :][:1] if _integer(a, 0, 0) >= 0 else "",
    "substr": _substr,
    "substring": _substring,
    "slice": _slice,
    "split": _split,
    "replace": _replace,
    "concat": lambda t, a: _short(t + "".join(_text(x) for x in a)),
}

_LIST_METHODS: Final[Mapping[str, Callable[[list[Json], Sequence[Value]], Value]]] = {
    "indexOf": _index_of,
    "includes": lambda items, a: _index_of(items, a) != -1,
    "join": lambda items, a: _short(_text(_argument(a, 0, ",")).join(text_of(i) for i in items)),
    "slice": _slice,
    "concat": lambda items, a: items + [x for v in a for x in (v if isinstance(v, list | tuple) else [json_of(v)])],
    "reverse": lambda items, a: items[::-1],
}


def _is_container(value: Value) -> bool:
    return isinstance(value, list | tuple | Mapping)


def _primitive(value: Value) -> Value:
    """A list or object as the text that JavaScript compares it by."""
    return _text(value) if _is_container(value) else value


def _text(value: Value) -> str:
    """A value as JavaScript writes it into a text."""
    if value is NOTHING:
        return "undefined"
    if value is None:
        return "null"
    if isinstance(value, list | tuple):
        return ",".join("" if v is None else _text(v) for v in value)
    return "[object Object]" if isinstance(value, Mapping) else text_of(value)


def _number(value: Value) -> int | float | None:
    """A value as a number, None for NaN."""
    if value is None or value == "":
        return 0
    try:
        return number_of(value)
    except OperatorFailed:
        return None


def _short(text: str) -> str:
    if len(text) > _LONGEST:
        raise OperatorFailed("the expression builds a text that is too long")
    return text
