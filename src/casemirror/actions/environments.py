"""Python environments of integrations: which one each needs, whether this machine has it, building them.

An environment belongs to a machine: what is told and built here is of the one that this process runs on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from casemirror.actions.permission import require
from casemirror.content.catalog import Catalog
from casemirror.content.items import Integration
from casemirror.engine import commands
from casemirror.engine.app import App
from casemirror.model.actor import Actor
from casemirror.model.errors import Invalid, NotFound
from casemirror.model.instance import Instance
from casemirror.runtime.environments.building import EnvironmentFailed
from casemirror.runtime.environments.folder import Built, Environments, key_of, requirements_of
from casemirror.runtime.environments.needs import Level, Need
from casemirror.store import audit, instances

Tell = Callable[[str, str], None]
"""Is told what is built and one line of how far it is, the first of them empty."""


def _silent(what: str, line: str) -> None:
    pass


class State(StrEnum):
    """How an integration stands with its environment."""

    BASE = "base"
    """it runs with casemirror's own packages"""
    BUILT = "built"
    """it runs in an environment of its own"""
    USEFUL = "useful"
    """it runs with casemirror's own packages; an environment, not built yet, would let all of it work"""
    MISSING = "missing"
    """it cannot run before its environment is built"""
    FAILED = "failed"
    """it cannot run: its environment could not be built"""


@dataclass(frozen=True, kw_only=True)
class Status:
    """One integration and its environment.

    instances   names of its instances
    failure     what uv or pip said when it was last tried in vain
    """

    integration: Integration
    instances: tuple[str, ...]
    need: Need
    built: Built | None = None
    failure: str = ""

    @property
    def key(self) -> str:
        """Name of the environment; empty when none is needed."""
        return "" if self.need.level is Level.NONE else key_of(self.need)

    @property
    def requirements(self) -> tuple[str, ...]:
        """All that the environment has, or would have; empty when none is needed."""
        return () if self.need.level is Level.NONE else requirements_of(self.need)

    @property
    def state(self) -> State:
        """How it stands."""
        if self.need.level is Level.NONE:
            return State.BASE
        if self.built is not None:
            return State.BUILT
        if self.need.level is Level.USEFUL:
            return State.USEFUL
        return State.FAILED if self.failure else State.MISSING


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """What this machine has: integrations with instances or with needs, and environments that no installed integration needs."""

    statuses: tuple[Status, ...]
    unused: tuple[Built, ...]


def list_all(app: App, actor: Actor) -> Shelf:
    """Every integration that has an instance or needs an environment, and what lies here unused."""
    require(actor, "environment.list")
    found = _all(app)
    used = {status.key for status in found}
    return Shelf(
        statuses=tuple(s for s in found if s.instances or s.state is not State.BASE),
        unused=tuple(built for built in _environments(app).all() if built.key not in used),
    )


def show(app: App, actor: Actor, name: str) -> Status:
    """The environment of an instance's integration, or of an integration by id or name. Raises NotFound."""
    require(actor, "environment.show")
    return _named(app, name)


def build(
    app: App,
    actor: Actor,
    names: Sequence[str] = (),
    *,
    everything: bool = False,
    again: bool = False,
    tell: Tell = _silent,
) -> list[Status]:
    """Build what the named instances or integrations need, or what all instances need (`everything`); how they stand then.

    again   build anew what is there, with the newest versions that its requirements allow
    Raises NotFound, Invalid when nothing is named, EnvironmentFailed at the first one that cannot be built.
    """
    require(actor, "environment.build")
    if bool(names) == everything:
        raise Invalid("name instances or integrations, or ask for all that have an instance (--all)")
    wanted = [s for s in _all(app) if s.instances] if everything else [_named(app, name) for name in names]
    for status in wanted:
        if status.state is not State.BASE and (again or status.built is None):
            _build(app, actor, status, again, tell)
    return [_of(app, status.integration) for status in wanted]


def ensure(app: App, actor: Actor, name: str, tell: Tell = _silent) -> None:
    """Build the environment without which the instance cannot run, unless it is there. Raises NotFound, EnvironmentFailed."""
    if app.environments is None:
        return
    status = _named(app, name)
    if status.state in (State.MISSING, State.FAILED):
        require(actor, "environment.build")
        _build(app, actor, status, False, tell)


def ensure_all(app: App, actor: Actor, tell: Tell = _silent) -> list[str]:
    """Build what enabled instances cannot run without, after packs changed; a sentence for each that could not be built."""
    with app.store.read() as tx:
        able = {i.id for i in app.library.catalog(tx).integrations.values() if not i.runnable}
        names = [each.name for each in instances.list_all(tx) if each.enabled and each.brand in able]
    failures = []
    for name in names:
        try:
            ensure(app, actor, name, tell)
        except EnvironmentFailed as error:
            failures.append(error.message)
    return failures


def prune(app: App, actor: Actor) -> list[Built]:
    """Delete the environments that no installed integration needs; what was deleted."""
    require(actor, "environment.prune")
    unused = list(list_all(app, actor).unused)
    for built in unused:
        _environments(app).remove(built)
        with app.store.write() as tx:
            audit.add(tx, app.clock.now(), actor.name, "environment.removed", f"environment {built.key}")
    return unused


def status_of(app: App, catalog: Catalog, integration: Integration, names: tuple[str, ...] = ()) -> Status:
    """How an integration stands on this machine; one that needs nothing where there are no environments at all."""
    environments = app.environments
    if environments is None:
        return Status(integration=integration, instances=names, need=Need())
    need = environments.need(commands.code_of(integration, catalog), integration)
    if need.level is Level.NONE:
        return Status(integration=integration, instances=names, need=need)
    key = key_of(need)
    built, failure = environments.find(key), environments.failure(key)
    return Status(integration=integration, instances=names, need=need, built=built, failure=failure)


def _environments(app: App) -> Environments:
    if app.environments is None:
        raise Invalid("this process keeps no Python environments")
    return app.environments


def _all(app: App) -> list[Status]:
    with app.store.read() as tx:
        catalog, configured = app.library.catalog(tx), instances.list_all(tx)
    runnable = (i for i in catalog.integrations.values() if not i.runnable)
    return [status_of(app, catalog, i, _instances_of(configured, i)) for i in runnable]


def _of(app: App, integration: Integration) -> Status:
    with app.store.read() as tx:
        catalog, configured = app.library.catalog(tx), instances.list_all(tx)
    return status_of(app, catalog, integration, _instances_of(configured, integration))


def _instances_of(configured: Iterable[Instance], integration: Integration) -> tuple[str, ...]:
    return tuple(sorted(each.name for each in configured if each.brand == integration.id))


def _named(app: App, name: str) -> Status:
    with app.store.read() as tx:
        catalog, instance = app.library.catalog(tx), instances.find(tx, name)
    try:
        integration = catalog.integration(instance.brand if instance else name)
    except NotFound as error:
        raise error if instance else NotFound(f"no instance is called {name!r}, and {error.message}") from error
    if integration.runnable:
        raise Invalid(f"{integration.display} cannot run here: it {integration.runnable}")
    return _of(app, integration)


def _build(app: App, actor: Actor, status: Status, again: bool, tell: Tell) -> None:
    title, outcome = status.integration.display, "environment.failed"
    tell(title, "")
    try:
        _environments(app).build(status.need, lambda line: tell(title, line), again=again)
        outcome = "environment.built"
    except EnvironmentFailed as error:
        raise EnvironmentFailed(f"the Python environment of {title} could not be built: {error.message}") from error
    finally:
        detail = {"integration": status.integration.id, "source": status.need.source}
        with app.store.write() as tx:
            audit.add(tx, app.clock.now(), actor.name, outcome, f"environment {status.key}", detail)
