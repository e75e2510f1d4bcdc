"""What a pulled object does to the incident.   MIR-050…058, MIR-095…121."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from casemirror.actions import incidents
from casemirror.engine import record
from casemirror.model.ids import IncidentId
from casemirror.model.incident import Status
from support.desk import PULL, PUSH, Killed, Remote, note, said
from support.world import ANALYST, World


@pytest.fixture
def desk(world: World) -> Remote:
    return world.instance()


def both(world: World, desk: Remote, **rest: Any) -> IncidentId:
    """A mirrored incident that agrees with its ticket."""
    incident = world.mirror(desk.ticket(), **rest)
    world.cycle(3)
    return incident


def tell(world: World, desk: Remote, *results: Any) -> None:
    """The next pull brings exactly this; the poll names the ticket."""
    desk.change("T1")
    desk.next_answer(PULL, said(list(results), folder=desk.folder))
    world.cycle()


def test_a_remote_change_comes_in_and_is_not_dirty(world: World, desk: Remote) -> None:
    """MIR-095: nor is it sent back."""
    incident = both(world, desk)
    desk.change("T1", state="working", title="printer burnt down", severity=3)
    world.cycle(3)
    fields = world.incident(incident).fields
    assert (fields["deskstate"], fields["name"], fields["severity"]) == ("working", "printer burnt down", 3)
    assert world.dirty(incident) == (set(), set())
    assert desk.asked(PUSH) == []


def test_what_the_object_does_not_tell_stays(world: World, desk: Remote) -> None:
    """MIR-096."""
    incident = both(world, desk, desknote="mine")
    tell(world, desk, {"id": "T1", "state": "working"})
    fields = world.incident(incident).fields
    assert (fields["deskstate"], fields["desknote"], fields["name"]) == ("working", "mine", "printer on fire")


@pytest.mark.parametrize("empty", ["", None, []])
def test_an_explicit_empty_value_empties(world: World, desk: Remote, empty: Any) -> None:
    """MIR-097; null only with `mirror.null.empties`."""
    world.set(mirror__null__empties=True)
    incident = both(world, desk, desknote="theirs")
    tell(world, desk, {"id": "T1", "note": "theirs"})
    tell(world, desk, {"id": "T1", "note": empty})
    assert not world.get(incident, "desknote")
    assert world.dirty(incident) == (set(), set())


def test_null_leaves_the_field_unless_it_is_told_to_empty(world: World, desk: Remote) -> None:
    """MAP-076: partial objects tell null for what they do not know."""
    incident = both(world, desk, desknote="theirs")
    tell(world, desk, {"id": "T1", "note": "theirs"})
    tell(world, desk, {"id": "T1", "note": None})
    assert world.get(incident, "desknote") == "theirs"
    assert world.dirty(incident) == (set(), set())


def test_a_mirror_error_is_shown_changes_nothing_else_and_goes_away(world: World, desk: Remote) -> None:
    """MIR-098, MIR-099, MIR-136: however often it comes."""
    incident = both(world, desk, desknote="theirs")
    before = dict(world.incident(incident).fields)
    for _ in range(3):
        tell(world, desk, {"id": "T1", "in_mirror_error": "boom"})
    assert world.incident(incident).fields == {**before, "incomingmirrorerror": "boom"}
    assert world.dirty(incident) == (set(), set())
    assert world.link(incident).remote_id == "T1"
    tell(world, desk, {"id": "T1", "in_mirror_error": ""})
    assert world.get(incident, "incomingmirrorerror") == ""
    assert desk.asked(PUSH) == []


def test_an_object_without_mirror_fields_blanks_none(world: World, desk: Remote) -> None:
    """MIR-100."""
    incident = both(world, desk, tags=("comments", "work"))
    before = world.link(incident)
    tell(world, desk, {"id": "T1", "state": "working", "mirror_direction": "", "mirror_id": None, "mirror_tags": []})
    after = world.link(incident)
    assert (after.remote_id, after.instance_name, after.direction, after.tags) == (
        before.remote_id,
        before.instance_name,
        before.direction,
        before.tags,
    )


def test_an_object_that_names_another_target_is_not_followed(world: World, desk: Remote) -> None:
    """MIR-101, MIR-102: logged; its fields are applied. Direction and tags are not taken from objects either: mappers set
    them to constants, and a person's choice would not stay.
    """
    incident = both(world, desk)
    synced = world.link(incident).last_sync_at
    told = {"mirror_id": "T2", "mirror_instance": "other", "mirror_direction": "In", "synced": "2001-01-01T00:00:00Z"}
    with capture_logs() as logs:
        tell(world, desk, {"id": "T1", "state": "working", **told})
    link = world.link(incident)
    assert (link.remote_id, link.instance_name, link.direction) == ("T1", "desk", "Both")
    assert link.last_sync_at == world.clock.now() != synced
    assert world.get(incident, "deskstate") == "working"
    assert "link.other_target_ignored" in [line["event"] for line in logs]


@pytest.mark.parametrize(("reclassify", "becomes"), [("false", "Desk Ticket"), ("true", "Desk Alarm")])
def test_the_type_changes_only_on_demand(world: World, reclassify: str, becomes: str) -> None:
    """MIR-103."""
    world.set(mirror__reclassify=reclassify)
    desk = world.instance(classifier="desk-kinds")
    incident = both(world, desk)
    tell(world, desk, {"id": "T1", "kind": "alarm", "state": "working"})
    assert world.incident(incident).type == becomes
    assert world.get(incident, "deskstate") == "working"
    tell(world, desk, {"id": "T1", "kind": "unheard of"})
    assert world.incident(incident).type == becomes


@pytest.mark.parametrize(("target", "source", "value"), [("name", "title", ""), ("severity", "severity", None)])
def test_a_partial_object_blanks_nothing_that_must_be_there(
    world: World, desk: Remote, target: str, source: str, value: Any
) -> None:
    """MIR-104."""
    incident = both(world, desk)
    before = world.get(incident, target)
    tell(world, desk, {"id": "T1", source: value, "state": "working"})
    assert world.get(incident, target) == before
    assert world.get(incident, "deskstate") == "working"


def test_the_types_section_lies_over_the_common_one(world: World, desk: Remote) -> None:
    """MIR-105."""
    incident = both(world, desk)
    tell(world, desk, {"id": "T1", "common_section": "common", "type_section": "type", "state": "working"})
    assert (world.get(incident, "desksection"), world.get(incident, "deskstate")) == ("type", "working")


def test_the_same_object_again_writes_nothing(world: World, desk: Remote) -> None:
    """MIR-106: no version, no decision."""
    incident = both(world, desk)
    desk.change("T1", state="working")
    world.cycle()
    version, rules = world.incident(incident).version, world.rules(incident, "deskstate")
    for _ in range(3):
        desk.change("T1")
        world.cycle()
    assert world.incident(incident).version == version
    assert world.rules(incident, "deskstate") == rules == ["remote-changed"]


def test_an_edit_here_stays_until_the_remote_really_changes(world: World, desk: Remote) -> None:
    """MIR-107, MIR-108: direction In; the newest change wins."""
    incident = both(world, desk, direction="In")
    world.edit(incident, deskstate="mine")
    desk.change("T1", title="full objects come all the time")
    world.cycle()
    assert world.get(incident, "deskstate") == "mine"
    assert world.dirty(incident) == ({"deskstate"}, set())
    desk.change("T1", state="working")
    world.cycle()
    assert world.get(incident, "deskstate") == "working"
    assert world.dirty(incident) == (set(), set())


@pytest.mark.parametrize("direction", ["In", "Both"])
def test_in_legacy_mode_a_field_edited_here_is_never_overwritten(world: World, desk: Remote, direction: str) -> None:
    """MIR-109: and a further edit is still sent."""
    world.set(mirror__legacy__dirty="true")
    incident = both(world, desk, direction=direction)
    world.edit(incident, deskstate="mine")
    world.cycle()
    for state in ("working", "late", "done"):
        desk.change("T1", state=state)
        world.cycle()
    assert world.get(incident, "deskstate") == "mine"
    assert world.dirty(incident)[0] == {"deskstate"}
    world.edit(incident, deskstate="mine again")
    world.cycle()
    assert world.get(incident, "deskstate") == "mine again"
    assert desk.tickets["T1"].fields["state"] == ("mine again" if direction == "Both" else "done")


@pytest.mark.parametrize(("winner", "value"), [("local", "ours"), ("remote", "theirs")])
def test_a_field_changed_on_both_sides_goes_by_the_setting(world: World, desk: Remote, winner: str, value: str) -> None:
    """MIR-110: in one cycle, with one line that keeps the losing value."""
    world.set(mirror__conflict=winner)
    incident = both(world, desk)
    world.edit(incident, deskstate="ours")
    desk.change("T1", state="theirs")
    world.cycle()
    assert world.get(incident, "deskstate") == value
    assert desk.tickets["T1"].fields["state"] == value
    assert [rule for rule in world.rules(incident, "deskstate") if "conflict" in rule] == [f"conflict-{winner}-wins"]
    assert len(desk.asked(PUSH)) == (winner == "local")
    world.cycle(3)
    assert world.dirty(incident) == (set(), set())


def test_a_field_told_for_the_first_time_while_edited_here_stays_this_once(world: World, desk: Remote) -> None:
    """MIR-111: the mapper was extended."""
    incident = both(world, desk, direction="In")
    world.edit(incident, desknote="mine")
    desk.change("T1", note="theirs")
    world.cycle()
    assert world.get(incident, "desknote") == "mine"
    desk.change("T1", note="theirs, newer")
    world.cycle()
    assert world.get(incident, "desknote") == "theirs, newer"


@pytest.mark.parametrize(("later_s", "becomes"), [(300, "ours"), (900, "new")])
def test_the_value_before_a_push_is_a_stale_echo_for_a_while(
    world: World, desk: Remote, later_s: float, becomes: str
) -> None:
    """MIR-112, MIR-113: a remote that shows its old value shortly after our push lags; later it means it."""
    incident = both(world, desk)
    world.edit(incident, deskstate="ours")
    world.cycle()
    assert desk.tickets["T1"].fields["state"] == "ours"
    world.clock.turn(later_s)
    tell(world, desk, {"id": "T1", "state": "new"})
    assert world.get(incident, "deskstate") == becomes
    assert desk.tickets["T1"].fields["state"] == "ours"


def test_an_unknown_owner_is_left_out_and_a_known_one_resolved(world: World, desk: Remote) -> None:
    """MIR-114."""
    world.user("alice", "alice@example.org")
    incident = both(world, desk)
    tell(world, desk, {"id": "T1", "assignee": "alice@example.org"})
    assert world.get(incident, "owner") == "alice"
    with capture_logs() as logs:
        tell(world, desk, {"id": "T1", "assignee": "nobody", "state": "working"})
    assert (world.get(incident, "owner"), world.get(incident, "deskstate")) == ("alice", "working")
    assert "owner.unknown" in [line["event"] for line in logs]


def test_a_value_of_the_wrong_kind_costs_only_its_field(world: World, desk: Remote) -> None:
    """MIR-115."""
    incident = both(world, desk)
    tell(world, desk, {"id": "T1", "count": "many", "state": "working"})
    assert (world.get(incident, "deskcount"), world.get(incident, "deskstate")) == (None, "working")


@pytest.mark.parametrize(
    ("told", "name", "value"), [(90, "sla", 90), ("2026-01-05T10:00:00Z", "dueDate", "2026-01-05T10:00:00")]
)
def test_a_timer_is_told_in_parts(world: World, desk: Remote, told: Any, name: str, value: Any) -> None:
    """MIR-116: the run status stays."""
    incident = both(world, desk, remediationsla={"runStatus": "running", "startDate": "2026-01-01T00:00:00Z"})
    tell(world, desk, {"id": "T1", "sla": told})
    timer = world.get(incident, "remediationsla")
    assert (timer["runStatus"], timer["startDate"]) == ("running", "2026-01-01T00:00:00Z")
    assert str(timer[name]).startswith(str(value))


def test_an_entry_that_came_in_says_where_from(world: World, desk: Remote) -> None:
    """MIR-117, MIR-050, MIR-057."""
    incident = both(world, desk)
    tell(world, desk, {"id": "T1", "state": "working"}, note("one", Note=True, Tags=["a"]), note("two"))
    first, second = world.said(incident)
    assert (first.contents, second.contents) == ("one", "two")
    assert (first.mirrored, first.instance, first.brand) == (True, "desk", "Desk")
    assert (first.note, first.tags, second.note) == (True, ("a",), False)
    assert world.get(incident, "deskstate") == "working"


def test_entries_without_an_object_change_no_field(world: World, desk: Remote) -> None:
    """MIR-051, MIR-054, MIR-055: dicts that are no entries are left out, odd entries are taken."""
    incident = both(world, desk)
    version = world.incident(incident).version
    tell(world, desk, {}, {"severity": 3}, {"Type": None, "Contents": "odd", "ContentsFormat": None}, note("even"))
    assert world.texts(incident) == ["odd", "even"]
    assert world.incident(incident).version == version


def test_a_file_comes_in_with_its_bytes(world: World, desk: Remote) -> None:
    """MIR-056, MIR-058."""
    incident = both(world, desk)
    (desk.folder / "1_abc").write_bytes(b"smoke")
    desk.change("T1")
    file = {"Type": 3, "File": "photo.png", "FileID": "abc", "Contents": "", "Tags": ["evidence"], "Note": True}
    desk.next_answer(PULL, said(file, [{"id": "T1", "state": "working"}], folder=desk.folder))
    world.cycle()
    (entry,) = world.said(incident)
    assert entry.file is not None
    assert (entry.file.name, entry.file.size, entry.tags, entry.note) == ("photo.png", 5, ("evidence",), True)
    assert (world.folder / "files" / entry.file.id[:2] / entry.file.id[2:]).read_bytes() == b"smoke"
    assert world.get(incident, "deskstate") == "working"


def test_a_comment_told_by_two_overlapping_pulls_is_there_once(world: World, desk: Remote) -> None:
    """MIR-118; a file, too."""
    incident = both(world, desk)
    desk.comment("T1", "please hurry")
    desk.comment("T1", "", file="a.txt", content=b"a")
    for _ in range(3):
        world.cycle()
        desk.change("T1")
    world.cycle()
    assert desk.pulled()[-3:] == ["T1"] * 3
    assert world.texts(incident) == ["please hurry", "a.txt"]


def test_the_same_words_said_twice_are_there_twice(world: World, desk: Remote) -> None:
    """MIR-119: far apart, and within one overlap."""
    incident = both(world, desk)
    desk.comment("T1", "ping")
    world.cycle(5)
    desk.comment("T1", "ping")
    world.cycle(5)
    assert world.texts(incident) == ["ping", "ping"]
    desk.comment("T1", "pong")
    world.cycle()
    desk.comment("T1", "pong")
    world.cycle(5)
    assert world.texts(incident) == ["ping", "ping", "pong", "pong"]


def test_entries_for_a_pending_incident_wait_until_it_is_opened(world: World) -> None:
    """MIR-120: its fields do not wait."""
    world.set(incidents__create__active="false")
    desk = world.instance()
    incident = both(world, desk)
    assert world.incident(incident).status is Status.PENDING
    desk.comment("T1", "early")
    desk.change("T1", state="working")
    world.cycle(3)
    assert world.get(incident, "deskstate") == "working"
    assert world.texts(incident) == []
    incidents.open_(world.app, ANALYST, incident)
    assert world.texts(incident) == ["early"]
    desk.comment("T1", "late")
    world.cycle(2)
    assert world.texts(incident) == ["early", "late"]
    assert desk.tickets["T1"].texts == ["early", "late"]


def test_an_object_is_applied_whole_or_not_at_all(world: World, desk: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    """MIR-121, rule 4: the process dies before the last write; afterwards everything is there once."""
    incident = both(world, desk)
    before = (world.incident(incident), world.link(incident))
    desk.comment("T1", "hello")
    desk.change("T1", state="working")

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(record, "write_decisions", die)
        with pytest.raises(Killed):
            world.cycle()
    after = (world.incident(incident), world.link(incident))
    assert after[0] == before[0]
    assert (after[1].base, after[1].last_sync_at) == (before[1].base, before[1].last_sync_at)
    assert world.texts(incident) == []
    world.restart()
    world.cycle()
    assert world.texts(incident) == ["hello"]
    assert world.get(incident, "deskstate") == "working"
