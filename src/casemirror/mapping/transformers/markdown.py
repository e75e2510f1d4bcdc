"""Markdown tables out of objects, as the script JsonToTable draws them.   Source: content.md §4.2 row 24."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from casemirror.mapping.operators import Arguments
from casemirror.mapping.transformers.sequences import spread
from casemirror.mapping.transformers.texts import bounded
from casemirror.mapping.value import OperatorFailed, Value, as_list, json_of, text_of
from casemirror.model.values import Json

Row: TypeAlias = Mapping[str, Json]
_PROPERTIES: Final = {"keys", "is_nested", "flatten"}


@dataclass(frozen=True, kw_only=True)
class Cells:
    """How the cells of one column show nested data.

    keys      only these keys; empty for all
    nested    look for them at every depth
    flatten   one line ``key: value`` for each key, as in a column that nothing is said of
    """

    keys: frozenset[str] = field(default_factory=frozenset)
    nested: bool = False
    flatten: bool = False

    def text(self, value: Json) -> str:
        """The text of a cell, with line breaks."""
        if self.flatten or not isinstance(value, list | tuple | Mapping):
            return _flat(value)
        return "\n".join(self._lines(value, 0))

    def _lines(self, value: Json, depth: int) -> Iterator[str]:
        if isinstance(value, Mapping):
            for key, inner in value.items():
                yield from self._of_key(key, inner, depth)
        elif any(isinstance(item, list | tuple | Mapping) for item in as_list(value)):
            for item in as_list(value):
                yield from _marked(list(self._lines(item, depth + 1)), depth)
        elif not self.keys:
            yield "\t" * depth + "***values***: " + ", ".join(text_of(item) for item in as_list(value))

    def _of_key(self, key: str, inner: Json, depth: int) -> Iterator[str]:
        wanted = not self.keys or key in self.keys
        if not isinstance(inner, list | tuple | Mapping):
            if wanted:
                yield "\t" * depth + f"***{key}***: {text_of(inner)}"
        elif wanted or self.nested:
            below = list((_ALL if wanted else self)._lines(inner, depth + 1))
            if below:
                yield "\t" * depth + f"**{key}**:"
                yield from below


_ALL: Final = Cells()
_PLAIN: Final = Cells(flatten=True)


def _marked(lines: list[str], depth: int) -> list[str]:
    """The lines of a list's element, the first with its mark."""
    return ["\t" * depth + "**-**\t" + lines[0][depth + 1 :], *lines[1:]] if lines else []


def _flat(value: Json) -> str:
    if isinstance(value, Mapping):
        return "\n".join(f"{key}: {_flat(inner)}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        return ",\n".join(_flat(item) for item in value)
    return text_of(value)


def table(value: Value, args: Arguments) -> Value:
    """Objects, or the JSON text of them, as a table; `headers` picks and orders the columns. Raises OperatorFailed."""
    title = args.text("title")
    headers, rows = _rows(_parsed(value), [text_of(part) for part in spread(args.value("headers"))], title)
    top = f"### {title}\n" if title else ""
    if not rows or not headers:
        return top + "**No entries.**\n"
    columns = _columns(headers, args)
    lines = ["|" + "|".join(_escaped(header) for header in headers) + "|", "|" + "---|" * len(headers)]
    for row in rows:
        cells = [_escaped(cells.text(row.get(header))) for header, cells in zip(headers, columns, strict=True)]
        lines.append("| " + " | ".join(cells) + " |")
    return bounded(top + "\n".join(lines) + "\n")


def _parsed(value: Value) -> Json:
    """The value; a text, alone or alone in a list, is the JSON of it."""
    found = as_list(value)
    if len(found) != 1 or not isinstance(found[0], str):
        return json_of(value)
    return _read(found[0], "the value") if found[0].strip() else None


def _read(text: str, what: str) -> Json:
    try:
        found: Json = json.loads(text, parse_constant=_refused)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list | Mapping):
        raise OperatorFailed(f"{what} is no JSON object or list")
    return found


def _refused(name: str) -> Any:
    raise ValueError(name)


def _rows(value: Json, headers: list[str], title: str) -> tuple[list[str], list[Row]]:
    """Columns and rows: an object with a single key is a column, plain values stand under the only header or the title."""
    if isinstance(value, Mapping) and len(value) == 1 and not headers:
        (header, inner), *_ = value.items()
        return [header], [{header: item} for item in (inner if isinstance(inner, list | tuple) else [inner])]
    found = [value] if isinstance(value, Mapping) and value else [] if isinstance(value, Mapping) else as_list(value)
    if found and not isinstance(found[0], Mapping):
        if len(headers) > 1 or not (headers or title):
            raise OperatorFailed("a table of plain values needs one header")
        header = headers[0] if headers else title
        return [header], [{header: item} for item in found]
    rows = [row for row in found if isinstance(row, Mapping)]
    if len(rows) < len(found):
        raise OperatorFailed("a table needs objects as rows")
    return headers or sorted(rows[0]) if rows else headers, rows


def _columns(headers: Sequence[str], args: Arguments) -> list[Cells]:
    given = args.value("json_transform_properties")
    if isinstance(given, str):
        given = _read(given, "json_transform_properties") if given.strip() else None
    if given is not None and not isinstance(given, Mapping):
        raise OperatorFailed("json_transform_properties is no JSON object")
    told = {column: _cells_of(column, how) for column, how in (given or {}).items()}
    rest = _ALL if args.flag("is_auto_json_transform", default=False) else _PLAIN
    return [told.get(header, rest) for header in headers]


def _cells_of(column: str, how: Json) -> Cells:
    if not isinstance(how, Mapping) or not how.keys() <= _PROPERTIES:
        raise OperatorFailed(
            f"json_transform_properties of {column!r}: an object with keys, is_nested, flatten is needed"
        )
    keys = frozenset(text_of(key) for key in as_list(how.get("keys")))
    return Cells(keys=keys, nested=bool(how.get("is_nested")), flatten=bool(how.get("flatten")))


def _escaped(text: str) -> str:
    return text.replace("\r\n", "<br>").replace("\r", "<br>").replace("\n", "<br>").replace("|", "\\|")
