"""The context of an incident: what commands told, as one JSON object, merged by the keys of their outputs. Pure.

A key is a path and, when the outputs say what is one thing, a condition on `val` (what is there) and `obj` (what comes):
``Ticket(val.ID && val.ID == obj.ID)``.   Source: content.md §1.6; the public documentation of context and outputs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from casemirror.model.values import Fields, Json, is_empty, same

_KEY: Final = re.compile(r"^(?P<path>[^(]*)(?:\((?P<test>.*)\)(?P<rest>[^)]*))?$", re.DOTALL)
_SIDE: Final = re.compile(r"^(?P<side>val|obj)\.(?P<path>[\w$.\-]+)$")
_ALWAYS: Final = frozenset({"true", "1", "1==1"})


def merge(context: Fields, told: Mapping[str, Json]) -> Fields:
    """The context with the outputs of one entry; neither argument is changed.

    What a condition finds is brought up to date; what it does not find, and what has no condition, comes beside what is
    there. Equal values are there once.
    """
    merged: Fields = dict(context)
    for key, value in told.items():
        if value is None:
            continue
        match = _KEY.match(key)
        path, test = (match["path"] + (match["rest"] or ""), match["test"]) if match else (key, None)
        parts = [part for part in path.split(".") if part]
        if parts:
            merged = _put(merged, parts, value, test)
    return merged


def _put(holder: Fields, parts: list[str], value: Json, test: str | None) -> Fields:
    name, rest = parts[0], parts[1:]
    there = holder.get(name)
    if rest:
        inner = there if isinstance(there, dict) else {}
        return {**holder, name: _put(inner, rest, value, test)}
    return {**holder, name: _joined(there, value, test)}


def _joined(there: Json, value: Json, test: str | None) -> Json:
    known = there if isinstance(there, list) else [] if there is None else [there]
    for item in value if isinstance(value, list) else [value]:
        known = _with(known, item, test)
    single = len(known) == 1 and not isinstance(value, list) and not isinstance(there, list)
    return known[0] if single else known


def _with(known: list[Json], item: Json, test: str | None) -> list[Json]:
    for number, val in enumerate(known):
        if test is None and same(val, item):
            return known
        if test is not None and holds(test, val, item):
            both = {**val, **item} if isinstance(val, dict) and isinstance(item, dict) else item
            return [*known[:number], both, *known[number + 1 :]]
    return [*known, item]


def holds(test: str, val: Json, obj: Json) -> bool:
    """Say whether two values are one thing: terms `val.a`, `val.a == obj.b`, `val.a == 'text'`, joined by `&&` and `||`.

    What cannot be read holds for nothing, so that nothing is overwritten by it.
    """
    return any(all(_term(term, val, obj) for term in part.split("&&")) for part in test.split("||"))


def _term(term: str, val: Json, obj: Json) -> bool:
    text = term.strip().strip("()").strip()
    if text.replace(" ", "") in _ALWAYS:
        return True
    left, sign, right = (part.strip() for part in _parted(text))
    if not sign:
        return not is_empty(_value(left, val, obj))
    first, second = _value(left, val, obj), _value(right, val, obj)
    return first is not None and same(first, second)


def _parted(text: str) -> tuple[str, str, str]:
    sign = "===" if "===" in text else "=="
    return text.partition(sign)


def _value(text: str, val: Json, obj: Json) -> Json:
    side = _SIDE.match(text)
    if side is None:
        quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
        return text[1:-1] if quoted else None
    found = val if side["side"] == "val" else obj
    for part in side["path"].split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def look_up(context: Fields, path: str) -> Json:
    """The value at a dotted path; of a list, that of each item. None when there is none."""
    found: Json = context
    for part in (part for part in path.split(".") if part):
        if isinstance(found, list):
            found = [item[part] for item in found if isinstance(item, dict) and part in item]
        else:
            found = found.get(part) if isinstance(found, dict) else None
    return found
