"""`/_simulator/…`: faults, counts and reset, for demos and tests; answers this machine only and is never counted or made to fail."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from . import faults, tables
from .instance import Instance

_LOOPBACK = ("127.0.0.1", "::1")


class Tally:
    """How often was asked what, and how it was answered."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()

    def clear(self) -> None:
        self.requests.clear()
        self.answers.clear()


async def handle(request: Request, instance: Instance, tally: Tally) -> Response:
    """Answer one control request: 403 from elsewhere, 404 for another path, 400 with a sentence for a wrong fault."""
    if request.client is None or request.client.host not in _LOOPBACK:
        return _problem(403, "the simulator's controls answer this machine only")
    match (request.url.path.removeprefix("/_simulator/"), request.method):
        case ("faults", "GET"):
            return JSONResponse(faults.as_json(instance.box.now))
        case ("faults", "PUT"):
            return await _change_faults(request, instance)
        case ("faults", "DELETE"):
            return JSONResponse(faults.as_json(instance.box.clear()))
        case ("state", "GET"):
            return JSONResponse(state(instance, tally, with_tickets=request.query_params.get("tickets") == "true"))
        case ("writes", "GET"):
            return JSONResponse([write.to_json() for write in instance.writes.all()])
        case ("reset", "POST" | "PUT"):
            instance.reset()
            instance.box.clear()
            tally.clear()
            return JSONResponse(state(instance, tally, with_tickets=False))
    return _problem(404, "there are GET|PUT|DELETE faults, GET state[?tickets=true], GET writes, POST reset")


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


async def _change_faults(request: Request, instance: Instance) -> Response:
    try:
        values = json.loads(await request.body())
        if not isinstance(values, Mapping):
            raise ValueError("the body must be a JSON object: fault → value")
        return JSONResponse(faults.as_json(instance.box.change(values)))
    except ValueError as error:
        return _problem(400, str(error))


def _problem(status: int, message: str) -> Response:
    return JSONResponse({"error": message}, status)
