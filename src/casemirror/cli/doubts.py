"""`casemirror doubts`: what may stand twice on a remote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from casemirror.cli import output, session
from casemirror.cli.session import AsJson

if TYPE_CHECKING:
    from casemirror.store.doubts import Doubt


def doubts(
    ctx: typer.Context,
    instance: Annotated[str, typer.Argument(help="Name of an instance. [default: all]")] = "",
    limit: Annotated[int, typer.Option(min=1, help="How many to show, the newest ones.")] = 100,
    json: AsJson = False,
) -> None:
    """Show what may stand twice on a remote: comments, files and objects that were sent again without a proof.

    That happens when a call was cut off and neither a look at the remote nor the integration could tell whether it had
    arrived. Look there, and delete the second one if there are two.

    \b
    Examples:
      casemirror doubts
      casemirror doubts snow --json
    """
    from casemirror.actions import doubts as action

    with session.opened(ctx) as (mirror, me):
        total, found = action.list_all(mirror, me, instance, limit=limit)
    if json:
        output.data({"possiblySentTwice": total, "newest": [shown(doubt) for doubt in found]})
        return
    output.line(f"possibly sent twice: {total}")
    rows = [
        (d.incident_id, d.instance, d.remote_id, d.entry or "the object itself", words(d), d.at, d.reason)
        for d in found
    ]
    if rows:
        output.table(("incident", "instance", "remote id", "entry", "text", "sent again (UTC)", "why"), rows)


def words(doubt: Doubt) -> str:
    """The beginning of what was sent."""
    text = " ".join(doubt.what.split())
    return text if len(text) <= 60 else text[:59] + "…"


def shown(doubt: Doubt) -> dict[str, Any]:
    """A doubt as JSON."""
    names = ("instance", "entry", "what", "at", "times", "reason")
    return {"incident": str(doubt.incident_id), "remoteId": doubt.remote_id, **{n: getattr(doubt, n) for n in names}}
