"""How the instances are, how they were, and whether notices of it arrive."""

from __future__ import annotations

from dataclasses import dataclass

from casemirror.actions.permission import require
from casemirror.engine import health, notices
from casemirror.engine.app import App
from casemirror.model.actor import Actor
from casemirror.model.errors import Invalid
from casemirror.model.health import Health, State
from casemirror.store import health as store
from casemirror.store import instances
from casemirror.store.health import Change

TEST = "health test"
"""Stands where the name of an instance stands, in a test notice."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One instance as it is now; `noted` is what a server noted last, None: none ever looked."""

    instance: str
    health: Health
    noted: Health | None


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What came of one test notice; `error` empty: it was taken."""

    target: str
    error: str = ""


def show(app: App, actor: Actor, instance: str = "") -> list[Condition]:
    """All instances, or one, decided anew from what is stored: true also when no server runs. Raises NotFound."""
    require(actor, "health.show")
    with app.store.read() as tx:
        name = instances.by_name(tx, instance).name if instance else ""
        seen = health.look(tx, app)
    return [
        Condition(instance=s.instance.name, health=s.health, noted=s.former)
        for s in seen
        if name in ("", s.instance.name)
    ]


def history(app: App, actor: Actor, instance: str, *, limit: int = 50) -> list[Change]:
    """The newest changes of an instance's state that servers noted, the newest first. Raises NotFound."""
    require(actor, "health.show")
    with app.store.read() as tx:
        return store.history(tx, instances.by_name(tx, instance).id, limit=limit)


def test(app: App, actor: Actor) -> list[Trial]:
    """Send a test notice to every target, now and once. Raises Invalid when there is none, or the settings are incomplete."""
    require(actor, "health.test")
    with app.store.read() as tx:
        targets, wrong = notices.targets(tx)
    if wrong:
        raise Invalid("; ".join(wrong))
    if not targets:
        raise Invalid(
            "no notice is sent to anybody; set notify.webhook, or notify.email.to, notify.email.from and "
            "notify.email.server (casemirror config set)"
        )
    told = Health(state=State.OK, reason="this is a test; nothing happened", since=app.clock.now())
    return [_try(target, told) for target in targets]


def _try(target: notices.Target, told: Health) -> Trial:
    try:
        target.send(notices.body_of(TEST, "", told))
    except notices.NoticeFailed as error:
        return Trial(target=target.shown, error=error.message)
    return Trial(target=target.shown)
