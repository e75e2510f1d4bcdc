"""What a mapper does with one object, line by line: for authors who ask why a field is what it is."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from casemirror.content.catalog import Catalog
from casemirror.content.items import Mapper
from casemirror.mapping import compiled, targets
from casemirror.mapping.compiled import Rule
from casemirror.mapping.incoming import MappedIn, map_in
from casemirror.mapping.outgoing import MappedOut, map_out
from casemirror.mapping.outside import NOWHERE, Outside, Step
from casemirror.mapping.value import NOTHING, Value
from casemirror.model.values import Json


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the mapper, at work.

    target   field that it sets and the field's type (incoming); the remote name (outgoing); empty when it can set none
    steps    what happened, in order: path, filters (one step for each element), transformers, cast
    result   what the line gave; NOTHING when it gave nothing
    warning  why it gave nothing; empty when there was nothing to give
    """

    rule: Rule
    target: str = ""
    kind: str = ""
    steps: tuple[Step, ...] = ()
    result: Value = NOTHING
    warning: str = ""


def explain_in(
    event: Json,
    mapper: Mapper,
    incident_type: str,
    catalog: Catalog,
    *,
    null_empties: bool = False,
    outside: Outside = NOWHERE,
) -> tuple[MappedIn, tuple[Line, ...]]:
    """Map an event in, and tell how. Raises nothing."""
    steps: list[Step] = []
    watched = replace(outside, watch=steps.append)
    mapped = map_in(event, mapper, incident_type, catalog, null_empties=null_empties, outside=watched)
    lines = _lines(mapper, incident_type, steps)
    return mapped, tuple(_with_target(line, catalog) for line in lines)


def explain_out(
    source: Mapping[str, Json],
    mapper: Mapper,
    incident_type: str,
    *,
    dirty: Collection[str],
    passthrough: tuple[str, ...] = (),
    outside: Outside = NOWHERE,
) -> tuple[MappedOut, tuple[Line, ...]]:
    """Map an incident out, and tell how. Raises nothing."""
    steps: list[Step] = []
    watched = replace(outside, watch=steps.append)
    mapped = map_out(source, mapper, incident_type, dirty=dirty, passthrough=passthrough, outside=watched)
    lines = _lines(mapper, incident_type, steps)
    return mapped, tuple(replace(line, target=line.rule.key) for line in lines)


def _lines(mapper: Mapper, incident_type: str, steps: list[Step]) -> Iterator[Line]:
    """Sort what was watched by the mapper's lines, which are worked through in order."""
    parts: list[list[Step]] = []
    for step in steps:
        if step.kind == "rule":
            parts.append([])
        else:
            parts[-1].append(step)
    for rule, part in zip(compiled.rules_for(mapper, incident_type), parts, strict=True):
        done = tuple(step for step in part if step.kind != "left out")
        warning = next((step.error for step in part if step.kind == "left out"), "")
        yield Line(rule=rule, steps=done, result=NOTHING if warning or not done else done[-1].after, warning=warning)


def _with_target(line: Line, catalog: Catalog) -> Line:
    found = targets.find(line.rule.key, catalog)
    if found is None:
        return line
    if found.place is targets.Place.PROTECTED:
        return replace(line, kind="protected", warning=f"{found.name} is kept by casemirror itself; no mapper sets it")
    return replace(line, target=found.name, kind=found.kind)
