"""Replies of commands → our words, and our words → arguments: the only place (beside `guest`) with the contract's spelling.

Everything here is a pure function over what `demisto.results()` was given.   Source: mirroring.md §1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from casemirror.model.entry import Control, InboundEntry


@dataclass(frozen=True, kw_only=True)
class RemoteData:
    """What one remote object told: from get-remote-data, or one object of a full-data poll.

    object    the mirrored object; None: no field news
    controls  close and reopen entries, in order
    message   a lone text ("Ticket was not found."): nothing to apply, shown as the link's inbound error
    """

    object: Mapping[str, Any] | None = None
    entries: tuple[InboundEntry, ...] = ()
    controls: tuple[Control, ...] = ()
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class PollAnswer:
    """What get-modified-remote-data said.

    kind   `ids`; `data` (full entries: `data` by remote id); `silent` (no output, no error);
           `error` (unmarked: `text`; `not_implemented` when the text or class says so)
    """

    kind: Literal["ids", "data", "silent", "error"]
    ids: tuple[str, ...] = ()
    data: Mapping[str, RemoteData] = field(default_factory=dict)
    text: str = ""
    not_implemented: bool = False
