"""Patterns that come out of mappers: compiled once, stopped when they take too long, replaced by the server's rules."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import regex

from casemirror.mapping.value import OperatorFailed

TIMEOUT_S: Final = 1.0
"""Longest time that a pattern may run on one value."""

_FLAGS: Final = {
    "i": int(regex.IGNORECASE),
    "m": int(regex.MULTILINE),
    "s": int(regex.DOTALL),
    "u": int(regex.UNICODE),
    "1": int(regex.VERSION1),
}
MOST: Final = 100_000
"""Most matches that are taken of one value."""
_REFERENCE: Final = regex.compile(r"\$(?:\$|\{(\w+)\}|(\w+))")


@lru_cache(maxsize=1000)
def _compiled(text: str, flags: str = "") -> Any:
    """Compile with the flags `i` (case), `m` (lines), `s` (dot takes line ends), `u`, `1` (sets within sets)."""
    try:
        return regex.compile(text, sum(_FLAGS[flag] for flag in set(flags)))
    except (regex.error, RecursionError, OverflowError, ValueError, IndexError, KeyError) as error:
        raise OperatorFailed(f"the pattern cannot be read: {error}") from None


def found_in(pattern: str, text: str, *, ignore_case: bool = False) -> bool:
    """Search anywhere in the text. Raises OperatorFailed for a bad pattern, TimeoutError.   Source: MAP-037."""
    return _compiled(pattern, "i" if ignore_case else "").search(text, timeout=TIMEOUT_S) is not None


def matches(pattern: str, text: str, flags: str, *, whole: bool) -> bool:
    """Search anywhere in the text; `whole`: what is found first must be all of it. Raises as `found_in`."""
    match = _compiled(pattern, flags).search(text, timeout=TIMEOUT_S)
    return match is not None and (not whole or match.span() == (0, len(text)))


def substitute(pattern: str, template: str, text: str) -> str:
    """Replace all matches; ``$1``, ``${1}``, ``$name``, ``$$`` in the template. Raises as `found_in`.   Source: MAP-056."""
    return str(_compiled(pattern).sub(lambda match: _expand(template, match), text, timeout=TIMEOUT_S))


def groups_of_first(pattern: str, text: str, flags: str) -> list[str | None]:
    """The groups of the first match; empty without one. Raises as `found_in`."""
    match = _compiled(pattern, flags).search(text, timeout=TIMEOUT_S)
    return list(match.groups()) if match else []


def all_matches(pattern: str, text: str, flags: str) -> list[str | list[str | None]]:
    """Every match: its text, its only group, or its groups; a group that took no part is empty. Raises as `found_in`."""
    found: list[str | list[str | None]] = []
    for match in _compiled(pattern, flags).finditer(text, timeout=TIMEOUT_S):
        groups = [group or "" for group in match.groups()]
        found.append(match.group() if not groups else groups[0] if len(groups) == 1 else list(groups))
        if len(found) > MOST:
            raise OperatorFailed(f"the pattern matches more than {MOST} times")
    return found


def spans_of_groups(pattern: str, text: str) -> list[tuple[int, int]]:
    """Where the groups of all matches stand, in order, outer ones before inner ones. Raises as `found_in`."""
    found = _compiled(pattern).finditer(text, timeout=TIMEOUT_S)
    spans = [match.span(number) for match in found for number in range(1, len(match.groups()) + 1)]
    return sorted((span for span in spans if span[0] >= 0), key=lambda span: (span[0], -span[1]))


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
