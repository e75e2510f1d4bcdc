"""What people call fields, and how they write values: name and text → machine name and typed value."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from casemirror.actions import field_values
from casemirror.content.catalog import Catalog
from casemirror.content.incident_items import LIST_TYPES, Column
from casemirror.mapping import casting, targets
from casemirror.mapping.targets import Place, Target
from casemirror.mapping.value import FAILURES
from casemirror.model.errors import Invalid
from casemirror.model.incident import SYSTEM_FIELDS, Incident
from casemirror.model.values import Json, is_empty
from casemirror.store import users
from casemirror.store.search import OPERATORS, Condition

if TYPE_CHECKING:
    from sqlalchemy import Connection

_KEPT: Final[Mapping[str, str]] = {
    "status": "use close, reopen or open",
    "closed": "use close or reopen",
    "type": "it is chosen when the incident is created",
    "labels": "labels come with the event",
    "attachment": "use attach",
    "CustomFields": "name the custom field itself",
    "rawJSON": "it is what the integration fetched",
    "dbotDirtyFields": "it is derived from what both sides last agreed on",
    "dbotCurrentDirtyFields": "it is derived from what both sides last agreed on",
    "dbotMirrorLastSync": "mirroring sets it",
}
"""Names that people try to write, and what they should do instead."""


_STRUCTURES: Final = frozenset({"grid", "timer", "attachments", "internal"})
"""Kinds of fields that are searched by what is anywhere within their value."""


@dataclass(frozen=True, kw_only=True)
class Edit:
    """What a person wants to write: incident fields, and `dbotMirror*` names with their values."""

    fields: Mapping[str, Json] = field(default_factory=dict)
    mirror: Mapping[str, Json] = field(default_factory=dict)


def read(tx: Connection, catalog: Catalog, given: Mapping[str, Json], incident: Incident | None = None) -> Edit:
    """Resolve names (machine or display, any case) and convert values by the fields' types.

    incident   the one that is edited: a timer keeps the parts that are not given
    Raises Invalid, naming everything that is wrong at once.
    """
    fields: dict[str, Json] = {}
    mirror: dict[str, Json] = {}
    wrong = []
    for name, value in given.items():
        try:
            target = find(name, catalog)
            if target.place is Place.MIRROR:
                mirror[target.name] = value
            else:
                fields[target.name] = _checked(tx, catalog, target, value, incident)
        except Invalid as error:
            wrong.append(error.message)
    if wrong:
        raise Invalid("; ".join(wrong))
    return Edit(fields=fields, mirror=mirror)


def find(name: str, catalog: Catalog) -> Target:
    """The field that a person means. Raises Invalid for an unknown one, and for one that casemirror keeps itself."""
    target = targets.find(name.strip(), catalog)
    if target is None:
        raise Invalid(f"no field {name!r}{_near(name, catalog)}")
    if target.place is Place.PROTECTED:
        hint = _KEPT.get(target.name, "it cannot be edited")
        raise Invalid(f"{target.name} is kept by casemirror itself: {hint}")
    return target


def condition(text: str, catalog: Catalog) -> Condition:
    """A condition as people write it. Raises Invalid, naming what is wrong."""
    found = min(((text.index(sign), -len(sign), sign) for sign in OPERATORS if sign in text), default=None)
    if found is None or not text[: found[0]].strip():
        raise Invalid(f"condition {text!r}: write it as FIELD=VALUE, or with !=, ~, >, >=, <, <=")
    at, _, sign = found
    name, value = text[:at].strip(), text[at + len(sign) :].strip()
    target = targets.find(name, catalog)
    if target is None or target.place is not Place.FIELD:
        raise Invalid(f"no field {name!r} to search by{_near(name, catalog)}")
    is_list = target.kind in LIST_TYPES or target.kind in _STRUCTURES
    if sign in (">", ">=", "<", "<=") and target.kind not in ("number", "severity", "date"):
        raise Invalid(f"{target.name} is no number and no date, so it has no order; use =, != or ~")
    if sign == "~" and target.kind == "boolean":
        raise Invalid(f"{target.name} is true or false; use = or !=")
    if not value:
        return Condition(field=target.name, operator=sign, value="")
    typed = value if sign == "~" or is_list else convert(target, value)
    is_date = target.kind == "date" and sign != "~"
    return Condition(field=target.name, operator=sign, value=typed, is_list=is_list, is_date=is_date)


def _near(name: str, catalog: Catalog) -> str:
    known = {n.casefold(): n for f in catalog.fields.values() for n in (f.name, f.cli_name)}
    known |= {n.casefold(): n for n in SYSTEM_FIELDS}
    close = [known[n] for n in difflib.get_close_matches(name.casefold(), known, 3, 0.7)]
    return f"; did you mean {', '.join(close)}?" if close else ""


def _checked(tx: Connection, catalog: Catalog, target: Target, value: Json, incident: Incident | None) -> Json:
    before = incident.get(target.name) if incident else None
    if target.kind == "attachments" and not is_empty(value):
        raise Invalid(f"{target.name}: files are attached by `casemirror incident attach`")
    if target.kind == "timer":
        return _timer(target, value, before)
    is_open = _is_open_ended(catalog, target.name)
    converted = convert(target, value, open_ended=is_open or (value == before and not is_empty(value)))
    if is_empty(converted):
        return converted
    if target.kind == "grid":
        return _rows(target, converted, catalog)
    if target.kind == "multiSelect" and not is_open:
        return field_values.options(target, converted, before)
    if target.kind == "role":
        return field_values.roles(target, converted, before)
    if target.kind == "url":
        return converted if converted == before else field_values.url(target, converted)
    if (target.name == "owner" or target.kind == "user") and users.find(tx, username=str(converted)) is None:
        raise Invalid(
            f"{target.name}: there is no user {converted!r}; `casemirror user list` shows all, `user add` makes one"
        )
    return converted


def _timer(target: Target, value: Json, before: Json) -> Json:
    """The timer with the parts that are given; the others stay."""
    given = _parsed(value) if isinstance(value, str) else value
    given = field_values.timer(target, given, before) if isinstance(given, Mapping) and given else given
    converted = given if isinstance(given, Mapping) and given else convert(target, given)
    return {**before, **converted} if isinstance(converted, Mapping) and isinstance(before, Mapping) else converted


def _rows(target: Target, rows: Json, catalog: Catalog) -> Json:
    """Rows of a table with the columns of the field, each cell of its column's type. Raises Invalid."""
    found = catalog.field_by_cli(target.name)
    columns = {column.key: column for column in found.columns} if found else {}
    if not columns:
        return rows
    checked: list[Json] = []
    for number, row in enumerate(rows if isinstance(rows, list | tuple) else ()):
        given = row if isinstance(row, Mapping) else {}
        unknown = [key for key in given if key not in columns]
        if unknown:
            raise Invalid(f"{target.name}, row {number + 1}: no column {unknown[0]!r}; there are {', '.join(columns)}")
        missing = [key for key, column in columns.items() if column.required and is_empty(given.get(key))]
        if missing:
            raise Invalid(f"{target.name}, row {number + 1}: column {missing[0]!r} must be given")
        try:
            checked.append({key: _cell(columns[key], value) for key, value in given.items()})
        except Invalid as error:
            raise Invalid(f"{target.name}, row {number + 1}: {error.message}") from error
    return checked


def _cell(column: Column, value: Json) -> Json:
    """A value as its column holds it; an empty one stays as it is."""
    if is_empty(value):
        return value
    target = Target(Place.FIELD, column.key, column.type, column.options)
    converted = convert(target, value, open_ended=False)
    if column.type == "multiSelect":
        return field_values.options(target, converted, None)
    return field_values.url(target, converted) if column.type == "url" else converted


def _is_open_ended(catalog: Catalog, cli_name: str) -> bool:
    found = catalog.field_by_cli(cli_name)
    return found is None or found.open_ended


def convert(target: Target, value: Json, *, open_ended: bool = True) -> Json:
    """A value as a field of this type holds it; the empty text empties the field. Raises Invalid, saying what is wrong."""
    if is_empty(value) or (isinstance(value, str) and not value.strip()):
        return 0 if target.kind == "severity" else casting.emptied(target.kind)
    if target.kind in LIST_TYPES and isinstance(value, str):
        value = _parts(value)
    if target.kind in ("timer", "internal") and isinstance(value, str):
        value = _parsed(value)
    if target.kind == "boolean" and isinstance(value, str):
        return _boolean(target, value)
    try:
        converted = casting.cast(target.kind, value, target.options)
    except FAILURES as error:
        raise Invalid(f"{target.name}: {error}") from error
    return field_values.option(target, converted) if target.kind == "singleSelect" and not open_ended else converted


def _parts(text: str) -> Json:
    """A list that a person wrote: JSON, or texts parted by commas."""
    if text.lstrip().startswith("["):
        try:
            found: Json = json.loads(text)
        except ValueError:
            found = None
        if isinstance(found, list):
            return found
    return [part.strip() for part in text.split(",") if part.strip()]


def _parsed(text: str) -> Json:
    """An object or a list that a person wrote as JSON; any other text is itself."""
    if text.lstrip().startswith(("{", "[")):
        try:
            found: Json = json.loads(text)
        except (ValueError, RecursionError):
            return text
        return found
    return text


def _boolean(target: Target, text: str) -> bool:
    word = text.strip().lower()
    if word not in ("true", "yes", "1", "false", "no", "0"):
        raise Invalid(f"{target.name}: {text!r} is neither true nor false")
    return word in ("true", "yes", "1")
