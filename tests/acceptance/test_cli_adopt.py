"""`link find`, `link import` and `policy owner` by the real program, on both databases, against two ServiceNow simulators."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import casemirror
from casemirror.simulators.servicenow import ServiceNowSimulator
from support import postgres
from support.cli import Program

PACKS = Path(casemirror.__file__).parent / "packs"


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    with postgres.running() as url:
        yield url


@pytest.fixture
def remotes() -> Iterator[tuple[ServiceNowSimulator, ServiceNowSimulator]]:
    """Two ServiceNow instances."""
    with ServiceNowSimulator(seed=1) as one, ServiceNowSimulator(seed=2) as two:
        yield one, two


@pytest.fixture(params=["sqlite", "postgresql"])
def program(
    request: pytest.FixtureRequest, tmp_path: Path, remotes: tuple[ServiceNowSimulator, ServiceNowSimulator]
) -> Program:
    """A program with both instances, and nothing fetched."""
    url = postgres.new_database(request.getfixturevalue("postgresql")) if request.param == "postgresql" else ""
    database = {"CASEMIRROR_DATABASE_URL": url} if url else {}
    made = Program(tmp_path / "home", {"REMOTE_PASSWORD": "casemirror", **database})
    made.good("pack", "add", PACKS)
    for name, remote in zip(("snow", "second"), remotes, strict=True):
        made.good(
            *("instance", "add", name, "--integration", "casemirror ServiceNow", "--param", f"url={remote.url}"),
            *("--param", "credentials.identifier=casemirror", "--secret", "credentials=env:REMOTE_PASSWORD"),
            *("--param", "mirror_direction=Incoming And Outgoing"),
        )
    made.good("field", "add", "--name", "Ticket ID")
    return made


def some_tickets(remote: ServiceNowSimulator) -> list[str]:
    """Three tickets of its own; returns their ids."""
    made = [
        remote.create("incident", short_description=f"Printer {number} on fire", priority="2") for number in range(3)
    ]
    return [row["sys_id"] for row in made]


def row(remote: ServiceNowSimulator, sys_id: str) -> dict[str, str]:
    found = remote.get(sys_id)
    assert found is not None
    return dict(found)


def count(remote: ServiceNowSimulator) -> int:
    return len(remote.rows("incident"))


def test_incidents_are_found_adopted_and_owned(
    program: Program, remotes: tuple[ServiceNowSimulator, ServiceNowSimulator], tmp_path: Path
) -> None:
    """From a look to a file to an owner: nothing is created there, nothing overwritten, and one side owns the severity."""
    one, two = remotes
    ids, others = some_tickets(one), some_tickets(two)
    before = {sys_id: row(one, sys_id)["sys_mod_count"] for sys_id in ids}
    counted = count(one), count(two)
    program.good("incident", "create", "Ours", "severity=low", f"ticketid={ids[0]}")
    program.good("incident", "create", "Twin", f"ticketid={ids[1]}")
    program.good("incident", "create", "Twin", f"ticketid={ids[1]}")
    program.good("incident", "create", "Gone", "ticketid=00000000000000000000000000000bad")
    looked = program.good("link", "find", "snow").out
    assert "ticketid, labels that are named as ids of 4 incidents without a link to snow" in looked
    assert "1 clear, 3 doubtful\nnothing was written; --adopt links the one that is clear" in looked
    pairs = program.good("link", "find", "snow", "--adopt", "--json").json["pairs"]
    assert [(pair["incident"], pair["verdict"]) for pair in pairs] == [
        ("1", "adopted"),
        ("2", "doubtful"),
        ("3", "doubtful"),
        ("4", "doubtful"),
    ]
    assert pairs[0]["says"] == {"name": "Printer 0 on fire", "severity": 3, "state": "1 - New"}
    assert pairs[0]["differs"]["severity"] == {"here": 1, "there": 3}
    file = tmp_path / "tickets.csv"
    file.write_text(f"incident,instance,remote_id\n1,second,{others[0]}\n2,snow,{ids[1]}\n3,snow,{'0' * 29}bad\n")
    shown = program("link", "import", file, "--dry-run")
    assert shown.code == 1
    assert "2 clear, 1 left as they are" in shown.out
    done = program("link", "import", file)
    assert (done.code, f"{file}:4: snow does not have it: " in done.out) == (1, True)
    assert "2 adopted, 1 left as they are" in done.out
    assert "2 linked already, 1 left as they are" in program("link", "import", file).out
    for _ in range(2):
        program.good("instance", "mirror", "snow")
        program.good("instance", "mirror", "second")
    shown = program.good("incident", "show", "1", "--json").json
    assert (shown["name"], shown["severity"]) == ("Printer 0 on fire", 3)
    assert {sys_id: row(one, sys_id)["sys_mod_count"] for sys_id in ids} == before
    assert (count(one), count(two)) == counted

    assert program.good("policy", "owner", "severity", "snow").out == "snow owns severity\n"
    two.update(others[0], priority="4")
    program.good("instance", "mirror", "second")
    assert program.good("incident", "show", "1", "--json").json["severity"] == 3
    assert row(two, others[0])["priority"] == "2"
    assert "it is owned by snow, so what second changed was not taken" in program.good("why", "1", "severity").out
    assert "not taken: severity (owned by snow)" in program("doctor", "1").out
    one.update(ids[0], priority="1")
    program.good("instance", "mirror", "snow")
    program.good("instance", "mirror", "second")
    assert row(two, others[0])["priority"] == "1"


def test_policies_for_links_and_owners_are_listed_and_taken_back(program: Program) -> None:
    """What is set is shown, in words and as JSON; what cannot be is refused in one line."""
    program.good("incident", "create", "Ours")
    assert "incident 1 is not linked to 'snow'" in program.refused(
        "policy", "set", "ask", "--incident", "1", "--instance", "snow"
    )
    program.good("link", "add", "1", "snow", "--direction", "Both")
    program.good("policy", "set", "ask", "--incident", "1", "--instance", "snow", "--field", "severity")
    program.good("policy", "owner", "severity", "second", "--incident", "1")
    listed = program.good("policy", "list", "--json").json
    assert listed == {
        "methods": [{"method": "ask", "instance": "snow", "type": "", "field": "severity", "incident": "1"}],
        "owners": [{"owner": "second", "field": "severity", "type": "", "incident": "1"}],
    }
    shown = program.good("policy", "list").out
    assert "owned by" in shown and "second" in shown
    assert "give the instance that owns the field, or --none" in program.refused("policy", "owner", "severity")
    program.good("policy", "owner", "severity", "--none", "--incident", "1")
    program.good("policy", "remove", "--incident", "1", "--instance", "snow", "--field", "severity")
    assert program.good("policy", "list", "--json").json == {"methods": [], "owners": []}


def test_mistakes_are_told_in_one_line(program: Program, tmp_path: Path) -> None:
    """Where a pattern is wrong, a file that is none, and a pattern that would never end."""
    assert "at character 5: (abc▶" in program.refused("link", "find", "snow", "--regex", "(abc")
    assert "no instance named 'nowhere'" in program.refused("link", "find", "nowhere")
    (tmp_path / "bad.csv").write_text("a;b\n")
    assert "bad.csv:1: the first line lacks incident" in program.refused("link", "import", tmp_path / "bad.csv")
    program.good("incident", "create", "Long", f"details={'a' * 40}!")
    told = program.refused("link", "find", "snow", "--field", "details", "--regex", "((?:a|aa)+)$")
    assert "takes longer than 1 s on details of incident 1" in told
