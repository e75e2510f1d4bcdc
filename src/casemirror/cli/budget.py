"""`casemirror budget`: how many requests each instance may make, made, and how long changes take therefore."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from casemirror.cli import output, session
from casemirror.cli.alone import alone
from casemirror.cli.session import AsJson

if TYPE_CHECKING:
    from casemirror.actions.budgets import Standing

app = typer.Typer(
    cls=alone("list"),
    help="Requests to remotes: what may be used, what was, and the latency to expect. Alone it is the same as its command list.",
)


@app.command("list")
def list_(ctx: typer.Context, json: AsJson = False) -> None:
    """Show every instance: requests used and left, and the longest that a change may take.

    Requests are counted for a credential: instances that log in to one host with one secret share them.

    \b
    Example:
      casemirror budget list
    """
    from casemirror.actions import budgets

    with session.opened(ctx) as (mirror, me):
        found = budgets.list_all(mirror, me)
    if json:
        output.data([_json(each) for each in found])
        return
    rows = [
        (
            s.instance.name,
            ", ".join(s.budget.shared),
            f"{s.used} in {s.budget.window_s} s",
            _limit(s),
            "-" if s.left is None else s.left,
            f"{s.per_command:.1f}",
            s.due,
            "-" if s.worst_s is None else f"{s.worst_s:.0f} s",
            s.budget.hits,
        )
        for s in found
    ]
    columns = ("instance", "shared with", "used", "limit", "left", "per command", "links due", "worst", "refused")
    output.table(columns, rows, empty="no instance is configured")


@app.command("set")
def set_(
    ctx: typer.Context,
    instance: Annotated[str, typer.Argument(help="Name of the instance.")],
    requests: Annotated[int, typer.Argument(help="Requests within the window; 0 takes the limit away.", min=0)],
    per: Annotated[int, typer.Option(help="Length of the window, seconds.")] = 60,
    json: AsJson = False,
) -> None:
    """Set how many requests an instance's credential may make; what was learned from refusals is forgotten.

    A fifth of it is kept for changes made here, so that a person's edit need not wait for polls and pulls.

    \b
    Examples:
      casemirror budget set snow 100
      casemirror budget set xdr 10 --per 60
      casemirror budget set snow 0
    """
    from casemirror.actions import budgets

    with session.opened(ctx) as (mirror, me):
        found = budgets.put(mirror, me, instance, requests, per)
    if json:
        output.data(_json(found))
        return
    output.line(f"{instance} may make {_limit(found)} in {per} s" if requests else f"{instance} has no limit")


def _limit(standing: Standing) -> str:
    if standing.limit is None:
        return "none known"
    set_by_hand = standing.budget.requests and standing.limit >= standing.budget.requests
    return f"{standing.limit} requests" if set_by_hand else f"{standing.limit} (learned)"


def _json(standing: Standing) -> dict[str, Any]:
    return {
        "instance": standing.instance.name,
        "sharedWith": list(standing.budget.shared),
        "used": standing.used,
        "windowSeconds": standing.budget.window_s,
        "limit": standing.limit,
        "set": standing.budget.requests or None,
        "left": standing.left,
        "requestsPerCommand": round(standing.per_command, 2),
        "linksDue": standing.due,
        "worstLatencySeconds": standing.worst_s,
        "refused": standing.budget.hits,
    }
