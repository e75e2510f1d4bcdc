"""A casemirror in a folder of its own, with our packs, a hand-turned clock and no process at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from casemirror.actions import instances, packs
from casemirror.engine.app import App
from casemirror.model.actor import Actor, Role
from casemirror.model.clock import ManualClock
from casemirror.store.database import Store
from casemirror.store.keys import KeyRing
from support.scripted import NOW, Remote


@pytest.fixture
def remote() -> Remote:
    """What the app's runtime talks to."""
    return Remote()


@pytest.fixture
def app(tmp_path: Path, remote: Remote) -> Iterator[App]:
    """An app with our packs installed."""
    clock = ManualClock(NOW)
    store = Store.open(tmp_path / "casemirror.db", tmp_path / "files", clock, KeyRing.load(tmp_path / "key"))
    store.migrate()
    made = App(store=store, runtime=remote, clock=clock, executor="test:1:1")
    packs.add(made, Actor("root", Role.ADMINISTRATOR), packs.BUNDLED)
    yield made
    store.close()


@pytest.fixture
def me() -> Actor:
    """An administrator."""
    return Actor("carol", Role.ADMINISTRATOR)


@pytest.fixture
def snow(app: App, me: Actor) -> str:
    """Name of an instance of our ServiceNow integration."""
    given = {"url": "http://127.0.0.1:1", "credentials.identifier": "mirror"}
    instances.add(app, me, "snow", "casemirror ServiceNow", given, secrets={"credentials": "hush-hush"})
    return "snow"
