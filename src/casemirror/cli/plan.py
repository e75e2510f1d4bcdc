"""`casemirror plan`: what the next mirror cycle would do, and doing it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from casemirror.cli import output, progress, session
from casemirror.cli.session import AsJson

if TYPE_CHECKING:
    from casemirror.actions.planning_values import Change, Fetch, Planned, Poll, Preview

LONGEST = 200
"""Characters of a value in a table; JSON has all of it."""


def plan(
    ctx: typer.Context,
    instance: Annotated[str, typer.Argument(help="Name of the instance.")],
    incident: Annotated[
        list[int] | None, typer.Option(help="Look at this incident only; may be repeated. Nothing is fetched then.")
    ] = None,
    apply: Annotated[
        list[str] | None,
        typer.Option(
            metavar="all|ID|INCIDENT",
            help="Do it: all, the plan with this id, or what is planned for this incident. May be repeated.",
        ),
    ] = None,
    json: AsJson = False,
) -> None:
    """Show what the next mirror cycle would do, against the live remote. Without --apply nothing is written, here or there.

    The remote is polled, what is due and what the poll names is pulled, and the result is compared as a cycle would do it.
    Also while a server runs. The id of a plan is the same as long as the plan is: --apply ID does what was shown, or
    nothing. Exit code 1 when something to be applied was not.

    \b
    Examples:
      casemirror plan snow
      casemirror plan snow --incident 3 --json
      casemirror plan snow --apply 3-1f09ac --apply 7
      casemirror plan snow --apply all
    """
    from casemirror.actions import planning, planning_apply
    from casemirror.model.ids import IncidentId

    only = [IncidentId(number) for number in incident or ()]
    with session.opened(ctx) as (mirror, me), progress.shown(f"looking at {instance}") as told:
        if apply is None:
            found = planning.preview(mirror, me, instance, only, progress=told)
        else:
            found = planning_apply.apply(mirror, me, instance, apply, only, progress=told)
    if json:
        output.data(_json(found))
    else:
        _show(found)
    if any(each.outcome not in ("applied", "nothing") for each in found.applied or ()):
        raise typer.Exit(1)


def _json(found: Preview) -> dict[str, Any]:
    return {
        "instance": found.instance,
        "at": found.at,
        "notes": found.notes,
        "poll": asdict(found.poll),
        "plans": [_planned(each) for each in found.links],
        "agree": found.agree,
        "waiting": found.waiting,
        "held": found.held,
        "notLookedAt": found.left,
        "stopped": found.stopped,
        "fetch": asdict(found.fetch) if found.fetch else None,
        "applied": None
        if found.applied is None
        else [{**asdict(each), "incident_id": str(each.incident_id)} for each in found.applied],
    }


def _planned(each: Planned) -> dict[str, Any]:
    return {
        "id": each.id,
        "incident": str(each.incident_id),
        "title": each.title,
        "link": each.link_id,
        "remoteId": each.remote_id,
        "pulls": each.pulls,
        "changes": [asdict(change) for change in each.changes],
        "sends": each.sends,
        "calls": each.calls,
        "others": each.others,
        "error": {"code": each.code, "message": each.error} if each.error else None,
    }


def _show(found: Preview) -> None:
    done = "" if found.applied is not None else "; nothing was written, here or there"
    output.line(f"the next cycle of {found.instance}, as of {output.time(found.at)} UTC{done}")
    for note in found.notes:
        output.line(f"! {note}")
    output.line(_asked(found.poll))
    for each in found.links:
        _show_link(each, found.instance)
    if found.fetch is not None:
        _show_fetch(found.fetch)
    output.line(f"\n{_summary(found)}")
    if found.stopped:
        output.line(f"! {found.stopped}")
    if found.applied is not None:
        rows = [(each.id, each.outcome, each.text) for each in found.applied]
        output.table(("plan", "outcome", ""), rows, empty="nothing to apply")
    elif found.changing:
        output.line(
            f"casemirror plan {found.instance} --apply {found.changing[0].id} does one of them, --apply all all"
        )


def _asked(poll: Poll) -> str:
    if poll.error:
        return f"! the poll failed: {poll.error}"
    since = f"asked what changed since {output.time(poll.since)} UTC: " if poll.since else "the poll: "
    unknown = f" (without an incident: {poll.unknown})" if poll.unknown else ""
    return f"{since}{poll.said}{unknown}"


def _show_link(each: Planned, there: str) -> None:
    where = f"{there} {each.remote_id or '(to be created)'}"
    output.heading(f"{each.id}   incident {each.incident_id}   {each.title or ''}   {where}".replace("      ", "   "))
    if each.error:
        output.line(f"! it fails: {each.error}")
        return
    rows = [(c.kind, c.name, *_values(c), c.why) for c in each.changes]
    output.table(("", "what", "is", "becomes", "why"), rows)
    if each.calls:
        sent = ", ".join(f"{name} = {_short(value)}" for name, value in each.sends.items())
        output.line(f"{output.many(each.calls, 'call')} of update-remote-system" + (f": {sent}" if sent else ""))
    if each.others:
        output.line(f"then {', '.join(each.others)} would be told")


def _values(change: Change) -> tuple[str, str]:
    """What is and what becomes; of a field an empty value is said."""
    if change.kind in ("field in", "field out", "kept", "conflict"):
        return _short(change.old) or "(empty)", _short(change.new) or "(empty)"
    return _short(change.old), _short(change.new)


def _short(value: Any) -> str:
    text = " ".join(output.cell(value).split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _show_fetch(fetch: Fetch) -> None:
    output.heading("fetch")
    if fetch.error:
        output.line(f"! it fails: {fetch.error}")
        return
    known = f"; mirrored already: {fetch.known}" if fetch.known else ""
    output.line(f"{output.many(len(fetch.creates), 'incident')} would be created (by the fetch, not by --apply){known}")
    if fetch.creates:
        output.table(("name", "type", "remote object"), [(b.name, b.type, b.remote_id) for b in fetch.creates])


def _summary(found: Preview) -> str:
    parts = [f"{len(found.changing)} with something to do", f"{found.agree} agree"]
    extra = {"fail": len(found.failed), "not looked at": found.left, "wait after a failure": found.waiting}
    parts += [f"{count} {what}" for what, count in extra.items() if count]
    parts += [f"{found.held} held for a person (casemirror doctor INCIDENT)"] if found.held else []
    return ", ".join(parts)
