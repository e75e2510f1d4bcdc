"""`casemirror link find` and `link import`: tie incidents to remote objects that are there already."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from casemirror.cli import output, progress, session
from casemirror.cli.session import AsJson

if TYPE_CHECKING:
    from casemirror.actions.links_values import Findings, Pair

LONGEST = 60
"""Characters of a remote value in a table; JSON has all of it."""

Tags = Annotated[
    list[str] | None, typer.Option("--tag", help="Entries with this tag go out by the new links; several: repeat it.")
]


def find(
    ctx: typer.Context,
    instance: Annotated[str, typer.Argument(help="Name of the instance.")],
    field: Annotated[
        list[str] | None,
        typer.Option(help="Look in this field, in labels (all of them) or labels.NAME; several: repeat it."),
    ] = None,
    regex: Annotated[
        str, typer.Option(help="A pattern with one group, which is the id; else the whole value is.")
    ] = "",
    where: Annotated[
        list[str] | None,
        typer.Option(help="Only such incidents: FIELD=VALUE, or with !=, ~, >, >=, <, <=; several must all hold."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Incidents that are asked about at most.")] = 100,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Link those that are clear; the doubtful ones are left.")
    ] = False,
    direction: Annotated[str, typer.Option(help="In, Out or Both.")] = "Both",
    tag: Tags = None,
    json: AsJson = False,
) -> None:
    """Find incidents that hold the id of an object that is there already; with --adopt, link them.

    Without --field it looks in custom fields and labels that are named as ids (Alert ID, Ticket Number, External System
    ID). Each object is asked for once, which changes nothing. Doubtful are: an id in two incidents, several ids in one,
    an object that is not found, tells an error, or belongs to another incident.

    The first contact of a new link is a pull: where both sides differ, the remote's value is taken over here. Nothing is
    created there, and nothing is overwritten unless a policy says so. A closed object closes the incident.

    \b
    Examples:
      casemirror link find snow
      casemirror link find snow --field "Ticket Number" --where "severity>=3"
      casemirror link find snow --field details --regex "(INC\\d{7})" --adopt --direction In
    """
    from casemirror.actions import links_find

    with session.opened(ctx) as (mirror, me), progress.phases() as told:
        found = links_find.find(
            mirror,
            me,
            instance,
            names=field or (),
            pattern=regex,
            where=where or (),
            limit=limit,
            direction=direction,
            progress=told,
        )
        if adopt:
            links_find.adopt(mirror, me, found, tags=_words(tag), progress=told)
    if json:
        output.data(
            {"lookedIn": found.looked_in, "scanned": found.scanned, "more": found.more, "stopped": found.stopped}
            | {"pairs": [_json(pair) for pair in found.pairs]}
        )
        return
    output.line(f"looked in {', '.join(found.looked_in)} of {_many(found.scanned)} without a link to {instance}")
    _table(found.pairs, "found in")
    _count(found)
    if found.more:
        output.line(f"{found.more} more hold an id and were not looked at; --limit {limit + found.more} takes them in")
    clear = found.count(_verdict("clear"))
    if clear:
        output.line(f"nothing was written; --adopt links the {clear} that are clear" if clear > 1 else "nothing was written; --adopt links the one that is clear")  # fmt: skip


def import_(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="CSV with the columns incident, instance, remote_id and, if wanted, direction.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be linked.")] = False,
    tag: Tags = None,
    json: AsJson = False,
) -> None:
    """Link incidents to objects that are there already, as a file says; each object is asked for first.

    A bad line is told with its place and its reason, and the others go on; the exit code is 1 then. A file can be given
    again: what is linked already stays. What the first contact does, `link find --help` tells.

    \b
    Examples:
      casemirror link import tickets.csv --dry-run
      casemirror link import tickets.csv --tag comments
    """
    from casemirror.actions import links_import

    with session.opened(ctx) as (mirror, me), progress.phases() as told:
        found = links_import.run(mirror, me, file, tags=_words(tag), dry_run=dry_run, progress=told)
    bad = [pair for pair in found.pairs if pair.verdict is _verdict("doubtful")]
    if json:
        output.data({"lines": found.scanned, "stopped": found.stopped, "pairs": [_json(pair) for pair in found.pairs]})
    else:
        if dry_run:
            _table([pair for pair in found.pairs if pair not in bad], "line")
        for pair in bad:
            output.line(f"{pair.where}: {pair.reason}")
        _count(found, doubtful="left as they are")
        if dry_run:
            output.line("nothing was written; without --dry-run the clear ones are linked")
    if bad:
        raise typer.Exit(1)


def _verdict(text: str) -> Any:
    from casemirror.actions.links_values import Verdict

    return Verdict(text)


def _words(tags: list[str] | None) -> tuple[str, ...]:
    return tuple(part.strip() for text in tags or () for part in text.split(",") if part.strip())


def _many(count: int) -> str:
    return "1 incident" if count == 1 else f"{count} incidents"


def _table(pairs: list[Pair], place: str) -> None:
    rows = [
        (
            pair.incident_id,
            pair.title,
            f"{pair.instance} {pair.remote_id}",
            pair.where.rpartition("/")[2],
            _says(pair),
            ", ".join(pair.seen.differs),
            pair.elsewhere,
            f"{pair.verdict.value}: {pair.reason}" if pair.reason else pair.verdict.value,
        )
        for pair in pairs
    ]
    columns = ("incident", "name", "remote object", place, "remote says", "differs", "linked elsewhere", "verdict")
    output.table(columns, rows, empty="nothing that could be linked")


def _says(pair: Pair) -> str:
    told = [f"{name}: {_short(_worded(name, value))}" for name, value in pair.seen.says.items()]
    return ", ".join([*told, *(["closed there"] if pair.seen.closed else [])])


def _worded(name: str, value: Any) -> Any:
    from casemirror.model.incident import SEVERITIES

    words = {number: word for word, number in SEVERITIES.items()}
    return words.get(value, value) if name == "severity" else value


def _short(value: Any) -> str:
    text = " ".join(output.cell(value).split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _count(found: Findings, doubtful: str = "doubtful") -> None:
    from casemirror.actions.links_values import Verdict

    words = {Verdict.DOUBTFUL: doubtful}
    counts = [(found.count(verdict), words.get(verdict, verdict.value)) for verdict in Verdict]
    output.line(", ".join(f"{count} {what}" for count, what in counts if count) or "nothing to link")


def _json(pair: Pair) -> dict[str, Any]:
    return {
        "incident": str(pair.incident_id),
        "instance": pair.instance,
        "remoteId": pair.remote_id,
        "direction": pair.direction,
        "where": pair.where,
        "name": pair.title,
        "says": pair.seen.says,
        "differs": {name: {"here": both[0], "there": both[1]} for name, both in pair.seen.differs.items()},
        "closedThere": pair.seen.closed,
        "linkedElsewhere": [str(number) for number in pair.elsewhere],
        "verdict": pair.verdict.value,
        "reason": pair.reason,
    }
