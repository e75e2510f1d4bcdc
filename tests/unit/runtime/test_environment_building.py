"""Environments are built once, whole, and by one process at a time. uv is stood in for by a program: no network here."""

from __future__ import annotations

import fcntl
import os
import subprocess
import threading
from pathlib import Path

import pytest

from casemirror.content.items import Integration
from casemirror.runtime.command import Code
from casemirror.runtime.environments import building
from casemirror.runtime.environments.building import EnvironmentFailed
from casemirror.runtime.environments.folder import EnvironmentMissing, Environments, key_of
from casemirror.runtime.environments.needs import Level, Need
from support.tiny_pack import write_uv

NEED = Need(level=Level.REQUIRED, requirements=("tinydist",), source="image tiny")
BROKEN = Need(level=Level.REQUIRED, requirements=("broken",), source="image tiny")


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The log of what uv is asked for."""
    log = write_uv(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return log


@pytest.fixture
def environments(tmp_path: Path, asked: Path) -> Environments:
    return Environments(tmp_path / "environments")


def silent(line: str) -> None:
    pass


def test_it_is_built_once_and_has_what_was_asked_for(environments: Environments, asked: Path) -> None:
    """The second time nothing is asked for."""
    key = key_of(NEED)
    assert environments.find(key) is None
    built = environments.build(NEED, silent)
    assert built.key == key and built.distributions == ("tinydist 1.0",) and "tinydist" in built.requirements
    code = "import tinydist, requests, sys; print(sys.prefix)"
    done = subprocess.run([built.interpreter, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(built.path)
    words = asked.read_text()
    assert environments.build(NEED, silent) == built == environments.find(key)
    assert asked.read_text() == words and [b.key for b in environments.all()] == [key]


def test_it_is_built_anew_only_when_that_is_asked_for(environments: Environments) -> None:
    """What runs in it gets a new key, so that no warm process goes on with the old one."""
    integration = Integration(id="X", name="X", source="import tinydist", docker_image="demisto/pyotrs")
    code = Code(key="k", name="X", source="import tinydist")
    need = environments.need(code, integration)
    before, first = environments.build(need, silent), environments.fit(code, integration, "x")
    after, second = environments.build(need, silent, again=True), environments.fit(code, integration, "x")
    assert before.path == after.path and before.stamp != after.stamp
    assert first.python == second.python == str(after.interpreter)
    assert len({code.key, first.key, second.key}) == 3
    assert not [p for p in environments.folder.iterdir() if p.name.startswith(".")]


def test_a_failure_keeps_the_words_and_leaves_nothing_behind(environments: Environments) -> None:
    """No password of an index is in them. A good build forgets them."""
    with pytest.raises(EnvironmentFailed, match="uv: error: No solution found: broken is nowhere") as caught:
        environments.build(BROKEN, silent)
    key = key_of(BROKEN)
    assert environments.failure(key) == caught.value.message and "s3cret" not in caught.value.message
    assert environments.find(key) is None
    assert {p.name for p in environments.folder.iterdir()} == {f"{key}.lock", f"{key}.failed"}
    environments.build(NEED, silent)
    (environments.folder / f"{key_of(NEED)}.failed").write_text("once")
    environments.build(NEED, silent, again=True)
    assert environments.failure(key_of(NEED)) == ""


def test_a_failed_rebuild_leaves_the_old_one_in_its_place(
    environments: Environments, asked: Path, tmp_path: Path
) -> None:
    """An upgrade that does not work costs nothing."""
    built = environments.build(NEED, silent)
    (tmp_path / "bin" / "uv").write_text("#!/bin/sh\necho no network\nexit 3\n")
    with pytest.raises(EnvironmentFailed, match="no network"):
        environments.build(NEED, silent, again=True)
    assert environments.find(built.key) == built


def test_what_a_killed_build_left_is_thrown_away(environments: Environments) -> None:
    """A folder without its last file is none."""
    key = key_of(NEED)
    for name in (f".new-{key}", f".old-{key}", key):
        (environments.folder / name / "bin").mkdir(parents=True)
        (environments.folder / name / "bin" / "python").touch()
    assert environments.find(key) is None and environments.all() == []
    built = environments.build(NEED, silent)
    assert {p.name for p in environments.folder.iterdir()} == {key, f"{key}.lock"}
    assert built.distributions


def test_an_environment_whose_python_is_gone_is_none(environments: Environments, tmp_path: Path) -> None:
    """After an upgrade of the system it is built again."""
    built = environments.build(NEED, silent)
    built.interpreter.unlink()
    built.interpreter.symlink_to(tmp_path / "python-that-was-removed")
    assert environments.find(built.key) is None
    assert environments.build(NEED, silent).interpreter.exists()


def test_while_another_process_builds_it_this_one_waits_and_takes_what_it_made(
    environments: Environments, asked: Path
) -> None:
    """It says so meanwhile, and builds nothing itself."""
    built = environments.build(NEED, silent)
    hidden = built.path.rename(environments.folder / ".elsewhere")
    lock = os.open(environments.folder / f"{built.key}.lock", os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    words, waits, found = asked.read_text(), threading.Event(), []

    def tell(line: str) -> None:
        assert line == "another process is building it; waiting"
        waits.set()

    waiting = threading.Thread(target=lambda: found.append(environments.build(NEED, tell)))
    waiting.start()
    assert waits.wait(60)
    hidden.rename(built.path)
    os.close(lock)
    waiting.join(60)
    assert found == [built] and asked.read_text() == words


def test_an_integration_without_its_environment_is_told_the_command(environments: Environments) -> None:
    """Required: an error. Useful: it runs with our own packages until there is one."""
    required = Integration(id="X", name="Tickets", source="import tinydist", docker_image="demisto/pyotrs:1.0")
    with pytest.raises(
        EnvironmentMissing, match=r"Tickets needs .* \(image demisto/pyotrs\) .*`casemirror env build otrs`"
    ):
        environments.fit(Code(key="k", name="X", source=""), required, "otrs")
    text = "def f():\n    import tinydist\n"
    useful = Integration(id="X", name="Tickets", source=text, docker_image="demisto/pyotrs:1.0")
    code = Code(key="k2", name="X", source=text)
    assert environments.fit(code, useful, "otrs") is code
    built = environments.build(environments.need(code, useful), silent)
    assert environments.fit(code, useful, "otrs").python == str(built.interpreter)


def test_the_program_that_builds_sees_no_variable_of_casemirror(
    environments: Environments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address of the database has a password. What the package index needs is left."""
    told: list[str] = []
    (tmp_path / "bin" / "uv").write_text("#!/bin/sh\nenv\nexit 3\n")
    monkeypatch.setenv("CASEMIRROR_DATABASE_URL", "postgresql://me:hush@host/x")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    with pytest.raises(EnvironmentFailed):
        environments.build(NEED, told.append)
    assert "HTTPS_PROXY=http://proxy.example:3128" in told
    assert not [line for line in told if line.startswith("CASEMIRROR")]


def test_a_python_of_another_version_is_used_when_it_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: Path
) -> None:
    """One that only pretends (a shim without a version behind it) is told and not used."""
    told: list[str] = []
    other = tmp_path / "bin" / "python3.99"
    other.write_text("#!/bin/sh\necho 3.99\n")
    other.chmod(0o755)
    assert building.interpreter("3.99", told.append) == str(other) and told == []
    shim = tmp_path / "bin" / "python3.98"
    shim.write_text("#!/bin/sh\necho 'pyenv: command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    assert building.interpreter("3.98", told.append) == building.interpreter("", told.append)
    assert told == [f"there is no working python3.98 on this machine: Python {building.OWN} is used"]
