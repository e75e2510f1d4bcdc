"""What only people are held to when they write a field: options, columns, roles, addresses, the parts of a timer.

Mappers are more tolerant (`mapping.casting`): a remote may know values that the field does not.   Source: content.md §5.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

from casemirror.engine.timers import IDLE
from casemirror.mapping import dates
from casemirror.mapping.targets import Target
from casemirror.mapping.value import FAILURES
from casemirror.model.actor import Role
from casemirror.model.errors import Invalid
from casemirror.model.values import ZERO_TIME, Json

_DATES: Final = frozenset(name for name, value in IDLE.items() if value == ZERO_TIME)


def option(target: Target, value: Json) -> Json:
    """The field's own spelling of a choice. Raises Invalid for none of them."""
    return _one_of(target, value, target.options)


def options(target: Target, values: Json, before: Json) -> Json:
    """The same of each element; what the field holds already may stay."""
    kept = before if isinstance(before, list | tuple) else ()
    found = values if isinstance(values, list | tuple) else ()
    return [value if value in kept else option(target, value) for value in found]


def roles(target: Target, values: Json, before: Json) -> Json:
    """The roles of this system; what the field holds already may stay. Raises Invalid."""
    kept = before if isinstance(before, list | tuple) else ()
    found = values if isinstance(values, list | tuple) else ()
    titles = [role.title for role in Role]
    return [value if value in kept else _one_of(target, value, titles) for value in found]


def _one_of(target: Target, value: Json, known: Iterable[str]) -> Json:
    choices = [choice for choice in known if choice]
    if not choices or value in choices:
        return value
    for choice in choices:
        if choice.strip().casefold() == str(value).strip().casefold():
            return choice
    raise Invalid(f"{target.name}: {value!r} is none of {', '.join(choices)}")


def url(target: Target, value: Json) -> Json:
    """An address with a scheme. Raises Invalid."""
    text = str(value).strip()
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if not parts.scheme or not (parts.netloc or parts.path) or any(c.isspace() for c in text):
        raise Invalid(f"{target.name}: {value!r} is no address; write it as https://example.com/page")
    return text


def timer(target: Target, given: Json, before: Json) -> Json:
    """Parts of a timer, each of its type. Raises Invalid for unknown ones and for its run status, which is no edit.

    Parts that are as they were are no change, so that a timer that was shown can be given back.
    """
    if not isinstance(given, Mapping):
        return given
    kept = before if isinstance(before, Mapping) else {}
    unknown = [part for part in given if part not in IDLE]
    if unknown:
        raise Invalid(f"{target.name}: a timer has no {unknown[0]!r}; there are {', '.join(IDLE)}")
    changed = {part: value for part, value in given.items() if part not in kept or kept[part] != value}
    if "runStatus" in changed:
        raise Invalid(f"{target.name}: an edit does not start or stop a timer; set its sla or dueDate")
    return {part: _part(target, part, value) for part, value in changed.items()}


def _part(target: Target, part: str, value: Json) -> Json:
    where = f"{target.name}.{part}"
    if part in _DATES:
        try:
            return value if value == ZERO_TIME else dates.text_of(dates.parse(value))
        except FAILURES as error:
            raise Invalid(f"{where}: {error}") from error
    if part == "breachTriggered" and not isinstance(value, bool):
        raise Invalid(f"{where}: {value!r} is neither true nor false")
    if part != "breachTriggered" and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise Invalid(f"{where}: {value!r} is no number")
    return value
