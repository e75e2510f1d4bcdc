"""`casemirror why`, `timeline`, `doctor`, `drift`: what is stored answers why something is as it is."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from casemirror.cli import output, session, why_view
from casemirror.cli.session import AsJson

if TYPE_CHECKING:
    from casemirror.actions.drift import Drift, Tally

Number = Annotated[int, typer.Argument(help="Number of the incident.")]


def why(
    ctx: typer.Context,
    incident: Number,
    field: Annotated[
        str, typer.Argument(help="A field, by machine or display name. [default: all mirrored ones]")
    ] = "",
    depth: Annotated[int, typer.Option(min=1, help="Decisions of each link that are told, the newest ones.")] = 5,
    json: AsJson = False,
) -> None:
    """Tell why a field is what it is: who changed it, what the remote said, which line of the mapper and which rule decided.

    Also what was sent, under which name, and what still waits and for what. No remote is called.

    \b
    Examples:
      casemirror why 3
      casemirror why 3 severity
      casemirror why 3 "Snow State" --json
    """
    from casemirror.actions import why as action
    from casemirror.model.ids import IncidentId

    with session.opened(ctx) as (mirror, me):
        answer = action.explain_fields(mirror, me, IncidentId(incident), field, depth=depth)
    if json:
        output.data(why_view.as_json(answer))
    elif field:
        why_view.show(answer)
    else:
        why_view.overview(answer)


def timeline(
    ctx: typer.Context,
    incident: Number,
    limit: Annotated[int, typer.Option(min=1, help="Events to show, the newest ones.")] = 200,
    json: AsJson = False,
) -> None:
    """Show what happened to an incident, in order: edits, pulls, pushes, entries, closes, errors, holds, links.

    \b
    Examples:
      casemirror timeline 3
      casemirror timeline 3 --limit 20 --json
    """
    from casemirror.actions import timeline as action
    from casemirror.model.ids import IncidentId

    with session.opened(ctx) as (mirror, me):
        events = action.of_incident(mirror, me, IncidentId(incident), limit=limit)
    if json:
        output.data([{"at": e.at, "kind": e.kind, "who": e.who, "text": e.text, "detail": e.detail} for e in events])
        return
    rows = [(e.at, e.kind, e.who or "casemirror", e.text) for e in events]
    output.table(("time (UTC)", "what", "who", "text"), rows, empty="nothing happened yet")


def doctor(
    ctx: typer.Context,
    subject: Annotated[
        str,
        typer.Argument(
            metavar="INCIDENT|INSTANCE|runtime", help="Number of an incident, name of an instance, or the word runtime."
        ),
    ],
    json: AsJson = False,
) -> None:
    """Look at everything that mirroring needs, one by one, and say what is missing and what to do.

    Of the runtime: what this machine gives to keep integrations in, found out by attacking as one (unless an instance is
    called runtime). Exit code 1 when something is missing. No remote is called; `casemirror instance test` does that.

    \b
    Examples:
      casemirror doctor 3
      casemirror doctor snow
      casemirror doctor runtime
    """
    from casemirror.actions import doctor as action
    from casemirror.actions.doctor_values import State

    with session.opened(ctx) as (mirror, me):
        checks = action.examine(mirror, me, subject)
    missing = [c for c in checks if c.state is State.MISSING]
    if json:
        keys = ("about", "name", "state", "way", "text", "todo")
        output.data([{key: getattr(check, key) for key in keys} for check in checks])
    else:
        rows = [(c.state.value, c.about, c.name, c.text, c.todo) for c in checks]
        output.table(("", "about", "check", "found", "what to do"), rows)
        output.line(f"{len(missing)} missing" if missing else "nothing is missing")
    if missing:
        raise typer.Exit(1)


def drift(
    ctx: typer.Context,
    instance: Annotated[str, typer.Argument(help="Name of an instance. [default: all]")] = "",
    heal: Annotated[
        bool, typer.Option("--heal", help="Make links that disagree due at once, behind all other work.")
    ] = False,
    worst: Annotated[int, typer.Option(min=0, help="How many of the worst incidents to show.")] = 10,
    json: AsJson = False,
) -> None:
    """Show how many links agree, as far as is known here, and which incidents are worst. No remote is called.

    A link disagrees when something changed here and was not sent, when it was never pulled, fails, is held or in conflict,
    when entries wait to be sent, or when work is queued for it. Purged links do not count; those whose remote object is
    gone (deleted, merged, moved) are counted for themselves.

    \b
    Examples:
      casemirror drift
      casemirror drift snow --worst 50
      casemirror drift --heal
    """
    from casemirror.actions import drift as action

    with session.opened(ctx) as (mirror, me):
        found = action.measure(mirror, me, instance, heal=heal, worst=worst)
    if json:
        output.data(_drift_json(found))
        return
    total = found.total
    gone = total.gone.total()
    output.line(
        f"{total.percent:g} % of {total.links - gone} links agree" + (f"; {gone} more are gone there" if gone else "")
    )
    rows = [
        (name, t.links, t.agree, f"{t.percent:g}", _counts(t.kinds), _counts(t.gone))
        for name, t in sorted(found.instances.items())
    ]
    head = ("instance", "links", "agree", "%", "disagree because", "gone there")
    output.table(head, rows, empty="no links yet")
    if found.doubted:
        output.line(f"possibly sent twice: {found.doubted} (casemirror doubts)")
    if found.worst:
        shown = [(w.incident_id, w.instance, w.kinds, w.fields, w.entries or "", w.reason) for w in found.worst]
        output.heading("the worst incidents")
        output.table(("incident", "instance", "because", "unsent fields", "entries", "error"), shown)
    if found.healed is not None:
        left = f"; {found.left} need a person (casemirror doctor INCIDENT)" if found.left else ""
        output.line(f"{found.healed} links were made due at once{left}")


def _counts(counted: Counter[str]) -> str:
    return ", ".join(f"{kind}: {count}" for kind, count in counted.most_common())


def _drift_json(found: Drift) -> dict[str, Any]:
    def tally(t: Tally) -> dict[str, Any]:
        return {
            "links": t.links,
            "agree": t.agree,
            "percent": t.percent,
            "disagree": dict(t.kinds),
            "gone": dict(t.gone),
        }

    keys = ("instance", "kinds", "fields", "entries", "reason")
    return {
        **tally(found.total),
        "instances": {name: tally(t) for name, t in sorted(found.instances.items())},
        "worst": [{"incident": str(w.incident_id), **{key: getattr(w, key) for key in keys}} for w in found.worst],
        "possiblySentTwice": found.doubted,
        "healed": found.healed,
        "left": found.left if found.healed is not None else None,
    }
