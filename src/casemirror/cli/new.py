"""`casemirror new`: an integration to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from casemirror.cli import output
from casemirror.cli.session import AsJson


def new(
    name: Annotated[str, typer.Argument(help="Letters and digits, a capital first: AcmeTickets.")],
    into: Annotated[Path, typer.Option(help="Folder in which the new folder is made.")] = Path(),
    json: AsJson = False,
) -> None:
    """Write a new integration that mirrors: all six commands, classifier, mappers, type, fields, and tests that pass.

    It works at once, against a small ticket system that its tests bring along; make both speak with your product.

    \b
    Example:
      casemirror new AcmeTickets
      cd AcmeTickets
      python -m pytest
      casemirror check . --simulator tests/fake_remote.py
      casemirror dev . --simulator tests/fake_remote.py
    """
    from casemirror.actions import scaffold

    made = scaffold.create(name, into)
    if json:
        output.data({"folder": str(made.folder), "integration": made.integration, "files": made.files})
        return
    output.line(f"wrote {output.many(len(made.files), 'file')} into {made.folder}")
    for file in made.files:
        output.line(f"  {file}")
    output.line(
        f"\nREADME.md in it says what to do next; `casemirror check {made.folder}` says how well it keeps the contract"
    )
