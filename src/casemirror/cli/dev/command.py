"""`casemirror dev`: watch an integration work while you write it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from casemirror.cli import authoring, session

WIDTH = 160
"""Characters of a line that does not go to a terminal."""


def dev(
    ctx: typer.Context,
    path: authoring.Where,
    simulator: authoring.Simulator = "",
    param: authoring.Params = None,
    params: authoring.ParamsFile = None,
    secret: authoring.Secrets = None,
    with_: authoring.With = None,
    classifier: authoring.Classifier = None,
    mapper_in: authoring.MapperIn = None,
    mapper_out: authoring.MapperOut = None,
    name: Annotated[str, typer.Option(help="Name of the instance. [default: as the integration is called]")] = "",
    every: Annotated[float, typer.Option(min=1.0, help="Seconds between two cycles while nothing is saved.")] = 5.0,
    story: Annotated[
        bool, typer.Option("--story/--no-story", help="People do things at the simulator and here, in each round.")
    ] = True,
    log: Annotated[bool, typer.Option("--log", help="Show what the integration logs, too.")] = False,
    once: Annotated[
        bool, typer.Option("--once", help="End after one round, with exit code 1 when something is not right.")
    ] = False,
) -> None:
    """Watch an integration work while you write it: each command, its answer, what was understood and decided.

    Its pack is installed into a folder of its own, an instance is configured and tested; then it fetches and mirrors, with a
    simulator by a short story of one ticket, in which every step is looked at on both sides. Whenever you save a file of the
    pack, all of it begins anew. Ctrl-C ends it, and nothing is left. With `casemirror --home FOLDER dev` everything is kept
    there.

    \b
    Examples:
      casemirror dev ./AcmeTickets --simulator ./AcmeTickets/tests/fake_remote.py
      casemirror dev ./Packs/ServiceNow/Integrations/ServiceNowv2 --simulator servicenow --mapper-in ServiceNow-incoming-mapper
      casemirror dev ./AcmeTickets --params acme.yml --secret credentials=env:ACME_PASSWORD --every 30
    """
    from rich.console import Console

    from casemirror.actions.contract import subject
    from casemirror.actions.instances import Choice
    from casemirror.cli import build
    from casemirror.cli.dev import play
    from casemirror.cli.dev.desk import Desk
    from casemirror.cli.dev.trace import Trace

    play.stop_at_signals()
    subject.read(path, with_ or ())
    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False, emoji=False)
    trace = Trace(console=console, show_log=log)
    choice = Choice(classifier=classifier, mapper_in=mapper_in, mapper_out=mapper_out)
    kept = session.typed_home(ctx)
    with play.home_in(kept) as home, authoring.remote(simulator) as there:
        if there is not None:
            console.print(f"{simulator} serves at {there.url}")
        given = authoring.Given(there=there, param=param, params_file=params, secret=secret)
        options = build.Options(home=home, database_url="", log_level="error")
        with build.opened(options) as app:
            desk = Desk(
                app=app,
                me=session.me(),
                path=path,
                also=tuple(with_ or ()),
                name=name,
                configured=given.for_,
                choice=choice,
                trace=trace,
            )
            if kept is None:
                desk.hurry()
            code = play.play(desk, there, play.Wishes(once=once, every_s=every, story=story))
    raise typer.Exit(code)
