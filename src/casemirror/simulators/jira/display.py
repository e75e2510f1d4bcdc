"""How the API shows things: as one user sees them, with links to where the caller reached the instance, times in the user's zone."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from . import fields, workflow
from .accounts import User
from .fields import Field, Project
from .issues import Attachment, Comment, Issue
from .workflow import Status, Transition

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class View:
    """base   scheme and host of the caller's requests; users   user name → user"""

    base: str
    me: User
    users: Mapping[str, User]

    def link(self, *path: str) -> str:
        return "/".join((self.base, "rest/api/2", *path))

    def time(self, moment_s: float) -> str:
        """`2020-01-31T12:34:56.789+0000`, with the offset of the user's zone."""
        moment = datetime.fromtimestamp(round(moment_s, 3), ZoneInfo(self.me.time_zone))
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}{moment:%z}"

    def user(self, name: str | None) -> Json | None:
        if name is None:
            return None
        user = self.users.get(name) or User(name=name, password="", display_name=name)
        return {
            "self": f"{self.link('user')}?username={quote(name)}",
            "name": name,
            "key": f"JIRAUSER-{name}",
            "emailAddress": user.email,
            "displayName": user.display_name or name,
            "active": True,
            "timeZone": user.time_zone,
        }

    def status(self, status: Status) -> Json:
        number, name, colour = workflow.CATEGORIES[status.category]
        category = {"id": number, "key": status.category, "colorName": colour, "name": name}
        return self._named("status", status.id, status.name) | {"statusCategory": category}

    def priority(self, name: str) -> Json:
        return self._named("priority", fields.PRIORITIES[name], name)

    def resolution(self, name: str) -> Json:
        return self._named("resolution", fields.RESOLUTIONS[name], name)

    def issue_type(self, name: str) -> Json:
        return self._named("issuetype", fields.TYPES[name], name) | {"subtask": False}

    def project(self, project: Project) -> Json:
        return self._named("project", project.id, project.name) | {"key": project.key, "projectTypeKey": "business"}

    def transition(self, transition: Transition, *, with_fields: bool) -> Json:
        found = {"id": transition.id, "name": transition.name, "to": self.status(workflow.STATUSES[transition.to])}
        if not with_fields:
            return found
        resolution = self.described(RESOLUTION, required=True) | {
            "allowedValues": [self.resolution(name) for name in fields.RESOLUTIONS]
        }
        return found | {"fields": {"resolution": resolution} if transition.has_screen else {}}

    def field(self, field: Field) -> Json:
        """As `GET field` lists it."""
        return {
            "id": field.id,
            "name": field.name,
            "custom": bool(field.custom),
            "orderable": True,
            "navigable": True,
            "searchable": True,
            "clauseNames": [field.id],
            "schema": field.schema(),
        }

    def described(self, field: Field, *, required: bool) -> Json:
        """As the metadata of a screen lists it."""
        found: Json = {
            "required": required,
            "schema": field.schema(),
            "name": field.name,
            "fieldId": field.id,
            "operations": ["add", "set", "remove"] if field.type == "array" else ["set"],
        }
        return found | ({"allowedValues": self._allowed(field)} if field.type in _ALLOWED else {})

    def comment(self, issue: Issue, comment: Comment) -> Json:
        return {
            "self": self.link("issue", str(issue.id), "comment", comment.id),
            "id": comment.id,
            "author": self.user(comment.author),
            "body": comment.body,
            "updateAuthor": self.user(comment.update_author),
            "created": self.time(comment.created_s),
            "updated": self.time(comment.updated_s),
        }

    def attachment(self, file: Attachment) -> Json:
        return {
            "self": self.link("attachment", file.id),
            "id": file.id,
            "filename": file.filename,
            "author": self.user(file.author),
            "created": self.time(file.created_s),
            "size": len(file.body),
            "mimeType": file.mime_type,
            "content": f"{self.base}/secure/attachment/{file.id}/{quote(file.filename)}",
        }

    def issue(self, issue: Issue, wanted: Callable[[str], bool]) -> Json:
        """wanted   whether a field is asked for"""
        shown = {name: self._value(issue, name) for name in fields.FIELDS if wanted(name)}
        return {
            "expand": "renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations",
            "id": str(issue.id),
            "self": self.link("issue", str(issue.id)),
            "key": issue.key,
            "fields": shown,
        }

    def comments(self, issue: Issue, start: int, limit: int, *, newest_first: bool = False) -> Json:
        ordered = issue.comments[::-1] if newest_first else issue.comments
        page = [self.comment(issue, comment) for comment in ordered[start : start + limit]]
        return {"comments": page, "maxResults": limit, "total": len(issue.comments), "startAt": start}

    def _named(self, kind: str, number: str, name: str) -> Json:
        return {"self": self.link(kind, number), "id": number, "name": name}

    def _allowed(self, field: Field) -> Iterable[Any]:
        match field.type:
            case "priority":
                return [self.priority(name) for name in fields.PRIORITIES]
            case "issuetype":
                return [self.issue_type(name) for name in fields.TYPES]
            case "project":
                return [self.project(project) for project in fields.PROJECTS.values()]
        return [{"value": option} for option in field.options]

    def _value(self, issue: Issue, name: str) -> Any:
        match name:
            case "project":
                return self.project(fields.PROJECTS[issue.project])
            case "status":
                return self.status(workflow.STATUSES[issue.status])
            case "resolution":
                return None if issue.resolution is None else self.resolution(issue.resolution)
            case "resolutiondate":
                return None if issue.resolved_s is None else self.time(issue.resolved_s)
            case "creator":
                return self.user(issue.creator)
            case "created":
                return self.time(issue.created_s)
            case "updated":
                return self.time(issue.updated_s)
            case "comment":
                return self.comments(issue, 0, len(issue.comments))
            case "attachment":
                return [self.attachment(file) for file in issue.attachments]
        return self._settable(fields.FIELDS[name], issue.values[name])

    def _settable(self, field: Field, value: Any) -> Any:
        match field.type:
            case "user":
                return self.user(value)
            case "priority":
                return self.priority(value)
            case "issuetype":
                return self.issue_type(value)
            case "array":
                return list(value)
            case "option":
                return None if value is None else {"value": value, "id": str(field.options.index(value) + 1)}
        return value


RESOLUTION: Final = fields.FIELDS["resolution"]
_ALLOWED: Final = ("priority", "issuetype", "project", "option")
