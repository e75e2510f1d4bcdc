"""Issues and what they consist of: frozen values, replaced as a whole when they change, so that late searches see the former ones."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Comment:
    """Times in seconds since the epoch."""

    id: str
    author: str
    body: str
    created_s: float
    updated_s: float
    update_author: str


@dataclass(frozen=True, kw_only=True)
class Attachment:
    id: str
    author: str
    filename: str
    body: bytes
    mime_type: str
    created_s: float


@dataclass(frozen=True, kw_only=True)
class Issue:
    """values   settable field → its stored value (`fields.stored`)

    resolved_s   when it got its resolution; None = unresolved
    """

    id: int
    key: str
    status: str
    creator: str
    created_s: float
    updated_s: float
    values: Mapping[str, Any]
    resolution: str | None = None
    resolved_s: float | None = None
    comments: tuple[Comment, ...] = field(default=())
    attachments: tuple[Attachment, ...] = field(default=())

    @property
    def project(self) -> str:
        return self.key.rpartition("-")[0]
