"""Incidents that belong to remote objects which are there already: found, asked about, linked; and what the first contact does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from casemirror.actions import incidents, instances, links, links_find, links_import, policies
from casemirror.actions.links_values import Findings, Pair, Verdict
from casemirror.model.actor import Actor, Role
from casemirror.model.errors import Forbidden, Invalid, NotFound
from casemirror.model.ids import IncidentId
from casemirror.model.incident import Status
from support.desk import POLL, PULL, PUSH, Remote, error, said
from support.world import ANALYST, World, custom

READER = Actor("ann", Role.READ_ONLY)


@pytest.fixture
def desk(world: World) -> Remote:
    world.content("incidentfield", custom("Ticket ID"))
    return world.instance()


def find(world: World, **how: Any) -> Findings:
    return links_find.find(world.app, ANALYST, "desk", **how)


def adopted(world: World, **how: Any) -> Findings:
    return links_find.adopt(world.app, ANALYST, find(world, **how))


def verdicts(found: Findings) -> dict[int, tuple[str, str]]:
    return {pair.incident_id: (pair.remote_id, pair.verdict.value) for pair in found.pairs}


def state(world: World) -> Any:
    """Everything that a look must leave as it is: incidents, links, the lane's cursor and failures."""
    lane = world.lane()
    return [(i.id, i.version, links.list_all(world.app, ANALYST, i.id)) for i in world.all()], lane


def test_a_look_tells_and_writes_nothing(world: World, desk: Remote) -> None:
    """The remote is asked for each object once, as the first pull of such a link would ask; nothing else is called."""
    desk.ticket(title="printer is out", severity=3)
    incident = world.create(ticketid="T1", severity="1")
    before = state(world)
    found = find(world)
    assert found.looked_in == ["ticketid", "labels that are named as ids"]
    [pair] = found.pairs
    assert (pair.incident_id, pair.remote_id, pair.where, pair.verdict) == (incident, "T1", "ticketid", Verdict.CLEAR)
    assert pair.seen.says == {"name": "printer is out", "severity": 3, "state": "new"}
    assert dict(pair.seen.differs) == {"name": ["by hand", "printer is out"], "severity": [1, 3]}
    assert state(world) == before
    assert [(call.name, call.args["lastUpdate"][:4]) for call in desk.calls] == [(PULL, "2000")]


def test_what_is_doubtful_is_left_and_told(world: World, desk: Remote) -> None:
    """The same id twice, no such object, an error there, an object of another incident, several ids in one."""
    for number in range(1, 8):
        desk.ticket(f"T{number}")
    clear = world.create(ticketid="T1")
    twins = [world.create(ticketid="T2"), world.create(ticketid=" T2 ")]
    gone = world.create(ticketid="T99")
    wrong = world.create(ticketid="T3")
    world.connect(world.create(), remote_id="T4")
    taken = world.create(ticketid="T4")
    several = world.create(ticketid="T5", details="T6")
    desk.calls.clear()
    desk.next_answer(
        PULL, desk.play, desk.play, said([{"id": "T3", "state": "new", "in_mirror_error": "the workflow is broken"}])
    )
    found = adopted(world, names=["ticketid", "details"])
    assert verdicts(found) == {
        clear: ("T1", "adopted"),
        twins[0]: ("T2", "doubtful"),
        twins[1]: ("T2", "doubtful"),
        gone: ("T99", "doubtful"),
        wrong: ("T3", "doubtful"),
        taken: ("T4", "doubtful"),
        several: ("T5", "doubtful"),
    }
    why = {pair.incident_id: pair.reason for pair in found.pairs}
    assert why[twins[0]] == f"the same id stands in incident {twins[1]}"
    assert why[gone] == "desk does not have it: Ticket was not found."
    assert why[wrong] == "desk tells an error about it: the workflow is broken"
    assert why[taken].startswith("desk T4 is linked to incident 6")
    assert why[several].startswith("it holds 2 ids: T5 (ticketid), T6 (details)")
    assert desk.pulled() == ["T1", "T99", "T3"]
    assert [len(links.list_all(world.app, ANALYST, i)) for i in (clear, *twins, gone, wrong, taken, several)] == [
        *(1, 0, 0, 0, 0, 0, 0)
    ]


def test_a_pattern_takes_the_id_out_of_a_text(world: World, desk: Remote) -> None:
    """Several matches of the same id are one; with `--where`, an incident outside of it still makes a twin."""
    desk.ticket("T7")
    first = world.create(details="see T7 (T7), thanks", severity="3")
    found = find(world, names=["details"], pattern=r"\b(T\d+)\b", where=["severity>=2"])
    assert verdicts(found) == {first: ("T7", "clear")}
    other = world.create(details="also T7", severity="1")
    found = find(world, names=["details"], pattern=r"\b(T\d+)\b", where=["severity>=2"])
    assert verdicts(found) == {first: ("T7", "doubtful")}
    assert found.pairs[0].reason == f"the same id stands in incident {other}"


def test_labels_hold_ids_too(world: World, desk: Remote) -> None:
    """By default those that are named as ids; a named one, or all of them with a pattern."""
    desk.ticket("T1")
    made = incidents.create(
        world.app, ANALYST, {"name": "n"}, labels={"externalId": "T1", "Brand": "T1x", "Host": "T1y"}
    )
    assert verdicts(find(world)) == {made.id: ("T1", "clear")}
    assert find(world).pairs[0].where == "labels.externalId"
    assert find(world, names=["labels.brand"]).pairs[0].remote_id == "T1x"
    assert find(world, names=["labels"], pattern="^(T1.)$").pairs[0].reason.startswith("it holds 2 ids: T1x")


def test_a_limit_bounds_what_is_asked(world: World, desk: Remote) -> None:
    for number in range(1, 6):
        desk.ticket(f"T{number}")
        world.create(ticketid=f"T{number}")
    found = find(world, limit=2)
    assert (list(verdicts(found)), found.more, found.scanned) == ([1, 2], 3, 5)
    assert desk.pulled() == ["T1", "T2"]


def test_a_remote_that_wants_rest_is_left_alone(world: World, desk: Remote) -> None:
    """The rest is told as not asked about, and nothing is linked unseen."""
    for number in range(1, 4):
        desk.ticket(f"T{number}")
        world.create(ticketid=f"T{number}")
    desk.next_answer(PULL, desk.play, error("API rate limit"))
    found = adopted(world)
    assert [pair.verdict for pair in found.pairs] == [Verdict.ADOPTED, Verdict.DOUBTFUL, Verdict.DOUBTFUL]
    assert all("not asked about" in pair.reason for pair in found.pairs[1:])
    assert found.stopped
    assert desk.pulled() == ["T1", "T2"]


@pytest.mark.parametrize("direction", ["In", "Both"])
def test_the_first_contact_takes_the_remotes_values_and_sends_nothing(
    world: World, desk: Remote, direction: str
) -> None:
    """Decisions 0001, 0008: base is what the remote tells; nothing is created or overwritten there."""
    world.set(mirror__link__pull="false")
    desk.ticket(title="there", state="working", severity=3)
    desk.comment("T1", "said long ago")
    incident = world.create(ticketid="T1", severity="1", deskstate="here", details="only here")
    adopted(world, direction=direction)
    world.cycle(3)
    told = world.incident(incident)
    assert (told.name, told.get("severity"), told.get("deskstate")) == ("there", 3, "working")
    assert told.get("details") == "only here"
    assert world.texts(incident) == ["said long ago"]
    assert desk.asked(PUSH) == []
    assert len(desk.tickets) == 1
    assert world.dirty(incident) == (set(), set())
    world.edit(incident, deskstate="from here")
    world.cycle()
    assert desk.tickets["T1"].fields["state"] == ("from here" if direction == "Both" else "working")


def test_at_the_first_contact_policies_decide_about_what_differs(world: World, desk: Remote) -> None:
    """docs/conflicts.md: a list of both, the higher number, ours where a policy says so, or a person is asked."""
    policies.put(world.app, ANALYST, "max", field="severity")
    policies.put(world.app, ANALYST, "local", field="Desk State")
    policies.put(world.app, ANALYST, "ask", field="Desk Note")
    desk.ticket(title="there", state="working", severity=1, note="theirs")
    incident = world.create(ticketid="T1", severity="3", deskstate="ours", desknote="ours")
    adopted(world)
    world.cycle(3)
    ticket = desk.tickets["T1"].fields
    assert (world.get(incident, "severity"), ticket["severity"]) == (3, 3)
    assert (world.get(incident, "deskstate"), ticket["state"]) == ("ours", "ours")
    assert (world.get(incident, "desknote"), ticket["note"]) == ("ours", "theirs")
    assert (world.get(incident, "name"), ticket["title"]) == ("there", "there")
    assert list(world.link(incident).conflicts) == ["desknote"]


def test_nothing_is_sent_before_the_first_pull_while_the_remote_may_not_be_asked(world: World, desk: Remote) -> None:
    """An edit waits for the values that it would be sent over; the pull comes first as soon as there may be one."""
    desk.ticket(state="theirs", note="theirs")
    incident = world.create(ticketid="T1")
    found = find(world)
    world.mirror(desk.ticket())
    world.cycle(2)
    desk.next_answer(POLL, error("API rate limit"))
    world.cycle()
    desk.calls.clear()
    links_find.adopt(world.app, ANALYST, found)
    world.edit(incident, deskstate="edited here")
    world.work()
    assert desk.calls == []
    world.cycle()
    assert [call.name for call in desk.calls if call.name in (PULL, PUSH)][:2] == [PULL, PUSH]
    assert desk.tickets["T1"].fields["state"] == "edited here"
    assert world.rules(incident, "deskstate") == ["first-told-while-edited"]
    assert world.get(incident, "desknote") == "theirs"


def test_a_closed_object_is_told_and_closes_the_incident(world: World, desk: Remote) -> None:
    desk.ticket()
    desk.close("T1")
    incident = world.create(ticketid="T1")
    found = adopted(world)
    assert found.pairs[0].seen.closed
    world.cycle(2)
    assert world.incident(incident).status is Status.CLOSED
    assert desk.asked(PUSH) == []


def test_a_closed_incident_does_not_close_the_object(world: World, desk: Remote) -> None:
    """Adopting sends nothing, a state neither."""
    desk.ticket()
    incident = world.create(ticketid="T1")
    world.shut(incident)
    adopted(world)
    world.cycle(3)
    assert not desk.tickets["T1"].closed
    assert desk.asked(PUSH) == []


def test_what_was_said_under_a_tag_goes_out_by_the_adopted_link(world: World, desk: Remote) -> None:
    desk.ticket()
    incident = world.create(ticketid="T1")
    world.say(incident, "tagged")
    links_find.adopt(world.app, ANALYST, find(world), tags=("comments",))
    world.cycle(3)
    assert desk.tickets["T1"].texts == ["tagged"]


def test_a_second_look_finds_nothing_more_to_link(world: World, desk: Remote) -> None:
    desk.ticket()
    world.create(ticketid="T1")
    assert adopted(world).count(Verdict.ADOPTED) == 1
    again = adopted(world)
    assert (again.pairs, again.scanned) == ([], 0)


def test_what_was_linked_between_look_and_adoption_is_left(world: World, desk: Remote) -> None:
    """The database is asked once more, in the transaction that links."""
    desk.ticket()
    incident = world.create(ticketid="T1")
    found = find(world)
    world.connect(world.create(), remote_id="T1")
    done = links_find.adopt(world.app, ANALYST, found)
    assert done.pairs[0].verdict is Verdict.DOUBTFUL
    assert links.list_all(world.app, ANALYST, incident) == []


def test_an_instance_that_cannot_be_asked_links_nothing(world: World, desk: Remote) -> None:
    """Disabled, or an integration that does not mirror in: every pair says so."""
    world.instance("out", "Desk Out")
    world.create(ticketid="T1")
    found = links_find.find(world.app, ANALYST, "out")
    assert (
        found.pairs[0].reason
        == "Desk Out does not mirror in, so it cannot be asked; `casemirror link add` links unseen"
    )
    instances.disable(world.app, ANALYST, "desk")
    assert "desk is disabled" in find(world).pairs[0].reason
    assert desk.calls == []


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"names": ["nosuch"]}, "no field 'nosuch'"),
        ({"names": ["dbotMirrorId"]}, "an incident without one has none"),
        ({"names": ["labels."]}, "name the label behind the dot"),
        ({"pattern": "(T"}, "at character 3: (T▶"),
        ({"pattern": "[z-a](x)"}, "bad character range at character 5: [z-a▶](x)"),
        ({"pattern": "T"}, "has no group"),
        ({"pattern": "(T)(1)"}, "has 2 groups"),
        ({"pattern": "(" + "T" * 500 + ")"}, "502 characters; 500 are the most"),
        ({"where": ["nosuch=1"]}, "no field 'nosuch'"),
        ({"direction": "Sideways"}, "none of In, Out, Both"),
    ],
)
def test_mistakes_are_named(world: World, desk: Remote, how: dict[str, Any], told: str) -> None:
    with pytest.raises(Invalid) as raised:
        find(world, **how)
    assert told in raised.value.message
    assert desk.calls == []


def test_a_pattern_that_would_never_end_is_stopped(world: World, desk: Remote) -> None:
    """Decision 0014: the field and the incident are named."""
    world.create(details="a" * 40 + "!")
    with pytest.raises(Invalid, match="takes longer than 1 s on details of incident 1"):
        find(world, names=["details"], pattern="((?:a|aa)+)$")


def test_who_may(world: World, desk: Remote) -> None:
    with pytest.raises(Forbidden):
        links_find.find(world.app, READER, "desk")
    with pytest.raises(Forbidden):
        links_find.adopt(world.app, READER, Findings())
    with pytest.raises(NotFound, match="nowhere"):
        links_find.find(world.app, ANALYST, "nowhere")


# from a file


Write = Callable[[str], Path]


@pytest.fixture
def file(tmp_path: Path) -> Write:
    def write(text: str) -> Path:
        path = tmp_path / "tickets.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def imported(world: World, path: Path, **how: Any) -> list[Pair]:
    return links_import.run(world.app, ANALYST, path, **how).pairs


def test_good_lines_go_on_and_bad_ones_are_told_with_their_place(world: World, desk: Remote, file: Write) -> None:
    """Each with its line and its reason."""
    for number in range(1, 5):
        desk.ticket(f"T{number}")
        world.create()
    path = file(
        "\ufeffincident,instance,remote_id,direction\r\n"
        "1,desk,T1,\r\n"
        "2,desk,T2,in\r\n"
        "\r\n"
        "99,desk,T3,\r\n"
        "x,desk,T3,\r\n"
        "3,desk,,\r\n"
        "3,desk,T3,Sideways\r\n"
        "3,nowhere,T3,\r\n"
        "3,desk,T3\r\n"
        "3,desk,T99,\r\n"
        '4,desk,"T\n4",\r\n'
    )
    pairs = imported(world, path)
    assert [pair.verdict.value for pair in pairs] == ["adopted", "adopted", *["doubtful"] * 8]
    told = {pair.where.rpartition(":")[2]: pair.reason for pair in pairs if pair.reason}
    assert told == {
        "5": "no incident 99; `casemirror incident list` shows what there is",
        "6": "incident 'x' is no number of an incident",
        "7": "remote_id is empty; an import creates no objects (`casemirror link add` does)",
        "8": "direction 'Sideways' is none of In, Out, Both",
        "9": "no instance named 'nowhere'; there are: desk",
        "10": "it has 3 cells, the first line 4",
        "11": "desk does not have it: Ticket was not found.",
        "13": "remote_id is no id: it has 3 characters, or unprintable ones",
    }
    assert [world.link(IncidentId(n)).direction.value for n in (1, 2)] == ["Both", "In"]
    world.cycle(2)
    assert desk.asked(PUSH) == []
    assert len(desk.tickets) == 4


def test_a_file_may_be_given_again(world: World, desk: Remote, file: Write) -> None:
    """What is linked already stays, and the remote is not asked for it again."""
    desk.ticket("T1")
    incident = world.create()
    path = file(f"remote_id,incident,instance\nT1,{incident},desk\nT1,{incident},desk\n")
    assert [pair.verdict.value for pair in imported(world, path, dry_run=True)] == ["clear", "clear"]
    assert links.list_all(world.app, ANALYST, incident) == []
    assert [pair.verdict.value for pair in imported(world, path)] == ["adopted", "linked already"]
    made, pulls = world.link(incident), len(desk.asked(PULL))
    assert [pair.verdict.value for pair in imported(world, path)] == ["linked already"] * 2
    assert world.link(incident) == made
    assert len(desk.asked(PULL)) == pulls


def test_lines_that_want_different_things_are_left(world: World, desk: Remote, file: Write) -> None:
    """Two objects for one incident at one instance, two incidents for one object; another instance is another matter."""
    other = world.instance("other")
    other.ticket("T1")
    for number in range(1, 4):
        desk.ticket(f"T{number}")
        world.create()
    path = file("incident,instance,remote_id\n1,desk,T1\n1,desk,T2\n2,desk,T3\n3,desk,T3\n1,other,T1\n")
    pairs = imported(world, path)
    assert [pair.verdict.value for pair in pairs] == [*["doubtful"] * 4, "adopted"]
    assert pairs[0].reason == f"{path}:3 links incident 1 at desk to something else"
    assert pairs[3].reason == f"{path}:4 links desk T3 to something else"


def test_an_incident_that_has_another_object_keeps_it(world: World, desk: Remote, file: Write) -> None:
    desk.ticket("T1")
    desk.ticket("T2")
    incident = world.create()
    world.connect(incident, remote_id="T1")
    [pair] = imported(world, file(f"incident,instance,remote_id\n{incident},desk,T2\n"))
    assert pair.reason == "the incident is linked to desk already"
    assert world.link(incident).remote_id == "T1"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ":1: the first line lacks incident, instance, remote_id"),
        ("incident;instance;remote_id\n1;desk;T1\n", "lacks incident, instance, remote_id"),
        ("incident,instance,remote_id,colour\n", "has colour"),
        ("incident,instance,remote_id,incident\n", "has a column twice"),
        ('incident,instance,remote_id\n1,desk,"T1\n', ":2: this is no CSV"),
    ],
)
def test_a_file_that_is_none_is_refused(world: World, desk: Remote, file: Write, text: str, told: str) -> None:
    with pytest.raises(Invalid) as raised:
        imported(world, file(text))
    assert told in raised.value.message


def test_a_file_that_cannot_be_read_is_told(world: World, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="cannot be read"):
        imported(world, tmp_path / "missing.csv")
    (tmp_path / "latin.csv").write_bytes("incident,instance,remote_id\n1,désk,T1\n".encode("latin-1"))
    with pytest.raises(Invalid, match="not written in UTF-8"):
        imported(world, tmp_path / "latin.csv")


def test_how_far_it_is(world: World, desk: Remote, file: Write) -> None:
    for number in range(1, 4):
        desk.ticket(f"T{number}")
        world.create(ticketid=f"T{number}")
    seen: list[tuple[str, int, int]] = []

    def told(what: str, done: int, of: int) -> None:
        seen.append((what, done, of))

    found = find(world, progress=told)
    links_find.adopt(world.app, ANALYST, found, progress=told)
    assert seen == [
        ("looking through incidents", 3, 3),
        *[("asking about objects", done, 3) for done in range(3)],
        *[("linking", done, 3) for done in (1, 2, 3)],
    ]
