"""What an operator is: its scope, its function and its arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from casemirror.mapping.outside import NOWHERE, Outside
from casemirror.mapping.value import NOTHING, OperatorFailed, Value, absent, number_of, text_of
from casemirror.model.values import Json


class Scope(Enum):
    """What a transformer is given.

    ITEM    each element of a list, else the value; not called when there is no value
    LIST    the value as a list; an empty one when there is no value
    WHOLE   the value as it is; None when there is none
    """

    ITEM = "item"
    LIST = "list"
    WHOLE = "whole"


@dataclass(frozen=True)
class Arguments:
    """The arguments of one call; those not given are absent.

    source    the whole source object, for operators that read more of it
    outside   the world around the evaluation
    """

    given: Mapping[str, Value]
    source: Value = NOTHING
    outside: Outside = NOWHERE

    def value(self, name: str, default: Value = None) -> Value:
        """An argument as it is."""
        found = self.given.get(name, NOTHING)
        return default if absent(found) else found

    def text(self, name: str, default: str = "") -> str:
        """An argument as text."""
        found = self.given.get(name, NOTHING)
        return default if absent(found) else text_of(found)

    def need(self, name: str) -> str:
        """An argument as text. Raises OperatorFailed when it is missing."""
        found = self.given.get(name, NOTHING)
        if absent(found):
            raise OperatorFailed(f"argument {name!r} is missing")
        return text_of(found)

    def number(self, name: str) -> int | float:
        """An argument as number. Raises OperatorFailed when it is missing or none."""
        return number_of(self.need(name))

    def integer(self, name: str, default: int | None = None) -> int | None:
        """An argument as whole number; `default` when it is missing or empty. Raises OperatorFailed."""
        if self.text(name).strip() == "":
            return default
        return int(self.number(name))

    def flag(self, name: str, *, default: bool) -> bool:
        """An argument as boolean: `true`, `yes`, `1` in any case."""
        word = self.text(name).strip().lower()
        return default if not word else word in ("true", "yes", "1")


Function = Callable[[Value, Arguments], Value]


@dataclass(frozen=True)
class Transformer:
    """A transformer by name."""

    scope: Scope
    function: Function


@dataclass(frozen=True)
class Sides:
    """How a filter compares: with or without regard to case, and the world around the evaluation."""

    ignore_case: bool = False
    outside: Outside = NOWHERE


Test = Callable[[Json, Value, Sides], bool]
"""left, right, how → passes. Raises `value.FAILURES` when a side cannot be cast."""


@dataclass(frozen=True)
class Filter:
    """A filter by name.

    whole     the test sees the left side as it is, no value included; otherwise element by element
    negated   the result is turned round
    """

    test: Test
    whole: bool = False
    negated: bool = False


def items(function: Function) -> Transformer:
    """A transformer of single values."""
    return Transformer(Scope.ITEM, function)


def lists(function: Function) -> Transformer:
    """A transformer of whole lists."""
    return Transformer(Scope.LIST, function)


def wholes(function: Function) -> Transformer:
    """A transformer of the value as it is."""
    return Transformer(Scope.WHOLE, function)


def bare(name: str) -> str:
    """A name without its category prefix: all up to the last dot.   Source: MAP-032, MAP-051."""
    return name.rsplit(".", 1)[-1]
