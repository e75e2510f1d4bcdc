"""Whether an answer says that the remote object is not there: deleted, merged into another one, or moved.

Conservative: a link whose object is gone waits long, so a text that may mean something else (a wrong address, a user or a
file that was not found, missing rights) is not taken for it.   Source: mirroring.md §2.8; MIR-098, MIR-136.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from casemirror.model.link import Absence, RemoteState

_THING: Final = (
    r"(?:ticket|incident|issue|record|case|alert|alarm|offen[sc]e|request|task|problem|object|item|event|finding|"
    r"detection|investigation|conversation|work ?item|bug|sys_id)"
)
_NEAR: Final = r"[^.;\n]{0,80}?"
_GONE: Final = (
    r"(?:(?:was|is|were|be|been|could|can|cannot|can't|not)\b[^.;\n]{0,20}?\b)?not (?:be )?found",
    r"(?:does not|doesn't|did not|no longer|not) exists?",
    r"(?:was|is|has been|had been|already|been) (?:permanently |already )?(?:deleted|removed|retired|purged|destroyed)",
    r"is gone",
    r"not (?:be )?(?:located|retrieved because it was deleted)",
)
_SAYS_GONE: Final = re.compile(rf"\b{_THING}\b{_NEAR}\b(?:{'|'.join(_GONE)})\b", re.IGNORECASE)
_NO_SUCH: Final = re.compile(
    rf"\b(?:no such|no matching|cannot find|can't find|could not find|couldn't find|unable to find|failed to find|did not find|"
    rf"not found:?|unknown)\s+(?:the |any |an? )?(?:\w+ )?{_THING}\b(?:\W*$| with\b| for id\b| by id\b|\s*[#:'\"\[(]?\s*\w*\d)"
    r"|\bno (?:ticket|incident|issue|record|case|alert)\b(?: was)? found\b",
    re.IGNORECASE | re.MULTILINE,
)
_STATUS: Final = re.compile(
    r"\[(?:404|410)\]|\b(?:404|410) client error\b|\b(?:status|status code|http|http status|error|code|error code)[ :=]+\(?(?:404|410)\b"
    r"|^\s*(?:404|410)\b\W*(?:not found|gone)",
    re.IGNORECASE | re.MULTILINE,
)
_OTHER: Final = re.compile(
    r"<!?(?:doctype|html|head|body)\b|\b(?:dns|host|hostname|domain|name or service|name resolution|proxy|certificate|endpoint|"
    r"web ?page|page|path|route|url|uri|module|file|attachment|command|mapper|playbook|script|table|column|field|parameter|"
    r"user|account|tenant|token|credentials?|api key|workspace|project|queue|instance|server|service|api version|"
    r"comment|journal|assignee|owner|group|template)s? (?:\S+ )?(?:was |is |were |are |could |can )?"
    r"(?:not (?:be )?(?:found|exist)|does not exist|doesn't exist|unknown|no longer exists?)"
    r"|\bunknown (?:host|url|command|user|field|endpoint)\b|\bno such (?:host|file|table|command|user|module)\b"
    r"|\binvalid (?:url|table|token)\b|\b(?:401|403|429|5\d\d)\b|\bunauthori[sz]ed\b|\bforbidden\b|\btimed? ?out\b|\brate limit\b"
    r"|\bconnection (?:refused|reset|aborted|error)\b|\bmaintenance\b|\btraceback\b",
    re.IGNORECASE,
)
_ID: Final = r"[#'\"\[(]*(?P<id>[A-Za-z]{0,12}[-_:]?[A-Za-z0-9]*\d[\w-]*)"
_BECAME: Final = {
    RemoteState.MERGED: re.compile(
        rf"\b(?:was|is|been|been automatically|and|,|already|ticket|issue|incident|case)?\s*merged (?:in ?to|with)\s+(?:the )?(?:{_THING}\s+)?{_ID}",
        re.IGNORECASE,
    ),
    RemoteState.MOVED: re.compile(
        rf"\b(?:was|is|been|permanently)\s+moved to\s+(?:the )?(?:{_THING}\s+)?{_ID}", re.IGNORECASE
    ),
}


def absence(text: str, remote_id: str = "") -> Absence | None:
    """What a text of the remote says about the object with that id; None: that it is gone is not what it says, or not for sure.

    Pure; raises nothing.
    """
    words = text.strip()
    if not words or _OTHER.search(words):
        return None
    for state, pattern in _BECAME.items():
        found = pattern.search(words)
        if found and found["id"] != remote_id:
            return Absence(state=state, words=_first_line(words), new_id=found["id"])
    about_it = bool(remote_id) and remote_id in words and re.search(rf"\b(?:{'|'.join(_GONE)})\b", words, re.IGNORECASE)
    if _SAYS_GONE.search(words) or _NO_SUCH.search(words) or _STATUS.search(words) or about_it:
        return Absence(state=RemoteState.MISSING, words=_first_line(words))
    return None


def told_absence(item: Mapping[str, Any], text: str) -> Absence | None:
    """What a pack says outright, by our own key: ``casemirror: {"gone": "missing" | "merged" | "moved", "new_id": …}``."""
    ours = item.get("casemirror")
    gone = ours.get("gone") if isinstance(ours, Mapping) else None
    if gone not in (RemoteState.MISSING, RemoteState.MERGED, RemoteState.MOVED):
        return None
    new_id = "" if not isinstance(ours, Mapping) or ours.get("new_id") is None else str(ours["new_id"])
    return Absence(state=RemoteState(gone), words=_first_line(text) or f"it was {gone}", new_id=new_id)


def mirror_error(item: Mapping[str, Any]) -> str:
    """The text of an object that is nothing but its id and `in_mirror_error`; empty for every other one.   Source: §2.8."""
    text = item.get("in_mirror_error")
    rest = item.keys() - {"in_mirror_error", "casemirror"}
    return text.strip() if isinstance(text, str) and len(rest) <= 1 else ""


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0][:500] if lines else ""
