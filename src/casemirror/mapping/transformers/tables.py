"""Transformers of lists of objects.   Source: content.md §4.2 rows 24, 45, 53, 63; their arguments: the scripts' YAML."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from casemirror.mapping.operators import Arguments, Transformer, lists, wholes
from casemirror.mapping.transformers.markdown import table
from casemirror.mapping.transformers.merging import merge_dict_array
from casemirror.mapping.transformers.sequences import spread
from casemirror.mapping.transformers.texts import bounded
from casemirror.mapping.value import NOTHING, OperatorFailed, Value, as_list, shorten, text_of
from casemirror.model.values import Json

_MOST: Final = 100_000
"""Objects that a join may give."""


def _where_field_equals(value: Value, args: Arguments) -> Value:
    """Objects whose `field` is `equalTo`, or their `getField`: one bare, several as JSON text unless `stringify` is false."""
    name, wanted, take = args.need("field"), args.value("equalTo"), args.text("getField")
    if wanted is None:
        raise OperatorFailed("argument 'equalTo' is missing")
    rows = [row for row in spread(value) if isinstance(row, Mapping) and row.get(name) == wanted]
    found: list[Json] = [row[take] for row in rows if row.get(take)] if take else [*rows]
    if len(found) == 1:
        return found[0]
    if args.flag("stringify", default=True):
        return bounded(json.dumps(found, separators=(",", ":"), ensure_ascii=False))
    return found


def _values_of_fields(value: Value, args: Arguments) -> Value:
    """The values of the fields in `list` of each object in `key`, and the value itself behind them.   Source: row 53.

    Given the value as it is: an empty list, which the script's documentation asks for, must not end in nothing.
    """
    rows = args.value("key")
    if not rows:
        return NOTHING
    found: list[Json] = []
    for row in as_list(rows):
        if row and not isinstance(row, Mapping):
            raise OperatorFailed("argument 'key' holds something that is no object")
        if isinstance(row, Mapping):
            found += [part for name in args.text("list").split(",") if row.get(name) for part in as_list(row[name])]
    return found + as_list(value if value else NOTHING)


def _member(row: Json, key: str) -> Json:
    """A key of an object, or one inside ``CustomFields``; null without it. Raises OperatorFailed for what is no object."""
    if not isinstance(row, Mapping):
        raise OperatorFailed(f"{shorten(row)} is no object")
    if not key.startswith("CustomFields."):
        return row.get(key)
    inside = row.get("CustomFields")
    return inside.get(key.split(".")[1]) if isinstance(inside, Mapping) else None


def _join_lists(value: Value, args: Arguments) -> Value:
    """Each object with each one of `right` whose `rightkey` (`key`, unless it is given) is, as text, its `key` or among it."""
    rows, others, key = as_list(value), as_list(args.value("right")), args.need("key")
    if not rows or not others:
        raise OperatorFailed("two lists of objects are needed")
    right_key = args.text("rightkey") or key
    by_text: dict[str, list[int]] = {}
    for at, other in enumerate(others):
        if told := _member(other, right_key):
            by_text.setdefault(text_of(told), []).append(at)
    joined: list[Json] = []
    for row in rows:
        wanted = {part for part in as_list(_member(row, key)) if isinstance(part, str)}
        for at in sorted(at for text in wanted for at in by_text.get(text, ())):
            joined.append(_both(row, others[at]))
            if len(joined) > _MOST:
                raise OperatorFailed(f"the join has more than {_MOST} objects")
    return joined


def _both(row: Json, other: Json) -> Json:
    assert isinstance(row, Mapping) and isinstance(other, Mapping)  # `_member` has looked
    return {**row, **other}


def _group_by(value: Value, args: Arguments) -> Value:
    """For each set of values of `keys` these, and as ``value`` the texts in `outputkey` of its objects, joined.

    In the order of the keys' JSON.   Source: row 63.
    """
    keys = [text_of(key) for key in spread(args.value("keys"))]
    name, separator = args.need("outputkey"), args.text("separator", ",")
    groups: dict[str, tuple[dict[str, Json], list[str]]] = {}
    for row in as_list(value):
        told = {key: _member(row, key) for key in keys}
        text = _member(row, name)
        if not isinstance(text, str):
            raise OperatorFailed(f"{name!r} of an object is no text")
        groups.setdefault(json.dumps(told), (told, []))[1].append(text)
    return [{**told, "value": bounded(separator.join(texts))} for _, (told, texts) in sorted(groups.items())]


TABLE: Final[Mapping[str, Transformer]] = {
    "JsonToTable": wholes(table),
    "WhereFieldEquals": wholes(_where_field_equals),
    "GetValuesOfMultipleFields": wholes(_values_of_fields),
    "JoinListsOfDicts": lists(_join_lists),
    "ListGroupBy": lists(_group_by),
    "MergeDictArray": lists(merge_dict_array),
}
