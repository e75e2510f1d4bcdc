"""Who wins in a conflict, and who owns a field, as people configured it: for everything, an instance, an incident type,
a field, one link.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from casemirror.model.plan import Method


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One configured method; an empty `instance` (id), `type` or `field` (machine name) means every one.

    incident   number of the incident whose link to `instance` is meant; 0: not for a single link
    """

    method: Method
    instance: str = ""
    type: str = ""
    field: str = ""
    incident: int = 0

    @property
    def weight(self) -> int:
        """The heavier of two choices counts: a link before a field before a type before an instance."""
        return 8 * bool(self.incident) + 4 * bool(self.field) + 2 * bool(self.type) + bool(self.instance)


@dataclass(frozen=True, kw_only=True)
class Owner:
    """One instance (id) owns a field (machine name); an empty `type` means every one, `incident` 0 every incident."""

    instance: str
    field: str
    type: str = ""
    incident: int = 0

    @property
    def weight(self) -> int:
        """The heavier of two owners counts: for one incident before for a type."""
        return 2 * bool(self.incident) + bool(self.type)


@dataclass(frozen=True)
class Policies:
    """The choices that concern one instance, and the owners of fields."""

    choices: tuple[Choice, ...] = ()
    owners: tuple[Owner, ...] = ()

    @classmethod
    def of(cls, choices: Iterable[Choice], owners: Iterable[Owner] = ()) -> Policies:
        """Those choices and owners, the lighter ones first."""
        return cls(
            tuple(sorted(choices, key=lambda choice: choice.weight)),
            tuple(sorted(owners, key=lambda owner: owner.weight)),
        )

    def methods(self, incident_type: str, incident: int = 0) -> dict[str, Method]:
        """Field → method for an incident; what was set for a whole link takes the place of what fields have elsewhere."""
        found: dict[str, Method] = {}
        for choice in self._for(incident_type, incident):
            if choice.field:
                found[choice.field] = choice.method
            elif choice.incident:
                found = {}
        return found

    def default(self, incident_type: str, otherwise: Method, incident: int = 0) -> Method:
        """The method of fields that have none of their own."""
        found = [c.method for c in self._for(incident_type, incident) if not c.field]
        return found[-1] if found else otherwise

    def owners_of(self, incident_type: str, incident: int, linked: Collection[str]) -> dict[str, str]:
        """Field → instance (id) that owns it, for an incident that is linked to those instances.

        An owner that the incident is not linked to owns nothing there.
        """
        return {
            o.field: o.instance
            for o in self.owners
            if o.instance in linked and o.type in ("", incident_type) and o.incident in (0, incident)
        }

    def _for(self, incident_type: str, incident: int) -> list[Choice]:
        return [c for c in self.choices if c.type in ("", incident_type) and c.incident in (0, incident)]
