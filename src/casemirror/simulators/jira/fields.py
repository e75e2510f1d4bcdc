"""The instance's fields, projects, types, priorities and resolutions, and how values of fields are stored."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from . import errors, workflow


@dataclass(frozen=True, kw_only=True)
class Field:
    """type, items   of the schema; options   of a select list; settable   by create and edit"""

    id: str
    name: str
    type: str
    items: str = ""
    custom: str = ""
    options: tuple[str, ...] = ()
    settable: bool = True

    def schema(self) -> dict[str, Any]:
        """As the API describes the field's values."""
        found: dict[str, Any] = {"type": self.type} | ({"items": self.items} if self.items else {})
        if not self.custom:
            return found | {"system": self.id}
        kind = f"com.atlassian.jira.plugin.system.customfieldtypes:{self.custom}"
        return found | {"custom": kind, "customId": int(self.id.removeprefix("customfield_"))}


@dataclass(frozen=True, kw_only=True)
class Project:
    id: str
    key: str
    name: str
    workflow: workflow.Workflow


FIELDS: Final[Mapping[str, Field]] = {
    field.id: field
    for field in (
        Field(id="issuetype", name="Issue Type", type="issuetype"),
        Field(id="project", name="Project", type="project"),
        Field(id="summary", name="Summary", type="string"),
        Field(id="description", name="Description", type="string"),
        Field(id="environment", name="Environment", type="string"),
        Field(id="priority", name="Priority", type="priority"),
        Field(id="assignee", name="Assignee", type="user"),
        Field(id="reporter", name="Reporter", type="user"),
        Field(id="labels", name="Labels", type="array", items="string"),
        Field(id="duedate", name="Due Date", type="date"),
        Field(id="status", name="Status", type="status", settable=False),
        Field(id="resolution", name="Resolution", type="resolution", settable=False),
        Field(id="resolutiondate", name="Resolved", type="datetime", settable=False),
        Field(id="creator", name="Creator", type="user", settable=False),
        Field(id="created", name="Created", type="datetime", settable=False),
        Field(id="updated", name="Updated", type="datetime", settable=False),
        Field(id="comment", name="Comment", type="comments-page", settable=False),
        Field(id="attachment", name="Attachment", type="array", items="attachment", settable=False),
        Field(id="customfield_10001", name="Site", type="string", custom="textfield"),
        Field(
            id="customfield_10002",
            name="Impact",
            type="option",
            custom="select",
            options=("Extensive", "Moderate", "Minor"),
        ),
        Field(id="customfield_10003", name="Affected Hosts", type="number", custom="float"),
    )
}
PROJECTS: Final[Mapping[str, Project]] = {
    project.key: project
    for project in (
        Project(id="10000", key="SOC", name="Security Operations", workflow=workflow.CLASSIC),
        Project(id="10001", key="TASK", name="Tasks", workflow=workflow.SIMPLE),
    )
}
TYPES: Final[Mapping[str, str]] = {"Task": "10002", "Bug": "10004", "Incident": "10005"}
PRIORITIES: Final[Mapping[str, str]] = {"Highest": "1", "High": "2", "Medium": "3", "Low": "4", "Lowest": "5"}
RESOLUTIONS: Final[Mapping[str, str]] = {
    "Done": "10000",
    "Won't Do": "10001",
    "Duplicate": "10002",
    "Cannot Reproduce": "10003",
}
EMPTY: Final[Mapping[str, Any]] = {
    "description": None, "environment": None, "priority": "Medium", "assignee": None, "labels": (), "duedate": None,
    "customfield_10001": None, "customfield_10002": None, "customfield_10003": None,
}  # fmt: skip
"""Settable fields of a new issue that is given nothing."""

_LONGEST_SUMMARY, _LONGEST_TEXT = 255, 32_767
_Users = Callable[[str], bool]


class Refused(Exception):
    """A value that the field does not take; the text is the API's."""


def stored(field: Field, value: Any, is_user: _Users) -> Any:
    """A value as it was sent → as it is kept: texts, names, tuples of labels, None.  Raises Refused."""
    match field.type:
        case "string":
            return _text(field, value)
        case "array":
            return _labels(value)
        case "user":
            return _user(value, is_user)
        case "priority":
            return _chosen(value, PRIORITIES, "The priority selected is invalid.") if value is not None else "Medium"
        case "issuetype":
            return _chosen(value, TYPES, "The issue type selected is invalid.")
        case "project":
            return _project(value)
        case "date":
            return _date(value)
        case "number":
            return _number(value)
        case "option":
            return _option(field, value)
    raise Refused(errors.not_settable(field.id))


def changed_labels(labels: Sequence[str], operations: Any) -> tuple[str, ...]:
    """Labels after `update` verbs: add, remove, set.  Raises Refused."""
    found = list(labels)
    for operation in operations:
        ((verb, value),) = operation.items()
        if verb == "set":
            found = list(_labels(value))
        elif verb == "add":
            found.append(value)
        elif verb == "remove":
            found = [label for label in found if label != value]
        else:
            raise Refused(f"Field with id 'labels' and type 'labels' does not support operation '{verb}'.")
    return _labels(found)


def _text(field: Field, value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise Refused("Operation value must be a string")
    if field.id != "summary":
        if len(value or "") > _LONGEST_TEXT:
            raise Refused(f"The entered text is too long. It exceeds the allowed limit of {_LONGEST_TEXT} characters.")
        return value or None
    summary = (value or "").strip()
    if not summary:
        raise Refused("You must specify a summary of the issue.")
    if "\n" in summary:
        raise Refused("The summary is invalid because it contains newline characters.")
    if len(summary) > _LONGEST_SUMMARY:
        raise Refused(f"Summary must be less than {_LONGEST_SUMMARY} characters.")
    return summary


def _labels(value: Any) -> tuple[str, ...]:
    """Each once, in alphabetical order (observed)."""
    if not isinstance(value, list | tuple) or not all(isinstance(label, str) for label in value):
        raise Refused("data was not an array")
    for label in value:
        if any(character.isspace() for character in label) or not label:
            raise Refused(f"The label '{label}' contains spaces which is invalid.")
    return tuple(sorted(set(value), key=str.casefold))


def _user(value: Any, is_user: _Users) -> str | None:
    name = value.get("name") if isinstance(value, dict) else None
    if value is None or not name:
        return None
    if not is_user(name):
        raise Refused(f"User '{name}' does not exist.")
    return str(name)


def _chosen(value: Any, known: Mapping[str, str], refusal: str) -> str:
    """The name of what is chosen by name or id."""
    given = value if isinstance(value, dict) else {}
    name = given.get("name") or next((n for n, i in known.items() if i == str(given.get("id"))), "")
    if name not in known:
        raise Refused(refusal)
    return str(name)


def resolution(value: Any) -> str:
    """The name of the resolution that is chosen.  Raises Refused."""
    return _chosen(value, RESOLUTIONS, "The resolution selected is invalid.")


def _project(value: Any) -> str:
    given = value if isinstance(value, dict) else {}
    for project in PROJECTS.values():
        if given.get("key") == project.key or str(given.get("id")) == project.id:
            return project.key
    raise Refused("valid project is required")


def _date(value: Any) -> str | None:
    if not value:
        return None
    try:
        return date.fromisoformat(value).isoformat()
    except (ValueError, TypeError):
        raise Refused("Error parsing date string: " + str(value)) from None


def _number(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused("Operation value must be a number")
    return float(value)


def _option(field: Field, value: Any) -> str | None:
    if value is None:
        return None
    chosen = value.get("value") if isinstance(value, dict) else None
    if chosen not in field.options:
        raise Refused(f"Option value '{chosen}' is not valid")
    return str(chosen)
