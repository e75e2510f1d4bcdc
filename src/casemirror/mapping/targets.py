"""What the keys of an incoming mapper mean: a system field, a mirror field, a custom field, or nothing that may be written.

Source: content.md §3.7, §5.4; mirroring.md §4.2, §4.3.2; MAP-070…072.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from casemirror.content.catalog import Catalog
from casemirror.model.incident import ENGINE_FIELDS, SYSTEM_FIELDS


class Place(Enum):
    """Where a mapped value goes."""

    FIELD = "field"
    MIRROR = "mirror"
    PROTECTED = "protected"
    """known, and no mapping may write it: the value is dropped silently"""


@dataclass(frozen=True, slots=True)
class Target:
    """A place, the name there (system name or cliName), and the type that values are cast to."""

    place: Place
    name: str
    kind: str = "shortText"
    options: tuple[str, ...] = ()


_KINDS: Final = {
    "severity": "severity",
    "occurred": "date",
    "dueDate": "date",
    "reminder": "date",
    "notifyTime": "date",
    "sla": "number",
}
"""System fields that are no texts."""
_MIRROR: Final = {
    "dbotMirrorId": "shortText",
    "dbotMirrorInstance": "shortText",
    "dbotMirrorDirection": "shortText",
    "dbotMirrorTags": "tags",
}
_ALIASES: Final = {"dbotDueDate": "dueDate"}
_OTHERS: Final = frozenset(
    "dbotCreatedBy dbotSource dbotStatus dbotCreated dbotClosed dbotModified dbotTotalTime activatingingUserId lastJobRunTime "
    "rawPhase rawCategory rawCloseReason roles previousRoles xsoarReadOnlyRoles linkedIncidents feedBased isDebug timestamp "
    "slaField isPlayground autime account canvases sortValues allRead allReadWrite hasRole".split()
)
"""System names that casemirror has no use for."""

SYSTEM_NAMES: Final = SYSTEM_FIELDS | ENGINE_FIELDS | _OTHERS | frozenset(_ALIASES)
"""Every name that a mapper may use and no incident field defines."""
_FOLDED: Final[Mapping[str, str]] = {name.casefold(): name for name in sorted(SYSTEM_NAMES, reverse=True)}
_BY_NAME: Final[Mapping[str, Target]] = {
    **{name: Target(Place.PROTECTED, name) for name in SYSTEM_NAMES},
    **{name: Target(Place.FIELD, name, _KINDS.get(name, "shortText")) for name in SYSTEM_FIELDS},
    **{name: Target(Place.MIRROR, name, kind) for name, kind in _MIRROR.items()},
    **{alias: Target(Place.FIELD, name, _KINDS.get(name, "shortText")) for alias, name in _ALIASES.items()},
}
SAFE_WITHOUT_MAPPER: Final = ("severity", "details", "owner")
"""System fields that a remote object may set by their own names when there is no mapper.   Source: mirroring.md §4.3.10."""


def find(key: str, catalog: Catalog) -> Target | None:
    """The target of a mapper's key: exact system name, then incident field, then system name in any case; else None."""
    if key in _BY_NAME:
        return _BY_NAME[key]
    found = catalog.field(key)
    if found is not None:
        clash = _BY_NAME.get(found.cli_name)
        return clash or Target(Place.FIELD, found.cli_name, found.type, found.select_values)
    return _BY_NAME.get(_FOLDED.get(key.casefold(), ""))


def without_mapper(key: str, catalog: Catalog) -> Target | None:
    """The target of a remote key when there is no mapper: the safe system fields and machine names of custom fields."""
    if key in SAFE_WITHOUT_MAPPER:
        return _BY_NAME[key]
    found = catalog.field_by_cli(key)
    if found is None or key in SYSTEM_NAMES:
        return None
    return Target(Place.FIELD, key, found.type, found.select_values)
