"""Which entries go out, when, and in which form.   MIR-162…178."""

from __future__ import annotations

from typing import Any

import pytest

from casemirror.actions import incidents
from casemirror.model.entry import NewEntry
from casemirror.model.ids import IncidentId
from casemirror.store import entries as entry_store
from casemirror.store import files
from casemirror.store import links as link_store
from support.desk import PULL, PUSH, Remote, error, note, raised, said
from support.world import ANALYST, World


@pytest.fixture
def desk(world: World) -> Remote:
    return world.instance()


def both(world: World, desk: Remote, **rest: Any) -> IncidentId:
    incident = world.mirror(desk.ticket(), **rest)
    world.cycle(3)
    return incident


def test_a_tagged_comment_goes_out_alone_and_once(world: World, desk: Remote) -> None:
    """MIR-162, MIR-166, MIR-171."""
    incident = both(world, desk)
    label = world.say(incident, "on my way")
    world.cycle(5)
    assert desk.tickets["T1"].texts == ["on my way"]
    (args,) = desk.asked(PUSH)
    assert (args["incidentChanged"], args["delta"]) == (False, {})
    (entry,) = args["entries"]
    expected = {"id": label, "type": 1, "contents": "on my way", "category": "chat", "user": "bob", "note": False}
    assert {k: entry[k] for k in expected} == expected
    assert entry["tags"] == ["comments"]
    assert {"format", "created", "modified", "file", "mirrored"} <= entry.keys()
    assert world.texts(incident) == ["on my way"]


@pytest.mark.parametrize(
    ("tags", "of_link"),
    [((), ("comments",)), (("private",), ("comments",)), (("Comments",), ("comments",)), (("comments",), ())],
)
def test_without_a_tag_of_the_link_nothing_goes_out(
    world: World, desk: Remote, tags: tuple[str, ...], of_link: tuple[str, ...]
) -> None:
    """MIR-163, MIR-164."""
    incident = both(world, desk, tags=of_link)
    with world.store.write() as tx:
        entry_store.add(tx, incident, NewEntry(contents="ours", user="bob", tags=tags), world.clock.now())
        link_store.want_incident(tx, incident, world.clock.now())
    world.cycle(2)
    assert desk.asked(PUSH) == []
    assert desk.tickets["T1"].texts == []


def test_a_tag_given_later_sends_and_one_taken_back_does_not(world: World, desk: Remote) -> None:
    """MIR-165."""
    incident = both(world, desk)
    old, other = world.say(incident, "old", "private"), world.say(incident, "other")
    world.tag(other, remove=("comments",))
    world.cycle(2)
    assert desk.tickets["T1"].texts == []
    world.tag(old, "comments")
    world.cycle(2)
    assert desk.tickets["T1"].texts == ["old"]


def test_what_came_in_never_goes_out_again(world: World, desk: Remote) -> None:
    """MIR-167: whatever tag it carries or gets later."""
    incident = both(world, desk)
    desk.change("T1")
    desk.next_answer(PULL, said([{"id": "T1"}, note("tagged there", Tags=["comments"]), note("plain")]))
    world.cycle()
    world.tag(world.said(incident)[1].label, "comments")
    world.cycle(3)
    assert desk.asked(PUSH) == []


def test_what_came_in_by_one_link_goes_out_by_the_other(world: World, desk: Remote) -> None:
    """Design §1.5: an incident has links; the second one carries on what the first one brought."""
    second = world.instance("second")
    incident = both(world, desk)
    world.connect(incident, "second", tags=("comments",))
    world.cycle()
    desk.change("T1", state="working")
    desk.next_answer(PULL, said([{"id": "T1", "state": "working"}, note("from the first", Tags=["comments"])]))
    world.cycle(3)
    (ticket,) = second.tickets.values()
    assert ticket.texts == ["from the first"]
    assert ticket.fields["state"] == "working"
    assert desk.asked(PUSH) == []


def test_the_result_of_a_command_goes_out_as_text(world: World, desk: Remote) -> None:
    """MIR-168: no user, no chat."""
    incident = both(world, desk)
    result = NewEntry(contents="| a | table |", format="markdown", tags=("comments",))
    with world.store.write() as tx:
        entry_store.add(tx, incident, result, world.clock.now())
        link_store.want_incident(tx, incident, world.clock.now())
    world.cycle()
    ((entry,),) = (args["entries"] for args in desk.asked(PUSH))
    assert (entry["contents"], entry["user"], entry["category"]) == ("| a | table |", "", "")


def test_a_tagged_file_goes_out_with_its_bytes_and_name(world: World, desk: Remote) -> None:
    """MIR-169."""
    incident = both(world, desk)
    world.attach(incident, "evidence.txt", b"smoke")
    world.cycle()
    ((entry,),) = (args["entries"] for args in desk.asked(PUSH))
    assert (entry["type"], entry["file"], entry["contents"]) == (3, "evidence.txt", "")
    (comment,) = desk.tickets["T1"].comments
    assert (comment.file, comment.content) == ("evidence.txt", b"smoke")


def test_a_file_that_is_gone_is_given_up_and_the_rest_goes(world: World, desk: Remote) -> None:
    """mirroring.md §7.46."""
    incident = both(world, desk)
    world.attach(incident, "gone.txt", b"gone")
    world.say(incident, "hello")
    file = world.said(incident)[0].file
    assert file is not None
    files.path(world.store, file.id).unlink()
    world.cycle(3)
    assert desk.tickets["T1"].texts == ["hello"]
    assert len(desk.asked(PUSH)) == 1


def test_entries_go_out_in_the_order_in_which_they_were_said(world: World, desk: Remote) -> None:
    """MIR-172."""
    incident = both(world, desk)
    for text in ("one", "two", "three"):
        world.say(incident, text)
        world.clock.turn(1)
    world.cycle()
    assert desk.tickets["T1"].texts == ["one", "two", "three"]
    assert len(desk.asked(PUSH)) == 1


def test_a_batch_size_cuts_them_into_calls_fields_first(world: World, desk: Remote) -> None:
    """`mirror.entries.batch`."""
    world.set(mirror__entries__batch="1")
    incident = both(world, desk)
    for text in ("one", "two", "three"):
        world.say(incident, text)
    world.edit(incident, details="x")
    world.cycle()
    assert [[e["contents"] for e in args["entries"]] for args in desk.asked(PUSH)] == [["one"], ["two"], ["three"]]
    assert [args["delta"] for args in desk.asked(PUSH)] == [{"description": "x"}, {}, {}]
    assert desk.tickets["T1"].texts == ["one", "two", "three"]


def test_a_pending_incident_sends_nothing_before_it_is_opened(world: World) -> None:
    """MIR-173."""
    world.set(incidents__create__active="false")
    desk = world.instance()
    incident = both(world, desk)
    world.say(incident, "too early")
    world.cycle(2)
    assert desk.tickets["T1"].texts == []
    incidents.open_(world.app, ANALYST, incident)
    world.cycle()
    assert desk.tickets["T1"].texts == ["too early"]


def test_what_is_tagged_after_the_close_waits_for_a_reopen(world: World, desk: Remote) -> None:
    """MIR-174."""
    incident = both(world, desk)
    world.shut(incident)
    world.clock.turn(1)
    world.say(incident, "after the close")
    world.cycle(2)
    assert desk.tickets["T1"].texts == []
    world.reopen(incident)
    world.cycle()
    assert desk.tickets["T1"].texts == ["after the close"]


def test_what_was_tagged_before_the_close_goes_with_it(world: World, desk: Remote) -> None:
    """MIR-175: in the same call."""
    incident = both(world, desk)
    world.say(incident, "last words")
    world.clock.turn(1)
    world.shut(incident)
    world.cycle()
    (args,) = desk.asked(PUSH)
    assert ([e["contents"] for e in args["entries"]], args["status"]) == (["last words"], 2)
    assert (desk.tickets["T1"].texts, desk.tickets["T1"].closed) == (["last words"], True)


@pytest.mark.parametrize("answer", [error("no"), raised("ValueError", "no")])
def test_after_a_failed_push_the_same_entries_go_again(world: World, desk: Remote, answer: Any) -> None:
    """MIR-176: none counts as sent before success."""
    incident = both(world, desk)
    world.say(incident, "one")
    world.say(incident, "two")
    desk.next_answer(PUSH, answer)
    world.work()
    assert desk.tickets["T1"].texts == []
    world.say(incident, "three")
    world.cycle()
    assert desk.tickets["T1"].texts == ["one", "two", "three"]
    world.cycle(3)
    assert desk.tickets["T1"].texts == ["one", "two", "three"]
    assert world.texts(incident) == ["one", "two", "three"]


def test_tags_may_be_one_text(world: World, desk: Remote) -> None:
    """MIR-177."""
    incident = both(world, desk)
    world.edit(incident, dbotMirrorTags=" a,  b ")
    assert world.link(incident).tags == ("a", "b")


@pytest.mark.parametrize(("text", "kept"), [("On  my way\n\nMirrored from Cortex XSOAR", False), ("on my way", True)])
def test_our_own_words_that_come_back_are_dropped_when_marked(
    world: World, desk: Remote, text: str, kept: bool
) -> None:
    """MIR-178: without a marker two people said the same."""
    incident = both(world, desk)
    world.say(incident, "on my way")
    world.cycle()
    desk.change("T1")
    desk.next_answer(PULL, said([{"id": "T1"}, note(text)]))
    world.cycle()
    assert world.texts(incident, came_in=True) == ([text] if kept else [])


def test_a_comment_said_while_a_push_runs_goes_out_by_the_next_one(world: World, desk: Remote) -> None:
    """Rule 1 for entries."""
    incident = both(world, desk)
    world.say(incident, "one")
    desk.during(PUSH, lambda: world.say(incident, "two"))
    world.cycle()
    assert desk.tickets["T1"].texts == ["one", "two"]


def test_the_file_of_an_entry_can_be_asked_for_by_its_id(world: World, desk: Remote) -> None:
    """MIR-169, MIR-170: an unknown id has no file."""
    incident = both(world, desk)
    label = world.attach(incident, "evidence.txt", b"smoke")
    world.cycle()
    command = next(call.command for call in desk.calls if call.name == PUSH)
    assert command.host.get_file is not None
    staged = command.host.get_file(label)
    assert staged is not None
    assert (staged.name, staged.path.read_bytes()) == ("evidence.txt", b"smoke")
    assert command.host.get_file("99@99") is None
    assert command.host.get_file("nonsense") is None
