"""How many links agree, which are the worst, and what heals them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from casemirror.actions import drift, instances
from casemirror.model.actor import Actor, Role
from casemirror.model.errors import Forbidden, NotFound
from casemirror.store import audit, links
from casemirror.store import instances as instance_store
from support.desk import PULL, PUSH, Remote, error
from support.world import ANALYST, World

READER = Actor("rita", Role.READ_ONLY)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


@pytest.fixture
def desk(world: World) -> Remote:
    return world.instance()


def test_everything_agrees_until_something_does_not(world: World, desk: Remote) -> None:
    """Issue: one number for the fleet, a table for each instance, the worst incidents first."""
    made = [world.mirror(desk.ticket()) for _ in range(4)]
    world.instance("quiet")
    world.cycle(2)
    calls = len(desk.calls)
    found = drift.measure(world.app, READER)
    assert (found.total.percent, found.total.links, found.worst, found.healed) == (100.0, 4, [], None)
    world.edit(made[0], desknote="ours")
    world.say(made[1], "hello")
    world.edit(made[1], deskextra="stays here")
    with world.store.write() as tx:
        links.hold(tx, world.link(made[2]).id, "no mapper")
    found = drift.measure(world.app, READER)
    assert (found.total.percent, found.total.agree) == (25.0, 1)
    assert [(w.incident_id, w.kinds, w.fields, w.entries) for w in found.worst] == [
        (made[2], ("held",), (), 0),
        (made[0], ("unsent", "queued"), ("desknote",), 0),
        (made[1], ("entries", "queued"), (), 1),
    ]
    assert found.worst[0].reason == "no mapper"
    assert dict(found.instances["desk"].kinds) == {"held": 1, "unsent": 1, "entries": 1, "queued": 2}
    assert [w.incident_id for w in drift.measure(world.app, READER, worst=1).worst] == [made[2]]
    assert drift.measure(world.app, READER, "quiet").total.links == 0
    assert len(desk.calls) == calls


def test_pages_come_to_the_same_as_one(world: World, desk: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded by a page."""
    made = [world.mirror(desk.ticket()) for _ in range(7)]
    world.cycle(2)
    for each in made[::2]:
        world.edit(each, desknote="ours")
    whole = drift.measure(world.app, READER)
    monkeypatch.setattr(drift, "PAGE", 2)
    paged = drift.measure(world.app, READER)
    assert (paged.total, paged.worst) == (whole.total, whole.worst)
    assert (paged.total.links, paged.total.agree) == (7, 3)


def test_what_never_came_or_fails_disagrees(world: World, desk: Remote) -> None:
    """Never pulled, failing, an instance that is gone, a close that was not told."""
    one = world.mirror(desk.ticket(), settle=False)
    desk.next_answer(PULL, error("not now"))
    world.work()
    [worst] = drift.measure(world.app, READER).worst
    assert (worst.incident_id, worst.kinds, worst.reason) == (one, ("failing", "never pulled", "queued"), "not now")
    world.cycle(2)
    assert drift.measure(world.app, READER).total.percent == 100.0
    world.shut(one)
    assert "state" in drift.measure(world.app, READER).worst[0].kinds
    world.work()
    assert drift.measure(world.app, READER).worst == []
    instances.remove(world.app, ANALYST, "desk")
    assert drift.measure(world.app, READER).worst[0].kinds == ("orphan",)


def test_entries_that_stay_here_for_good_are_no_drift(world: World, desk: Remote) -> None:
    """MIR-174: said after the close."""
    made = world.mirror(desk.ticket())
    world.shut(made)
    world.cycle(2)
    world.clock.turn(1)
    world.say(made, "too late")
    world.cycle(2)
    assert drift.measure(world.app, READER).worst == []


def test_heal_makes_links_due_and_the_next_cycle_brings_them_together(world: World, desk: Remote) -> None:
    """A link whose `wanted` was lost is found by comparing, and is in the audit."""
    lost, held, failing = (world.mirror(desk.ticket()) for _ in range(3))
    world.cycle(2)
    world.edit(lost, desknote="ours")
    with world.store.write() as tx:
        link = world.link(lost)
        links.save(tx, link.id, done=link.wanted)
        links.hold(tx, world.link(held).id, "no mapper")
    desk.next_answer(PUSH, error("not now"))
    world.edit(failing, desknote="x")
    world.work()
    world.cycle()
    assert desk.tickets["T1"].fields.get("note") is None
    with pytest.raises(Forbidden):
        drift.measure(world.app, READER, heal=True)
    found = drift.measure(world.app, ANALYST, "desk", heal=True)
    with world.store.read() as tx:
        line = audit.list_all(tx, limit=1)[0]
    assert (found.healed, found.left) == (line["detail"]["links"], 1)
    assert (line["verb"], line["object"], line["actor"]) == ("drift.healed", "instance desk", "bob")
    healed = world.link(lost)
    assert (healed.wanted > healed.done, healed.named > healed.pulled, healed.priority) == (True, True, drift.SWEEP)
    world.work()
    assert desk.tickets["T1"].fields["note"] == "ours"
    [left] = drift.measure(world.app, READER).worst
    assert left.incident_id == held
    assert drift.measure(world.app, ANALYST, heal=True).healed == 0


def test_a_missing_mapper_counts_what_changed_here(world: World, desk: Remote) -> None:
    """Nobody knows what goes out, so all that differs is told."""
    made = world.mirror(desk.ticket())
    world.cycle(2)
    world.edit(made, deskextra="x")
    with world.store.write() as tx:
        instance_store.update(tx, world.lane().instance_id, world.clock.now(), mapper_out="gone")
    assert drift.measure(world.app, READER).worst[0].fields == ("deskextra",)


def test_nothing_and_nobody(world: World) -> None:
    """No links agree wholly; an unknown instance is refused."""
    assert drift.measure(world.app, READER).total.percent == 100.0
    with pytest.raises(NotFound):
        drift.measure(world.app, READER, "nobody")
