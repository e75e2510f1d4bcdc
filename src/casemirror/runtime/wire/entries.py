"""One war-room entry: how integrations write it (`Contents`, `Type`, …), and how they get it (`contents`, `type`, …).

Source: mirroring.md §1.6 inbound, §3.7 outbound.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from casemirror.model.entry import Control, EntryKind, InboundEntry, Outgoing, RunAgain
from casemirror.model.values import time_text

_KEYS: Final = frozenset(
    "Type Contents ContentsFormat HumanReadable ReadableContentsFormat Tags Note Category File FileID EntryContext".split()
)
"""A dict with none of these is no entry: Argus puts bare field values among its entries (MIR-054)."""


SHORTEST_WAIT_S: Final = 10.0
"""A command that polls is not run again sooner."""
LONGEST_POLLING_S: Final = 86_400.0
"""A command that polls and does not say for how long is given up after that."""


def is_entry(value: Any) -> bool:
    """It has at least one key of an entry."""
    return isinstance(value, Mapping) and not _KEYS.isdisjoint(value)


def looks_like_entry(value: Mapping[str, Any]) -> bool:
    """It cannot be a mirrored object: objects may have one of the names by chance, but not these."""
    return "ContentsFormat" in value or ("Type" in value and "Contents" in value)


def is_error(value: Any) -> bool:
    """It is an error entry."""
    return isinstance(value, Mapping) and _kind(value) == EntryKind.ERROR and "Contents" in value


def text_of(entry: Mapping[str, Any]) -> str:
    """Text of an error entry."""
    contents = entry.get("Contents")
    return contents if isinstance(contents, str) else str(entry.get("HumanReadable") or json_text(contents))


def parse_control(entry: Mapping[str, Any]) -> Control | None:
    """A close or reopen entry; None when it is neither."""
    contents = entry.get("Contents")
    if not isinstance(contents, Mapping):
        return None
    close, reopen = (_is_true(contents.get(key)) for key in ("dbotIncidentClose", "dbotIncidentReopen"))
    if not (close or reopen):
        return None
    known = ("dbotIncidentClose", "dbotIncidentReopen", "closeReason", "closeNotes")
    return Control(
        close=close,
        reason=str(contents.get("closeReason") or ""),
        notes=str(contents.get("closeNotes") or ""),
        extra={str(key): value for key, value in contents.items() if key not in known},
    )


def parse_entry(entry: Mapping[str, Any], folder: Path | None) -> InboundEntry | None:
    """An entry of a reply; None when its file is not in the command's folder.   Source: MIR-055…057."""
    if entry.get("FileID"):
        return _file_entry(entry, folder)
    contents, form = _readable(entry)
    return InboundEntry(contents=contents, format=form, **_common(entry))


def _file_entry(entry: Mapping[str, Any], folder: Path | None) -> InboundEntry | None:
    path = produced_file(folder, str(entry["FileID"]))
    if path is None:
        return None
    name = Path(str(entry.get("File") or path.name)).name
    contents = entry.get("Contents")
    return InboundEntry(
        contents=contents if isinstance(contents, str) else "", file_name=name, file_path=str(path), **_common(entry)
    )


def produced_file(folder: Path | None, file_id: str) -> Path | None:
    """The file that `fileResult` wrote as ``<investigation id>_<FileID>``: an ordinary file directly in the folder, never a link."""
    if folder is None or not file_id:
        return None
    try:
        with os.scandir(folder) as found:
            names = [f.name for f in found if f.name.endswith(f"_{file_id}") and f.is_file(follow_symlinks=False)]
    except OSError:
        return None
    return folder / min(names, key=len) if names else None


def _common(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "kind": _kind(entry),
        "tags": parse_tags(entry.get("Tags")),
        "note": _is_true(entry.get("Note")),
        "category": str(entry.get("Category") or ""),
        "context": entry.get("EntryContext"),
        "again": parse_again(entry),
        "remote_id": _remote_id(entry),
    }


def _remote_id(entry: Mapping[str, Any]) -> str:
    """Our own key, which our packs write: ``casemirror: {"id": …}``, the id that the remote gave to the comment or file."""
    ours = entry.get("casemirror")
    return str(ours.get("id") or "") if isinstance(ours, Mapping) else ""


def parse_again(entry: Mapping[str, Any]) -> RunAgain | None:
    """The command that an entry asks to have run later; None when it asks for none.   Source: csp-surface.md, ScheduledCommand."""
    command, args = entry.get("PollingCommand"), entry.get("PollingArgs")
    if not isinstance(command, str) or not command:
        return None
    return RunAgain(
        command=command,
        args={str(name): value for name, value in args.items()} if isinstance(args, Mapping) else {},
        after_s=max(_seconds(entry.get("NextRun"), SHORTEST_WAIT_S), SHORTEST_WAIT_S),
        ends_after_s=_seconds(entry.get("Timeout"), LONGEST_POLLING_S),
    )


def _seconds(value: Any, otherwise: float) -> float:
    try:
        seconds = float(str(value))
    except ValueError:
        return otherwise
    return seconds if 0 < seconds < math.inf else otherwise


def _readable(entry: Mapping[str, Any]) -> tuple[str, str]:
    """(text, its format): what a person reads, else the contents."""
    human = entry.get("HumanReadable")
    if isinstance(human, str) and human:
        return human, str(entry.get("ReadableContentsFormat") or "markdown")
    contents = entry.get("Contents")
    if contents is None:
        return "", "text"
    if isinstance(contents, str):
        return contents, str(entry.get("ContentsFormat") or "text")
    return json_text(contents), "json"


def _kind(entry: Mapping[str, Any]) -> int:
    try:
        return int(entry.get("Type") or EntryKind.NOTE)
    except (TypeError, ValueError):
        return EntryKind.NOTE


def parse_tags(value: Any) -> tuple[str, ...]:
    """Tags given as a list or as a comma-separated text; trimmed, without empty ones and repetitions.   Source: MIR-177."""
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, list | tuple) else ()
    return tuple(dict.fromkeys(text for text in (str(part).strip() for part in parts if part is not None) if text))


def json_text(value: Any) -> str:
    """A value as JSON text."""
    return json.dumps(value, ensure_ascii=False, default=str)


def _is_true(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.strip().lower() == "true")


def outgoing_entry(outgoing: Outgoing) -> dict[str, Any]:
    """An entry as `update-remote-system` gets it.   Source: mirroring.md §3.7; MIR-171.

    The key `casemirror` is ours: integrations that look before they write find there what to look for.
    """
    entry = outgoing.entry
    file = entry.file
    look = {"only_look": True} if outgoing.only_look else {}
    metadata = (
        {"type": file.content_type, "size": file.size, "sha256": file.id, "info": file.content_type} if file else None
    )
    return {
        "id": entry.label,
        "type": int(entry.kind),
        "contents": "" if file else entry.contents,
        "format": entry.format,
        "category": entry.category,
        "user": entry.user,
        "tags": list(entry.tags),
        "note": entry.note,
        "created": time_text(entry.created_at),
        "modified": time_text(entry.modified_at),
        "file": file.name if file else "",
        "fileID": entry.label if file else "",
        "fileMetadata": metadata,
        "investigationId": str(entry.incident_id),
        "instance": entry.instance,
        "brand": entry.brand,
        "mirrored": False,
        "casemirror": {"uncertain": outgoing.uncertain, "reference": reference(outgoing), **look},
    }


def reference(outgoing: Outgoing) -> str:
    """Short text that names this entry for ever: remotes show it, so that an entry is recognised when it was sent but nobody saw that."""
    entry = outgoing.entry
    text = f"{entry.incident_id}/{entry.id}/{time_text(entry.created_at)}"
    return hashlib.sha256(text.encode()).hexdigest()[:10]
