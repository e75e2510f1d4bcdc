"""`casemirror incident`: look at incidents and work on them. What is changed here is on its way to the remotes at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from casemirror.cli import case_view, given, output, session
from casemirror.cli import link as link_command
from casemirror.cli.session import AsJson

if TYPE_CHECKING:
    from casemirror.actions.warroom import Said
    from casemirror.engine.app import App
    from casemirror.model.actor import Actor
    from casemirror.model.ids import IncidentId

app = typer.Typer(no_args_is_help=True, help="Incidents: list, show, edit, comment, attach, close, reopen.")
app.command("link")(link_command.add)

Number = Annotated[int, typer.Argument(help="Number of the incident.")]
Tags = Annotated[
    list[str] | None, typer.Option("--tag", "-t", help="A tag; what bears a tag of a link goes out by it.")
]


@app.command("list")
def list_(
    ctx: typer.Context,
    status: Annotated[str, typer.Option(help="pending, active, closed or archived.")] = "",
    type: Annotated[str, typer.Option(help="Only this incident type.")] = "",
    instance: Annotated[str, typer.Option(help="Only what is linked to this instance.")] = "",
    where: Annotated[
        list[str] | None,
        typer.Option(help="FIELD=VALUE, or with !=, ~ (contains), >, >=, <, <=; several must all hold."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Incidents at most.")] = 50,
    offset: Annotated[int, typer.Option(min=0, help="Incidents to pass over.")] = 0,
    json: AsJson = False,
) -> None:
    """Show incidents, newest first.

    \b
    Examples:
      casemirror incident list --status active
      casemirror incident list --instance snow --json
      casemirror incident list --where "severity>=3" --where "Affected Hosts=ws-1" --where "owner="
    """
    from casemirror.actions import incidents
    from casemirror.runtime import wire

    with session.opened(ctx) as (mirror, me):
        found = incidents.list_all(
            mirror,
            me,
            status=_status(status),
            type=type,
            instance=instance,
            where=where or (),
            limit=limit,
            offset=offset,
        )
    if json:
        output.data(
            [
                wire.incident_json(incident, link, link.dirty(incident.fields) if link else ())
                for incident, link in found
            ]
        )
        return
    rows = [
        (
            i.id,
            i.name,
            case_view.severity(i),
            i.status.name.lower(),
            i.type,
            k.instance_name if k else "",
            i.modified_at,
        )
        for i, k in found
    ]
    output.table(("id", "name", "severity", "status", "type", "mirrors", "modified"), rows, empty="no incidents")


@app.command()
def show(ctx: typer.Context, incident: Number, json: AsJson = False) -> None:
    """Show one incident: fields, links and how far they agree, war room.

    \b
    Example:
      casemirror incident show 3
    """
    with session.opened(ctx) as (mirror, me):
        _show(mirror, me, _id(incident), json)


@app.command()
def context(
    ctx: typer.Context,
    incident: Number,
    path: Annotated[str, typer.Argument(help="Dotted path to look up. [default: all of it]")] = "",
) -> None:
    """Show what commands told in an incident's war room, as JSON.

    \b
    Examples:
      casemirror incident context 3
      casemirror incident context 3 ServiceNow.Ticket.ID
    """
    from casemirror.actions import laters

    with session.opened(ctx) as (mirror, me):
        output.data(laters.context(mirror, me, _id(incident), path))


@app.command()
def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Its title.")],
    fields: Annotated[list[str] | None, typer.Argument(metavar="[FIELD=VALUE]...", help="Further fields.")] = None,
    type: Annotated[str, typer.Option(help="Incident type.")] = "Unclassified",
    json: AsJson = False,
) -> None:
    """Create an incident.

    \b
    Examples:
      casemirror incident create "Printer on fire" severity=high details="Third floor."
      casemirror incident create "Printer on fire" dbotMirrorInstance=snow dbotMirrorDirection=Both
    """
    from casemirror.actions import incidents

    wanted = {**given.pairs(fields or (), "field"), "name": name}
    with session.opened(ctx) as (mirror, me):
        made = incidents.create(mirror, me, wanted, type=type)
        _done(mirror, me, made.id, f"created incident {made.id}", json)


@app.command()
def edit(
    ctx: typer.Context,
    incident: Number,
    fields: Annotated[
        list[str], typer.Argument(metavar="FIELD=VALUE...", help="By machine or display name; an empty value empties.")
    ],
    json: AsJson = False,
) -> None:
    """Change fields of an incident.

    \b
    Examples:
      casemirror incident edit 3 severity=critical owner=alice
      casemirror incident edit 3 "Snow State=2 - In Progress" details=@report.txt
      casemirror incident edit 3 dbotMirrorTags=comments,files
    """
    from casemirror.actions import incidents

    wanted = given.pairs(fields, "field")
    with session.opened(ctx) as (mirror, me):
        incidents.edit(mirror, me, _id(incident), wanted)
        _done(mirror, me, _id(incident), f"edited incident {incident}", json)


@app.command()
def comment(
    ctx: typer.Context,
    incident: Number,
    text: Annotated[str, typer.Argument(help="What to say; - reads it from standard input.")],
    tag: Tags = None,
    json: AsJson = False,
) -> None:
    """Say something in an incident's war room.

    \b
    Example:
      casemirror incident comment 3 "The fire is out." --tag comments
    """
    from casemirror.actions import warroom

    words = typer.get_text_stream("stdin").read() if text == "-" else text
    with session.opened(ctx) as (mirror, me):
        said = warroom.comment(mirror, me, _id(incident), words, tags=tag or ())
    _told(said, json)


@app.command()
def attach(
    ctx: typer.Context,
    incident: Number,
    file: Annotated[Path, typer.Argument(help="The file.")],
    tag: Tags = None,
    name: Annotated[str, typer.Option(help="Name to attach it by.")] = "",
    json: AsJson = False,
) -> None:
    """Attach a file to an incident.

    \b
    Example:
      casemirror incident attach 3 fire.png --tag ForServiceNow
    """
    from casemirror.actions import warroom

    with session.opened(ctx) as (mirror, me):
        said = warroom.attach(mirror, me, _id(incident), file, name or file.name, tags=tag or ())
    _told(said, json)


@app.command()
def tag(
    ctx: typer.Context,
    entry: Annotated[str, typer.Argument(help="Id of the entry, such as 12@3.")],
    tags: Annotated[list[str], typer.Argument(help="Tags to add.")],
    remove: Annotated[bool, typer.Option("--remove", help="Remove these tags instead.")] = False,
    json: AsJson = False,
) -> None:
    """Tag an entry; a tag of a link sends it out.

    \b
    Example:
      casemirror incident tag 12@3 comments
    """
    from casemirror.actions import warroom

    with session.opened(ctx) as (mirror, me):
        said = warroom.tag(mirror, me, entry, **{"remove" if remove else "add": tags})
    _told(said, json)


@app.command()
def close(
    ctx: typer.Context,
    incident: Number,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why, such as Resolved or Duplicate.")] = "",
    notes: Annotated[str, typer.Option("--notes", "-n", help="What was done.")] = "",
    json: AsJson = False,
) -> None:
    """Close an incident, and with it the remote objects.

    \b
    Example:
      casemirror incident close 3 --reason Resolved --notes "New printer."
    """
    from casemirror.actions import incidents

    with session.opened(ctx) as (mirror, me):
        incidents.close(mirror, me, _id(incident), reason=reason, notes=notes)
        _done(mirror, me, _id(incident), f"closed incident {incident}", json)


@app.command()
def reopen(ctx: typer.Context, incident: Number, json: AsJson = False) -> None:
    """Open a closed incident again.

    \b
    Example:
      casemirror incident reopen 3
    """
    from casemirror.actions import incidents

    with session.opened(ctx) as (mirror, me):
        incidents.reopen(mirror, me, _id(incident))
        _done(mirror, me, _id(incident), f"reopened incident {incident}", json)


@app.command("open")
def open_(ctx: typer.Context, incident: Number, json: AsJson = False) -> None:
    """Make a pending incident active.

    \b
    Example:
      casemirror incident open 3
    """
    from casemirror.actions import incidents

    with session.opened(ctx) as (mirror, me):
        incidents.open_(mirror, me, _id(incident))
        _done(mirror, me, _id(incident), f"incident {incident} is active", json)


def _id(number: int) -> IncidentId:
    from casemirror.model.ids import IncidentId

    return IncidentId(number)


def _status(text: str) -> Any:
    from casemirror.model.errors import Invalid
    from casemirror.model.incident import Status

    if not text:
        return None
    if text.upper() not in Status.__members__:
        raise Invalid(f"status: {text!r} is none of {', '.join(name.lower() for name in Status.__members__)}")
    return Status[text.upper()]


def _done(mirror: App, me: Actor, incident_id: IncidentId, text: str, json: bool) -> None:
    if json:
        _show(mirror, me, incident_id, json)
    else:
        output.line(text)


def _show(mirror: App, me: Actor, incident_id: IncidentId, json: bool) -> None:
    from casemirror.actions import case

    found = case.show(mirror, me, incident_id)
    if json:
        output.data(case_view.as_json(found))
    else:
        case_view.draw(found)


def _told(said: Said, json: bool) -> None:
    if json:
        output.data({"id": said.entry.label, "tags": said.entry.tags, "goesTo": said.goes_to, "waits": said.waits})
        return
    if said.waits:
        where = f"goes to {', '.join(said.goes_to)} later: {said.waits}"
    elif said.goes_to:
        where = f"goes to {', '.join(said.goes_to)}"
    elif said.takes:
        where = f"stays here; what has one of these tags goes out: {', '.join(said.takes)}"
    else:
        where = "stays here"
    output.line(f"{said.entry.label}: {where}")
