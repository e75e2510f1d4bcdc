"""What the filter language of `ExtFilter` is made of: outcomes, paths, references and the words between expressions.

A filter both tests and changes: what passes is handed on, changed or not, and what does not pass is left out. No operator
is known here.   Source: public documentation of ExtFilter (syntax, DT); content.md §4.2 row 43.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from casemirror.mapping import transform_language
from casemirror.mapping.paths import compile_path
from casemirror.mapping.value import NOTHING, OperatorFailed, Value, absent, json_of, shorten, text_of
from casemirror.model.values import Json

MOST_STEPS: Final = 1_000_000
"""Most expressions and conditions that one call may evaluate."""
DEEPEST: Final = 25
"""Deepest nesting of operators; each level takes about ten frames of the interpreter's 1000."""
DEEPEST_JSON: Final = 100
LARGEST: Final = 5_000_000
"""Most characters and elements that a filter may have or build."""

CONTEXTS: Final = {"": "ctx_demisto", "inputs": "ctx_inputs", "list": "ctx_lists", "incident": "ctx_incident"}
"""First word of a reference → the argument that holds what it refers to; other words are keys of `ctx_demisto`."""

_REFERENCE: Final = re.compile(r"\$\{([^{}]*)\}")
_FIRST_WORD: Final = re.compile(r"[^.=(\[\s]*")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a filter made of a value.

    value   what is handed on; without a hit null, or a list in which nothing passed; NOTHING when there is nothing to put
    hit     the value passed
    """

    value: Value
    hit: bool


MISS: Final = Outcome(None, False)

Change: TypeAlias = Callable[[Value], Outcome]


@dataclass(kw_only=True)
class Run:
    """One call: what references lead to, and how much of the allowance is used.

    root       what ``${local}`` refers to
    contexts   first word of a reference → value
    now        the present, for references that compute with it
    """

    root: Value
    contexts: Mapping[str, Value]
    now: datetime | None = None
    steps: int = 0
    depth: int = 0

    @contextmanager
    def nested(self) -> Iterator[None]:
        """Count one evaluation. Raises OperatorFailed when they are too many, or too deep inside each other."""
        self.steps += 1
        self.depth += 1
        if self.steps > MOST_STEPS or self.depth > DEEPEST:
            raise OperatorFailed(f"the filter takes more than {MOST_STEPS} steps or {DEEPEST} levels")
        try:
            yield
        finally:
            self.depth -= 1

    def fill(self, template: Json, current: Value) -> Json:
        """The template with its references replaced, in keys too; a text that is one reference becomes its value."""
        if isinstance(template, str):
            return self._fill_text(template, current)
        if isinstance(template, Mapping):
            return {text_of(self.fill(k, current)): self.fill(v, current) for k, v in template.items()}
        if isinstance(template, list | tuple):
            return [self.fill(part, current) for part in template]
        return template

    def _fill_text(self, template: str, current: Value) -> Json:
        alone = _REFERENCE.fullmatch(template)
        if alone:
            return json_of(self._look_up(alone[1].strip(), current))
        return _REFERENCE.sub(lambda match: text_of(self._look_up(match[1].strip(), current)), template)

    def _look_up(self, reference: str, current: Value) -> Value:
        """``..`` and ``.key`` start at the current value, ``local`` at the root, other words in the contexts."""
        if reference.startswith(".."):
            rest = reference[2:]
            return transform_language.evaluate("." + rest if rest[:1] in ("", "=", "(") else rest, current, self.now)
        if reference.startswith(".") and reference[1:2] not in ("", "=", "("):
            return transform_language.evaluate(reference[1:], current, self.now)
        word = _FIRST_WORD.match(reference)
        return transform_language.evaluate(reference, self._world(word[0] if word else "", reference), self.now)

    def _world(self, word: str, reference: str) -> Value:
        if word == "local":
            return {"local": json_of(self.root)}
        prefix = word if word in CONTEXTS else ""
        world = self.contexts.get(prefix, NOTHING)
        if absent(world):
            raise OperatorFailed(f"the filter refers to {reference!r}, but argument {CONTEXTS[prefix]!r} is missing")
        return {prefix: json_of(world)} if prefix else world

    def structure(self, filter_: Json, current: Value) -> Mapping[str, Json] | list[Json]:
        """A filter that must be an object or a list; a text is filled and parsed. Raises OperatorFailed."""
        if isinstance(filter_, str):
            filter_ = self.fill(filter_, current)
            filter_ = parsed(filter_) if isinstance(filter_, str) else filter_
        if isinstance(filter_, Mapping):
            return filter_
        if isinstance(filter_, list | tuple):
            return list(filter_)
        raise OperatorFailed(f"the filter has {shorten(filter_)} where an object or a list belongs")


def each(value: Value, change: Change) -> Outcome:
    """The elements of a list one by one, of which those are kept that pass; any other value as one."""
    if not isinstance(value, list | tuple):
        found = change(value)
        return found if found.hit else MISS
    kept = [json_of(found.value) for found in map(change, value) if found.hit]
    return Outcome(kept, bool(kept))


def keys_of(path: Json) -> tuple[str, ...]:
    """The keys along a path; none for a blank one. Raises OperatorFailed for indexes."""
    steps = compile_path(text_of(path)) or ()
    keys = tuple(step for step in steps if isinstance(step, str))
    if len(keys) < len(steps):
        raise OperatorFailed(f"the path {shorten(path)} has an index; a filter's paths consist of keys")
    return keys


def at_path(value: Value, keys: tuple[str, ...], change: Change) -> Outcome:
    """Change what a path leads to, in a copy of the value; lists on the way keep the elements of which it passes.

    A path that leads nowhere is tried with NOTHING; what comes of that is put there, objects on the way included.
    """
    if not keys:
        return change(value)
    if isinstance(value, list | tuple):
        return each(value, lambda item: at_path(item, keys, change))
    members = value if isinstance(value, Mapping) else {}
    found = at_path(members.get(keys[0], NOTHING), keys[1:], change)
    if found.value is NOTHING:
        return Outcome(value, found.hit)
    if found == MISS or not (absent(value) or isinstance(value, Mapping)):
        return MISS
    return Outcome({**members, keys[0]: json_of(found.value)}, found.hit)


def combine(terms: list[Json], value: Value, evaluate: Callable[[Value, Json], Outcome]) -> Outcome:
    """Terms with words between them, from left to right: `and` where there is none, `not` for the next term.

    What passes `and` is handed to the next term as changed; `or` tries the next term on the value as it was.
    Raises OperatorFailed when a word has no term behind it.
    """
    found, word, turned, first = Outcome(value, True), "", False, True
    for term in terms:
        if term in ("and", "or"):
            word = str(term)
        elif term == "not":
            turned = not turned
        else:
            start = value if word == "or" and not first else found.value
            if found.hit != (word == "or" and not first):
                found = _turned(start, evaluate(start, term), turned)
            word, turned, first = "", False, False
    if word or turned:
        raise OperatorFailed(f"the filter ends with {word or 'not'!r}, behind which a term belongs")
    return found


def _turned(value: Value, found: Outcome, turned: bool) -> Outcome:
    if not turned:
        return found
    return MISS if found.hit else Outcome(value, True)


def parsed(text: str) -> Json:
    """JSON out of a text. Raises OperatorFailed that says where it is broken."""
    try:
        found: Json = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise OperatorFailed(f"{shorten(text)} is no JSON: {error}") from None
    return bounded(found)


def literal(text: str) -> Json:
    """A text as JSON; one that does not even look like JSON is itself. Raises OperatorFailed."""
    try:
        return parsed(text)
    except OperatorFailed:
        if text.strip().startswith(("[", "{", '"')):
            raise
        return text


def bounded(value: Json) -> Json:
    """The value, unless it is larger or deeper than a filter may build; then OperatorFailed is raised."""
    room, stack = LARGEST, [(value, 0)]
    while stack:
        top, depth = stack.pop()
        room -= 1 + (len(top) if isinstance(top, str | list | tuple | Mapping) else 0)
        if room < 0 or depth > DEEPEST_JSON:
            raise OperatorFailed(f"the filter has or builds more than {LARGEST} characters or {DEEPEST_JSON} levels")
        if isinstance(top, Mapping):
            stack += [(part, depth + 1) for part in top.values()]
        elif isinstance(top, list | tuple):
            stack += [(part, depth + 1) for part in top]
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")
