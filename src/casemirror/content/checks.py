"""What is odd about an item's body, by JSON path: it is loaded all the same, and the author is told.

Source: content.md §3.2, §5.1, §5.2, §5.5.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias

from casemirror.content.reading import text
from casemirror.model.values import Json

Oddity: TypeAlias = tuple[str, str]
"""JSON path, and what was expected there."""

FIELD_TYPES: Final = (
    "shortText longText markdown html url number boolean date singleSelect multiSelect tagsSelect role user "
    "attachments grid timer internal"
).split()
"""Kinds of incident fields; `timer` is shown as Timer/SLA."""
COLUMN_TYPES: Final = frozenset(FIELD_TYPES) - {"grid", "timer", "internal"}
_CLI_NAME: Final = re.compile(r"[A-Za-z0-9_]+")
_DEEPEST: Final = 20


def oddities(kind: str, body: Mapping[str, Json]) -> tuple[Oddity, ...]:
    """Everything odd about a body, in its order. Raises nothing."""
    check = _CHECKS.get(kind)
    return tuple(check(body)) if check else ()


def _object(value: Json, path: str) -> Iterator[Oddity]:
    if value is not None and not isinstance(value, Mapping):
        yield path, f"expected an object, found {_shown(value)}"


def _list(value: Json, path: str) -> Iterator[Oddity]:
    if value is not None and not isinstance(value, list | tuple):
        yield path, f"expected a list, found {_shown(value)}"


def _shown(value: Json) -> str:
    kinds = {bool: "a boolean", int: "a number", float: "a number", str: "a text", dict: "an object", list: "a list"}
    return kinds.get(type(value), "null")


def _key(path: str, key: str) -> str:
    """A path one key further: keys that are no plain words are quoted."""
    plain = key.replace("_", "a").isalnum() and key.isascii()
    return (f"{path}.{key}" if path else key) if plain else f'{path}["{key}"]'


def _classifier(body: Mapping[str, Json]) -> Iterator[Oddity]:
    yield from _expression(body.get("transformer"), "transformer", 0)
    yield from _object(body.get("keyTypeMap"), "keyTypeMap")
    table = body.get("keyTypeMap")
    for key, value in table.items() if isinstance(table, Mapping) else ():
        if not isinstance(value, str):
            yield _key("keyTypeMap", key), f"expected the name of an incident type, found {_shown(value)}"


def _mapper(body: Mapping[str, Json]) -> Iterator[Oddity]:
    sections = body.get("mapping")
    if not isinstance(sections, Mapping):
        yield "mapping", "expected an object with a section for each incident type"
        return
    for name, section in sections.items():
        path = _key("mapping", name)
        if not isinstance(section, Mapping):
            yield path, f"expected an object with internalMapping, found {_shown(section)}"
            continue
        rules, inner = section.get("internalMapping"), f"{path}.internalMapping"
        yield from _object(rules, inner)
        for key, expression in rules.items() if isinstance(rules, Mapping) else ():
            yield from _expression(expression, _key(inner, key), 0)


def _expression(raw: Json, path: str, depth: int) -> Iterator[Oddity]:
    if not isinstance(raw, Mapping):
        yield from _object(raw, path)
        return
    simple, inner = raw.get("simple"), raw.get("complex")
    if simple is not None and not isinstance(simple, str | int | float):
        yield f"{path}.simple", f"expected a text, found {_shown(simple)}"
    if inner is None or depth > _DEEPEST:
        return
    if not isinstance(inner, Mapping):
        yield f"{path}.complex", f"expected an object or null, found {_shown(inner)}"
        return
    yield from _complex(inner, f"{path}.complex", depth)


def _complex(inner: Mapping[str, Json], path: str, depth: int) -> Iterator[Oddity]:
    for name in ("root", "accessor"):
        if inner.get(name) is not None and not isinstance(inner[name], str):
            yield f"{path}.{name}", f"expected a path, found {_shown(inner[name])}"
    groups, steps = inner.get("filters"), inner.get("transformers")
    yield from _list(groups, f"{path}.filters")
    yield from _list(steps, f"{path}.transformers")
    for number, group in enumerate(groups if isinstance(groups, list | tuple) else ()):
        yield from _list(group, f"{path}.filters[{number}]")
        for n, condition in enumerate(group if isinstance(group, list | tuple) else ()):
            yield from _operator(condition, f"{path}.filters[{number}][{n}]")
    for number, step in enumerate(steps if isinstance(steps, list | tuple) else ()):
        where = f"{path}.transformers[{number}]"
        yield from _operator(step, where)
        args = step.get("args") if isinstance(step, Mapping) else None
        yield from _object(args, f"{where}.args")
        for name, operand in args.items() if isinstance(args, Mapping) else ():
            place = _key(f"{where}.args", name)
            yield from _object(operand, place)
            if isinstance(operand, Mapping):
                yield from _expression(operand.get("value"), f"{place}.value", depth + 1)


def _operator(raw: Json, path: str) -> Iterator[Oddity]:
    if not isinstance(raw, Mapping):
        yield path, f"expected an object with an operator, found {_shown(raw)}"
    elif not isinstance(raw.get("operator"), str) or not text(raw.get("operator")).strip():
        yield f"{path}.operator", "expected the name of an operator"


def _texts(value: Json, path: str) -> Iterator[Oddity]:
    """A list of single values; null is none."""
    yield from _list(value, path)
    for number, each in enumerate(value if isinstance(value, list | tuple) else ()):
        if each is not None and not isinstance(each, str | int | float):
            yield f"{path}[{number}]", f"expected a text, found {_shown(each)}"


def _field(body: Mapping[str, Json]) -> Iterator[Oddity]:
    cli_name, kind = body.get("cliName"), text(body.get("type")) or "shortText"
    if not isinstance(cli_name, str):
        yield "cliName", f"expected a text, found {_shown(cli_name)}"
    elif not _CLI_NAME.fullmatch(cli_name):
        yield "cliName", f"expected letters and digits only (a to z, 0 to 9), found {cli_name!r}"
    for name in ("id", "name"):
        if body.get(name) is not None and not isinstance(body[name], str):
            yield name, f"expected a text, found {_shown(body[name])}"
    if kind not in FIELD_TYPES:
        yield "type", f"{kind!r} is none of {', '.join(FIELD_TYPES)}; it is kept as a text"
    for name in ("selectValues", "associatedTypes", "systemAssociatedTypes"):
        yield from _texts(body.get(name), name)
    columns = body.get("columns")
    yield from _list(columns, "columns")
    if kind == "grid":
        if not columns:
            yield "columns", "a grid needs columns"
        for number, column in enumerate(columns if isinstance(columns, list | tuple) else ()):
            yield from _column(column, f"columns[{number}]")


def _column(raw: Json, path: str) -> Iterator[Oddity]:
    if not isinstance(raw, Mapping):
        yield path, f"expected an object with the key of the column, found {_shown(raw)}"
        return
    if not text(raw.get("key")):
        yield f"{path}.key", "expected the key of the column"
    kind = text(raw.get("type")) or "shortText"
    if kind not in COLUMN_TYPES:
        yield f"{path}.type", f"{kind!r} is none of {', '.join(sorted(COLUMN_TYPES))}; it is kept as a text"
    yield from _texts(raw.get("selectValues"), f"{path}.selectValues")


def _type(body: Mapping[str, Json]) -> Iterator[Oddity]:
    for name in ("playbookId", "closureScript", "color"):
        if body.get(name) is not None and not isinstance(body[name], str):
            yield name, f"expected a text, found {_shown(body[name])}"


_FLAGS: Final = ("isfetch", "ismappable", "isremotesyncin", "isremotesyncout", "longRunning")
_REFERENCES: Final = ("defaultclassifier", "defaultmapperin", "defaultmapperout")


def _integration(body: Mapping[str, Json]) -> Iterator[Oddity]:
    for name in _REFERENCES:
        if body.get(name) is not None and not isinstance(body[name], str):
            yield name, f"expected an id or a name, found {_shown(body[name])}"
    for path, parameter in _named(body.get("configuration"), "configuration"):
        kind = parameter.get("type")
        if not text(kind).isdigit():
            yield f"{path}.type", "expected the number of a parameter type" + _found(kind)
    script = body.get("script")
    if not isinstance(script, Mapping):
        yield "script", f"expected an object, found {_shown(script)}"
        return
    for name in _FLAGS:
        value = script.get(name)
        if value is not None and text(value).lower() not in ("true", "false"):
            yield f"script.{name}", "expected true or false" + _found(value)
    yield from _unnamed(body.get("configuration"), "configuration", "the name of the parameter")
    yield from _unnamed(script.get("commands"), "script.commands", "the name of the command")


def _found(value: Json) -> str:
    return f", found {value!r}" if isinstance(value, str) else f", found {_shown(value)}"


def _named(value: Json, path: str) -> Iterator[tuple[str, Mapping[str, Json]]]:
    """The objects of a list that have a name."""
    for number, each in enumerate(value if isinstance(value, list | tuple) else ()):
        if isinstance(each, Mapping) and text(each.get("name")):
            yield f"{path}[{number}]", each


def _unnamed(value: Json, path: str, what: str) -> Iterator[Oddity]:
    """What of a list is no object with a name; it is left out."""
    yield from _list(value, path)
    for number, each in enumerate(value if isinstance(value, list | tuple) else ()):
        if not isinstance(each, Mapping):
            yield f"{path}[{number}]", f"expected an object, found {_shown(each)}"
        elif not text(each.get("name")):
            yield f"{path}[{number}].name", f"expected {what}"


_CHECKS: Final[Mapping[str, Callable[[Mapping[str, Json]], Iterator[Oddity]]]] = {
    "classifier": _classifier,
    "mapper-in": _mapper,
    "mapper-out": _mapper,
    "incidentfield": _field,
    "incidenttype": _type,
    "integration": _integration,
}
