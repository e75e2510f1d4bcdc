"""`casemirror map` and `casemirror mapper`: see what a mapper does with an object, and what is wrong with it."""

from __future__ import annotations

import json as json_module
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from casemirror.cli import mapping_view, output, session
from casemirror.cli.session import AsJson

if TYPE_CHECKING:
    from casemirror.actions.mapping import Setup

app = typer.Typer(no_args_is_help=True, help="Mappers: list them, look one over. To try one, use `casemirror map`.")

Packs = Annotated[
    list[Path] | None,
    typer.Option("--pack", help="A pack to use beside the installed ones, and before them; may be repeated."),
]
OfInstance = Annotated[str, typer.Option(help="An instance whose classifier, mapper, type and schema count.")]


def map_(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="IN.json", help="One object, or a list of them; - is standard input.")],
    mapper: Annotated[
        str, typer.Option(help="Id, name or file of a mapper. [default: the instance's incoming one]")
    ] = "",
    type: Annotated[str, typer.Option(help="Incident type. [default: what the classifier says]")] = "",
    classifier: Annotated[str, typer.Option(help="Id, name or file of a classifier that decides the type.")] = "",
    instance: OfInstance = "",
    changed: Annotated[list[str] | None, typer.Option(help="Outgoing: a field that counts as changed.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show every step of every line of the mapper.")] = False,
    pack: Packs = None,
    json: AsJson = False,
) -> None:
    """Show what a mapper makes of an object. Nothing is stored, no remote is asked.

    An incoming mapper takes an event (or a fetched incident with rawJSON), an outgoing one an incident.

    \b
    Examples:
      casemirror map ticket.json --mapper "ServiceNow - Incoming Mapper" --explain
      casemirror map ticket.json --instance snow --json
      casemirror map event.json --mapper ./mapper.json --type "Phishing" --pack ./Packs/CommonTypes
      casemirror incident show 3 --json | casemirror map - --mapper ServiceNow-outgoing-mapper --changed severity
    """
    from casemirror.actions import mapping

    given = _read(file)
    with session.opened(ctx) as (mirror, me):
        setup = _setup(mapper=mapper, classifier=classifier, type=type, instance=instance, packs=tuple(pack or ()))
        found = mapping.try_out(mirror, me, given, setup, changed or ())
    if json:
        shown = [mapping_view.as_json(tried, explain=explain) for tried in found]
        output.data(shown if isinstance(given, list) else shown[0])
        return
    for tried in found:
        mapping_view.show(tried, explain=explain)


@app.command()
def check(
    ctx: typer.Context,
    mapper: Annotated[str, typer.Argument(help="Id, name or file of a mapper.")],
    instance: OfInstance = "",
    pack: Packs = None,
    json: AsJson = False,
) -> None:
    """Look a mapper over: unknown fields, types, operators and remote names, and why it would not mirror.

    With an instance: against the incident types that it gives and the fields that its remote knows. Exit code 1 when
    there is an error.

    \b
    Examples:
      casemirror mapper check ServiceNow-incoming-mapper --instance snow
      casemirror mapper check ./mapper.json --pack ./Packs/CommonTypes
    """
    from casemirror.actions import mapping
    from casemirror.mapping.lint import Level

    with session.opened(ctx) as (mirror, me):
        setup = _setup(mapper=mapper, instance=instance, packs=tuple(pack or ()))
        which, found = mapping.check(mirror, me, setup)
    if json:
        output.data(
            {
                "mapper": which.id,
                "findings": [
                    {"level": f.level.value, "type": f.section, "field": f.key, "text": f.text} for f in found
                ],
            }
        )
    else:
        rows = [(f.level.value, mapping_view.section(f.section), f.key, f.text) for f in found]
        output.table(
            ("level", "type", "field", "what"), rows, title=f"mapper {which.id}", empty=f"{which.id}: nothing to note"
        )
    if any(f.level is Level.ERROR for f in found):
        raise typer.Exit(1)


@app.command("list")
def list_(ctx: typer.Context, json: AsJson = False) -> None:
    """Show the installed mappers.

    \b
    Example:
      casemirror mapper list
    """
    from casemirror.actions import mapping

    with session.opened(ctx) as (mirror, me):
        found = mapping.list_all(mirror, me)
    rows = [
        (m.id, m.name, "incoming" if m.incoming else "outgoing", [mapping_view.section(s) for s in m.sections])
        for m in found
    ]
    if json:
        output.data([dict(zip(("id", "name", "direction", "types"), row, strict=True)) for row in rows])
        return
    output.table(("id", "name", "direction", "incident types"), rows, empty="no mappers yet; `casemirror pack add`")


def _setup(**given: Any) -> Setup:
    from casemirror.actions.mapping import Setup

    return Setup(**given)


def _read(file: str) -> Any:
    """The JSON in a file. Raises Invalid, saying where it is wrong."""
    from casemirror.model.errors import Invalid

    name = "standard input" if file == "-" else file
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise Invalid(f"{name} cannot be read: {reason}") from error
    try:
        return json_module.loads(text)
    except json_module.JSONDecodeError as error:
        raise Invalid(f"{name}, line {error.lineno}, column {error.colno}: {error.msg}") from error
    except RecursionError:
        raise Invalid(f"{name} is nested too deeply") from None
