"""`casemirror type`: incident types, those of packs and one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from casemirror.cli import output, session
from casemirror.cli.session import AsJson

app = typer.Typer(no_args_is_help=True, help="Incident types: list, show, add one's own, remove them.")

Name = Annotated[str, typer.Argument(help="Its name.")]


@app.command("list")
def list_(ctx: typer.Context, json: AsJson = False) -> None:
    """Show incident types.

    \b
    Example:
      casemirror type list
    """
    from casemirror.actions import definitions

    with session.opened(ctx) as (mirror, me):
        found = definitions.types(mirror, me)
    if json:
        output.data([{"name": t.name, "playbook": t.playbook, "disabled": t.disabled} for t in found])
        return
    rows = [(t.name, t.playbook, t.disabled) for t in found]
    output.table(
        ("name", "playbook (not run)", "disabled"), rows, empty="no types; install a pack, or `casemirror type add`"
    )


@app.command()
def show(ctx: typer.Context, name: Name, json: AsJson = False) -> None:
    """Show one incident type: its fields, and what must be given to close.

    \b
    Example:
      casemirror type show "ServiceNow Ticket"
    """
    from casemirror.actions import definitions

    with session.opened(ctx) as (mirror, me):
        found, pack, fields = definitions.type_(mirror, me, name)
    to_close = [f.name for f in fields if f.close_form]
    needed = [f.name for f in fields if f.close_form and f.required]
    shown = {
        "name": found.name,
        "pack": pack,
        "playbook": found.playbook,
        "closureScript": found.closure_script,
        "layout": found.layout,
        "disabled": found.disabled,
        "closeForm": to_close,
        "neededToClose": needed,
        "fields": [f.name for f in fields],
    }
    if json:
        output.data(shown)
        return
    output.pairs([(key, value) for key, value in shown.items() if value not in ("", None, [], False)], title=found.name)


@app.command()
def add(
    ctx: typer.Context,
    files: Annotated[list[Path] | None, typer.Argument(help="JSON: one type, a list, or an export.")] = None,
    name: Annotated[str, typer.Option(help="Without a file: its name.")] = "",
) -> None:
    """Add incident types, or change those that were added here.

    \b
    Examples:
      casemirror type add --name "Lost laptop"
      casemirror type add ./incidenttype-Lost_laptop.json
    """
    from casemirror.actions import definitions
    from casemirror.model.errors import Invalid

    if bool(files) is bool(name):
        raise Invalid("give files, or a name by --name")
    with session.opened(ctx) as (mirror, me):
        if name:
            body: dict[str, Any] = {"id": name, "name": name, "color": "#1d6fa5", "version": -1}
            made = definitions.add_bodies(mirror, me, "incidenttype", [body])
        else:
            made = [item for file in files or () for item in definitions.add_file(mirror, me, "incidenttype", file)]
    for item in made:
        output.line(f"added the incident type {item.name}")


@app.command()
def remove(
    ctx: typer.Context,
    name: Name,
    force: Annotated[bool, typer.Option("--force", help="Also when a mapper or incidents use it.")] = False,
) -> None:
    """Remove an incident type that was added here. Incidents keep its name.

    \b
    Example:
      casemirror type remove "Lost laptop"
    """
    from casemirror.actions import definitions

    with session.opened(ctx) as (mirror, me):
        removed = definitions.remove(mirror, me, "incidenttype", name, force=force)
    output.line(f"removed the incident type {removed}")
