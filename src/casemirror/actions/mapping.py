"""Try a mapper on an object, and look one over, without any incident being touched."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from casemirror.actions import probes
from casemirror.actions.permission import require
from casemirror.content import loading
from casemirror.content.catalog import Catalog
from casemirror.content.items import COMMON, Classifier, Item, Mapper
from casemirror.engine.app import App
from casemirror.engine.pack_scripts import PackScripts
from casemirror.mapping import classify, explain, lint
from casemirror.mapping.explain import Line
from casemirror.mapping.labels import Label, labels_for
from casemirror.mapping.lint import Finding, Level
from casemirror.mapping.outside import Outside
from casemirror.mapping.value import Warning_
from casemirror.model.actor import Actor
from casemirror.model.errors import CasemirrorError, Invalid, NotFound
from casemirror.model.instance import Instance
from casemirror.model.values import Json
from casemirror.store import content_items, instances

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, kw_only=True)
class Setup:
    """With what to map; empty texts are left to the instance or to the mapper.

    mapper       id or name of an installed mapper, or path of a mapper file
    classifier   likewise; decides the type when `type` is empty
    instance     an instance whose classifier, mapper, incident type parameter and schema count
    packs        packs to use beside the installed ones, and before them
    """

    mapper: str = ""
    classifier: str = ""
    type: str = ""
    instance: str = ""
    packs: tuple[Path, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What a mapper makes of one object.

    type      the incident type that was taken
    fields    incoming: field → value, as it would be written; outgoing: remote name → value (`data`)
    mirror    incoming: `dbotMirror*` name → value
    labels    incoming: the labels of a new incident
    delta     outgoing: the part of `data` that comes from changed fields
    lines     what each line of the mapper did
    """

    mapper: Mapper
    type: str
    fields: Mapping[str, Json]
    mirror: Mapping[str, Json] = field(default_factory=dict)
    labels: tuple[Label, ...] = ()
    delta: Mapping[str, Json] = field(default_factory=dict)
    warnings: tuple[Warning_, ...] = ()
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Desk:
    """Everything that is at hand for one request."""

    catalog: Catalog
    mapper: Mapper
    classifier: Classifier | None
    instance: Instance | None
    outside: Outside


def try_out(app: App, actor: Actor, given: Json, setup: Setup, changed: Iterable[str] = ()) -> list[Tried]:
    """Run a mapper on an object, or on each object of a list; nothing is stored.

    given     incoming: an event, or a fetched incident with `rawJSON`; outgoing: an incident in the contract's form
    changed   outgoing: names of incident fields that count as changed
    Raises NotFound for an unknown mapper or instance, Invalid for what is no object.
    """
    require(actor, "mapper.try")
    desk = _desk(app, setup)
    objects = given if isinstance(given, list | tuple) else [given]
    wrong = next((n for n, each in enumerate(objects) if not isinstance(each, Mapping)), None)
    if wrong is not None or not objects:
        where = f"item {wrong} of the list" if isinstance(given, list | tuple) and objects else "the input"
        raise Invalid(f"{where} is no JSON object")
    one = _try_in if desk.mapper.incoming else _try_out
    return [one(app, desk, setup, each, tuple(changed)) for each in objects if isinstance(each, Mapping)]


def _try_in(app: App, desk: _Desk, setup: Setup, given: Mapping[str, Json], changed: tuple[str, ...]) -> Tried:
    if changed:
        raise Invalid("changed fields belong to an outgoing mapper; this one is incoming")
    event = _event(given)
    incident_type = setup.type or _type_of(desk, event, given)
    empties = app.settings().flag("mirror.null.empties")
    mapped, lines = explain.explain_in(
        event, desk.mapper, incident_type, desk.catalog, null_empties=empties, outside=desk.outside
    )
    brand, name = (desk.instance.brand, desk.instance.name) if desk.instance else ("", "")
    return Tried(
        mapper=desk.mapper,
        type=incident_type,
        fields=mapped.fields,
        mirror=mapped.mirror,
        labels=labels_for(event, desk.mapper, incident_type, brand=brand, instance=name),
        warnings=mapped.warnings,
        lines=lines,
    )


def _try_out(app: App, desk: _Desk, setup: Setup, given: Mapping[str, Json], changed: tuple[str, ...]) -> Tried:
    custom = given.get("CustomFields")
    source = {**(custom if isinstance(custom, Mapping) else {}), **given}
    incident_type = setup.type or str(given.get("type") or "") or _only_section(desk.mapper)
    passthrough = tuple(app.settings().words("mirror.passthrough"))
    mapped, lines = explain.explain_out(
        source, desk.mapper, incident_type, dirty=changed, passthrough=passthrough, outside=desk.outside
    )
    return Tried(
        mapper=desk.mapper,
        type=incident_type,
        fields=mapped.data,
        delta=mapped.delta,
        warnings=mapped.warnings,
        lines=lines,
    )


def _event(given: Mapping[str, Json]) -> Mapping[str, Json]:
    """The event itself: what `rawJSON` holds, when the object is a fetched incident."""
    raw = given.get("rawJSON")
    if isinstance(raw, str):
        try:
            event = json.loads(raw)
        except ValueError:
            return given
        if isinstance(event, Mapping):
            return event
    return given


def _type_of(desk: _Desk, event: Mapping[str, Json], given: Mapping[str, Json]) -> str:
    """As for a fetched incident (MAP-064…069), but a mapper that knows one type only is for that type."""
    of_integration = "" if event is given else str(given.get("type") or "")
    default = _type_parameter(desk)
    return classify.classify(
        event, desk.classifier, default, of_integration or _only_section(desk.mapper), outside=desk.outside
    )


def _only_section(mapper: Mapper) -> str:
    """The one type that the mapper knows; empty when there is a choice."""
    names = [name for name in mapper.sections if name != COMMON]
    return names[0] if len(names) == 1 else ""


def _type_parameter(desk: _Desk) -> str:
    if desk.instance is None:
        return ""
    parameters = desk.catalog.integration(desk.instance.brand).params
    name = next((p.name for p in parameters if p.type == 13), "")
    return str(desk.instance.params.get(name) or "")


def check(app: App, actor: Actor, setup: Setup) -> tuple[Mapper, list[Finding]]:
    """Look a mapper over. With an instance: against the types that it gives, and its remote schema.

    The schema is the one kept from the last `get-mapping-fields`; without one it is asked for now. Raises NotFound.
    """
    require(actor, "mapper.check")
    desk = _desk(app, setup)
    findings: list[Finding] = []
    schema: Mapping[str, Json] | None = None
    if desk.instance is not None:
        try:
            schema = _schema(app, actor, desk.instance)
        except CasemirrorError as error:
            text = (
                f"the schema of {desk.instance.name} cannot be read, so remote names are not checked: {error.message}"
            )
            findings.append(Finding(level=Level.NOTE, text=text))
    found = lint.check(desk.mapper, desk.catalog, types=_types_of(desk), schema=schema)
    return desk.mapper, [*findings, *found]


def _schema(app: App, actor: Actor, instance: Instance) -> Mapping[str, Json]:
    with app.store.read() as tx:
        kept = instances.schema_of(tx, instance.id)
    return kept or {str(name): part for name, part in probes.schema(app, actor, instance.name).items()}  # type: ignore[misc]


def _types_of(desk: _Desk) -> set[str] | None:
    """Incident types that the instance gives; None when that cannot be known."""
    if desk.instance is None or desk.classifier is None:
        return None
    return {*desk.classifier.key_type_map.values(), desk.classifier.default_type, _type_parameter(desk)} - {""}


def list_all(app: App, actor: Actor) -> list[Mapper]:
    """The installed mappers, by name."""
    require(actor, "mapper.list")
    with app.store.read() as tx:
        catalog = app.library.catalog(tx)
    return sorted(catalog.mappers.values(), key=lambda m: (m.name.casefold(), m.id))


def _desk(app: App, setup: Setup) -> _Desk:
    extra = [item for path in setup.packs for pack in loading.load(path) for item in pack.items]
    with app.store.read() as tx:
        instance = instances.by_name(tx, setup.instance) if setup.instance else None
        mapper, of_mapper = _resolved(setup.mapper, ("mapper-in", "mapper-out"))
        classifier, of_classifier = _resolved(setup.classifier, ("classifier",))
        catalog = _catalog(app, tx, [*of_mapper, *of_classifier, *extra])
    reference = mapper or (instance.mapper_in if instance else "")
    found = catalog.find_mapper(reference)
    if found is None:
        raise NotFound(_no_mapper(reference, catalog))
    wanted = classifier or (instance.classifier if instance else "")
    sorter = catalog.find_classifier(wanted)
    if classifier and sorter is None:
        raise NotFound(f"no classifier {classifier!r} is installed")
    scripts = PackScripts(app.runtime, catalog, app.settings())
    outside = Outside(now=app.clock.now(), scripts=scripts)
    return _Desk(catalog=catalog, mapper=found, classifier=sorter, instance=instance, outside=outside)


def incoming(app: App, reference: str) -> tuple[Mapper, Catalog]:
    """An incoming mapper by id, name or file, and the installed content with it. Raises NotFound, Invalid."""
    with app.store.read() as tx:
        name, items = _resolved(reference, ("mapper-in",))
        catalog = _catalog(app, tx, items)
    found = catalog.find_mapper(name)
    if found is None:
        raise NotFound(_no_mapper(name, catalog))
    if not found.incoming:
        raise Invalid(f"{found.id} is an outgoing mapper; name an incoming one")
    return found, catalog


def _no_mapper(reference: str, catalog: Catalog) -> str:
    if not reference:
        return "name a mapper, or an instance that has one"
    near = [m.id for m in catalog.mappers.values() if reference.casefold() in f"{m.id} {m.name}".casefold()][:3]
    return f"no mapper {reference!r} is installed" + (f"; did you mean {', '.join(near)}?" if near else "")


def _catalog(app: App, tx: Connection, extra: list[Item]) -> Catalog:
    """The installed content; what is given now counts first."""
    return Catalog.of([*extra, *content_items.all_items(tx)]) if extra else app.library.catalog(tx)


def _resolved(reference: str, kinds: tuple[str, ...]) -> tuple[str, list[Item]]:
    """A reference as it is, or, when it is a file, the item in it and its id. Raises Invalid when the file has none."""
    path = Path(reference)
    if not reference.lower().endswith(".json") or not path.is_file():
        return reference, []
    packs = loading.load(path)
    items = [item for pack in packs for item in pack.items]
    found = next((item for item in items if item.kind in kinds), None)
    if found is None:
        problems = "; ".join(str(p) for pack in packs for p in pack.problems)
        raise Invalid(f"{path}: holds no {' or '.join(kinds)}" + (f": {problems}" if problems else ""))
    return found.id, items
