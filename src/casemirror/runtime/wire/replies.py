"""What a command's reply means. Tolerant: one odd item never costs the rest.   Source: mirroring.md §1.1…1.8, §2.4, §2.5."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from casemirror.model.entry import Control, EntryKind, InboundEntry
from casemirror.model.errors import (
    CommandFailed,
    CommandTimedOut,
    NotImplementedByIntegration,
    PollSkipped,
    ProcessDied,
    RateLimited,
    RemoteGone,
)
from casemirror.model.values import is_empty
from casemirror.runtime.command import Ending, Reply
from casemirror.runtime.wire import absences
from casemirror.runtime.wire import entries as wire_entries
from casemirror.runtime.wire.values import PollAnswer, PushReport, RemoteData

RATE_LIMIT: Final = "API rate limit"
SKIP: Final = "skip update"
"""Exact case, anywhere in the error text.   Source: mirroring.md §1.2."""

_MESSAGE: Final = 2000
"""characters of an error that a person is shown; `detail` has all of it"""


def error_text(reply: Reply) -> str:
    """All that the reply tells as an error: error entries, the escaped exception, the cause of death; empty when it is fine."""
    texts = [wire_entries.text_of(item) for item in _items(reply) if wire_entries.is_error(item)]
    return "\n".join([*texts, reply.error] if reply.error else texts)


def _raise_for(reply: Reply) -> None:
    """Raise what the reply tells as an error: CommandTimedOut, ProcessDied, RateLimited, CommandFailed."""
    text = error_text(reply)
    if reply.ending is Ending.TIMED_OUT:
        raise CommandTimedOut(reply.error or "the command took too long and was killed")
    if reply.ending is Ending.DIED:
        raise ProcessDied(reply.error or "the command ended without an answer")
    if RATE_LIMIT in text:
        raise RateLimited(short(text), detail=text)
    if text or reply.ending is Ending.RAISED:
        raise CommandFailed(short(text) or "the integration failed without a word", detail=text)


def short(text: str) -> str:
    """An error for people: of a traceback what stands behind its frames."""
    lines = text.strip().splitlines()
    frames = [number for number, line in enumerate(lines) if line.startswith("  File ")]
    if frames and text.lstrip().startswith("Traceback"):
        rest = [line for line in lines[frames[-1] + 1 :] if not line.startswith("    ")]
        lines = rest or lines[-1:]
    return "\n".join(lines)[:_MESSAGE]


def parse_poll(reply: Reply) -> PollAnswer:
    """Read get-modified-remote-data. Raises RateLimited, PollSkipped, CommandTimedOut, ProcessDied.   Source: §1.5; MIR-045…049."""
    try:
        _raise_for(reply)
    except CommandFailed as error:
        text = error.detail or error.message
        if SKIP in text:
            raise PollSkipped(error.message, detail=text) from error
        return PollAnswer(kind="error", text=error.message, not_implemented=_says_not_implemented(text))
    return _Poll(reply).answer()


def _says_not_implemented(text: str) -> bool:
    """`return_error` hides the class of what was raised, so the words count, too (mirroring.md §1.2)."""
    return "NotImplementedError" in text or any(words in text.lower() for words in ("not implemented", "not supported"))


class _Poll:
    """Sorts the items of a poll's reply: ids, objects and entries by remote id, texts."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._ids: list[str] = []
        self._parts: dict[str, _Parts] = {}
        self._texts: list[str] = []
        self._warnings: list[str] = []
        self._is_valid = False

    def answer(self) -> PollAnswer:
        for result in self._reply.results:
            if isinstance(result, str):
                self._text(result)
            elif isinstance(result, list):
                self._list(result)
            elif isinstance(result, Mapping):
                self._dict(result)
        ids = tuple(dict.fromkeys(i for i in self._ids if i not in self._parts))
        warnings = tuple(self._warnings)
        if self._parts:
            data = {remote_id: parts.data() for remote_id, parts in self._parts.items()}
            return PollAnswer(kind="data", ids=ids, data=data, warnings=warnings)
        if self._is_valid:
            return PollAnswer(kind="ids", ids=ids, warnings=warnings)
        if self._texts:
            return PollAnswer(kind="error", text=short("\n".join(self._texts)))
        return PollAnswer(kind="silent", warnings=warnings)

    def _text(self, text: str) -> None:
        found = _list_in(text)
        if found is None:
            self._texts.append(text)
        else:
            self._list(found)

    def _list(self, items: Iterable[Any]) -> None:
        self._is_valid = True
        for item in items:
            if isinstance(item, Mapping):
                self._dict(item)
            elif (remote_id := _id_text(item)) is not None:
                self._ids.append(remote_id)

    def _dict(self, item: Mapping[str, Any]) -> None:
        contents, context = item.get("Contents"), item.get("EntryContext")
        named = _id_text(context.get("mirrorRemoteId")) if isinstance(context, Mapping) else None
        if not item:
            self._is_valid = True  # the empty object in front of entries that all name their incident (MIR-048)
        elif named is not None:
            self._add(named, item)
        elif not wire_entries.is_entry(item):
            self._warnings.append("an object that is no entry was left out")
        elif isinstance(contents, Mapping):
            self._add_unnamed(item, contents)
        elif contents is None or isinstance(contents, list):
            self._list(contents or ())
        elif isinstance(contents, str) and (found := _list_in(contents)) is not None:
            self._list(found)
        else:
            self._warnings.append("an entry that names no remote object was left out")

    def _add_unnamed(self, item: Mapping[str, Any], contents: Mapping[str, Any]) -> None:
        remote_id = next(filter(None, (_id_text(contents.get(k)) for k in ("dbotMirrorId", "id", "incident_id"))), None)
        if remote_id is None:
            self._warnings.append("an object without an id was left out")
        else:
            self._add(remote_id, item)

    def _add(self, remote_id: str, item: Mapping[str, Any]) -> None:
        self._parts.setdefault(remote_id, _Parts(self._reply)).add_full_data(item)


class _Parts:
    """What one remote object told, as it is put together."""

    def __init__(self, reply: Reply) -> None:
        self._folder = reply.folder
        self.object: dict[str, Any] | None = None
        self._entries: list[InboundEntry] = []
        self._controls: list[Control] = []
        self.warnings: list[str] = []

    def add_full_data(self, item: Mapping[str, Any]) -> None:
        """An entry of a full-data poll: a dict as contents is the object, unless it is a control entry."""
        contents = item.get("Contents")
        is_object = (
            isinstance(contents, Mapping) and item.get("ContentsFormat") in ("json", None) and not item.get("FileID")
        )
        if isinstance(contents, Mapping) and is_object and wire_entries.parse_control(item) is None:
            self.object = {**(self.object or {}), **contents}
        else:
            self.add(item)

    def add(self, item: Any) -> None:
        """An entry, a control entry, or something that is neither and left out."""
        if not wire_entries.is_entry(item):
            self.warnings.append(f"{type(item).__name__} among the entries was left out: it has no key of an entry")
            return
        control = wire_entries.parse_control(item)
        if control is not None:
            self._controls.append(control)
            return
        entry = wire_entries.parse_entry(item, self._folder)
        if entry is None:
            self.warnings.append(f"file {item.get('File')!r} was left out: the integration did not write it")
        else:
            self._entries.append(entry)

    def data(self, message: str = "") -> RemoteData:
        """All of it. An object that tells nothing is none."""
        # ServiceNow v2 answers {"assigned_to": ""} when nothing is new: taken for news, it would empty the field at every poll
        told = self.object if self.object and not all(is_empty(value) for value in self.object.values()) else None
        return RemoteData(
            object=told,
            entries=tuple(self._entries),
            controls=tuple(self._controls),
            message=message,
            warnings=tuple(self.warnings),
        )


def parse_pull(reply: Reply, remote_id: str = "") -> RemoteData:
    """Read get-remote-data of the object with that id.

    Raises RateLimited, NotImplementedByIntegration, RemoteGone, CommandFailed, CommandTimedOut, ProcessDied.
    Source: mirroring.md §1.6, §2.8; MIR-050…058.
    """
    try:
        _raise_for(reply)
    except CommandFailed as error:
        if _pull_not_implemented(error.detail):
            raise NotImplementedByIntegration(error.message, detail=error.detail) from error
        raise_if_gone(error.message, remote_id, cause=error)
        raise
    return judged(_pull_data(reply), remote_id)


def raise_if_gone(text: str, remote_id: str = "", cause: Exception | None = None) -> None:
    """Raise RemoteGone when this is what the text says."""
    gone = absences.absence(text, remote_id)
    if gone is not None:
        raise RemoteGone(gone) from cause


def judged(data: RemoteData, remote_id: str = "") -> RemoteData:
    """The answer, or what it tells instead of news: an object of nothing but `in_mirror_error` is a message.

    Raises RemoteGone.   Source: §2.8; MIR-098.
    """
    if data.entries or data.controls:
        return data
    raise_if_gone(data.message, remote_id)
    text = absences.mirror_error(data.object or {})
    told = absences.told_absence(data.object or {}, text)
    if told is not None:
        raise RemoteGone(told)
    raise_if_gone(text, remote_id)
    return replace(data, object=None, message=short(text), failed=True) if text else data


def _pull_data(reply: Reply) -> RemoteData:
    items = _pulled(reply)
    parts = _Parts(reply)
    if not items:
        return parts.data()
    first, rest = items[0], items[1:]
    if isinstance(first, list):
        # Stellar passes a list as mirrored object
        first = first[0] if len(first) == 1 and isinstance(first[0], Mapping) else wire_entries.json_text(first)
    if not isinstance(first, Mapping):
        return _with_entries(parts, rest) if rest else parts.data(message=str(first))
    if wire_entries.looks_like_entry(first):
        return _with_entries(parts, items)
    parts.object = dict(first)
    return _with_entries(parts, rest)


def _with_entries(parts: _Parts, items: Iterable[Any]) -> RemoteData:
    for item in items:
        parts.add(item)
    return parts.data()


def _pull_not_implemented(text: str) -> bool:
    """Stricter than for polls: a remote that says “not supported” about one object must not stop all others."""
    return "NotImplementedError" in text or ("get-remote-data" in text and "not implemented" in text.lower())


def _pulled(reply: Reply) -> list[Any]:
    """Items in the order that counts: those of the last list first, since `return_results` sends entries of other kinds before it."""
    lists = [number for number, result in enumerate(reply.results) if isinstance(result, list)]
    last = lists[-1] if lists else None
    items = list(reply.results[last]) if last is not None else []
    for number, result in enumerate(reply.results):
        if number != last:
            items += result if isinstance(result, list) else [result]
    return [item for item in items if item is not None]


def parse_push(reply: Reply) -> str:
    """Read update-remote-system: the remote id, or "". Raises as `parse_pull`, but for not implemented.   Source: MIR-060, MIR-061."""
    _raise_for(reply)
    ids = [text for text in map(_id_text, _items(reply)) if text]
    return ids[-1] if ids else ""


def parse_report(reply: Reply) -> PushReport:
    """What one of our packs tells of a push beside its answer; nothing from others. Raises nothing, whatever became of the call."""
    told: dict[str, Any] = {}
    for item in _items(reply):
        ours = item.get("casemirror") if isinstance(item, Mapping) and not wire_entries.is_entry(item) else None
        told |= ours if isinstance(ours, Mapping) else {}

    def labels(name: str) -> frozenset[str]:
        found = told.get(name)
        return frozenset(str(each) for each in found) if isinstance(found, list) else frozenset()

    return PushReport(unsent=labels("unsent"), unknown=labels("unknown"), record=str(told.get("record") or ""))


def parse_fetch(reply: Reply) -> tuple[dict[str, Any], ...]:
    """Read fetch-incidents: the raw incident dicts, from `incidents()` and from entries with their JSON text alike.

    Raises as `parse_push`.   Source: mirroring.md §1.4; MIR-037…042.
    """
    _raise_for(reply)
    found = list(reply.incidents or ())
    for item in _items(reply):
        contents = item.get("Contents") if isinstance(item, Mapping) else None
        contents = _list_in(contents) if isinstance(contents, str) else contents
        found += contents if isinstance(contents, list) else []
    return tuple(dict(item) for item in found if isinstance(item, Mapping))


def _said(item: Any) -> Any:
    """The text of an entry that says nothing else: ServiceNow v2 answers its test with an entry, not with a bare text."""
    if isinstance(item, Mapping) and isinstance(item.get("Contents"), str):
        return item["Contents"] or item.get("HumanReadable") or ""
    return item


def parse_test(reply: Reply) -> None:
    """Read test-module. Raises CommandFailed with the text unless the one result is `ok`.   Source: MIR-035, MIR-036."""
    text = error_text(reply)
    items = [_said(item) for item in _items(reply)]
    if reply.ending is Ending.NORMAL and not text and items == ["ok"]:
        return
    text = text or "\n".join(item if isinstance(item, str) else wire_entries.json_text(item) for item in items)
    raise CommandFailed(short(text) or "the test gave no answer; it should answer “ok”", detail=text)


def parse_schema(reply: Reply) -> dict[str, Any]:
    """Read get-mapping-fields: {type or schema name: {field: description, sample value, or nested object}}.

    Raises as `parse_push`.   Source: mirroring.md §1.8; MIR-059.
    """
    _raise_for(reply)
    schema: dict[str, Any] = {}
    for item in _items(reply):
        value = item.get("Contents") if isinstance(item, Mapping) and wire_entries.looks_like_entry(item) else item
        schema |= {str(key): part for key, part in value.items()} if isinstance(value, Mapping) else {}
    return schema


def parse_answer(reply: Reply) -> Any:
    """What a script answered: one value as it is, several as a list, an entry's contents. Raises as `parse_push`.

    Source: content.md §3.5.
    """
    _raise_for(reply)
    values = [
        item.get("Contents") if isinstance(item, Mapping) and wire_entries.looks_like_entry(item) else item
        for item in reply.results
    ]
    return values[0] if len(values) == 1 else values or None


def parse_entries(reply: Reply) -> tuple[InboundEntry, ...]:
    """What any command run by hand answered, as entries for the war room; errors are entries of kind 4. Raises nothing."""
    found = list(_shown(reply))
    if reply.error:
        found.append(InboundEntry(contents=reply.error, kind=EntryKind.ERROR))
    return tuple(found)


def _shown(reply: Reply) -> Iterator[InboundEntry]:
    for item in _items(reply):
        if isinstance(item, Mapping) and wire_entries.is_entry(item):
            entry = wire_entries.parse_entry(item, reply.folder)
            missing = f"File {item.get('File')} was announced, but the integration did not write it."
            yield entry or InboundEntry(contents=missing, kind=EntryKind.ERROR)
        elif isinstance(item, str):
            yield InboundEntry(contents=item)
        else:
            yield InboundEntry(contents=wire_entries.json_text(item), format="json")


def _items(reply: Reply) -> Iterator[Any]:
    """All results with lists opened, without None."""
    for result in reply.results:
        yield from (item for item in (result if isinstance(result, list) else [result]) if item is not None)


def _id_text(value: Any) -> str | None:
    """A remote id as text; None when the value is none. Integrations give numbers, too (MIR-046)."""
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value == "":
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _list_in(text: str) -> list[Any] | None:
    """The list that is written in a text as JSON; None when there is none."""
    if not text.lstrip().startswith("["):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list) else None
