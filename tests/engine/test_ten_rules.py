"""The ten rules that hold whatever the code looks like (docs/architecture), and what happens when one is broken.

Each test plays one scenario several times: with the real code, and with one line of it broken on purpose. What people on
both sides see must be right with the real code, and wrong in the expected way with the broken one: a test that could not
tell them apart would test nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from casemirror.actions import instances
from casemirror.engine import brake, inbound, lane, looking, record
from casemirror.engine import fetch as fetching
from casemirror.engine import poll as polling
from casemirror.engine import reconcile as reconciling
from casemirror.engine.inbound import Window
from casemirror.engine.turn import Turn
from casemirror.model.ids import IncidentId
from casemirror.model.incident import Status
from casemirror.runtime import wire
from casemirror.runtime.wire import replies
from casemirror.store import entries, heartbeats, lanes, links, polls
from casemirror.store import instances as instance_store
from support.desk import FETCH, POLL, PULL, PUSH, Killed, Remote, close_entry, error, note, said
from support.world import ANALYST, World

Patch = pytest.MonkeyPatch
Break = Callable[[Patch], None]


def as_it_is(_: Patch) -> None:
    """The real code."""


def variants(kept: object, *broken: tuple[Break, object]) -> pytest.MarkDecorator:
    """The real code with what it must come to, and broken variants with what they come to."""
    cases = [(as_it_is, kept), *broken]
    return pytest.mark.parametrize(("breaking", "seen"), cases, ids=[case[0].__name__ for case in cases])


def both(world: World, desk: Remote, **rest: Any) -> IncidentId:
    incident = world.mirror(desk.ticket(), **rest)
    world.cycle(3)
    return incident


def state(world: World, incident: IncidentId) -> Any:
    return world.get(incident, "deskstate")


def commit_now(tx: Any) -> None:
    """Break a transaction in two."""
    tx.exec_driver_sql("COMMIT")
    tx.exec_driver_sql("BEGIN IMMEDIATE")


def die(*_: object, **__: object) -> Any:
    raise Killed


# 1  finish writes the `wanted` that was seen at the start


def finish_writes_the_newest(patch: Patch) -> None:
    def finish(turn: Turn, work: reconciling.Work) -> None:
        with turn.write() as tx:
            links.finish(tx, work.link.id, links.load(tx, work.link.id).wanted)

    patch.setattr(reconciling, "finish", finish)


@variants("second", (finish_writes_the_newest, "first"))
def test_an_edit_during_a_push_is_still_due(world: World, monkeypatch: Patch, breaking: Break, seen: object) -> None:
    """Rule 1."""
    breaking(monkeypatch)
    desk = world.instance()
    incident = both(world, desk, direction="Out")
    world.edit(incident, deskstate="first")
    desk.during(PUSH, lambda: world.edit(incident, deskstate="second"))
    world.cycle(5)
    assert desk.tickets["T1"].fields["state"] == seen


# 2  last_sync and the cursor are times taken before the call


def sync_time_is_taken_after_the_call(patch: Patch) -> None:
    def late(*, since: Any, started: Any, ended: Any) -> Window:
        return Window(since=since, started=ended, ended=ended)

    patch.setattr(looking, "Window", late)


def cursor_is_taken_after_the_call(patch: Patch) -> None:
    real = polling.take
    patch.setattr(polling, "take", lambda turn, answer, reply, _: real(turn, answer, reply, turn.app.clock.now()))


@variants(["meanwhile"], (sync_time_is_taken_after_the_call, []))
def test_what_is_said_while_a_pull_runs_comes_with_the_next_one(
    world: World, monkeypatch: Patch, breaking: Break, seen: object
) -> None:
    """Rule 2; without overlap, so that nothing else saves it."""
    world.set(mirror__overlap="0", mirror__reconcile="0")
    breaking(monkeypatch)
    desk = world.instance()
    incident = both(world, desk)

    def meanwhile() -> None:
        desk.comment("T1", "meanwhile")
        world.clock.turn(5)

    desk.change("T1")
    desk.afterwards(PULL, meanwhile)
    world.cycle(5)
    assert world.texts(incident) == seen


@variants("meanwhile", (cursor_is_taken_after_the_call, "new"))
def test_what_changes_while_a_poll_runs_is_named_by_the_next_one(
    world: World, monkeypatch: Patch, breaking: Break, seen: object
) -> None:
    """Rule 2 for the cursor."""
    world.set(mirror__overlap="0", mirror__reconcile="0")
    breaking(monkeypatch)
    desk = world.instance()
    incident = both(world, desk)

    def meanwhile() -> None:
        desk.change("T1", state="meanwhile")
        world.clock.turn(5)

    desk.afterwards(POLL, meanwhile)
    world.cycle(5)
    assert state(world, incident) == seen


# 3  the overlap is read twice: entries are recognised by fingerprint, told data by id:version


def entries_are_not_recognised(patch: Patch) -> None:
    def all_of_them(tx: Any, link: Any, found: Any, window: Any, arrived: Any) -> Any:
        return [(entry, inbound.fingerprint(entry)) for entry in found]

    patch.setattr(inbound, "only_new", all_of_them)


def pulls_do_not_overlap(patch: Patch) -> None:
    patch.setattr(looking, "pull_since", lambda _, link: link.last_sync_at or link.since_at)


@variants(
    ["quick", "slow"],
    (entries_are_not_recognised, ["quick", "quick", "slow"]),
    (pulls_do_not_overlap, ["quick"]),
)
def test_a_slow_index_neither_loses_nor_doubles(
    world: World, monkeypatch: Patch, breaking: Break, seen: object
) -> None:
    """Rule 3: a comment appears half a minute after it was said."""
    breaking(monkeypatch)
    desk = world.instance()
    incident = both(world, desk)
    world.clock.turn(50)
    desk.comment("T1", "quick")
    desk.comment("T1", "slow", visible_after_s=30)
    world.clock.turn(10)
    world.work()
    world.cycle()
    desk.change("T1")
    world.cycle()
    assert world.texts(incident) == seen


def told_data_is_always_news(patch: Patch) -> None:
    patch.setattr(polls, "is_news", lambda *_: True)


@variants("ours", (told_data_is_always_news, "told"))
def test_data_that_is_told_again_is_no_news(world: World, monkeypatch: Patch, breaking: Break, seen: object) -> None:
    """Rule 3 for full-data polls: what they tell again in the overlap does not undo what we did since."""
    world.set(mirror__echo__guard="0")
    breaking(monkeypatch)
    desk = world.instance()
    incident = both(world, desk)
    told = note(
        "", Contents={"id": "T1", "state": "told"}, ContentsFormat="json", EntryContext={"mirrorRemoteId": "T1"}
    )
    desk.next_answer(POLL, said([told]), said([told]))
    world.cycle()
    assert state(world, incident) == "told"
    world.edit(incident, deskstate="ours")
    world.work()
    world.clock.turn(60)
    world.drain()
    assert state(world, incident) == seen


# 4  what belongs together changes in one transaction, and none is open across a call


def values_and_base_apart(patch: Patch) -> None:
    def torn(turn: Turn, tx: Any, *_: object) -> None:
        commit_now(tx)
        raise Killed

    patch.setattr(record, "write_link", torn)


@variants(("C", "C"), (values_and_base_apart, ("B", "B")))
def test_a_death_between_values_and_base_makes_no_edit_of_ours(
    world: World, monkeypatch: Patch, breaking: Break, seen: object
) -> None:
    """Rule 4: half a pull would look like a change made here, and would be sent over the remote's newer one."""
    desk = world.instance()
    incident = both(world, desk)
    desk.change("T1", state="B")
    with monkeypatch.context() as patch:
        patch.setattr(record, "write_link", die)
        breaking(patch)
        with pytest.raises(Killed):
            world.cycle()
    world.restart()
    desk.change("T1", state="C")
    world.cycle(3)
    assert (state(world, incident), desk.tickets["T1"].fields["state"]) == seen


def cursor_and_ids_apart(patch: Patch) -> None:
    def torn(turn: Turn, tx: Any, *_: object) -> int:
        turn.note(tx, cursor_at=turn.app.clock.now())
        commit_now(tx)
        raise Killed

    patch.setattr(polling, "name_ids", torn)


@variants("working", (cursor_and_ids_apart, "new"))
def test_a_death_between_cursor_and_ids_loses_none(
    world: World, monkeypatch: Patch, breaking: Break, seen: object
) -> None:
    """Rule 4 for a poll."""
    world.set(mirror__overlap="0", mirror__reconcile="0")
    desk = world.instance()
    incident = both(world, desk)
    desk.change("T1", state="working")
    with monkeypatch.context() as patch:
        patch.setattr(polling, "name_ids", die)
        breaking(patch)
        with pytest.raises(Killed):
            world.cycle()
    world.restart()
    world.cycle(3)
    assert state(world, incident) == seen


def last_run_and_incidents_apart(patch: Patch) -> None:
    def torn(turn: Turn, tx: Any, *_: object) -> int:
        instance_store.save_last_run(tx, turn.instance.id, {"at": "2026-01-02T13:00:00Z"})
        commit_now(tx)
        raise Killed

    patch.setattr(fetching, "create", torn)


@variants(1, (last_run_and_incidents_apart, 0))
def test_a_death_between_last_run_and_incidents_loses_none(
    world: World, monkeypatch: Patch, breaking: Break, seen: object
) -> None:
    """Rule 4 for a fetch."""
    desk = world.instance(fetches=True)
    desk.ticket()
    with monkeypatch.context() as patch:
        patch.setattr(fetching, "create", die)
        breaking(patch)
        with pytest.raises(Killed):
            world.work()
    world.restart()
    world.cycle(3)
    assert len(world.all()) == seen


def pulls_inside_a_transaction(patch: Patch) -> None:
    real = reconciling.pull

    def pull(turn: Turn, work: reconciling.Work) -> inbound.Pulled:
        with turn.app.store.read():
            return real(turn, work)

    patch.setattr(reconciling, "pull", pull)


@variants(0, (pulls_inside_a_transaction, 1))
def test_no_transaction_is_open_across_a_call(world: World, monkeypatch: Patch, breaking: Break, seen: object) -> None:
    """Rule 4; looked at after every test of this folder."""
    breaking(monkeypatch)
    desk = world.instance()
    world.mirror(desk.ticket())
    assert world.calls_in_transactions == seen
    world.calls_in_transactions = 0


# 5  every write of a lane carries its epoch, and a late writer is refused


def nobody_looks_at_the_epoch(patch: Patch) -> None:
    patch.setattr(lanes, "guard", lambda tx, lane: None)


@variants("newest", (nobody_looks_at_the_epoch, "old"))
def test_a_late_writer_is_refused(world: World, monkeypatch: Patch, breaking: Break, seen: object) -> None:
    """Rule 5: a worker that was taken for dead comes back with what it pulled before another one pulled the news."""
    world.set(mirror__overlap="0", mirror__reconcile="0")
    breaking(monkeypatch)
    desk = world.instance()
    incident = both(world, desk)
    other = world.other()

    def sleep_through_it() -> None:
        with world.store.write() as tx:
            heartbeats.forget(tx, world.app.executor)
        desk.change("T1", state="newest")
        world.clock.turn(70)
        world.drain(app=other)
        assert state(world, incident) == "newest"

    desk.change("T1", state="old")
    desk.afterwards(PULL, sleep_through_it)
    world.cycle(4)
    assert desk.tickets["T1"].fields["state"] == "newest"
    assert state(world, incident) == seen


# 6  no push starts unless the lease outlives the command's time limit


def nobody_renews_the_lease(patch: Patch) -> None:
    patch.setattr(Turn, "hold_for", lambda self, seconds: None)


@variants(["one", "two"], (nobody_renews_the_lease, ["one", "two", "two"]))
def test_nobody_takes_a_lane_while_a_push_is_on_its_way(
    world: World, monkeypatch: Patch, breaking: Break, seen: object
) -> None:
    """Rule 6: three commands of almost the longest time in one reconcile; a second worker waits for the lane."""
    world.set(mirror__entries__batch="1")
    breaking(monkeypatch)
    desk = world.instance()
    incident = both(world, desk)
    world.cycle(2)
    other = world.other()

    def try_to_take_it() -> None:
        desk.takes_s = 0
        world.beat()
        world.beat(other)
        world.turn(app=other)

    desk.takes_s = 290
    desk.during(PUSH, lambda: None)
    desk.during(PUSH, try_to_take_it)
    world.say(incident, "one")
    world.say(incident, "two")
    world.cycle(3)
    assert desk.tickets["T1"].texts == seen


# 7  intended before the call, sent after it; after an uncertain outcome it is looked for first


def sent_before_the_call(patch: Patch) -> None:
    real = entries.mark_intended

    def mark(tx: Any, link_id: Any, ids: Any, now: Any, ends_by: Any) -> None:
        real(tx, link_id, ids, now, ends_by)
        entries.mark_sent(tx, link_id, ids, now)

    patch.setattr(entries, "mark_intended", mark)


@variants(["hello"], (sent_before_the_call, []))
def test_a_comment_is_sent_when_it_arrived_and_not_before(
    world: World, monkeypatch: Patch, breaking: Break, seen: object
) -> None:
    """Rule 7."""
    breaking(monkeypatch)
    desk = world.instance()
    incident = both(world, desk)
    world.say(incident, "hello")
    desk.next_answer(PUSH, error("no route to host"))
    world.cycle(3)
    assert desk.tickets["T1"].texts == seen


def never_intended(patch: Patch) -> None:
    patch.setattr(entries, "mark_intended", lambda *_: None)


def nobody_looks_for_it(patch: Patch) -> None:
    patch.setattr(inbound, "found_again", lambda *_: [])


def nobody_pulls_to_look(patch: Patch) -> None:
    patch.setattr(record, "must_look_for_sent", lambda *_: False)


@variants("once", (never_intended, "again"), (nobody_looks_for_it, "again"), (nobody_pulls_to_look, "again"))
@pytest.mark.parametrize("who", ["command", "server"])
def test_a_comment_whose_answer_was_lost_is_not_said_twice(
    world: World, monkeypatch: Patch, breaking: Break, seen: object, who: str
) -> None:
    """Rule 7: the comment arrived, nobody saw that; no poll names the ticket before it is tried again."""
    breaking(monkeypatch)
    desk = world.instance()
    incident = both(world, desk)
    world.say(incident, "hello")
    if who == "command":
        desk.loses_answer(PUSH)
        world.work()
    else:
        desk.afterwards(PUSH, die)
        with pytest.raises(Killed):
            world.work()
        world.restart()
    world.clock.turn(31)
    world.work()
    world.cycle(4)
    assert ("once" if desk.tickets["T1"].texts == ["hello"] else "again") == seen
    assert world.texts(incident, came_in=False) == ["hello"]


# 8  a reply is data only when it is one


def errors_are_data(patch: Patch) -> None:
    patch.setattr(replies, "_raise_for", lambda reply: None)


def texts_are_data(patch: Patch) -> None:
    patch.setattr(wire, "parse_pull", lambda reply, remote_id: replace(replies._pull_data(reply), message=""))


NO_ROUTE, NOT_FOUND = error("no route to host"), said("Ticket was not found.")


@pytest.mark.parametrize(
    ("answer", "breaking", "seen"),
    [
        (NO_ROUTE, as_it_is, ["hello"]),
        (NO_ROUTE, errors_are_data, ["no route to host"]),
        (NOT_FOUND, as_it_is, ["hello"]),
        (NOT_FOUND, texts_are_data, []),
    ],
    ids=["an error", "an error taken for data", "a text", "a text taken for data"],
)
def test_a_pull_that_failed_has_told_nothing(
    world: World, monkeypatch: Patch, answer: Any, breaking: Break, seen: object
) -> None:
    """Rule 8: what was said meanwhile is asked for again."""
    world.set(mirror__overlap="0", mirror__reconcile="0")
    breaking(monkeypatch)
    desk = world.instance()
    incident = both(world, desk)
    desk.comment("T1", "hello")
    desk.next_answer(PULL, answer)
    world.cycle()
    world.clock.turn(5)
    desk.change("T1")
    world.cycle(3)
    assert world.texts(incident, came_in=True) == seen


@variants("ours", (errors_are_data, "new"))
def test_a_push_that_failed_has_changed_nothing(
    world: World, monkeypatch: Patch, breaking: Break, seen: object
) -> None:
    """Rule 8 for the way out."""
    breaking(monkeypatch)
    desk = world.instance()
    incident = both(world, desk, direction="Out")
    world.edit(incident, deskstate="ours")
    desk.next_answer(PUSH, error("read-only"))
    world.cycle(5)
    assert desk.tickets["T1"].fields["state"] == seen


def errors_show_an_open_object(patch: Patch) -> None:
    real = inbound.understand

    def understand(*args: Any) -> Any:
        told = real(*args)
        return replace(told, seen_open=not told.controls)

    patch.setattr(inbound, "understand", understand)


@variants(Status.ACTIVE, (errors_show_an_open_object, Status.CLOSED))
def test_an_object_that_is_an_error_does_not_say_that_it_is_open(
    world: World, monkeypatch: Patch, breaking: Break, seen: object
) -> None:
    """Rule 8 for `in_mirror_error`: a person opened the incident again; one failed look must not close it."""
    breaking(monkeypatch)
    desk = world.instance()
    incident = both(world, desk, direction="In")
    desk.close("T1")
    world.cycle()
    world.reopen(incident)
    broken = {"id": "T1", "in_mirror_error": "boom"}
    desk.next_answer(PULL, said([broken]), said([{"id": "T1"}, close_entry()]))
    for _ in range(2):
        desk.change("T1")
        world.cycle()
    assert world.incident(incident).status is seen


# 9  a failing link waits alone; a newer state supersedes the failed one


def all_wait_for_one(patch: Patch) -> None:
    def react(turn: Turn, link: Any, error: Any) -> bool:
        lane.wait_for_cycle(turn, error, incoming=False)
        return False

    patch.setattr(lane, "after_error", react)


@variants("working", (all_wait_for_one, "new"))
def test_one_failing_incident_stops_no_other(world: World, monkeypatch: Patch, breaking: Break, seen: object) -> None:
    """Rule 9."""
    breaking(monkeypatch)
    desk = world.instance()
    made = [world.mirror(desk.ticket(), settle=False) for _ in range(2)]
    world.work()
    world.cycle(3)
    for ticket in ("T1", "T2"):
        desk.change(ticket, state="working")
    desk.next_answer(PULL, NO_ROUTE)
    world.cycle()
    assert [state(world, i) for i in made] == ["new", seen]


def an_edit_waits_behind_the_failure(patch: Patch) -> None:
    real = links.want

    def want(tx: Any, link_id: Any, now: Any, *, priority: int, named: bool = False, reset: bool = False) -> None:
        real(tx, link_id, now, priority=priority, named=named)

    patch.setattr(links, "want", want)


@variants("newer", (an_edit_waits_behind_the_failure, "new"))
def test_a_newer_state_goes_at_once(world: World, monkeypatch: Patch, breaking: Break, seen: object) -> None:
    """Rule 9: and the failed one is never sent."""
    breaking(monkeypatch)
    desk = world.instance()
    incident = both(world, desk, direction="Out")
    desk.next_answer(PUSH, *([NO_ROUTE] * 4))
    world.edit(incident, deskstate="failed")
    world.work()
    world.cycle(5)
    assert world.link(incident).tries == 4
    world.edit(incident, deskstate="newer")
    world.work()
    assert desk.tickets["T1"].fields["state"] == seen


# 10  when too much would close at once, the lane stops and asks


def there_is_no_brake(patch: Patch) -> None:
    patch.setattr(brake, "mind_close", lambda turn, tx: None)


def many(world: World, desk: Remote, count: int) -> list[IncidentId]:
    made = [world.mirror(desk.ticket(), settle=False) for _ in range(count)]
    world.work()
    world.cycle(3)
    return made


def closed(world: World, made: list[IncidentId]) -> int:
    return sum(world.incident(i).status is Status.CLOSED for i in made)


@variants((6, True), (there_is_no_brake, (12, False)))
def test_a_remote_that_closes_everything_stops_the_lane(
    world: World, monkeypatch: Patch, breaking: Break, seen: object
) -> None:
    """Rule 10: half of the open incidents may close in one cycle; then a person is asked."""
    breaking(monkeypatch)
    desk = world.instance()
    made = many(world, desk, 12)
    for ticket in desk.tickets:
        desk.close(ticket)
    world.cycle(3)
    assert (closed(world, made), bool(world.lane().held_reason)) == seen


def test_a_lane_that_was_stopped_goes_on_when_a_person_says_so(world: World) -> None:
    """Rule 10: nothing runs meanwhile, and afterwards everything comes through."""
    desk = world.instance()
    made = many(world, desk, 12)
    for ticket in desk.tickets:
        desk.close(ticket)
    world.cycle()
    assert "more than 50 % of its 12 open incidents" in world.lane().held_reason
    number = len(desk.calls)
    world.edit(made[0], details="waits")
    world.cycle(3)
    assert desk.since(number) == []
    instances.enable(world.app, ANALYST, "desk")
    world.cycle(2)
    assert closed(world, made) == 12
    assert desk.tickets["T1"].fields["description"] == "waits"
    assert world.lane().held_reason == ""


@pytest.mark.parametrize(
    ("count", "share", "minimum"), [(5, "50", "10"), (12, "0", "10"), (12, "100", "10"), (4, "25", "5")]
)
def test_few_incidents_or_a_released_brake_never_stop_a_lane(
    world: World, count: int, share: str, minimum: str
) -> None:
    """Rule 10: `mirror.brake.minimum`, `mirror.brake.closed`."""
    world.set(mirror__brake__closed=share, mirror__brake__minimum=minimum)
    desk = world.instance()
    made = many(world, desk, count)
    for ticket in desk.tickets:
        desk.close(ticket)
    world.cycle()
    assert closed(world, made) == count
    assert world.lane().held_reason == ""


def test_closes_over_many_cycles_never_stop_a_lane(world: World) -> None:
    """Rule 10 counts within one cycle; what people close here does not count."""
    desk = world.instance()
    made = many(world, desk, 12)
    for ticket, incident in zip(list(desk.tickets), made, strict=True):
        if ticket in ("T1", "T2", "T3"):
            world.shut(incident)
        else:
            desk.close(ticket)
        world.cycle()
    assert closed(world, made) == 12
    assert world.lane().held_reason == ""


def test_a_remote_that_suddenly_reports_nothing_changes_nothing(world: World) -> None:
    """Rule 10: an empty poll is an ordinary answer."""
    desk = world.instance()
    made = many(world, desk, 12)
    lost = dict(desk.tickets)
    desk.tickets.clear()
    world.cycle(3)
    assert closed(world, made) == 0
    assert world.lane().held_reason == ""
    desk.tickets.update(lost)
    desk.change("T7", state="working")
    world.cycle()
    assert state(world, made[6]) == "working"


def test_a_fetch_may_find_many(world: World) -> None:
    """Rule 10 is about closing only."""
    desk = world.instance(fetches=True)
    for _ in range(30):
        desk.ticket()
    world.cycle(2)
    assert len(world.all()) == 30
    assert len(desk.asked(FETCH)) == 2
