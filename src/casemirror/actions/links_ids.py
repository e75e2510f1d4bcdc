"""Where incidents hold the id of a remote object: in fields, in labels, somewhere within a text.

Patterns run with the package `regex`, as those of mappers do: the syntax of Python's `re`, and a time limit (decision 0014).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import regex

from casemirror.actions import fields
from casemirror.content.catalog import Catalog
from casemirror.mapping.targets import Place
from casemirror.model.errors import Invalid
from casemirror.model.incident import Incident
from casemirror.model.values import Json

LABELS: Final = "labels"
"""How people name all labels; `labels.NAME` is one of them."""
LONGEST_PATTERN: Final = 500
"""Characters of a pattern."""
LONGEST_ID: Final = 200
"""Characters of an id; a longer text is none."""
TIMEOUT_S: Final = 1.0
"""Longest time that a pattern may run on one text."""
_LAST: Final = frozenset({"id", "number", "key"})
_OF: Final = frozenset(
    "ticket case external foreign remote source alert issue incident event record system sys".split()
)
_WORD: Final = regex.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@dataclass(frozen=True, kw_only=True)
class Source:
    """A field (machine name) or labels that may hold a remote id.

    label       the label of this name; empty: every label
    named_as_id of these, only labels whose names say that they hold one
    """

    field: str = ""
    label: str = ""
    named_as_id: bool = False

    @property
    def title(self) -> str:
        """In words."""
        if self.named_as_id:
            return "labels that are named as ids"
        return self.field or (f"{LABELS}.{self.label}" if self.label else LABELS)

    def takes(self, name: str) -> bool:
        """Say whether a label of this name is meant."""
        if self.named_as_id:
            return tells_an_id(name)
        return not self.label or self.label.casefold() == name.casefold()


@dataclass(frozen=True, kw_only=True)
class Found:
    """An id and where it stands."""

    remote_id: str
    where: str


@dataclass(frozen=True, kw_only=True)
class Search:
    """Where to look and for what; `pattern` None: the whole value is the id."""

    sources: tuple[Source, ...]
    pattern: Any = None

    def ids(self, incident: Incident) -> list[Found]:
        """Every id once, in the order of the sources. Raises Invalid when the pattern takes too long."""
        found: dict[str, Found] = {}
        for where, text in _texts(self.sources, incident):
            for part in self._in(text, where, incident):
                remote_id = part.strip()
                if remote_id and len(remote_id) <= LONGEST_ID and remote_id.isprintable():
                    found.setdefault(remote_id, Found(remote_id=remote_id, where=where))
        return list(found.values())

    def _in(self, text: str, where: str, incident: Incident) -> list[str]:
        if self.pattern is None:
            return [text]
        try:
            return [match.group(1) or "" for match in self.pattern.finditer(text, timeout=TIMEOUT_S)]
        except TimeoutError:
            raise Invalid(
                f"--regex takes longer than {TIMEOUT_S:g} s on {where} of incident {incident.id}; repeats within repeats "
                "do that, as in (a+)+: write it without them"
            ) from None


def search(names: Sequence[str], pattern: str, catalog: Catalog) -> Search:
    """Where to look: the given fields and labels, else those whose names say that they hold a foreign id.

    Raises Invalid for an unknown field or an unusable pattern.
    """
    compiled = _compiled(pattern) if pattern else None
    sources = tuple(_source(name, catalog) for name in names) or tuple(_usual(catalog, every_label=bool(pattern)))
    return Search(sources=tuple(dict.fromkeys(sources)), pattern=compiled)


def _source(name: str, catalog: Catalog) -> Source:
    head, dot, label = name.strip().partition(".")
    if head.casefold() == LABELS:
        if dot and not label:
            raise Invalid(f"--field {name}: name the label behind the dot, or write {LABELS} for all of them")
        return Source(label=label)
    target = fields.find(name, catalog)
    if target.place is not Place.FIELD:
        raise Invalid(f"--field {target.name}: it is about a link, so an incident without one has none")
    return Source(field=target.name)


def _usual(catalog: Catalog, *, every_label: bool) -> Iterator[Source]:
    """Custom fields whose names say that they hold a foreign id; and labels: all of them when a pattern picks the id."""
    for each in sorted(catalog.fields.values(), key=lambda each: each.cli_name):
        if tells_an_id(each.name):
            yield Source(field=each.cli_name)
    yield Source(named_as_id=not every_label)


def tells_an_id(name: str) -> bool:
    """The name of a field or label says that it holds the id of something elsewhere: “Alert ID”, `ticket_number`."""
    words = [word.casefold() for word in _WORD.findall(name)]
    return bool(words) and words[-1] in _LAST and (len(words) == 1 or words[-2] in _OF)


def _texts(sources: Sequence[Source], incident: Incident) -> Iterator[tuple[str, str]]:
    for source in sources:
        if source.field:
            for text in _leaves(incident.get(source.field)):
                yield source.field, text
            continue
        for label in incident.labels:
            name = label.get("type", "")
            if source.takes(name):
                yield f"{LABELS}.{name}", label.get("value", "")


def _leaves(value: Json) -> Iterator[str]:
    """Every text and whole number within a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, int) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _leaves(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _leaves(inner)


def _compiled(pattern: str) -> Any:
    """Compile a pattern with one group. Raises Invalid, pointing at the place."""
    if len(pattern) > LONGEST_PATTERN:
        raise Invalid(f"--regex has {len(pattern)} characters; {LONGEST_PATTERN} are the most")
    try:
        compiled = regex.compile(pattern)
    except regex.error as error:
        raise Invalid(f"--regex cannot be read: {_told(pattern, error)}") from None
    except (RecursionError, OverflowError, ValueError, IndexError, KeyError) as error:
        raise Invalid(f"--regex cannot be read: {error or type(error).__name__}") from None
    if compiled.groups != 1:
        count = "no group" if not compiled.groups else f"{compiled.groups} groups"
        raise Invalid(
            f"--regex has {count}; put (…) around the id and nothing else, and (?:…) around what only belongs together"
        )
    return compiled


def _told(pattern: str, error: Any) -> str:
    """What is wrong, and where: a mark stands in front of the place."""
    at = error.pos or 0
    return f"{error.msg} at character {at + 1}: {pattern[:at]}▶{pattern[at:]}"
