"""What people give on a command line: ``name=value`` pairs, and secrets that must not stand there."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from casemirror.model.errors import Invalid


def pairs(texts: Iterable[str], what: str) -> dict[str, str]:
    """``name=value`` texts → name → value; ``name=@file`` is the file's text. Raises Invalid."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise Invalid(f"{what} {text!r}: write it as name=value")
        if name.strip() in found:
            raise Invalid(f"{what} {name.strip()!r} is given twice")
        found[name.strip()] = _file(value[1:], name) if value.startswith("@") and len(value) > 1 else value
    return found


def secrets(texts: Iterable[str]) -> dict[str, str]:
    """Secrets by name: asked for, or read from a file (``name=@file``), the environment (``name=env:VAR``) or stdin.

    A bare name is asked for at a terminal; without one, each takes the next line of stdin. Raises Invalid.
    """
    return {name: _secret(name, source) for name, _, source in (text.partition("=") for text in texts)}


def _secret(name: str, source: str) -> str:
    if not name.strip():
        raise Invalid("a secret needs the name of its parameter")
    if not source:
        return _asked(name)
    value = read(name, source)
    if value is None:
        raise Invalid(
            f"secret {name}: on a command line everybody on this machine can read it; "
            f"write --secret {name} to be asked, {name}=@FILE, {name}=env:VARIABLE, or {name}=- for standard input"
        )
    return value


def setting(name: str, source: str | None, *, is_open: bool) -> str:
    """The value of a secret setting, from where `source` says; asked for when there is none.

    is_open   one that is written out on the command line is taken, too. Raises Invalid otherwise.
    """
    if source is None:
        return _asked(name)
    value = read(name, source)
    if value is not None or is_open or not source:
        return source if value is None else value
    raise Invalid(
        f"{name}: on a command line everybody on this machine can read it; leave it out to be asked, or write @FILE, "
        "env:VARIABLE, or - for standard input"
    )


def read(name: str, source: str) -> str | None:
    """What a source names: a file (``@file``), the environment (``env:VAR``), standard input (``-``); None: none of these."""
    if source.startswith("@"):
        return _file(source[1:], name).rstrip("\r\n")
    if source.startswith("env:"):
        variable = source.removeprefix("env:")
        if variable not in os.environ:
            raise Invalid(f"secret {name}: the environment has no variable {variable}")
        return os.environ[variable]
    return sys.stdin.read().rstrip("\r\n") if source == "-" else None


def _asked(name: str) -> str:
    if sys.stdin.isatty():
        return getpass.getpass(f"{name}: ")
    line = sys.stdin.readline()
    if not line:
        raise Invalid(f"secret {name}: standard input has no line for it")
    return line.rstrip("\r\n")


def _file(path: str, name: str) -> str:
    try:
        return Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise Invalid(f"{name}: {path} cannot be read: {reason}") from error
