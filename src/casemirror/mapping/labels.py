"""Labels: what of a fetched event the mapping did not use.   Source: content.md §3.8, Q10; MAP-083, MAP-084."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from casemirror.content.items import COMMON, Mapper
from casemirror.mapping import compiled
from casemirror.mapping.value import text_of
from casemirror.model.values import Json

Label = dict[str, str]
"""``{"type": …, "value": …}``."""


def labels_for(
    event: Json,
    mapper: Mapper | None,
    incident_type: str,
    *,
    brand: str,
    instance: str,
    given: Iterable[Mapping[str, str]] = (),
) -> tuple[Label, ...]:
    """Labels of a new incident: brand and instance, those that the integration gave, and unused keys of the event.

    An unused key is a top-level key that begins no path of the mapper; without a mapper all are unused. Raises nothing.
    """
    found = [{"type": "Brand", "value": brand}, {"type": "Instance", "value": instance}]
    found += [{"type": str(label.get("type", "")), "value": str(label.get("value", ""))} for label in given]
    if isinstance(event, Mapping) and not _drops_the_rest(mapper, incident_type):
        used = compiled.reads(compiled.rules_for(mapper, incident_type)) if mapper else frozenset[str]()
        found += [{"type": key, "value": _text(value)} for key, value in event.items() if key not in used]
    return tuple(found)


def _drops_the_rest(mapper: Mapper | None, incident_type: str) -> bool:
    """The flag of the type's own section, else of the common one."""
    if mapper is None:
        return False
    section = mapper.sections.get(incident_type) or mapper.sections.get(COMMON)
    return section is not None and section.dont_map_labels


def _text(value: Json) -> str:
    try:
        return text_of(value)
    except (ValueError, RecursionError):
        return ""
