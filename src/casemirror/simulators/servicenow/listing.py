"""Lists: the query, the page and the headers that Table API and Attachment API have in common.

Source: ServiceNow docs "Table API" and "Attachment API" (sysparm_query, name-value pairs, sysparm_limit, sysparm_offset, Link, X-Total-Count).
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from . import tables
from .call import Call


def listed(call: Call, table: tables.Table, default_limit: int) -> tuple[list[dict[str, Any]], Mapping[str, str]]:
    """The page that was asked for, and its headers.

    The limit applies before access control, so that a page may hold fewer rows than there are (as documented).
    Raises ApiError 400 for a limit or offset that is no number.
    """
    limit, offset = call.number("sysparm_limit", default_limit), call.number("sysparm_offset", 0)
    rows = call.instance.search(table, _query(call, table), call.user)
    page = [row for row in rows[offset : offset + limit] if call.readable(table.name, row)]
    view = call.view()
    page = call.instance.box.disordered(page)
    return [view.show(table, row) for row in page], _headers(call, limit, offset, len(rows))


def _query(call: Call, table: tables.Table) -> str:
    """sysparm_query, or the name=value parameters as an encoded query: the two exclude each other."""
    if "sysparm_query" in call.params:
        return call.params["sysparm_query"]
    pairs = [(name, value) for name, value in call.params.items() if not name.startswith("sysparm_")]
    return "^".join(f"{name}={_code(call, table, name, value)}" for name, value in pairs)


def _code(call: Call, table: tables.Table, name: str, value: str) -> str:
    """The database value: name=value parameters may hold display values of choices (in any case) and references."""
    column = table.columns.get(name)
    if column is None:
        return value
    if column.choices:
        return next((code for code, label in column.choices.items() if label.lower() == value.lower()), value)
    if column.reference:
        return call.instance.find_by_display(column.reference, value) or value
    return value


def _headers(call: Call, limit: int, offset: int, total: int) -> dict[str, str]:
    headers = {} if call.flag("sysparm_no_count") else {"X-Total-Count": str(total)}
    if call.flag("sysparm_suppress_pagination_header") or limit == 0 or total <= limit:
        return headers
    pages = {"first": 0, "last": (total - 1) // limit * limit}
    if offset > 0:
        pages["prev"] = max(0, offset - limit)
    if offset + limit < total:
        pages["next"] = offset + limit
    return headers | {
        "Link": ",".join(f'<{_page_url(call, limit, start)}>;rel="{rel}"' for rel, start in pages.items())
    }


def _page_url(call: Call, limit: int, offset: int) -> str:
    kept = [
        (name, value) for name, value in call.params.multi_items() if name not in ("sysparm_limit", "sysparm_offset")
    ]
    pairs = [*kept, ("sysparm_limit", str(limit)), ("sysparm_offset", str(offset))]
    return f"{str(call.request.base_url).rstrip('/')}{call.request.url.path}?{urlencode(pairs)}"
