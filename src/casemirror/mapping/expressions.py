"""Compiled value expressions and how they are evaluated.   Source: content.md §3.4; MAP-017…045."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from casemirror.mapping import filters, script, scripted, transformers
from casemirror.mapping.operators import Arguments, Filter, Sides, Transformer, bare
from casemirror.mapping.outside import NOWHERE, Outside, Step
from casemirror.mapping.paths import Path, keys_of, resolve
from casemirror.mapping.value import FAILURES, NOTHING, Value, absent, as_list, json_of, text_of
from casemirror.model.values import Json, is_empty


class StepFailed(Exception):  # noqa: N818  internal: carries which operator failed
    """A step failed: the one field is dropped."""

    def __init__(self, operator: str, text: str) -> None:
        super().__init__(text)
        self.operator = operator
        self.text = text


class Expression(Protocol):
    """Something that can be evaluated on a source object."""

    @property
    def reads(self) -> frozenset[str]:
        """First keys of all paths that it may look at (values, operands, arguments)."""
        ...

    def evaluate(self, source: Value, outside: Outside = NOWHERE) -> Value:
        """The value; NOTHING when there is none. Raises StepFailed."""
        ...

    def told(self, source: Value) -> bool:
        """Say whether the source has what the value is made of; a constant is always told."""
        ...


@dataclass(frozen=True)
class Constant:
    """A literal; NOTHING for an empty expression."""

    value: Value = NOTHING
    reads: frozenset[str] = frozenset()

    def evaluate(self, source: Value, outside: Outside = NOWHERE) -> Value:
        """The literal."""
        return self.value

    def told(self, source: Value) -> bool:
        """Always, unless it is nothing."""
        return self.value is not NOTHING


@dataclass(frozen=True)
class Lookup:
    """A path."""

    path: Path | None

    @property
    def reads(self) -> frozenset[str]:
        """The path's first key."""
        return keys_of(self.path)

    def evaluate(self, source: Value, outside: Outside = NOWHERE) -> Value:
        """What the path leads to."""
        return resolve(self.path, source)

    def told(self, source: Value) -> bool:
        """It leads somewhere, if only to null."""
        return resolve(self.path, source) is not NOTHING


@dataclass(frozen=True)
class Template:
    """Text with placeholders; a missing one is empty."""

    parts: tuple[str | Path | None, ...]

    @property
    def reads(self) -> frozenset[str]:
        """First keys of the placeholders."""
        return frozenset[str]().union(*(keys_of(p) for p in self.parts if not isinstance(p, str)))

    def evaluate(self, source: Value, outside: Outside = NOWHERE) -> Value:
        """The text, filled."""
        return "".join(p if isinstance(p, str) else _shown(p, source) for p in self.parts)

    def told(self, source: Value) -> bool:
        """Any placeholder leads somewhere."""
        return any(resolve(p, source) is not NOTHING for p in self.parts if not isinstance(p, str))


def _shown(path: Path | None, source: Value) -> str:
    try:
        return text_of(resolve(path, source))
    except FAILURES as error:
        raise StepFailed("", f"cannot be written as text: {error}") from None


@dataclass(frozen=True)
class Scripted:
    """``.=`` and an expression; `val` is the source."""

    text: str
    reads: frozenset[str] = frozenset()

    def evaluate(self, source: Value, outside: Outside = NOWHERE) -> Value:
        """The expression's value."""
        try:
            return script.evaluate(self.text, source, outside.now)
        except FAILURES as error:
            raise StepFailed(".=", str(error)) from None

    def told(self, source: Value) -> bool:
        """Its value does not come from one place: told when there is one."""
        return True


def _step(
    outside: Outside, kind: str, name: str, before: Value, args: Mapping[str, Value], work: Callable[[], Value]
) -> Value:
    """Do one step and tell whoever watches. Raises StepFailed."""
    try:
        after, error = work(), ""
    except FAILURES as failed:
        after, error = NOTHING, str(failed) or type(failed).__name__
    if outside.watch is not None:
        outside.watch(Step(kind=kind, name=name, before=before, after=after, args=args, error=error))
    if error:
        raise StepFailed(name, error)
    return after


@dataclass(frozen=True)
class Condition:
    """One comparison of a filter; without `filter` its name may be that of a script."""

    name: str
    filter: Filter | None
    left: Expression
    right: Expression
    left_is_inner: bool
    right_is_inner: bool
    ignore_case: bool

    def holds(self, item: Value, source: Value, outside: Outside = NOWHERE) -> bool:
        """Compare for one item. Raises StepFailed."""
        left = self.left.evaluate(item if self.left_is_inner else source, outside)
        right = self.right.evaluate(item if self.right_is_inner else source, outside)

        def compare() -> Value:
            if self.filter is None:
                return scripted.passes(outside, bare(self.name), left, right)
            return filters.passes(self.filter, left, right, Sides(self.ignore_case, outside))

        return _step(outside, "filter", self.name, left, {"right": right}, compare) is True


@dataclass(frozen=True)
class Transformation:
    """One transformer with its arguments; without `transformer` its name may be that of a script."""

    name: str
    transformer: Transformer | None
    arguments: Mapping[str, Expression]

    def apply(self, value: Value, source: Value, outside: Outside = NOWHERE) -> Value:
        """Transform. Raises StepFailed."""
        given = {name: argument.evaluate(source, outside) for name, argument in self.arguments.items()}

        def transform() -> Value:
            if self.transformer is None:
                return scripted.transform(outside, bare(self.name), value, given)
            return transformers.apply(self.transformer, value, Arguments(given, source, outside))

        return _step(outside, "transformer", self.name, value, given, transform)


@dataclass(frozen=True)
class Complex:
    """Root and accessor, filters (AND of ORs) over the root's elements, transformers in a row.

    whole      root and accessor as one path, used without filters
    path       how that path is written
    """

    whole: Expression
    root: Expression
    accessor: Path | None
    groups: tuple[tuple[Condition, ...], ...] = ()
    steps: tuple[Transformation, ...] = ()
    reads: frozenset[str] = field(default_factory=frozenset)
    path: str = ""

    def evaluate(self, source: Value, outside: Outside = NOWHERE) -> Value:
        """Fetch, select, transform. Raises StepFailed."""
        value = self._selected(source, outside) if self.groups else self.whole.evaluate(source, outside)
        if outside.watch is not None:
            outside.watch(Step(kind="path", name=self.path, before=NOTHING, after=value))
        for step in self.steps:
            value = step.apply(value, source, outside)
        return value

    def told(self, source: Value) -> bool:
        """The path leads somewhere; with filters: the root does."""
        return self.root.told(source) if self.groups else self.whole.told(source)

    def _selected(self, source: Value, outside: Outside) -> Value:
        items = [i for i in as_list(self.root.evaluate(source, outside)) if self._passes(i, source, outside)]
        if not items:
            return NOTHING
        if self.accessor is not None:
            return resolve(self.accessor, items)
        return items[0] if len(items) == 1 else items

    def _passes(self, item: Json, source: Value, outside: Outside) -> bool:
        return all(any(c.holds(item, source, outside) for c in group) for group in self.groups)


def produce(expression: Expression, source: Value, outside: Outside = NOWHERE) -> Value:
    """Evaluate; an empty list that was made of nothing is nothing. Raises StepFailed."""
    value = expression.evaluate(source, outside)
    if outside.watch is not None and not isinstance(expression, Complex):
        outside.watch(Step(kind="path", name="", before=NOTHING, after=value))
    if value == [] and not expression.told(source):
        return NOTHING
    return NOTHING if absent(value) and not expression.told(source) else value


def starts_empty(expression: Expression, source: Value) -> bool:
    """Say whether the value that a complex expression transforms is empty: mappers often do not guard against it."""
    try:
        return isinstance(expression, Complex) and is_empty(json_of(expression.whole.evaluate(source)))
    except StepFailed:
        return False
