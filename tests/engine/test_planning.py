"""`casemirror plan`: what the next cycle would do, without a write anywhere; and doing just that."""

from __future__ import annotations

import copy
import random
from dataclasses import replace
from typing import Any

import pytest

from casemirror.actions import budgets, planning, planning_apply, planning_lane
from casemirror.actions import instances as instance_actions
from casemirror.actions.planning_values import Change, Planned, Preview
from casemirror.engine import lane as lanes
from casemirror.model.actor import Actor, Role
from casemirror.model.errors import Conflict, Forbidden, Invalid, NotFound
from casemirror.model.ids import IncidentId
from casemirror.model.incident import Status
from casemirror.runtime.command import Reply
from casemirror.store import budgets as budget_store
from support import dumps
from support.desk import FETCH, POLL, PULL, PUSH, Remote, close_entry, error, note, said
from support.world import ANALYST, World


@pytest.fixture
def desk(world: World) -> Remote:
    return world.instance()


def plan(world: World, *only: IncidentId, name: str = "desk") -> Preview:
    return planning.preview(world.app, ANALYST, name, only)


def apply(world: World, *chosen: str) -> Preview:
    return planning_apply.apply(world.app, ANALYST, "desk", chosen)


def kinds(planned: Planned) -> set[str]:
    return {change.kind for change in planned.changes}


def of(found: Preview, incident: IncidentId) -> Planned:
    [planned] = [each for each in found.links if each.incident_id == incident]
    return planned


def change(planned: Planned, kind: str, name: str = "") -> Change:
    [found] = [each for each in planned.changes if each.kind == kind and name in ("", each.name)]
    return found


def outcomes(found: Preview) -> list[str]:
    return [each.outcome for each in found.applied or ()]


def a_busy_day(world: World, desk: Remote) -> dict[str, IncidentId]:
    """One incident for each thing that can be planned."""
    names = "in out comments file close conflict broken quiet".split()
    made = {name: world.mirror(desk.ticket(name)) for name in names}
    made["new"] = world.create(severity=2)
    world.connect(made["new"], remote_id="", direction="Out")
    world.cycle(3)
    world.set(mirror__conflict="ask")
    world.clock.turn(5)
    desk.change("in", state="working", severity=3)
    world.edit(made["out"], desknote="ours")
    desk.comment("comments", "theirs")
    world.say(made["comments"], "ours")
    desk.comment("file", "", file="log.txt", content=b"bytes")
    desk.close("close", "Solved")
    desk.change("conflict", state="theirs")
    world.edit(made["conflict"], deskstate="ours")
    desk.change("broken", state="x")
    made["late"] = world.create(name="late")
    world.connect(made["late"], remote_id="", direction="Out")
    return made


def refuse_broken(desk: Remote) -> None:
    """The pull of one ticket fails, whenever it comes."""
    play = desk.play

    def played(command: Any) -> Reply:
        return error("locked") if command.name == PULL and command.args["id"] == "broken" else play(command)

    desk.play = played  # type: ignore[method-assign]


def test_a_plan_writes_nothing_anywhere(world: World, desk: Remote) -> None:
    """Not into the remote (update-remote-system is never called), not into any table, not into the folder of files."""
    a_busy_day(world, desk)
    refuse_broken(desk)
    tables, files, tickets = dumps.tables(world.store), dumps.files(world.store), copy.deepcopy(desk.tickets)
    calls = len(desk.calls)
    found = plan(world)
    assert found.changing and found.failed
    assert dumps.tables(world.store) == tables
    assert dumps.files(world.store) == files
    assert desk.tickets == tickets
    assert set(desk.since(calls)) == {POLL, PULL}


def test_a_plan_tells_what_the_cycle_then_does(world: World, desk: Remote) -> None:
    made = a_busy_day(world, desk)
    refuse_broken(desk)
    found = plan(world)
    told = {name: of(found, number) for name, number in made.items() if name not in ("quiet", "new")}
    state = change(told["in"], "field in", "deskstate")
    assert (state.old, state.new, state.why) == ("new", "working", "only desk changed it")
    assert change(told["in"], "field in", "severity").new == 3
    sent = change(told["out"], "field out", "desknote")
    assert (sent.new, sent.why, told["out"].sends) == ("ours", "only we changed it", {"note": "ours"})
    assert kinds(told["comments"]) == {"comment in", "comment out"}
    assert change(told["comments"], "comment in").new == "theirs"
    assert (change(told["file"], "file in").new, kinds(told["file"])) == ("log.txt", {"file in"})
    assert change(told["close"], "close").new == "Solved: fixed there"
    conflict = change(told["conflict"], "conflict", "deskstate")
    assert (conflict.old, conflict.new) == ("ours", "theirs")
    assert kinds(told["late"]) == {"create"} and told["late"].calls == 1
    assert (told["broken"].error, told["broken"].code) == ("locked", "command.failed")
    assert (found.poll.named, found.poll.error, found.stopped) == (6, "", "")
    with pytest.raises(ValueError, match="unpack"):
        of(found, made["quiet"])

    world.cycle()
    assert (world.get(made["in"], "deskstate"), world.get(made["in"], "severity")) == ("working", 3)
    assert desk.tickets["out"].fields["note"] == "ours"
    assert "theirs" in world.texts(made["comments"]) and desk.tickets["comments"].texts == ["theirs", "ours"]
    assert world.texts(made["file"]) == ["log.txt"]
    assert world.incident(made["close"]).status is Status.CLOSED
    assert "deskstate" in world.link(made["conflict"]).conflicts
    assert world.link(made["late"]).remote_id
    assert world.link(made["broken"]).error_in == "locked"
    assert plan(world).changing == []


def test_ids_stay_as_long_as_the_plan_does(world: World, desk: Remote) -> None:
    incident = world.mirror(desk.ticket())
    other = world.mirror(desk.ticket())
    world.cycle()
    desk.change("T1", state="working")
    desk.change("T2", state="working")
    first = [each.id for each in plan(world).links]
    world.clock.turn(20)
    assert [each.id for each in plan(world).links] == first
    assert len(set(first)) == 2 and first[0].startswith(f"{incident}-")
    desk.change("T2", state="done")
    second = plan(world)
    assert of(second, incident).id == first[0] and of(second, other).id != first[1]


def test_one_plan_is_applied_and_the_rest_is_left(world: World, desk: Remote) -> None:
    incident, other = world.mirror(desk.ticket()), world.mirror(desk.ticket())
    world.cycle()
    desk.change("T1", state="working")
    desk.change("T2", state="working")
    world.edit(incident, desknote="ours")
    cursor = world.lane().cursor_at
    found = apply(world, of(plan(world), incident).id)
    assert outcomes(found) == ["applied"]
    assert (world.get(incident, "deskstate"), world.get(other, "deskstate")) == ("working", "new")
    assert desk.tickets["T1"].fields["note"] == "ours"
    assert (world.lane().cursor_at, world.lane().owner) == (cursor, "")
    assert outcomes(apply(world, str(other))) == ["applied"]
    assert world.get(other, "deskstate") == "working"
    assert outcomes(apply(world, str(other))) == ["nothing"]
    world.cycle(2)
    assert world.texts(incident) == world.texts(other) == []


def test_all_is_applied_and_what_fails_does_not_keep_the_rest_from_it(world: World, desk: Remote) -> None:
    made = a_busy_day(world, desk)
    refuse_broken(desk)
    done = apply(world, "all")
    by_incident = {each.incident_id: each for each in done.applied or ()}
    assert by_incident[made["broken"]].outcome == "failed"
    assert {each.outcome for number, each in by_incident.items() if number != made["broken"]} == {"applied"}
    assert world.get(made["in"], "deskstate") == "working" and desk.tickets["out"].fields["note"] == "ours"
    assert world.incident(made["close"]).status is Status.CLOSED
    assert plan(world).changing == []


def test_what_changed_since_it_was_shown_is_told_and_not_applied(world: World, desk: Remote) -> None:
    incident = world.mirror(desk.ticket())
    world.cycle()
    desk.change("T1", state="working")
    shown = of(plan(world), incident).id
    desk.change("T1", state="done")
    before = dumps.tables(world.store)
    done = apply(world, shown)
    now = of(done, incident).id
    assert outcomes(done) == ["changed"] and done.applied is not None
    assert done.applied[0].text == f"its plan is {now} now; look at it before you apply it"
    assert dumps.tables(world.store) == before
    desk.change("T1", state="new")
    assert apply(world, shown).applied[0].text == "there is nothing to do for it any more"  # type: ignore[index]


def test_what_changes_between_the_look_and_the_write_is_not_applied(world: World, desk: Remote) -> None:
    """The engine compares once more, before its first write; the link sleeps again as if nobody had touched it."""
    incident = world.mirror(desk.ticket())
    world.cycle()
    desk.change("T1", state="working")
    desk.afterwards(PULL, lambda: desk.change("T1", state="done"))
    link = world.link(incident)
    done = apply(world, "all")
    assert outcomes(done) == ["changed"]
    assert "it changed meanwhile" in done.applied[0].text  # type: ignore[index]
    assert world.get(incident, "deskstate") == "new"
    after = world.link(incident)
    assert after.wanted == after.done and after.base == link.base and after.last_sync_at == link.last_sync_at
    world.work()
    assert world.get(incident, "deskstate") == "new"
    world.cycle()
    assert world.get(incident, "deskstate") == "done"


def test_while_another_worker_has_the_lane_one_can_look_but_not_apply(world: World, desk: Remote) -> None:
    incident = world.mirror(desk.ticket())
    world.cycle()
    desk.change("T1", state="working")
    other = world.other()
    world.beat(other)
    turn = lanes.take(other, world.lane_id())
    assert turn is not None
    before = world.lane()
    assert kinds(of(plan(world), incident)) == {"field in"}
    assert world.lane() == before
    world.beat(other)
    sleep = world.clock.sleep
    world.clock.sleep = lambda seconds: (world.beat(other), sleep(seconds))[1]  # type: ignore[method-assign]
    with pytest.raises(planning_lane.LaneBusy, match="desk is worked on by two:2:b"):
        apply(world, "all")
    world.clock.sleep = sleep  # type: ignore[method-assign]
    assert world.get(incident, "deskstate") == "new"
    lanes.release(turn)
    assert outcomes(apply(world, "all")) == ["applied"]


def test_full_data_of_a_poll_is_planned_and_applied_without_a_pull(world: World, desk: Remote) -> None:
    """Rule 3: what was told before is no news; a poll that nobody wrote down may tell it again."""
    incident = world.mirror(desk.ticket())
    world.cycle()
    full: dict[str, Any] = {"Contents": {"id": "T1", "state": "working"}, "ContentsFormat": "json", "Type": 1}
    full["EntryContext"] = {"mirrorRemoteId": "T1"}
    told = said(full, {**note("theirs"), "EntryContext": {"mirrorRemoteId": "T1"}})
    desk.next_answer(POLL, told, told, told, told)
    pulls = len(desk.asked(PULL))
    shown = of(plan(world), incident)
    assert kinds(shown) == {"field in", "comment in"} and shown.told
    assert outcomes(apply(world, shown.id)) == ["applied"]
    assert len(desk.asked(PULL)) == pulls
    assert (world.get(incident, "deskstate"), world.texts(incident)) == ("working", ["theirs"])
    world.cycle()
    assert world.texts(incident) == ["theirs"]
    assert plan(world).changing == [], "it stands in the ledger by now"


def test_the_fetch_is_counted_and_nothing_is_fetched(world: World) -> None:
    desk = world.instance(fetches=True, classifier="desk-kinds")
    desk.ticket(title="first")
    world.cycle()
    desk.ticket(title="second")
    before = dumps.tables(world.store)
    found = plan(world)
    assert found.fetch is not None
    assert [(b.name, b.type, b.remote_id) for b in found.fetch.creates] == [("second", "Desk Ticket", "T2")]
    assert dumps.tables(world.store) == before
    desk.next_answer(FETCH, error("no"))
    assert plan(world).fetch.error == "no"  # type: ignore[union-attr]
    assert plan(world, IncidentId(1)).fetch is None


def test_a_failed_poll_stops_the_asking_and_not_the_sending(world: World, desk: Remote) -> None:
    """Mirroring.md §2.3: what a cycle would do, the look does."""
    first, second = world.mirror(desk.ticket()), world.mirror(desk.ticket())
    world.cycle(3)
    desk.change("T1", state="working")
    desk.change("T2", state="working")
    world.edit(first, desknote="ours")
    desk.next_answer(POLL, error("skip update"))
    calls = len(desk.calls)
    found = plan(world)
    assert (found.poll.error, found.left, desk.since(calls)) == ("skip update", 0, [POLL])
    assert kinds(of(found, first)) == {"field out"} and found.stopped.endswith("next cycle: skip update")
    assert second not in [each.incident_id for each in found.links]


def test_a_rate_limit_stops_the_asking_and_not_the_sending(world: World, desk: Remote) -> None:
    first, second, third = (world.mirror(desk.ticket()) for _ in range(3))
    world.cycle(3)
    desk.change("T1", state="working")
    desk.change("T2", state="working")
    desk.change("T3", state="working")
    world.edit(third, desknote="ours")
    desk.next_answer(PULL, desk.play, error("API rate limit exceeded"))
    before = world.lane()
    found = plan(world)
    assert (of(found, third).pulls, of(found, first).code, found.left) == (True, "remote.rate_limited", 1)
    assert "API rate limit" in found.stopped and world.lane() == before
    desk.next_answer(PULL, error("API rate limit exceeded"))
    assert outcomes(apply(world, str(second))) == ["failed"], "nothing is applied of what could not be looked at"
    desk.next_answer(PULL, desk.play, desk.play, desk.play, desk.play, error("API rate limit exceeded"))
    done = apply(world, "all")
    assert outcomes(done) == ["applied", "failed", "not tried"]
    assert done.applied[2].text.startswith("desk may not be asked now: API rate limit")  # type: ignore[index]
    assert desk.tickets["T3"].fields["note"] == "ours"
    calls = len(desk.calls)
    assert plan(world).stopped.startswith("desk is asked nothing until 2026-01-02 12:")
    assert desk.since(calls) == []


def test_budget_and_brake_hold_for_the_look_too(world: World, desk: Remote) -> None:
    """MIR-094, rule 10."""
    made = [world.mirror(desk.ticket()) for _ in range(6)]
    world.cycle()
    for number in range(1, 7):
        desk.close(f"T{number}")
    world.set(mirror__brake__minimum=3, mirror__brake__closed=50)
    found = plan(world)
    assert (len(found.changing), found.links[-1].code) == (3, "lane.brake_pulled")
    assert "would close more than 50 %" in found.stopped and found.left == 2
    assert [world.incident(each).status for each in made] == [Status.ACTIVE] * 6
    world.set(mirror__brake__closed=0, mirror__instance__budget=4)
    found = plan(world)
    assert (len(found.changing), found.left) == (4, 2) and "budget of 4 pulls" in found.stopped


def test_the_budget_of_requests_counts_those_of_the_look_and_books_none(world: World, desk: Remote) -> None:
    """docs/budgets.md: a look writes nothing, and yet it does not ask for more than a cycle would."""
    for _ in range(4):
        world.mirror(desk.ticket())
    world.cycle(3)
    for number in range(1, 5):
        desk.change(f"T{number}", state="working")
    budgets.put(world.app, ANALYST, "desk", 10, window_s=60)
    play = desk.play
    desk.play = lambda command: replace(play(command), requests=3)  # type: ignore[method-assign]
    before = dumps.tables(world.store)
    found = plan(world)
    assert (len(found.changing), found.left) == (2, 2)
    assert "9 of 10 requests in 60 s are used" in found.stopped
    assert dumps.tables(world.store) == before
    with world.store.write() as tx:
        used = budget_store.load(tx, world.lane().instance_id)
        budget_store.book(tx, world.lane().instance_id, used.credential, 9, world.clock.now())
    calls = len(desk.calls)
    assert plan(world).stopped.startswith("desk is asked nothing until 2026-01-02 12:")
    assert desk.since(calls) == []


def test_what_keeps_the_cycle_from_coming_is_said_and_nothing_is_applied(world: World, desk: Remote) -> None:
    incident = world.mirror(desk.ticket())
    world.cycle()
    desk.change("T1", state="working")
    world.set(sync__mirror__job__enable=False)
    assert "the mirror job is off" in plan(world).notes[0]
    instance_actions.disable(world.app, ANALYST, "desk")
    assert plan(world).notes[0] == "desk is disabled: this is what would happen once it is enabled"
    with pytest.raises(Conflict, match="desk is disabled"):
        apply(world, str(incident))


def test_an_incident_without_work_says_why(world: World, desk: Remote) -> None:
    quiet, broken, alone = world.mirror(desk.ticket()), world.mirror(desk.ticket()), world.create()
    world.cycle(3)
    desk.next_answer(PULL, error("locked"))
    desk.change("T2", state="working")
    world.cycle()
    found = plan(world, quiet, broken, alone)
    assert found.notes == [
        f"incident {quiet} has no work in the next cycle: it is not due, and the poll does not name it",
        f"incident {broken} waits; `casemirror doctor {broken}` says for what",
        f"incident {alone} is not linked to desk",
    ]
    assert (found.links, found.waiting) == ([], 1)


def test_a_field_that_stays_ours_says_why(world: World, desk: Remote) -> None:
    incident = world.mirror(desk.ticket())
    world.cycle()
    world.edit(incident, severity=4)
    world.cycle()
    desk.change("T1", severity=1)
    kept = change(of(plan(world), incident), "kept", "severity")
    assert (kept.old, kept.new, kept.why) == (1, 4, "desk still shows what it had before our push")


def test_other_instances_would_be_told(world: World, desk: Remote) -> None:
    world.instance("second")
    incident = world.mirror(desk.ticket())
    world.connect(incident, "second", remote_id="", direction="Out")
    world.cycle(2)
    desk.change("T1", state="working")
    assert of(plan(world), incident).others == ("second",)


def test_no_secret_is_shown(world: World, desk: Remote) -> None:
    incident = world.mirror(desk.ticket())
    world.cycle()
    desk.change("T1", state="token=s3cret-token")
    desk.comment("T1", "s3cret-token!")
    assert "s3cret" not in repr(of(plan(world), incident).changes)
    desk.next_answer(PULL, error("login with s3cret-token failed"))
    assert of(plan(world), incident).error == "login with <secret> failed"
    desk.next_answer(POLL, error("s3cret-token"))
    assert "s3cret" not in repr(plan(world))


def test_who_may_not_and_what_is_not_there(world: World, desk: Remote) -> None:
    reader = Actor("eve", Role.READ_ONLY)
    with pytest.raises(Forbidden):
        planning.preview(world.app, reader, "desk")
    with pytest.raises(Forbidden):
        planning_apply.apply(world.app, reader, "desk", ["all"])
    with pytest.raises(NotFound):
        plan(world, name="nobody")
    with pytest.raises(NotFound):
        plan(world, IncidentId(99))
    with pytest.raises(Invalid, match="'3-xyz'"):
        apply(world, "3-xyz")
    with pytest.raises(Invalid, match="apply: give all"):
        apply(world, " , ")


def test_the_close_of_a_closed_reply_is_masked_and_type_is_told(world: World, desk: Remote) -> None:
    """MIR-103: a type that the classifier gives is part of the plan."""
    incident = world.mirror(desk.ticket(), type="Desk Alarm")
    world.cycle()
    world.set(mirror__reclassify=True)
    instance_actions.update(world.app, ANALYST, "desk", {}, choice=instance_actions.Choice(classifier="desk-kinds"))
    desk.extra = {"kind": "ticket"}
    desk.change("T1", state="working")
    told = change(of(plan(world), incident), "type")
    assert (told.old, told.new) == ("Desk Alarm", "Desk Ticket")
    answer = said([{"id": "T1", "state": "x"}, close_entry("s3cret-token")])
    desk.next_answer(PULL, replace(answer))
    assert change(of(plan(world), incident), "close").new == "<secret>: fixed there"


KINDS = set("field in,field out,comment in,comment out,file in,file out,close,reopen,conflict,kept".split(",")) | {
    "tell closed",
    "tell reopened",
}


def a_random_deed(world: World, desk: Remote, made: list[IncidentId], dice: random.Random) -> None:
    """Something that somebody does on either side."""
    incident, number = dice.choice(made), dice.randrange(1, 5)
    value = dice.choice(["a", "b", "c", ""])
    deeds = [
        lambda: desk.change(f"T{number}", state=value),
        lambda: desk.change(f"T{number}", severity=dice.randrange(1, 5)),
        lambda: world.edit(incident, deskstate=value, severity=dice.randrange(1, 5)),
        lambda: world.edit(incident, desknote=value),
        lambda: desk.comment(f"T{number}", f"theirs {dice.random()}"),
        lambda: desk.comment(f"T{number}", "", file=f"{number}.txt", content=value.encode() or b"-"),
        lambda: world.say(incident, f"ours {dice.random()}"),
        lambda: world.attach(incident, "ours.txt", b"ours"),
        lambda: desk.close(f"T{number}"),
        lambda: desk.reopen(f"T{number}"),
        lambda: world.shut(incident) if world.incident(incident).status is Status.ACTIVE else world.reopen(incident),
        lambda: desk.next_answer(PUSH, error("busy")),
        lambda: desk.loses_answer(PUSH),
        lambda: world.clock.turn(dice.choice([5, 90, 700])),
        lambda: world.work(),
        lambda: world.cycle(),
    ]
    dice.choice(deeds)()


@pytest.mark.parametrize("seed", range(8))
def test_whatever_happened_what_is_planned_is_what_the_engine_then_decides(
    world: World, desk: Remote, seed: int
) -> None:
    """The engine compares before it writes, so that one plan that it would not have made itself is one that is not applied."""
    dice = random.Random(seed)
    desk.says_reopen = bool(seed % 2)
    world.set(mirror__brake__closed=0, mirror__conflict=dice.choice(["local", "remote", "ask", "newest"]))
    made, seen = [world.mirror(desk.ticket()) for _ in range(4)], set[str]()
    for _ in range(12):
        for _ in range(dice.randrange(1, 6)):
            a_random_deed(world, desk, made, dice)
        before = dumps.tables(world.store), copy.deepcopy(desk.tickets), dumps.files(world.store)
        found = plan(world)
        assert (dumps.tables(world.store), desk.tickets, dumps.files(world.store)) == before
        done = apply(world, "all")
        assert [each.id for each in done.links] == [each.id for each in found.links]
        assert set(outcomes(done)) <= {"applied", "failed"}, done.applied
        seen |= {change.kind for each in done.links for change in each.changes}
    assert seen and seen <= KINDS
