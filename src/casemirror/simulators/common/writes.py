"""Who wrote what: every write of people and programs, in the order in which it was done, whatever its answer was."""

from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

KEPT = 200_000
"""Writes that are remembered; the oldest are forgotten first."""


@dataclass(frozen=True, kw_only=True)
class Write:
    """One write.

    at        seconds since the epoch by the machine's clock, also when the instance's own clock is off
    by        user name; "" when nobody is known
    verb      create, update, delete, attach
    values    columns as they were sent (of a file: file_name), journal texts among them
    changed   the record is another one now; an update may say what is there already
    """

    at: float
    by: str
    verb: str
    table: str
    sys_id: str
    values: Mapping[str, str]
    changed: bool = True

    def to_json(self) -> dict[str, Any]:
        """As the control interface shows it."""
        return asdict(self)


class WriteLog:
    """Append-only; safe to append to from several threads."""

    def __init__(self) -> None:
        self._writes: deque[Write] = deque(maxlen=KEPT)

    def add(self, write: Write) -> None:
        self._writes.append(write)

    def all(self) -> list[Write]:
        """All writes, oldest first."""
        return list(self._writes)

    def clear(self) -> None:
        self._writes.clear()
