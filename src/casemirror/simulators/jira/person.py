"""A person's hand on the remote side: what somebody does in Jira while casemirror mirrors it."""

from collections.abc import Mapping
from typing import Any

from . import fields, workflow
from .instance import Instance
from .issues import Attachment, Comment, Issue


class Hand:
    """Acts at once, without faults, limits or rights; `by` is a user name, `issue_id` an id or key.

    Raises LookupError for an issue that does not exist, `fields.Refused` for a value that its field does not take.
    """

    instance: Instance

    def create(self, *, by: str = "alice", project: str = "SOC", type: str = "Task", **values: Any) -> Issue:
        """values   as they are kept: `assignee="bob"`, `priority="High"`, `labels=("a", "b")`"""
        given = {"summary": "An issue", **_in_order(values), "project": project, "issuetype": type}
        return self.instance.create(given, by)

    def edit(self, issue_id: str, *, by: str = "alice", **values: Any) -> Issue:
        return self.instance.edit(self._issue(issue_id), _in_order(values), by)

    def move(self, issue_id: str, name: str, *, by: str = "alice", resolution: str | None = None) -> Issue:
        """Make the step with this name, or to the status with this name.  Raises LookupError when there is none."""
        issue = self._issue(issue_id)
        for step in workflow.offered(fields.PROJECTS[issue.project].workflow, issue.status):
            if name in (step.name, step.to):
                return self.instance.move(issue, step, resolution, by)
        raise LookupError(f"from {issue.status} there is no step {name}")

    def close(self, issue_id: str, *, by: str = "alice", resolution: str = "Done") -> Issue:
        """By the first step that leads to a done status."""
        issue = self._issue(issue_id)
        steps = workflow.offered(fields.PROJECTS[issue.project].workflow, issue.status)
        step = next(step for step in steps if workflow.is_done(step.to))
        return self.instance.move(issue, step, resolution, by)

    def reopen(self, issue_id: str, *, by: str = "alice") -> Issue:
        """By the first step that leads to another status."""
        issue = self._issue(issue_id)
        steps = workflow.offered(fields.PROJECTS[issue.project].workflow, issue.status)
        step = next(step for step in steps if not workflow.is_done(step.to))
        return self.instance.move(issue, step, None, by)

    def comment(self, issue_id: str, text: str, *, by: str = "alice") -> Comment:
        return self.instance.comment(self._issue(issue_id), text, by)

    def rewrite(self, issue_id: str, comment_id: str, text: str, *, by: str = "alice") -> Comment:
        """Edit a comment."""
        issue = self._issue(issue_id)
        comment = next(comment for comment in issue.comments if comment.id == comment_id)
        return self.instance.rewrite(issue, comment, text, by)

    def attach(
        self, issue_id: str, name: str, body: bytes, *, by: str = "alice", mime_type: str = "application/octet-stream"
    ) -> Attachment:
        return self.instance.attach(self._issue(issue_id), name, body, mime_type, by)

    def delete(self, issue_id: str, *, by: str = "admin") -> None:
        self.instance.delete(self._issue(issue_id), by)

    def get(self, issue_id: str) -> Issue | None:
        """The issue as it is now; None when there is none."""
        return self.instance.find(str(issue_id))

    def issues(self) -> list[Issue]:
        """All issues, oldest first."""
        return self.instance.issues()

    def texts(self, issue_id: str) -> list[str]:
        """Its comments, oldest first."""
        return [comment.body for comment in self._issue(issue_id).comments]

    def files(self, issue_id: str) -> list[tuple[str, bytes]]:
        """Its attachments, oldest first, as (name, bytes)."""
        return [(file.filename, file.body) for file in self._issue(issue_id).attachments]

    def _issue(self, issue_id: str) -> Issue:
        issue = self.get(issue_id)
        if issue is None:
            raise LookupError(f"there is no issue {issue_id}")
        return issue


def _in_order(values: Mapping[str, Any]) -> dict[str, Any]:
    """Labels as they are kept."""
    if "labels" not in values:
        return dict(values)
    return {**values, "labels": fields.changed_labels((), [{"set": values["labels"]}])}
