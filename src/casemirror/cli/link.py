"""`casemirror link`: tie incidents to remote objects."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from casemirror.cli import link_adopt, link_follow, output, session
from casemirror.cli.session import AsJson

app = typer.Typer(no_args_is_help=True, help="Links: which incident is which remote object.")
app.command("find")(link_adopt.find)
app.command("import")(link_adopt.import_)
app.command("follow")(link_follow.follow)


@app.command()
def add(
    ctx: typer.Context,
    incident: Annotated[int, typer.Argument(help="Number of the incident.")],
    instance: Annotated[str, typer.Argument(help="Name of the instance.")],
    remote_id: Annotated[str, typer.Argument(help="Id of the remote object; without it, one is created.")] = "",
    direction: Annotated[str, typer.Option(help="In, Out or Both.")] = "Both",
    tag: Annotated[list[str] | None, typer.Option(help="Entries with this tag go out; several: repeat it.")] = None,
    json: AsJson = False,
) -> None:
    """Link an incident to a remote object, or have one created.

    \b
    Examples:
      casemirror link add 3 tracker --tag comments --tag files
      casemirror link add 3 snow 46d44a0ea9fe19810012d100cca80666 --direction In
    """
    from casemirror.actions import links
    from casemirror.model.ids import IncidentId

    tags = tuple(part.strip() for text in tag or () for part in text.split(",") if part.strip())
    with session.opened(ctx) as (mirror, me):
        made = links.add(
            mirror, me, IncidentId(incident), instance, remote_id=remote_id, direction=direction, tags=tags
        )
    if json:
        output.data(shown(made))
        return
    what = remote_id or "an object that is yet to be created"
    output.line(f"incident {incident} is linked to {made.instance_name}: {what} ({made.direction.value})")
    if made.direction.outbound and not tags:
        output.line("no comments and files go out by this link, since it has no tags (--tag)")


@app.command()
def retry(
    ctx: typer.Context,
    incident: Annotated[int, typer.Argument(help="Number of the incident.")],
    instance: Annotated[str, typer.Argument(help="Name of the instance; without it, all links of the incident.")] = "",
    json: AsJson = False,
) -> None:
    """Try again at once what waits after a failure or is held.

    A creation whose outcome nobody saw is begun anew: look first whether the object is there.

    \b
    Example:
      casemirror link retry 3 tracker
    """
    from casemirror.actions import links
    from casemirror.model.ids import IncidentId

    with session.opened(ctx) as (mirror, me):
        found = links.retry(mirror, me, IncidentId(incident), instance)
    if json:
        output.data([shown(link) for link in found])
        return
    output.line(f"incident {incident} is tried again at {', '.join(link.instance_name for link in found)}")


@app.command()
def remove(
    ctx: typer.Context,
    incident: Annotated[int, typer.Argument(help="Number of the incident.")],
    instance: Annotated[str, typer.Argument(help="Name of the instance.")],
) -> None:
    """Cut the tie to an instance. The incident and the remote object stay as they are.

    \b
    Example:
      casemirror link remove 3 tracker
    """
    from casemirror.actions import links
    from casemirror.model.ids import IncidentId

    with session.opened(ctx) as (mirror, me):
        cut = links.remove(mirror, me, IncidentId(incident), instance)
    output.line(f"incident {incident} is no longer linked to {cut.instance_name} {cut.remote_id}".rstrip())


@app.command("set-primary")
def set_primary(
    ctx: typer.Context,
    incident: Annotated[int, typer.Argument(help="Number of the incident.")],
    instance: Annotated[str, typer.Argument(help="Name of the instance.")],
) -> None:
    """Make a link the primary one: the one that the incident's dbotMirror fields show.

    \b
    Example:
      casemirror link set-primary 3 snow
    """
    from casemirror.actions import links
    from casemirror.model.ids import IncidentId

    with session.opened(ctx) as (mirror, me):
        links.set_primary(mirror, me, IncidentId(incident), instance)
    output.line(f"incident {incident}: {instance} is the primary link")


@app.command("list")
def list_(
    ctx: typer.Context, incident: Annotated[int, typer.Argument(help="Number of the incident.")], json: AsJson = False
) -> None:
    """Show the links of an incident.

    \b
    Example:
      casemirror link list 3
    """
    from casemirror.actions import links
    from casemirror.model.ids import IncidentId

    with session.opened(ctx) as (mirror, me):
        found = links.list_all(mirror, me, IncidentId(incident))
    if json:
        output.data([shown(link) for link in found])
        return
    rows = [
        (k.instance_name, k.remote_id or "(to be created)", k.direction.value, k.tags, k.primary, k.last_sync_at, k.remote_said or k.error_in or k.error_out or k.held_reason)
        for k in found
    ]  # fmt: skip
    output.table(
        ("instance", "remote id", "direction", "tags", "primary", "last sync", "error"),
        rows,
        empty="not linked to anything",
    )


def shown(link: Any) -> dict[str, Any]:
    """A link as JSON."""
    names = (
        "id primary direction tags state held_reason since_at last_sync_at last_push_at error_in error_out remote_closed "
        "remote_state remote_since remote_words remote_new_id"
    ).split()
    return {
        "incident": str(link.incident_id),
        "instance": link.instance_name,
        "remoteId": link.remote_id,
        **{name: getattr(link, name) for name in names},
        "queued": link.wanted > link.done,
    }
