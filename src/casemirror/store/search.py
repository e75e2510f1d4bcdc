"""Which incidents have a field with some value: conditions in SQL, the same on both databases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import JSONB

from casemirror.model.errors import Invalid
from casemirror.model.values import Json, is_empty
from casemirror.store import schema

_TABLE = schema.incident
OPERATORS: Final = ("!=", ">=", "<=", "=", ">", "<", "~")
"""Longer ones first: how a condition that people write is taken apart."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One comparison of a field with a value of its type; an empty value asks for incidents where it has none.

    is_list   the field holds a list, a table or an object: any text or number in it may match
    is_date   the field holds a time; it is compared as one, however many digits its seconds have
    """

    field: str
    operator: str
    value: Json
    is_list: bool = False
    is_date: bool = False


def where(tx: Connection, condition: Condition) -> sa.ColumnElement[bool]:
    """The condition in SQL. Raises Invalid for an operator that does not suit the value."""
    postgresql = tx.dialect.name == "postgresql"
    if is_empty(condition.value):
        if condition.operator not in ("=", "!="):
            raise Invalid(f"{condition.field}{condition.operator}: give a value, or use = for incidents without one")
        hollow = _is_hollow(condition.field, postgresql)
        return hollow if condition.operator == "=" else sa.not_(hollow)
    if condition.is_list:
        return _in_list(condition, postgresql)
    if condition.operator in ("=", "!="):
        same = _equals(condition, postgresql)
        return same if condition.operator == "=" else sa.or_(sa.not_(same), _is_hollow(condition.field, postgresql))
    if condition.operator == "~":
        return sa.func.lower(_text(condition.field, postgresql)).contains(str(condition.value).lower(), autoescape=True)
    return _ordered(condition, postgresql)


def _text(name: str, postgresql: bool) -> sa.ColumnElement[str]:
    """The field as text, null when it is not there."""
    if postgresql:
        return sa.cast(_TABLE.c.fields, JSONB).op("->>")(name)
    return sa.func.json_extract(_TABLE.c.fields, _path(name))


def _path(name: str) -> str:
    return '$."' + name.replace('"', "") + '"'


def _is_hollow(name: str, postgresql: bool) -> sa.ColumnElement[bool]:
    text = _text(name, postgresql)
    return sa.or_(text.is_(None), sa.cast(text, sa.Text).in_(["", "[]", "{}", "[{}]", "0001-01-01T00:00:00Z"]))


def _equals(condition: Condition, postgresql: bool) -> sa.ColumnElement[bool]:
    name, value = condition.field, condition.value
    text = sa.cast(_text(name, postgresql), sa.Text)
    if condition.is_date:
        return sa.func.coalesce(_moment(text) == _moment_of(str(value)), sa.false())
    if isinstance(value, bool):
        return text.in_(["true", "1"] if value else ["false", "0"])
    if isinstance(value, int | float):
        return sa.func.coalesce(_number(name, postgresql) == float(value), sa.false())
    return sa.func.coalesce(text == str(value), sa.false())


def _number(name: str, postgresql: bool) -> sa.ColumnElement[float]:
    """The field as number, null when it is none."""
    if postgresql:
        kind = sa.func.jsonb_typeof(sa.cast(_TABLE.c.fields, JSONB).op("->")(name))
        return sa.case((kind == "number", sa.cast(_text(name, True), sa.Float)), else_=None)
    kind = sa.func.json_type(_TABLE.c.fields, _path(name))
    return sa.case((kind.in_(["integer", "real"]), sa.cast(_text(name, False), sa.Float)), else_=None)


_ORDER: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
}


def _ordered(condition: Condition, postgresql: bool) -> sa.ColumnElement[bool]:
    compare = _ORDER[condition.operator]
    if isinstance(condition.value, bool) or not isinstance(condition.value, int | float | str):
        raise Invalid(f"{condition.field} has no order; use = or !=")
    if isinstance(condition.value, int | float):
        return sa.func.coalesce(compare(_number(condition.field, postgresql), float(condition.value)), sa.false())
    text = sa.cast(_text(condition.field, postgresql), sa.Text)
    there = sa.not_(_is_hollow(condition.field, postgresql))
    moment = _moment(text).collate("C" if postgresql else "BINARY")
    return sa.and_(sa.func.coalesce(compare(moment, _moment_of(condition.value)), sa.false()), there)


def _moment(text: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    """A stored time (UTC, a fraction only where there is one) with six fraction digits: such texts are in the order of time."""
    fraction = sa.func.rtrim(sa.func.substr(text, 21), "Z")
    return sa.func.substr(text, 1, 19).concat(".").concat(sa.func.substr(fraction.concat("000000"), 1, 6))


def _moment_of(text: str) -> str:
    """The same of a value."""
    return f"{text[:19]}.{(text[20:].rstrip('Z') + '000000')[:6]}"


_LEAVES: Final = """CAST('strict $.** ? (@.type() == "string" || @.type() == "number")' AS jsonpath)"""


def _in_list(condition: Condition, postgresql: bool) -> sa.ColumnElement[bool]:
    """Some text or number within the value equals what is looked for, or contains it."""
    if condition.operator not in ("=", "!=", "~"):
        raise Invalid(f"{condition.field} is a list; use =, != or ~")
    value = str(condition.value[0] if isinstance(condition.value, list | tuple) else condition.value)
    if postgresql:
        field = sa.cast(_TABLE.c.fields, JSONB).op("->")(condition.field)
        each = sa.func.jsonb_path_query(field, sa.literal_column(_LEAVES)).table_valued("value").render_derived()
        item: Any = sa.cast(each.c.value, JSONB).op("#>>")(sa.literal_column("'{}'::text[]"))
        is_leaf: Any = sa.true()
    else:
        each = sa.func.json_tree(_TABLE.c.fields, _path(condition.field)).table_valued("atom", "type")
        item = sa.cast(each.c.atom, sa.Text)
        is_leaf = each.c.type.in_(["text", "integer", "real"])
    hit = item == value if condition.operator != "~" else sa.func.lower(item).contains(value.lower(), autoescape=True)
    found = sa.exists(sa.select(1).select_from(each).where(is_leaf, hit))
    return sa.not_(found) if condition.operator == "!=" else found
