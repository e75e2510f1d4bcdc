"""`casemirror demo`: see it work, in a folder of its own, without touching anything else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from casemirror.cli import session


def demo(
    ctx: typer.Context,
    once: Annotated[
        bool, typer.Option("--once", help="End after the proof, with exit code 0 when all sides agree, else 1.")
    ] = False,
    home: Annotated[
        Path | None, typer.Option(help="Empty or new folder for everything. [default: a temporary one]")
    ] = None,
) -> None:
    """See two ticket systems being kept the same: a simulated ServiceNow and a real Roundup tracker, on this machine only.

    Tickets are opened, changed, commented, given files, closed and reopened on every side; then all sides are compared.

    \b
    Examples:
      casemirror demo
      casemirror demo --once
      casemirror demo --home ./demo
    """
    folder = home or session.typed_home(ctx)
    from casemirror.cli.demo import play

    raise typer.Exit(play.play(folder, once=once))
