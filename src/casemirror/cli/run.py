"""`casemirror run`: a command by hand, as in a war room."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from casemirror.cli import output, session
from casemirror.cli.session import AsJson

if TYPE_CHECKING:
    from casemirror.actions.commands import Answer


def run(
    ctx: typer.Context,
    command: Annotated[str, typer.Argument(help="The command, as in a war room; quote it.")],
    using: Annotated[str, typer.Option("--using", "-u", help="Name of the instance.")] = "",
    incident: Annotated[
        int | None, typer.Option("--incident", "-n", help="Incident in whose war room it runs.")
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the integration's log lines, too.")] = False,
    json: AsJson = False,
) -> None:
    """Run a command of an integration by hand. Mirror commands show what they answer and change nothing here.

    \b
    Examples:
      casemirror run '!get-remote-data id=46d44a0e lastUpdate=2024-01-31T10:20:30Z' --using snow
      casemirror run '!servicenow-get-ticket number=INC0000040' --using snow --incident 3
      casemirror run '!scan-start host=db1' --incident 3
      casemirror run '!getMirrorStatistics'
      casemirror run '!triggerDebugMirroringRun incidentId=3'
    """
    from casemirror.actions import commands
    from casemirror.model.ids import IncidentId

    with session.opened(ctx) as (mirror, me):
        where = None if incident is None else IncidentId(incident)
        answer = commands.run(mirror, me, command, using=using, incident_id=where)
        ends = time.monotonic() + (answer.again.ends_after_s if answer.again else 0.0)
        while answer.again and where is None and not answer.failed:
            _wait(answer, ends, debug=debug)
            answer = commands.run_again(mirror, me, answer)
    if json:
        output.data(_shown(answer))
    else:
        _draw(answer)
    _log(answer, debug=debug)
    if answer.failed:
        raise typer.Exit(1)


def _wait(answer: Answer, ends: float, *, debug: bool) -> None:
    """Outside an incident nobody else runs a command that asks to be run again: this process waits and does, until it is
    time to give up (`ends`, by the monotonic clock).
    """
    assert answer.again is not None
    _log(answer, debug=debug)
    if time.monotonic() + answer.again.after_s > ends:
        typer.echo(f"error: {answer.command} did not come to an end in its time", err=True)
        raise typer.Exit(1)
    text = next((entry.contents.strip() for entry in answer.entries if entry.contents.strip()), "it is not done yet")
    typer.echo(f"{output.clean(text)} - asked again in {answer.again.after_s:.0f} s (Ctrl-C ends it)", err=True)
    time.sleep(answer.again.after_s)


def _log(answer: Answer, *, debug: bool) -> None:
    for line in answer.log if debug else ():
        typer.echo(output.clean(line), err=True)


def _shown(answer: Answer) -> dict[str, Any]:
    return {
        "instance": answer.instance,
        "command": answer.command,
        "failed": answer.failed,
        "entries": [
            {
                "type": int(e.kind),
                "format": e.format,
                "contents": e.contents,
                "file": e.file_name,
                "tags": e.tags,
                "context": e.context,
            }
            for e in answer.entries
        ],
        "stored": [entry.label for entry in answer.stored],
        "runsAgain": answer.again.command if answer.again else "",
    }


def _draw(answer: Answer) -> None:
    from casemirror.model.entry import EntryKind

    for entry in answer.entries:
        if entry.kind == EntryKind.ERROR:
            typer.echo(f"error: {output.clean(entry.contents)}", err=True)
        elif entry.has_file:
            output.line(f"[file] {entry.file_name}")
        else:
            output.line(_readable(entry.contents, entry.format))
    if not answer.entries:
        output.line("(no answer)")
    if answer.stored:
        output.line(f"kept as {', '.join(entry.label for entry in answer.stored)}")
    if answer.again:
        output.line(
            f"!{answer.again.command} asks to be run again in {answer.again.after_s:.0f} s: `casemirror serve` does that "
            "and keeps the answer in the war room (`casemirror later list`)"
        )


def _readable(text: str, form: str) -> str:
    if form != "json":
        return text
    import json

    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text
