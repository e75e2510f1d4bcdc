"""Patterns that come out of mappers: compiled once, stopped when they take too long, replaced by the server's rules."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import regex

from casemirror.mapping.value import OperatorFailed

TIMEOUT_S: Final = 1.0
"""Longest time that a pattern may run on one value."""

_REFERENCE: Final = regex.compile(r"\$(?:\$|\{(\w+)\}|(\w+))")


@lru_cache(maxsize=1000)
def _compiled(text: str, ignore_case: bool) -> Any:
    try:
        return regex.compile(text, regex.IGNORECASE if ignore_case else 0)
    except (regex.error, RecursionError, OverflowError, ValueError, IndexError, KeyError) as error:
        raise OperatorFailed(f"the pattern cannot be read: {error}") from None


def found_in(pattern: str, text: str, *, ignore_case: bool = False) -> bool:
    """Search anywhere in the text. Raises OperatorFailed for a bad pattern, TimeoutError.   Source: MAP-037."""
    return _compiled(pattern, ignore_case).search(text, timeout=TIMEOUT_S) is not None


def substitute(pattern: str, template: str, text: str) -> str:
    """Replace all matches; ``$1``, ``${1}``, ``$name``, ``$$`` in the template. Raises as `found_in`.   Source: MAP-056."""
    return str(_compiled(pattern, False).sub(lambda match: _expand(template, match), text, timeout=TIMEOUT_S))


def _expand(template: str, match: Any) -> str:
    """Fill a template; a group that does not exist is empty, as in the server's dialect (RE2)."""

    def group(reference: Any) -> str:
        name = reference[1] or reference[2]
        if not name:
            return "$"
        try:
            return match[int(name) if name.isdigit() else name] or ""
        except (IndexError, ValueError):
            return ""

    return str(_REFERENCE.sub(group, template))
