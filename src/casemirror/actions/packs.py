"""Packs: install them, list them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from casemirror.actions.permission import require
from casemirror.content import dependencies, loading
from casemirror.content.catalog import Catalog
from casemirror.content.items import Item
from casemirror.content.pack import LOCAL, Pack
from casemirror.engine.app import App
from casemirror.mapping import filters, transformers
from casemirror.mapping.targets import SYSTEM_NAMES
from casemirror.model.actor import Actor
from casemirror.model.errors import Conflict, Invalid
from casemirror.store import audit, content_items, links

BUNDLED = Path(__file__).parent.parent / "packs"
"""Packs that come with casemirror."""
API_MODULES = frozenset(p.stem for p in (Path(__file__).parent.parent / "guest" / "api_modules").glob("*ApiModule.py"))
"""API modules that the runtime brings along."""
OPERATORS = frozenset({*transformers.KNOWN, *filters.KNOWN})
"""Transformers and filters that mapping knows itself."""


@dataclass(frozen=True, kw_only=True)
class Installed:
    """What was installed.

    items      kind → how many
    warnings   files that could not be read, references that nothing satisfies; the rest works
    """

    id: str
    name: str
    version: str
    items: Mapping[str, int]
    installed_at: datetime | None = None
    warnings: tuple[str, ...] = ()


def add(app: App, actor: Actor, path: Path) -> list[Installed]:
    """Install every pack at `path` (folder, zip, content repository, one file), over older versions of the same packs.

    Raises NotFound or Invalid when there is no pack, or nothing in it that casemirror could use; Conflict for one whose id
    is that of what people added here.
    """
    require(actor, "pack.add")
    packs = loading.load(path)
    if not any(pack.items for pack in packs):
        problems = "; ".join(str(p) for pack in packs for p in pack.problems)
        raise Invalid(f"{path}: holds nothing that casemirror can use" + (f": {problems}" if problems else ""))
    if any(pack.id == LOCAL for pack in packs):
        raise Conflict(
            f"{path}: the pack id {LOCAL!r} is that of your own fields and types; "
            "rename it, or use `casemirror field add` and `casemirror type add`"
        )
    now = app.clock.now()
    with app.store.write() as tx:
        for pack in packs:
            content_items.install(tx, pack, now)
            audit.add(tx, now, actor.name, "pack.installed", f"pack {pack.id}", {"version": pack.version})
        links.look_again(tx, now)
        catalog = app.library.catalog(tx)
        there = {str(row["id"]) for row in content_items.packs(tx)}
    return [_installed(pack, catalog, there, now) for pack in packs]


def list_all(app: App, actor: Actor) -> list[Installed]:
    """The installed packs."""
    require(actor, "pack.list")
    with app.store.read() as tx:
        rows = content_items.packs(tx)
    return [Installed(**{k: row[k] for k in ("id", "name", "version", "items", "installed_at")}) for row in rows]  # type: ignore[arg-type]


def _installed(pack: Pack, catalog: Catalog, there: set[str], now: datetime) -> Installed:
    counts: dict[str, int] = {}
    for item in pack.items:
        counts[item.kind] = counts.get(item.kind, 0) + 1
    return Installed(
        id=pack.id,
        name=pack.name,
        version=pack.version,
        items=counts,
        installed_at=now,
        warnings=(*map(str, pack.problems), *_missing_packs(pack, there), *_missing_items(pack, catalog)),
    )


def _missing_packs(pack: Pack, there: set[str]) -> list[str]:
    """Packs that its author says must be there. Base is casemirror's own `CommonServerPython`."""
    wanted = [name for name, mandatory in pack.dependencies.items() if mandatory and name not in there | {"Base"}]
    return [f"pack {pack.id} depends on the pack {name}, which is not installed" for name in sorted(wanted)]


def _missing_items(pack: Pack, catalog: Catalog) -> list[str]:
    users = {_user(item) for item in pack.items}
    found = dependencies.missing(catalog, operators=OPERATORS, system_fields=SYSTEM_NAMES, api_modules=API_MODULES)
    return [str(missing) for missing in found if missing.user in users]


def _user(item: Item) -> str:
    kind = "mapper" if item.kind.startswith("mapper") else item.kind
    return f"{kind} {item.id}"
