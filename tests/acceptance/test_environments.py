"""An integration that needs more than casemirror's own packages, by the real program: built, used, told about when it fails."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from casemirror.runtime.environments.building import find_uv
from support.cli import Program
from support.tiny_pack import write_pack, write_uv

OFFLINE = {"HTTPS_PROXY": "http://127.0.0.1:1", "HTTP_PROXY": "http://127.0.0.1:1", "ALL_PROXY": "http://127.0.0.1:1"}
BUILDING = "building the Python environment of Tiny Tickets ..."
VERSION = "from importlib.metadata import version; return return_results(sys.prefix + ' ' + version('iniconfig'))"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A package index that can be reached from here."""
    into, uv = str(tmp_path_factory.mktemp("download")), find_uv()
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--retries", "1", "-d", into]
    ask = [uv, "pip", "install", "--dry-run", "--target", into] if uv else pip
    done = subprocess.run([*ask, "iniconfig==1.1.1"], capture_output=True, text=True, check=False, cwd="/")
    if done.returncode != 0:
        pytest.skip(f"no package index can be reached: {(done.stderr.strip().splitlines() or ['no words'])[-1]}")


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """A program with a home of its own, and with a stand-in for uv that needs no network."""
    write_uv(tmp_path / "bin")
    return Program(tmp_path / "home", {"PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"})


@pytest.fixture
def connected(tmp_path: Path, index: None) -> Iterator[Program]:
    """A program that builds with what this machine has: uv, else pip."""
    yield Program(tmp_path / "home")


def test_a_real_environment_is_built_once_and_needs_no_network_afterwards(connected: Program, tmp_path: Path) -> None:
    """design §4: two processes that build the same at once build one; the version is the pack's, not ours."""
    connected.good("pack", "add", write_pack(tmp_path, inner=VERSION, requirements__txt="iniconfig==1.1.1\n"))
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: connected.good("env", "build", "Tiny", "--json"), range(2)))
    (one,), (other,) = (ran.json for ran in both)
    assert one == other and one["state"] == "built" and "iniconfig 1.1.1" in one["built"]["distributions"]
    assert {"requests", "dateparser", "defusedxml"} <= {d.split(" ")[0] for d in one["built"]["distributions"]}
    connected.good("instance", "add", "tiny", "-i", "Tiny", environment=OFFLINE)
    (entry,) = connected.good("run", "!tiny-where", "--json", environment=OFFLINE).json["entries"]
    assert entry["contents"] == f"{one['built']['folder']} 1.1.1"


def test_what_the_commands_show(program: Program, tmp_path: Path) -> None:
    """What is in it and who says so; progress goes to stderr; a pack that needs another one gets it when it is installed."""
    pack = write_pack(tmp_path, image="demisto/pyotrs:1.0.0.1", top="import tinydist", inner="import bs4")
    program.good("pack", "add", pack)
    assert program.good("instance", "add", "tiny", "-i", "Tiny").err == f"{BUILDING}\n"
    shown = program.good("env", "show", "tiny").out
    assert "runs in an environment of its own" in shown and "image demisto/pyotrs" in shown and "tinydist" in shown
    ran = program("run", "!tiny-where")
    assert ran.code == 1 and "the distribution beautifulsoup4 brings it" in ran.out + ran.err
    write_pack(tmp_path, top="import tinydist", requirements__txt="tinydist>=1\n-e .\n")
    again = program.good("pack", "add", pack)
    assert "'-e .' is an option" in again.err and BUILDING in again.err
    listed = program.good("env", "list").out
    assert "built" in listed and "`casemirror env prune` deletes it" in listed
    assert program.good("env", "prune").out == "deleted 1 environment\n"


def test_a_failure_keeps_the_words_of_whoever_built(program: Program, tmp_path: Path) -> None:
    """One line, exit 1, no password of an index; whoever needs it is told the command; nothing half-built is left."""
    shelf = {"CASEMIRROR_ENVIRONMENTS": str(tmp_path / "shelf")}
    program.good("pack", "add", write_pack(tmp_path, requirements__txt="broken\n"))
    added = program.good("instance", "add", "tiny", "-i", "Tiny", environment=shelf)
    assert "broken is nowhere" in added.err and "`casemirror env build tiny` tries again" in added.err
    built = program("env", "build", "--all", environment=shelf)
    assert built.code == 1 and built.err.startswith(BUILDING)
    for told in (built.err, program.refused("instance", "mirror", "tiny", code=1, environment=shelf)):
        assert "broken is nowhere" in told and "s3cret" not in told and "Traceback" not in told
    assert not (program.home / "environments").exists()
    assert {p.suffix for p in (tmp_path / "shelf").iterdir()} == {".lock", ".failed"}


def test_the_public_otrs_integration_finds_its_library(connected: Program) -> None:
    """Unmodified, in the environment of its image: what fails then is only that nobody listens at that address."""
    folder = os.environ.get("CASEMIRROR_PUBLIC_CONTENT")
    if not folder:
        pytest.skip("CASEMIRROR_PUBLIC_CONTENT names no checkout of the public content")
    connected.good("pack", "add", Path(folder) / "Packs" / "OTRS")
    connected.good(
        *("instance", "add", "otrs", "-i", "OTRS", "--param", "server=http://127.0.0.1:1"),
        *("--param", "credentials.identifier=mirror", "--secret", "credentials=env:OTRS_PASSWORD"),
        environment={"OTRS_PASSWORD": "hush"},
    )
    assert "pyotrs" in connected.good("env", "show", "otrs").out
    told = connected.refused("instance", "test", "otrs", code=1)
    assert "No module named" not in told and "127.0.0.1" in told
