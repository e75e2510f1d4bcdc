"""`casemirror policy`: who wins when both sides changed a field, and who owns a field that several instances have."""

from __future__ import annotations

from typing import Annotated

import typer

from casemirror.cli import output, session
from casemirror.cli.session import AsJson

app = typer.Typer(
    no_args_is_help=True,
    help="Who wins when a field changed on both sides, by instance, type, field and link; and who owns a field.",
)

Instance = Annotated[str, typer.Option(help="Only with this instance.")]
OfType = Annotated[str, typer.Option("--type", help="Only for this incident type.")]
Field = Annotated[str, typer.Option(help="Only for this field, by machine or display name.")]
Link = Annotated[
    int | None, typer.Option("--incident", min=1, help="Only for the link of this incident to --instance.")
]


@app.command("list")
def list_(ctx: typer.Context, json: AsJson = False) -> None:
    """Show what is set, and who owns which field.

    Of several that fit, a link counts before a field, a field before a type, and a type before an instance.

    \b
    Example:
      casemirror policy list
    """
    from casemirror.actions import policies

    with session.opened(ctx) as (mirror, me):
        found, owners = policies.list_all(mirror, me), policies.owners(mirror, me)
    if json:
        methods = [
            {"method": c.method.value, "instance": name, "type": c.type, "field": c.field, "incident": _number(c.incident)}
            for c, name in found
        ]  # fmt: skip
        owned = [
            {"owner": name, "field": o.field, "type": o.type, "incident": _number(o.incident)} for o, name in owners
        ]
        output.data({"methods": methods, "owners": owned})
        return
    rows = [
        (c.field or "every", c.type or "every", name or "every", c.incident or "every", c.method.value)
        for c, name in found
    ]
    columns = ("field", "type", "instance", "incident", "method")
    output.table(columns, rows, empty="no method is set: `mirror.conflict` applies")
    if owners:
        owned_rows = [(o.field, o.type or "every", o.incident or "every", name) for o, name in owners]
        output.table(("field", "type", "incident", "owned by"), owned_rows)


def _number(incident: int) -> str:
    return str(incident) if incident else ""


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
    incident: Link = None,
) -> None:
    """Set the method for a field, a type, an instance, or any combination of them; or for the link of one incident.

    It decides only when both sides changed the field; a change on one side always goes to the other. It takes effect at
    the next turn of each lane.

    \b
    Examples:
      casemirror policy set ask --field severity
      casemirror policy set union --instance snow --field "Affected Hosts"
      casemirror policy set remote --type "ServiceNow Ticket"
      casemirror policy set remote --incident 3 --instance snow --field severity
    """
    from casemirror.actions import policies

    with session.opened(ctx) as (mirror, me):
        found = policies.put(mirror, me, method, instance=instance, type=type, field=field, incident=incident or 0)
    output.line(f"set: {found.method.value}")


@app.command()
def remove(
    ctx: typer.Context, instance: Instance = "", type: OfType = "", field: Field = "", incident: Link = None
) -> None:
    """Take back what was set for exactly this.

    \b
    Example:
      casemirror policy remove --field severity
    """
    from casemirror.actions import policies

    with session.opened(ctx) as (mirror, me):
        policies.remove(mirror, me, instance=instance, type=type, field=field, incident=incident or 0)
    output.line("removed")


@app.command()
def owner(
    ctx: typer.Context,
    field: Annotated[str, typer.Argument(help="The field, by machine or display name.")],
    instance: Annotated[str, typer.Argument(help="The instance that owns it.")] = "",
    none: Annotated[bool, typer.Option("--none", help="Nobody owns it any more.")] = False,
    type: OfType = "",
    incident: Annotated[int | None, typer.Option(min=1, help="Only for this incident.")] = None,
) -> None:
    """Let one instance own a field, for incidents that are linked to it and to others.

    What another instance changes of the field is not taken; where the field goes out to that instance, our value is sent
    back at once. What people change here goes out everywhere, as ever. It takes effect at the next turn of each lane.

    \b
    Examples:
      casemirror policy owner severity snow
      casemirror policy owner "Affected Hosts" tracker --type "ServiceNow Ticket"
      casemirror policy owner severity --none
    """
    from casemirror.actions import policies
    from casemirror.model.errors import Invalid

    if bool(instance) is none:
        raise Invalid("give the instance that owns the field, or --none")
    with session.opened(ctx) as (mirror, me):
        if none:
            policies.remove_owner(mirror, me, field, type=type, incident=incident or 0)
        else:
            policies.put_owner(mirror, me, field, instance, type=type, incident=incident or 0)
    output.line(f"nobody owns {field} by itself" if none else f"{instance} owns {field}")
