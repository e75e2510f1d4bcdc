"""Mappers and classifiers with their expressions compiled: made once for each object, kept as long as it lives."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from casemirror.content.items import COMMON, Classifier, Mapper
from casemirror.mapping.compiling import compile_expression
from casemirror.mapping.expressions import Expression
from casemirror.model.values import Json


@dataclass(frozen=True)
class Rule:
    """One line of a mapper: target (incoming: field; outgoing: remote name), expression, and where it stands.

    section   the incident type's name, or the common section's
    path      how the expression's source is written
    """

    key: str
    expression: Expression
    section: str = COMMON
    path: str = ""


_MAPPERS: Final[weakref.WeakKeyDictionary[Mapper, dict[str, tuple[Rule, ...]]]] = weakref.WeakKeyDictionary()
_CLASSIFIERS: Final[weakref.WeakKeyDictionary[Classifier, Expression]] = weakref.WeakKeyDictionary()


def rules_for(mapper: Mapper, incident_type: str) -> tuple[Rule, ...]:
    """The rules that apply to a type: common ones, then its own. A race of two threads compiles twice, to the same end."""
    by_type = _MAPPERS.setdefault(mapper, {})
    known = incident_type if incident_type in mapper.sections else ""
    found = by_type.get(known)
    if found is None:
        found = tuple(rule for name in dict.fromkeys((COMMON, known)) for rule in _rules_of(mapper, name))
        by_type[known] = found
    return found


def _rules_of(mapper: Mapper, section: str) -> Iterator[Rule]:
    if section in mapper.sections:
        for key, raw in mapper.sections[section].mapping.items():
            yield Rule(key, compile_expression(raw), section, path_of(raw))


def path_of(raw: Json) -> str:
    """How the source of a value expression is written: its path, constant or template."""
    given = raw if isinstance(raw, Mapping) else {}
    inner = given.get("complex")
    if not isinstance(inner, Mapping):
        return str(given.get("simple") or "")
    root, accessor = str(inner.get("root") or ""), str(inner.get("accessor") or "")
    return f"{root}.{accessor}" if accessor.strip() else root


def transformer_of(classifier: Classifier) -> Expression:
    """The expression whose value is looked up in the classifier's table."""
    found = _CLASSIFIERS.get(classifier)
    if found is None:
        found = _CLASSIFIERS[classifier] = compile_expression(classifier.transformer)
    return found


def reads(rules: tuple[Rule, ...]) -> frozenset[str]:
    """First keys of all paths that the rules may look at."""
    return frozenset[str]().union(*(rule.expression.reads for rule in rules))
