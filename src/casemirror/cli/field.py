"""`casemirror field`: incident fields, those of packs and one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from casemirror.cli import output, session
from casemirror.cli.session import AsJson

app = typer.Typer(no_args_is_help=True, help="Incident fields: list, show, add one's own, remove them.")

Name = Annotated[str, typer.Argument(help="Display or machine name.")]


@app.command("list")
def list_(
    ctx: typer.Context,
    type: Annotated[str, typer.Option(help="Only what incidents of this type show.")] = "",
    json: AsJson = False,
) -> None:
    """Show incident fields.

    \b
    Example:
      casemirror field list --type "ServiceNow Ticket"
    """
    from casemirror.actions import definitions

    with session.opened(ctx) as (mirror, me):
        found = definitions.fields(mirror, me, type)
    if json:
        output.data([_json(field) for field in found])
        return
    rows = [(f.name, f.cli_name, f.type, [o for o in f.select_values if o]) for f in found]
    output.table(
        ("name", "machine name", "kind", "options"), rows, empty="no fields; install a pack, or `casemirror field add`"
    )


@app.command()
def show(ctx: typer.Context, name: Name, json: AsJson = False) -> None:
    """Show one field.

    \b
    Example:
      casemirror field show "Affected Hosts"
    """
    from casemirror.actions import definitions

    with session.opened(ctx) as (mirror, me):
        field, pack = definitions.field(mirror, me, name)
    shown = {**_json(field), "pack": pack}
    if json:
        output.data(shown)
        return
    output.pairs([(key, value) for key, value in shown.items() if value not in ("", None, [], False)], title=field.name)


@app.command()
def add(
    ctx: typer.Context,
    files: Annotated[list[Path] | None, typer.Argument(help="JSON: one field, a list, or an export.")] = None,
    name: Annotated[str, typer.Option(help="Without a file: its display name.")] = "",
    kind: Annotated[str, typer.Option(help="Without a file: shortText, number, date, multiSelect, …")] = "shortText",
    option: Annotated[list[str] | None, typer.Option(help="A choice; may be repeated.")] = None,
    type: Annotated[list[str] | None, typer.Option(help="An incident type that shows it. [default: all]")] = None,
    cli_name: Annotated[str, typer.Option(help="Machine name. [default: from the display name]")] = "",
    open_ended: Annotated[
        bool, typer.Option("--open-ended", help="Other values than the choices may be given.")
    ] = False,
) -> None:
    """Add incident fields, or change those that were added here.

    \b
    Examples:
      casemirror field add --name "Risk score" --kind number
      casemirror field add --name "Site" --kind singleSelect --option Berlin --option Oslo --type "ServiceNow Ticket"
      casemirror field add ./incidentfield-Site.json
    """
    from casemirror.actions import definitions
    from casemirror.model.errors import Invalid

    if bool(files) is bool(name):
        raise Invalid("give files, or describe one field by --name")
    with session.opened(ctx) as (mirror, me):
        if name:
            body = definitions.described(
                name, kind, options=option or (), types=type or (), cli_name=cli_name, open_ended=open_ended
            )
            made = definitions.add_bodies(mirror, me, "incidentfield", [body])
        else:
            made = [item for file in files or () for item in definitions.add_file(mirror, me, "incidentfield", file)]
    for item in made:
        output.line(f"added the field {item.name} ({item.body.get('cliName')})")


@app.command()
def remove(
    ctx: typer.Context,
    name: Name,
    force: Annotated[bool, typer.Option("--force", help="Also when a mapper or incidents use it.")] = False,
) -> None:
    """Remove a field that was added here. Values that incidents hold stay.

    \b
    Example:
      casemirror field remove "Risk score"
    """
    from casemirror.actions import definitions

    with session.opened(ctx) as (mirror, me):
        removed = definitions.remove(mirror, me, "incidentfield", name, force=force)
    output.line(f"removed the field {removed}")


def _json(field: Any) -> dict[str, Any]:
    """A field as JSON."""
    return {
        "name": field.name,
        "cliName": field.cli_name,
        "type": field.type,
        "description": field.description,
        "options": [option for option in field.select_values if option],
        "openEnded": field.open_ended,
        "columns": [column.key for column in field.columns],
        "required": field.required,
        "closeForm": field.close_form,
        "types": "all" if field.associated_to_all else list(field.associated_types),
    }
