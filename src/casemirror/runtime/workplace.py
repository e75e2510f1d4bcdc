"""Working folders of commands: made private, filled with staged files, read for what was printed, removed.

`<work folder>/<owner>/<run>/` holds `work/` (where the child lives), `stdout` and `stderr`. Each process that runs commands owns one
`<owner>` folder and keeps a lock on it; a folder whose lock is free was left by a process that was killed, and is removed.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from casemirror.runtime.command import StagedFile

STAGED: Final = ".staged"
"""Subfolder with the files that the server gave; what the integration produces lies beside it."""

_TAIL: Final = 256 * 1024
"""bytes of stdout and of stderr that are read: the end says most"""


class Workplace:
    """All working folders of this process."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder = folder / f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        # one at a time, so that nobody takes our new folder for a leftover before it is locked
        starting = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(starting, fcntl.LOCK_EX)
            _remove_leftovers(folder)
            self.folder.mkdir(mode=0o700)
            self._lock = _locked(self.folder)
        finally:
            os.close(starting)
        self._numbers = itertools.count(1)

    def open(self) -> Desk:
        """A folder for one command."""
        return Desk(self.folder / str(next(self._numbers)))

    def close(self) -> None:
        """Remove what is left and let go."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


class Desk:
    """The folder of one command."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.work = root / "work"
        self.stdout = root / "stdout"
        self.stderr = root / "stderr"
        self._staged = 0
        self.work.mkdir(parents=True, mode=0o700)

    def stage(self, file: StagedFile) -> Mapping[str, str]:
        """Copy a file in; {"id", "path", "name"} as `getFilePath` gives it. Raises OSError when it is not there.

        A copy, no link: the integration may write to it, and the store's file must stay what its hash says.
        """
        self._staged += 1
        target = self.work / STAGED / str(self._staged)
        target.parent.mkdir(exist_ok=True, mode=0o700)
        shutil.copyfile(file.path, target)
        return {"id": file.entry_id, "path": str(target), "name": file.name}

    def produced(self) -> bool:
        """The integration left something in its folder."""
        try:
            return any(name != STAGED for name in os.listdir(self.work))
        except OSError:
            return False

    def printed(self) -> Iterator[str]:
        """Lines that went to stdout and stderr; of long output the end."""
        for name, path in (("stdout", self.stdout), ("stderr", self.stderr)):
            for line in _tail(path).splitlines():
                yield f"{name}: {line}"

    def discard(self) -> None:
        """Remove the folder; twice is fine."""
        shutil.rmtree(self._root, ignore_errors=True)


def _tail(path: Path) -> str:
    try:
        # the integration may have put anything there: no link is followed, no pipe waited for
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL))
            text = file.read(_TAIL).decode("utf-8", "replace")
    except OSError:
        return ""
    if size <= _TAIL:
        return text
    # from the next whole line on: half a secret would not be recognised
    return f"… about {size - _TAIL} bytes before this are left out\n{text.partition(chr(10))[2]}"


def _locked(folder: Path) -> int | None:
    """Descriptor of the folder with its lock; None when another process has it."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _remove_leftovers(folder: Path) -> None:
    for left in [
        entry for entry in folder.iterdir() if entry.is_dir() and not entry.is_symlink() and _is_owner(entry.name)
    ]:
        lock = _locked(left)
        if lock is not None:
            shutil.rmtree(left, ignore_errors=True)
            os.close(lock)


def _is_owner(name: str) -> bool:
    pid, _, rest = name.partition("-")
    return pid.isdigit() and len(rest) == 8
