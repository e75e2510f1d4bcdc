"""Who wins in a conflict: configured for everything, an instance, an incident type, a field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from casemirror.actions import fields
from casemirror.actions.permission import require
from casemirror.engine.app import App
from casemirror.model.actor import Actor
from casemirror.model.errors import Invalid, NotFound
from casemirror.model.plan import Method
from casemirror.model.policies import Choice
from casemirror.store import audit, instances
from casemirror.store import policies as store

if TYPE_CHECKING:
    from sqlalchemy import Connection


def list_all(app: App, actor: Actor) -> list[tuple[Choice, str]]:
    """All choices with the name of their instance, the ones that concern most first."""
    require(actor, "policy.list")
    with app.store.read() as tx:
        names = {instance.id: instance.name for instance in instances.list_all(tx)}
        found = sorted(store.list_all(tx), key=lambda c: (c.weight, c.field, c.type))
    return [(choice, names.get(choice.instance, "")) for choice in found]  # type: ignore[call-overload]


def put(app: App, actor: Actor, method: str, *, instance: str = "", type: str = "", field: str = "") -> Choice:
    """Set the method for an instance, an incident type, a field, or any combination; empty means every one.

    Raises NotFound (instance), Invalid (method, type, field; nothing given: that is the setting `mirror.conflict`).
    """
    require(actor, "policy.set")
    with app.store.write() as tx:
        choice = _choice(tx, app, _method(method), instance, type, field)
        write(tx, app, actor, choice)
    return choice


def remove(app: App, actor: Actor, *, instance: str = "", type: str = "", field: str = "") -> None:
    """Drop what was set for exactly this instance, type and field. Raises NotFound."""
    require(actor, "policy.set")
    with app.store.write() as tx:
        choice = _choice(tx, app, Method.LOCAL, instance, type, field)
        if not store.remove(tx, choice):
            raise NotFound("no method is set for exactly this; `casemirror policy list` shows what is")
        audit.add(tx, app.clock.now(), actor.name, "policy.removed", _what(choice))


def write(tx: Connection, app: App, actor: Actor, choice: Choice) -> None:
    """Keep a choice, with its audit line."""
    store.put(tx, choice)
    audit.add(tx, app.clock.now(), actor.name, "policy.set", _what(choice), {"method": choice.method.value})


def _what(choice: Choice) -> str:
    return f"policy instance={choice.instance or '*'} type={choice.type or '*'} field={choice.field or '*'}"


def _method(text: str) -> Method:
    try:
        return Method(text.strip().lower())
    except ValueError:
        raise Invalid(f"method {text!r} is none of {', '.join(Method)}") from None


def _choice(tx: Connection, app: App, method: Method, instance: str, type: str, field: str) -> Choice:
    if not (instance or type or field):
        raise Invalid("give an instance, a type or a field; for everything there is the setting mirror.conflict")
    catalog = app.library.catalog(tx)
    if type and catalog.type(type) is None:
        raise Invalid(f"no incident type {type!r} is installed")
    return Choice(
        method=method,
        instance=instances.by_name(tx, instance).id if instance else "",
        type=type,
        field=fields.find(field, catalog).name if field else "",
    )
