"""An author's day by the real program: new, its tests, check, dev."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import casemirror
from support.cli import Program

SOURCE = Path(casemirror.__file__).parents[1]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new integration; tests do not change it."""
    folder = tmp_path_factory.mktemp("author")
    Program(folder / "home").good("new", "AcmeTickets", "--into", folder)
    return folder / "AcmeTickets"


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path / "home")


def run_pytest(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """pytest as an author runs it; the plugin is named twice, as where casemirror is installed and `-p` is given."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    plugin = ("-p", "casemirror.pytest_plugin", "-p", "no:cacheprovider")
    command = [sys.executable, "-m", "pytest", "-q", *plugin, *words]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_tests_of_a_new_integration_pass_at_once(made: Path) -> None:
    done = run_pytest(made)
    assert done.returncode == 0 and "17 passed" in done.stdout, done.stdout + done.stderr


def test_it_holds_in_every_point(program: Program, made: Path) -> None:
    card = program.good("check", made, "--simulator", made / "tests" / "fake_remote.py", "--json").json
    assert card["live"] and card["counts"] == {"passed": len(card["points"]), "failed": 0, "skipped": 0}, card
    assert len(card["points"]) > 60


WRONG = {
    "fetch.cursor": ("[\"created_at\"]) - LOOK_BACK)", "[\"created_at\"]) + timedelta(seconds=1))"),
    "poll.zones": ("since = stamp(utc(GetModifiedRemoteDataArgs(args).last_update))", "since = args['lastUpdate'][:19]"),
    "pull.gone": ('return f"Ticket {ticket_id} was not found: it was deleted, or the user may not see it."', "return []"),
    "push.echo": ("if not is_echo(client, comment)]", "]"),
    "push.delta": ("values = {**fields(delta),", "values = {**fields(data),"),
    "push.failure": ("        client.update(ticket_id, values)\n", "        try:\n            client.update(ticket_id, values)\n        except DemistoException:\n            pass\n"),
    "push.close.once": ("changed = told if told is not None else just_changed(parsed, closes)", "changed = closes"),
}  # fmt: skip
"""Point → what is written wrongly, so that it fails."""
FOLLOWS = {"fetch.limit", "fetch.once", "fetch.again", "push.reopen", "push.limit", "push.gone"}
"""Fail with them: by the same cursor, since nothing but a close is told any more, and since an update swallows every failure."""


def test_each_wrong_turn_is_found_and_shown_with_its_calls(program: Program, made: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "AcmeTickets"
    subprocess.run(["cp", "-r", made, wrong], check=True)
    code = wrong / "Integrations" / "AcmeTickets" / "AcmeTickets.py"
    text = code.read_text()
    for old, new in WRONG.values():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    code.write_text(text)
    ran = program("check", wrong, "--simulator", wrong / "tests" / "fake_remote.py", "--json")
    failed = {point["name"]: point for point in ran.json["points"] if point["outcome"] == "failed"}
    assert ran.code == 1 and failed.keys() == WRONG.keys() | FOLLOWS, {n: p["text"] for n, p in failed.items()}
    assert [call["command"] for call in failed["pull.gone"]["trace"]] == ["get-remote-data"]
    assert failed["pull.gone"]["advice"] and "fake-remote-password" not in ran.out


def test_a_check_without_a_remote_runs_nothing_and_says_so(program: Program, made: Path) -> None:
    ran = program.good("check", made)
    assert "15 of 15 points hold" in ran.out and "nothing was run" in ran.out


def test_a_remote_that_is_not_there_is_one_failure_with_its_words(program: Program, made: Path) -> None:
    given = ("-p", "url=http://127.0.0.1:9", "-p", "credentials.identifier=me", "--secret", "credentials=env:SECRET")
    ran = program("check", made, *given, environment={"SECRET": "hunter2-hunter2"})
    assert ran.code == 1 and "FAIL  test.ok" in ran.out and "Connection Error" in ran.out
    assert ran.out.count("FAIL") == 1 and "hunter2" not in ran.out


def test_what_cannot_be_checked_is_refused(program: Program, made: Path) -> None:
    assert "no simulator 'nothing'" in program.refused("check", made, "--simulator", "nothing")
    assert "--secret credentials.password" in program.refused("check", made, "-p", "credentials.password=x")
    assert "needs: User name" in program.refused("check", made, "-p", "isFetch=true")
    assert "has no function simulator()" in program.refused("check", made, "--simulator", __file__)


OTHERS = """
import sys

def test_alone():
    assert not [m for m in sys.modules if m.startswith('casemirror.') and m != 'casemirror.pytest_plugin']
    assert not [p for p in sys.path if p.endswith('guest')]
"""
STATE = """
import pytest

@pytest.mark.parametrize('turn', [1, 2])
def test_what_is_set_is_gone_after_the_test(demisto, turn):
    assert demisto.getIntegrationContext() == {} == demisto.params() and 'turn' not in demisto.getLastRun()
    demisto.setIntegrationContext({'turn': turn})
    demisto.params = lambda: {'a': 1}
    demisto.setLastRun({'turn': turn})
"""
SIMULATOR = """
def test_fetch(run_command, servicenow_simulator):
    servicenow_simulator.create('incident', short_description='Printer')
    given = {'url': servicenow_simulator.url, 'credentials.identifier': 'casemirror', 'credentials.password': 'casemirror'}
    ran = run_command(PACK, 'fetch-incidents', params=given)
    assert ran.error == '' and [each['short_description'] for each in ran.objects] == ['Printer']
    assert ran.last_run['since'] and ran.answer[0]['name'] == 'Printer'
"""


def test_the_plugin_leaves_others_alone_and_brings_its_fixtures(tmp_path: Path) -> None:
    """In this order: the first test sees a run that asked for nothing yet."""
    pack = SOURCE / "casemirror" / "packs" / "CasemirrorServiceNow"
    for name, text in (("1_others", OTHERS), ("2_state", STATE), ("3_simulator", f"PACK = {str(pack)!r}\n{SIMULATOR}")):
        (tmp_path / f"test_{name}.py").write_text(text)
    done = run_pytest(tmp_path)
    assert done.returncode == 0 and "4 passed" in done.stdout, done.stdout


MINE = """
import demistomock as demisto
from AcmeTickets import Client, fields

def test_fields():
    assert fields({'title': None}) == {'title': ''} and demisto.params() == {}
"""


def test_the_ini_option_lets_test_modules_import_an_integration(made: Path, tmp_path: Path) -> None:
    ini = f"[pytest]\ncasemirror_guest = true\npythonpath = {made}/Integrations/AcmeTickets\n"
    (tmp_path / "pytest.ini").write_text(ini)
    (tmp_path / "test_mine.py").write_text(MINE)
    done = run_pytest(tmp_path)
    assert done.returncode == 0, done.stdout
