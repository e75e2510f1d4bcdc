"""Transformers of lists of objects.   Source: content.md §4.2 rows 24, 45, 53, 63."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from casemirror.mapping.operators import Arguments, Transformer, items, lists, wholes
from casemirror.mapping.transformers.lists import identity
from casemirror.mapping.transformers.matches import words
from casemirror.mapping.transformers.sequences import spread
from casemirror.mapping.transformers.texts import bounded
from casemirror.mapping.value import NOTHING, OperatorFailed, Value, as_list, json_of, text_of
from casemirror.model.values import Json, is_empty, same

_MOST: Final = 100_000
"""Objects that a join may give."""


def _json_to_table(value: Value, args: Arguments) -> Value:
    """A Markdown table with a row for each object; `headers` picks and orders the columns."""
    rows = _rows(value)
    columns = words(args.text("headers")) or list(dict.fromkeys(key for row in rows for key in row))
    title = args.text("title")
    lines = [f"### {title}"] if title else []
    if not rows:
        return "\n".join([*lines, "**No entries.**", ""])
    lines += ["|" + "|".join(columns) + "|", "|" + "|".join("---" for _ in columns) + "|"]
    lines += ["| " + " | ".join(_cell(row.get(column)) for column in columns) + " |" for row in rows]
    return bounded("\n".join([*lines, ""]))


def _rows(value: Value) -> list[Mapping[str, Json]]:
    """Objects: a list of them, one, or the JSON text of either."""
    found = as_list(value)
    if len(found) == 1 and isinstance(found[0], str):
        try:
            found = as_list(json.loads(found[0]))
        except ValueError:
            raise OperatorFailed("the value is no JSON") from None
    if not all(isinstance(row, Mapping) for row in found):
        raise OperatorFailed("a table needs objects as rows")
    return [row for row in found if isinstance(row, Mapping)]


def _cell(value: Json) -> str:
    if isinstance(value, list | tuple):
        text = ",<br>".join(text_of(item) for item in value)
    elif isinstance(value, Mapping):
        text = "<br>".join(f"***{key}***: {text_of(inner)}" for key, inner in value.items())
    else:
        text = text_of(value)
    return text.replace("|", "\\|").replace("\r\n", "<br>").replace("\n", "<br>")


def _where_field_equals(value: Value, args: Arguments) -> Value:
    """Objects whose `field` is `equalTo`, or their `getField`: one bare, several as JSON text unless `stringify` is false."""
    name, wanted, take = args.text("field"), json_of(args.value("equalTo")), args.text("getField")
    found: list[Json] = []
    for row in spread(value):
        if isinstance(row, Mapping) and same(row.get(name), wanted):
            found += [part for part in [row.get(take) if take else row] if not take or not _is_false(part)]
    if len(found) == 1:
        return found[0]
    if args.flag("stringify", default=True):
        return json.dumps(found, separators=(",", ":"), ensure_ascii=False)
    return found


def _is_false(value: Json) -> bool:
    return is_empty(value) or value is False or value == 0


def _values_of_fields(value: Value, args: Arguments) -> Value:
    """The values of the fields in `list` of each object in `key`, and the value itself behind them."""
    found: list[Json] = []
    for row in as_list(args.value("key")):
        if not isinstance(row, Mapping):
            raise OperatorFailed("argument 'key' holds something that is no object")
        for name in args.text("list").split(","):
            found += [] if _is_false(row.get(name)) else as_list(row.get(name))
    if not found and args.value("key") is None:
        return NOTHING
    return found + ([] if is_empty(value) else as_list(value))  # type: ignore[arg-type]


def _join_lists(value: Value, args: Arguments) -> Value:
    """Objects of both lists with the same key as one; `right_key` is `key` unless it is given.   Source: row 63."""
    key, others = args.need("key"), [row for row in as_list(args.value("right")) if isinstance(row, Mapping)]
    right_key = args.text("right_key") or key
    joined: list[Json] = []
    for row in as_list(value):
        if isinstance(row, Mapping) and key in row:
            joined += [{**row, **other} for other in others if same(other.get(right_key), row[key])]
        if len(joined) > _MOST:
            raise OperatorFailed(f"the join has more than {_MOST} objects")
    return joined


def _group_by(value: Value, args: Arguments) -> Value:
    """Objects with the same values of `keys` in one, their other values joined by `separator`.   Source: row 63."""
    keys, separator = words(args.need("keys")), args.text("separator", ",")
    groups: dict[str, dict[str, list[Json]]] = {}
    for row in as_list(value):
        if isinstance(row, Mapping):
            group = groups.setdefault(identity([row.get(key) for key in keys]), {})
            for name, inner in row.items():
                group.setdefault(name, []).append(inner)
    return [
        {n: parts[0] if n in keys else bounded(separator.join(text_of(p) for p in parts)) for n, parts in group.items()}
        for group in groups.values()
    ]


TABLE: Final[Mapping[str, Transformer]] = {
    "JsonToTable": wholes(_json_to_table),
    "WhereFieldEquals": wholes(_where_field_equals),
    "GetValuesOfMultipleFields": items(_values_of_fields),
    "JoinListsOfDicts": lists(_join_lists),
    "ListGroupBy": lists(_group_by),
}
