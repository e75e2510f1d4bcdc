"""`casemirror policy`: who wins when both sides changed a field."""

from __future__ import annotations

from typing import Annotated

import typer

from casemirror.cli import output, session
from casemirror.cli.session import AsJson

app = typer.Typer(
    no_args_is_help=True, help="Who wins when a field changed on both sides, by instance, type and field."
)

Instance = Annotated[str, typer.Option(help="Only with this instance.")]
OfType = Annotated[str, typer.Option("--type", help="Only for this incident type.")]
Field = Annotated[str, typer.Option(help="Only for this field, by machine or display name.")]


@app.command("list")
def list_(ctx: typer.Context, json: AsJson = False) -> None:
    """Show what is set. Of several that fit, a field counts before a type, and a type before an instance.

    \b
    Example:
      casemirror policy list
    """
    from casemirror.actions import policies

    with session.opened(ctx) as (mirror, me):
        found = policies.list_all(mirror, me)
    if json:
        output.data(
            [{"method": c.method.value, "instance": name, "type": c.type, "field": c.field} for c, name in found]
        )
        return
    rows = [(c.field or "every", c.type or "every", name or "every", c.method.value) for c, name in found]
    output.table(("field", "type", "instance", "method"), rows, empty="nothing is set: `mirror.conflict` applies")


@app.command("set")
def set_(
    ctx: typer.Context,
    method: Annotated[
        str,
        typer.Argument(help="local, remote, newest, xsoar-dirty, union (lists), append (texts), max (numbers), ask."),
    ],
    instance: Instance = "",
    type: OfType = "",
    field: Field = "",
) -> None:
    """Set the method for a field, a type, an instance, or any combination of them.

    It decides only when both sides changed the field; a change on one side always goes to the other. It takes effect at
    the next turn of each lane.

    \b
    Examples:
      casemirror policy set ask --field severity
      casemirror policy set union --instance snow --field "Affected Hosts"
      casemirror policy set remote --type "ServiceNow Ticket"
    """
    from casemirror.actions import policies

    with session.opened(ctx) as (mirror, me):
        found = policies.put(mirror, me, method, instance=instance, type=type, field=field)
    output.line(f"set: {found.method.value}")


@app.command()
def remove(ctx: typer.Context, instance: Instance = "", type: OfType = "", field: Field = "") -> None:
    """Take back what was set for exactly this.

    \b
    Example:
      casemirror policy remove --field severity
    """
    from casemirror.actions import policies

    with session.opened(ctx) as (mirror, me):
        policies.remove(mirror, me, instance=instance, type=type, field=field)
    output.line("removed")
