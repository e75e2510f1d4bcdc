"""Who wins in a conflict, as people configured it: for everything, an instance, an incident type, a field."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from casemirror.model.plan import Method


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One configured method; an empty `instance` (id), `type` or `field` (machine name) means every one."""

    method: Method
    instance: str = ""
    type: str = ""
    field: str = ""

    @property
    def weight(self) -> int:
        """The heavier of two choices counts: a field before a type before an instance."""
        return 4 * bool(self.field) + 2 * bool(self.type) + bool(self.instance)


@dataclass(frozen=True)
class Policies:
    """The choices that concern one instance."""

    choices: tuple[Choice, ...] = ()

    @classmethod
    def of(cls, choices: Iterable[Choice]) -> Policies:
        """Those choices, the lighter ones first."""
        return cls(tuple(sorted(choices, key=lambda choice: choice.weight)))

    def methods(self, incident_type: str) -> dict[str, Method]:
        """Field → method for incidents of a type."""
        return {c.field: c.method for c in self._for(incident_type) if c.field}

    def default(self, incident_type: str, otherwise: Method) -> Method:
        """The method of fields that have none of their own."""
        found = [c.method for c in self._for(incident_type) if not c.field]
        return found[-1] if found else otherwise

    def _for(self, incident_type: str) -> list[Choice]:
        return [c for c in self.choices if c.type in ("", incident_type)]
