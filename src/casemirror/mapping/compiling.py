"""Compile the value expressions of mapper files: no file makes this fail, what it cannot mean is an empty expression.

Source: content.md §3.2, §3.3; MAP-017…045.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from casemirror.mapping import filters, transformers
from casemirror.mapping.expressions import (
    Complex,
    Condition,
    Constant,
    Expression,
    Lookup,
    Scripted,
    Template,
    Transformation,
)
from casemirror.mapping.paths import Path, compile_path
from casemirror.mapping.value import text_of
from casemirror.model.values import Json

_PLACEHOLDER: Final = re.compile(r"\$\{([^{}]*)\}")
_MAX_DEPTH: Final = 20
"""Deepest nesting of complex values in operands; upstream has none."""


def compile_expression(raw: Json, depth: int = 0) -> Expression:
    """Compile ``{"simple": …, "complex": …}``; anything else is an empty expression. Raises nothing."""
    if not isinstance(raw, Mapping) or depth > _MAX_DEPTH:
        return Constant()
    inner = raw.get("complex")
    if isinstance(inner, Mapping):
        return _compile_complex(inner, depth)
    return compile_simple(_string(raw.get("simple")))


def compile_simple(text: str) -> Expression:
    """Compile a `simple` text: path, quoted constant, ``.=`` expression, ``${path}`` or template."""
    if not text.strip():
        return Constant()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return Constant(text[1:-1])
    if text.startswith(".="):
        return Scripted(text[2:])
    return _placeholders(text) or Lookup(compile_path(text))


def _placeholders(text: str) -> Expression | None:
    """``${path}`` alone is the path; with other text around it is a template; without any, None."""
    found = list(_PLACEHOLDER.finditer(text))
    if not found:
        return None
    if len(found) == 1 and found[0].group() == text:
        return Lookup(compile_path(found[0][1]))
    parts: list[str | Path | None] = []
    at = 0
    for match in found:
        parts += [text[at : match.start()], compile_path(match[1])]
        at = match.end()
    return Template((*parts, text[at:]))


def _compile_complex(raw: Mapping[str, Json], depth: int) -> Expression:
    root, accessor = _string(raw.get("root")), _string(raw.get("accessor"))
    alone = _PLACEHOLDER.fullmatch(root)
    root = alone[1] if alone else root
    joined = f"{root}.{accessor}" if accessor.strip() else root
    groups = tuple(
        conditions
        for group in _list(raw.get("filters"))
        if (conditions := tuple(_condition(c, root, depth) for c in _list(group) if isinstance(c, Mapping)))
    )
    steps = tuple(_transformation(t, depth) for t in _list(raw.get("transformers")) if isinstance(t, Mapping))
    whole, base = compile_simple(joined), compile_simple(root)
    reads = [whole.reads, base.reads, *(a.reads for s in steps for a in s.arguments.values())]
    reads += [_condition_reads(c, base) for g in groups for c in g]
    return Complex(whole, base, compile_path(accessor), groups, steps, frozenset().union(*reads), joined)


def _condition_reads(condition: Condition, root: Expression) -> frozenset[str]:
    """Keys of the source that a condition looks at; paths inside the root's items count when the root is the whole source."""
    whole = isinstance(root, Lookup) and root.path == ()
    sides = ((condition.left, condition.left_is_inner), (condition.right, condition.right_is_inner))
    return frozenset(key for side, inner in sides if whole or not inner for key in side.reads)


def _condition(raw: Mapping[str, Json], root: str, depth: int) -> Condition:
    name = _string(raw.get("operator"))
    left, left_inner = _operand(raw.get("left"), root, depth)
    right, right_inner = _operand(raw.get("right"), root, depth)
    ignore = raw.get("ignoreCase", raw.get("ignorecase"))
    return Condition(name, filters.find(name), left, right, left_inner, right_inner, ignore is True)


def _operand(raw: Json, root: str, depth: int) -> tuple[Expression, bool]:
    """A side of a comparison, and whether it is read from the current item instead of the source.

    Source: MAP-027, MAP-028; with root ``.`` every path is relative to the item.
    """
    value = raw.get("value") if isinstance(raw, Mapping) else None
    if not isinstance(raw, Mapping) or not isinstance(value, Mapping) or not _is_context(raw):
        return _argument(raw, depth) or Constant(), False
    text = _string(value.get("simple"))
    if isinstance(value.get("complex"), Mapping):
        return compile_expression(value, depth + 1), False
    alone = _PLACEHOLDER.fullmatch(text)
    text = alone[1] if alone else text
    if root == ".":
        return Lookup(compile_path(text)), True
    if text == root:
        return Lookup(()), True
    if root and text.startswith(root + "."):
        return Lookup(compile_path(text[len(root) + 1 :])), True
    return compile_simple(text), False


def _transformation(raw: Mapping[str, Json], depth: int) -> Transformation:
    name = _string(raw.get("operator"))
    given = raw.get("args")
    arguments = {
        key: argument
        for key, operand in (given if isinstance(given, Mapping) else {}).items()
        if (argument := _argument(operand, depth)) is not None
    }
    return Transformation(name, transformers.find(name), arguments)


def _argument(raw: Json, depth: int) -> Expression | None:
    """An operand: a path on the source, or literal text in which ``${path}`` is still filled; None when not given."""
    value = raw.get("value") if isinstance(raw, Mapping) else None
    if not isinstance(raw, Mapping) or not isinstance(value, Mapping):
        return None
    if isinstance(value.get("complex"), Mapping):
        return compile_expression(value, depth + 1)
    simple = value.get("simple")
    if simple is None:
        return None
    text = _string(simple)
    if _is_context(raw):
        return compile_simple(text)
    return _placeholders(text) or Constant(text)


def _is_context(raw: Mapping[str, Json]) -> bool:
    return raw.get("isContext", raw.get("iscontext")) is True


def _string(value: Json) -> str:
    if isinstance(value, bool | int | float):
        try:
            return text_of(value)
        except ValueError:
            return ""
    return value if isinstance(value, str) else ""


def _list(value: Json) -> list[Json]:
    return list(value) if isinstance(value, list | tuple) else []
