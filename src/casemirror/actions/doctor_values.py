"""What `doctor` tells: one check for each precondition of mirroring."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from casemirror.actions.environments import Status
from casemirror.content.catalog import Catalog
from casemirror.content.items import Integration
from casemirror.model.errors import NotFound
from casemirror.model.instance import Instance
from casemirror.model.settings import Settings


class State(StrEnum):
    """What came of one look."""

    OK = "ok"
    MISSING = "missing"
    """it keeps something from being mirrored"""
    UNKNOWN = "unknown"
    """nothing stored tells, or it need not be so"""


class Way(StrEnum):
    """What a check matters for."""

    BOTH = "both"
    IN = "in"
    OUT = "out"
    ENTRIES = "entries"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One precondition.

    about   the instance, or the incident, that was looked at
    text    what was found, as a sentence; todo: what to do, empty when there is nothing to do
    """

    name: str
    state: State
    text: str
    todo: str = ""
    about: str = ""
    way: Way = Way.BOTH


@dataclass(frozen=True, kw_only=True)
class Room:
    """What all checks look at."""

    settings: Settings
    catalog: Catalog
    now: datetime
    environment: Callable[[Integration], Status]

    def integration(self, instance: Instance) -> Integration | None:
        """The instance's integration; None when it is not installed."""
        try:
            return self.catalog.integration(instance.brand)
        except NotFound:
            return None
