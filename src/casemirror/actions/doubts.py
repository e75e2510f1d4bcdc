"""What may stand twice on a remote: sent again although nobody saw whether it had arrived."""

from __future__ import annotations

from casemirror.actions.permission import require
from casemirror.engine.app import App
from casemirror.model.actor import Actor
from casemirror.store import doubts as store
from casemirror.store import instances
from casemirror.store.doubts import Doubt


def list_all(app: App, actor: Actor, instance: str = "", *, limit: int = 1000) -> tuple[int, list[Doubt]]:
    """How many there are, and the newest of them. Raises NotFound."""
    require(actor, "doubt.list")
    with app.store.read() as tx:
        name = instances.by_name(tx, instance).name if instance else ""
        return store.count(tx, instance_name=name), store.find(tx, instance_name=name, limit=limit)
