"""Who wins in a conflict: configured for everything, an instance, an incident type, a field, a link; and who owns a field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from casemirror.actions import fields
from casemirror.actions.permission import require
from casemirror.content.catalog import Catalog
from casemirror.engine.app import App
from casemirror.mapping.targets import Place
from casemirror.model.actor import Actor
from casemirror.model.errors import Invalid, NotFound
from casemirror.model.ids import IncidentId
from casemirror.model.plan import Method
from casemirror.model.policies import Choice, Owner
from casemirror.store import audit, incidents, instances, links
from casemirror.store import policies as store

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What a method is set for: an instance by name, an incident type, a field, an incident (with the instance: its link).

    An empty one means every one; `incident` 0 none in particular.
    """

    instance: str = ""
    type: str = ""
    field: str = ""
    incident: int = 0


def list_all(app: App, actor: Actor) -> list[tuple[Choice, str]]:
    """All choices with the name of their instance, the ones that concern most first."""
    require(actor, "policy.list")
    with app.store.read() as tx:
        names = _names(tx)
        found = sorted(store.list_all(tx), key=lambda c: (c.weight, c.field, c.type, c.incident))
    return [(choice, names.get(choice.instance, "")) for choice in found]


def owners(app: App, actor: Actor) -> list[tuple[Owner, str]]:
    """All owners of fields with the name of their instance, the ones that concern most first."""
    require(actor, "policy.list")
    with app.store.read() as tx:
        names = _names(tx)
        found = sorted(store.owners(tx), key=lambda o: (o.field, o.weight, o.type, o.incident))
    return [(owner, names[owner.instance]) for owner in found]


def _names(tx: Connection) -> dict[str, str]:
    return {str(instance.id): instance.name for instance in instances.list_all(tx)}


def put(
    app: App, actor: Actor, method: str, *, instance: str = "", type: str = "", field: str = "", incident: int = 0
) -> Choice:
    """Set the method for an instance, an incident type, a field, or any combination; empty means every one.

    incident   only for the link of this incident to `instance`
    Raises NotFound (instance, incident, its link), Invalid (method, type, field; nothing given: that is the setting
    `mirror.conflict`).
    """
    require(actor, "policy.set")
    with app.store.write() as tx:
        scope = Scope(instance=instance, type=type, field=field, incident=incident)
        choice = _choice(tx, app, _method(method), scope)
        if incident:
            _mind_link(tx, IncidentId(incident), instance)
        write(tx, app, actor, choice)
    return choice


def remove(app: App, actor: Actor, *, instance: str = "", type: str = "", field: str = "", incident: int = 0) -> None:
    """Drop what was set for exactly this instance, type, field and incident. Raises NotFound."""
    require(actor, "policy.set")
    with app.store.write() as tx:
        scope = Scope(instance=instance, type=type, field=field, incident=incident)
        choice = _choice(tx, app, Method.LOCAL, scope)
        if not store.remove(tx, choice):
            raise NotFound("no method is set for exactly this; `casemirror policy list` shows what is")
        audit.add(tx, app.clock.now(), actor.name, "policy.removed", _what(choice))


def write(tx: Connection, app: App, actor: Actor, choice: Choice) -> None:
    """Keep a choice, with its audit line."""
    store.put(tx, choice)
    audit.add(tx, app.clock.now(), actor.name, "policy.set", _what(choice), {"method": choice.method.value})


def put_owner(app: App, actor: Actor, field: str, instance: str, *, type: str = "", incident: int = 0) -> Owner:
    """Let an instance own a field: what other instances change of it is not taken, where an incident is linked to both.

    type, incident   only for incidents of this type, or for this one; empty or 0: for all
    Raises NotFound (instance, incident), Invalid (field, type, both scopes at once).
    """
    require(actor, "policy.set")
    with app.store.write() as tx:
        name = _scoped(tx, app, field, type, incident)
        owner = Owner(instance=instances.by_name(tx, instance).id, field=name, type=type, incident=incident)
        store.put_owner(tx, owner)
        audit.add(tx, app.clock.now(), actor.name, "policy.owner", _whose(name, type, incident), {"owner": instance})
    return owner


def remove_owner(app: App, actor: Actor, field: str, *, type: str = "", incident: int = 0) -> None:
    """Let nobody own a field for exactly this type and incident. Raises NotFound, Invalid (field, type)."""
    require(actor, "policy.set")
    with app.store.write() as tx:
        name = _scoped(tx, app, field, type, incident)
        if not store.remove_owner(tx, name, type, incident):
            raise NotFound(f"nobody owns {name} for exactly this; `casemirror policy list` shows who owns what")
        audit.add(tx, app.clock.now(), actor.name, "policy.owner", _whose(name, type, incident), {"owner": ""})


def _scoped(tx: Connection, app: App, field: str, type: str, incident: int) -> str:
    """The machine name of a field that can be owned; the scope is checked, too."""
    catalog = app.library.catalog(tx)
    _mind_type(catalog, type)
    if type and incident:
        raise Invalid("give a type or an incident, not both: an incident has its type")
    if incident:
        incidents.load(tx, IncidentId(incident))
    return _field(catalog, field)


def _field(catalog: Catalog, name: str) -> str:
    target = fields.find(name, catalog)
    if target.place is Place.MIRROR:
        raise Invalid(f"{target.name} is about the link itself and is not mirrored")
    return target.name


def _what(choice: Choice) -> str:
    where = f"instance={choice.instance or '*'} type={choice.type or '*'} field={choice.field or '*'}"
    return f"policy {where}" + f" incident={choice.incident}" * bool(choice.incident)


def _whose(field: str, type: str, incident: int) -> str:
    return f"owner of field={field} type={type or '*'} incident={incident or '*'}"


def _method(text: str) -> Method:
    try:
        return Method(text.strip().lower())
    except ValueError:
        raise Invalid(f"method {text!r} is none of {', '.join(Method)}") from None


def _mind_type(catalog: Catalog, type: str) -> None:
    if type and catalog.type(type) is None:
        raise Invalid(f"no incident type {type!r} is installed")


def _mind_link(tx: Connection, incident_id: IncidentId, instance: str) -> None:
    incidents.load(tx, incident_id)
    there = [link.instance_name for link in links.of_incident(tx, incident_id)]
    if instance not in there:
        named = ", ".join(there) or "nothing"
        raise NotFound(f"incident {incident_id} is not linked to {instance!r}; it is linked to {named}")


def _choice(tx: Connection, app: App, method: Method, scope: Scope) -> Choice:
    if not (scope.instance or scope.type or scope.field or scope.incident):
        raise Invalid("give an instance, a type or a field; for everything there is the setting mirror.conflict")
    if scope.incident and (scope.type or not scope.instance):
        raise Invalid("an incident is given with an instance (together they are one link), and without a type")
    catalog = app.library.catalog(tx)
    _mind_type(catalog, scope.type)
    return Choice(
        method=method,
        instance=instances.by_name(tx, scope.instance).id if scope.instance else "",
        type=scope.type,
        field=_field(catalog, scope.field) if scope.field else "",
        incident=scope.incident,
    )
