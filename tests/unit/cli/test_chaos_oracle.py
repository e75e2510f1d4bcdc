"""What the judge of `casemirror chaos` calls wrong, and what it only counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from casemirror.cli.chaos.ledger import Ledger, Said, origins
from casemirror.cli.chaos.oracle import Verdict, judge
from casemirror.cli.chaos.world import CaseSeen, Delivery, EntrySeen, LinkSeen, TicketSeen, World
from casemirror.simulators.common.writes import Write

COLUMNS = {
    "short_description": "made <alpha-1>",
    "description": "",
    "priority": "3",
    "category": "network",
    "state": "2",
    "close_code": "",
    "close_notes": "",
}
FIELDS = {"name": "made <alpha-1>", "severity": 2.0, "snowcategory": "network", "snowstate": "2 - In Progress"}
WORD = "says <alpha-2>"


def ticket(system: str, sys_id: str, **changes: Any) -> TicketSeen:
    """One that agrees with `FIELDS`, and holds the comment of the story."""
    made = TicketSeen(
        system=system, sys_id=sys_id, columns=COLUMNS, closed=False, comments=(("alice", f"{WORD}\n\n— via"),)
    )
    return replace(made, **changes)


def write(verb: str, by: str = "casemirror", at: float = 100.0, sys_id: str = "b", **values: str) -> Write:
    """A write in the log of a system."""
    return Write(at=at, by=by, verb=verb, table="incident", sys_id=sys_id, values=values)


ALPHA = LinkSeen(id=1, system="alpha", remote_id="a")
BETA = LinkSeen(id=2, system="beta", remote_id="b")
ENTRY = EntrySeen(text=WORD, at=3.0, link=1, ways={2: Delivery(state="sent")})
CASE = CaseSeen(id=1, fields=FIELDS, closed=False, links=(ALPHA, BETA), entries=(ENTRY,))
MADE = write("create", at=2.0, correlation_id="g", short_description="made <alpha-1>")
SENT = write("update", at=4.0, comments=f"{WORD}\n\n— via")
GOOD = World(
    cases=(CASE,),
    tickets={"a": ticket("alpha", "a"), "b": ticket("beta", "b")},
    writes={"alpha": (), "beta": (MADE, SENT)},
)


def ledger() -> Ledger:
    """Alice made a ticket in alpha and said something there; casemirror made the one in beta."""
    return Ledger(said=[Said(token="<alpha-2>", where="alpha", case="a", at=1.0)], made=[("alpha", "a")])


def kinds(world: World, known: Ledger | None = None) -> list[str]:
    return [violation.kind for violation in judge(world, known or ledger()).violations]


def with_ticket(found: TicketSeen) -> World:
    return replace(GOOD, tickets={**GOOD.tickets, found.sys_id: found})


def with_case(**changes: Any) -> World:
    return replace(GOOD, cases=(replace(CASE, **changes),))


def test_nothing_is_wrong_when_all_is_there_once() -> None:
    verdict = judge(GOOD, ledger())
    assert verdict.violations == []
    assert verdict.compared > 15


def test_a_comment_that_did_not_come_in_is_lost() -> None:
    assert kinds(with_case(entries=())) == ["comment lost"]


def test_a_comment_that_did_not_go_out_is_lost() -> None:
    assert kinds(with_ticket(ticket("beta", "b", comments=()))) == ["comment lost"]


def test_a_comment_that_came_in_twice_is_doubled() -> None:
    assert kinds(with_case(entries=(ENTRY, ENTRY))) == ["comment doubled"]


TWICE = ticket("beta", "b", comments=(("casemirror", WORD), ("casemirror", WORD)))


def test_a_comment_that_went_out_twice_is_doubled() -> None:
    assert kinds(with_ticket(TWICE)) == ["comment doubled"]


@pytest.mark.parametrize(("attempts", "lag_s", "counted"), [(2, 30.0, True), (2, 0.0, False), (1, 30.0, False)])
def test_a_comment_may_be_doubled_only_when_a_late_index_hid_it(attempts: int, lag_s: float, counted: bool) -> None:
    """Known flaw: what was sent with unknown outcome is looked for in a list, which may be late."""
    entry = replace(ENTRY, ways={2: Delivery(state="sent", attempts=attempts)})
    again = write("update", at=24.0, comments=f"{WORD}\n\n— via")
    world = replace(with_ticket(TWICE), cases=(replace(CASE, entries=(entry,)),))
    world = replace(world, writes={"alpha": (), "beta": (MADE, SENT, again)})
    known = ledger()
    known.lag.append((0.0, "beta", lag_s))
    verdict: Verdict = judge(world, known)
    assert ([v.kind for v in verdict.violations], verdict.counted.total()) == (
        ([], 1) if counted else (["comment doubled"], 0)
    )


def test_what_was_said_after_the_close_need_not_go_out() -> None:
    """MIR-174."""
    closed = {**COLUMNS, "state": "7"}
    world = replace(
        GOOD,
        cases=(
            replace(
                CASE,
                closed=True,
                fields={**FIELDS, "snowstate": "7 - Closed"},
                entries=(replace(ENTRY, may_go=False, ways={}),),
            ),
        ),
        tickets={
            "a": ticket("alpha", "a", closed=True, columns=closed),
            "b": ticket("beta", "b", closed=True, columns=closed, comments=()),
        },
    )
    verdict = judge(world, ledger())
    assert (verdict.violations, verdict.counted.total()) == ([], 1)


@pytest.mark.parametrize(
    ("body", "there", "wrong"), [(b"x", b"x", []), (b"x", b"y", ["file lost"]), (b"x", None, ["file lost"])]
)
def test_a_file_is_there_with_its_bytes(body: bytes, there: bytes | None, wrong: list[str]) -> None:
    files = (("here-9.bin", there),) if there else ()
    entry = EntrySeen(text="here-9.bin", at=5.0, is_file=True, body=body, ways={})
    known = ledger()
    known.said.append(Said(token="<here-9>", where="here", case="1", at=5.0, body=body))
    world = replace(
        GOOD,
        cases=(replace(CASE, entries=(ENTRY, entry)),),
        tickets={"a": ticket("alpha", "a", files=(("here-9.bin", body),)), "b": ticket("beta", "b", files=files)},
    )
    assert kinds(world, known) == wrong


def test_what_nobody_knows_to_be_said_may_be_missing() -> None:
    """The database went away while a person wrote: nobody was told that it is done."""
    known = ledger()
    known.said.append(Said(token="<here-9>", where="here", case="1", at=5.0, sure=False))
    assert kinds(GOOD, known) == []


def test_a_field_that_differs_is_wrong_and_an_open_conflict_says_why() -> None:
    other = ticket("beta", "b", columns={**COLUMNS, "description": "other"})
    assert kinds(with_ticket(other)) == ["field differs"]
    links = (ALPHA, replace(BETA, conflicts=frozenset({"details"})))
    world = replace(with_ticket(other), cases=(replace(CASE, links=links),))
    verdict = judge(world, ledger())
    assert (verdict.violations, dict(verdict.counted)) == ([], {"open conflict": 1})


def test_a_state_that_differs_is_wrong_and_a_held_link_says_why() -> None:
    other = ticket("beta", "b", closed=True)
    assert kinds(with_ticket(other)) == ["field differs"]
    world = replace(with_ticket(other), cases=(replace(CASE, links=(ALPHA, replace(BETA, held="look there"))),))
    assert kinds(world) == []


def test_a_ticket_without_incident_and_one_with_two_are_wrong() -> None:
    alone = ticket("alpha", "c", comments=())
    known = ledger()
    known.made.append(("alpha", "c"))
    assert kinds(with_ticket(alone), known) == ["ticket lost"]
    twice = replace(CASE, id=2, links=(ALPHA,), entries=(ENTRY,))
    assert "incident doubled" in kinds(replace(GOOD, cases=(CASE, twice)))


def test_two_tickets_for_one_incident_are_wrong() -> None:
    second = write("create", at=9.0, sys_id="c", correlation_id="g", short_description="made <alpha-1>")
    world = replace(with_ticket(ticket("beta", "c")), writes={"alpha": (), "beta": (MADE, SENT, second)})
    assert kinds(world) == ["ticket doubled"]
    known = ledger()
    known.deleted.add(MADE.sys_id)
    assert "ticket doubled" not in kinds(world, known), "the first one was deleted before we knew of it"


def test_a_deleted_ticket_is_no_violation_and_a_vanished_one_is() -> None:
    world = replace(GOOD, tickets={"a": ticket("alpha", "a")})
    known = ledger()
    known.deleted.add("b")
    assert kinds(world, known) == []
    assert kinds(world) == ["ticket lost"]


@pytest.mark.parametrize(
    "echo",
    [
        write("update", sys_id="a", short_description="made <alpha-1>"),
        write("update", sys_id="a", comments=WORD),
        write("attach", sys_id="a", file_name="alpha-7.bin"),
    ],
)
def test_what_goes_back_to_where_it_came_from_is_an_echo(echo: Write) -> None:
    """Also when the write changes nothing."""
    assert kinds(replace(GOOD, writes={**GOOD.writes, "alpha": (replace(echo, changed=False),)})) == ["echo"]
    people = replace(echo, by="alice")
    assert kinds(replace(GOOD, writes={**GOOD.writes, "alpha": (people,)})) == []


def test_origins_are_read_from_tokens() -> None:
    assert origins("a <alpha-1> b <here-22> c <b>") == {"alpha", "here"}


def test_the_lag_of_a_time_is_the_most_that_was_in_force() -> None:
    known = Ledger(lag=[(10.0, "beta", 30.0), (20.0, "beta", 5.0), (30.0, "beta", 0.0), (31.0, "alpha", 99.0)])
    assert [known.late("beta", *times) for times in ((0, 5), (12, 14), (12, 25), (22, 40), (35, 40))] == [
        0.0,
        30.0,
        30.0,
        5.0,
        0.0,
    ]
