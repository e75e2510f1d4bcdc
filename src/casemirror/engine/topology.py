"""Refuse cycles of servers: a case that came from us must not be mirrored back into us as another one.

Every server has an id. An incident shows through which incidents of which servers it is mirrored, as texts
``SERVER/INCIDENT`` under the name `casemirrorTrail`: itself, and what the objects that it is mirrored from show. An object
that shows one of our own incidents is ours already; to mirror it in would send each comment round and round.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from casemirror.model.errors import MirrorCycle
from casemirror.model.ids import IncidentId
from casemirror.model.link import Link

TRAIL: Final = "casemirrorTrail"
LONGEST: Final = 100
"""Entries of a trail that are read or shown; a longer one is no chain of servers that anybody built."""


def trail(payload: Mapping[str, Any]) -> tuple[str, ...]:
    """What a remote object shows; empty when its server is none of ours."""
    custom = payload.get("CustomFields")
    found = payload.get(TRAIL) or (custom.get(TRAIL) if isinstance(custom, Mapping) else None)
    return tuple(str(each) for each in found[:LONGEST]) if isinstance(found, list) else ()


def shown(server: str, incident: IncidentId, links: Iterable[Link]) -> list[str]:
    """What an incident of this server shows to others."""
    told = [each for link in links for each in link.trail]
    return list(dict.fromkeys([f"{server}/{incident}", *told]))[:LONGEST]


def refuse_cycle(payload: Mapping[str, Any], server: str, instance: str, allowed: Iterable[str]) -> None:
    """Raise MirrorCycle when a remote object is one of our own incidents, seen through other servers.

    allowed   instances for which a person said that a cycle is wanted (`mirror.cycles`)
    """
    own = [each for each in trail(payload) if each.startswith(f"{server}/")]
    if own and instance not in allowed:
        numbers = ", ".join(each.partition("/")[2] for each in own)
        raise MirrorCycle(
            f"the object at {instance} is mirrored from our own incident {numbers}: to mirror it in would close a cycle. "
            f"Remove this link, or put {instance} into the setting mirror.cycles if that is really wanted"
        )
