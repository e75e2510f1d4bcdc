"""How far long work is, on stderr, so that it never disturbs what a program reads."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from casemirror.cli import output

EVERY = 100
"""Steps between two lines where nobody sees a line being rewritten."""


@contextmanager
def shown(what: str) -> Iterator[Callable[[int, int], None]]:
    """Tell how far one kind of work is."""
    with phases() as tell:
        yield lambda done, of: tell(what, done, of)


@contextmanager
def phases() -> Iterator[Callable[[str, int, int], None]]:
    """Tell what is done and how far it is: a terminal sees one line that changes, a file a line for every hundred steps."""
    terminal, length = sys.stderr.isatty(), 0

    def tell(what: str, done: int, of: int) -> None:
        nonlocal length
        text = output.clean(f"{what}: {done} of {of}")
        if terminal:
            sys.stderr.write(f"\r{text:<{length}}")
            sys.stderr.flush()
            length = len(text)
        elif done and done % EVERY == 0:
            sys.stderr.write(f"{text}\n")

    try:
        yield tell
    finally:
        if terminal and length:
            sys.stderr.write(f"\r{' ' * length}\r")
            sys.stderr.flush()
