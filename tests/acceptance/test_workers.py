"""Two workers on one PostgreSQL: they share the lanes, and when one is killed the other takes over."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from casemirror.model.ids import InstanceId
from casemirror.simulators.servicenow import ServiceNowSimulator
from casemirror.store import lanes
from support import postgres
from support.mirror import PACKS, QUICK, Mirror, eventually
from support.server import Server, kill_quietly

SECONDS = 15
"""A dead worker's lanes go on within that time.   Source: design §5."""


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    with postgres.running() as url:
        yield url


@pytest.fixture
def snow() -> Iterator[ServiceNowSimulator]:
    with ServiceNowSimulator() as simulator:
        yield simulator


@pytest.fixture
def database(postgresql: str) -> str:
    return postgres.new_database(postgresql)


@pytest.fixture
def mirror(tmp_path: Path, database: str, snow: ServiceNowSimulator) -> Iterator[Mirror]:
    made = Mirror(tmp_path, database)
    made.set(QUICK)
    made.install(PACKS / "CasemirrorServiceNow")
    given = {
        "url": snow.url,
        "credentials.identifier": "casemirror",
        "credentials.password": "casemirror",
        "isFetch": "true",
        "mirror_direction": "Incoming And Outgoing",
        "query": "",
    }
    for name in ("one", "two", "three"):
        made.instance(name, "casemirror ServiceNow", {**given, "isFetch": str(name == "one").lower()})
    yield made
    made.close()


def owner_pid(mirror: Mirror, instance: str) -> int:
    """Process id of the worker that owns an instance's lane; 0 when nobody does."""
    with mirror.app.store.read() as tx:
        owner = lanes.of_instance(tx, InstanceId(mirror.instance_named(instance).id)).owner
    return int(owner.split(":")[2]) if owner else 0


def test_a_killed_workers_lanes_go_on_and_nothing_is_doubled(
    tmp_path: Path, database: str, mirror: Mirror, snow: ServiceNowSimulator
) -> None:
    """MIR-019; design §5: each lane has one worker; after kill -9 the other one takes it within 15 s."""
    workers = [Server(tmp_path, "worker", database).start() for _ in range(2)]
    try:
        ticket = snow.create("incident", short_description="shared")["sys_id"]
        [incident] = eventually(mirror.all, what="the first fetch")
        for round_ in range(4):
            victim = eventually(lambda: owner_pid(mirror, "one"), what="an owner of the lane")
            mirror.say(incident.id, f"word {round_}")
            mirror.edit(incident.id, details=f"said {round_}")
            time.sleep(0.02 * round_)
            assert kill_quietly(victim)
            began = time.monotonic()
            arrived = eventually(
                lambda text=f"said {round_}": snow.get(ticket)["description"] == text,
                within_s=SECONDS,
                what=f"the edit of round {round_} after the kill of {victim}",
            )
            assert arrived
            print(f"round {round_}: taken over after {time.monotonic() - began:.1f} s")
            dead = next(w for w in workers if w.pid == victim)
            dead.end()
            dead.start()
        eventually(lambda: len(snow.comments(ticket)) >= 4, what="all words")
        eventually(lambda: sum(w.said().count("server.started") for w in workers) == 2 + 4, what="the last restart")
        time.sleep(1.5)
        said = Counter(c["value"].split("\n")[0] for c in snow.comments(ticket))
        assert said == {f"word {n}": 1 for n in range(4)}
        assert [w.stop() for w in workers] == [0, 0]
    finally:
        for worker in workers:
            worker.end()


def test_a_worker_ends_cleanly_when_asked(tmp_path: Path, database: str, mirror: Mirror) -> None:
    """SIGTERM: exit code 0, the lanes are free."""
    worker = Server(tmp_path, "worker", database).start()
    try:
        eventually(lambda: "server.started" in worker.said(), what="the start")
        assert worker.stop() == 0
        assert owner_pid(mirror, "one") == 0
        assert not os.path.exists(f"/proc/{worker.pid}")
    finally:
        worker.end()
