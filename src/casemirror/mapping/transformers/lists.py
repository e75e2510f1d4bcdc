"""Built-in transformers of lists.   Source: content.md §4.2; MAP-041, 052, 053, 057."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from casemirror.mapping.operators import Arguments, Transformer, items, lists
from casemirror.mapping.paths import compile_path, resolve
from casemirror.mapping.transformers.texts import bounded
from casemirror.mapping.value import NOTHING, OperatorFailed, Value, as_list, number_of, text_of
from casemirror.model.values import Json, canonical


def identity(value: Json) -> str:
    """What two equal values share: objects by content, 1 and 1.0 alike, 1 and true apart."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return canonical(value)


def _uniq(value: Value, args: Arguments) -> Value:
    """Distinct elements in the order of their first occurrence."""
    seen: dict[str, Json] = {}
    for item in as_list(value):
        seen.setdefault(identity(item), item)
    return list(seen.values())


def _join(value: Value, args: Arguments) -> Value:
    return bounded(args.text("separator", ",").join(text_of(v) for v in as_list(value)))


def _at_index(value: Value, args: Arguments) -> Value:
    found, at = as_list(value), args.integer("index")
    if at is None:
        raise OperatorFailed("argument 'index' is missing")
    return found[at] if 0 <= at < len(found) else NOTHING


def _index_of(value: Value, args: Arguments) -> Value:
    wanted = args.need("item")
    return next((i for i, item in enumerate(as_list(value)) if text_of(item) == wanted), -1)


def _slice(value: Value, args: Arguments) -> Value:
    found = as_list(value)
    first, last = args.integer("from", 0) or 0, args.integer("to", len(found))
    return found[max(first, 0) : max(last or 0, 0)]


def _splice(value: Value, args: Arguments) -> Value:
    """The list with `deleteCount` elements at `index` replaced by `item`."""
    found = as_list(value)
    at = min(max(args.integer("index", 0) or 0, 0), len(found))
    count = max(args.integer("deleteCount", 0) or 0, 0)
    return found[:at] + as_list(args.value("item")) + found[at + count :]


def _sort(value: Value, args: Arguments) -> Value:
    """By number when all elements are numbers, else by text."""
    found, falling = as_list(value), args.flag("descending", default=False)
    if all(isinstance(v, int | float) and not isinstance(v, bool) for v in found):
        return sorted(found, key=number_of, reverse=falling)
    return sorted(found, key=text_of, reverse=falling)


def _get_field(value: Value, args: Arguments) -> Value:
    return resolve(compile_path(args.need("field")), value)


TABLE: Final[Mapping[str, Transformer]] = {
    "uniq": lists(_uniq),
    "count": lists(lambda v, a: len(as_list(v))),
    "join": lists(_join),
    "atIndex": lists(_at_index),
    "indexOf": lists(_index_of),
    "slice": lists(_slice),
    "splice": lists(_splice),
    "sort": lists(_sort),
    "append": lists(lambda v, a: as_list(v) + as_list(a.value("item"))),
    "getField": items(_get_field),
}
