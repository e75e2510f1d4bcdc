"""Build one environment: by uv where it is, else by Python's own venv and pip.

It is built in a folder beside its place and renamed when it is whole, so nobody ever sees half of one; a lock keeps two processes from
building the same. The network is needed here and never again.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import re
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from casemirror.model.errors import CasemirrorError
from casemirror.runtime.environments.needs import OWN
from casemirror.runtime.warm import GUEST

Tell = Callable[[str], None]
"""Is told what is going on, in one line."""

_WORDS: Final = 40
"""lines of a failed program that are kept; the end says most"""
_LAST: Final = 8
"""lines of them that are shown when none of them tells an error"""
_ERROR: Final = re.compile(r"\s*(error\b|×)", re.IGNORECASE)
_USER_IN_URL: Final = re.compile(r"(?<=://)[^/@\s]+@")
_CHECK: Final = "import sys; sys.path.insert(0, sys.argv[1]); import CommonServerPython"


class EnvironmentFailed(CasemirrorError):
    """An environment could not be built; the message has the words of the program that tried."""

    code = "environment.failed"


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be built.

    requirements   PEP 508, all of them
    python         version that is wanted; empty: casemirror's own
    """

    requirements: tuple[str, ...]
    python: str = ""


@contextlib.contextmanager
def locked(path: Path, tell: Tell) -> Iterator[None]:
    """Hold the lock of one environment; while another process has it, say so and wait."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell("another process is building it; waiting")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def build(order: Order, folder: Path, tell: Tell) -> str:
    """Make the environment in a folder that is not there yet; the version of its Python. Raises EnvironmentFailed.

    The caller throws the folder away when it raises.
    """
    python = interpreter(order.python, tell)
    listed = folder.with_name(f"{folder.name}.txt")
    listed.write_text("".join(f"{line}\n" for line in order.requirements))
    try:
        for command in _commands(python, folder, listed):
            _run(command, tell)
    finally:
        listed.unlink()
    made = str(folder / "bin" / "python")
    _run([made, "-I", "-c", _CHECK, str(GUEST)], tell)
    return _run([made, "-I", "-c", "import platform; print(platform.python_version())"], lambda line: None)


def _commands(python: str, folder: Path, listed: Path) -> list[list[str]]:
    made = str(folder / "bin" / "python")
    uv = find_uv()
    if uv:
        # copies, not links: what an integration may write to must not be part of uv's cache
        install = ["--python", made, "--compile-bytecode", "--link-mode", "copy", "-r", str(listed)]
        return [
            [uv, "venv", "--quiet", "--relocatable", "--python", python, str(folder)],
            [uv, "pip", "install", *install],
        ]
    pip = [made, "-I", "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--progress-bar", "off"]
    return [[python, "-m", "venv", str(folder)], [*pip, "-r", str(listed)]]


def find_uv() -> str:
    """uv on the path, else beside casemirror; empty when there is none."""
    beside = Path(sys.executable).with_name("uv")
    return shutil.which("uv") or (str(beside) if beside.is_file() else "")


def interpreter(version: str, tell: Tell) -> str:
    """A Python of that version, or casemirror's own when this machine has none."""
    if version in ("", OWN):
        return sys.executable
    found = shutil.which(f"python{version}")
    if found and _is_version(found, version):
        return found
    tell(f"there is no working python{version} on this machine: Python {OWN} is used")
    return sys.executable


@functools.cache
def _is_version(python: str, version: str) -> bool:
    asked = [python, "-I", "-c", "import sys, venv; print('%d.%d' % sys.version_info[:2])"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return done.returncode == 0 and done.stdout.strip() == version


def _run(command: Sequence[str], tell: Tell) -> str:
    """Run a program to its end, telling each of its lines; its last line. Raises EnvironmentFailed with its words."""
    last: deque[str] = deque(maxlen=_WORDS)
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd="/",
            env=_environment(),
            umask=0o022,  # integrations may run as another user
        )
    except OSError as error:
        raise EnvironmentFailed(f"{command[0]} cannot be started: {error.strerror}") from error
    with process:
        try:
            for line in process.stdout or ():
                last.append(_USER_IN_URL.sub("…@", line.rstrip()))
                tell(last[-1])
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        words = _cause(last) or f"it ended with {process.returncode}"
        raise EnvironmentFailed(f"{_program(command)}: {words}")
    return last[-1] if last else ""


def _program(command: Sequence[str]) -> str:
    return command[command.index("-m") + 1] if "-m" in command else Path(command[0]).name


def _cause(lines: Iterable[str]) -> str:
    """What a failed program said of why: from its first error on, else its last lines."""
    said = [line for line in lines if line.strip() and not line.startswith(("WARNING", "Using Python"))]
    first = next((number for number, line in enumerate(said) if _ERROR.match(line)), max(0, len(said) - _LAST))
    return "\n".join(said[first:])


def _environment() -> dict[str, str]:
    """What uv and pip need of ours (proxies, package index, caches); nothing of casemirror's, which may hold secrets."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("CASEMIRROR_")}
    for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTHONWARNINGS"):
        ours.pop(name, None)
    return {**ours, "NO_COLOR": "1", "UV_NO_PROGRESS": "1", "UV_PYTHON_DOWNLOADS": "never"}
