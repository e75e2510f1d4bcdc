"""`casemirror pack`: install packs, list them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from casemirror.cli import env, output, session
from casemirror.cli.session import AsJson

if TYPE_CHECKING:
    from casemirror.actions.packs import Installed

app = typer.Typer(no_args_is_help=True, help="Packs: integrations with their classifiers, mappers, types and fields.")


@app.command()
def add(
    ctx: typer.Context,
    paths: Annotated[list[Path], typer.Argument(help="Pack folder, pack zip, or content repository.")],
    json: AsJson = False,
) -> None:
    """Install packs, or newer versions of installed ones. Builds what existing instances of them cannot run without.

    \b
    Examples:
      casemirror pack add ./content/Packs/ServiceNow ./content/Packs/CommonTypes
      casemirror pack add ServiceNow.zip
    """
    from casemirror.actions import packs

    with session.opened(ctx) as (mirror, me):
        found = [pack for path in paths for pack in packs.add(mirror, me, path)]
        if json:
            output.data([vars(pack) for pack in found])
        else:
            _tell(found)
        env.ensure_all(mirror, me)


def _tell(found: list[Installed]) -> None:
    for pack in found:
        items = ", ".join(f"{count} {kind}" for kind, count in sorted(pack.items.items())) or "nothing usable"
        output.line(f"installed {pack.name} {pack.version}: {items}")
        for warning in pack.warnings:
            output.warn(warning)


@app.command("list")
def list_(ctx: typer.Context, json: AsJson = False) -> None:
    """Show what is installed.

    \b
    Example:
      casemirror pack list --json
    """
    from casemirror.actions import packs

    with session.opened(ctx) as (mirror, me):
        found = packs.list_all(mirror, me)
    if json:
        output.data([{k: v for k, v in vars(pack).items() if k != "warnings"} for pack in found])
        return
    rows = [
        (p.id, p.name, p.version, p.items.get("integration", 0), sum(p.items.values()), p.installed_at) for p in found
    ]
    output.table(
        ("id", "name", "version", "integrations", "items", "installed"),
        rows,
        empty="no packs yet; `casemirror pack add`",
    )
