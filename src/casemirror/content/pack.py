"""A pack as it was read: its items, and what could not be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from casemirror.content.items import Item

LOCAL: Final = "local"
"""Id of the pack that holds what people added here; no pack from elsewhere may have it."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something that was left out; the rest of the pack is usable.

    where   JSON path, key, or ``"line 3, column 7"``; empty: the whole file
    """

    file: str
    where: str = ""
    message: str

    def __str__(self) -> str:
        place = f"{self.file} ({self.where})" if self.where else self.file
        return f"{place}: {self.message}"


@dataclass(frozen=True, kw_only=True)
class Pack:
    """What one pack brings.

    dependencies   pack id → whether it must be there, as the author says (often incomplete: `dependencies.missing`)
    """

    id: str
    name: str
    version: str = ""
    dependencies: Mapping[str, bool] = field(default_factory=dict)
    items: tuple[Item, ...] = ()
    problems: tuple[Problem, ...] = ()

    def of_kind(self, kind: str) -> tuple[Item, ...]:
        """The items of one kind."""
        return tuple(item for item in self.items if item.kind == kind)
