"""The two workflows that Jira brings: statuses, their categories, and the steps between them.

Source: Jira docs "Working with workflows" (system workflow "jira") and the project template "Task management"; ids as observed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

CATEGORIES: Final = {"new": (2, "To Do", "blue-gray"), "indeterminate": (4, "In Progress", "yellow"), "done": (3, "Done", "green")}  # fmt: skip
"""Key → id, name, colour of a status category."""


@dataclass(frozen=True)
class Status:
    """is_editable   False: the property jira.issue.editable of the step forbids to edit issues"""

    id: str
    name: str
    category: str
    is_editable: bool = True


@dataclass(frozen=True)
class Transition:
    """sources   statuses from which it may be made; () = all

    has_screen   shows a screen on which the resolution must be chosen
    """

    id: str
    name: str
    to: str
    sources: tuple[str, ...] = ()
    has_screen: bool = False


@dataclass(frozen=True)
class Workflow:
    """first   status of a new issue"""

    first: str
    transitions: tuple[Transition, ...]


STATUSES: Final[Mapping[str, Status]] = {
    status.name: status
    for status in (
        Status("1", "Open", "new"),
        Status("3", "In Progress", "indeterminate"),
        Status("4", "Reopened", "new"),
        Status("5", "Resolved", "done"),
        Status("6", "Closed", "done", is_editable=False),
        Status("10000", "To Do", "new"),
        Status("10001", "Done", "done"),
    )
}
_OPEN: Final = ("Open", "In Progress", "Reopened")

CLASSIC: Final = Workflow(
    first="Open",
    transitions=(
        Transition("4", "Start Progress", "In Progress", ("Open", "Reopened")),
        Transition("301", "Stop Progress", "Open", ("In Progress",)),
        Transition("5", "Resolve Issue", "Resolved", _OPEN, has_screen=True),
        Transition("2", "Close Issue", "Closed", _OPEN, has_screen=True),
        Transition("701", "Close Issue", "Closed", ("Resolved",)),
        Transition("3", "Reopen Issue", "Reopened", ("Resolved", "Closed")),
    ),
)
SIMPLE: Final = Workflow(
    first="To Do",
    transitions=(
        Transition("11", "To Do", "To Do"),
        Transition("21", "In Progress", "In Progress"),
        Transition("31", "Done", "Done"),
    ),
)


def offered(workflow: Workflow, status: str) -> list[Transition]:
    """The steps that may be made from a status."""
    return [t for t in workflow.transitions if (not t.sources or status in t.sources) and t.to != status]


def is_done(status: str) -> bool:
    return STATUSES[status].category == "done"
