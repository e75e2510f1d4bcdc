"""Entries, files and tickets that may have arrived although nobody saw it: when a look is believed, and what is counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from casemirror.actions import links
from casemirror.model.link import LinkState
from casemirror.runtime.command import Command, Reply
from casemirror.store import doubts
from support.desk import PUSH, Remote, died, error, said
from support.world import ANALYST, MINUTE, World


class LateDesk:
    """Our kind of integration in front of a desk whose search shows only after `late_s` what was written.

    It does as the contract between casemirror and its packs says: what is uncertain is looked for, what may only be looked
    for is not written.
    """

    def __init__(self, desk: Remote, late_s: float) -> None:
        self.desk, self.late = desk, timedelta(seconds=late_s)
        self.looked = 0

    def __call__(self, command: Command) -> Reply:
        args, told = command.args, command.args["casemirror"]
        remote_id = args["remoteId"] or self._found(self.desk.tickets)
        if not remote_id and told.get("only_look"):
            return said("", {"casemirror": {"unsent": [e["id"] for e in args["entries"]], "record": "unknown"}})
        there = self._seen(remote_id)
        new, unknown = [], []
        for entry in args["entries"]:
            if entry["casemirror"]["uncertain"] and entry["contents"] in there:
                continue
            (unknown if entry["casemirror"].get("only_look") else new).append(entry)
        self.looked += len(unknown)
        reply = self.desk.play(replace(command, args={**args, "remoteId": remote_id, "entries": new}))
        return said(*reply.results, {"casemirror": {"unsent": [], "unknown": [e["id"] for e in unknown], "record": ""}})

    def _found(self, tickets: dict[str, Any]) -> str:
        now = self.desk.clock.now()
        return next((t.id for t in tickets.values() if t.created_at + self.late <= now), "")

    def _seen(self, remote_id: str) -> list[str]:
        ticket, now = self.desk.tickets.get(remote_id), self.desk.clock.now()
        return [c.text for c in ticket.comments if c.at + self.late <= now] if ticket else []


def late(world: World, late_s: float, answers: int = 50) -> tuple[Remote, LateDesk]:
    desk = world.instance(integration="Desk Safe")
    careful = LateDesk(desk, late_s)
    desk.next_answer(PUSH, *[careful] * answers)
    return desk, careful


def lost(desk: Remote, careful: LateDesk) -> None:
    """The next push has its effect, and its answer is lost."""

    def play(command: Command) -> Reply:
        careful(command)
        return died()

    desk._answers[PUSH].appendleft(play)


def count(world: World) -> int:
    with world.store.read() as tx:
        return doubts.count(tx)


def test_a_comment_that_a_late_search_hides_is_not_written_again(world: World) -> None:
    """Rule 7: nothing doubled; what was said after it keeps its place."""
    desk, careful = late(world, 45)
    incident = world.mirror(desk.ticket())
    world.say(incident, "first")
    lost(desk, careful)
    world.work()
    world.say(incident, "second")
    world.work()
    assert desk.tickets["T1"].texts == ["first"]
    world.cycle(4)
    assert desk.tickets["T1"].texts == ["first", "second"]
    assert careful.looked > 0
    assert count(world) == 0


def test_a_comment_that_did_not_arrive_is_written_once_the_search_must_show_it(world: World) -> None:
    """After `mirror.overlap` since the call was over, a look that finds nothing is believed."""
    desk, careful = late(world, 45)
    incident = world.mirror(desk.ticket())
    world.say(incident, "first")
    desk._answers[PUSH].appendleft(died())
    world.work()
    world.clock.turn(31)
    world.work()
    assert (desk.tickets["T1"].texts, careful.looked) == ([], 1)
    assert "does not show" in world.link(incident).error_out
    world.cycle(3)
    assert desk.tickets["T1"].texts == ["first"]
    assert (world.link(incident).error_out, world.link(incident).tries) == ("", 0)


def test_fields_do_not_wait_for_a_look(world: World) -> None:
    """Only what may be doubled waits."""
    desk, careful = late(world, 45)
    incident = world.mirror(desk.ticket())
    world.say(incident, "first")
    lost(desk, careful)
    world.work()
    world.edit(incident, desknote="ours")
    world.work()
    assert desk.tickets["T1"].fields["note"] == "ours"


def test_what_was_refused_for_certain_is_not_in_doubt(world: World) -> None:
    """A pack that knows that nothing was written says so: the next try sends at once."""
    desk = world.instance(integration="Desk Safe")
    incident = world.mirror(desk.ticket())
    label = world.say(incident, "first")
    refusal = error("read-only")
    told = {"casemirror": {"unsent": [label], "unknown": [], "record": ""}}
    desk.next_answer(PUSH, replace(refusal, results=(told, *refusal.results)))
    world.work()
    world.clock.turn(31)
    world.work()
    assert [args["entries"][0]["casemirror"]["uncertain"] for args in desk.asked(PUSH)] == [False, False]
    assert desk.tickets["T1"].texts == ["first"]


def test_a_ticket_that_a_late_search_hides_is_not_made_again(world: World) -> None:
    """MIR-182: neither after a lost answer, nor after one that says it failed."""
    for answer in (died(), error("ServiceNow answered 500 after the write")):
        desk, careful = late_named(world, f"desk{len(world.runtime.remotes)}")

        def play(command: Command, careful: LateDesk = careful, answer: Reply = answer) -> Reply:
            careful(command)
            return answer

        desk._answers[PUSH].appendleft(play)
        incident = world.create()
        world.connect(incident, desk.instance)
        world.cycle(5)
        assert len(desk.tickets) == 1
        assert world.link(incident).remote_id == "T1"
    assert count(world) == 0


def late_named(world: World, name: str) -> tuple[Remote, LateDesk]:
    desk = world.instance(name, integration="Desk Safe")
    careful = LateDesk(desk, 45)
    desk.next_answer(PUSH, *[careful] * 50)
    return desk, careful


def test_a_ticket_that_was_not_made_is_made_once_the_search_must_show_it(world: World) -> None:
    """MIR-182 for `creates_safely`."""
    desk, _ = late(world, 45)
    desk._answers[PUSH].appendleft(died())
    incident = world.create()
    world.connect(incident)
    world.work()
    world.clock.turn(31)
    world.work()
    assert desk.tickets == {}
    world.cycle(4)
    assert (list(desk.tickets), world.link(incident).remote_id) == (["T1"], "T1")


def test_an_entry_sent_again_without_a_proof_is_counted(world: World) -> None:
    """An integration that nobody wrote for us: the doubt is a row with incident, entry, time and reason."""
    desk = world.instance()
    incident = world.mirror(desk.ticket())
    label = world.say(incident, "hello")
    desk.next_answer(PUSH, died())
    began = world.clock.now()
    world.work()
    world.clock.turn(31)
    world.work()
    with world.store.read() as tx:
        (doubt,) = doubts.find(tx)
    assert (doubt.incident_id, doubt.entry, doubt.what, doubt.instance, doubt.times) == (
        incident,
        label,
        "hello",
        "desk",
        1,
    )
    assert doubt.at == world.clock.now()
    assert doubt.reason == (
        f"nobody saw the outcome of the call of {began:%Y-%m-%d %H:%M:%S} UTC, and desk did not show it when it was asked"
    )


def test_an_entry_that_the_remote_shows_is_not_counted(world: World) -> None:
    """It was found, and not sent again."""
    desk = world.instance()
    incident = world.mirror(desk.ticket())
    world.say(incident, "hello")
    desk.loses_answer(PUSH)
    world.work()
    world.cycle(3)
    assert (desk.tickets["T1"].texts, count(world)) == (["hello"], 0)


def test_a_ticket_that_a_person_has_made_once_more_is_counted(world: World) -> None:
    """MIR-182: the person may have overlooked the first one."""
    desk = world.instance()
    incident = world.create()
    world.connect(incident)
    desk.next_answer(PUSH, died())
    world.work()
    world.clock.turn(2 * MINUTE)
    world.work()
    assert world.link(incident).state is LinkState.HELD
    links.retry(world.app, ANALYST, incident)
    world.work()
    with world.store.read() as tx:
        (doubt,) = doubts.find(tx, incident_id=incident)
    assert (doubt.entry, doubt.remote_id) == ("", "T1")
    assert "bob had it created once more" in doubt.reason
