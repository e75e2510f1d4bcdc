"""What replies become; and how an answer is kept until its link's turn comes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from casemirror.model.entry import Control, FileRef, InboundEntry


@dataclass(frozen=True, kw_only=True)
class RemoteData:
    """What one remote object told: from get-remote-data, or one object of a full-data poll.

    object    the mirrored object; None: no field news
    controls  close and reopen entries, in order
    message   a lone text, or that of an object that is nothing but `in_mirror_error`: nothing to apply, shown as the link's
              inbound error; failed: it was the latter
    warnings  what of the reply was left out, and why
    """

    object: Mapping[str, Any] | None = None
    entries: tuple[InboundEntry, ...] = ()
    controls: tuple[Control, ...] = ()
    message: str = ""
    failed: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PollAnswer:
    """What get-modified-remote-data said.

    kind   `ids`; `data` (full entries: `data` by remote id, beside `ids` without data); `silent` (no output, no error);
           `error` (unmarked: `text`; `not_implemented` when the text or class says so)
    """

    kind: Literal["ids", "data", "silent", "error"]
    ids: tuple[str, ...] = ()
    data: Mapping[str, RemoteData] = field(default_factory=dict)
    text: str = ""
    not_implemented: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PushReport:
    """What an integration knows of a push: by our own key, ``{"casemirror": {"unsent": […], "unknown": […], "record": …}}``.

    unsent    labels of entries that this call did not write, for certain
    unknown   labels of entries that were only looked for and not found
    record    `none`: this call created nothing, for certain; `unknown`: it only looked for the object and did not find it
    """

    unsent: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()
    record: str = ""


def remote_data_to_json(data: RemoteData) -> dict[str, Any]:
    """As it is stored; the files of its entries must be in the store already, since paths do not outlive the command."""
    return {
        "object": None if data.object is None else dict(data.object),
        "entries": [{**asdict(entry), "file_path": ""} for entry in data.entries],
        "controls": [asdict(control) for control in data.controls],
        "message": data.message,
        "warnings": list(data.warnings),
    }


def remote_data_from_json(value: Mapping[str, Any]) -> RemoteData:
    """Read what `remote_data_to_json` wrote."""
    return RemoteData(
        object=value.get("object"),
        entries=tuple(_entry(entry) for entry in value.get("entries") or ()),
        controls=tuple(Control(**control) for control in value.get("controls") or ()),
        message=str(value.get("message") or ""),
        warnings=tuple(value.get("warnings") or ()),
    )


def _entry(value: Mapping[str, Any]) -> InboundEntry:
    file = value.get("file")
    return InboundEntry(**{**value, "tags": tuple(value.get("tags") or ()), "file": FileRef(**file) if file else None})


def shown(value: Any, longest: int = 4000) -> str:
    """A value of a command for people who debug: JSON, cut."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
