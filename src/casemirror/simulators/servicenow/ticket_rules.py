"""The base system's business rules for tickets: what follows from a write, computed from the old and the wanted row.

Pure.  Source: ServiceNow docs "Incident Management" (states, priority lookup, resolve/close/reopen), "Data policy"; details marked
in the docstrings as observed are product knowledge that no document promises.
"""

from collections.abc import Mapping

from . import tables

Row = dict[str, str]

_PRIORITIES = {
    ("1", "1"): "1", ("1", "2"): "2", ("1", "3"): "3", ("2", "1"): "2", ("2", "2"): "3", ("2", "3"): "4", ("3", "1"): "3", ("3", "2"): "4", ("3", "3"): "5",
}  # fmt: skip
_RESOLVED = "6"


def missing_close_fields(table: str, row: Mapping[str, str]) -> list[str]:
    """What the data policy of incidents asks for in state Closed (7) and is empty; [] when the row may be stored."""
    if table != "incident" or row["state"] != "7":
        return []
    return [name for name in ("close_code", "close_notes") if not row[name]]


def applied(
    table: str, old: Mapping[str, str] | None, wanted: Row, given: Mapping[str, str], actor: str, now: str
) -> Row:
    """The row to store.

    old      the stored row, None for an insert; given   what the caller sent; wanted   old (or blank) with `given` laid over it
    actor    sys_id of the user; now   the server's stamp
    """
    row = dict(wanted)
    before = old or tables.must_find(table).blank
    _synchronise_states(before, row)
    _derive_priority(old, row, given)
    if old is not None and row["assignment_group"] != before["assignment_group"]:
        row["reassignment_count"] = str(int(row["reassignment_count"] or 0) + 1)
    if table == "incident":
        _resolve(before, row, actor, now)
    was_closed, is_closed = (state in tables.CLOSED_STATES[table] for state in (before["state"], row["state"]))
    if is_closed and not was_closed:
        row |= {"active": "false", "closed_at": now, "closed_by": actor}
    elif was_closed and not is_closed:
        row |= {"active": "true", "closed_at": "", "closed_by": ""}
    return row


def _synchronise_states(before: Mapping[str, str], row: Row) -> None:
    """`incident_state` and `problem_state` follow `state`, and lead it only when `state` itself was not changed (observed)."""
    for follower in ("incident_state", "problem_state"):
        if follower not in row:
            continue
        if row["state"] == before["state"] and row[follower] != before[follower] and row[follower]:
            row["state"] = row[follower]
        row[follower] = row["state"]


def _derive_priority(old: Mapping[str, str] | None, row: Row, given: Mapping[str, str]) -> None:
    """Priority is looked up from impact and urgency when these change; an insert that names only a priority keeps it."""
    if old is None:
        derive = "priority" not in given or bool({"impact", "urgency"} & set(given))
    else:
        derive = any(row[name] != old[name] for name in ("impact", "urgency"))
    if derive:
        row["priority"] = _PRIORITIES.get((row["impact"], row["urgency"]), row["priority"])


def _resolve(before: Mapping[str, str], row: Row, actor: str, now: str) -> None:
    """Resolving or closing stamps resolved_at/_by; going back below Resolved clears them and counts the reopening."""
    done = (_RESOLVED, *tables.CLOSED_STATES["incident"])
    if row["state"] in done and before["state"] not in done:
        row |= {"resolved_at": now, "resolved_by": actor}
    elif row["state"] not in done and before["state"] in done:
        count = str(int(row["reopen_count"] or 0) + 1)
        row |= {"resolved_at": "", "resolved_by": "", "reopened_time": now, "reopened_by": actor, "reopen_count": count}
