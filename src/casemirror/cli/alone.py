"""Groups of commands of which one may be left out."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup


def alone(command: str) -> type[TyperGroup]:
    """A group that means this command when none is named: ``casemirror health snow`` is ``casemirror health show snow``."""

    class Alone(TyperGroup):
        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            named = args and (args[0] in self.commands or args[0] in ctx.help_option_names)
            return super().parse_args(ctx, args if named else [command, *args])

    return Alone
