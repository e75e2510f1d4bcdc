"""An author's day by the real program: new, its tests, check, dev."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
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


ENTRY_POINT = "[pytest11]\ncasemirror.pytest_plugin = casemirror.pytest_plugin\n"
"""As pyproject.toml declares it."""


def run_pytest(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """pytest as an author runs it; the plugin is named twice: by its entry point and by `-p`."""
    installed = folder.parent / "installed"
    about = installed / "casemirror-0.dist-info"
    about.mkdir(parents=True, exist_ok=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: casemirror\nVersion: 0\n")
    (about / "entry_points.txt").write_text(ENTRY_POINT)
    environment = {**os.environ, "PYTHONPATH": f"{SOURCE}{os.pathsep}{installed}"}
    plugin = ("-p", "casemirror.pytest_plugin", "-p", "no:cacheprovider")
    command = [sys.executable, "-m", "pytest", "-q", *plugin, *words]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_tests_of_a_new_integration_pass_at_once(made: Path) -> None:
    done = run_pytest(made)
    assert done.returncode == 0 and "18 passed" in done.stdout, done.stdout + done.stderr


def test_it_holds_in_every_point(program: Program, made: Path) -> None:
    card = program.good("check", made, "--simulator", made / "tests" / "fake_remote.py", "--json").json
    assert card["live"] and card["counts"] == {"passed": len(card["points"]), "failed": 0, "skipped": 0}, card
    assert len(card["points"]) > 60


WRONG = {
    "test.refused": ("    client.who_am_i()\n", ""),
    "commands.unknown": ('raise NotImplementedError(f"{command} is not a command of this integration.")', "return"),
    "fetch.mirror": ('"mirror_instance": demisto.integrationInstance()', '"mirror_instance": "another"'),
    "fetch.cursor": ('["created_at"]) - LOOK_BACK)', '["created_at"]) + timedelta(hours=1))'),
    "schema.mapped": ('    scheme.add_field("description", "Description")\n', ""),
    "poll.zones": ("since = stamp(utc(GetModifiedRemoteDataArgs(args).last_update))", "since = args['lastUpdate'][:19]"),
    "poll.limit": ('raise DemistoException("API rate limit"', 'raise DemistoException("Too many requests"'),
    "poll.pages": ('            if not answer.get("next"):\n', "            if True:\n"),
    "pull.comments": ("client.comments(ticket_id, since)", "client.comments(ticket_id)"),
    "pull.files": ('client.file(file["id"])', 'client.file(file["id"])[:5]'),
    "pull.close": ("entries.append(state_of(ticket))", "pass"),
    "pull.gone": ('return f"Ticket {ticket_id} was not found: it was deleted, or the user may not see it."', "return []"),
    "push.id": ("    return ticket_id\n\n\ndef fields", '    return ""\n\n\ndef fields'),
    "push.delta": ("values = {**fields(delta),", "values = {**fields(data),"),
    "push.echo": ("if not is_echo(client, comment)]", "]"),
    "push.files": ('client.attach(ticket_id, staged["name"], body)', 'client.attach(ticket_id, staged["name"], body[:5])'),
    "push.failure": ("        client.update(ticket_id, values)\n", "        try:\n            client.update(ticket_id, values)\n        except DemistoException:\n            pass\n"),
    "push.close.once": ("changed = told if told is not None else just_changed(parsed, closes)", "changed = closes"),
    "logs.secrets": ("        client = Client(\n", "        demisto.debug(params)\n        client = Client(\n"),
}  # fmt: skip
"""Point → what is written wrongly, so that it fails."""
FOLLOW = {"fetch.limit", "fetch.once", "fetch.again", "pull.limit", "pull.zones", "pull.reopen", "push.reopen", "push.limit", "push.gone"}  # fmt: skip
"""Fail with them: by the same cursor, the same words, the same swallowed failure."""


def test_each_wrong_turn_is_found_and_shown_with_its_calls(program: Program, made: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "AcmeTickets"
    shutil.copytree(made, wrong)
    code = wrong / "Integrations" / "AcmeTickets" / "AcmeTickets.py"
    text = code.read_text()
    for old, new in WRONG.values():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    code.write_text(text)
    ran = program("check", wrong, "--simulator", wrong / "tests" / "fake_remote.py", "--json")
    failed = {point["name"]: point for point in ran.json["points"] if point["outcome"] == "failed"}
    assert ran.code == 1 and failed.keys() == WRONG.keys() | FOLLOW, {n: p["text"] for n, p in failed.items()}
    for name in failed.keys() - {"logs.secrets"}:
        assert failed[name]["advice"] and failed[name]["trace"], name
    assert "fake-remote-password" not in ran.out


def test_a_check_without_a_remote_runs_nothing_and_says_so(program: Program, made: Path) -> None:
    ran = program.good("check", made)
    assert "15 of 15 points hold" in ran.out and "nothing was run" in ran.out


def test_a_remote_that_is_not_there_is_one_failure_with_its_words(program: Program, made: Path) -> None:
    given = ("-p", "url=http://127.0.0.1:9", "-p", "credentials.identifier=me", "--secret", "credentials=env:SECRET")
    ran = program("check", made, *given, environment={"SECRET": "hunter2-hunter2"})
    assert ran.code == 1 and "FAIL  test.ok" in ran.out and "Connection Error" in ran.out
    assert ran.out.count("FAIL") == 1 and "hunter2" not in ran.out


def test_what_cannot_be_checked_is_refused(program: Program, made: Path) -> None:
    assert "needs: User name" in program.refused("check", made, "-p", "isFetch=true")
    assert "no simulator 'nothing'" in program.refused("dev", made, "--simulator", "nothing")


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


def test_the_entry_point_is_the_one_that_is_declared() -> None:
    declared = tomllib.loads((SOURCE.parent / "pyproject.toml").read_text())["project"]["entry-points"]["pytest11"]
    assert "[pytest11]\n" + "".join(f"{name} = {module}\n" for name, module in declared.items()) == ENTRY_POINT


@contextmanager
def developing(made: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """(`casemirror dev` of a copy, running; the copy). Whatever a test does, it is ended."""
    folder = tmp_path / "AcmeTickets"
    shutil.copytree(made, folder)
    environment = {**Program(tmp_path / "home")._environment, "TMPDIR": str(tmp_path / "tmp"), "PYTHONUNBUFFERED": "1"}
    (tmp_path / "tmp").mkdir()
    command = [sys.executable, "-m", "casemirror.cli.main", "dev", str(folder), "--every", "1"]
    command += ["--simulator", str(folder / "tests" / "fake_remote.py")]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, start_new_session=True
    )
    try:
        yield process, folder
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def until(process: subprocess.Popen[str], words: str) -> list[str]:
    """Lines up to the one with these words."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if words in line:
            return lines
    raise AssertionError("".join(lines))


def children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def test_dev_shows_what_happens_begins_anew_when_a_file_is_saved_and_leaves_nothing(made: Path, tmp_path: Path) -> None:
    with developing(made, tmp_path) as (process, folder):
        first = "".join(until(process, "Waiting for a saved file"))
        for words in (
            '→  get-remote-data {"id": "1", "lastUpdate":',
            "=  changed: 1",
            "!  incident 1: a new Acme Tickets Ticket, 'Opened by casemirror dev', linked to 1, direction Both",
            '!  incident 1: field in name "Opened by casemirror dev" → "Renamed there"   (only Acme Tickets changed it)',
            '!  incident 1: field out name "Renamed there" → "Renamed here"   (only we changed it)',
            "✓  the comment is on the ticket, once",
            "✓  the ticket is closed",
        ):
            assert words in first
        assert "✗" not in first and "fake-remote-password" not in first
        code = folder / "Integrations" / "AcmeTickets" / "AcmeTickets.py"
        code.write_text(code.read_text().replace('return "ok"', 'return "not yet"'))
        again = "".join(until(process, "✗"))
        assert "Saved: Integrations/AcmeTickets/AcmeTickets.py" in again and "not yet" in again
        code.write_text(code.read_text().replace('return "not yet"', 'return "ok"'))
        until(process, "✓  the ticket is closed")
        left = children(process.pid)
        os.kill(process.pid, signal.SIGINT)
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 0 and "Stopped." in out and "Traceback" not in out
        assert left and not [pid for pid in left if Path("/proc", pid).exists()]
        assert list((tmp_path / "tmp").iterdir()) == [] and not (tmp_path / "home").exists()


def test_one_round_says_by_its_exit_code_whether_all_was_right(program: Program, made: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "AcmeTickets"
    shutil.copytree(made, wrong)
    code = wrong / "Integrations" / "AcmeTickets" / "AcmeTickets.py"
    code.write_text(code.read_text().replace("values = {**fields(delta), ", "values = {"))
    ran = program("dev", wrong, "--simulator", wrong / "tests" / "fake_remote.py", "--once")
    assert ran.code == 1 and ran.out.count("✗") == 1 and "✗  not so: the ticket is called so" in ran.out, ran.out
