"""How a mapping looks on a terminal, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from casemirror.cli import output

if TYPE_CHECKING:
    from casemirror.actions.mapping import Tried
    from casemirror.mapping.explain import Line
    from casemirror.mapping.outside import Step
    from casemirror.mapping.value import Value

_LONGEST = 120
"""Characters of a value that are shown; `--json` has all."""
_WIDEST = 60
"""Characters up to which what was done is padded, so that outcomes stand below each other."""


def as_json(tried: Tried, *, explain: bool) -> dict[str, Any]:
    """All of it; the lines only when they are asked for."""
    found: dict[str, Any] = {"mapper": tried.mapper.id, "type": tried.type}
    if tried.mapper.incoming:
        found |= {"fields": tried.fields, "mirror": tried.mirror, "labels": tried.labels}
    else:
        found |= {"data": tried.fields, "delta": tried.delta}
    found["warnings"] = [
        {"field": w.field, "type": w.type, "operator": w.operator, "text": w.text, "expected": w.expected}
        for w in tried.warnings
    ]
    if explain:
        found["lines"] = [_line_json(line) for line in tried.lines]
    return found


def _line_json(line: Line) -> dict[str, Any]:
    return {
        "key": line.rule.key,
        "section": section(line.rule.section),
        "path": line.rule.path,
        "field": line.target,
        "fieldType": line.kind,
        "result": _plain(line.result),
        "warning": line.warning,
        "steps": [
            {
                "kind": step.kind,
                "name": step.name,
                "arguments": {name: _plain(value) for name, value in step.args.items()},
                "before": _plain(step.before),
                "after": _plain(step.after),
                "error": step.error,
            }
            for step in line.steps
        ],
    }


def show(tried: Tried, *, explain: bool) -> None:
    """Print it for a person."""
    output.heading(f"{tried.mapper.id}, incident type {tried.type or 'none'}")
    names = [section(name) for name in tried.mapper.sections]
    if tried.type not in tried.mapper.sections and len(names) > 1:
        output.line(f"only the section for all types applies; the mapper has: {', '.join(names)}")
    rows = [*tried.fields.items(), *tried.mirror.items()]
    changed = set(tried.delta)
    columns = ("remote field", "value", "in delta") if changed else ("field", "value")
    if not tried.mapper.incoming and not changed:
        columns = ("remote field", "value")
    shown = [(name, text(value), *(("yes" if name in changed else "",) if changed else ())) for name, value in rows]
    output.table(columns, shown, empty="nothing is mapped")
    for warning in tried.warnings:
        output.warn(_warning(warning.field, warning.type, warning.operator, warning.text, expected=warning.expected))
    if explain:
        for line in tried.lines:
            _show_line(line)


def _warning(field: str, type: str, operator: str, reason: str, *, expected: bool) -> str:
    step = f", operator {operator}" if operator else ""
    note = " (its source is empty)" if expected else ""
    return f"{field} is left out: {reason}{step}{note}; incident type {type or 'none'}"


def _show_line(line: Line) -> None:
    target = f" → {line.target} ({line.kind})" if line.kind and line.target not in ("", line.rule.key) else ""
    output.heading(f"{line.rule.key}{target}   [{section(line.rule.section)}]")
    rows = [(_did(step), _outcome(step)) for step in line.steps]
    if rows and line.steps[0].kind == "path":
        rows[0] = (line.rule.path or "(no source)", rows[0][1])
    if line.warning and not any(step.error for step in line.steps):
        rows.append(("left out", line.warning))
    width = min(max((len(did) for did, _ in rows), default=0), _WIDEST)
    for did, outcome in rows:
        output.line(f"  {did.ljust(width)}  {outcome}")


def _did(step: Step) -> str:
    if step.kind == "filter":
        return f"filter {text(step.before)} {step.name} {_arguments(step.args)}"
    if step.kind == "transformer":
        return f"{step.name}({_arguments(step.args)})"
    return f"as {step.name}" if step.kind == "cast" else step.name


def _outcome(step: Step) -> str:
    if step.error:
        return f"failed: {step.error}"
    if step.kind == "filter":
        return "passes" if step.after is True else "does not pass"
    return text(step.after)


def _arguments(args: Mapping[str, Value]) -> str:
    shown = {name: value for name, value in args.items() if _plain(value) is not None}
    if set(shown) == {"right"}:
        return text(shown["right"])
    return ", ".join(f"{name}={text(value)}" for name, value in shown.items())


def text(value: Value) -> str:
    """A value on one line, as JSON."""
    found = _plain(value)
    if found is None:
        return "no value"
    line = json.dumps(found, ensure_ascii=False)
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _plain(value: Value) -> Any:
    """No value as null."""
    from casemirror.mapping.value import json_of

    return json_of(value)


def section(name: str) -> str:
    """A section's name; the common one has a long technical one."""
    from casemirror.content.items import COMMON

    return "all types" if name == COMMON else name
