"""The master key that secrets are encrypted with: change it without losing one."""

from __future__ import annotations

import os
from pathlib import Path

from casemirror.actions.permission import require
from casemirror.engine.app import App
from casemirror.model.actor import Actor
from casemirror.model.errors import Conflict
from casemirror.store import audit, instances, settings
from casemirror.store import keys as store


def rotate(app: App, actor: Actor, key_file: Path) -> int:
    """Make a new master key, wrap every secret by it and forget the old one; returns how many secrets there are.

    Killed in between, the old key is still in the file and everything can be read; run it again.
    Raises Conflict when the key comes from the environment, since it cannot be changed there.
    """
    require(actor, "key.rotate")
    if os.environ.get(store.ENVIRONMENT):
        raise Conflict(f"the master key comes from {store.ENVIRONMENT}; unset it to rotate the key in {key_file}")
    app.store.keys = store.add_key(key_file)
    now = app.clock.now()
    with app.store.write() as tx:
        count = instances.rewrap_secrets(tx) + settings.rewrap_secrets(tx)
        audit.add(tx, now, actor.name, "key.rotated", "master key", {"secrets": count})
    store.drop_old_keys(key_file)
    app.store.keys = store.KeyRing.load(key_file)
    return count
