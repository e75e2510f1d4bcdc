"""`casemirror later`: commands that asked to be run again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from casemirror.cli import output, session
from casemirror.cli.session import AsJson

if TYPE_CHECKING:
    from casemirror.store.laters import Later

app = typer.Typer(no_args_is_help=True, help="Commands that asked to be run again: list them, stop one.")


@app.command("list")
def list_(
    ctx: typer.Context,
    incident: Annotated[int | None, typer.Option("--incident", "-n", help="Only of this incident.")] = None,
    json: AsJson = False,
) -> None:
    """List the commands that wait to be run again; `casemirror serve` runs them, in the war room they were begun in.

    \b
    Example:
      casemirror later list
    """
    from casemirror.actions import laters
    from casemirror.model.ids import IncidentId

    with session.opened(ctx) as (mirror, me):
        found = laters.list_all(mirror, me, None if incident is None else IncidentId(incident))
    if json:
        output.data([shown(later, instance) for later, instance in found])
        return
    rows = [(x.id, x.incident_id, instance, f"!{x.command}", x.user, x.due_at, x.ends_at) for x, instance in found]
    if rows:
        output.table(("id", "incident", "instance", "command", "by", "runs (UTC)", "at the latest until (UTC)"), rows)
    else:
        output.line("nothing waits to be run again")


@app.command()
def stop(
    ctx: typer.Context, number: Annotated[int, typer.Argument(metavar="ID", help="As `later list` shows it.")]
) -> None:
    """Run a command no more.

    \b
    Example:
      casemirror later stop 7
    """
    from casemirror.actions import laters

    with session.opened(ctx) as (mirror, me):
        found = laters.stop(mirror, me, number)
    output.line(f"!{found.command} of incident {found.incident_id} is not run again")


def shown(later: Later, instance: str) -> dict[str, Any]:
    """One as JSON."""
    return {
        "id": later.id,
        "incident": str(later.incident_id),
        "instance": instance,
        "command": later.command,
        "arguments": sorted(later.args),
        "user": later.user,
        "due": later.due_at,
        "ends": later.ends_at,
    }
