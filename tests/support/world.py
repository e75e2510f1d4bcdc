"""One casemirror with scripted remotes and a hand-turned clock; the engine, the store and the actions are the real ones."""

from __future__ import annotations

import atexit
import io
import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from casemirror.actions import case, incidents, instances, links, settings, users, warroom
from casemirror.content import items
from casemirror.content.pack import Pack
from casemirror.engine import birth, lane
from casemirror.engine.app import App
from casemirror.model.actor import Actor, Role
from casemirror.model.clock import ManualClock
from casemirror.model.entry import Entry
from casemirror.model.ids import IncidentId, LaneId
from casemirror.model.incident import Incident, MirrorFields, NewIncident
from casemirror.model.lane import Lane
from casemirror.model.link import Link
from casemirror.model.settings import Settings
from casemirror.store import content_items, decisions, heartbeats, lanes
from casemirror.store import entries as entry_store
from casemirror.store import incidents as incident_store
from casemirror.store import instances as instance_store
from casemirror.store import links as link_store
from casemirror.store.database import Store
from casemirror.store.keys import KeyRing
from support.desk import PULL, PUSH, Remote, ScriptedRuntime, Ticket

ANALYST = Actor("bob", Role.ADMINISTRATOR)
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
MINUTE, HOUR = 60.0, 3600.0


def simple(**targets: str) -> dict[str, Any]:
    """Simple rules of a mapper: target → path."""
    return {name: {"simple": path} for name, path in targets.items()}


MAPPED_IN = {
    **simple(name="title", details="description", severity="severity", owner="assignee", closeReason="close_reason"),
    **simple(dbotMirrorDirection="mirror_direction", dbotMirrorId="mirror_id", dbotMirrorInstance="mirror_instance"),
    **simple(dbotMirrorTags="mirror_tags", dbotMirrorLastSync="synced"),
    "Desk State": {"simple": "state"},
    "Desk Note": {"simple": "note"},
    "Desk Count": {"simple": "count"},
    "Desk Section": {"simple": "common_section"},
    "Remediation SLA": {"simple": "sla"},
    "IncomingMirrorError": {"simple": "in_mirror_error"},
}


def guarded(root: str, operator: str, left: str, right: str) -> dict[str, Any]:
    """A complex rule: the root's value, if the incident path on the left compares with the text on the right."""
    condition = {
        "operator": operator,
        "left": {"value": {"simple": left}, "isContext": True},
        "right": {"value": {"simple": right}},
    }
    return {"complex": {"root": root, "accessor": "", "filters": [[condition]], "transformers": []}}


MAPPED_OUT = {
    **simple(title="name", description="details", severity="severity", state="deskstate", note="desknote"),
    **simple(sla_due="remediationsla.dueDate"),
    "closed_at": guarded("closed", "isAfter", "closed", "0001-01-01T00:00:00Z"),
    "place": guarded("desksection", "isEqualString", "deskstate", "new"),
}
COMMON = "dbot_classification_incident_type_all"


def integration(name: str, **script: Any) -> dict[str, Any]:
    """An integration's YAML; its code is never run."""
    flags = {"isfetch": True, "ismappable": True, "isremotesyncin": True, "isremotesyncout": True, **script}
    secret = {"name": "token", "display": "Token", "type": 4}
    fetching = {"name": "isFetch", "display": "Fetch", "type": 8}
    return {
        "commonfields": {"id": name},
        "name": name,
        "configuration": [fetching, secret],
        "script": {"type": "python", "subtype": "python3", "script": "played = True", **flags},
    }


def mapper(name: str, kind: str, **sections: Mapping[str, Any]) -> dict[str, Any]:
    """A mapper; sections by incident type, `common` for all types."""
    named = {COMMON if key == "common" else key: {"internalMapping": dict(rules)} for key, rules in sections.items()}
    return {"id": name, "name": name, "type": kind, "mapping": named}


def custom(name: str, kind: str = "shortText") -> dict[str, Any]:
    """A custom incident field."""
    cli_name = name.replace(" ", "").lower()
    return {"id": f"incident_{cli_name}", "name": name, "cliName": cli_name, "type": kind, "group": 0}


SAFE = {"casemirror": {"resends_safely": True, "creates_safely": True}}
CONTENT: tuple[tuple[str, dict[str, Any]], ...] = (
    ("integration", integration("Desk")),
    ("integration", integration("Desk In", isremotesyncout=False)),
    ("integration", integration("Desk Out", isremotesyncin=False)),
    ("integration", integration("Desk Safe", **SAFE)),
    ("mapper-in", mapper("desk-in", "mapping-incoming", common=MAPPED_IN, **{"Desk Ticket": {"Desk Section": {"simple": "type_section"}}})),
    ("mapper-out", mapper("desk-out", "mapping-outgoing", common=MAPPED_OUT)),
    ("classifier", {"id": "desk-kinds", "type": "classification", "transformer": {"simple": "kind"}, "keyTypeMap": {"ticket": "Desk Ticket", "alarm": "Desk Alarm"}}),
    *(("incidentfield", custom(f"Desk {name}")) for name in ("State", "Note", "Section", "Extra")),
    ("incidentfield", custom("Desk Count", "number")),
    ("incidentfield", custom("Remediation SLA", "timer")),
    ("incidentfield", custom("IncomingMirrorError", "longText")),
    ("incidentfield", custom("OutgoingMirrorError", "longText")),
    *(("incidenttype", {"id": name, "name": name, "color": "#fff"}) for name in ("Desk Ticket", "Desk Alarm")),
)  # fmt: skip


@cache
def _template() -> Path:
    """A migrated database with the content, made once and copied for every world."""
    folder = Path(mkdtemp(prefix="casemirror-world-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    store = Store.open(folder / "a.db", folder / "files", ManualClock(NOON), KeyRing.load(folder / "key"))
    store.migrate()
    found = tuple(items.make(kind, body) for kind, body in CONTENT)
    with store.write() as tx:
        content_items.install(tx, Pack(id="Desk", name="Desk", items=found), NOON)
    store.close()
    return folder


class World:
    """Casemirror, its clock, its remotes, and a person's hands on both sides."""

    def __init__(self, folder: Path) -> None:
        shutil.copytree(_template(), folder, dirs_exist_ok=True)
        self.folder, self.clock = folder, ManualClock(NOON)
        self.store = Store.open(folder / "a.db", folder / "files", self.clock, KeyRing.load(folder / "key"))
        self.runtime = ScriptedRuntime(self._no_transaction_is_open)
        self.app = App(store=self.store, runtime=self.runtime, clock=self.clock, executor="one:1:a")
        self.calls_in_transactions = 0

    def close(self) -> None:
        """Close the database."""
        self.store.close()

    def _no_transaction_is_open(self) -> None:
        """Rule 4: no transaction is open across a remote call. Looked at before every call of every test."""
        self.calls_in_transactions += self.store.engine.pool.checkedout() > 0  # type: ignore[attr-defined]

    def wrongs(self) -> list[str]:
        """What must be true after every test, whatever it tests: no bug was met, no call was made inside a transaction."""
        with self.store.read() as tx:
            errors = {i.name: lanes.of_instance(tx, i.id).last_error for i in instance_store.list_all(tx)}
        bugs = [f"{name}: {text}" for name, text in errors.items() if text.startswith("internal error")]
        calls = self.calls_in_transactions
        return [*bugs, *([f"{calls} calls were made while a transaction was open"] if calls else [])]

    # set-up

    def set(self, **values: object) -> None:
        """Change settings; `__` in a name stands for a dot."""
        for name, value in values.items():
            settings.put(self.app, ANALYST, name.replace("__", "."), str(value))

    def instance(
        self,
        name: str = "desk",
        integration: str = "Desk",
        *,
        mapper_in: str = "desk-in",
        mapper_out: str = "desk-out",
        classifier: str = "",
        fetches: bool = False,
    ) -> Remote:
        """Configure an instance; returns the remote that it talks to."""
        self.runtime.remotes[name] = Remote(self.clock, self._folder(name), name)
        choice = instances.Choice(classifier=classifier, mapper_in=mapper_in, mapper_out=mapper_out)
        given = {"isFetch": str(fetches).lower()}
        instances.add(self.app, ANALYST, name, integration, given, secrets={"token": "s3cret-token"}, choice=choice)
        return self.runtime.remotes[name]

    def content(self, kind: str, body: Mapping[str, Any]) -> None:
        """Install one more content item."""
        item = items.make(kind, body)
        with self.store.write() as tx:
            content_items.install(tx, Pack(id=item.id, name=item.name, items=(item,)), self.clock.now())

    def _folder(self, name: str) -> Path:
        folder = self.folder / f"work-{name}"
        folder.mkdir()
        return folder

    def mirror(
        self,
        ticket: Ticket,
        *,
        instance: str = "desk",
        direction: str = "Both",
        tags: tuple[str, ...] = ("comments",),
        type: str = "Desk Ticket",
        settle: bool = True,
        **fields: Any,
    ) -> IncidentId:
        """An incident as a fetch of this ticket makes it; with `settle` the pull at its birth is done already."""
        told = {
            "name": ticket.fields["title"],
            "deskstate": ticket.fields["state"],
            "severity": ticket.fields["severity"],
        }
        mirror = MirrorFields(remote_id=ticket.id, instance=instance, direction=direction, tags=tags)
        new = NewIncident(fields={**told, **fields}, type=type, mirror=mirror)
        now = self.clock.now()
        with self.store.write() as tx:
            made, _ = birth.create(tx, new, now, self.app.settings(), since=now, actor=instance)
        if settle:
            self.work(instance)
        return made.id

    # time

    @property
    def interval_s(self) -> float:
        """Seconds between two cycles."""
        found: Settings = self.app.settings()
        return found.interval_s

    def work(self, *names: str) -> None:
        """Work off the lanes of these instances (default: all) until nothing is due; the clock is not turned."""
        for name in names or tuple(self.runtime.remotes):
            for _ in range(100):
                if not self.drain(name):
                    break
            else:
                raise AssertionError(f"the lane of {name} never comes to an end")

    def drain(self, name: str = "desk", app: App | None = None) -> int:
        """One turn of one worker, if the lane is due (the dispatcher's question)."""
        self.beat(app)
        with self.store.read() as tx:
            due = lanes.due(tx, self.clock.now(), mirroring=self.app.settings().flag("sync.mirror.job.enable"))
        return self.turn(name, app) if self.lane(name).id in due else 0

    def turn(self, name: str = "desk", app: App | None = None) -> int:
        """One turn of one worker, whoever has the lane and whether it is due or not."""
        return lane.drain(app or self.app, self.lane(name).id)

    def beat(self, app: App | None = None) -> None:
        """A worker says that it lives."""
        with self.store.write() as tx:
            heartbeats.beat(tx, (app or self.app).executor)

    def cycle(self, times: int = 1, *names: str) -> None:
        """Turn the clock by one interval and work, as many times."""
        for _ in range(times):
            self.clock.turn(self.interval_s)
            self.work(*names)

    def other(self, executor: str = "two:2:b") -> App:
        """A second worker on the same database."""
        return replace(self.app, executor=executor)

    def restart(self) -> None:
        """The process died and another one starts: nothing but the database is left."""
        with self.store.write() as tx:
            heartbeats.forget(tx, self.app.executor)
        self.app = App(store=self.store, runtime=self.runtime, clock=self.clock, executor=self.app.executor + "+")

    # a person's hands here

    def edit(self, incident_id: IncidentId, **fields: Any) -> None:
        """Change fields."""
        incidents.edit(self.app, ANALYST, incident_id, fields)

    def say(self, incident_id: IncidentId, text: str, *tags: str) -> str:
        """Write a comment (tagged `comments` unless told otherwise); returns its label."""
        return warroom.comment(self.app, ANALYST, incident_id, text, tags=tags or ("comments",)).entry.label

    def attach(self, incident_id: IncidentId, name: str, content: bytes, *tags: str) -> str:
        """Attach a file."""
        stream = io.BytesIO(content)
        return warroom.attach(self.app, ANALYST, incident_id, stream, name, tags=tags or ("comments",)).entry.label

    def tag(self, label: str, *add: str, remove: tuple[str, ...] = ()) -> None:
        """Change the tags of an entry."""
        warroom.tag(self.app, ANALYST, label, add=add, remove=remove)

    def shut(self, incident_id: IncidentId, reason: str = "Resolved", notes: str = "done here") -> None:
        """Close an incident."""
        incidents.close(self.app, ANALYST, incident_id, reason=reason, notes=notes)

    def reopen(self, incident_id: IncidentId) -> None:
        """Open a closed incident."""
        incidents.reopen(self.app, ANALYST, incident_id)

    def create(self, **fields: Any) -> IncidentId:
        """An incident by hand."""
        return incidents.create(self.app, ANALYST, {"name": "by hand", **fields}).id

    def connect(self, incident_id: IncidentId, instance: str = "desk", **rest: Any) -> Link:
        """Link an incident."""
        return links.add(self.app, ANALYST, incident_id, instance, **rest)

    def user(self, name: str, email: str = "") -> None:
        """Add a local user."""
        users.add(self.app, ANALYST, name, email=email)

    # what is there

    def incident(self, incident_id: IncidentId) -> Incident:
        """One incident."""
        with self.store.read() as tx:
            return incident_store.load(tx, incident_id)

    def all(self) -> list[Incident]:
        """All incidents, oldest first."""
        with self.store.read() as tx:
            return incident_store.find(tx, limit=10_000)[::-1]

    def get(self, incident_id: IncidentId, name: str) -> Any:
        """A field of an incident."""
        return self.incident(incident_id).get(name)

    def link(self, incident_id: IncidentId) -> Link:
        """Its primary link."""
        with self.store.read() as tx:
            found = link_store.primary_of(tx, incident_id)
        assert found is not None
        return found

    def said(self, incident_id: IncidentId) -> list[Entry]:
        """Its war room."""
        with self.store.read() as tx:
            return entry_store.list_for(tx, incident_id)

    def texts(self, incident_id: IncidentId, *, came_in: bool | None = None) -> list[str]:
        """What stands in its war room: texts, and names of files."""
        found = self.said(incident_id)
        return [e.file.name if e.file else e.contents for e in found if came_in is None or e.mirrored is came_in]

    def dirty(self, incident_id: IncidentId) -> tuple[set[str], set[str]]:
        """dbotDirtyFields and dbotCurrentDirtyFields."""
        shown = case.show(self.app, ANALYST, incident_id).to_json()
        return set(shown["dbotDirtyFields"] or ()), set(shown["dbotCurrentDirtyFields"] or ())

    def rules(self, incident_id: IncidentId, name: str) -> list[str]:
        """Which rules decided about a field, oldest first."""
        with self.store.read() as tx:
            return [row["rule"] for row in decisions.list_for(tx, incident_id, field=name)][::-1]

    def lane(self, name: str = "desk") -> Lane:
        """The lane of an instance."""
        with self.store.read() as tx:
            return lanes.of_instance(tx, instance_store.by_name(tx, name).id)

    def lane_id(self, name: str = "desk") -> LaneId:
        """Its id."""
        return self.lane(name).id


__all__ = ["ANALYST", "HOUR", "MINUTE", "NOON", "PULL", "PUSH", "World"]
