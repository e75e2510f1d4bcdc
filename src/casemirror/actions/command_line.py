"""``!command key=value "another value"``: read what a person types into a war room.

Values are quoted as in a shell, by ``"``, ``'`` or a backtick; a word without ``key=`` is the default argument.
"""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from casemirror.content.items import Argument
from casemirror.model.errors import Invalid

_KEYED = re.compile(r"^([A-Za-z_][\w.-]*)=(.*)$", re.DOTALL)


@dataclass(frozen=True)
class Typed:
    """A command as it was typed: its name, and words with their key (None: a bare word)."""

    name: str
    words: tuple[tuple[str | None, str], ...]


def parse(text: str) -> Typed:
    """Take a command line apart. Raises Invalid for none and for an open quote."""
    lexer = shlex.shlex(text.strip().removeprefix("!"), posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.commenters, lexer.quotes, lexer.escapedquotes = True, "", "\"'`", '"'
    try:
        words = list(lexer)
    except ValueError as error:
        raise Invalid(f"the command line has an open quote ({str(error).lower()})") from error
    if not words:
        raise Invalid("there is no command; write one as in: !get-remote-data id=42 lastUpdate=2024-01-31T10:20:30Z")
    return Typed(words[0], tuple(_split(word) for word in words[1:]))


def _split(word: str) -> tuple[str | None, str]:
    keyed = _KEYED.match(word)
    return (keyed.group(1), keyed.group(2)) if keyed else (None, word)


def arguments(typed: Typed, declared: Sequence[Argument]) -> dict[str, str]:
    """The arguments that the command gets, defaults filled in. Raises Invalid for unknown and for missing ones."""
    known = {argument.name: argument for argument in declared}
    default = next((argument.name for argument in declared if argument.is_default), None)
    given: dict[str, str] = {}
    for key, value in typed.words:
        name = key
        if key is None or (key not in known and default is not None and default not in given):
            name, value = default, value if key is None else f"{key}={value}"
        if name is None:
            raise Invalid(f"{typed.name}: {value!r} stands without a name; write it as name=value{_known(declared)}")
        if name not in known:
            raise Invalid(f"{typed.name} has no argument {name!r}{_near(name, list(known)) or _known(declared)}")
        if name in given:
            raise Invalid(f"{typed.name}: {name} is given twice")
        given[name] = value
    filled = {a.name: a.default for a in declared if a.default is not None} | given
    missing = [a.name for a in declared if a.required and not filled.get(a.name)]
    if missing:
        raise Invalid(f"{typed.name} needs {', '.join(f'{name}=…' for name in missing)}")
    return filled


def _near(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, 3)
    return f"; did you mean {', '.join(near)}?" if near else ""


def _known(declared: Sequence[Argument]) -> str:
    return f" (it takes {', '.join(a.name for a in declared)})" if declared else " (it takes none)"
