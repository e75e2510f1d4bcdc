"""A person's hand on the remote side: what somebody does in the ticket system while casemirror mirrors it."""

from . import tables
from .accounts import User
from .instance import Instance
from .records import Row

_CLOSE_CODE = "Solved (Permanently)"
_WORKING = {"incident": "2", "change_request": "-1", "sn_si_incident": "16", "sc_task": "2", "sc_req_item": "2"}


class Hand:
    """Acts at once, without faults, limits or rights; `by` is a user name.  Raises LookupError for a ticket that does not exist."""

    instance: Instance

    def create(self, table: str, *, by: str = "alice", **values: str) -> Row:
        """A new record; `comments` and `work_notes` among the values become entries."""
        return dict(self.instance.create(tables.must_find(table), values, self._user(by)))

    def update(self, sys_id: str, *, by: str = "alice", **values: str) -> Row:
        """Change a ticket, with the platform's rules.  Raises LookupError when it does not exist."""
        with self.instance.records.lock:
            table, row = self._ticket(sys_id)
            return dict(self.instance.update(tables.must_find(table), row, values, self._user(by)))

    def comment(self, sys_id: str, text: str, *, by: str = "alice", element: str = "comments") -> None:
        """element   comments or work_notes"""
        self.update(sys_id, by=by, **{element: text})

    def attach(
        self, sys_id: str, name: str, body: bytes, *, by: str = "alice", content_type: str = "application/octet-stream"
    ) -> Row:
        with self.instance.records.lock:
            return dict(self.instance.attach(self._ticket(sys_id), name, body, content_type, self._user(by)))

    def close(self, sys_id: str, *, code: str = _CLOSE_CODE, notes: str = "Done.", by: str = "alice") -> Row:
        """Close a ticket as its table does it."""
        table, _ = self._ticket(sys_id)
        return self.update(sys_id, by=by, state=tables.CLOSED_STATES[table][0], close_code=code, close_notes=notes)

    def reopen(self, sys_id: str, *, by: str = "alice") -> Row:
        """Back to work: In Progress, or what the table has instead."""
        table, _ = self._ticket(sys_id)
        return self.update(sys_id, by=by, state=_WORKING.get(table, "1"))

    def delete(self, sys_id: str, *, by: str = "alice") -> None:
        table, _ = self._ticket(sys_id)
        self.instance.delete(tables.must_find(table), sys_id, self._user(by))

    def get(self, sys_id: str) -> Row | None:
        """The ticket as it is now; None when there is none."""
        found = self.instance.records.find(sys_id)
        return None if found is None else dict(found[1])

    def rows(self, table: str) -> list[Row]:
        """All records of a table."""
        return [dict(row) for row in self.instance.records.all(table)]

    def comments(self, sys_id: str, element: str | None = "comments") -> list[Row]:
        """Journal entries, oldest first, lag or no lag; element=None: comments and work notes."""
        wanted = tables.JOURNALS if element is None else (element,)
        rows = self.instance.records.all("sys_journal_field")
        return [dict(row) for row in rows if row["element_id"] == sys_id and row["element"] in wanted]

    def attachments(self, sys_id: str) -> list[Row]:
        """Metadata, oldest first; the bytes are in `file`."""
        return [dict(row) for row in self.instance.records.all("sys_attachment") if row["table_sys_id"] == sys_id]

    def file(self, attachment_id: str) -> bytes:
        body = self.instance.records.file(attachment_id)
        if body is None:
            raise LookupError(f"there is no attachment {attachment_id}")
        return body

    def _ticket(self, sys_id: str) -> tuple[str, Row]:
        found = self.instance.records.find(sys_id)
        if found is None:
            raise LookupError(f"there is no ticket {sys_id}")
        return found

    def _user(self, name: str) -> User:
        return self.instance.users.get(name) or User(user_name=name, password="", name=name)
