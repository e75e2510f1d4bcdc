"""`casemirror key`: the master key that secrets are encrypted with."""

from __future__ import annotations

import typer

from casemirror.cli import output, session
from casemirror.cli.session import AsJson

app = typer.Typer(no_args_is_help=True, help="The master key of the stored secrets.")


@app.command()
def rotate(ctx: typer.Context, json: AsJson = False) -> None:
    """Make a new master key and encrypt every secret by it.

    Copies of the old key file open nothing afterwards; make a new backup of the file `key` in the home folder.

    \b
    Example:
      casemirror key rotate
    """
    from casemirror.actions import keys

    path = session.of(ctx).options().key
    with session.opened(ctx) as (mirror, me):
        count = keys.rotate(mirror, me, path)
    if json:
        output.data({"secrets": count, "key": str(path)})
    else:
        output.line(f"{count} secrets are encrypted by a new key now; back up {path}")
