"""The transform language (DT): paths with conditions, and a last step that changes what they found.

``File(val.Size > 10).Name`` are the names of large files, ``Name=val.toUpperCase()`` is the name in capitals, ``.=expression``
is a JavaScript expression on the whole value. In conditions and changes `val` is the value at hand.
Source: content.md §3.3 (6), §4.2 row 23; MAP-062.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from casemirror.mapping import script
from casemirror.mapping.paths import Path, compile_path, resolve
from casemirror.mapping.script_values import is_true
from casemirror.mapping.value import NOTHING, OperatorFailed, Value, as_list
from casemirror.model.values import Json

_QUOTED: Final = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Stage:
    """A path, and the condition that what it leads to must meet; an empty one lets all pass."""

    path: Path
    condition: str = ""


_WHOLE: Final = Stage(())


def evaluate(text: str, value: Value, now: datetime | None = None) -> Value:
    """What a DT expression gives for a value; a projection that leads to one value gives it bare. Raises OperatorFailed."""
    stages, change = parse(text.strip())
    current = value
    for stage in stages:
        current = resolve(stage.path, current)
        if stage.condition:
            current = _bare([v for v in as_list(current) if is_true(script.evaluate(stage.condition, v, now))])
    if not change:
        return current
    if stages == (_WHOLE,) or not isinstance(current, list | tuple):
        return NOTHING if current is NOTHING else script.evaluate(change, current, now)
    return _bare([v for item in current for v in as_list(script.evaluate(change, item, now))])


def _bare(found: list[Json]) -> Value:
    if not found:
        return NOTHING
    return found[0] if len(found) == 1 else found


@lru_cache(maxsize=1000)
def parse(text: str) -> tuple[tuple[Stage, ...], str]:
    """Stages, and the expression behind ``=``. Raises OperatorFailed for brackets that do not close and for an empty text."""
    stages: list[Stage] = []
    start = at = 0
    while at < len(text):
        if text[at] == "\\":
            at += 2
        elif text[at] == "(":
            end = _closing(text, at)
            stages.append(Stage(_path(text[start:at]), text[at + 1 : end].strip()))
            start = at = end + 1
        elif text[at] == "=":
            return (*stages, *_last(text[start:at])), text[at + 1 :].strip()
        else:
            at += 1
    found = (*stages, *_last(text[start:]))
    if not found:
        raise OperatorFailed("the DT expression is empty")
    return found, ""


def _last(text: str) -> list[Stage]:
    return [Stage(_path(text))] if text.strip() else []


def _path(text: str) -> Path:
    return compile_path(text) or ()


def _closing(text: str, opening: int) -> int:
    """Where the bracket closes; brackets inside quotes do not count."""
    depth, at = 0, opening
    while at < len(text):
        quoted = _QUOTED.match(text, at)
        if quoted:
            at = quoted.end()
            continue
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if depth == 0:
            return at
        at += 1
    raise OperatorFailed(f"the DT expression lacks a closing bracket after {text[opening : opening + 20]!r}")
