"""`casemirror chaos`: break everything at random, then prove that nothing is lost and nothing doubled."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def chaos(
    seed: Annotated[
        int,
        typer.Option(help="Repeats the edits and faults of a run, though not their exact times. 0: a new one.", min=0),
    ] = 0,
    minutes: Annotated[float, typer.Option(help="How long people work and things go wrong.", min=0.1)] = 2.0,
    database_url: Annotated[
        str, typer.Option(help="An empty PostgreSQL database: two workers share it. [default: SQLite and one server]")
    ] = "",
    only: Annotated[
        list[str], typer.Option(help="Only this kind of fault, by its name in the table; may be repeated.")
    ] = [],  # noqa: B006  typer copies it
    without: Annotated[
        list[str], typer.Option(help="Leave a kind of fault out, by its name in the table; may be repeated.")
    ] = [],  # noqa: B006  typer copies it
    keep: Annotated[
        Path | None, typer.Option(help="Empty or new folder for everything. [default: a temporary one]")
    ] = None,
) -> None:
    """Two simulated ticket systems, people at work on all sides, faults and kills at random; then the proof.

    When the time is over the faults end, and casemirror has to come to rest: all sides agree, no comment, file or ticket is
    lost or doubled, nothing was sent back to where it came from. What is wrong is shown with its history, exit code 1.

    \b
    Examples:
      casemirror chaos
      casemirror chaos --seed 7 --minutes 10 --keep ./chaos
      casemirror chaos --database-url postgresql://casemirror@localhost/chaos
    """
    from casemirror.cli.chaos import faults, play
    from casemirror.model.errors import Invalid

    unknown = {*without, *only} - set(faults.KINDS)
    if unknown:
        raise Invalid(f"{', '.join(sorted(unknown))} is no kind of fault; there are {', '.join(faults.KINDS)}")
    left_out = {*without, *(set(faults.KINDS) - set(only) if only else ())}
    raise typer.Exit(play.play(seed=seed, minutes=minutes, database_url=database_url, wanted=keep, without=left_out))
