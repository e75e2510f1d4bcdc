"""Scripts of installed packs as operators: what they are given, and how their answer is read.   Source: content.md §3.5."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from casemirror.content.items import Script
from casemirror.mapping.outside import Outside, Scripts
from casemirror.mapping.value import OperatorFailed, Value, absent, as_list, json_of, text_of, whole
from casemirror.model.values import Json

_GIVEN: Final = frozenset({"value", "left", "right"})
"""Arguments that keep their JSON type; all others are texts."""


def find(outside: Outside, name: str) -> Script:
    """The script that serves as the operator. Raises OperatorFailed when there is none that can run."""
    script = outside.scripts.find(name) if outside.scripts else None
    if script is None:
        raise OperatorFailed("unknown operator: neither built in nor a script of an installed pack")
    if script.language != "python":
        raise OperatorFailed(f"the script {script.id!r} is written in {script.language}, which casemirror does not run")
    return script


def transform(outside: Outside, name: str, value: Value, given: Mapping[str, Value]) -> Value:
    """Run a script as transformer: of a list item by item, unless it is tagged `entirelist`. Raises OperatorFailed."""
    script = find(outside, name)
    if script.takes_lists or not isinstance(value, list | tuple):
        if absent(value) and not script.takes_lists:
            return value
        return _run(outside.scripts, script, {**given, "value": value})
    results: list[Json] = []
    for item in value:
        if item is not None:
            results += as_list(_run(outside.scripts, script, {**given, "value": item}))
    return results


def passes(outside: Outside, name: str, left: Value, right: Value) -> bool:
    """Run a script as filter. Raises OperatorFailed."""
    script = find(outside, name)
    answer = _run(outside.scripts, script, {"left": left, "right": right})
    return answer is True or text_of(answer).strip().lower() in ("true", "yes", "1")


def arguments(script: Script, given: Mapping[str, Value]) -> dict[str, Json]:
    """What a script is given: declared names only, its own defaults for what is missing, whole numbers as integers."""
    found: dict[str, Json] = {}
    for declared in script.arguments:
        value = given.get(declared.name)
        if value is None and declared.name not in _GIVEN:
            value = declared.default
        if declared.name in _GIVEN and declared.name in given:
            found[declared.name] = integral(json_of(value))
        elif not absent(value):
            found[declared.name] = value if isinstance(value, list | tuple | Mapping) else text_of(value)
    return found


def integral(value: Json) -> Json:
    """The value with whole floats as integers, also inside lists and objects.   Source: MAP-049."""
    if isinstance(value, float):
        return whole(value)
    if isinstance(value, Mapping):
        return {key: integral(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [integral(inner) for inner in value]
    return value


def _run(scripts: Scripts | None, script: Script, given: Mapping[str, Value]) -> Json:
    assert scripts is not None  # `find` has found it there
    return scripts.run(script, arguments(script, given))
