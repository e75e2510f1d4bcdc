"""Database values as the API shows them, and what callers send turned into database values.

Source: ServiceNow docs "Table API" and "REST APIs" (sysparm_display_value, sysparm_exclude_reference_link, sysparm_input_display_value).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from . import query as queries
from . import tables

Row = Mapping[str, str]
_FORMAT = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, kw_only=True)
class View:
    """How one caller wants rows shown.

    mode        sysparm_display_value: "false", "true" or "all"
    base        `https://host/api/now` of the request, for links
    fields      None = all; may hold dot-walked paths
    walk        (table, row, path) → value at a dot-walked path
    journal     (table, row, element) → all entries of a ticket as one text
    """

    mode: str
    base: str
    zone: str
    exclude_links: bool
    fields: tuple[str, ...] | None
    walk: Callable[[tables.Table, Row, str], str]
    journal: Callable[[Row, str], str]

    def show(self, table: tables.Table, row: Row) -> dict[str, Any]:
        """The row as a JSON object; names that are no columns are left out."""
        if self.mode == "false" and self.fields is None:
            return (
                dict(row)
                | {name: self._plain(table, row, name) for name in table.references if row[name]}
                | self._link(table, row)
            )
        names = table.columns if self.fields is None else self.fields
        render = self._plain if self.mode == "false" else self._displayed
        shown = {name: render(table, row, name) for name in names if tables.kind(table, name) is not None}
        return shown | (self._link(table, row) if "download_link" in shown else {})

    def _link(self, table: tables.Table, row: Row) -> dict[str, Any]:
        """The download link of an attachment, which depends on how the instance was addressed."""
        if table.name != "sys_attachment":
            return {}
        link = f"{self.base}/attachment/{row['sys_id']}/file"
        return {"download_link": {"display_value": link, "value": link} if self.mode == "all" else link}

    def _plain(self, table: tables.Table, row: Row, name: str) -> Any:
        value = self._value(table, row, name)
        column = table.columns.get(name)
        if not value or column is None or not column.reference or self.exclude_links:
            return value
        return {"link": self._record_link(column, value), "value": value}

    def _displayed(self, table: tables.Table, row: Row, name: str) -> Any:
        value, shown = self._value(table, row, name), self._display_value(table, row, name)
        column = table.columns.get(name)
        link = (
            {"link": self._record_link(column, value)}
            if value and column and column.reference and not self.exclude_links
            else {}
        )
        if self.mode == "all":
            return {"display_value": shown, "value": value} | link
        return {"display_value": shown} | link if link else shown

    def _record_link(self, column: tables.Column, value: str) -> str:
        return f"{self.base}/table/{column.reference}/{value}"

    def _value(self, table: tables.Table, row: Row, name: str) -> str:
        return row[name] if name in row else self.walk(table, row, name)

    def _display_value(self, table: tables.Table, row: Row, name: str) -> str:
        value, column = self._value(table, row, name), table.columns.get(name)
        if column is None:
            return value
        if column.type == "journal_input":
            return self.journal(row, name)
        if column.type == "glide_date_time" and value:
            return _moved(value, UTC, ZoneInfo(self.zone))
        if column.type == "reference":
            return self.walk(table, row, name + ".")
        return column.choices.get(value, value)


def stored(
    column: tables.Column, value: Any, *, display: bool, zone: str, find: Callable[[str, str], str | None]
) -> str | None:
    """What the database keeps for a value that a caller sent; None when the value does not fit the column and is ignored.

    display   sysparm_input_display_value: labels, names and local times instead of codes, sys_ids and UTC
    find      (table, display value) → sys_id
    """
    text = plain_text(value)
    if column.type == "glide_date_time" and text:
        at = queries.moment(text)
        return at if at is None or not display else _moved(at, ZoneInfo(zone), UTC)
    if display:
        text = _from_display(column, text, find)
    if column.type == "integer" and text and not text.removeprefix("-").isdecimal():
        return None
    if column.type == "boolean":
        return {"1": "true", "0": "false", "": "false"}.get(text, text.lower())
    return text


def plain_text(value: Any) -> str:
    """JSON to the string that the platform makes of it; of an object its `value` (as the API itself shows references)."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case dict():
            return plain_text(value.get("value", value.get("display_value")))
        case list():
            return ",".join(plain_text(item) for item in value)
    return str(value)


def _from_display(column: tables.Column, text: str, find: Callable[[str, str], str | None]) -> str:
    if column.choices:
        return next((code for code, label in column.choices.items() if label == text), text)
    if column.reference and text:
        return find(column.reference, text) or text
    return text


def _moved(text: str, source: Any, target: Any) -> str:
    return datetime.strptime(text, _FORMAT).replace(tzinfo=source).astimezone(target).strftime(_FORMAT)
