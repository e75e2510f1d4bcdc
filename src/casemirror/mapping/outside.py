"""What evaluation may ask for beyond its source: the present, scripts of packs, and somebody who watches it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from casemirror.content.items import Script
from casemirror.mapping.value import Value
from casemirror.model.values import Json


class Scripts(Protocol):
    """Scripts of installed packs, to be run as operators."""

    def find(self, name: str) -> Script | None:
        """The script with that id or name."""
        ...

    def run(self, script: Script, args: Mapping[str, Json]) -> Json:
        """What the script answers. Raises OperatorFailed with the reason."""
        ...


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing that evaluation did.

    kind     `rule` (a line of the mapper begins), `path`, `filter`, `transformer`, `cast` (to the field's type), `left out` (with the reason)
    name     the rule's key, the path, the operator, or the type of the field
    before   the value that the step was given; after: what it made of it; NOTHING for no value
    args     what the operator was told beside the value
    error    why the step failed; empty when it did not
    """

    kind: str
    name: str
    before: Value
    after: Value
    args: Mapping[str, Value] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Outside:
    """The world around one evaluation.

    now       the present, which relative dates need; without it they fail
    scripts   runs operators that are no part of casemirror; without it they are unknown
    watch     is told every step
    """

    now: datetime | None = None
    scripts: Scripts | None = None
    watch: Callable[[Step], None] | None = None


NOWHERE: Final = Outside()
"""No world at all: evaluation is a pure function of its source."""
