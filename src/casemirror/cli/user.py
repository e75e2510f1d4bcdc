"""`casemirror user`: who may own an incident, and whom integrations find."""

from __future__ import annotations

from typing import Annotated

import typer

from casemirror.cli import output, session
from casemirror.cli.session import AsJson

app = typer.Typer(no_args_is_help=True, help="Local users: owners of incidents.")


@app.command()
def add(
    ctx: typer.Context,
    username: Annotated[str, typer.Argument(help="Login name.")],
    email: Annotated[str, typer.Option(help="E-mail address; integrations find users by it.")] = "",
    name: Annotated[str, typer.Option(help="Full name.")] = "",
    json: AsJson = False,
) -> None:
    """Add a user.

    \b
    Example:
      casemirror user add alice --email alice@example.com --name "Alice Archer"
    """
    from casemirror.actions import users

    with session.opened(ctx) as (mirror, me):
        found = users.add(mirror, me, username, email=email, full_name=name)
    if json:
        output.data(found)
    else:
        output.line(f"added user {found['username']}")


@app.command("list")
def list_(ctx: typer.Context, json: AsJson = False) -> None:
    """Show all users.

    \b
    Example:
      casemirror user list
    """
    from casemirror.actions import users

    with session.opened(ctx) as (mirror, me):
        found = users.list_all(mirror, me)
    if json:
        output.data(found)
        return
    rows = [(u["username"], u["email"], u["name"]) for u in found]
    output.table(("user", "e-mail", "name"), rows, empty="no users yet; `casemirror user add`")


@app.command()
def remove(
    ctx: typer.Context, username: Annotated[str, typer.Argument(help="Login name.")], json: AsJson = False
) -> None:
    """Remove a user.

    \b
    Example:
      casemirror user remove alice
    """
    from casemirror.actions import users

    with session.opened(ctx) as (mirror, me):
        users.remove(mirror, me, username)
    if json:
        output.data({"removed": username})
    else:
        output.line(f"removed user {username}")
