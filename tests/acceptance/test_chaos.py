"""`casemirror chaos` for a quarter of a minute, and that its proof sees what is planted afterwards."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from casemirror.cli.chaos import look, oracle, play, report, stage
from casemirror.cli.chaos.ledger import Ledger
from casemirror.cli.chaos.play import Result
from casemirror.cli.chaos.stage import Stage
from casemirror.simulators.servicenow import ServiceNowSimulator

SEED = int(os.environ.get("CASEMIRROR_SEED", "5"))
MINUTES = 0.25
KNOWN = ("disk full", "HTML page")
"""Faults by which chaos found what is not mended yet: a lane that stands still after a full disk, a write that is lost when
a log-in page answers it with status 200. Take one out of here when it is.
"""
COMMAND = [sys.executable, "-m", "casemirror.cli.main", "chaos"]


@dataclass(frozen=True)
class Run:
    """A run that is over; its simulators and its database can still be looked at."""

    stage: Stage
    ledger: Ledger
    result: Result

    @property
    def mirrored(self) -> tuple[ServiceNowSimulator, str, str]:
        """A ticket of beta with a comment that came from elsewhere: simulator, sys_id, the comment's row."""
        beta = self.stage.simulators["beta"]
        known = {link.remote_id for case in self.result.world.cases for link in case.links}
        for row in beta.rows("sys_journal_field"):
            if row["sys_created_by"] == oracle.US and row["element_id"] in known and beta.get(row["element_id"]):
                return beta, row["element_id"], row["sys_id"]
        raise AssertionError("no comment reached beta")

    def wrong(self) -> list[oracle.Violation]:
        """What is wrong now."""
        return oracle.judge(look.look(self.stage), self.ledger).violations


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """The short run that all tests look at."""
    if not os.environ.get("CASEMIRROR_CHAOS"):
        pytest.skip("what chaos meets is a matter of timing; CASEMIRROR_CHAOS=1 runs it")
    ledger = Ledger()
    with stage.running(tmp_path_factory.mktemp("chaos"), "", SEED, ledger) as running:
        yield Run(running, ledger, play.run(running, ledger, SEED, MINUTES, without=KNOWN))


@pytest.mark.timeout(420)
def test_after_chaos_both_sides_agree(run: Run) -> None:
    """Design rules 1-9: people worked, things went wrong, and nothing is lost, doubled or sent back."""
    result = run.result
    assert result.busy == []
    told = [line for wrong in result.verdict.violations for line in (wrong.text, *history(run, wrong))]
    assert result.verdict.violations == [], f"seed {SEED}\n" + "\n".join(told)
    assert run.ledger.done.total() > 30
    assert run.ledger.faults.total() >= 3
    assert result.verdict.compared > 100
    assert len(list(report.lags_s(run.ledger, result.world))) > 10


def history(run: Run, wrong: oracle.Violation) -> list[str]:
    """What the report tells about a violation."""
    return report.history(run.stage, run.ledger, run.result.world, wrong)


def lose_a_comment(run: Run) -> Callable[[], None]:
    beta, _, entry = run.mirrored
    row = beta.instance.records.get("sys_journal_field", entry)
    assert row is not None
    beta.instance.records.remove("sys_journal_field", entry)
    return lambda: beta.instance.records.put("sys_journal_field", row)


def double_a_comment(run: Run) -> Callable[[], None]:
    beta, _, entry = run.mirrored
    row = beta.instance.records.get("sys_journal_field", entry)
    assert row is not None
    beta.instance.records.put("sys_journal_field", {**row, "sys_id": "f" * 32})
    return lambda: beta.instance.records.remove("sys_journal_field", "f" * 32)


def change_a_field(run: Run) -> Callable[[], None]:
    beta, ticket, _ = run.mirrored
    row = beta.get(ticket)
    assert row is not None
    beta.instance.records.put("incident", {**row, "description": "planted"})
    return lambda: beta.instance.records.put("incident", row)


def send_an_echo(run: Run) -> Callable[[], None]:
    beta, ticket, _ = run.mirrored
    row = beta.get(ticket)
    assert row is not None
    beta.update(ticket, by=oracle.US, subcategory="says <beta-999999>")
    return lambda: beta.instance.records.put("incident", row)


@pytest.mark.parametrize(
    ("plant", "kind"),
    [
        (lose_a_comment, "comment lost"),
        (double_a_comment, "comment doubled"),
        (change_a_field, "field differs"),
        (send_an_echo, "echo"),
    ],
)
def test_the_proof_sees_what_is_planted(run: Run, plant: Callable[[Run], Callable[[], None]], kind: str) -> None:
    """The judge is no rubber stamp; and the history of a violation tells what happened to its ticket."""
    run.stage.fleet.stop()
    before = set(run.wrong())
    undo = plant(run)
    try:
        new = [wrong for wrong in run.wrong() if wrong not in before]
    finally:
        undo()
    assert {wrong.kind for wrong in new} == {kind}
    assert len(history(run, new[0])) >= 2


def test_a_system_that_people_use_is_refused(run: Run, tmp_path: Path) -> None:
    """Neither a folder with something in it nor an unknown fault starts anything."""
    (tmp_path / "mine").write_text("precious")
    done = subprocess.run([*COMMAND, "--keep", str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, list(tmp_path.iterdir())) == (2, [tmp_path / "mine"])
    done = subprocess.run([*COMMAND, "--without", "boredom"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "SIGKILL child" in done.stderr


def test_the_simulators_remember_who_wrote_what(run: Run) -> None:
    """Each write of people and of casemirror, and by name."""
    with ServiceNowSimulator() as snow:
        ticket = snow.create("incident", short_description="one")["sys_id"]
        snow.update(ticket, by="casemirror", short_description="one")
        snow.attach(ticket, "a.txt", b"a")
        snow.delete(ticket)
        found = [(w.verb, w.by, w.changed) for w in snow.instance.writes.all()]
    assert found == [
        ("create", "alice", True),
        ("update", "casemirror", False),
        ("attach", "alice", True),
        ("delete", "alice", True),
    ]


@pytest.mark.parametrize(
    ("faults", "status", "header"),
    [
        ({"refuse_rate": 1, "retry_after_s": 2}, 429, "2"),
        ({"refuse_rate": 1}, 429, None),
        ({"hang_rate": 1, "hang_s": 0.2}, 0, None),
        ({"disorder_rate": 1}, 200, None),
    ],
)
def test_the_faults_that_chaos_needs(faults: dict[str, float], status: int, header: str | None) -> None:
    """429 with and without Retry-After, no answer at all, rows in any order and one of them twice."""
    import requests

    with ServiceNowSimulator(seed=1, fault_values=faults) as snow:
        for number in range(3):
            snow.create("incident", short_description=f"ticket {number}")
        began = time.monotonic()
        try:
            answer = requests.get(f"{snow.url}/api/now/table/incident", auth=("casemirror", "casemirror"), timeout=5)
        except requests.ConnectionError:
            assert status == 0 and time.monotonic() - began >= 0.2
            return
        assert (answer.status_code, answer.headers.get("Retry-After")) == (status, header)
        if status == 200:
            titles = [row["short_description"] for row in answer.json()["result"]]
            assert len(titles) == 4 and len(set(titles)) == 3


def test_a_write_that_hangs_is_done() -> None:
    """A time-out says nothing about what was done."""
    import requests

    with ServiceNowSimulator(fault_values={"hang_after_write_rate": 1, "hang_s": 0.2}) as snow:
        with pytest.raises(requests.ConnectionError):
            requests.post(
                f"{snow.url}/api/now/table/incident",
                auth=("casemirror", "casemirror"),
                json={"short_description": "there"},
                timeout=5,
            )
        assert [row["short_description"] for row in snow.rows("incident")] == ["there"]
        assert snow.state()["struck"] == {"hang_after_write": 1}


def test_every_kind_of_fault_is_on_the_page() -> None:
    """docs/chaos.md names what can go wrong."""
    from casemirror.cli.chaos.faults import KINDS

    page = (Path(__file__).parents[2] / "docs" / "chaos.md").read_text()
    assert [kind for kind in KINDS if not re.search(rf"\| {re.escape(kind)} \|", page)] == []
