"""`casemirror stats | records | purge`: the contract's hidden commands."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from casemirror.cli import output, session
from casemirror.cli.session import AsJson

Instance = Annotated[str, typer.Option("--instance", help="Only this instance.")]
_STATISTICS = (
    "instance totalMirrored closedRecords queueLength rateLimited rateLimitHits failedIn failedOut skippedCycles lastRun"
).split()
_RECORDS = "incidentId dbotMirrorInstance dbotMirrorId dbotMirrorDirection state dbotMirrorLastSync queued unsentEntries".split()


def stats(ctx: typer.Context, instance: Instance = "", json: AsJson = False) -> None:
    """Show how mirroring stands, for each instance (getMirrorStatistics).

    \b
    Example:
      casemirror stats --instance snow --json
    """
    from casemirror.actions import mirror as actions

    with session.opened(ctx) as (mirror, me):
        found = actions.statistics(mirror, me, instance)
    if json:
        output.data(found)
        return
    output.table(
        _STATISTICS, [[_cell(row.get(name)) for name in _STATISTICS] for row in found], empty="no instances yet"
    )


def records(
    ctx: typer.Context,
    instance: Instance = "",
    incident: Annotated[int | None, typer.Option(help="Only this incident.")] = None,
    closed: Annotated[bool | None, typer.Option("--closed/--open", help="Only closed, or only open incidents.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Rows at most.")] = 1000,
    offset: Annotated[int, typer.Option(min=0, help="Rows to pass over.")] = 0,
    json: AsJson = False,
) -> None:
    """Show what is known of every link (getSyncMirrorRecords).

    \b
    Example:
      casemirror records --instance snow --open
    """
    from casemirror.actions import mirror as actions
    from casemirror.model.ids import IncidentId

    with session.opened(ctx) as (mirror, me):
        found = actions.records(
            mirror,
            me,
            instance=instance,
            incident_id=None if incident is None else IncidentId(incident),
            closed=closed,
            limit=limit,
            offset=offset,
        )
    if json:
        output.data(found)
        return
    rows = [
        [*(_cell(row[name]) for name in _RECORDS), row["currentDirtyFields"], row["lastErrorIn"] or row["lastErrorOut"]]
        for row in found
    ]
    output.table((*_RECORDS, "dirty", "error"), rows, empty="nothing is mirrored yet")


def purge(
    ctx: typer.Context,
    instance: Annotated[str, typer.Argument(help="Name of the instance.")],
    older_than: Annotated[str, typer.Option(help="Only what closed more than so many days ago.")] = "",
    json: AsJson = False,
) -> None:
    """Forget the links of closed incidents (purgeClosedSyncMirrorRecords). Incidents and tickets stay as they are.

    \b
    Example:
      casemirror purge snow --older-than 30
    """
    from casemirror.actions import mirror as actions

    with session.opened(ctx) as (mirror, me):
        count = actions.purge(mirror, me, instance, older_than)
    if json:
        output.data({"purged": count})
    else:
        output.line(f"purged {count} records of {instance}")


def _cell(value: Any) -> Any:
    """Times to the second; the zero time is none."""
    if isinstance(value, str) and value.startswith("0001-01-01"):
        return ""
    if isinstance(value, str) and value[4:5] == "-" and value.endswith("Z"):
        return value[:19].replace("T", " ")
    return value
