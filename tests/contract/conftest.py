"""One suite over both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from casemirror.model.incident import Incident, NewIncident, Status
from casemirror.model.instance import Instance
from casemirror.model.link import Direction, Link
from casemirror.store import incidents, instances, links
from casemirror.store.database import Store
from support import postgres, stores


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    with postgres.running() as url:
        yield url


@pytest.fixture(params=stores.KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    kind = request.param
    made = stores.new_store(kind, tmp_path, request.getfixturevalue("postgresql") if kind == "postgresql" else "")
    yield made
    made.close()


@pytest.fixture
def now(store: Store) -> datetime:
    return store.clock.now()


@pytest.fixture
def instance(store: Store, now: datetime) -> Instance:
    with store.write() as tx:
        return instances.add(tx, "snow", "ServiceNow", now, secrets={"credentials": {"password": "swordfish-4711"}})


@pytest.fixture
def incident(store: Store, now: datetime) -> Incident:
    with store.write() as tx:
        new = NewIncident(fields={"name": "fire", "severity": 2, "details": ""}, type="T")
        return incidents.create(tx, new, now, status=Status.ACTIVE, actor="me")


@pytest.fixture
def link(store: Store, now: datetime, instance: Instance, incident: Incident) -> Link:
    with store.write() as tx:
        return links.add(
            tx,
            incident_id=incident.id,
            instance_id=instance.id,
            instance_name="snow",
            remote_id="R1",
            direction=Direction.BOTH,
            since_at=now,
            tags=("comments",),
            assumed=incident.fields,
        )
