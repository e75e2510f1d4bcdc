"""Links that come, go and change places."""

from __future__ import annotations

import pytest

from casemirror.actions import links, policies
from casemirror.model.errors import NotFound
from casemirror.model.ids import IncidentId
from casemirror.model.incident import Status
from support.desk import PULL, PUSH, Killed, Remote, note, said
from support.world import ANALYST, World


@pytest.fixture
def desk(world: World) -> Remote:
    return world.instance()


def test_a_link_that_is_cut_leaves_both_sides_as_they_are(world: World, desk: Remote) -> None:
    """Another one becomes the primary link; nothing more is exchanged by the one that is cut."""
    other = world.instance("other")
    incident = world.mirror(desk.ticket())
    world.connect(incident, "other", remote_id=other.ticket().id)
    world.cycle(3)
    links.remove(world.app, ANALYST, incident, "desk")
    [left] = links.list_all(world.app, ANALYST, incident)
    assert (left.instance_name, left.primary) == ("other", True)
    pushes = len(desk.asked(PUSH))
    world.edit(incident, deskstate="only there")
    world.cycle(3)
    assert len(desk.asked(PUSH)) == pushes
    assert "T1" in desk.tickets
    with pytest.raises(NotFound, match="it is linked to other"):
        links.remove(world.app, ANALYST, incident, "desk")


def test_another_link_becomes_the_primary_one(world: World, desk: Remote) -> None:
    other = world.instance("other")
    incident = world.mirror(desk.ticket())
    world.connect(incident, "other", remote_id=other.ticket().id)
    links.set_primary(world.app, ANALYST, incident, "other")
    found = links.list_all(world.app, ANALYST, incident)
    assert [(link.instance_name, link.primary) for link in found] == [("other", True), ("desk", False)]
    with pytest.raises(NotFound):
        links.set_primary(world.app, ANALYST, incident, "nowhere")


LINKED = ("comments", "files")


@pytest.fixture
def three(world: World, desk: Remote) -> tuple[IncidentId, Remote, Remote, Remote]:
    """An incident that is linked to T1 of three instances, which all agree."""
    second, third = world.instance("second"), world.instance("third")
    incident = world.mirror(desk.ticket(), tags=LINKED)
    world.connect(incident, "second", remote_id=second.ticket().id, tags=LINKED)
    world.connect(incident, "third", remote_id=third.ticket().id, tags=LINKED)
    world.cycle(3)
    assert [remote.asked(PUSH) for remote in (desk, second, third)] == [[], [], []]
    return incident, desk, second, third


Three = tuple[IncidentId, Remote, Remote, Remote]


def pushes(*remotes: Remote) -> list[int]:
    return [len(remote.asked(PUSH)) for remote in remotes]


def assert_quiet(world: World, incident: IncidentId, *remotes: Remote) -> None:
    """However many cycles pass: no call that writes, no version of the incident, no entry."""
    before = pushes(*remotes), world.incident(incident).version, world.texts(incident)
    for remote in remotes:
        remote.change("T1")
    world.cycle(6)
    assert (pushes(*remotes), world.incident(incident).version, world.texts(incident)) == before


@pytest.mark.parametrize("source", [0, 1, 2])
def test_a_field_changed_at_one_reaches_the_others_once(world: World, three: Three, source: int) -> None:
    """Design §1.5. What the others echo is no news, and it never goes back to where it came from."""
    incident, *remotes = three
    remotes[source].change("T1", state="working")
    world.cycle(2)
    assert [remote.tickets["T1"].fields["state"] for remote in remotes] == ["working"] * 3
    assert pushes(*remotes) == [int(number != source) for number in range(3)]
    assert_quiet(world, incident, *remotes)


def test_a_comment_said_at_one_reaches_the_others_once(world: World, three: Three) -> None:
    """The others show it again, marked as ours: it stays one entry here."""
    incident, desk, second, third = three
    desk.change("T1")
    desk.next_answer(PULL, said([{"id": "T1"}, note("from the first", Tags=["comments"])]))
    world.cycle(3)
    assert [remote.tickets["T1"].texts for remote in (desk, second, third)] == [
        [],
        ["from the first"],
        ["from the first"],
    ]
    assert world.texts(incident) == ["from the first"]
    assert pushes(desk, second, third) == [0, 1, 1]
    assert_quiet(world, incident, desk, second, third)


def test_a_file_attached_at_one_reaches_the_others_once(world: World, three: Three) -> None:
    """With its bytes; the integrations mark the names of files that they wrote for us."""
    incident, desk, second, third = three
    (desk.folder / "1_9").write_bytes(b"proof")
    file = note("", Type=3, File="proof.txt", FileID="9", Tags=["files"])
    desk.change("T1")
    desk.next_answer(PULL, said([{"id": "T1"}, file], folder=desk.folder))
    for remote in (second, third):
        remote.afterwards(PUSH, lambda remote=remote: marked(remote))
    world.cycle(3)
    for remote in (second, third):
        [comment] = remote.tickets["T1"].comments
        assert (comment.file, comment.content) == ("proof_mirrored_from_xsoar.txt", b"proof")
    assert desk.tickets["T1"].comments == []
    assert world.texts(incident) == ["proof.txt"]
    assert_quiet(world, incident, desk, second, third)


def marked(remote: Remote) -> None:
    """The integration renames what it uploads, as the public ones do."""
    for comment in remote.tickets["T1"].comments:
        comment.file = "proof_mirrored_from_xsoar.txt"


def test_a_close_and_a_reopen_at_one_reach_the_others_once(world: World, three: Three) -> None:
    """MIR-122…135 for several links: the others' own close entries are echoes."""
    incident, desk, second, third = three
    desk.close("T1")
    world.cycle(3)
    assert world.incident(incident).status is Status.CLOSED
    assert [remote.tickets["T1"].closed for remote in (desk, second, third)] == [True] * 3
    assert pushes(desk, second, third) == [0, 1, 1]
    assert_quiet(world, incident, desk, second, third)
    desk.says_reopen = True
    desk.reopen("T1")
    world.cycle(3)
    assert world.incident(incident).status is Status.ACTIVE
    assert [remote.tickets["T1"].closed for remote in (desk, second, third)] == [False] * 3
    assert pushes(desk, second, third) == [0, 2, 2]
    assert_quiet(world, incident, desk, second, third)


def test_an_owned_field_goes_from_its_owner_to_the_others_only(world: World, three: Three) -> None:
    """docs/conflicts.md: of three, one owns it; another's change is undone there and reaches nobody."""
    incident, desk, second, third = three
    policies.put_owner(world.app, ANALYST, "deskstate", "second")
    third.change("T1", state="not taken")
    world.cycle(3)
    assert [remote.tickets["T1"].fields["state"] for remote in (desk, second, third)] == ["new"] * 3
    assert pushes(desk, second, third) == [0, 0, 1]
    second.change("T1", state="taken")
    world.cycle(3)
    assert [remote.tickets["T1"].fields["state"] for remote in (desk, second, third)] == ["taken"] * 3
    assert pushes(desk, second, third) == [1, 0, 2]
    assert_quiet(world, incident, desk, second, third)


def die() -> None:
    raise Killed


@pytest.mark.parametrize(
    ("where", "when"),
    [("second", "afterwards"), ("third", "during"), ("third", "afterwards")],
    ids=["after the first push", "before the second push", "after the second push"],
)
def test_a_death_between_the_two_pushes_loses_and_doubles_nothing(
    world: World, three: Three, where: str, when: str
) -> None:
    """Rules 1 and 7: each of the others gets the field and the comment once, whichever push was the last one seen."""
    incident, desk, second, third = three
    desk.change("T1", state="working")
    desk.next_answer(PULL, said([{"id": "T1", "state": "working"}, note("once", Tags=["comments"])]))
    getattr(world.runtime.remotes[where], when)(PUSH, die)
    with pytest.raises(Killed):
        world.cycle(3)
    world.restart()
    world.cycle(4)
    for remote in (second, third):
        assert remote.tickets["T1"].fields["state"] == "working"
        assert remote.tickets["T1"].texts == ["once"]
    assert desk.asked(PUSH) == []
    assert world.texts(incident) == ["once"]
    assert_quiet(world, incident, desk, second, third)


def test_changes_at_two_of_three_end_in_one_value(world: World, three: Three) -> None:
    """Whoever is pulled first counts; the other one's conflict is settled by the method, and all three agree."""
    incident, desk, second, third = three
    second.change("T1", state="B")
    third.change("T1", state="C")
    world.cycle(4)
    states = {remote.tickets["T1"].fields["state"] for remote in (desk, second, third)}
    assert states == {world.get(incident, "deskstate")}
    assert len(states) == 1
    assert_quiet(world, incident, desk, second, third)
