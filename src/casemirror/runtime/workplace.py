"""Working folders of commands: made private, filled with staged files, read for what was printed, removed.

`<work folder>/<owner>/<run>/` holds `work/` (where the child lives), `stdout` and `stderr`. Each process that runs commands owns one
`<owner>` folder and keeps a lock on it; a folder whose lock is free was left by a process that was killed, and is removed.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import shutil
import stat
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from casemirror.runtime.command import StagedFile
from casemirror.runtime.confinement import User

STAGED: Final = ".staged"
"""Subfolder with the files that the server gave; what the integration produces lies beside it."""

_LEAST: Final = 1024
"""bytes that the smallest file counts for"""
_TAIL: Final = 256 * 1024
"""bytes of stdout and of stderr that are read: the end says most"""


class Workplace:
    """All working folders of this process. Raises PermissionError when somebody else owns the folder.

    shared   another user runs the commands: he may pass through to what is his, and see nothing on the way
    """

    def __init__(self, folder: Path, *, shared: bool = False) -> None:
        mode = 0o711 if shared else 0o700
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _must_be_ours(folder)
        folder.chmod(mode)
        self.folder = folder / f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        # one at a time, so that nobody takes our new folder for a leftover before it is locked
        starting = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(starting, fcntl.LOCK_EX)
            _remove_leftovers(folder)
            self.folder.mkdir()
            self.folder.chmod(mode)
            self._lock = _locked(self.folder)
        finally:
            os.close(starting)
        self._numbers = itertools.count(1)

    def open(self, user: User | None = None) -> Desk:
        """A folder for one command; that of another user when one is named."""
        return Desk(self.folder / str(next(self._numbers)), user)

    def close(self) -> None:
        """Remove what is left and let go."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


class Desk:
    """The folder of one command."""

    def __init__(self, root: Path, user: User | None = None) -> None:
        self._root = root
        self._user = user
        self.work = root / "work"
        self.stdout = root / "stdout"
        self.stderr = root / "stderr"
        self._staged = 0
        root.mkdir(mode=0o711 if user else 0o700)
        self.work.mkdir(mode=0o700)
        if user is not None:
            for path in (self.stdout, self.stderr):
                path.touch(mode=0o600)
            for path in (self.work, self.stdout, self.stderr):
                os.chown(path, user.uid, user.gid)

    def stage(self, file: StagedFile) -> Mapping[str, str]:
        """Copy a file in; {"id", "path", "name"} as `getFilePath` gives it. Raises OSError when it is not there.

        A copy, no link: the integration may write to it, and the store's file must stay what its hash says.
        """
        self._staged += 1
        target = self.work / STAGED / str(self._staged)
        folder = self._staging()
        try:
            _copy(file.path, target.name, folder, self._user)
        finally:
            os.close(folder)
        return {"id": file.entry_id, "path": str(target), "name": file.name}

    def _staging(self) -> int:
        """Descriptor of the folder of staged files, which the integration may have replaced by anything. Raises OSError."""
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        work = os.open(self.work, flags)
        try:
            with contextlib.suppress(FileExistsError):
                os.mkdir(STAGED, 0o700, dir_fd=work)
            staging = os.open(STAGED, flags, dir_fd=work)
        finally:
            os.close(work)
        if self._user is not None:
            os.fchown(staging, self._user.uid, self._user.gid)
        return staging

    def size(self, most: int) -> int:
        """Bytes that the command wrote, roughly; counting ends soon after `most`."""
        total, waiting = 0, [self._root]
        while waiting and total <= most:
            with contextlib.suppress(OSError), os.scandir(waiting.pop()) as found:
                for each in found:
                    total += max(each.stat(follow_symlinks=False).st_blocks * 512, _LEAST)
                    if each.is_dir(follow_symlinks=False):
                        waiting.append(Path(each.path))
        return total

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


def _copy(source: Path, name: str, folder: int, user: User | None) -> None:
    """Copy a file to a new one in a folder, never over or through what is there."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with (
        open(source, "rb") as found,
        open(name, "wb", opener=lambda path, _: os.open(path, flags, 0o600, dir_fd=folder)) as made,
    ):
        shutil.copyfileobj(found, made)
        if user is not None:
            os.fchown(made.fileno(), user.uid, user.gid)


def _must_be_ours(folder: Path) -> None:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise PermissionError(f"{folder} belongs to somebody else, or is no folder; remove it")


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
