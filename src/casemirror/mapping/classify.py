"""Decide the incident type of an event.   Source: content.md §3.6; MAP-064…069."""

from __future__ import annotations

from typing import Final

from casemirror.content.items import Classifier
from casemirror.mapping import compiled
from casemirror.mapping.expressions import StepFailed
from casemirror.mapping.outside import NOWHERE, Outside
from casemirror.mapping.value import NOTHING, Value, absent, text_of
from casemirror.model.values import Json

UNCLASSIFIED: Final = "Unclassified"


def classify(
    event: Json,
    classifier: Classifier | None,
    default_type: str = "",
    given_type: str = "",
    outside: Outside = NOWHERE,
) -> str:
    """The type's name; it need not be installed.

    default_type   the instance's incident type parameter
    given_type     what the integration put on the fetched incident
    Order: classifier's table, classifier's default, `default_type`, `given_type`, "Unclassified". Raises nothing.
    """
    found = ""
    if classifier is not None:
        found = _looked_up(event, classifier, outside) or classifier.default_type
    return found or default_type or given_type or UNCLASSIFIED


def _looked_up(event: Json, classifier: Classifier, outside: Outside) -> str:
    """The first match in the table; of a list each element is tried in turn (Q11)."""
    value = _key(event, classifier, outside)
    for candidate in value if isinstance(value, list | tuple) else [value]:
        try:
            found = "" if absent(candidate) else classifier.key_type_map.get(text_of(candidate), "")
        except (ValueError, RecursionError):
            continue
        if found:
            return found
    return ""


def _key(event: Json, classifier: Classifier, outside: Outside) -> Value:
    try:
        return compiled.transformer_of(classifier).evaluate(event, outside)
    except (StepFailed, RecursionError):
        return NOTHING
