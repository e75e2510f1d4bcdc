"""Ask an instance something about itself: does it work, which remote fields are there."""

from __future__ import annotations

from casemirror.actions import environments
from casemirror.actions.permission import require
from casemirror.engine import commands
from casemirror.engine.app import App
from casemirror.model.actor import Actor
from casemirror.model.errors import CasemirrorError
from casemirror.model.instance import Instance
from casemirror.runtime import wire
from casemirror.runtime.environments.building import EnvironmentFailed
from casemirror.store import audit, instances

HEALTHY = "ok"
"""`Instance.health` after a good test; anything else is what went wrong."""


def test(app: App, actor: Actor, name: str, tell: environments.Tell = lambda what, line: None) -> None:
    """Run `test-module` and note its outcome as the instance's health.   Source: MIR-035, MIR-036.

    Builds the Python environment that it cannot run without, telling how far that is.
    Raises CommandFailed with the integration's own words, CommandTimedOut, ProcessDied, EnvironmentFailed.
    """
    require(actor, "instance.test")
    instance = _named(app, name)
    try:
        environments.ensure(app, actor, name, tell)
    except EnvironmentFailed as error:
        _note(app, actor, instance, error.message)
        raise
    reply = commands.caller(app, instance).run("test-module", {})
    try:
        wire.parse_test(reply)
    except CasemirrorError as error:
        _note(app, actor, instance, error.message)
        raise
    finally:
        reply.discard()
    _note(app, actor, instance, HEALTHY)


def schema(app: App, actor: Actor, name: str) -> dict[str, object]:
    """Run `get-mapping-fields` and keep its answer: schema name → remote field → description.   Source: MIR-059, MIR-195."""
    require(actor, "instance.schema")
    instance = _named(app, name)
    reply = commands.caller(app, instance).run("get-mapping-fields", {})
    try:
        found = wire.parse_schema(reply)
    finally:
        reply.discard()
    with app.store.write() as tx:
        instances.update(tx, instance.id, app.clock.now(), schema_cache=found)
    return found


def _named(app: App, name: str) -> Instance:
    with app.store.read() as tx:
        return instances.by_name(tx, name)


def _note(app: App, actor: Actor, instance: Instance, health: str) -> None:
    with app.store.write() as tx:
        instances.update(tx, instance.id, app.clock.now(), health=health[:2000])
        outcome = "ok" if health == HEALTHY else "failed"
        audit.add(tx, app.clock.now(), actor.name, "instance.tested", f"instance {instance.name}", {"outcome": outcome})
