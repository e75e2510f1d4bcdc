"""`casemirror conflict`: fields that both sides changed and that wait for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from casemirror.cli import output, session
from casemirror.cli.session import AsJson

if TYPE_CHECKING:
    from casemirror.actions.conflicts import Open

app = typer.Typer(no_args_is_help=True, help="Conflicts that wait for a person (method ask): list, show, resolve.")

Number = Annotated[int, typer.Argument(help="Number of the incident.")]


@app.command("list")
def list_(ctx: typer.Context, json: AsJson = False) -> None:
    """Show all fields that wait for a decision.

    \b
    Example:
      casemirror conflict list
    """
    from casemirror.actions import conflicts

    with session.opened(ctx) as (mirror, me):
        found = conflicts.list_all(mirror, me)
    _show(found, json, "no conflict waits for a decision")


@app.command()
def show(ctx: typer.Context, incident: Number, json: AsJson = False) -> None:
    """Show the fields of one incident that wait for a decision.

    \b
    Example:
      casemirror conflict show 3
    """
    from casemirror.actions import conflicts
    from casemirror.model.ids import IncidentId

    with session.opened(ctx) as (mirror, me):
        found = conflicts.list_all(mirror, me, IncidentId(incident))
    _show(found, json, f"incident {incident} is in no conflict")


@app.command()
def resolve(
    ctx: typer.Context,
    incident: Number,
    field: Annotated[str, typer.Argument(help="The field, by machine or display name.")],
    winner: Annotated[str, typer.Argument(help="local (ours) or remote (theirs).")] = "",
    value: Annotated[str | None, typer.Option(help="Another value, for both sides.")] = None,
    instance: Annotated[str, typer.Option(help="Only the conflict with this instance.")] = "",
    always: Annotated[
        bool, typer.Option("--always", help="Do the same whenever this field is in conflict there.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Say which side counts; the other one is written at once.

    \b
    Examples:
      casemirror conflict resolve 3 severity remote
      casemirror conflict resolve 3 "Snow State" local --always
      casemirror conflict resolve 3 details --value "Both are right: the printer and the network."
    """
    from casemirror.actions import conflicts
    from casemirror.model.ids import IncidentId

    with session.opened(ctx) as (mirror, me):
        found = conflicts.resolve(
            mirror, me, IncidentId(incident), field, winner=winner, value=value, instance=instance, always=always
        )
    if json:
        output.data([_json(each) for each in found])
        return
    for each in found:
        output.line(
            f"{each.field} of incident {incident}: {winner or 'the given value'} counts, with {each.link.instance_name} too"
        )


def _show(found: list[Open], json: bool, empty: str) -> None:
    if json:
        output.data([_json(each) for each in found])
        return
    rows = [
        (e.incident.id, e.field, e.link.instance_name, e.local, e.conflict.remote, e.conflict.base, e.conflict.since)
        for e in found
    ]
    output.table(("incident", "field", "instance", "here", "there", "before", "since"), rows, empty=empty)


def _json(each: Open) -> dict[str, Any]:
    return {
        "incident": str(each.incident.id),
        "field": each.field,
        "instance": each.link.instance_name,
        "local": each.local,
        "remote": each.conflict.remote,
        "base": each.conflict.base,
        "since": each.conflict.since,
    }
