"""What a failure looks like on a command line: one clear line on stderr, and the exit code that says whose turn it is."""

from __future__ import annotations

import sys
from typing import Any

import typer
from typer.core import TyperGroup

from casemirror.model.errors import BadRequest, CasemirrorError

FAILED = 1
"""It was tried and did not work out."""
REFUSED = 2
"""It cannot be done as asked; the same code that a wrong option has."""


class Group(TyperGroup):
    """The root of all commands: turns our own errors into a line and an exit code; a bug keeps its traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except BadRequest as error:
            _tell(error.message)
            code = REFUSED
        except CasemirrorError as error:
            _tell(error.message)
            code = FAILED
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                raise
            _tell(str(error))
            code = FAILED
        raise typer.Exit(code)


def _tell(message: str) -> None:
    lines = " ".join(line.strip() for line in message.splitlines() if line.strip())
    sys.stderr.write(f"casemirror: {lines}\n")
