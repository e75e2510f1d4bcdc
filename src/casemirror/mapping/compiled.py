"""Mappers and classifiers with their expressions compiled: made once for each object, kept as long as it lives."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Final

from casemirror.content.items import Classifier, Mapper
from casemirror.mapping.compiling import compile_expression
from casemirror.mapping.expressions import Expression


@dataclass(frozen=True)
class Rule:
    """One line of a mapper: target (incoming: field; outgoing: remote name) and expression."""

    key: str
    expression: Expression


_MAPPERS: Final[weakref.WeakKeyDictionary[Mapper, dict[str, tuple[Rule, ...]]]] = weakref.WeakKeyDictionary()
_CLASSIFIERS: Final[weakref.WeakKeyDictionary[Classifier, Expression]] = weakref.WeakKeyDictionary()


def rules_for(mapper: Mapper, incident_type: str) -> tuple[Rule, ...]:
    """The rules that apply to a type: common ones, then its own. A race of two threads compiles twice, to the same end."""
    by_type = _MAPPERS.setdefault(mapper, {})
    known = incident_type if incident_type in mapper.sections else ""
    found = by_type.get(known)
    if found is None:
        sections = mapper.sections_for(incident_type)
        found = tuple(Rule(key, compile_expression(raw)) for s in sections for key, raw in s.mapping.items())
        by_type[known] = found
    return found


def transformer_of(classifier: Classifier) -> Expression:
    """The expression whose value is looked up in the classifier's table."""
    found = _CLASSIFIERS.get(classifier)
    if found is None:
        found = _CLASSIFIERS[classifier] = compile_expression(classifier.transformer)
    return found


def reads(rules: tuple[Rule, ...]) -> frozenset[str]:
    """First keys of all paths that the rules may look at."""
    return frozenset[str]().union(*(rule.expression.reads for rule in rules))
