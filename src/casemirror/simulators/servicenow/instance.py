"""One simulated instance: what happens when somebody creates, changes, comments, attaches or deletes, whoever asked and however.

The API's handlers and the person's hand in `server` both act through this; it knows users but checks no right.
"""

import itertools
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from casemirror.simulators.common.writes import Write, WriteLog

from . import errors, faults, journal, tables, ticket_rules
from . import query as queries
from .accounts import User
from .records import Records, Row


class Instance:
    """clock    seconds since the epoch

    users, rows   present after the start and after every reset; rows: table → column values (tickets without sys_id get one)
    """

    def __init__(
        self,
        *,
        users: Iterable[User],
        rows: Mapping[str, Iterable[Mapping[str, str]]],
        box: faults.FaultBox,
        clock: Callable[[], float],
        data: Path | str | None = None,
        seed: int | None = None,
    ) -> None:
        self.clock = clock
        self.box = box
        self.writes = WriteLog()
        self.users = {user.user_name: user for user in users}
        self._seed_rows = {table: [dict(row) for row in group] for table, group in rows.items()}
        self.records = Records(data=data, clock=clock, lag_s=lambda: box.now.late_index_s, seed=seed)
        is_new = not any(True for table in tables.TASKS for _ in self.records.all(table))
        self._fill(is_new)

    def now(self) -> str:
        """The stamp that the server writes now (see the fault `time_zone`)."""
        return faults.stamp(self.clock(), self.box.now)

    def reset(self) -> None:
        """Back to the state of a new instance with its users and first rows."""
        with self.records.lock:
            self.records.wipe()
            self.writes.clear()
            self._fill(True)

    def create(self, table: tables.Table, values: Mapping[str, str], user: User) -> Row:
        """Insert one row; journal columns among the values become entries.  Raises ApiError 403 on the data policy."""
        with self.records.lock:
            now = self.now()
            plain, notes = _split(table, values)
            row = dict(table.blank) | plain | _system_columns(self.records.new_id(), user.user_name, now)
            if table.is_task:
                row = self._opened(table, row, plain, user, now)
            self._check_policy(table, row)
            self.records.put(table.name, row)
            self._write_notes(table.name, row["sys_id"], notes, user, now)
            self._log(table.name, row["sys_id"], "create", user, values)
            return row

    def update(self, table: tables.Table, row: Row, values: Mapping[str, str], user: User) -> Row:
        """Change one row.  A write that changes nothing is no update: sys_updated_on and sys_mod_count stay (observed)."""
        with self.records.lock:
            now = self.now()
            plain, notes = _split(table, values)
            changed = row | plain
            if table.is_task:
                changed = ticket_rules.applied(table.name, row, changed, plain, user.sys_id, now)
            if changed == row and not notes:
                self._log(table.name, row["sys_id"], "update", user, values, changed=False)
                return row
            self._check_policy(table, changed)
            changed = _touched(changed, user.user_name, now)
            self.records.put(table.name, changed)
            self._write_notes(table.name, row["sys_id"], notes, user, now)
            self._log(table.name, row["sys_id"], "update", user, values)
            return changed

    def delete(self, table: tables.Table, sys_id: str, user: User | None = None) -> None:
        """Remove one row and, of a ticket, its journal and attachments."""
        with self.records.lock:
            self.records.remove(table.name, sys_id)
            self._log(table.name, sys_id, "delete", user, {})
            if table.name == "sys_attachment":
                self.records.remove_file(sys_id)
            for related, column in (("sys_journal_field", "element_id"), ("sys_attachment", "table_sys_id")):
                for row in self.records.all(related) if table.is_task else ():
                    if row[column] == sys_id:
                        self.records.remove(related, row["sys_id"])
                        self.records.remove_file(row["sys_id"])

    def attach(self, ticket: tuple[str, Row], name: str, body: bytes, content_type: str, user: User) -> Row:
        """Add a file to a ticket (table, row); whether that touches the ticket is a switch, for the vendor does not say."""
        table, parent = ticket
        with self.records.lock:
            now = self.now()
            blank = dict(tables.must_find("sys_attachment").blank)
            row = blank | _system_columns(self.records.new_id(), user.user_name, now)
            row |= {
                "file_name": name,
                "table_name": table,
                "table_sys_id": parent["sys_id"],
                "content_type": content_type,
            }
            row |= {"size_bytes": str(len(body)), "size_compressed": str(len(body)), "compressed": "true"}
            self.records.put_file(row["sys_id"], body)
            self.records.put("sys_attachment", row)
            if self.box.now.attachment_touches_parent:
                self.records.put(table, _touched(parent, user.user_name, now))
            self._log(table, parent["sys_id"], "attach", user, {"file_name": name})
            return row

    def search(self, table: tables.Table, encoded: str, me: User) -> list[Row]:
        """All rows that a list query finds, before access control; the query's invalid parts are ignored unless the switch is on."""
        resolved = encoded.replace("javascript:gs.getUserID()", me.sys_id)
        query = queries.parse(resolved, lambda path: tables.kind(table, path))
        if query.had_invalid and self.box.now.invalid_query_returns_no_rows:
            return []
        return self.records.search(table, query)

    def find_by_display(self, table: str, shown: str) -> str | None:
        """The sys_id of the record with this display value (of a user also: user name); None when there is none."""
        target = tables.find(table)
        names = () if target is None else (target.display_column, "user_name")
        return next(
            (row["sys_id"] for row in self.records.all(table) if shown in (row.get(name) for name in names)), None
        )

    def _log(
        self,
        table: str,
        sys_id: str,
        verb: str,
        user: User | None,
        values: Mapping[str, str],
        *,
        changed: bool = True,
    ) -> None:
        by = "" if user is None else user.user_name
        at = time.time()
        self.writes.add(
            Write(at=at, by=by, verb=verb, table=table, sys_id=sys_id, values=dict(values), changed=changed)
        )

    def _opened(self, table: tables.Table, row: Row, given: Mapping[str, str], user: User, now: str) -> Row:
        number = self.records.next_number(table.name)
        row |= {"number": number, "task_effective_number": number, "sys_class_name": table.name}
        row["opened_at"] = row["opened_at"] or now
        row["opened_by"] = row["opened_by"] or user.sys_id
        return ticket_rules.applied(table.name, None, row, given, user.sys_id, now)

    def _check_policy(self, table: tables.Table, row: Row) -> None:
        missing = ticket_rules.missing_close_fields(table.name, row)
        if missing and self.box.now.data_policy:
            raise errors.data_policy(missing)

    def _write_notes(self, table: str, ticket_id: str, notes: Mapping[str, str], user: User, now: str) -> None:
        for element, text in notes.items():
            journal.write(self.records, table, ticket_id, element, text, user.user_name, now)

    def _fill(self, is_new: bool) -> None:
        for user in self.users.values():
            if self.records.get("sys_user", user.sys_id) is None:
                self.records.put("sys_user", self._user_row(user), durable=False)
        for table, row in _dictionary():
            self.records.put(table, row, durable=False)
        if is_new:
            for name, group in self._seed_rows.items():
                for values in group:
                    self._seed(tables.must_find(name), values)

    def _seed(self, table: tables.Table, values: Mapping[str, str]) -> None:
        """A first row; unlike a caller it may set every column, sys_* too."""
        user = next(iter(self.users.values()))
        plain, notes = _split(table, values)
        row = self.create(table, plain, user)
        self.records.remove(table.name, row["sys_id"])
        row = row | {
            name: value for name, value in values.items() if name in table.columns and name not in tables.JOURNALS
        }
        self.records.put(table.name, row)
        self._write_notes(table.name, row["sys_id"], notes, user, row["sys_created_on"])

    def _user_row(self, user: User) -> Row:
        first, _, last = user.name.partition(" ")
        row = dict(tables.must_find("sys_user").blank) | _system_columns(user.sys_id, "system", self.now())
        names = {
            "user_name": user.user_name,
            "name": user.name or user.user_name,
            "first_name": first,
            "last_name": last,
        }
        return row | names | {"email": user.email, "time_zone": user.time_zone}


def _split(table: tables.Table, values: Mapping[str, str]) -> tuple[Row, Row]:
    """Columns to store and journal texts to add; what is no column or belongs to the platform is ignored (observed)."""
    known = {name: value for name, value in values.items() if name in table.columns and not name.startswith("sys_")}
    plain = {
        name: value for name, value in known.items() if table.columns[name].type != "journal_input" and name != "number"
    }
    notes = {name: known[name] for name in tables.JOURNALS if table.is_task and known.get(name)}
    return plain, notes


def _system_columns(sys_id: str, user_name: str, now: str) -> Row:
    by = {"sys_created_by": user_name, "sys_updated_by": user_name}
    return {"sys_id": sys_id, "sys_created_on": now, "sys_updated_on": now, "sys_mod_count": "0"} | by


def _touched(row: Row, user_name: str, now: str) -> Row:
    return row | {
        "sys_updated_on": now,
        "sys_updated_by": user_name,
        "sys_mod_count": str(int(row["sys_mod_count"] or 0) + 1),
    }


def _dictionary() -> Iterable[tuple[str, dict[str, Any]]]:
    """The instance's description of itself: sys_db_object, sys_dictionary and sys_choice."""
    count = itertools.count(1)

    def row(table: str, **values: str) -> tuple[str, Row]:
        return table, dict(tables.must_find(table).blank) | _system_columns(
            f"d1c7{next(count):028x}", "system", "2024-01-01 00:00:00"
        ) | values

    for table in map(tables.must_find, tables.names()):
        yield row("sys_db_object", name=table.name, label=table.name.replace("_", " ").capitalize())
        for column in table.columns.values():
            described = {
                "name": table.name,
                "element": column.name,
                "column_label": column.label,
                "active": "true",
                "mandatory": "false",
            }
            yield row("sys_dictionary", internal_type=column.type, reference=column.reference, **described)
            for order, (code, label) in enumerate(column.choices.items()):
                chosen = {"name": table.name, "element": column.name, "value": code, "label": label}
                yield row("sys_choice", sequence=str(order), inactive="false", **chosen)
