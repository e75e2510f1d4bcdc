"""`casemirror link follow`: go on with the object that a merged or moved one became."""

from __future__ import annotations

from typing import Annotated

import typer

from casemirror.cli import output, session
from casemirror.cli.session import AsJson


def follow(
    ctx: typer.Context,
    incident: Annotated[int, typer.Argument(help="Number of the incident.")],
    instance: Annotated[str, typer.Argument(help="Name of the instance.")],
    remote_id: Annotated[str, typer.Argument(metavar="NEW_ID", help="Id of the remote object to go on with.")],
    json: AsJson = False,
) -> None:
    """Go on with another remote object, after the former one was merged, moved or replaced.

    What both sides last agreed on stays, so what differs is merged field by field; what was said by the link is known and
    is not said again. `casemirror link remove` is the other way out.

    \b
    Example:
      casemirror link follow 3 tracker 4711
    """
    from casemirror.actions import links_follow
    from casemirror.cli.link import shown
    from casemirror.model.ids import IncidentId

    with session.opened(ctx) as (mirror, me):
        done = links_follow.follow(mirror, me, IncidentId(incident), instance, remote_id)
    if json:
        others = [str(each) for each in done.shared_with]
        output.data({**shown(done.link), "formerRemoteId": done.former_id, "sharedWith": others})
        return
    output.line(f"incident {incident} goes on with {done.link.remote_id} at {instance}; before it was {done.former_id}")
    if done.shared_with:
        names = ", ".join(str(each) for each in done.shared_with)
        output.line(
            f"{done.link.remote_id} is linked to incident {names}, too: what is said there comes into each of them"
        )
