"""`casemirror instance`: configure integrations, test them, let them work now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from casemirror.cli import env, given, output, session
from casemirror.cli.session import AsJson

if TYPE_CHECKING:
    from casemirror.actions.instances import Choice, Configured

app = typer.Typer(no_args_is_help=True, help="Instances: configured integrations.")

Name = Annotated[str, typer.Argument(help="Name of the instance.")]
Params = Annotated[
    list[str] | None, typer.Option("--param", "-p", metavar="NAME=VALUE", help="A parameter; repeat it.")
]
Secrets = Annotated[
    list[str] | None,
    typer.Option(
        "--secret",
        metavar="NAME[=@FILE|=env:VAR|=-]",
        help="A secret parameter: asked for, or from a file, the environment, standard input. Repeat it.",
    ),
]
Classifier = Annotated[str | None, typer.Option(help='Classifier by id or name; "" for none.')]
MapperIn = Annotated[str | None, typer.Option("--mapper-in", help='Incoming mapper by id or name; "" for none.')]
MapperOut = Annotated[str | None, typer.Option("--mapper-out", help='Outgoing mapper by id or name; "" for none.')]


@app.command()
def add(
    ctx: typer.Context,
    name: Name,
    integration: Annotated[str, typer.Option("--integration", "-i", help="Id or name of the integration.")],
    param: Params = None,
    secret: Secrets = None,
    classifier: Classifier = None,
    mapper_in: MapperIn = None,
    mapper_out: MapperOut = None,
    disabled: Annotated[bool, typer.Option("--disabled", help="Do not let it work yet.")] = False,
    json: AsJson = False,
) -> None:
    """Configure an integration. Classifier and mappers are its own unless others are named.

    A Python environment that the integration cannot run without is built.

    \b
    Examples:
      casemirror instance add snow --integration "ServiceNow v2" \\
          -p url=https://example.service-now.com -p credentials.identifier=mirror --secret credentials \\
          -p isFetch=true -p mirror_direction="Incoming And Outgoing"
      casemirror instance add tracker -i Roundup -p url=https://host/tracker/ \\
          -p credentials.identifier=mirror --secret credentials=env:TRACKER_PASSWORD
    """
    from casemirror.actions import instances

    open_ = given.pairs(param or (), "parameter")
    with session.opened(ctx) as (mirror, me):
        instances.refuse_open_secrets(mirror, integration, open_)
        made = instances.add(
            mirror,
            me,
            name,
            integration,
            open_,
            secrets=given.secrets(secret or ()),
            choice=_choice(classifier, mapper_in, mapper_out),
            enabled=not disabled,
        )
        env.ensure(mirror, me, made.instance.name)
    if json:
        output.data(_shown(made))
        return
    output.line(f"added {name}; `casemirror instance test {name}` tries it")


@app.command()
def update(
    ctx: typer.Context,
    name: Name,
    param: Params = None,
    secret: Secrets = None,
    classifier: Classifier = None,
    mapper_in: MapperIn = None,
    mapper_out: MapperOut = None,
    json: AsJson = False,
) -> None:
    """Change parameters, classifier or mappers; what is not named stays as it is.

    \b
    Example:
      casemirror instance update snow -p isFetch=false --secret credentials
    """
    from casemirror.actions import instances

    open_ = given.pairs(param or (), "parameter")
    with session.opened(ctx) as (mirror, me):
        instances.refuse_open_secrets(mirror, instances.show(mirror, me, name).instance.brand, open_)
        choice = _choice(classifier, mapper_in, mapper_out)
        made = instances.update(mirror, me, name, open_, secrets=given.secrets(secret or ()), choice=choice)
    if json:
        output.data(_shown(made))
        return
    output.line(f"updated {name}")


@app.command("list")
def list_(ctx: typer.Context, json: AsJson = False) -> None:
    """Show all instances.

    \b
    Example:
      casemirror instance list
    """
    from casemirror.actions import instances

    with session.opened(ctx) as (mirror, me):
        found = instances.list_all(mirror, me)
    if json:
        output.data([_shown(each) for each in found])
        return
    rows = [
        (c.instance.name, _title(c), c.instance.enabled, c.instance.health, c.lane.last_poll_at, _trouble(c))
        for c in found
    ]
    output.table(("name", "integration", "enabled", "test", "last cycle", "error"), rows, empty="no instances yet")


@app.command()
def show(ctx: typer.Context, name: Name, json: AsJson = False) -> None:
    """Show one instance with its parameters; of secrets only whether they are set.

    \b
    Example:
      casemirror instance show snow
    """
    from casemirror.actions import instances

    with session.opened(ctx) as (mirror, me):
        found = instances.show(mirror, me, name)
    if json:
        output.data(_shown(found))
        return
    each = found.instance
    output.pairs(
        [
            ("name", each.name),
            ("integration", _title(found)),
            ("enabled", each.enabled),
            ("test", each.health or "not tested yet"),
            ("classifier", each.classifier or "none"),
            ("incoming mapper", each.mapper_in or "none"),
            ("outgoing mapper", each.mapper_out or "none"),
            ("last cycle", found.lane.last_poll_at or "none yet"),
            ("error", _trouble(found) or "none"),
            ("may reach", ", ".join(each.egress) or "every host"),
            ("commands", _used(found)),
        ]
    )
    output.table(("parameter", "meaning", "value"), [(p.name, p.label, value) for p, value in found.parameters])


@app.command()
def test(ctx: typer.Context, name: Name, json: AsJson = False) -> None:
    """Try an instance: can it reach its system and log in? Builds a Python environment that it cannot run without.

    \b
    Example:
      casemirror instance test snow
    """
    from casemirror.actions import probes

    with session.opened(ctx) as (mirror, me), env.telling() as tell:
        probes.test(mirror, me, name, tell)
    if json:
        output.data({"instance": name, "test": probes.HEALTHY})
    else:
        output.line("ok")


@app.command()
def enable(ctx: typer.Context, name: Name, json: AsJson = False) -> None:
    """Let an instance work, also after a safety brake stopped it.

    \b
    Example:
      casemirror instance enable snow
    """
    from casemirror.actions import instances

    with session.opened(ctx) as (mirror, me):
        found = instances.enable(mirror, me, name)
    _switched(found, "enabled", json)


@app.command()
def disable(ctx: typer.Context, name: Name, json: AsJson = False) -> None:
    """Let an instance rest; it goes on where it stopped when it is enabled again.

    \b
    Example:
      casemirror instance disable snow
    """
    from casemirror.actions import instances

    with session.opened(ctx) as (mirror, me):
        found = instances.disable(mirror, me, name)
    _switched(found, "disabled", json)


@app.command()
def remove(ctx: typer.Context, name: Name, json: AsJson = False) -> None:
    """Delete an instance and its secrets. Its incidents stay; an instance of the same name takes them up again.

    \b
    Example:
      casemirror instance remove snow
    """
    from casemirror.actions import instances

    with session.opened(ctx) as (mirror, me):
        instances.remove(mirror, me, name)
    if json:
        output.data({"removed": name})
    else:
        output.line(f"removed {name}")


@app.command()
def egress(
    ctx: typer.Context,
    name: Name,
    allow: Annotated[
        list[str] | None,
        typer.Option("--allow", metavar="HOST[:PORT]", help="It may reach this host, or *.domain; repeat it."),
    ] = None,
    drop: Annotated[
        list[str] | None, typer.Option("--drop", metavar="HOST[:PORT]", help="It may no longer; repeat it.")
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Take the list away: it may reach every host.")] = False,
    json: AsJson = False,
) -> None:
    """Show or change the list of hosts that an instance may reach. Without a list it reaches all.

    The first --allow makes the list. A proxy is a host like others; what is reached through it is the proxy's business.

    \b
    Examples:
      casemirror instance egress snow
      casemirror instance egress snow --allow example.service-now.com:443
      casemirror instance egress snow --allow "*.service-now.com" --drop example.service-now.com:443
      casemirror instance egress snow --open
    """
    from casemirror.actions import egress as action

    with session.opened(ctx) as (mirror, me):
        if allow or drop or open_:
            found = action.change(mirror, me, name, allow=allow or (), drop=drop or (), open_=open_)
        else:
            found = action.show(mirror, me, name)
    if json:
        output.data({"instance": name, "hosts": list(found) or None})
    else:
        output.line(f"{name} may reach {', '.join(found) or 'every host'}")


@app.command()
def fetch(ctx: typer.Context, name: Name, json: AsJson = False) -> None:
    """Fetch new incidents now.

    \b
    Example:
      casemirror instance fetch snow
    """
    from casemirror.actions import cycles

    with session.opened(ctx) as (mirror, me):
        cycle = cycles.fetch_now(mirror, me, name)
    if json:
        output.data({"instance": name, "byServer": cycle.by_server, "created": cycle.found})
    elif cycle.by_server:
        output.line("the running server fetched; `casemirror incident list` shows what there is")
    else:
        output.line(f"{cycle.found} new incidents")


@app.command("mirror")
def mirror_(ctx: typer.Context, name: Name, json: AsJson = False) -> None:
    """Run one mirror cycle now: poll, and bring together what changed on either side.

    \b
    Example:
      casemirror instance mirror snow
    """
    from casemirror.actions import cycles

    with session.opened(ctx) as (mirror, me):
        cycle = cycles.mirror_now(mirror, me, name)
    sums = {
        key: sum(getattr(outcome, key) for outcome in cycle.outcomes)
        for key in ("fields_in", "entries_in", "fields_out", "entries_out")
    }
    if json:
        told = {"instance": name, "byServer": cycle.by_server, "found": cycle.found, "reconciled": len(cycle.outcomes)}
        output.data({**told, **sums, "failures": cycle.failures})
    elif cycle.by_server:
        output.line("the running server ran a cycle; `casemirror stats` shows how it stands")
    else:
        numbers = f"in: {sums['fields_in']} fields, {sums['entries_in']} entries; out: {sums['fields_out']} fields, {sums['entries_out']} entries"
        output.line(f"{cycle.found} changed remotely, {len(cycle.outcomes)} incidents reconciled ({numbers})")
    for failure in cycle.failures:
        output.warn(failure)
    if cycle.failures:
        raise typer.Exit(1)


def schema(ctx: typer.Context, name: Name, json: AsJson = False) -> None:
    """Show the remote fields that mappers can use (get-mapping-fields).

    \b
    Example:
      casemirror schema snow
    """
    from casemirror.actions import probes
    from casemirror.mapping.schema import paths_of

    with session.opened(ctx) as (mirror, me):
        found: Any = probes.schema(mirror, me, name)
    if json:
        output.data(found)
        return
    for title, paths in paths_of(found).items():
        rows = [(path, _meaning(found[title], path)) for path in paths]
        output.table(("path", "meaning"), rows, title=title, empty=f"{title}: no fields")


def _meaning(fields: Any, path: str) -> str:
    """What the remote says of a path; nothing of one that only leads to others."""
    from casemirror.mapping.paths import compile_path, resolve

    value = resolve(compile_path(path), fields)
    return str(value) if isinstance(value, str | int | float) else ""


def _choice(classifier: str | None, mapper_in: str | None, mapper_out: str | None) -> Choice:
    from casemirror.actions.instances import Choice

    return Choice(classifier=classifier, mapper_in=mapper_in, mapper_out=mapper_out)


def _switched(found: Configured, word: str, json: bool) -> None:
    if json:
        output.data(_shown(found))
    else:
        output.line(f"{found.instance.name} is {word}")


def _title(found: Configured) -> str:
    return found.integration.display if found.integration else f"{found.instance.brand} (its pack is not installed)"


def _trouble(found: Configured) -> str:
    lane = found.lane
    waits = (lane.not_before_reason if lane.not_before else "", lane.in_not_before_reason if lane.in_not_before else "")
    return next(filter(None, (lane.held_reason, lane.last_error, *waits)), "")


def _used(found: Configured) -> str:
    used = found.used
    if not used.commands:
        return "none ran yet"
    each = 1000 * used.cpu_s / used.commands
    return f"{used.commands} ran; CPU {used.cpu_s:.1f} s ({each:.0f} ms each); at most {used.peak_bytes / 1e6:.0f} MB of memory"


def _shown(found: Configured) -> dict[str, Any]:
    """An instance as JSON; secrets are names only."""
    each, lane = found.instance, found.lane
    return {
        "id": each.id,
        "name": each.name,
        "integration": each.brand,
        "enabled": each.enabled,
        "health": each.health,
        "classifier": each.classifier,
        "mapperIn": each.mapper_in,
        "mapperOut": each.mapper_out,
        "params": {p.name: value for p, value in found.parameters if not p.is_secret},
        "secrets": sorted(found.secrets),
        "lastCycle": lane.last_poll_at,
        "heldReason": lane.held_reason,
        "lastError": lane.last_error,
        "egress": list(each.egress) or None,
        "commands": found.used.commands,
        "cpuSeconds": round(found.used.cpu_s, 3),
        "memoryPeakBytes": found.used.peak_bytes,
        "created": each.created_at,
        "modified": each.modified_at,
    }
