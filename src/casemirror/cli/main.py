"""`casemirror`: the program. Exit codes: 0 done, 1 it failed, 2 it cannot be done as asked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import casemirror
from casemirror.cli import (
    budget,
    check,
    config,
    conflict,
    doubts,
    env,
    explain,
    field,
    health,
    incident,
    instance,
    key,
    later,
    link,
    mapper,
    metrics,
    mirror,
    new,
    pack,
    plan,
    policy,
    replay,
    run,
    serve,
    session,
    simulate,
    user,
)
from casemirror.cli import type as type_command
from casemirror.cli.chaos import command as chaos
from casemirror.cli.demo import command as demo
from casemirror.cli.dev import command as dev
from casemirror.cli.failures import Group

app = typer.Typer(
    name="casemirror",
    cls=Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(pack.app, name="pack")
app.add_typer(env.app, name="env")
app.add_typer(mapper.app, name="mapper")
app.add_typer(field.app, name="field")
app.add_typer(type_command.app, name="type")
app.add_typer(instance.app, name="instance")
app.add_typer(incident.app, name="incident")
app.add_typer(link.app, name="link")
app.add_typer(budget.app, name="budget")
app.add_typer(conflict.app, name="conflict")
app.add_typer(policy.app, name="policy")
app.add_typer(health.app, name="health")
app.add_typer(later.app, name="later")
app.add_typer(config.app, name="config")
app.add_typer(key.app, name="key")
app.add_typer(user.app, name="user")
app.add_typer(simulate.app, name="simulate")
app.command("schema")(instance.schema)
app.command("map")(mapper.map_)
app.command("why")(explain.why)
app.command("timeline")(explain.timeline)
app.command("doctor")(explain.doctor)
app.command("drift")(explain.drift)
app.command("doubts")(doubts.doubts)
app.command("plan")(plan.plan)
app.command("replay")(replay.replay)
app.command("new")(new.new)
app.command("check")(check.check)
app.command("dev")(dev.dev)
app.command("run")(run.run)
app.command("stats")(mirror.stats)
app.command("records")(mirror.records)
app.command("metrics")(metrics.metrics)
app.command("purge")(mirror.purge)
app.command("serve")(serve.serve)
app.command("worker")(serve.worker)
app.command("demo")(demo.demo)
app.command("chaos")(chaos.chaos)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"casemirror {casemirror.__version__}")
        raise typer.Exit


@app.callback()
def main(
    ctx: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option(
            envvar="CASEMIRROR_HOME", help="Folder with the database, files and key. [default: ~/.casemirror]"
        ),
    ] = None,
    database_url: Annotated[
        str,
        typer.Option(
            envvar="CASEMIRROR_DATABASE_URL",
            help="PostgreSQL, as postgresql://user@host/name; SQLite in the home else.",
        ),
    ] = "",
    log_level: Annotated[str, typer.Option(envvar="CASEMIRROR_LOG_LEVEL", help="debug, info, warning or error.")] = "",
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Keeps incidents and tickets in several systems the same, both ways.

    It runs the mirroring integrations written for Cortex XSOAR as they are.

    \b
    First steps:
      casemirror demo                                       see it work
      casemirror pack add ./Packs/ServiceNow                install an integration
      casemirror instance add snow --integration "ServiceNow v2" \\
          --param url=https://example.service-now.com --param credentials.identifier=mirror --secret credentials
      casemirror instance test snow
      casemirror serve                                      mirror until stopped
    """
    del version
    ctx.obj = session.Session(home=home, database_url=database_url, log_level=log_level)


if __name__ == "__main__":
    app()
