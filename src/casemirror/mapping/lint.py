"""Look a mapper over before it is used: what it names that is not there, and what keeps it from mirroring.

Source: content.md §2.3, §3.3…§3.9; mirroring.md §3.1; MAP-063, MAP-072, MAP-100.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from casemirror.content.catalog import Catalog
from casemirror.content.items import COMMON, Mapper
from casemirror.mapping import compiled, filters, patterns, targets, transformers
from casemirror.mapping.compiled import Rule
from casemirror.mapping.expressions import Complex, Condition, Constant, Expression, Transformation
from casemirror.mapping.operators import bare
from casemirror.mapping.targets import Place
from casemirror.mapping.value import NOTHING, OperatorFailed
from casemirror.model.values import Json


class Level(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    """the line can never give anything"""
    WARNING = "warning"
    """probably not what was meant"""
    NOTE = "note"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing to look at; `key` is empty when it concerns a whole section, `section` when the whole mapper."""

    level: Level
    section: str = ""
    key: str = ""
    text: str


MIRROR_NAMES: Final = ("dbotMirrorId", "dbotMirrorInstance", "dbotMirrorDirection")
"""Without these an incident is not mirrored.   Source: mirroring.md §3.1."""


def check(
    mapper: Mapper, catalog: Catalog, *, types: Collection[str] | None = None, schema: Mapping[str, Json] | None = None
) -> tuple[Finding, ...]:
    """All findings, in the mapper's order. Raises nothing.

    types    incident types that the instance can give; None: not known, so those of every classifier
    schema   what the instance's get-mapping-fields tells: remote type → remote names; None: not known
    """
    found = [*_of_sections(mapper, catalog, types)]
    for section in mapper.sections:
        for rule in compiled.rules_for(mapper, section):
            if rule.section == section:
                found += _of_rule(rule, mapper, catalog, schema)
    return tuple(dict.fromkeys(found))


def _of_sections(mapper: Mapper, catalog: Catalog, types: Collection[str] | None) -> Iterator[Finding]:
    if not mapper.sections:
        yield Finding(level=Level.ERROR, text="it has no section, so it maps nothing")
    reachable = _classified(catalog) if types is None else set(types)
    for section in mapper.sections:
        if section == COMMON:
            continue
        if section not in reachable and section not in catalog.types:
            text = "no such incident type is installed, and no classifier gives it: this section is never used"
            yield Finding(level=Level.WARNING, section=section, text=text)
        elif types is not None and section not in reachable:
            text = "the instance never gives this incident type: this section is not used for what it fetches"
            yield Finding(level=Level.NOTE, section=section, text=text)
    if mapper.incoming:
        yield from _without_mirroring(mapper)


def _classified(catalog: Catalog) -> set[str]:
    """Every type that some installed classifier can give."""
    found = {name for each in catalog.classifiers.values() for name in each.key_type_map.values()}
    return found | {each.default_type for each in catalog.classifiers.values()}


def _without_mirroring(mapper: Mapper) -> Iterator[Finding]:
    """Sections whose incidents will not be mirrored, unless the integration itself says where they belong."""
    for section in mapper.sections:
        keys = {rule.key for rule in compiled.rules_for(mapper, section)}
        lacking = [name for name in MIRROR_NAMES if name not in keys]
        if lacking and (section != COMMON or len(mapper.sections) == 1):
            text = f"this mapper will not mirror because it does not set {', '.join(lacking)}"
            text += "; only an integration that puts them on the incident itself still mirrors"
            yield Finding(level=Level.WARNING, section=section, text=text)


def _of_rule(rule: Rule, mapper: Mapper, catalog: Catalog, schema: Mapping[str, Json] | None) -> Iterator[Finding]:
    def finding(level: Level, text: str) -> Finding:
        return Finding(level=level, section=rule.section, key=rule.key, text=text)

    if isinstance(rule.expression, Constant) and rule.expression.value is NOTHING:
        yield finding(Level.NOTE, "its expression is empty: it maps nothing")
    for level, text in _of_expression(rule.expression, catalog):
        yield finding(level, text)
    if mapper.incoming:
        yield from (finding(Level.WARNING, text) for text in _of_field(rule.key, catalog))
        if schema is not None:
            yield from (finding(Level.NOTE, text) for text in _unknown_remote(rule.expression.reads, schema))
        return
    yield from (finding(Level.WARNING, text) for text in _unread(rule.expression.reads, catalog))
    if schema is not None:
        yield from (finding(Level.WARNING, text) for text in _unknown_remote([rule.key], schema))


def _of_field(key: str, catalog: Catalog) -> Iterator[str]:
    target = targets.find(key, catalog)
    if target is None:
        names = [name for field in catalog.fields.values() for name in (field.name, field.cli_name)]
        yield f"no incident field has this name{_near(key, names)}"
    elif target.place is Place.PROTECTED:
        yield f"{target.name} is kept by casemirror itself; no mapper sets it"


def _unread(names: Iterable[str], catalog: Catalog) -> Iterator[str]:
    """Fields that an outgoing line reads and no incident has."""
    for name in sorted(names):
        if name not in targets.SYSTEM_NAMES and catalog.field_by_cli(name) is None:
            yield f"it reads {name!r}, which is no field of an incident{_near(name, catalog.fields)}"


def _unknown_remote(names: Iterable[str], schema: Mapping[str, Json]) -> Iterator[str]:
    known = {name for part in schema.values() if isinstance(part, Mapping) for name in part}
    for name in sorted(names):
        if known and name not in known:
            yield f"the remote does not know {name!r}, says its schema{_near(name, known)}"


def _near(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, known, 2, 0.8)
    return f"; did you mean {' or '.join(map(repr, close))}?" if close else ""


def _of_expression(expression: Expression, catalog: Catalog) -> Iterator[tuple[Level, str]]:
    if isinstance(expression, Complex):
        for group in expression.groups:
            for condition in group:
                yield from _of_condition(condition, catalog)
        for step in expression.steps:
            yield from _of_transformation(step, catalog)


def _of_condition(condition: Condition, catalog: Catalog) -> Iterator[tuple[Level, str]]:
    if condition.filter is None:
        yield from _of_script(condition.name, "filter", filters.KNOWN, catalog)
    elif bare(condition.name) == "match":
        yield from _of_pattern(condition.name, condition.right)


def _of_transformation(step: Transformation, catalog: Catalog) -> Iterator[tuple[Level, str]]:
    if step.transformer is None:
        yield from _of_script(step.name, "transformer", transformers.KNOWN, catalog)
    for name in ("regex",):
        if name in step.arguments:
            yield from _of_pattern(step.name, step.arguments[name])


def _of_script(name: str, kind: str, known: Collection[str], catalog: Catalog) -> Iterator[tuple[Level, str]]:
    script = catalog.script(bare(name))
    if script is None:
        yield Level.ERROR, f"unknown {kind} {name!r}{_near(bare(name), known)}"
    elif script.language != "python":
        yield Level.ERROR, f"the {kind} {name!r} is a script in {script.language}, which casemirror does not run"


def _of_pattern(operator: str, pattern: Expression) -> Iterator[tuple[Level, str]]:
    if isinstance(pattern, Constant) and isinstance(pattern.value, str):
        try:
            patterns.found_in(pattern.value, "")
        except OperatorFailed as error:
            yield Level.ERROR, f"{operator}: {error}"
