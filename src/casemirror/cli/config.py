"""`casemirror config`: the server configuration. Running servers follow a change at once."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from casemirror.cli import output, session
from casemirror.cli.session import AsJson

app = typer.Typer(no_args_is_help=True, help="Server configuration: intervals, limits, who wins.")


@app.command()
def get(
    ctx: typer.Context, name: Annotated[str, typer.Argument(help="Name of the setting.")], json: AsJson = False
) -> None:
    """Show one setting.

    \b
    Example:
      casemirror config get sync.mirror.job.delay
    """
    from casemirror.actions import settings

    with session.opened(ctx) as (mirror, me):
        found = settings.get(mirror, me, name)
    if json:
        output.data(_shown(found))
        return
    output.line(output.cell(found.value) if found.value is not None else "(unset)")


@app.command("set")
def set_(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the setting.")],
    value: Annotated[
        str | None,
        typer.Argument(
            help='Its value; "" brings the default back. A secret is asked for when it is left out; @FILE, env:VARIABLE or - '
            "(standard input) tell where to read it."
        ),
    ] = None,
    json: AsJson = False,
) -> None:
    """Change a setting.

    \b
    Examples:
      casemirror config set sync.mirror.job.delay 5
      casemirror config set mirror.conflict remote
      casemirror config set notify.email.password env:SMTP_PASSWORD
    """
    from casemirror.actions import settings

    text = _given(name, value)
    with session.opened(ctx) as (mirror, me):
        found = settings.put(mirror, me, name, text)
    if json:
        output.data(_shown(found))
        return
    output.line(f"{found.key.name} = {output.cell(found.value) or '(unset)'}")


@app.command("list")
def list_(
    ctx: typer.Context,
    changed: Annotated[bool, typer.Option("--changed", help="Only what was set.")] = False,
    json: AsJson = False,
) -> None:
    """Show all settings with what they mean.

    \b
    Example:
      casemirror config list --changed
    """
    from casemirror.actions import settings

    with session.opened(ctx) as (mirror, me):
        found = [s for s in settings.list_all(mirror, me) if s.is_set or not changed]
    if json:
        output.data([_shown(setting) for setting in found])
        return
    rows = [(s.key.name, output.cell(s.value) + (" *" if s.is_set else ""), s.key.kind, s.key.meaning) for s in found]
    output.table(("name", "value (* set)", "kind", "meaning"), rows, empty="no setting was changed")


def _given(name: str, value: str | None) -> str:
    """The value as it is meant. Raises NotFound for no such setting, Invalid for a value that is missing or open to everybody."""
    from casemirror.cli import given
    from casemirror.model.errors import Invalid
    from casemirror.model.settings import key_named

    key = key_named(name)
    if key.is_secret:
        return given.setting(name, value, is_open=key.kind == "urls")
    if value is None:
        raise Invalid(f'{name}: give its value; "" brings the default back')
    return value


def _shown(setting: Any) -> dict[str, Any]:
    key = setting.key
    return {
        "name": key.name,
        "value": setting.value,
        "default": key.default,
        "set": setting.is_set,
        "kind": key.kind,
        "meaning": key.meaning,
    }
