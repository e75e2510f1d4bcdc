"""Local users: who may own an incident, and whom integrations find by name or e-mail address."""

from __future__ import annotations

from casemirror.actions.permission import require
from casemirror.engine.app import App
from casemirror.model.actor import Actor
from casemirror.model.errors import Conflict, Invalid, NotFound
from casemirror.store import audit
from casemirror.store import users as store


def add(app: App, actor: Actor, username: str, *, email: str = "", full_name: str = "") -> dict[str, str]:
    """Write a user. Raises Conflict for a name twice, Invalid for none."""
    require(actor, "user.add")
    name = username.strip()
    if not name:
        raise Invalid("a user needs a name")
    with app.store.write() as tx:
        if store.find(tx, username=name) is not None:
            raise Conflict(f"there is a user {name!r} already")
        store.add(tx, name, email=email.strip(), full_name=full_name.strip())
        audit.add(tx, app.clock.now(), actor.name, "user.added", f"user {name}")
        return store.find(tx, username=name) or {}


def list_all(app: App, actor: Actor) -> list[dict[str, str]]:
    """All users."""
    require(actor, "user.list")
    with app.store.read() as tx:
        return store.list_all(tx)


def remove(app: App, actor: Actor, username: str) -> None:
    """Delete a user; incidents keep the name as their owner. Raises NotFound."""
    require(actor, "user.remove")
    with app.store.write() as tx:
        if not store.remove(tx, username):
            raise NotFound(f"no user {username!r}; `casemirror user list` shows all")
        audit.add(tx, app.clock.now(), actor.name, "user.removed", f"user {username}")
