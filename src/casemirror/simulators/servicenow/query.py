"""Encoded queries: the filter language of the Table API, read into something that can judge a row.

Pure: knows no table and no store.  Whoever calls tells which columns exist (`kind_of`) and how a row is read (`read`).
Source: ServiceNow docs "Table API" (sysparm_query), "Encoded query strings", "Operators available for filters and queries".
"""

import operator as ops
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

Row = Mapping[str, str]
Record = TypeVar("Record", bound=Row)
KindOf = Callable[[str], str | None]
Read = Callable[[Row, str], str]
Test = Callable[[str], bool]
Compare = Callable[[Any, Any], bool]

_CONDITION = re.compile(
    r"(?P<column>[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*)"
    r"(?P<operator>!=|>=|<=|=|>|<|NOT IN|NOT LIKE|NOTLIKE|DOES NOT CONTAIN|LIKE|CONTAINS|STARTSWITH|ENDSWITH"
    r"|ISNOTEMPTY|ISEMPTY|EMPTYSTRING|ANYTHING|BETWEEN|IN(?!STANCEOF|_HIERARCHY))"
    r"(?P<value>.*)",
    re.DOTALL,
)
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)(?: (\d\d:\d\d:\d\d)(?:\.\d+)?)?")
_ORDERED: dict[str, Compare] = {">": ops.gt, "<": ops.lt, ">=": ops.ge, "<=": ops.le}
_ALIASES = {"CONTAINS": "LIKE", "NOTLIKE": "NOT LIKE", "DOES NOT CONTAIN": "NOT LIKE", "EMPTYSTRING": "ISEMPTY"}
_TEXT_TESTS = frozenset({"LIKE", "NOT LIKE", "STARTSWITH", "ENDSWITH"})


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One `{column}{operator}{value}`; a column ending in "." stands for the display value of a reference."""

    column: str
    operator: str
    value: str
    test: Test


@dataclass(frozen=True, kw_only=True)
class Query:
    """alternatives   queries joined by ^NQ; each is a list of groups that must all hold; a group is a list of ORed conditions

    order          (column, descending), the most significant first
    had_invalid    whether some part was ignored because its column, operator or value is not valid
    """

    alternatives: tuple[tuple[tuple[Condition, ...], ...], ...] = ()
    order: tuple[tuple[str, bool], ...] = ()
    had_invalid: bool = False

    def select(self, rows: Iterable[Record], read: Read) -> list[Record]:
        """The rows for which any alternative holds, in their order; a query without conditions selects all."""
        if len(self.alternatives) > 1:
            return [row for row in rows if any(_holds(groups, row, read) for groups in self.alternatives)]
        selected = list(rows)
        for group in self.alternatives[0] if self.alternatives else ():
            selected = _narrowed(selected, group, read)
        return selected

    def required(self) -> Iterable[Condition]:
        """The conditions that every matching row fulfils: what an index may use."""
        if len(self.alternatives) == 1:
            return [group[0] for group in self.alternatives[0] if len(group) == 1]
        return []


def parse(text: str, kind_of: KindOf) -> Query:
    """Read an encoded query; parts that are not valid are ignored and the rest applies, as the vendor documents.

    kind_of   column → "string", "integer", "boolean", "glide_date_time" or "reference"; None = no such column
    `^OR` joins the condition just before it, so `A^B^ORC` is A and (B or C).  Raises nothing.
    """
    builder = _Builder(kind_of)
    for part in text.split("^"):
        builder.add(part)
    return builder.finish()


def condition(text: str, kind_of: KindOf) -> Condition | None:
    """Read one `{column}{operator}{value}`; None when column, operator or value is not valid."""
    match = _CONDITION.fullmatch(text)
    if match is None:
        return None
    column, operator, value = match["column"], match["operator"], match["value"]
    operator = _ALIASES.get(operator, operator)
    kind = kind_of(column)
    test = None if kind is None else _test_for(kind, operator, value)
    if test is None:
        return None
    read_from = column + "." if kind == "reference" and operator in _TEXT_TESTS else column
    return Condition(column=read_from, operator=operator, value=value, test=test)


def sort_key(kind: str | None) -> Callable[[str], tuple[int, object]]:
    """How values of this kind are ordered: empty ones first, integers by number, everything else by text."""
    key = _key_for(kind or "string")

    def ranked(text: str) -> tuple[int, object]:
        found = key(text)
        return (0, "") if found is None else (1, found)

    return ranked


def moment(text: str) -> str | None:
    """A date or date-time as `YYYY-MM-DD HH:MM:SS`; None when the text is neither."""
    match = _MOMENT.fullmatch(text)
    return None if match is None else f"{match[1]} {match[2] or '00:00:00'}"


def _holds(groups: Iterable[Iterable[Condition]], row: Row, read: Read) -> bool:
    return all(any(condition.test(read(row, condition.column)) for condition in group) for group in groups)


def _narrowed(rows: list[Record], group: tuple[Condition, ...], read: Read) -> list[Record]:
    """One group applied to all rows; a lone condition on a plain column, the usual case, without any detour."""
    column, test = group[0].column, group[0].test
    if len(group) == 1 and "." not in column:
        return [row for row in rows if test(row[column])]
    return [row for row in rows if _holds((group,), row, read)]


class _Builder:
    """Collects the parts of one encoded query, left to right."""

    def __init__(self, kind_of: KindOf) -> None:
        self._kind_of = kind_of
        self._alternatives: list[list[list[Condition]]] = [[]]
        self._order: list[tuple[str, bool]] = []
        self._had_invalid = False
        self._fresh_group = True

    def add(self, part: str) -> None:
        if part.startswith("NQ"):
            self._alternatives.append([])
            self._add_condition(part[2:], joins_previous=False)
        elif part.startswith("ORDERBY"):
            self._add_order(part)
        elif part.startswith("OR"):
            self._add_condition(part[2:], joins_previous=True)
        elif part not in ("", "EQ"):
            self._add_condition(part, joins_previous=False)

    def _add_order(self, part: str) -> None:
        descending = part.startswith("ORDERBYDESC")
        column = part.removeprefix("ORDERBYDESC" if descending else "ORDERBY")
        if self._kind_of(column) is None:
            self._had_invalid = True
        else:
            self._order.append((column, descending))

    def _add_condition(self, text: str, *, joins_previous: bool) -> None:
        groups = self._alternatives[-1]
        found = condition(text, self._kind_of)
        if not joins_previous:
            self._fresh_group = True
        if found is None:
            self._had_invalid = True
        elif self._fresh_group or not groups:
            groups.append([found])
            self._fresh_group = False
        else:
            groups[-1].append(found)

    def finish(self) -> Query:
        alternatives = tuple(tuple(tuple(group) for group in groups) for groups in self._alternatives if groups)
        return Query(alternatives=alternatives, order=tuple(self._order), had_invalid=self._had_invalid)


def _test_for(kind: str, operator: str, value: str) -> Test | None:
    if operator in _ORDERED:
        return _ordered(kind, _ORDERED[operator], value)
    if operator == "BETWEEN":
        return _between(kind, value)
    if operator in ("=", "!="):
        return _equality(kind, operator, value)
    if operator in ("IN", "NOT IN"):
        wanted = frozenset(item.strip() for item in value.split(","))
        return (lambda text: text in wanted) if operator == "IN" else (lambda text: text not in wanted)
    return _text_test(operator, value)


def _text_test(operator: str, value: str) -> Test:
    tests: dict[str, Test] = {
        "LIKE": lambda text: value in text,
        "NOT LIKE": lambda text: value not in text,
        "STARTSWITH": lambda text: text.startswith(value),
        "ENDSWITH": lambda text: text.endswith(value),
        "ISEMPTY": lambda text: text == "",
        "ISNOTEMPTY": lambda text: text != "",
        "ANYTHING": lambda text: True,
    }
    return tests[operator]


def _equality(kind: str, operator: str, value: str) -> Test | None:
    wanted: str | None = value
    if kind == "glide_date_time" and value:
        wanted = moment(value)
    if wanted is None:
        return None
    return (lambda text: text == wanted) if operator == "=" else (lambda text: text != wanted)


def _ordered(kind: str, compare: Compare, value: str) -> Test | None:
    """Compare like the column's type does; an empty value is never greater or less (SQL NULL)."""
    key = _key_for(kind)
    bound = key(value)
    if bound is None:
        return None

    def test(text: str) -> bool:
        found = key(text)
        return found is not None and compare(found, bound)

    return test


def _between(kind: str, value: str) -> Test | None:
    low, at, high = value.partition("@")
    above, below = _ordered(kind, ops.ge, low), _ordered(kind, ops.le, high)
    if not at or above is None or below is None:
        return None
    lower, upper = above, below
    return lambda text: lower(text) and upper(text)


def _key_for(kind: str) -> Callable[[str], object | None]:
    return {"integer": _integer, "glide_date_time": moment}.get(kind, _text)


def _integer(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _text(text: str) -> str | None:
    return text or None
