"""One thing that an integration must do so that it can be mirrored with, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from casemirror.actions.contract.bench import Bench, Call

PASSED: Final = "passed"
FAILED: Final = "failed"
SKIPPED: Final = "skipped"

Outcome = Literal["passed", "failed", "skipped"]


class Broken(Exception):
    """The point does not hold; the text says what was seen instead."""


class NotTried(Exception):
    """The point could not be tried, or does not concern this integration; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """One point of the scorecard.

    name     stable, as in ``poll.names_changes``
    rule     what is so when it holds, as a sentence without its subject
    source   section or number of the contract
    advice   what to do when it does not hold
    work     tries it; raises Broken or NotTried, and lets errors of commands through: they break the point, too
    flag     attribute of the integration without which the point does not concern it
    needs    abilities of the remote
    real     it can be tried at a real remote, too; `writes`: on the object that may be written to
    """

    name: str
    rule: str
    source: str
    advice: str
    work: Callable[[Bench], None]
    flag: str = ""
    needs: tuple[str, ...] = ()
    real: bool = False
    writes: bool = False


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What came of a point; `trace` are the calls that were made for it."""

    point: Point
    outcome: Outcome
    text: str = ""
    trace: tuple[Call, ...] = ()


def must(holds: object, otherwise: str) -> None:
    """Raise Broken unless it holds."""
    if not holds:
        raise Broken(otherwise)
