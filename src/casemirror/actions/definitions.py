"""Incident fields and incident types: those of packs, and those that people add here.

What is added by hand is a pack of its own, `local`, so that there is one way in which content is kept, found and exported.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from casemirror.actions.permission import require
from casemirror.content import checks, items, loading
from casemirror.content.catalog import Catalog
from casemirror.content.checks import FIELD_TYPES
from casemirror.content.items import Classifier, IncidentField, IncidentType, Item, Mapper
from casemirror.content.pack import LOCAL as LOCAL
from casemirror.content.pack import Pack
from casemirror.engine.app import App
from casemirror.mapping import compiled
from casemirror.mapping.targets import SYSTEM_NAMES
from casemirror.model.actor import Actor
from casemirror.model.errors import Conflict, Invalid, NotFound
from casemirror.model.values import Json
from casemirror.store import audit, content_items, incidents, links

if TYPE_CHECKING:
    from sqlalchemy import Connection

_NAMES: Final[Mapping[str, str]] = {"incidentfield": "incident field", "incidenttype": "incident type"}


def fields(app: App, actor: Actor, incident_type: str = "") -> list[IncidentField]:
    """Incident fields by name; with a type only those that it shows."""
    require(actor, "field.list")
    with app.store.read() as tx:
        found = app.library.catalog(tx).fields.values()
    return sorted((f for f in found if not incident_type or f.shows_on(incident_type)), key=lambda f: f.name.casefold())


def field(app: App, actor: Actor, name: str) -> tuple[IncidentField, str]:
    """A field by display or machine name, and the pack that brings it. Raises NotFound."""
    require(actor, "field.list")
    with app.store.read() as tx:
        catalog = app.library.catalog(tx)
        found = catalog.field(name)
        if found is None:
            raise _unknown(catalog, "incidentfield", name)
        return found, _pack_of(tx, "incidentfield", found.id)


def types(app: App, actor: Actor) -> list[IncidentType]:
    """Incident types by name."""
    require(actor, "type.list")
    with app.store.read() as tx:
        found = app.library.catalog(tx).types.values()
    return sorted(found, key=lambda t: t.name.casefold())


def type_(app: App, actor: Actor, name: str) -> tuple[IncidentType, str, list[IncidentField]]:
    """An incident type, the pack that brings it, and the fields that it shows. Raises NotFound."""
    require(actor, "type.list")
    with app.store.read() as tx:
        catalog = app.library.catalog(tx)
        found = catalog.type(name)
        if found is None:
            raise _unknown(catalog, "incidenttype", name)
        shown = sorted((f for f in catalog.fields.values() if f.shows_on(name)), key=lambda f: f.name.casefold())
        return found, _pack_of(tx, "incidenttype", found.id), shown


def _unknown(catalog: Catalog, kind: str, name: str) -> NotFound:
    """The error for a name that is none, with the nearest ones."""
    if kind == "incidentfield":
        known = {n.casefold(): n for f in catalog.fields.values() for n in (f.name, f.cli_name)}
    else:
        known = {n.casefold(): n for n in catalog.types}
    near = [known[n] for n in difflib.get_close_matches(name.casefold(), known, 3, 0.7)]
    verb = "field" if kind == "incidentfield" else "type"
    hint = f"; did you mean {', '.join(near)}?" if near else f"; `casemirror {verb} list` shows all"
    return NotFound(f"no {_NAMES[kind]} {name!r}{hint}")


def _pack_of(tx: Connection, kind: str, item_id: str) -> str:
    return next((i.pack_id for i in content_items.all_items(tx) if (i.kind, i.id) == (kind, item_id)), "")


def described(
    name: str,
    kind: str = "shortText",
    *,
    options: Sequence[str] = (),
    types: Sequence[str] = (),
    cli_name: str = "",
    open_ended: bool = False,
) -> Mapping[str, Json]:
    """The body of a field that a person describes; the machine name is the name's letters and digits in lower case.

    Without types every incident shows it. Raises Invalid.   Source: content.md §5.1.
    """
    machine = cli_name or re.sub(r"[^a-z0-9]", "", name.lower())
    if kind not in FIELD_TYPES:
        raise Invalid(f"kind {kind!r} is none of {', '.join(FIELD_TYPES)}")
    if not machine:
        raise Invalid(f"the name {name!r} has no letter or digit; give a machine name (--cli-name)")
    if kind == "grid":
        raise Invalid("a grid has columns; describe it in a JSON file")
    if kind in ("singleSelect", "multiSelect") and not options and not open_ended:
        raise Invalid(f"a {kind} needs options, or must be open-ended")
    return {
        "id": f"incident_{machine}",
        "name": name,
        "cliName": machine,
        "type": kind,
        "selectValues": list(options) or None,
        "openEnded": open_ended,
        "associatedToAll": not types,
        "associatedTypes": list(types) or None,
        "group": 0,
    }


def add_bodies(app: App, actor: Actor, kind: str, bodies: Sequence[Mapping[str, Json]]) -> list[Item]:
    """Add fields (`incidentfield`) or types (`incidenttype`), in place of local ones with the same id.

    Raises Invalid for a body that is odd, Conflict when a pack's field has the machine name or the display name already.
    """
    require(actor, "field.add" if kind == "incidentfield" else "type.add")
    made = [items.make(kind, body, LOCAL) for body in bodies]
    for number, item in enumerate(made):
        wrong = checks.oddities(kind, item.body) or _without_choices(item)
        if wrong:
            where = f"[{number}]." if len(made) > 1 else ""
            raise Invalid("; ".join(f"{where}{path}: {expected}" for path, expected in wrong))
    now = app.clock.now()
    with app.store.write() as tx:
        installed = list(content_items.all_items(tx))
        new = {(item.kind, item.id): item for item in made}
        stays = [i for i in installed if i.pack_id != LOCAL or (i.kind, i.id) not in new]
        _refuse_clashes(Catalog.of(i for i in stays if i.kind == kind), kind, made)
        kept = {(item.kind, item.id): item for item in installed if item.pack_id == LOCAL}
        _keep(tx, [*(kept | new).values()], now)
        links.look_again(tx, now)
        for item in made:
            audit.add(tx, now, actor.name, f"{kind}.added", f"{kind} {item.name}")
    return made


def _without_choices(item: Item) -> tuple[checks.Oddity, ...]:
    """A field of choices that has none: packs have such fields, people need not make more."""
    field = items.parse(item.kind, item.body)
    has_none = isinstance(field, IncidentField) and not any(field.select_values) and not field.open_ended
    if has_none and isinstance(field, IncidentField) and field.type in ("singleSelect", "multiSelect"):
        return (("selectValues", f"a {field.type} needs options, or must be openEnded"),)
    return ()


def add_file(app: App, actor: Actor, kind: str, path: Path) -> list[Item]:
    """Add what a JSON file holds: one, a bare list, or an export's list. Raises Invalid, naming file and place."""
    packs = loading.load(path)
    problems = [problem for pack in packs for problem in pack.problems]
    if problems:
        raise Invalid("; ".join(map(str, problems)))
    bodies = [item.body for pack in packs for item in pack.items if item.kind == kind]
    if not bodies:
        raise Invalid(f"{path}: holds no {_NAMES[kind]}")
    return add_bodies(app, actor, kind, bodies)


def _refuse_clashes(catalog: Catalog, kind: str, made: Iterable[Item]) -> None:
    """Refuse what has a name of something else: in the catalog, or earlier in the same list. Raises Conflict."""
    taken: dict[str, Item] = {}
    for item in made:
        parsed = items.parse(kind, item.body)
        names = [parsed.name.casefold()]
        if isinstance(parsed, IncidentField):
            _refuse_field(catalog, parsed)
            names.append(parsed.cli_name.casefold())
        elif item.name in catalog.types:
            raise Conflict(f"there is an incident type {item.name!r} already")
        for name in dict.fromkeys(names):
            if name in taken:
                raise Conflict(f"{taken[name].name!r} and {item.name!r} have the same name; give each one of its own")
            taken[name] = item


def _refuse_field(catalog: Catalog, wanted: IncidentField) -> None:
    there = catalog.field_by_cli(wanted.cli_name) or catalog.field(wanted.name)
    if there is not None:
        raise Conflict(f"there is a field {there.name!r} ({there.cli_name}, {there.type}) already")
    if wanted.cli_name in SYSTEM_NAMES:
        raise Conflict(f"{wanted.cli_name!r} is a field that every incident has")


def _keep(tx: Connection, kept: list[Item], now: datetime) -> None:
    """Write the local pack, which keeps its place among the packs; an empty one goes."""
    if kept:
        since = next((row["installed_at"] for row in content_items.packs(tx) if row["id"] == LOCAL), None)
        pack = Pack(id=LOCAL, name="Local", version="", items=tuple(replace(item, pack_id=LOCAL) for item in kept))
        content_items.install(tx, pack, since if isinstance(since, datetime) else now)
    else:
        content_items.remove(tx, LOCAL)


def remove(app: App, actor: Actor, kind: str, name: str, *, force: bool = False) -> str:
    """Remove a field or type that was added here; values that incidents hold stay.

    Raises NotFound; Conflict when a pack brings it, or (without `force`) when a mapper or classifier names it
    or incidents hold it.
    """
    require(actor, "field.remove" if kind == "incidentfield" else "type.remove")
    with app.store.write() as tx:
        catalog = app.library.catalog(tx)
        found = catalog.field(name) if kind == "incidentfield" else catalog.type(name)
        if found is None:
            raise _unknown(catalog, kind, name)
        kept = [item for item in content_items.all_items(tx) if item.pack_id == LOCAL]
        if (kind, found.id) not in {(item.kind, item.id) for item in kept}:
            raise Conflict(f"{found.name!r} comes with the pack {_pack_of(tx, kind, found.id)}; it goes with the pack")
        users = _users(tx, catalog, found)
        if users and not force:
            raise Conflict(f"{found.name!r} is used by {', '.join(users)}; --force removes it all the same")
        now = app.clock.now()
        _keep(tx, [item for item in kept if (item.kind, item.id) != (kind, found.id)], now)
        audit.add(tx, now, actor.name, f"{kind}.removed", f"{kind} {found.name}")
    return found.name


def _users(tx: Connection, catalog: Catalog, found: IncidentField | IncidentType) -> list[str]:
    """Mappers and classifiers that name it, and how many incidents hold it."""
    if isinstance(found, IncidentType):
        named = [f"mapper {m.id}" for m in catalog.mappers.values() if found.name in m.sections]
        named += [f"classifier {c.id}" for c in catalog.classifiers.values() if found.name in _types_of(c)]
        held = incidents.count_of_type(tx, found.name)
    else:
        named = [f"mapper {m.id}" for m in catalog.mappers.values() if found in _fields_of(m, catalog)]
        held = incidents.count_with(tx, found.cli_name)
    return named + ([f"{held} incident{'s' * (held > 1)}"] if held else [])


def _types_of(classifier: Classifier) -> set[str]:
    return {*classifier.key_type_map.values(), classifier.default_type}


def _fields_of(mapper: Mapper, catalog: Catalog) -> Iterator[IncidentField | None]:
    """What an incoming mapper writes, what an outgoing one reads."""
    for section in mapper.sections:
        for rule in compiled.rules_for(mapper, section):
            if mapper.incoming:
                yield catalog.field(rule.key)
            else:
                yield from (catalog.field_by_cli(name) for name in rule.expression.reads)
