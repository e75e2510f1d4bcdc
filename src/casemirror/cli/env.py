"""`casemirror env`: the Python environments of integrations that need more than casemirror's own packages."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from casemirror.cli import output, session
from casemirror.cli.session import AsJson

if TYPE_CHECKING:
    from casemirror.actions.environments import Status
    from casemirror.engine.app import App
    from casemirror.model.actor import Actor
    from casemirror.runtime.environments.folder import Built

app = typer.Typer(no_args_is_help=True, help="Python environments of integrations that need further packages.")


@app.command("list")
def list_(ctx: typer.Context, json: AsJson = False) -> None:
    """Show what each integration needs, and whether this machine has it.

    Listed are integrations that have an instance, or that need an environment.

    \b
    Example:
      casemirror env list
    """
    from casemirror.actions import environments

    with session.opened(ctx) as (mirror, me):
        found = environments.list_all(mirror, me)
    if json:
        unused = [_built_json(built) for built in found.unused]
        output.data({"integrations": [_json(status) for status in found.statuses], "unused": unused})
        return
    rows = [(s.integration.name, s.instances, s.state.value, s.need.source, s.key) for s in found.statuses]
    output.table(("integration", "instances", "state", "told by", "environment"), rows, empty="no instances yet")
    for built in found.unused:
        output.line(f"unused: {built.key}, built {output.time(built.built_at)}; `casemirror env prune` deletes it")


@app.command()
def show(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of an instance, or id or name of an integration.")],
    json: AsJson = False,
) -> None:
    """Show which environment an integration has, why, and what is in it.

    \b
    Example:
      casemirror env show snow
    """
    from casemirror.actions import environments

    with session.opened(ctx) as (mirror, me):
        found = environments.show(mirror, me, name)
    if json:
        output.data(_json(found))
        return
    output.pairs(_pairs(found))
    if found.built:
        output.table(("installed", "version"), [text.split(" ", 1) for text in found.built.distributions])


@app.command()
def build(
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="Instances or integrations.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All integrations that have an instance.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Build anew, with the newest versions allowed.")] = False,
    json: AsJson = False,
) -> None:
    """Build environments. This is the only time that the network is needed for them.

    \b
    Examples:
      casemirror env build tickets
      casemirror env build --all
    """
    from casemirror.actions import environments

    with session.opened(ctx) as (mirror, me), telling() as tell:
        found = environments.build(mirror, me, names or (), everything=everything, again=again, tell=tell)
    if json:
        output.data([_json(status) for status in found])
        return
    for status in found:
        output.line(f"{status.integration.name}: {_sentence(status)}")
    if not found:
        output.line("no instances yet")


@app.command()
def prune(ctx: typer.Context, json: AsJson = False) -> None:
    """Delete the environments that no installed integration needs.

    \b
    Example:
      casemirror env prune
    """
    from casemirror.actions import environments

    with session.opened(ctx) as (mirror, me):
        gone = environments.prune(mirror, me)
    if json:
        output.data([built.key for built in gone])
    else:
        output.line(f"deleted {output.many(len(gone), 'environment')}")


def ensure(mirror: App, me: Actor, instance: str) -> None:
    """Build what an instance cannot run without, with progress; a failure is only a warning here."""
    from casemirror.actions import environments
    from casemirror.runtime.environments.building import EnvironmentFailed

    with telling() as tell:
        try:
            environments.ensure(mirror, me, instance, tell)
        except EnvironmentFailed as error:
            output.warn(f"{error.message}\n`casemirror env build {instance}` tries again")


def ensure_all(mirror: App, me: Actor) -> None:
    """Build what instances cannot run without, with progress; failures are warnings."""
    from casemirror.actions import environments

    with telling() as tell:
        for failure in environments.ensure_all(mirror, me, tell):
            output.warn(f"{failure}\n`casemirror env build --all` tries again")


@contextmanager
def telling() -> Iterator[Callable[[str, str], None]]:
    """Tell on stderr what is built: a terminal sees the newest line, a file only that it began."""
    terminal, said, length = sys.stderr.isatty(), set(), 0

    def tell(what: str, line: str) -> None:
        nonlocal length
        if what not in said:
            said.add(what)
            sys.stderr.write(f"building the Python environment of {output.clean(what)} ...\n")
        if terminal and line.strip():
            text = output.clean(f"  {line.strip()}")[:100]
            sys.stderr.write(f"\r{text:<{length}}")
            length = len(text)
        sys.stderr.flush()

    try:
        yield tell
    finally:
        if terminal and length:
            sys.stderr.write(f"\r{' ' * length}\r")
            sys.stderr.flush()


def _pairs(found: Status) -> list[tuple[str, Any]]:
    built = found.built
    rows: list[tuple[str, Any]] = [
        ("integration", found.integration.name),
        ("instances", found.instances or "none"),
        ("image", found.integration.docker_image or "none named"),
        ("state", _sentence(found)),
        ("requirements", found.requirements),
        ("told by", found.need.source),
        ("modules not here", found.need.missing),
        ("environment", found.key),
        ("Python", built.python if built else ""),
        ("built", built.built_at if built else None),
        ("folder", built.path if built else ""),
        ("last failure", "" if built else found.failure),
    ]
    return [(name, value) for name, value in rows if value]


def _sentence(found: Status) -> str:
    """How it stands, and what to do about it."""
    from casemirror.actions.environments import State

    todo = f"`casemirror env build {found.instances[0] if found.instances else repr(found.integration.id)}`"
    if found.state is State.BASE:
        return f"runs with casemirror's own packages: {_why_base(found)}"
    return {
        State.BUILT: "runs in an environment of its own",
        State.USEFUL: f"runs with casemirror's own packages; what imports {', '.join(found.need.missing)} needs {todo}",
        State.MISSING: f"cannot run here before {todo}",
        State.FAILED: f"cannot run here: its environment could not be built; {todo} tries again",
    }[found.state]


def _why_base(found: Status) -> str:
    image, missing = found.integration.docker_image, ", ".join(found.need.missing)
    if not found.need.missing:
        return "they have all that it imports"
    who = f"the image {image} is not known" if image else "no image is named"
    return f"{who} and the pack has no requirements.txt, although it imports {missing}, which they lack"


def _json(found: Status) -> dict[str, Any]:
    return {
        "integration": found.integration.id,
        "instances": found.instances,
        "image": found.integration.docker_image,
        "state": found.state.value,
        "source": found.need.source,
        "requirements": found.requirements,
        "missingModules": found.need.missing,
        "environment": found.key,
        "failure": "" if found.built else found.failure,
        "built": _built_json(found.built) if found.built else None,
    }


def _built_json(built: Built) -> dict[str, Any]:
    return {
        "environment": built.key,
        "folder": str(built.path),
        "python": built.python,
        "builtAt": built.built_at,
        "distributions": built.distributions,
    }
