"""One run of the program: where the data lies, who is asking, and the App that answers."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from casemirror.cli.build import Options
    from casemirror.engine.app import App
    from casemirror.model.actor import Actor

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
"""The option that every command has."""


@dataclass(frozen=True, kw_only=True)
class Session:
    """What was said before the command's name; empty values come from the environment, the file, or are defaults."""

    home: Path | None
    database_url: str
    log_level: str

    def options(self) -> Options:
        """All options, resolved. Raises Invalid."""
        from casemirror.cli import build

        return build.options(self.home, self.database_url, self.log_level)


def of(ctx: typer.Context) -> Session:
    """The session that a command runs in."""
    found = ctx.find_object(Session)
    assert found is not None
    return found


def typed_home(ctx: typer.Context) -> Path | None:
    """The home folder that stands on the command line; one of the environment means the real data, and is none here."""
    source = ctx.parent.get_parameter_source("home") if ctx.parent else None
    return of(ctx).home if source is not None and source.name == "COMMANDLINE" else None


@contextmanager
def opened(ctx: typer.Context) -> Iterator[tuple[App, Actor]]:
    """The App, and the person at the keyboard, who is an administrator: whoever can read the database may do everything."""
    from casemirror.cli import build

    options = of(ctx).options()
    with build.opened(options) as app:
        yield app, me()


def me() -> Actor:
    """The local administrator, by login name."""
    from casemirror.model.actor import Actor, Role

    try:
        name = getpass.getuser()
    except (OSError, KeyError):
        name = "admin"
    return Actor(name, Role.ADMINISTRATOR)
