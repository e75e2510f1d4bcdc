"""What commands show: tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

PIPE_WIDTH = 200
"""Characters of a line that does not go to a terminal."""


def data(value: Any) -> None:
    """Print JSON."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=_plain))


def line(text: str) -> None:
    """Print one line for a person."""
    typer.echo(clean(text))


def warn(text: str) -> None:
    """Print a warning on stderr, so that it never disturbs what a program reads."""
    typer.echo(f"warning: {clean(text)}", err=True)


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str = "nothing", title: str = "") -> None:
    """Print a table, or `empty` when there is nothing to show."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    shown = [[cell(value) for value in row] for row in rows]
    if not shown:
        line(empty)
        return
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=title or None, title_justify="left")
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in shown:
        drawn.add_row(*(Text(value) for value in row))
    console().print(drawn)


def pairs(rows: Iterable[tuple[str, Any]], *, title: str = "") -> None:
    """Print names with their values."""
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, show_header=False, pad_edge=False, title=title or None, title_justify="left")
    drawn.add_column(style="bold", no_wrap=True)
    drawn.add_column(overflow="fold")
    for name, value in rows:
        drawn.add_row(Text(name), Text(cell(value)))
    console().print(drawn)


def heading(text: str) -> None:
    """Print a heading."""
    from rich.text import Text

    console().print(Text(f"\n{clean(text)}", style="bold"))


def console() -> Console:
    """Where people read."""
    from rich.console import Console

    is_terminal = sys.stdout.isatty()
    return Console(file=sys.stdout, width=None if is_terminal else PIPE_WIDTH, highlight=False, emoji=False)


def cell(value: Any) -> str:
    """A value as a person reads it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return time(value)
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(cell(v) for v in value)
    if isinstance(value, Mapping):
        return clean(json.dumps(value, ensure_ascii=False, default=_plain))
    return clean(str(value))


def many(count: int, noun: str) -> str:
    """A number with its noun."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def time(at: datetime | None) -> str:
    """A time, UTC, to the second."""
    return "" if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def clean(text: str) -> str:
    """A text without control characters: what a remote wrote must not steer this terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)


def _plain(value: Any) -> Any:
    """What JSON cannot hold, as something that it can."""
    if isinstance(value, datetime):
        from casemirror.model.values import time_text

        return time_text(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)
