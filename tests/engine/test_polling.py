"""What an answer of get-modified-remote-data does to the cursor and to the links.   MIR-045…048, MIR-062…082."""

from __future__ import annotations

from datetime import timedelta

import pytest

from casemirror.model.ids import IncidentId
from casemirror.runtime.command import Reply
from support.desk import POLL, PULL, PUSH, Killed, Remote, close_entry, died, error, note, raised, said, timed_out
from support.world import HOUR, NOON, World

NO_IDS = said({"Contents": [], "Type": 1, "ContentsFormat": "json"})


def ids(*found: str) -> Reply:
    return said({"Contents": list(found), "Type": 1, "ContentsFormat": "json"})


def at(seconds: float) -> str:
    """A time of the test as integrations get it, seconds after noon."""
    return (NOON + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def polled(desk: Remote) -> list[str]:
    return [args["lastUpdate"] for args in desk.asked(POLL)]


def quiet(world: World, count: int = 1) -> tuple[Remote, list[IncidentId]]:
    """An instance with incidents that agree, some cycles after they were made; nothing is named by the next poll."""
    desk = world.instance()
    made = [world.mirror(desk.ticket(), settle=False) for _ in range(count)]
    world.work()
    world.cycle(3)
    desk.calls.clear()
    return desk, made


def test_the_first_poll_begins_before_mirroring_did(world: World) -> None:
    """MIR-062."""
    desk = world.instance()
    world.mirror(desk.ticket())
    assert polled(desk) == [at(-60)]


def test_the_cursor_is_the_start_of_the_last_good_call(world: World) -> None:
    """MIR-063: not its end, and the overlap is taken off."""
    desk = world.instance()
    desk.takes_s = 7.0
    world.mirror(desk.ticket(), settle=False)
    desk.calls.clear()
    world.cycle(2)
    first, second = (call for call in desk.calls if call.name == POLL)
    assert second.args["lastUpdate"] == at((first.at - NOON).total_seconds() - 60)


@pytest.mark.parametrize(
    ("answer", "limited"),
    [
        (error("skip update"), 0),
        (error("skip update. error: Failed to execute get-modified-remote-data command. Error: x"), 0),
        (error(f"{'a long story. ' * 500}skip update{' and so on' * 500}"), 0),
        (raised("ValueError", "skip update"), 0),
        (error("API rate limit"), 1),
        (error("skip update. error: API rate limit exceeded"), 1),
    ],
)
def test_a_marked_error_stops_the_cycle_and_leaves_the_cursor(world: World, answer: Reply, limited: int) -> None:
    """MIR-064, 065, 067, 068: no pull in this cycle, the next poll asks from the same time.

    Ours: the whole lane waits until its next cycle.
    """
    desk, (incident,) = quiet(world)
    desk.change("T1", state="working")
    before = world.lane()
    desk.next_answer(POLL, answer)
    world.cycle()
    assert [call.name for call in desk.calls] == [POLL]
    assert world.lane().cursor_at == before.cursor_at
    assert world.lane().rate_limit_hits == before.rate_limit_hits + limited
    assert world.get(incident, "deskstate") == "new"
    world.cycle()
    assert polled(desk)[0] == polled(desk)[1]
    assert world.get(incident, "deskstate") == "working"


@pytest.mark.parametrize("text", ["Skip Update", "api rate limit", "API Rate Limit"])
def test_a_marker_in_other_letters_is_none(world: World, text: str) -> None:
    """MIR-066: an unmarked error, after which (never answered before) every incident is pulled."""
    desk = world.instance()
    world.mirror(desk.ticket(), settle=False)
    desk.next_answer(POLL, error(text))
    world.work()
    assert desk.pulled() == ["T1"]
    assert world.lane().rate_limit_hits == 0
    assert world.lane().last_error == text


@pytest.mark.parametrize(
    ("answer", "believed"),
    [
        (raised("NotImplementedError"), True),
        (error("Failed to execute get-modified-remote-data command. Error: not implemented"), True),
        (error("Failed to execute get-modified-remote-data command. Error: "), False),
        (said(), True),
        (said(None), True),
    ],
)
def test_without_the_command_every_incoming_incident_is_pulled(world: World, answer: Reply, believed: bool) -> None:
    """MIR-069, 070, 071, 210: raised, reported without any marker, or silent."""
    world.set(mirror__link__pull="false")
    desk = world.instance()
    made = [world.mirror(desk.ticket(), settle=False) for _ in range(3)]
    made.append(world.mirror(desk.ticket(), direction="Out", settle=False))
    for ticket in desk.tickets.values():
        ticket.fields["state"] = "working"
    desk.next_answer(POLL, answer)
    world.work()
    assert desk.pulled() == ["T1", "T2", "T3"]
    assert [world.get(i, "deskstate") for i in made] == ["working"] * 3 + ["new"]
    assert (world.lane().cap_modified == "no") is believed


def test_silence_after_valid_answers_means_nothing_changed(world: World) -> None:
    """MIR-072."""
    desk, _ = quiet(world)
    desk.change("T1", state="working")
    desk.next_answer(POLL, said())
    before = world.lane().cursor_at
    world.cycle()
    assert desk.pulled() == []
    assert before is not None
    assert world.lane().cursor_at == before + timedelta(seconds=60)


def test_an_unmarked_error_after_valid_answers_is_a_failure_and_no_absence(world: World) -> None:
    """MIR-073."""
    desk, (incident,) = quiet(world)
    desk.change("T1", state="working")
    desk.next_answer(POLL, error("Connection refused"), raised("NotImplementedError"))
    world.cycle(3)
    assert [call.name for call in desk.calls] == [POLL, POLL, POLL, PULL]
    assert len(set(polled(desk))) == 1
    assert world.get(incident, "deskstate") == "working"


def test_what_was_not_implemented_is_tried_again_after_a_while(world: World) -> None:
    """MIR-074: meanwhile every cycle pulls every incident."""
    desk = world.instance()
    world.mirror(desk.ticket(), settle=False)
    desk.next_answer(POLL, raised("NotImplementedError"))
    world.work()
    world.cycle(59)
    assert len(desk.asked(POLL)) == 1
    assert len(desk.asked(PULL)) == 60
    world.cycle()
    assert len(desk.asked(POLL)) == 2
    assert world.lane().cap_modified == "yes"


def test_an_empty_answer_pulls_nothing_and_moves_the_cursor(world: World) -> None:
    """MIR-075."""
    desk, _ = quiet(world)
    before = world.lane().cursor_at
    desk.next_answer(POLL, NO_IDS)
    world.cycle()
    assert [call.name for call in desk.calls] == [POLL]
    assert before is not None
    assert world.lane().cursor_at == before + timedelta(seconds=60)


@pytest.mark.parametrize(("waited", "pulls"), [(600, ["T9"]), (2 * HOUR, [])])
def test_an_id_without_incident_is_remembered_for_a_while(world: World, waited: float, pulls: list[str]) -> None:
    """MIR-076: an incident that appears within `mirror.unmatched.ttl` is pulled."""
    world.set(mirror__link__pull="false", mirror__overlap="0")
    desk, _ = quiet(world)
    desk.next_answer(POLL, ids("T9"))
    world.cycle()
    assert desk.pulled() == []
    world.cycle(int(waited / 60))
    ticket = desk.ticket("T9")
    ticket.changed_at = NOON
    made = world.mirror(ticket, settle=False)
    ticket.fields["state"] = "working"
    world.cycle()
    assert desk.pulled() == pulls
    assert world.get(made, "deskstate") == ("working" if pulls else "new")


def test_the_same_id_at_two_instances_is_two_objects(world: World) -> None:
    """MIR-077."""
    one, two = world.instance("one"), world.instance("two")
    ours = world.mirror(one.ticket("X"), instance="one")
    theirs = world.mirror(two.ticket("X"), instance="two")
    world.cycle(3)
    number = len(two.calls)
    one.change("X", state="working")
    world.cycle()
    assert set(two.since(number)) == {POLL}
    assert (world.get(ours, "deskstate"), world.get(theirs, "deskstate")) == ("working", "new")


def test_the_integrations_notebook_is_kept_for_its_instance(world: World) -> None:
    """MIR-078: seen by all mirror commands of the instance and by no other instance."""
    one, two = world.instance("one"), world.instance("two")
    incident = world.mirror(one.ticket(), instance="one")
    world.mirror(two.ticket(), instance="two")
    one.next_answer(POLL, said({"Contents": ["T1"], "Type": 1, "ContentsFormat": "json"}, last_mirror_run={"page": 7}))
    world.cycle()
    one.change("T1", state="working")
    world.edit(incident, details="ours")
    number, other = len(one.calls), len(two.calls)
    world.cycle()
    assert {call.name: call.command.last_mirror_run for call in one.calls[number:]} == {
        POLL: {"page": 7},
        PULL: {"page": 7},
        PUSH: {"page": 7},
    }
    assert {str(call.command.last_mirror_run) for call in two.calls[other:]} == {"{}"}


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("text", ["no such user", "skip update", "API rate limit", "not implemented"])
def test_a_failed_poll_keeps_nothing_of_the_notebook(world: World, known: bool, text: str) -> None:
    """MIR-079: whether the command ever answered or not."""
    desk = world.instance()
    world.mirror(desk.ticket(), settle=known)
    failed = said({"Type": 4, "ContentsFormat": "text", "Contents": text}, last_mirror_run={"page": 7})
    desk.next_answer(POLL, failed)
    world.cycle()
    number = len(desk.calls)
    world.cycle()
    assert {str(call.command.last_mirror_run) for call in desk.calls[number:]} == {"{}"}


@pytest.mark.parametrize("answer", [died(), timed_out()])
def test_a_crashed_poll_is_asked_again_and_pulls_nothing(world: World, answer: Reply) -> None:
    """MIR-081."""
    desk, (incident,) = quiet(world)
    desk.change("T1", state="working")
    desk.next_answer(POLL, answer)
    world.cycle()
    assert [call.name for call in desk.calls] == [POLL]
    world.cycle()
    assert polled(desk)[0] == polled(desk)[1]
    assert world.get(incident, "deskstate") == "working"


def test_ids_survive_the_death_of_the_server(world: World) -> None:
    """MIR-082."""
    desk, made = quiet(world, 3)
    for number in (1, 2, 3):
        desk.change(f"T{number}", state="working")

    def die() -> None:
        raise Killed

    desk.during(PULL, die)
    with pytest.raises(Killed):
        world.cycle()
    world.restart()
    desk.next_answer(POLL, NO_IDS)
    world.cycle()
    assert [world.get(i, "deskstate") for i in made] == ["working"] * 3


def test_ids_are_texts_and_each_is_pulled_once(world: World) -> None:
    """MIR-045, MIR-046."""
    desk = world.instance()
    made = [world.mirror(desk.ticket(i), settle=False) for i in ("7", "8")]
    world.work()
    world.cycle(3)
    desk.calls.clear()
    desk.next_answer(POLL, said({"Contents": [7, "7", "8"], "Type": 1, "ContentsFormat": "json"}))
    world.cycle()
    assert desk.pulled() == ["7", "8"]
    assert len(made) == 2


def full(ticket_id: str, **fields: object) -> dict[str, object]:
    """An object of a full-data poll."""
    return note("", Contents=fields, ContentsFormat="json", EntryContext={"mirrorRemoteId": ticket_id})


def spoken(ticket_id: str, text: str) -> dict[str, object]:
    """A comment of a full-data poll."""
    return note(text, EntryContext={"mirrorRemoteId": ticket_id})


def test_full_data_is_applied_without_a_pull(world: World) -> None:
    """MIR-047, MIR-049, MIR-092: fields, comments, and a close after them."""
    desk, (one, two) = quiet(world, 2)
    closing = {**close_entry("Fixed"), "EntryContext": {"mirrorRemoteId": "T2"}}
    desk.next_answer(POLL, said([full("T1", state="working"), full("T2", state="late"), spoken("T2", "bye"), closing]))
    world.cycle()
    assert desk.asked(PULL) == []
    assert world.get(one, "deskstate") == "working"
    assert (world.get(two, "deskstate"), world.get(two, "closeReason")) == ("late", "Fixed")
    assert world.texts(two)[0] == "bye"
    assert world.incident(two).status == 2


def test_full_data_of_entries_alone_changes_no_field(world: World) -> None:
    """MIR-048."""
    desk, (incident,) = quiet(world)
    version = world.incident(incident).version
    desk.next_answer(POLL, said([{}, spoken("T1", "one"), spoken("T1", "two")]))
    world.cycle()
    assert desk.asked(PULL) == []
    assert world.texts(incident) == ["one", "two"]
    assert world.incident(incident).version == version


def test_the_same_full_data_told_twice_is_taken_once(world: World) -> None:
    """Rule 3: the overlap is read twice; `id:version` is known."""
    desk, (incident,) = quiet(world)
    told = said([full("T1", state="working"), spoken("T1", "hello")])
    desk.next_answer(POLL, told, told)
    world.cycle()
    world.edit(incident, deskstate="ours")
    world.cycle()
    assert world.texts(incident) == ["hello"]
    assert world.get(incident, "deskstate") == desk.tickets["T1"].fields["state"] == "ours"


def test_polls_do_not_starve_behind_a_flood_of_edits(world: World) -> None:
    """People's edits go first, but a poll that waited for half a minute behind them is made."""
    desk, made = quiet(world, 12)
    desk.takes_s = 10.0
    desk.change("T1", description="changed there")
    world.clock.turn(world.interval_s)
    for incident in made:
        world.edit(incident, severity=4)
    world.work()
    names = [call.name for call in desk.calls]
    assert POLL in names[:9]
    assert names[0] in (PULL, PUSH)
    assert names.count(PUSH) == 12
