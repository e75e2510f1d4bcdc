"""Contexts of incidents, and commands that wait to be run again. Over SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import datetime, timedelta

from casemirror.model.incident import Incident
from casemirror.model.instance import Instance
from casemirror.store import contexts, incidents, instances, laters
from casemirror.store.database import Store

HOUR = timedelta(hours=1)


def add(store: Store, incident: Incident, instance: Instance, due: datetime, command: str = "scan-result") -> None:
    with store.write() as tx:
        given = {"incident_id": incident.id, "instance_id": instance.id, "command": command, "user": "me"}
        laters.add(tx, args={"id": 7}, due_at=due, ends_at=due + HOUR, **given)  # type: ignore[arg-type]


def test_a_context_is_one_object_for_each_incident(store: Store, incident: Incident) -> None:
    with store.write() as tx:
        assert contexts.load(tx, incident.id) == {}
        contexts.save(tx, incident.id, {"Scan": [1, {"a": "ä"}]})
        contexts.save(tx, incident.id, {"Scan": [2]})
    with store.read() as tx:
        assert contexts.load(tx, incident.id) == {"Scan": [2]}


def test_the_next_one_comes_first(store: Store, incident: Incident, instance: Instance, now: datetime) -> None:
    add(store, incident, instance, now + HOUR, "second")
    add(store, incident, instance, now, "first")
    with store.read() as tx:
        assert [each.command for each in laters.list_all(tx)] == ["first", "second"]
        [due] = laters.due(tx, now)
        assert (due.command, due.args, due.user, due.ends_at) == ("first", {"id": 7}, "me", now + HOUR)


def test_one_is_taken_once(store: Store, incident: Incident, instance: Instance, now: datetime) -> None:
    add(store, incident, instance, now)
    with store.write() as tx:
        [due] = laters.due(tx, now)
        assert laters.take(tx, due, now + HOUR)
        assert not laters.take(tx, due, now + HOUR)
        assert laters.due(tx, now) == []
        [again] = laters.due(tx, now + HOUR)
        assert again.attempts == 1
        assert laters.remove(tx, due.id)
        assert not laters.remove(tx, due.id)


def test_they_go_with_their_instance(store: Store, incident: Incident, instance: Instance, now: datetime) -> None:
    add(store, incident, instance, now)
    with store.write() as tx:
        instances.remove(tx, instance.id)
        assert laters.list_all(tx) == []
        assert incidents.load(tx, incident.id).id == incident.id
