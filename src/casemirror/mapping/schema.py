"""What `get-mapping-fields` says of the remote, as paths to choose from in a mapper.   Source: content.md §6; MAP-102."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from casemirror.model.values import Json

_MAX_DEPTH = 20


def paths_of(schema: Json) -> dict[str, tuple[str, ...]]:
    """Remote type → its selectable paths, parents before children; dots in keys are escaped, lists are projections."""
    if not isinstance(schema, Mapping):
        return {}
    return {name: tuple(dict.fromkeys(_paths(fields, "", 0))) for name, fields in schema.items()}


def _paths(value: Json, prefix: str, depth: int) -> Iterator[str]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, list | tuple):
        for inner in value:
            yield from _paths(inner, prefix, depth + 1)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            path = prefix + key.replace(".", "\\.")
            yield path
            yield from _paths(inner, path + ".", depth + 1)
