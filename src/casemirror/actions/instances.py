"""Instances: configured integrations. Secrets are encrypted before they are stored and never shown again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from casemirror.actions.permission import require
from casemirror.content import params
from casemirror.content.catalog import Catalog
from casemirror.content.integration import ParamType
from casemirror.content.items import Integration, Parameter
from casemirror.engine.app import App
from casemirror.model.actor import Actor
from casemirror.model.errors import Conflict, Invalid, NeedsAttention, NotFound
from casemirror.model.instance import Instance
from casemirror.model.lane import Lane
from casemirror.model.values import Json
from casemirror.store import audit, lanes, links, metrics
from casemirror.store import instances as store

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Classifier and mappers by id or name; None: the integration's own, as far as they are installed. Empty: none."""

    classifier: str | None = None
    mapper_in: str | None = None
    mapper_out: str | None = None


DEFAULT = Choice()
NOTHING: Mapping[str, Json] = {}


@dataclass(frozen=True, kw_only=True)
class Used:
    """Commands that ran, their CPU in seconds, and bytes of the largest process that one of them had."""

    commands: int = 0
    cpu_s: float = 0.0
    peak_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class Configured:
    """An instance as a person looks at it; `integration` None: its pack is not installed.

    secrets   names of the secret parameters that have a value
    used      what its commands took so far
    """

    instance: Instance
    integration: Integration | None
    lane: Lane
    secrets: frozenset[str] = frozenset()
    used: Used = Used()

    @property
    def parameters(self) -> list[tuple[Parameter, Json]]:
        """What a person may set, with its value; of a secret whether it is set."""
        declared = self.integration.params if self.integration else ()
        return [(p, self._shown(p)) for p in declared if p.has_value and not p.hidden]

    def _shown(self, parameter: Parameter) -> Json:
        if parameter.is_secret:
            return "(set)" if parameter.name in self.secrets else None
        return params.run_time(parameter, self.instance.params.get(parameter.name))


def add(
    app: App,
    actor: Actor,
    name: str,
    integration: str,
    given: Mapping[str, Json],
    *,
    secrets: Mapping[str, Json] = NOTHING,
    choice: Choice = DEFAULT,
    enabled: bool = True,
) -> Configured:
    """Configure an integration.

    given     parameter → text or JSON; one half of credentials is ``credentials.identifier``
    secrets   the same of secrets; credentials without a half are the password
    Raises NotFound (integration), Invalid (parameters, a classifier or mapper that is not there, Python 2), Conflict (name).
    """
    require(actor, "instance.add")
    clean = name.strip()
    if not clean:
        raise Invalid("an instance needs a name")
    now = app.clock.now()
    with app.store.write() as tx:
        catalog = app.library.catalog(tx)
        found = catalog.integration(integration)
        _must_run(found)
        if store.find(tx, clean) is not None:
            raise Conflict(
                f"there is an instance named {clean!r} already; choose another name, or remove that one first"
            )
        wanted = {**given, **_named(found, secrets)}
        opened, secret = params.split(found, params.check(found, wanted))
        instance = store.add(
            tx, clean, found.id, now, params=opened, secrets=_given_only(secret), enabled=enabled,
            **_choices(catalog, found, choice),
        )  # fmt: skip
        audit.add(
            tx,
            now,
            actor.name,
            "instance.added",
            f"instance {clean}",
            {"integration": found.id, "params": sorted(wanted)},
        )
        return _configured(tx, catalog, instance)


def list_all(app: App, actor: Actor) -> list[Configured]:
    """All instances, by name."""
    require(actor, "instance.list")
    with app.store.read() as tx:
        catalog = app.library.catalog(tx)
        return [_configured(tx, catalog, instance) for instance in store.list_all(tx)]


def show(app: App, actor: Actor, name: str) -> Configured:
    """One instance. Raises NotFound."""
    require(actor, "instance.show")
    with app.store.read() as tx:
        return _configured(tx, app.library.catalog(tx), store.by_name(tx, name))


def update(
    app: App,
    actor: Actor,
    name: str,
    given: Mapping[str, Json],
    *,
    secrets: Mapping[str, Json] = NOTHING,
    choice: Choice = DEFAULT,
) -> Configured:
    """Change parameters, classifier or mappers; what is not given stays. Raises as `add`."""
    require(actor, "instance.update")
    now = app.clock.now()
    with app.store.write() as tx:
        catalog = app.library.catalog(tx)
        instance = store.by_name(tx, name)
        found = catalog.integration(instance.brand)
        before = store.secrets(tx, instance.id)
        wanted = {**given, **_named(found, secrets)}
        checked = params.check(found, wanted, stored={**instance.params, **before}) if wanted else {**instance.params}
        opened, secret = params.split(found, checked)
        for param, value in secret.items():
            if value != before.get(param):
                store.set_secret(tx, instance.id, param, value)
        columns = {k: v for k, v in _choices(catalog, found, choice).items() if getattr(choice, k) is not None}
        changed = store.update(tx, instance.id, now, params=opened, **columns)
        links.look_again(tx, now, instance.id)
        audit.add(
            tx, now, actor.name, "instance.updated", f"instance {instance.name}", {"params": sorted(given), **columns}
        )
        return _configured(tx, catalog, changed)


def enable(app: App, actor: Actor, name: str) -> Configured:
    """Let an instance work; a lane that a brake stopped goes on, too. Raises Invalid for one that cannot run (MIR-020)."""
    require(actor, "instance.enable")
    with app.store.write() as tx:
        catalog = app.library.catalog(tx)
        instance = store.by_name(tx, name)
        _must_run(catalog.integration(instance.brand))
        lanes.go_on(tx, lanes.of_instance(tx, instance.id).id, app.clock.now())
        return _switched(tx, app, actor, catalog, instance, enabled=True)


def disable(app: App, actor: Actor, name: str) -> Configured:
    """Let an instance rest; its cursor and its links stay (MIR-014)."""
    require(actor, "instance.disable")
    with app.store.write() as tx:
        return _switched(tx, app, actor, app.library.catalog(tx), store.by_name(tx, name), enabled=False)


def remove(app: App, actor: Actor, name: str) -> None:
    """Delete an instance with its secrets; incidents stay, their links are orphans (MIR-015)."""
    require(actor, "instance.remove")
    with app.store.write() as tx:
        instance = store.by_name(tx, name)
        store.remove(tx, instance.id)
        audit.add(tx, app.clock.now(), actor.name, "instance.removed", f"instance {instance.name}")


def _switched(
    tx: Connection, app: App, actor: Actor, catalog: Catalog, instance: Instance, *, enabled: bool
) -> Configured:
    changed = store.update(tx, instance.id, app.clock.now(), enabled=enabled)
    verb = "instance.enabled" if enabled else "instance.disabled"
    audit.add(tx, app.clock.now(), actor.name, verb, f"instance {instance.name}")
    return _configured(tx, catalog, changed)


def _configured(tx: Connection, catalog: Catalog, instance: Instance) -> Configured:
    try:
        integration = catalog.integration(instance.brand)
    except NotFound:
        integration = None
    return Configured(
        instance=instance,
        integration=integration,
        lane=lanes.of_instance(tx, instance.id),
        secrets=frozenset(store.secret_names(tx, instance.id)),
        used=_used(tx, instance),
    )


def _used(tx: Connection, instance: Instance) -> Used:
    counts = metrics.of_instance(tx, instance.id)
    return Used(
        commands=int(counts.get(metrics.COMMANDS, 0)),
        cpu_s=counts.get(metrics.CPU, 0.0),
        peak_bytes=int(counts.get(metrics.MEMORY, 0)),
    )


def _must_run(integration: Integration) -> None:
    if integration.runnable:
        raise Invalid(f"{integration.display} cannot run here: it {integration.runnable}")


def refuse_open_secrets(app: App, integration: str, given: Mapping[str, Json]) -> None:
    """Raise Invalid for a secret that was given where others can read it (a command line)."""
    with app.store.read() as tx:
        found = app.library.catalog(tx).integration(integration)
    for name in given:
        parameter = found.param(name) or found.param(name.rpartition(".")[0])
        if parameter is not None and parameter.is_secret and not name.endswith(".identifier"):
            raise Invalid(f"{name} is a secret: give it by --secret {name}, not on the command line")


def _named(integration: Integration, secrets: Mapping[str, Json]) -> dict[str, Json]:
    """Secrets by full name: credentials that are a text are the password."""
    return {
        f"{name}.password" if _is_credentials(integration, name) and isinstance(value, str) else name: value
        for name, value in secrets.items()
    }


def _is_credentials(integration: Integration, name: str) -> bool:
    parameter = integration.param(name)
    return parameter is not None and parameter.type == ParamType.CREDENTIALS


def _given_only(secrets: Mapping[str, Json]) -> dict[str, Json]:
    """Secrets without those that nobody gave."""
    return {name: value for name, value in secrets.items() if value not in (None, "")}


def _choices(catalog: Catalog, integration: Integration, choice: Choice) -> dict[str, Any]:
    """Ids of classifier and mappers. Raises Invalid for one that was asked for and is not installed."""
    try:
        classifier, into, out = (
            catalog.find_classifier(integration.default_classifier)
            if choice.classifier is None
            else catalog.classifier(choice.classifier),
            catalog.find_mapper(integration.default_mapper_in)
            if choice.mapper_in is None
            else catalog.mapper(choice.mapper_in),
            catalog.find_mapper(integration.default_mapper_out)
            if choice.mapper_out is None
            else catalog.mapper(choice.mapper_out),
        )
    except NeedsAttention as error:
        raise Invalid(error.message) from error
    chosen = {"classifier": classifier, "mapper_in": into, "mapper_out": out}
    return {name: item.id if item else "" for name, item in chosen.items()}
