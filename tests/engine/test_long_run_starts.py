"""Starting long-running processes: one that cannot start does not keep the others from it."""

from __future__ import annotations

import time
from dataclasses import replace

import sqlalchemy as sa

from casemirror.actions import instances
from casemirror.engine.longrun import COMMAND, Supervisor
from casemirror.runtime.command import Command, Reply
from casemirror.store import instances as instance_store
from casemirror.store import lanes, schema
from support.desk import said
from support.world import ANALYST, World, integration


class EndsAtOnce:
    """A runtime whose processes return at once; it keeps whose they were."""

    def __init__(self) -> None:
        self.ran: list[tuple[str, str]] = []

    def run(self, command: Command) -> Reply:
        """Run nothing."""
        self.ran.append((command.instance, command.name))
        return said()


def ended_because(world: World, name: str) -> str:
    """Why the process of an instance ended; waits until it has."""
    with world.store.read() as tx:
        instance_id = instance_store.by_name(tx, name).id
    for _ in range(200):
        with world.store.read() as tx:
            query = sa.select(schema.lane.c.last_error).where(schema.lane.c.id == f"{instance_id}/{lanes.LONG}")
            if told := tx.execute(query).scalar_one_or_none():
                return str(told)
        time.sleep(0.05)
    return ""


def test_a_secret_that_cannot_be_read_stops_only_its_own_process(world: World) -> None:
    runs = {"name": "longRunning", "display": "Long running", "type": 8}
    body = integration("Spring", longRunning=True, isremotesyncin=False, isremotesyncout=False)
    world.content("integration", {**body, "configuration": [*body["configuration"], runs]})
    for name in ("broken", "good"):
        world.instance(name, "Spring", mapper_in="", mapper_out="")
        instances.update(world.app, ANALYST, name, {"longRunning": "true"})
    with world.store.write() as tx:
        is_broken = schema.secret.c.instance_id == instance_store.by_name(tx, "broken").id
        tx.execute(schema.secret.update().where(is_broken).values(sealed=b"spoiled"))
    runtime = EndsAtOnce()
    supervisor = Supervisor(replace(world.app, runtime=runtime))  # type: ignore[arg-type]
    supervisor.look()
    assert "cannot be decrypted" in ended_because(world, "broken")
    assert ended_because(world, "good") == f"{COMMAND} returned"
    supervisor.close()
    assert runtime.ran == [("good", COMMAND)]
