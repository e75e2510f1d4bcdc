"""What the control interface tells of the instance."""

from collections import Counter
from typing import Any

from casemirror.simulators.common.control import Tally

from . import tables
from .instance import Instance


def state(instance: Instance, tally: Tally, *, with_tickets: bool) -> dict[str, Any]:
    """What the instance holds and what it was asked.

    requests   "METHOD table" (attachments: "METHOD attachment") → calls, refused and failed ones included
    answers    HTTP status → answers; "closed" = connection closed without one
    tables     tickets in each table; comments, work_notes, attachments   in all tickets together
    struck     fault → calls that met it
    doubled    comments, notes and attachments that repeat an earlier one of the same ticket in every character
    """
    with instance.records.lock:
        entries = list(instance.records.all("sys_journal_field"))
        files = list(instance.records.all("sys_attachment"))
        found: dict[str, Any] = {
            "requests": dict(tally.requests),
            "answers": dict(tally.answers),
            "tables": {name: count for name in tables.TASKS if (count := sum(1 for _ in instance.records.all(name)))},
            "comments": sum(entry["element"] == "comments" for entry in entries),
            "work_notes": sum(entry["element"] == "work_notes" for entry in entries),
            "attachments": len(files),
            "struck": dict(instance.box.struck),
            "doubled": _repeated(f"{entry['element_id']} {entry['element']} {entry['value']}" for entry in entries)
            + _repeated(
                f"{file['table_sys_id']} {file['file_name']} {instance.records.file(file['sys_id'])!r}"
                for file in files
            ),
        }
        return found | ({"tickets": _tickets(instance, entries, files)} if with_tickets else {})


def _tickets(instance: Instance, entries: list[dict[str, str]], files: list[dict[str, str]]) -> dict[str, Any]:
    """sys_id → table, number, state, short_description and the ticket's counts."""
    journal = Counter((entry["element_id"], entry["element"]) for entry in entries)
    attached = Counter(file["table_sys_id"] for file in files)
    return {
        row["sys_id"]: {
            "table": table,
            **{name: row[name] for name in ("number", "state", "short_description", "sys_updated_on")},
            **{element: journal[row["sys_id"], element] for element in tables.JOURNALS},
            "attachments": attached[row["sys_id"]],
        }
        for table in tables.TASKS
        for row in instance.records.all(table)
    }


def _repeated(keys: Any) -> int:
    return sum(count - 1 for count in Counter(keys).values())
