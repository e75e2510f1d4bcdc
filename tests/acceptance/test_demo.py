"""The demo as people start it: real processes, a real Roundup tracker, the ServiceNow simulator."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.cli import Program

pytest.importorskip("roundup")

COMMAND = [sys.executable, "-m", "casemirror.cli.main", "demo"]


def started(temporary: Path, *words: str) -> subprocess.Popen[str]:
    """The demo, with its temporary folder in a place that we can look into."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CASEMIRROR_")}
    return subprocess.Popen(
        [*COMMAND, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**inherited, "TMPDIR": str(temporary)},
    )


def left_over(folder: Path) -> list[str]:
    """Command lines of processes that still have to do with a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line:
            found.append(line)
    return found


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder that the user of the tracker may pass through (pytest's own are closed to others)."""
    folder = Path(tempfile.mkdtemp(prefix="casemirror-demo-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_a_day_ends_in_agreement_and_leaves_nothing(temporary: Path) -> None:
    """Issue: point 1, `make demo ONCE=1`: exit 0, lost 0, doubled 0, no process and no file left."""
    process = started(temporary, "--once")
    said, _ = process.communicate(timeout=240)
    assert process.returncode == 0, said
    account = {" ".join(line.split()[:-1]): line.split()[-1] for line in said.splitlines() if line.strip()}
    assert (account["lost"], account["doubled"]) == ("0", "0")
    assert int(account["changes mirrored"]) >= int(account["changes made by people"])
    assert said.rstrip().endswith("All sides agree.")
    assert list(temporary.iterdir()) == []
    assert left_over(temporary) == []


def test_it_runs_until_it_is_stopped_and_can_be_looked_at(temporary: Path) -> None:
    """Issue: point 1: keeps running until Ctrl-C; what it says to look at is there."""
    process = started(temporary)
    try:
        assert process.stdout is not None
        said = ""
        while "Ctrl-C" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        (folder,) = temporary.iterdir()
        look = Program(folder / "casemirror")
        assert "Printer on floor 3" in look.good("incident", "list").out
        assert "photo.png" in look.good("incident", "show", "1").out
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 0, said
    finally:
        process.kill()
        process.wait()
    assert list(temporary.iterdir()) == []
    assert left_over(temporary) == []


def test_stopped_in_the_middle_it_cleans_up(temporary: Path) -> None:
    """SIGTERM while tickets are on their way."""
    process = started(temporary)
    try:
        assert process.stdout is not None
        while "Alice" not in process.stdout.readline():
            time.sleep(0)
        process.terminate()
        process.communicate(timeout=60)
        assert process.returncode == 1
    finally:
        process.kill()
        process.wait()
    assert list(temporary.iterdir()) == []
    assert left_over(temporary) == []


def test_it_never_uses_a_folder_that_holds_something(tmp_path: Path) -> None:
    """Real data is never played with, named on the command line or in the environment."""
    (tmp_path / "casemirror.db").write_bytes(b"precious")
    refused = subprocess.run([*COMMAND, "--home", str(tmp_path)], capture_output=True, text=True, check=False)
    assert (refused.returncode, "is not empty" in refused.stderr) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["casemirror.db"]
