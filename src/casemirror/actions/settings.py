"""The server configuration: look at it and change it. It is read anew by every turn, so a change needs no restart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from casemirror.actions.permission import require
from casemirror.engine.app import App
from casemirror.model import settings as keys
from casemirror.model.actor import Actor
from casemirror.model.errors import Invalid
from casemirror.model.settings import Key, Settings
from casemirror.model.values import Json
from casemirror.store import audit
from casemirror.store import settings as store

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A setting with its value; of a secret one as much as people may see."""

    key: Key
    value: Json
    is_set: bool


def get(app: App, actor: Actor, name: str) -> Setting:
    """One setting. Raises NotFound, naming the nearest ones."""
    require(actor, "config.list")
    key = keys.key_named(name)
    return next(setting for setting in list_all(app, actor) if setting.key is key)


def list_all(app: App, actor: Actor) -> list[Setting]:
    """All settings with their values."""
    require(actor, "config.list")
    with app.store.read() as tx:
        stored = store.get_all(tx)
        hidden = {name: _shown(tx, keys.key_named(name)) for name in store.secret_names(tx)}
    values, _ = Settings.from_stored(stored)
    return [
        Setting(key=key, value=hidden.get(name, values[name]), is_set=name in stored or name in hidden)
        for name, key in keys.KEYS.items()
    ]


def _shown(tx: Connection, key: Key) -> Json:
    if key.kind != "urls":
        return "(set)"
    try:
        urls = keys.parse(key, store.secret(tx, key.name))
    except Invalid:
        return "(set, and encrypted by a key that is not here)"
    return [keys.shown_url(str(url)) for url in urls] if isinstance(urls, list) else None


def put(app: App, actor: Actor, name: str, text: str) -> Setting:
    """Change a setting; the empty text brings its default back. Raises NotFound and Invalid."""
    require(actor, "config.set")
    key = keys.key_named(name)
    keys.parse(key, text)
    now, after = app.clock.now(), text.strip()
    with app.store.write() as tx:
        before = store.get_all(tx).get(key.name)
        if not after and key.kind != "list":
            store.remove(tx, key.name)
        elif key.is_secret:
            store.put_secret(tx, key.name, after)
        else:
            store.put(tx, key.name, after)
        told = {} if key.is_secret else {"before": before, "after": after}
        audit.add(tx, now, actor.name, "setting.changed", key.name, told)
    return get(app, actor, name)


def reset(app: App, actor: Actor, name: str) -> Setting:
    """Bring a setting's default back. Raises NotFound."""
    require(actor, "config.set")
    key = keys.key_named(name)
    with app.store.write() as tx:
        store.remove(tx, key.name)
        audit.add(tx, app.clock.now(), actor.name, "setting.reset", key.name)
    return get(app, actor, name)
