"""What a replay tells: what another mapper makes of the payloads that are kept."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from casemirror.model.ids import IncidentId, LinkId
from casemirror.model.values import Json

KINDS: Final = ("set", "changed", "emptied", "untold")
"""set: only the new mapper gives a value; changed: another value; emptied: told as empty; untold: the new mapper does not
tell the field, so that it stays as it is."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One field that the two mappers make differently of one payload.

    kind       one of `KINDS`
    old, new   what the present mapper makes, and what the new one makes
    here       what the incident has now
    stale      why the payload says nothing about this field any more; empty: it counts
    already    both sides have the new value
    """

    field: str
    kind: str
    old: Json
    new: Json
    here: Json
    stale: str = ""
    already: bool = False

    @property
    def counts(self) -> bool:
        """It would be written as an inbound change."""
        return self.kind != "untold" and not self.stale and not self.already


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """One link's newest payload, mapped by both.

    earlier   how many older payloads of it are kept since then; they are not looked at
    written   fields that were given the new value here (only when it was applied)
    stays     field → why the value here stayed (only when it was applied)
    """

    incident_id: IncidentId
    link_id: LinkId
    title: str = ""
    remote_id: str = ""
    payload_id: int = 0
    payload_at: datetime | None = None
    earlier: int = 0
    differences: tuple[Difference, ...] = ()
    written: tuple[str, ...] = ()
    stays: dict[str, str] = field(default_factory=dict)
    error: str = ""


@dataclass(kw_only=True)
class Replay:
    """All of it.

    links      those whose fields differ, or that could not be mapped
    same       links whose fields the two mappers make alike; earlier: older payloads that were passed over
    forgotten  links whose payload was kept and is not any more; silent: links that never had one since then
    masked     links whose payload holds masked values, so that it cannot be mapped again
    warnings   what the new mapper had to leave out → in how many incidents
    applied    the new values were written
    """

    instance: str
    since: datetime
    old_mapper: str
    new_mapper: str
    links: list[Replayed] = field(default_factory=list)
    same: int = 0
    earlier: int = 0
    forgotten: int = 0
    silent: int = 0
    masked: int = 0
    warnings: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    applied: bool = False

    @property
    def summary(self) -> dict[str, Counter[str]]:
        """Field → kind → in how many incidents; `stale` and `already` count those of them that would not be written."""
        found: dict[str, Counter[str]] = {}
        for link in self.links:
            for each in link.differences:
                aside = ["stale"] * bool(each.stale) + ["already"] * each.already
                found.setdefault(each.field, Counter()).update([each.kind, *aside])
        return dict(sorted(found.items()))
