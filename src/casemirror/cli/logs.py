"""Logs: to stderr, JSON for machines and readable for people, without any secret in them."""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any, Final

import structlog

from casemirror.runtime.masking import MASK, Masker

_LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_TELLING: Final = re.compile(r"passw|secret|token|apikey|api_key|authorization|credential", re.IGNORECASE)
"""Keys whose values are never shown."""
_USERINFO: Final = re.compile(r"(\w+://[^/\s:@]*):[^/\s@]+@")
_FRESH_S: Final = 5.0
"""A secret that was added while the server runs is masked after at most that long."""


class Secrets:
    """A log processor that masks every known secret, and whatever stands under a telling key."""

    def __init__(self) -> None:
        self.source: Callable[[], Iterable[str]] = tuple
        self._masker = Masker(())
        self._read_at = -_FRESH_S

    def __call__(self, _: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Mask one event."""
        mask = self._current()
        return {key: self._clean(key, value, mask) for key, value in event.items()}

    def _clean(self, key: str, value: Any, mask: Masker) -> Any:
        if _TELLING.search(key):
            return MASK
        return without_password(mask(value)) if isinstance(value, str) else value

    def _current(self) -> Masker:
        if time.monotonic() - self._read_at >= _FRESH_S:
            self._read_at = time.monotonic()
            try:
                self._masker = Masker(self.source())
            except Exception:  # noqa: BLE001  a log line must not fail because the database does; the last list still holds
                return self._masker
        return self._masker


def without_password(text: str) -> str:
    """A text with the passwords of URLs masked."""
    return _USERINFO.sub(rf"\1:{MASK}@", text)


def configure(level: str, form: str, secrets: Secrets) -> None:
    """Set logging up for this process; safe to call again."""
    readable = form == "text" or (form == "auto" and sys.stderr.isatty())
    last: list[Any] = (
        [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)]
        if readable
        else [structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            secrets,
            *last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr, format="%(message)s", force=True)
