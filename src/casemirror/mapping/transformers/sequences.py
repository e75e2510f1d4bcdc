"""Transformers of whole lists that are scripts upstream, and `sliceByItem`.   Source: content.md §4.2."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import product
from typing import Any, Final

import jmespath
from jmespath import visitor
from jmespath.exceptions import JMESPathError

from casemirror.mapping.operators import Arguments, Transformer, items, lists, wholes
from casemirror.mapping.value import (
    NOTHING,
    OperatorFailed,
    Value,
    absent,
    as_list,
    finite,
    json_of,
    number_of,
    text_of,
)
from casemirror.model.values import Json

_MOST: Final = 100_000
"""Elements that a product of lists may have."""
_LONGEST: Final = 10_000
"""Characters of a JMESPath expression."""
_MOST_PARTS: Final = 10_000_000
"""Values that the evaluation of one may touch and make, all parts counted."""
_MAKING: Final = frozenset({"multi_select_list", "multi_select_dict", "function_expression"})
"""Steps whose result is new, and not a part of what they were given."""


def spread(value: Value) -> list[Json]:
    """A list, or the parts of a text between commas; a text that is a JSON list is that list."""
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, str):
        if value.strip().startswith("["):
            try:
                found: Json = json.loads(value)
            except ValueError:
                found = None
            if isinstance(found, list):
                return found
        return [part.strip() for part in value.split(",")] if value.strip() else []
    return as_list(value)


def _product_join(value: Value, args: Arguments) -> Value:
    """Every element of one list with every one of the other, joined.   Source: row 51."""
    first, second = _texts(value), _texts(args.value("list2"))
    if len(first) * len(second) > _MOST:
        raise OperatorFailed(f"the product has more than {_MOST} elements")
    separator = args.text("join", "=")
    return [separator.join(pair) for pair in product(first, second)]


def _texts(value: Value) -> list[str]:
    found = as_list(value)
    if len(found) == 1:
        found = list(text_of(found[0]).split(","))
    return [text_of(item).strip() for item in found]


def _sum(value: Value, args: Arguments) -> Value:
    """The sum, always with a fraction.   Source: row 56."""
    return float(sum(float(number_of(item)) for item in spread(value)))


def _slice_by_item(value: Value, args: Arguments) -> Value:
    """The elements from the first that equals `from` up to, and without, the next that equals `to`."""
    found = as_list(value)
    texts = [text_of(item) for item in found]
    first = texts.index(args.text("from")) if args.text("from") in texts else 0
    rest = texts[first:]
    last = first + rest.index(args.text("to")) if args.text("to") in rest else len(found)
    return found[first:last]


def _append_if_not_empty(value: Value, args: Arguments) -> Value:
    """The list, and `item` behind it when it says something; with `raw` false a text is split at commas."""
    item = args.value("item")
    if absent(item) or item in ("", 0, False):
        return value
    return as_list(value) + (as_list(item) if args.flag("raw", default=True) else spread(item))


def _remove_empty(value: Value, args: Arguments) -> Value:
    """The elements that say something; `empty_values` names texts that count as empty, `remove_keys` looks into objects."""
    hollow = frozenset(text_of(token) for token in spread(args.value("empty_values")))
    found = as_list(value)
    if args.flag("remove_keys", default=False):
        found = [_pruned(item, hollow) for item in found]
    return [item for item in found if not _is_hollow(item, hollow)]


def _is_hollow(value: Json, hollow: frozenset[str]) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_hollow(item, hollow) for item in value)
    if isinstance(value, str):
        return not value or value in hollow
    return value is None or value == {}


def _pruned(value: Json, hollow: frozenset[str]) -> Json:
    """An object without keys that say nothing, at any depth; of a list inside it, only the objects are looked into."""
    if not isinstance(value, Mapping):
        return value
    kept: dict[str, Json] = {}
    for key, inner in value.items():
        if isinstance(inner, list | tuple):
            inner = [part for item in inner if not _is_hollow(part := _pruned(item, hollow), hollow)]
        else:
            inner = _pruned(inner, hollow)
        if not _is_hollow(inner, hollow):
            kept[key] = inner
    return kept


def _stringify(value: Value, args: Arguments) -> Value:
    """The list as JSON text."""
    return json.dumps(as_list(value), ensure_ascii=False, separators=(",", ":"))


class _Bounded(visitor.TreeInterpreter):
    """Evaluates an expression, and stops when it has made too much: each step of one may double what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self._left = _MOST_PARTS

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        found = super().visit(node, *args, **kwargs)
        self._spend(1 + len(found) if isinstance(found, list) else 1)
        if node["type"] in _MAKING:
            self.weigh(found)
        return found

    def weigh(self, found: Any) -> None:
        """Spend as much as all parts of a value are. Raises OperatorFailed when that is too much, or a part is no JSON."""
        stack = [found]
        while stack:
            part = stack.pop()
            self._spend(1 + len(part) // 16 if isinstance(part, str) else 1)
            if isinstance(part, dict | list):
                stack.extend(part.values() if isinstance(part, dict) else part)
            elif isinstance(part, float):
                finite(part)
            elif not isinstance(part, str | int | None):
                raise OperatorFailed("the JMESPath expression gives something that is no value")

    def _spend(self, number: int) -> None:
        self._left -= number
        if self._left < 0:
            raise OperatorFailed("the JMESPath expression makes too much of the value")


def _searched(expression: str, given: Json) -> Json:
    """What the expression finds. Raises OperatorFailed."""
    if len(expression) > _LONGEST:
        raise OperatorFailed("the JMESPath expression is too long")
    bounded = _Bounded()
    try:
        found: Json = bounded.visit(jmespath.compile(expression).parsed, given)
        bounded.weigh(found)
    except OperatorFailed:
        raise
    except (JMESPathError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise OperatorFailed(f"the JMESPath expression fails: {str(error).partition(chr(10))[0]}") from None
    return found


def _jmespath(value: Value, args: Arguments) -> Value:
    """A JMESPath expression on the value; a text is parsed as JSON first.   Source: row 44."""
    given = json_of(value)
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            raise OperatorFailed("the value is no JSON") from None
    found = _searched(args.need("expression"), given)
    return NOTHING if found is None else found


TABLE: Final[Mapping[str, Transformer]] = {
    "ProductJoin": wholes(_product_join),
    "SumList": wholes(_sum),
    "sliceByItem": lists(_slice_by_item),
    "AppendIfNotEmpty": lists(_append_if_not_empty),
    "RemoveEmpty": lists(_remove_empty),
    "StringifyArray": lists(_stringify),
    "jmespath": items(_jmespath),
    "Jmespath": items(_jmespath),
}
