"""Comments and work notes: rows of sys_journal_field, and the text that display values make of them.

Source: ServiceNow docs "Journal fields"; a ticket's own `comments` and `work_notes` columns stay empty (observed).
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from . import query as queries
from . import tables
from .records import Records

Row = Mapping[str, str]

_HEADINGS = {"comments": "Additional comments", "work_notes": "Work notes"}


def write(
    records: Records, table: str, ticket_id: str, element: str, text: str, user_name: str, now: str
) -> dict[str, str]:
    """Add one entry; touching the ticket is the caller's part."""
    row = {
        "sys_id": records.new_id(), "sys_created_on": now, "sys_created_by": user_name, "sys_tags": "",
        "name": table, "element": element, "element_id": ticket_id, "value": text,
    }  # fmt: skip
    records.put("sys_journal_field", row)
    return row


def entries(records: Records, ticket_id: str, elements: Iterable[str] = tables.JOURNALS) -> list[dict[str, str]]:
    """The ticket's entries that list queries can see, oldest first."""
    table = tables.must_find("sys_journal_field")
    wanted = f"element_id={ticket_id}^elementIN{','.join(elements)}^ORDERBYsys_created_on"
    return records.search(table, queries.parse(wanted, lambda column: tables.kind(table, column)))


def as_text(records: Records, ticket: Row, column: str, zone: str) -> str:
    """All entries in one text, newest first, with who and when in the reader's time zone: the display value of a journal column."""
    elements = (column,) if column in tables.JOURNALS else tables.JOURNALS
    return "".join(_shown(records, entry, zone) for entry in reversed(entries(records, ticket["sys_id"], elements)))


def _shown(records: Records, entry: Row, zone: str) -> str:
    moment = datetime.fromisoformat(entry["sys_created_on"]).replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    authors = [row["name"] for row in records.all("sys_user") if row["user_name"] == entry["sys_created_by"]]
    author = authors[0] if authors else entry["sys_created_by"]
    return f"{moment:%Y-%m-%d %H:%M:%S} - {author} ({_HEADINGS[entry['element']]})\n{entry['value']}\n\n"
