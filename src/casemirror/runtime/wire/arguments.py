"""What mirror commands are called with.   Source: mirroring.md §1.5…1.7; MIR-021…025."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from casemirror.model.values import time_text


def poll_arguments(last_update: datetime) -> dict[str, Any]:
    """Of get-modified-remote-data."""
    return {"lastUpdate": time_text(last_update)}


def pull_arguments(remote_id: str, last_update: datetime) -> dict[str, Any]:
    """Of get-remote-data."""
    return {"id": remote_id, "lastUpdate": time_text(last_update)}


def push_arguments(
    *,
    remote_id: str,
    data: Mapping[str, Any],
    delta: Mapping[str, Any],
    incident_changed: bool,
    status: int,
    entries: Sequence[Mapping[str, Any]] = (),
    status_changed: bool | None = None,
    only_look: bool = False,
) -> dict[str, Any]:
    """Of update-remote-system: all six keys, none of them null; `data` and `delta` are copies that may be written to.

    status_changed   this call is *the* close or reopen: told under the key `casemirror`, which is ours, and read by our own packs
    only_look        the object may have been created already: it is to be looked for, and not to be created now
    """
    told = {"status_changed": status_changed, **({"only_look": True} if only_look else {})}
    ours = {} if status_changed is None else {"casemirror": told}
    return {
        "remoteId": remote_id,
        "data": copy.deepcopy(dict(data)),
        "delta": copy.deepcopy(dict(delta)),
        "incidentChanged": incident_changed,
        "status": int(status),
        "entries": [copy.deepcopy(dict(entry)) for entry in entries],
        **ours,
    }
