"""One simulated Jira: what happens when somebody creates, edits, moves, comments, attaches or deletes, whoever asked and however.

The API's handlers and the person's hand both act through this; it knows users but checks no right.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..common.writes import Write, WriteLog
from . import errors, fields, jql, workflow
from .accounts import User
from .faults import Box
from .issues import Attachment, Comment, Issue
from .search_index import SearchIndex
from .workflow import Transition

_FIRST_ID = 10000


class Instance:
    """clock    seconds since the epoch

    users, rows   present after the start and after every reset; rows: values of issues, stored as of `fields.stored`
    """

    def __init__(
        self, *, users: Iterable[User], rows: Iterable[Mapping[str, Any]], box: Box, clock: Callable[[], float]
    ) -> None:
        self.clock = clock
        self.box = box
        self.users = {user.name: user for user in users}
        self.lock = threading.RLock()
        self.writes = WriteLog()
        self._rows = [dict(row) for row in rows]
        self._fill()

    def _fill(self) -> None:
        self._issues: dict[int, Issue] = {}
        self._numbers: dict[str, int] = {}
        self._last_id = _FIRST_ID
        self._index = SearchIndex()
        for row in self._rows:
            self.create(row, "alice")

    def reset(self) -> None:
        """Back to a new instance with its first issues."""
        with self.lock:
            self.writes.clear()
            self._fill()

    def now_s(self) -> float:
        """To the millisecond, as it is stored."""
        return round(self.clock(), 3)

    def issues(self) -> list[Issue]:
        """All issues as they are now, oldest first."""
        with self.lock:
            return list(self._issues.values())

    def find(self, id_or_key: str) -> Issue | None:
        """The issue with this id or key (which minds no case), as it is now."""
        with self.lock:
            if id_or_key.isdecimal():
                return self._issues.get(int(id_or_key))
            return next((issue for issue in self._issues.values() if issue.key == id_or_key.upper()), None)

    def search(self, query: jql.Query, me: User) -> list[Issue]:
        """What a search finds, as late as the index is, in the query's order."""
        with self.lock:
            seen = list(self._index.issues(self.clock() - self.box.now.late_index_s))
        return query.select(seen, jql.Asker(user=me.name, time_zone=me.time_zone, now_s=self.clock()))

    def create(self, values: Mapping[str, Any], by: str) -> Issue:
        """values   stored ones: summary, issuetype and project at least, or the first project and type are taken"""
        with self.lock:
            now = self.now_s()
            filled = {**fields.EMPTY, "project": "SOC", "issuetype": "Task", "reporter": by, **values}
            project = fields.PROJECTS[filled.pop("project")]
            number = self._numbers[project.key] = self._numbers.get(project.key, 0) + 1
            issue = Issue(
                id=self._new_id(),
                key=f"{project.key}-{number}",
                status=project.workflow.first,
                creator=by,
                created_s=now,
                updated_s=now,
                values=filled,
            )
            self._put(issue, "create", by, values)
            return issue

    def edit(self, issue: Issue, values: Mapping[str, Any], by: str) -> Issue:
        """Change fields.  What changes nothing is no update: `updated` stays (observed)."""
        with self.lock:
            merged = {**issue.values, **values}
            if merged == issue.values:
                self._log(issue, "update", by, values, changed=False)
                return issue
            changed = replace(issue, values=merged, updated_s=self.now_s())
            self._put(changed, "update", by, values)
            return changed

    def move(self, issue: Issue, transition: Transition, resolution: str | None, by: str) -> Issue:
        """Make a step of the workflow; the resolution is set in done statuses and cleared in others."""
        with self.lock:
            now = self.now_s()
            changed = replace(issue, status=transition.to, updated_s=now)
            if not workflow.is_done(transition.to):
                changed = replace(changed, resolution=None, resolved_s=None)
            elif issue.resolution is None or resolution:
                changed = replace(changed, resolution=resolution or "Done", resolved_s=now)
            self._put(changed, "update", by, {"status": transition.to})
            return changed

    def comment(self, issue: Issue, text: str, by: str) -> Comment:
        with self.lock:
            now = self.now_s()
            said = Comment(id=str(self._new_id()), author=by, body=text, created_s=now, updated_s=now, update_author=by)
            self._put(replace(issue, comments=(*issue.comments, said), updated_s=now), "update", by, {"comment": text})
            return said

    def rewrite(self, issue: Issue, comment: Comment, text: str, by: str) -> Comment:
        """Edit a comment."""
        with self.lock:
            now = self.now_s()
            said = replace(comment, body=text, updated_s=now, update_author=by)
            kept = tuple(said if other.id == comment.id else other for other in issue.comments)
            self._put(replace(issue, comments=kept, updated_s=now), "update", by, {"comment": text})
            return said

    def unsay(self, issue: Issue, comment: Comment, by: str) -> None:
        """Delete a comment."""
        with self.lock:
            kept = tuple(other for other in issue.comments if other.id != comment.id)
            self._put(replace(issue, comments=kept, updated_s=self.now_s()), "update", by, {})

    def attach(self, issue: Issue, filename: str, body: bytes, mime_type: str, by: str) -> Attachment:
        with self.lock:
            now = self.now_s()
            file = Attachment(
                id=str(self._new_id()), author=by, filename=filename, body=body, mime_type=mime_type, created_s=now
            )
            changed = replace(issue, attachments=(*issue.attachments, file), updated_s=now)
            self._put(changed, "attach", by, {"file_name": filename})
            return file

    def detach(self, issue: Issue, file: Attachment, by: str) -> None:
        """Delete an attachment."""
        with self.lock:
            kept = tuple(other for other in issue.attachments if other.id != file.id)
            self._put(replace(issue, attachments=kept, updated_s=self.now_s()), "update", by, {})

    def delete(self, issue: Issue, by: str) -> None:
        with self.lock:
            del self._issues[issue.id]
            self._index.note(self.clock(), issue.id, None)
            self._log(issue, "delete", by, {})

    def attachment(self, attachment_id: str) -> tuple[Issue, Attachment]:
        """The attachment with this id and its issue.  Raises ApiError 404."""
        for issue in self.issues():
            for file in issue.attachments:
                if file.id == attachment_id:
                    return issue, file
        raise errors.ApiError(404, f"The attachment with id '{attachment_id}' does not exist")

    def _new_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def _put(self, issue: Issue, verb: str, by: str, values: Mapping[str, Any]) -> None:
        self._issues[issue.id] = issue
        self._index.note(self.clock(), issue.id, issue)
        self._log(issue, verb, by, values)

    def _log(self, issue: Issue, verb: str, by: str, values: Mapping[str, Any], *, changed: bool = True) -> None:
        written = Write(
            at=self.clock(), by=by, verb=verb, table=issue.project, sys_id=str(issue.id), values=values, changed=changed
        )
        self.writes.add(written)
