"""Each precondition of mirroring that is missing is named, with what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from casemirror.actions import doctor, instances
from casemirror.actions.doctor_values import Check, State
from casemirror.model.errors import NotFound
from casemirror.model.ids import IncidentId
from casemirror.store import incidents as incident_store
from casemirror.store import instances as instance_store
from casemirror.store import lanes, links
from support.desk import POLL, PULL, PUSH, Remote, died, error
from support.world import ANALYST, World, integration, mapper, simple


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


@pytest.fixture
def desk(world: World) -> Remote:
    return world.instance()


@pytest.fixture
def incident(world: World, desk: Remote) -> IncidentId:
    made = world.mirror(desk.ticket())
    world.cycle()
    return made


def missing(world: World, subject: object) -> dict[str, Check]:
    return {c.name: c for c in doctor.examine(world.app, ANALYST, str(subject)) if c.state is State.MISSING}


def test_nothing_is_missing_while_it_mirrors(world: World, incident: IncidentId) -> None:
    """mirroring.md §0.3."""
    assert missing(world, incident) == missing(world, "desk") == {}
    assert {c.name for c in doctor.examine(world.app, ANALYST, str(incident))} >= {
        *(
            "incident",
            "direction",
            "remote id",
            "tags",
            "link",
            "pulled",
            "conflicts",
            "mirror job",
            "enabled",
            "tested",
        ),
        *("integration", "mirrors in", "mirrors out", "mapper in", "mapper out", "lane", "last cycle"),
    }


def broken(name: str, todo: str = "") -> Callable[[Callable[[World, Remote], object]], object]:
    """A way to break mirroring, and the check that must notice it."""
    return lambda work: pytest.param(work, name, todo, id=work.__name__.strip("_"))


def _column(world: World, **columns: object) -> None:
    with world.store.write() as tx:
        links.save(tx, world.link(IncidentId(1)).id, **columns)


@broken("mirror job", "config set sync.mirror.job.enable true")
def job_off(world: World, desk: Remote) -> None:
    world.set(sync__mirror__job__enable="false")


@broken("enabled", "instance enable desk")
def disabled(world: World, desk: Remote) -> None:
    instances.disable(world.app, ANALYST, "desk")


@broken("instance", "instance add desk")
def removed(world: World, desk: Remote) -> None:
    instances.remove(world.app, ANALYST, "desk")


@broken("tested", "instance test desk")
def sick(world: World, desk: Remote) -> None:
    with world.store.write() as tx:
        instance_store.update(tx, world.lane().instance_id, world.clock.now(), health="401")


@broken("integration")
def not_installed(world: World, desk: Remote) -> None:
    with world.store.write() as tx:
        instance_store.update(tx, world.lane().instance_id, world.clock.now(), brand="Gone")


@broken("integration")
def python_two(world: World, desk: Remote) -> None:
    world.content("integration", integration("Old", subtype="python2"))
    with world.store.write() as tx:
        instance_store.update(tx, world.lane().instance_id, world.clock.now(), brand="Old")


@broken("mirrors out")
def cannot_out(world: World, desk: Remote) -> None:
    with world.store.write() as tx:
        instance_store.update(tx, world.lane().instance_id, world.clock.now(), brand="Desk In")


@broken("mirrors in")
def cannot_in(world: World, desk: Remote) -> None:
    with world.store.write() as tx:
        instance_store.update(tx, world.lane().instance_id, world.clock.now(), brand="Desk Out")


@broken("direction", "dbotMirrorDirection=Both")
def no_direction(world: World, desk: Remote) -> None:
    world.edit(IncidentId(1), dbotMirrorDirection="None")


@broken("tags", "dbotMirrorTags=")
def no_tags(world: World, desk: Remote) -> None:
    world.edit(IncidentId(1), dbotMirrorTags="")


@broken("remote id", "link retry 1")
def unconfirmed(world: World, desk: Remote) -> None:
    _column(world, remote_id="", creating_at=world.clock.now())


@broken("remote id", "dbotMirrorId=ID")
def creation_forbidden(world: World, desk: Remote) -> None:
    world.set(mirror__create__remote="false")
    _column(world, remote_id="")


@broken("remote id", "dbotMirrorId=ID")
def in_without_id(world: World, desk: Remote) -> None:
    world.edit(IncidentId(1), dbotMirrorDirection="In")
    _column(world, remote_id="")


@broken("mapper in", "--mapper-in")
def mapper_gone(world: World, desk: Remote) -> None:
    with world.store.write() as tx:
        instance_store.update(tx, world.lane().instance_id, world.clock.now(), mapper_in="gone-in")


@broken("mapper out", "--mapper-out")
def mapper_of_the_wrong_kind(world: World, desk: Remote) -> None:
    with world.store.write() as tx:
        instance_store.update(tx, world.lane().instance_id, world.clock.now(), mapper_out="desk-in")


@broken("lane", "instance enable desk")
def braked(world: World, desk: Remote) -> None:
    with world.store.write() as tx:
        lanes.ask(tx, world.lane_id(), held_reason="too many closed")


@broken("lane", "instance mirror desk")
def rate_limited(world: World, desk: Remote) -> None:
    desk.next_answer(POLL, error("API rate limit"))
    world.cycle()


@broken("last error", "instance test desk")
def poll_failed(world: World, desk: Remote) -> None:
    desk.next_answer(POLL, died())
    world.cycle()


@broken("budget")
def budget_spent(world: World, desk: Remote) -> None:
    world.set(mirror__instance__budget="1")
    with world.store.write() as tx:
        lanes.ask(tx, world.lane_id(), pulls_this_cycle=1)


@broken("link", "link retry 1")
def held(world: World, desk: Remote) -> None:
    with world.store.write() as tx:
        links.hold(tx, world.link(IncidentId(1)).id, "no mapper")


@broken("link", "incident reopen 1")
def purged(world: World, desk: Remote) -> None:
    world.shut(IncidentId(1))
    world.cycle()
    with world.store.write() as tx:
        links.purge_closed(tx, "desk", None)


@broken("last push", "link retry 1")
def push_failed(world: World, desk: Remote) -> None:
    desk.next_answer(PUSH, error("no such column"))
    world.edit(IncidentId(1), desknote="x")
    world.work()


@broken("last pull", "link retry 1")
def pull_failed(world: World, desk: Remote) -> None:
    desk.change("T1", note="x")
    desk.next_answer(PULL, error("no such row"))
    world.cycle()


@broken("rate limit")
def link_rate_limited(world: World, desk: Remote) -> None:
    _column(world, rate_limited=True)


@broken("last try", "link retry 1")
def tries(world: World, desk: Remote) -> None:
    _column(world, tries=2)


@broken("pulled", "instance mirror desk")
def never_pulled(world: World, desk: Remote) -> None:
    _column(world, last_sync_at=None)


@broken("incident", "incident open 1")
def pending(world: World, desk: Remote) -> None:
    found = world.incident(IncidentId(1))
    with world.store.write() as tx:
        incident_store.save(tx, found.id, found.version, now=world.clock.now(), status=0)


@broken("conflicts", "conflict resolve 1")
def conflict(world: World, desk: Remote) -> None:
    world.set(mirror__conflict="ask")
    world.edit(IncidentId(1), deskstate="ours")
    desk.change("T1", state="theirs")
    world.cycle()


@pytest.mark.parametrize(
    "breaks, name, todo",
    [
        *(job_off, disabled, removed, sick, not_installed, python_two, cannot_out, cannot_in, no_direction, no_tags),
        *(unconfirmed, creation_forbidden, in_without_id, mapper_gone, mapper_of_the_wrong_kind, braked, rate_limited),
        *(poll_failed, budget_spent, held, purged, push_failed, pull_failed, link_rate_limited, tries, never_pulled),
        *(pending, conflict),
    ],
)
def test_what_is_missing_is_named_with_what_to_do(
    world: World, desk: Remote, incident: IncidentId, breaks: Callable[[World, Remote], object], name: str, todo: str
) -> None:
    """Each precondition of mirroring.md §0.3 and of the engine, broken alone."""
    breaks(world, desk)
    found = missing(world, incident)
    assert name in found, found
    assert todo in found[name].todo


def test_what_cannot_be_known_is_said_to_be_unknown(world: World, desk: Remote) -> None:
    """Never tested, nothing linked, no mapper, a mapper that will not mirror, a creation to come."""
    found = {c.name: c for c in doctor.examine(world.app, ANALYST, "desk")}
    assert found["last cycle"].state is State.MISSING
    assert [found[n].state for n in ("tested", "links")] == [State.UNKNOWN] * 2
    silent = mapper("silent-in", "mapping-incoming", common=simple(name="title"))
    world.content("mapper-in", silent)
    choice = instances.Choice(mapper_in="silent-in", mapper_out="")
    instances.update(world.app, ANALYST, "desk", {}, choice=choice)
    found = {c.name: c for c in doctor.examine(world.app, ANALYST, "desk")}
    assert "will not mirror" in found["mapper in"].text
    assert "under the names it has here" in found["mapper out"].text
    made = world.create()
    world.connect(made)
    found = {c.name: c for c in doctor.examine(world.app, ANALYST, str(made))}
    assert found["remote id"].state is State.UNKNOWN
    assert found["mapper in"].state is State.OK
    world.work()
    world.clock.turn(3600)
    found = {c.name: c for c in doctor.examine(world.app, ANALYST, "desk")}
    assert (found["last cycle"].state, "longer ago" in found["last cycle"].text) == (State.UNKNOWN, True)


def test_an_unlinked_incident_and_an_unknown_subject(world: World, desk: Remote) -> None:
    """A number is an incident, anything else an instance."""
    made = world.create()
    assert "link add 1 INSTANCE" in missing(world, made)["link"].todo
    with pytest.raises(NotFound, match="no incident 9"):
        doctor.examine(world.app, ANALYST, "9")
    with pytest.raises(NotFound, match="no instance named"):
        doctor.examine(world.app, ANALYST, "nobody")
