"""Hostile integrations in real processes: what they cannot read, write, signal or reach, whoever casemirror runs as.

As root the integrations run as `nobody`; as an ordinary user they run as that user, and Landlock keeps them apart.
"""

import ctypes
import json
import os
import subprocess
from pathlib import Path

import pytest

from casemirror.runtime.command import StagedFile
from casemirror.runtime.confinement import SHARED_FOLDER, Confinement, User, reaches
from casemirror.runtime.pool import ProcessRuntime
from support.hostile import attacked, command, succeeded

SRC = Path(__file__).parents[2] / "src"
SYSTEM_PYTHON = Path("/usr/bin/python3")
NOBODY = User(name="nobody", uid=65534, gid=65534)
IS_ROOT = os.geteuid() == 0

ABI = max(ctypes.CDLL(None).syscall(444, None, 0, 1), 0)
"""Version of Landlock that this kernel has."""

needs_landlock = pytest.mark.skipif(ABI < 1, reason="this kernel has no Landlock")
needs_scopes = pytest.mark.skipif(ABI < 6, reason="this kernel's Landlock cannot keep signals in (it needs version 6)")
needs_ports = pytest.mark.skipif(ABI < 4, reason="this kernel's Landlock knows no ports (it needs version 4)")
needs_two_users = pytest.mark.skipif(
    not IS_ROOT or not all(reaches(NOBODY, path) for path in (SYSTEM_PYTHON, SRC)),
    reason="only root can run integrations as another user, who must be able to read Python and the source",
)


@needs_landlock
@needs_scopes
def test_a_hostile_integration_gets_nowhere(tmp_path):
    """Design §4: neither database, key, server, warm process nor another instance's command and its files."""
    runtime = ProcessRuntime(tmp_path / "home" / "work", confinement=Confinement(private=(tmp_path / "home",)))
    said, (uid, _, groups) = attacked(runtime, tmp_path / "home", open_to_all=True)
    runtime.close()
    assert succeeded(said) == {}
    assert not Path(f"/tmp/casemirror-was-here-{os.getpid()}").exists()
    assert (uid, groups) == (os.geteuid(), groups)


@needs_two_users
@pytest.mark.parametrize("landlock", [True, False])
def test_as_root_integrations_run_as_nobody(tmp_path, landlock):
    """What belongs to root stays root's, also on a kernel without Landlock; files are handed over and back all the same."""
    home = tmp_path / "home"
    confinement = Confinement(private=(home,), landlock=landlock and ABI > 0)
    runtime = ProcessRuntime(home / "work", python=str(SYSTEM_PYTHON), confinement=confinement)
    assert runtime.folder.parent.parent == SHARED_FOLDER, "pytest's folder is root's alone: nobody could not get to his"
    home.mkdir(exist_ok=True)
    said, who = attacked(runtime, home, open_to_all=landlock)
    assert who == [65534, 65534, []]
    wrong = succeeded(said)
    if not landlock:  # parent and neighbour are nobody's, too, and a list of names is no secret
        assert {w for w in wrong if "sibling" in w or "parent" in w or "/tmp" in w or "semaphores" in w} == set(wrong)
        assert {"environ of sibling", "mem of sibling", "ptrace sibling"}.isdisjoint(wrong)
    else:
        assert {w for w in wrong if not (w == "signal sibling" and ABI < 6)} == set()
    (tmp_path / "given").write_text("given")
    (tmp_path / "given").chmod(0o600)
    reply = runtime.run(
        command(
            "p = demisto.getFilePath('1@7')['path']\nopen('out', 'w').write(open(p).read())\ndemisto.results(p)\n",
            files=(StagedFile(entry_id="1@7", name="given", path=tmp_path / "given"),),
        )
    )
    assert (reply.error, (reply.folder / "out").read_text()) == ("", "given")
    reply.discard()
    runtime.close()
    Path(f"/tmp/casemirror-was-here-{os.getpid()}").unlink(missing_ok=True)


@needs_two_users
@needs_landlock
@needs_scopes
def test_as_an_ordinary_user_landlock_does_the_work(tmp_path):
    """The same attacks, with a server that is nobody itself: it and its integrations are one user."""
    script = """
import json, shutil, sys, tempfile
from pathlib import Path
from casemirror.runtime.confinement import Confinement
from casemirror.runtime.pool import ProcessRuntime
from support import hostile
home = Path(tempfile.mkdtemp())
runtime = ProcessRuntime(home / "work", confinement=Confinement(private=(home,)))
said, who = hostile.attacked(runtime, home, open_to_all=True)
runtime.close()
shutil.rmtree(home)
print(json.dumps([hostile.succeeded(said), who]))
"""
    ran = subprocess.run(
        [SYSTEM_PYTHON, "-c", script],
        env={"PYTHONPATH": f"{SRC}:{SRC.parent / 'tests'}", "PYTHONDONTWRITEBYTECODE": "1"},
        cwd="/",
        user=NOBODY.uid,
        group=NOBODY.gid,
        extra_groups=[],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == [{}, [65534, 65534, []]]
