"""Expressions that the small evaluator of `script` does not know, by an embedded JavaScript engine (QuickJS).

Each runs in a context of its own: no files, no network, no timers, a bounded heap, stack and time; no random numbers, and
a clock only where the present is known, so that a mapping gives the same twice.   Source: content.md §7.3.
"""

from __future__ import annotations

import importlib
import json
from datetime import datetime
from typing import Any, Final

from casemirror.mapping.value import NOTHING, OperatorFailed, Value, json_of

TIME_LIMIT_S: Final = 1
MEMORY_BYTES: Final = 32 << 20
STACK_BYTES: Final = 256 << 10
MAX_LENGTH: Final = 1_000_000
"""Longest value that is given to an expression, and longest answer, characters of JSON."""

_WORLD: Final = """
delete Math.random;
(function (now) {
  const Real = Date;
  function present() { if (now === null) throw Error("the present time is not known here"); return now; }
  globalThis.Date = class extends Real { constructor(...given) { super(...(given.length ? given : [present()])); } };
  Date.now = present;
})(%s);
const obj = JSON.parse(__source), val = obj;
"""
_ANSWER: Final = "((found) => JSON.stringify(typeof found === 'function' ? found(val) : found))(eval(__text))"


class NoEngine(OperatorFailed):
    """The engine is not installed here."""


def evaluate(text: str, val: Value, now: datetime | None = None) -> Value:
    """The value of an expression, or of the last statement of a program, with `val` bound; of a function what it gives for `val`.

    Raises OperatorFailed: no engine installed, syntax, what the code throws, time or memory used up.
    """
    engine = _engine()
    given = json.dumps(json_of(val))
    if len(given) > MAX_LENGTH:
        raise OperatorFailed("the value is too long for a JavaScript expression")
    context = engine.Context()
    context.set_memory_limit(MEMORY_BYTES)
    context.set_max_stack_size(STACK_BYTES)
    context.set_time_limit(TIME_LIMIT_S)
    context.set("__source", given)
    context.set("__text", _program(text))
    moment = "null" if now is None else str(int(now.timestamp() * 1000))
    try:
        context.eval(_WORLD % moment)
        answer = context.eval(_ANSWER)
    except engine.JSException as error:
        raise OperatorFailed(_reason(error)) from None
    return _parsed(answer)


def _program(text: str) -> str:
    """An object or function alone is an expression, not a block or declaration."""
    stripped = text.strip().rstrip(";")
    return f"({stripped})" if stripped.startswith(("{", "function")) else stripped


def _engine() -> Any:
    try:
        return importlib.import_module("quickjs")  # only few mappers need it
    except ImportError:
        raise NoEngine(
            "it needs the JavaScript engine, which is not installed: pip install 'casemirror[javascript]'"
        ) from None


def _reason(error: Exception) -> str:
    first = (str(error).splitlines() or [type(error).__name__])[0]
    if "interrupted" in first:
        return f"the JavaScript expression took longer than {TIME_LIMIT_S} s"
    return f"the JavaScript expression failed: {first[:200]}"


def _parsed(answer: Any) -> Value:
    if answer is None:
        return NOTHING
    if len(answer) > MAX_LENGTH:
        raise OperatorFailed("the JavaScript expression's answer is too long")
    found: Value = json.loads(answer)
    return found
