"""Who asks for something, and what such a person may do at all."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Role(IntEnum):
    """What a person may do; each role may do what the lower ones may."""

    READ_ONLY = 1
    """look"""
    ANALYST = 2
    """work on incidents"""
    ADMINISTRATOR = 3
    """packs, instances, settings, keys, users"""

    @property
    def title(self) -> str:
        """How people write it."""
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True)
class Actor:
    """A person or client behind a request; the name stands in the audit trail and in entries."""

    name: str
    role: Role
