"""One casemirror in this process, with a person's hands on both sides; for acceptance tests with real integrations.

The engine, the store, the runtime and the integration are the real ones. `turn` works off one lane in this process;
tests of real servers use the same object only as the person's hands (`Mirror(folder, run=False)`).
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import casemirror
from casemirror.actions import incidents, instances, links, packs, settings, warroom
from casemirror.engine import lane, presence
from casemirror.engine.app import App
from casemirror.model.actor import Actor, Role
from casemirror.model.clock import SystemClock
from casemirror.model.ids import IncidentId, LaneId
from casemirror.model.incident import Incident
from casemirror.model.link import Link
from casemirror.runtime.pool import ProcessRuntime
from casemirror.store import entries as entry_store
from casemirror.store import incidents as incident_store
from casemirror.store import instances as instance_store
from casemirror.store import lanes as lane_store
from casemirror.store import links as link_store
from casemirror.store.database import Store
from casemirror.store.keys import KeyRing

PACKS = Path(casemirror.__file__).parent / "packs"
ANALYST = Actor("bob", Role.ADMINISTRATOR)
QUICK = {
    "sync.mirror.job.delayAdvanced": "0.3",
    "incidents.fetch.delayAdvanced": "0.3",
    "mirror.overlap": "5",
    "mirror.command.timeout": "60",
}
"""Settings for real servers: a cycle every third of a second."""
BY_HAND = {**QUICK, "sync.mirror.job.delayAdvanced": "3600", "incidents.fetch.delayAdvanced": "3600"}
"""Settings for `Mirror.turn`: nothing is polled or fetched unless asked for."""


class Mirror:
    """A casemirror in `folder`, laid out as the CLI lays it out."""

    def __init__(self, folder: Path, database: str | None = None) -> None:
        self.folder = folder
        clock = SystemClock()
        store = Store.open(database or folder / "casemirror.db", folder / "files", clock, KeyRing.load(folder / "key"))
        store.migrate()
        self.runtime = ProcessRuntime(folder / "work" / "test")
        self.app = App(store=store, runtime=self.runtime, clock=clock, executor=presence.executor_name())

    def close(self) -> None:
        """End the warm processes, close the database."""
        self.runtime.close()
        self.app.store.close()

    def set(self, values: Mapping[str, str]) -> None:
        """Change settings."""
        for name, value in values.items():
            settings.put(self.app, ANALYST, name, value)

    def install(self, *folders: Path) -> None:
        """Add packs."""
        for folder in folders:
            packs.add(self.app, ANALYST, folder)

    def instance(self, name: str, integration: str, given: Mapping[str, str], **choice: str) -> LaneId:
        """Add an instance; returns its lane."""
        configured = instances.add(self.app, ANALYST, name, integration, dict(given), choice=instances.Choice(**choice))
        return configured.lane.id

    def turn(self, lane_id: LaneId, times: int = 1) -> None:
        """Poll, fetch and work off one lane, as many times; each one is a cycle of its own."""
        with presence.Presence(self.app):
            for _ in range(times):
                with self.app.store.write() as tx:
                    now = self.app.clock.now()
                    lane_store.ask(
                        tx, lane_id, poll_asked_at=now, next_fetch_at=now, not_before=None, in_not_before=None
                    )
                lane.drain(self.app, lane_id)

    # what a person sees and does here

    def all(self) -> list[Incident]:
        """All incidents, oldest first."""
        with self.app.store.read() as tx:
            return incident_store.find(tx, limit=10_000)[::-1]

    def incident(self, incident_id: int) -> Incident:
        """One incident."""
        with self.app.store.read() as tx:
            return incident_store.load(tx, IncidentId(incident_id))

    def links(self, incident_id: int) -> list[Link]:
        """Its links."""
        with self.app.store.read() as tx:
            return link_store.of_incident(tx, IncidentId(incident_id))

    def texts(self, incident_id: int, *, came_in: bool | None = None) -> list[str]:
        """What stands in its war room: texts, and names of files."""
        with self.app.store.read() as tx:
            found = entry_store.list_for(tx, IncidentId(incident_id))
        return [e.file.name if e.file else e.contents for e in found if came_in is None or e.mirrored is came_in]

    def edit(self, incident_id: int, **fields: Any) -> None:
        """Change fields."""
        incidents.edit(self.app, ANALYST, IncidentId(incident_id), fields)

    def say(self, incident_id: int, text: str, tags: Iterable[str] = ("comments",)) -> None:
        """Write a comment."""
        warroom.comment(self.app, ANALYST, IncidentId(incident_id), text, tags=tags)

    def attach(self, incident_id: int, name: str, content: bytes, tags: Iterable[str]) -> None:
        """Attach a file."""
        warroom.attach(self.app, ANALYST, IncidentId(incident_id), io.BytesIO(content), name, tags=tags)

    def shut(self, incident_id: int, reason: str = "Resolved", notes: str = "all done") -> None:
        """Close it."""
        incidents.close(self.app, ANALYST, IncidentId(incident_id), reason=reason, notes=notes)

    def reopen(self, incident_id: int) -> None:
        """Open it again."""
        incidents.reopen(self.app, ANALYST, IncidentId(incident_id))

    def create(self, **fields: Any) -> int:
        """A new incident, made by hand."""
        return int(incidents.create(self.app, ANALYST, fields).id)

    def link(self, incident_id: int, instance: str, tags: tuple[str, ...] = ()) -> None:
        """Link it out; the remote object is created."""
        links.add(self.app, ANALYST, IncidentId(incident_id), instance, tags=tags)

    def instance_named(self, name: str) -> Any:
        """An instance."""
        with self.app.store.read() as tx:
            return instance_store.by_name(tx, name)


def eventually(check: Callable[[], Any], *, within_s: float = 30.0, what: str = "") -> Any:
    """Wait for something that real processes do; returns what `check` returned once it is true."""
    ends = time.monotonic() + within_s
    last: Any = None
    while time.monotonic() < ends:
        last = check()
        if last:
            return last
        time.sleep(0.05)
    raise AssertionError(f"{what or check} did not happen within {within_s} s; last: {last!r}")
