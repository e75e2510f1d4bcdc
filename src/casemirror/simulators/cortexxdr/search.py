"""`get_incidents`: filters, all of which must match, order and window.

Source: "Get all Incidents" (fields, operators, search_from, search_to, sort, maximum of 100).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from . import errors
from .incident import Row

MAXIMUM = 100
"""Incidents in one answer."""

_OPERATORS: Mapping[str, tuple[str, ...]] = {
    "modification_time": ("gte", "lte"),
    "creation_time": ("gte", "lte"),
    "incident_id_list": ("in",),
    "incident_id": ("eq",),
    "description": ("in", "contains"),
    "alert_sources": ("in",),
    "status": ("eq", "neq"),
    "starred": ("eq",),
}
_TESTS: Mapping[str, Callable[[Any, Any], bool]] = {
    "gte": lambda has, value: bool(has >= value),
    "lte": lambda has, value: bool(has <= value),
    "eq": lambda has, value: bool(has == value),
    "neq": lambda has, value: bool(has != value),
    "in": lambda has, value: bool(set(has) & set(value)),
    "contains": lambda has, value: any(value.lower() in each.lower() for each in has),
}


def find(rows: Iterable[Row], asked: Mapping[str, Any]) -> list[Row]:
    """All incidents that match, in the order asked for.  Raises ApiError 500."""
    tests = [_test(each) for each in _filters(asked)]
    return _ordered([row for row in rows if all(test(row) for test in tests)], asked.get("sort"))


def window(asked: Mapping[str, Any]) -> slice:
    """Which of the incidents found are answered.  A window of more than 100 is refused (undocumented).  Raises ApiError 500."""
    start, end = _number(asked, "search_from", 0), _number(asked, "search_to", MAXIMUM)
    if "search_to" not in asked:
        end = start + MAXIMUM
    if not 0 < end - start <= MAXIMUM:
        raise errors.invalid(f"search_to must be 1 to {MAXIMUM} more than search_from, not {end - start}")
    return slice(start, end)


def _number(asked: Mapping[str, Any], name: str, default: int) -> int:
    value = asked.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise errors.invalid(f"{name} must be a number from 0, not {value!r}")
    return value


def _filters(asked: Mapping[str, Any]) -> list[Any]:
    filters = asked.get("filters", [])
    if not isinstance(filters, list):
        raise errors.invalid("filters must be a list")
    return filters


def _test(given: Any) -> Callable[[Row], bool]:
    if not isinstance(given, dict) or not {"field", "operator", "value"} <= given.keys():
        raise errors.invalid("a filter must have field, operator and value")
    field, operator, value = given["field"], given["operator"], given["value"]
    if field not in _OPERATORS:
        raise errors.invalid(f"there is no filter field {field!r}; there are {', '.join(_OPERATORS)}")
    if operator not in _OPERATORS[field]:
        raise errors.invalid(f"{field} takes {' or '.join(_OPERATORS[field])}, not {operator!r}")
    _check_value(field, operator, value)
    return lambda row: _TESTS[operator](_has(row, field, operator), value)


def _check_value(field: str, operator: str, value: Any) -> None:
    wanted: type = {"gte": int, "lte": int, "in": list, "contains": str}.get(operator, str)
    if field == "starred":
        wanted = bool
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise errors.invalid(f"{operator} of {field} takes {wanted.__name__}, not {value!r}")
    if isinstance(value, list) and not all(isinstance(each, str) for each in value):
        raise errors.invalid(f"in of {field} takes a list of strings")


def _has(row: Row, field: str, operator: str) -> Any:
    match field:
        case "incident_id_list":
            return [row["incident_id"]]
        case "alert_sources":
            return row["incident_sources"]
        case "description":
            return [row["description"] or ""]
    return row[field]


def _ordered(rows: list[Row], sort: Any) -> list[Row]:
    """Newest first unless asked otherwise (undocumented)."""
    if sort is None:
        sort = {"field": "creation_time", "keyword": "desc"}
    if not isinstance(sort, dict) or sort.get("field") not in ("creation_time", "modification_time"):
        raise errors.invalid("sort.field must be creation_time or modification_time")
    keyword = str(sort.get("keyword", "desc")).lower()
    if keyword not in ("asc", "desc"):
        raise errors.invalid("sort.keyword must be asc or desc")
    return sorted(rows, key=lambda row: row[sort["field"]], reverse=keyword == "desc")


def page(rows: Sequence[Row], cut: slice) -> Row:
    """The answer."""
    shown = list(rows[cut])
    return {"total_count": len(rows), "result_count": len(shown), "incidents": shown}
