"""`casemirror health`: how the instances are, how they were, and a test of the notices."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from casemirror.cli import output, session
from casemirror.cli.alone import alone
from casemirror.cli.session import AsJson

app = typer.Typer(
    cls=alone("show"),
    help="How the instances are: ok, waiting, paused, degraded or failing. Alone it is the same as its command show.",
)


@app.command()
def show(
    ctx: typer.Context,
    instance: Annotated[str, typer.Argument(help="Name of an instance. [default: all]")] = "",
    json: AsJson = False,
) -> None:
    """Show the state of each instance, since when, and why. Exit code 1 when one is failing.

    The word show may be left out, unless an instance is called as one of the commands is.

    \b
    Examples:
      casemirror health
      casemirror health show snow --json
    """
    from casemirror.actions import health as action
    from casemirror.model.health import State

    with session.opened(ctx) as (mirror, me):
        found = action.show(mirror, me, instance)
    if json:
        output.data([_shown(each) for each in found])
    else:
        rows = [(each.instance, each.health.state.value, _since(each), each.health.reason) for each in found]
        output.table(("instance", "state", "since (UTC)", "why"), rows, empty="no instances yet")
    if any(each.health.state is State.FAILING for each in found):
        raise typer.Exit(1)


@app.command()
def history(
    ctx: typer.Context,
    instance: Annotated[str, typer.Argument(help="Name of the instance.")],
    limit: Annotated[int, typer.Option(min=1, help="Changes at most.")] = 50,
    json: AsJson = False,
) -> None:
    """Show how the state of an instance changed, the newest change first. Kept for 90 days.

    \b
    Example:
      casemirror health history snow
    """
    from casemirror.actions import health as action

    with session.opened(ctx) as (mirror, me):
        found = action.history(mirror, me, instance, limit=limit)
    if json:
        keys = ("at", "state", "former", "reason")
        output.data([{key: getattr(change, key) for key in keys} for change in found])
        return
    rows = [(change.at, change.former, change.state, change.reason) for change in found]
    output.table(("when (UTC)", "from", "to", "why"), rows, empty="no server has looked at it yet")


@app.command()
def test(ctx: typer.Context, json: AsJson = False) -> None:
    """Send a test notice to every webhook and by e-mail, and say what came of it. Exit code 1 when one did not arrive.

    \b
    Example:
      casemirror health test
    """
    from casemirror.actions import health as action

    with session.opened(ctx) as (mirror, me):
        found = action.test(mirror, me)
    if json:
        output.data([{"target": trial.target, "error": trial.error} for trial in found])
    else:
        rows = [(trial.target, trial.error or "taken") for trial in found]
        output.table(("target", "what came of it"), rows)
    if any(trial.error for trial in found):
        raise typer.Exit(1)


def _since(condition: Any) -> str:
    """When the state began; what no server noted yet began nobody knows when."""
    noted = condition.noted
    is_noted = noted is not None and noted.state is condition.health.state
    return output.time(condition.health.since) if is_noted else "not noted yet"


def _shown(condition: Any) -> dict[str, Any]:
    health, noted = condition.health, condition.noted
    is_noted = noted is not None and noted.state is health.state
    return {
        "instance": condition.instance,
        "state": health.state.value,
        "since": health.since if is_noted else None,
        "reason": health.reason,
    }
