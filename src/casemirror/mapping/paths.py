"""The path language: keys, projection over arrays, indexes.   Source: content.md §3.3; MAP-001…016."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from casemirror.mapping.value import NOTHING, Value, flat
from casemirror.model.values import Json


@dataclass(frozen=True, slots=True)
class Index:
    """``[3]``: one element, zero-based."""

    at: int


@dataclass(frozen=True, slots=True)
class Range:
    """``[0:2]``: elements, both ends included; ``[]`` is all of them (`last` None)."""

    first: int = 0
    last: int | None = None


Step: TypeAlias = "str | Index | Range"
Path: TypeAlias = tuple[Step, ...]

_TOKEN: Final = re.compile(
    r"\[(?:(\d{1,9})(?::(\d{1,9}))?)?\]|((?:\\\.|\[(?!(?:\d{1,9}(?::\d{1,9})?)?\])|[^.\[])+)|\.", re.DOTALL
)


@lru_cache(maxsize=10_000)
def compile_path(text: str) -> Path | None:
    """Parse a path; None for a blank one, which never leads to a value. ``"."`` is the empty path: the whole source."""
    if not text.strip():
        return None
    steps: list[Step] = []
    for match in _TOKEN.finditer(text):
        first, last, key = match.groups()
        if key is not None:
            steps.append(key.replace("\\.", "."))
        elif match.group().startswith("["):
            steps.append(_selection(first, last))
    return tuple(steps)


def _selection(first: str | None, last: str | None) -> Step:
    if first is None:
        return Range()
    return Index(int(first)) if last is None else Range(int(first), int(last))


def keys_of(path: Path | None) -> frozenset[str]:
    """First key of a path; behind `CustomFields`, which is also spread at top level, the next one too. Empty without one."""
    if not path or not isinstance(path[0], str):
        return frozenset()
    if path[0] == "CustomFields" and len(path) > 1 and isinstance(path[1], str):
        return frozenset({path[0], path[1]})
    return frozenset({path[0]})


def resolve(path: Path | None, source: Value) -> Value:
    """Walk a path. NOTHING when it leads nowhere; an explicit null at the end of a straight path stays None.

    On an array a key is applied to each element; of such a projection one hit is returned bare, several as a list.
    """
    if path is None or source is NOTHING:
        return NOTHING
    current: list[Value] = [source]
    projected = False
    for step in path:
        if isinstance(step, str):
            current, projected = _members(step, current, projected)
        else:
            current, projected = [_select(step, _collect(current, projected))], False
        if not current or current[0] is NOTHING:
            return NOTHING
    return _collect(current, projected)


def _members(key: str, current: list[Value], projected: bool) -> tuple[list[Value], bool]:
    found: list[Value] = []
    for value in current:
        if isinstance(value, Mapping):
            if key in value and not (projected and value[key] is None):
                found.append(value[key])
        elif isinstance(value, list | tuple):
            projected = True
            found += [e[key] for e in flat(value) if isinstance(e, Mapping) and e.get(key) is not None]
    return found, projected


def _collect(current: list[Value], projected: bool) -> Value:
    """What a walk has arrived at."""
    if not projected:
        return current[0]
    values: list[Json] = [leaf for value in current if value is not NOTHING for leaf in _leaves(value)]
    if not values:
        return NOTHING
    return values[0] if len(values) == 1 else values


def _leaves(value: Value) -> list[Json]:
    return [] if value is NOTHING or value is None else [leaf for leaf in flat(value) if leaf is not None]


def _select(step: Index | Range, value: Value) -> Value:
    if value is NOTHING or value is None:
        return NOTHING
    items = list(value) if isinstance(value, list | tuple) else [value]
    if isinstance(step, Index):
        return NOTHING if step.at >= len(items) or items[step.at] is None else items[step.at]
    part = items[step.first :] if step.last is None else items[step.first : step.last + 1]
    return part if part or (step == Range() and not items) else NOTHING
