"""Which hosts an instance may reach. An instance without a list reaches all."""

from __future__ import annotations

from collections.abc import Sequence

from casemirror.actions.permission import require
from casemirror.engine.app import App
from casemirror.model import egress
from casemirror.model.actor import Actor
from casemirror.model.errors import Invalid, NotFound
from casemirror.store import audit, instances


def show(app: App, actor: Actor, name: str) -> tuple[str, ...]:
    """The hosts; empty: all. Raises NotFound."""
    require(actor, "instance.show")
    with app.store.read() as tx:
        return instances.by_name(tx, name).egress


def change(
    app: App, actor: Actor, name: str, *, allow: Sequence[str] = (), drop: Sequence[str] = (), open_: bool = False
) -> tuple[str, ...]:
    """Add hosts and take others away, or (`open_`) take the whole list away; returns what is allowed then.

    It works from the next command on. Raises NotFound (also for a host to drop that is not on the list), Invalid.
    """
    require(actor, "instance.update")
    added, dropped = [egress.entry(text) for text in allow], [egress.entry(text) for text in drop]
    with app.store.write() as tx:
        instance = instances.by_name(tx, name)
        before = () if open_ else instance.egress
        for host in dropped:
            if host not in before:
                raise NotFound(f"{host} is not on the list of {name}: {', '.join(before) or 'it has none'}")
        found = tuple(dict.fromkeys(host for host in (*before, *added) if host not in dropped))
        if before and not found and not open_:
            raise Invalid(
                f"that is the last host of {name}, and without a list it may reach every host; if that is meant: "
                f"casemirror instance egress {name} --open. casemirror instance disable {name} lets it rest"
            )
        instances.update(tx, instance.id, app.clock.now(), egress=list(found))
        audit.add(
            tx, app.clock.now(), actor.name, "instance.egress", f"instance {instance.name}", {"hosts": list(found)}
        )
    return found
