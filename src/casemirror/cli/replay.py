"""`casemirror replay`: what another mapper makes of what the remote said, and writing that."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from casemirror.cli import output, progress, session
from casemirror.cli.session import AsJson

if TYPE_CHECKING:
    from casemirror.actions.replay_values import Difference, Replay, Replayed

UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
HERE: Final = {
    "set": "set",
    "changed": "changed",
    "emptied": "emptied",
    "untold": "no longer told",
    "stale": "outdated",
    "already": "so already",
}
"""Columns of the summary."""


def replay(
    ctx: typer.Context,
    instance: Annotated[str, typer.Argument(help="Name of the instance.")],
    since: Annotated[
        str, typer.Option(help="Payloads from then on: a time (2026-11-20, 2026-11-20T08:00, UTC) or an age (7d, 12h).")
    ],
    mapper: Annotated[str, typer.Option(help="The new incoming mapper: id or name, or a file.")],
    incident: Annotated[list[int] | None, typer.Option(help="This incident only; may be repeated.")] = None,
    against: Annotated[
        str, typer.Option(help="The mapper that made the present values. [default: the instance's incoming one]")
    ] = "",
    apply: Annotated[bool, typer.Option("--apply", help="Write the new values here. No remote is called.")] = False,
    json: AsJson = False,
) -> None:
    """Show what another incoming mapper would have made of the payloads that are kept. No remote is called.

    The newest payload of each link is mapped by both mappers. With --apply what differs is written as if the remote had
    just said it: a value that was edited here since stays (unless a policy says otherwise), nothing goes back to the
    remote that said it, other systems of the incident are told. Exit code 1 when a payload could not be mapped.

    \b
    Examples:
      casemirror replay snow --since 7d --mapper ./new-mapper.json
      casemirror replay snow --since 2026-11-20 --mapper new-incoming-mapper --incident 3 --json
      casemirror replay snow --since 30d --mapper new-incoming-mapper --against old-incoming-mapper --apply
    """
    from casemirror.actions import replay as action
    from casemirror.model.ids import IncidentId

    only = [IncidentId(number) for number in incident or ()]
    with session.opened(ctx) as (mirror, me), progress.shown(f"mapping what {instance} said") as told:
        begins = _time(since, mirror.clock.now())
        found = action.replay(mirror, me, instance, begins, mapper, only, against=against, apply=apply, progress=told)
    if json:
        output.data(_json(found))
    else:
        _show(found)
    if any(each.error for each in found.links):
        raise typer.Exit(1)


def _time(text: str, now: datetime) -> datetime:
    """A time, or how long ago. Raises Invalid."""
    from casemirror.model.errors import Invalid
    from casemirror.model.values import parse_time

    age = re.fullmatch(r"(\d{1,5})\s*([mhdw])", text.strip())
    try:
        return now - timedelta(**{UNITS[age.group(2)]: int(age.group(1))}) if age else parse_time(text.strip())
    except ValueError:
        raise Invalid(
            f"since {text!r}: give a time like 2026-11-20 or 2026-11-20T08:00, or an age like 7d or 12h"
        ) from None


def _json(found: Replay) -> dict[str, Any]:
    return {
        "instance": found.instance,
        "since": found.since,
        "mapper": found.new_mapper,
        "against": found.old_mapper,
        "applied": found.applied,
        "summary": {name: {kind: counts[kind] for kind in HERE} for name, counts in found.summary.items()},
        "incidents": [_replayed(each) for each in found.links],
        "same": found.same,
        "earlier": found.earlier,
        "forgotten": found.forgotten,
        "neverKept": found.silent,
        "masked": found.masked,
        "warnings": [{"text": text, "incidents": count} for text, count in found.warnings.most_common()],
        "notes": found.notes,
    }


def _replayed(each: Replayed) -> dict[str, Any]:
    return {
        "incident": str(each.incident_id),
        "title": each.title,
        "link": each.link_id,
        "remoteId": each.remote_id,
        "payload": each.payload_id,
        "payloadAt": each.payload_at,
        "earlier": each.earlier,
        "fields": [asdict(difference) for difference in each.differences],
        "written": each.written,
        "stays": each.stays,
        "error": each.error,
    }


def _show(found: Replay) -> None:
    output.line(
        f"what {found.instance} said since {output.time(found.since)} UTC, by {found.new_mapper} "
        f"instead of {found.old_mapper or 'no mapper'}" + ("" if found.applied else "; nothing was written")
    )
    for each in found.links:
        _show_link(each, applied=found.applied)
    if found.summary:
        output.heading("by field, in how many incidents")
        rows = [(name, *(counts[kind] or "" for kind in HERE)) for name, counts in found.summary.items()]
        output.table(("field", *HERE.values()), rows)
    for text, count in found.warnings.most_common():
        output.line(f"! {text} ({output.many(count, 'incident')})")
    output.line(_counts(found))
    for note in found.notes:
        output.line(f"! {note}")


def _show_link(each: Replayed, *, applied: bool) -> None:
    earlier = f", {each.earlier} earlier" if each.earlier else ""
    output.heading(
        f"incident {each.incident_id}   {each.title}   (payload {each.payload_id} of {output.time(each.payload_at)}{earlier})"
    )
    if each.error:
        output.line(f"! it cannot be mapped: {each.error}")
        return
    rows = [(d.field, d.old, d.new, d.here, _word(each, d, applied=applied)) for d in each.differences]
    output.table(("field", "now mapped to", "would be", "here", ""), rows)


def _word(each: Replayed, made: Difference, *, applied: bool) -> str:
    if made.kind == "untold":
        return "no longer told: it stays"
    if made.stale:
        return f"stays: {made.stale}"
    if made.already:
        return "it is so already"
    if not applied:
        return made.kind
    if made.field in each.written:
        return "written"
    return f"stays: {each.stays[made.field]}" if made.field in each.stays else "has it already"


def _counts(found: Replay) -> str:
    parts = [f"incidents that differ: {len(found.links)}", f"alike: {found.same}"]
    extra = {
        "earlier payloads passed over": found.earlier,
        "whose payload is not kept any more (mirror.payload.keep)": found.forgotten,
        "that told nothing new since then": found.silent,
        "left out because their payload is masked": found.masked,
    }
    return ", ".join([*parts, *(f"{what}: {count}" for what, count in extra.items() if count)])
