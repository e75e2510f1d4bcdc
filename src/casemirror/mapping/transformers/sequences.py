"""Transformers of whole lists that are scripts upstream, and `sliceByItem`.   Source: content.md §4.2."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import product
from typing import Final

import jmespath
from jmespath.exceptions import JMESPathError

from casemirror.mapping.operators import Arguments, Transformer, items, lists, wholes
from casemirror.mapping.value import NOTHING, OperatorFailed, Value, as_list, json_of, number_of, text_of
from casemirror.model.values import Json, is_empty

_MOST: Final = 100_000
"""Elements that a product of lists may have."""
_LONGEST: Final = 10_000
"""Characters of a JMESPath expression."""


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
    """The list, and `item` behind it when it says something."""
    return as_list(value) + [item for item in as_list(args.value("item")) if not is_empty(item)]


def _remove_empty(value: Value, args: Arguments) -> Value:
    """The elements that say something; `empty_values` names further texts that count as empty."""
    hollow = {part.strip() for part in args.text("empty_values").split(",") if part.strip()}
    return [item for item in as_list(value) if not is_empty(item) and not (isinstance(item, str) and item in hollow)]


def _stringify(value: Value, args: Arguments) -> Value:
    """The list as JSON text."""
    return json.dumps(as_list(value), ensure_ascii=False, separators=(",", ":"))


def _merge_dicts(value: Value, args: Arguments) -> Value:
    """Objects of a list as one; later ones count."""
    merged: dict[str, Json] = {}
    for item in as_list(value):
        if not isinstance(item, Mapping):
            raise OperatorFailed("an element is no object")
        merged |= item
    return merged


def _jmespath(value: Value, args: Arguments) -> Value:
    """A JMESPath expression on the value; a text is parsed as JSON first.   Source: row 44."""
    expression = args.need("expression")
    if len(expression) > _LONGEST:
        raise OperatorFailed("the JMESPath expression is too long")
    given = json_of(value)
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            raise OperatorFailed("the value is no JSON") from None
    try:
        found: Json = jmespath.search(expression, given)
    except (JMESPathError, ValueError, TypeError) as error:
        raise OperatorFailed(f"the JMESPath expression fails: {str(error).splitlines()[0]}") from None
    return NOTHING if found is None else found


TABLE: Final[Mapping[str, Transformer]] = {
    "ProductJoin": wholes(_product_join),
    "SumList": wholes(_sum),
    "sliceByItem": lists(_slice_by_item),
    "AppendIfNotEmpty": lists(_append_if_not_empty),
    "RemoveEmpty": lists(_remove_empty),
    "StringifyArray": lists(_stringify),
    "MergeDictArray": lists(_merge_dicts),
    "jmespath": items(_jmespath),
    "Jmespath": items(_jmespath),
}
