"""The command line as people use it: real processes, SQLite, the ServiceNow simulator on this machine."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import casemirror
from casemirror.runtime.pool import ProcessRuntime
from casemirror.simulators.servicenow import ServiceNowSimulator
from support.cli import Program
from support.server import Server

PACKS = Path(casemirror.__file__).parent / "packs"
PASSWORD = "a-password-that-must-never-be-shown"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with our packs, to be copied."""
    home = tmp_path_factory.mktemp("installed") / "home"
    Program(home).good("pack", "add", PACKS)
    return home


@pytest.fixture
def program(installed: Path, tmp_path: Path) -> Program:
    """A program with a home folder of its own, our packs in it."""
    home = tmp_path / "home"
    shutil.copytree(installed, home)
    return Program(home, {"REMOTE_PASSWORD": "casemirror", "WRONG_PASSWORD": PASSWORD})


@pytest.fixture
def remote() -> Iterator[ServiceNowSimulator]:
    """A ServiceNow instance with one incident."""
    with ServiceNowSimulator(seed=1) as simulator:
        simulator.create("incident", short_description="Printer on fire", priority="4")
        yield simulator


def add(program: Program, url: str, *further: str, secret: str = "REMOTE_PASSWORD", name: str = "snow") -> None:
    """Add an instance of our ServiceNow integration."""
    program.good(
        *("instance", "add", name, "--integration", "casemirror ServiceNow", "--param", f"url={url}"),
        *("--param", "credentials.identifier=casemirror", "--secret", f"credentials=env:{secret}"),
        *("--param", "mirror_direction=Incoming And Outgoing", "--param", "isFetch=true", *further),
    )


def test_a_ticket_is_fetched_changed_and_agreed_on_by_commands_alone(
    program: Program, remote: ServiceNowSimulator, tmp_path: Path
) -> None:
    """Issue: point 3; MIR-137, MIR-153, MIR-162, MIR-169."""
    add(program, remote.url)
    assert program.good("instance", "test", "snow").out == "ok\n"
    assert program.good("instance", "fetch", "snow", "--json").json["created"] == 1
    (listed,) = program.good("incident", "list", "--json").json
    assert (listed["name"], listed["dbotMirrorInstance"], listed["severity"]) == ("Printer on fire", "snow", 1)
    ticket = listed["dbotMirrorId"]

    shown = program.good("incident", "edit", "1", "severity=high", "Snow State=2 - in progress", "--json").json
    assert {"severity", "snowstate"} <= set(shown["dbotCurrentDirtyFields"])
    assert not shown["links"][0]["agrees"]
    assert program.good("incident", "comment", "1", "Foam is on its way", "--tag", "comments", "--json").json[
        "goesTo"
    ] == ["snow"]
    assert program.good("incident", "comment", "1", "only for us", "--json").json["goesTo"] == []
    (tmp_path / "fire.txt").write_bytes(b"hot")
    program.good("incident", "attach", "1", tmp_path / "fire.txt", "--tag", "ForServiceNow")
    program.good("incident", "tag", "2@1", "work_notes")
    cycle = program.good("instance", "mirror", "snow", "--json").json
    assert (cycle["fields_out"] >= 2, cycle["entries_out"], cycle["failures"]) == (True, 3, [])

    row = remote.get(ticket)
    assert row is not None
    assert (row["priority"], row["state"]) == ("2", "2")
    assert "Foam is on its way" in remote.comments(ticket)[0]["value"]
    assert "only for us" in remote.comments(ticket, "work_notes")[0]["value"]
    assert [remote.file(a["sys_id"]) for a in remote.attachments(ticket)] == [b"hot"]

    program.good("incident", "close", "1", "--reason", "Resolved", "--notes", "New printer.")
    program.good("instance", "mirror", "snow")
    closed = remote.get(ticket)
    assert closed is not None and closed["state"] == "7"
    shown = program.good("incident", "show", "1", "--json").json
    assert (shown["status"], shown["closeReason"], shown["links"][0]["agrees"]) == (2, "Resolved", True)
    program.good("incident", "reopen", "1")
    program.good("instance", "mirror", "snow")
    again = remote.get(ticket)
    assert again is not None and again["state"] == "2"


def test_what_people_read_names_what_they_look_for(program: Program, remote: ServiceNowSimulator) -> None:
    """Issue: point 3, human tables by default."""
    add(program, remote.url)
    program.good("instance", "fetch", "snow")
    program.good("incident", "comment", "1", "said here", "--tag", "comments")
    shown = program.good("incident", "show", "1").out
    for word in ("Printer on fire", "snow", "said here", "Snow State", "to send", "1 entries"):
        assert word in shown
    assert "snow" in program.good("instance", "list").out
    assert "Printer on fire" in program.good("incident", "list").out
    assert "short_description" in program.good("schema", "snow").out
    assert "casemirror ServiceNow" in program.good("instance", "show", "snow", "--json").out
    assert "CasemirrorServiceNow" in program.good("pack", "list").out


def test_statistics_records_and_purge_are_those_of_the_contract(program: Program, remote: ServiceNowSimulator) -> None:
    """MIR-185, 187, 189, 190; mirroring.md §5.2–§5.4."""
    add(program, remote.url)
    program.good("instance", "fetch", "snow")
    program.good("instance", "mirror", "snow")
    snow, total = program.good("stats", "--json").json
    assert (snow["instance"], snow["totalMirrored"], total["instance"], total["totalMirrored"]) == (
        "snow",
        1,
        "total",
        1,
    )
    (record,) = program.good("records", "--json").json
    assert (record["incidentId"], record["state"], record["currentDirtyFields"]) == ("1", "active", [])
    program.good("incident", "close", "1")
    assert program.good("purge", "snow", "--older-than", "1", "--json").json == {"purged": 0}
    assert program.good("purge", "snow", "--json").json == {"purged": 1}
    assert program.good("records", "--closed", "--json").json[0]["state"] == "purged"
    assert "no instance named" in program.refused("purge", "nobody")
    assert "whole number of days" in program.refused("purge", "snow", "--older-than=-3")
    assert program.good("run", "!getMirrorStatistics").out.count("snow") == 1


def test_commands_by_hand_show_their_answer_and_change_nothing(program: Program, remote: ServiceNowSimulator) -> None:
    """MIR-034, MIR-195."""
    add(program, remote.url)
    program.good("instance", "fetch", "snow")
    before = program.good("incident", "show", "1", "--json").json
    ticket = before["dbotMirrorId"]
    remote.update(ticket, short_description="Changed there")
    answer = program.good("run", f"!get-remote-data id={ticket} lastUpdate=2020-01-01T00:00:00Z", "--using", "snow")
    assert "Changed there" in answer.out
    assert "short_description" in program.good("run", "!get-mapping-fields", "--using", "snow").out
    listed = program.good("run", "!get-modified-remote-data lastUpdate=2020-01-01T00:00:00Z", "--json").json
    assert ticket in listed["entries"][0]["contents"]
    assert program.good("incident", "show", "1", "--json").json == before
    assert "needs lastUpdate=" in program.refused("run", "!get-remote-data id=1", "--using", "snow")
    assert "no argument" in program.refused("run", "!get-remote-data idd=1", "--using", "snow")
    assert "no command" in program.refused("run", "!no-such-command", "--using", "snow")
    assert "open quote" in program.refused("run", '!get-remote-data id="1', "--using", "snow")


def test_a_link_without_remote_id_creates_the_ticket(program: Program, remote: ServiceNowSimulator) -> None:
    """MIR-179, MIR-180."""
    add(program, remote.url)
    program.good("incident", "create", "Server is warm", "severity=high", "details=Row 7")
    program.good("link", "add", "1", "snow", "--tag", "comments")
    program.good("instance", "mirror", "snow")
    (link,) = program.good("link", "list", "1", "--json").json
    row = remote.get(link["remoteId"])
    assert row is not None and (row["short_description"], row["description"]) == ("Server is warm", "Row 7")
    assert "linked to snow already" in program.refused("link", "add", "1", "snow")
    assert "is none of In, Out, Both" in program.refused("link", "add", "1", "snow", "--direction", "sideways")


def test_wrong_credentials_are_told_and_never_shown(program: Program, remote: ServiceNowSimulator) -> None:
    """Issue: wrong credentials; MIR-036, MIR-194."""
    add(program, remote.url, secret="WRONG_PASSWORD")
    line = program.refused("instance", "test", "snow", code=1)
    assert "401" in line or "auth" in line.lower()
    outputs = [line, *(program(*words) for words in (("instance", "show", "snow"), ("instance", "list", "--json"), ("instance", "show", "snow", "--json"), ("instance", "fetch", "snow")))]  # fmt: skip
    assert PASSWORD not in "".join(o if isinstance(o, str) else o.out + o.err for o in outputs)
    assert program.good("instance", "list", "--json").json[0]["health"] != "ok"
    assert PASSWORD.encode() not in b"".join(p.read_bytes() for p in program.home.rglob("*") if p.is_file())


def test_an_unreachable_remote_is_told_in_one_line(program: Program) -> None:
    """Issue: unreachable remote."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    add(program, f"http://127.0.0.1:{port}")
    assert program.refused("instance", "test", "snow", code=1)
    assert program.refused("instance", "fetch", "snow", code=1)


def test_a_remote_that_answers_html_is_told_in_one_line(program: Program, remote: ServiceNowSimulator) -> None:
    """Issue: remote that answers HTML."""
    add(program, remote.url)
    remote.set_faults(html=True)
    assert "<html" not in program.refused("instance", "test", "snow", code=1).lower()


def test_refusals_say_what_would_be_right(program: Program, tmp_path: Path) -> None:
    """Issue: bad input; exit code 2, one line, no traceback."""
    add(program, "http://127.0.0.1:1")
    snow = ("-i", "casemirror ServiceNow")
    assert "already" in program.refused("instance", "add", "snow", *snow, "-p", "url=http://127.0.0.1:1")
    assert "did you mean casemirror ServiceNow" in program.refused("instance", "add", "b", "-i", "casemirror ServiceNo")
    assert "did you mean url?" in program.refused("instance", "add", "b", *snow, "-p", "urll=x")
    assert "needs: User name" in program.refused("instance", "add", "b", *snow, "-p", "url=x")
    assert "--secret" in program.refused("instance", "add", "b", *snow, "-p", "credentials.password=x")
    assert "everybody" in program.refused("instance", "add", "b", *snow, "--secret", "credentials=x")
    assert "write it as name=value" in program.refused("instance", "add", "b", *snow, "-p", "url")
    assert "is none of None, Incoming" in program.refused("instance", "update", "snow", "-p", "mirror_direction=up")
    assert "not installed" in program.refused("instance", "update", "snow", "--mapper-in", "nobody's")
    assert "no instance named 'b'; there are: snow" in program.refused("instance", "test", "b")
    assert "does not exist" in program.refused("pack", "add", tmp_path / "nothing")
    assert "no incident 7" in program.refused("incident", "show", "7")
    assert "did you mean sync.mirror.job.delay?" in program.refused("config", "get", "mirror.job.delay").replace(", sync.mirror.job.delayAdvanced", "")  # fmt: skip
    assert "is none of local, remote" in program.refused("config", "set", "mirror.conflict", "nobody")
    program.good("instance", "disable", "snow")
    assert "is disabled" in program.refused("instance", "mirror", "snow")


def test_refused_edits_name_every_mistake_and_change_nothing(program: Program) -> None:
    """Issue: bad input; MIR-139."""
    program.good("incident", "create", "Printer on fire")
    line = program.refused("incident", "edit", "1", "severity=enormous", "status=2", "detials=x", "owner=nobody")
    for words in ("severity", "use close, reopen or open", "did you mean details?", "no user 'nobody'"):
        assert words in line
    assert program.good("incident", "show", "1", "--json").json["version"] == 1
    program.good("user", "add", "nobody", "--email", "n@example.invalid")
    assert program.good("incident", "edit", "1", "owner=nobody", "--json").json["owner"] == "nobody"
    assert "is not closed" in program.refused("incident", "reopen", "1")
    assert "no incident type" in program.refused("incident", "create", "x", "--type", "Nonsense")


def test_a_pack_with_gaps_is_installed_with_warnings(program: Program, tmp_path: Path) -> None:
    """Issue: a missing pack dependency, a mapper naming an unknown field; MAP-100."""
    folder = tmp_path / "Gappy"
    (folder / "Classifiers").mkdir(parents=True)
    (folder / "pack_metadata.json").write_text(
        json.dumps({"name": "Gappy", "currentVersion": "1.0.0", "dependencies": {"Missing": {"mandatory": True}}})
    )
    mapper = {"id": "gappy-in", "name": "Gappy in", "type": "mapping-incoming", "mapping": {}}
    mapper["mapping"] = {
        "dbot_classification_incident_type_all": {"internalMapping": {"No Such Field": {"simple": "a"}}}
    }
    (folder / "Classifiers" / "mapper.json").write_text(json.dumps(mapper))
    with zipfile.ZipFile(tmp_path / "Gappy.zip", "w") as archive:
        for path in folder.rglob("*.json"):
            archive.write(path, path.relative_to(folder))
    ran = program.good("pack", "add", tmp_path / "Gappy.zip")
    assert "depends on the pack Missing" in ran.err
    assert "No Such Field" in ran.err
    assert "Gappy" in [pack["name"] for pack in program.good("pack", "list", "--json").json]


def test_secrets_come_from_stdin_files_and_the_environment(
    program: Program, remote: ServiceNowSimulator, tmp_path: Path
) -> None:
    """Issue: `--secret k`."""
    (tmp_path / "password").write_text("casemirror\n")
    common = ("-i", "casemirror ServiceNow", "-p", f"url={remote.url}", "-p", "credentials.identifier=casemirror")
    program.good("instance", "add", "a", *common, "--secret", "credentials", stdin="casemirror\n")
    program.good("instance", "add", "b", *common, "--secret", f"credentials.password=@{tmp_path / 'password'}")
    program.good("instance", "add", "c", *common, "--secret", "credentials=-", stdin="casemirror")
    for name in "abc":
        program.good("instance", "test", name)
    assert "has no variable NOWHERE" in program.refused(
        "instance", "add", "d", *common, "--secret", "credentials=env:NOWHERE"
    )


def test_a_rotated_key_opens_every_secret_and_the_old_one_none(program: Program, remote: ServiceNowSimulator) -> None:
    """Issue: secrets encrypted at rest, rotation command."""
    add(program, remote.url)
    old = (program.home / "key").read_text()
    assert program.good("key", "rotate", "--json").json["secrets"] == 1
    assert program.good("instance", "test", "snow").out == "ok\n"
    (program.home / "key").write_text(old)
    assert "master key" in program.refused("instance", "test", "snow")


def test_settings_are_kept_and_taken_back(program: Program) -> None:
    """MIR-003; issue: `config get|set|list`."""
    program.good("config", "set", "sync.mirror.job.delay", "5")
    assert program.good("config", "get", "sync.mirror.job.delay").out == "5\n"
    (changed,) = program.good("config", "list", "--changed", "--json").json
    assert (changed["name"], changed["value"], changed["default"]) == ("sync.mirror.job.delay", 5, 1)
    program.good("config", "set", "sync.mirror.job.delay", "")
    assert program.good("config", "list", "--changed", "--json").json == []


def test_a_wrong_option_file_is_told(program: Program) -> None:
    """A home folder's `casemirror.toml`."""
    (program.home / "casemirror.toml").write_text('log_level = "loud"\n')
    assert "log_level" in program.refused("pack", "list")
    (program.home / "casemirror.toml").write_text("log_level = \n")
    assert "casemirror.toml" in program.refused("pack", "list")


def test_a_server_fetches_and_pushes_and_ends_cleanly(program: Program, remote: ServiceNowSimulator) -> None:
    """Issue: point 2; MIR-001, MIR-006; a cycle by hand beside it is done by whoever owns the lane."""
    add(program, remote.url)
    for name in ("sync.mirror.job.delayAdvanced", "incidents.fetch.delayAdvanced"):
        program.good("config", "set", name, "0.5")
    server = Server(program.home).start()
    try:
        until(lambda: bool(program.good("incident", "list", "--json").json))
        (incident,) = program.good("incident", "list", "--json").json
        program.good("incident", "edit", "1", "name=Printer is out")
        until(lambda: (remote.get(incident["dbotMirrorId"]) or {})["short_description"] == "Printer is out")
        program.good("instance", "mirror", "snow")
        program.good("instance", "fetch", "snow")
        assert server.stop() == 0
    finally:
        server.end()
    log = server.said()
    assert str(program.home / "casemirror.db") in log
    assert "Traceback" not in log and "password" not in log
    assert "server.stopped" in log
    used = ProcessRuntime(program.home / "work")
    used.close()
    assert list(used.folder.parent.iterdir()) == []


def test_a_worker_needs_postgresql(program: Program) -> None:
    """Issue: `worker` is for PostgreSQL."""
    assert "PostgreSQL" in program.refused("worker")


def test_an_unreachable_database_is_told_without_its_password(program: Program) -> None:
    """Exit code 1: it was asked for rightly and did not work out."""
    url = f"postgresql://somebody:{PASSWORD}@127.0.0.1:1/nothing"
    line = program.refused("--database-url", url, "pack", "list", code=1)
    assert "127.0.0.1" in line and PASSWORD not in line


@pytest.mark.parametrize("remote", ["servicenow", "jira", "cortexxdr"])
def test_the_simulator_serves_until_it_is_stopped(remote: str) -> None:
    """Issue: `casemirror simulate servicenow --port …`."""
    command = [sys.executable, "-m", "casemirror.cli.main", "simulate", remote, "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert "http://127.0.0.1:" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) in (0, 130)
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.mark.parametrize(
    "words",
    [
        *((noun, verb) for noun, verbs in {
            "pack": "add list", "instance": "add update list show test enable disable remove fetch mirror",
            "incident": "list show create edit comment attach tag close reopen open link", "link": "add list",
            "config": "get set list", "user": "add list remove", "key": "rotate", "simulate": "cortexxdr jira servicenow",
            "field": "list show add remove", "type": "list show add remove",
        }.items() for verb in verbs.split()),
        *((verb,) for verb in "schema run stats records purge serve worker demo".split()),
    ],
)  # fmt: skip
def test_every_command_explains_itself_with_an_example(words: tuple[str, ...]) -> None:
    """Issue: `--help` with examples."""
    from typer.testing import CliRunner

    from casemirror.cli.main import app

    ran = CliRunner().invoke(app, [*words, "--help"])
    assert ran.exit_code == 0
    assert "Example" in ran.output and "casemirror " in ran.output.split("Example")[1]


def test_help_and_completion_load_nothing_heavy() -> None:
    """Issue: help under half a second: it must not import the database, DBOS or the tables' drawer."""
    code = (
        "import sys, casemirror.cli.main\n"
        "heavy = {'sqlalchemy', 'dbos', 'alembic', 'pydantic', 'structlog', 'requests', 'yaml'} & set(sys.modules)\n"
        "print(sorted(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def until(is_true: object, patience_s: float = 30.0) -> None:
    """Wait for a real process to have done something."""
    assert callable(is_true)
    ends = time.monotonic() + patience_s
    while not is_true():
        assert time.monotonic() < ends, "it did not come to pass"
        time.sleep(0.1)
