"""Who integrations run as, and what of the machine they may see; the processes bind themselves by it (`guest/confinement.py`)."""

from __future__ import annotations

import hashlib
import os
import pwd
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

AUTOMATIC: Final = "nobody"
"""Whom integrations run as when casemirror runs as root and nothing else is set."""
SHARED_FOLDER: Final = Path("/var/tmp")


class NoSuchUser(Exception):
    """The user that integrations should run as is not there, or cannot be had."""


@dataclass(frozen=True, kw_only=True)
class User:
    """A user of this machine."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, kw_only=True)
class Confinement:
    """What integrations are kept from.

    user       name or number of the user to run as; empty: `nobody` where casemirror runs as root, else casemirror's own
    landlock   keep them from files, signals and ports, as far as the kernel can
    read       further files and folders that they may read; write: further folders that they may write
    private    folders of casemirror, of which they may read nothing
    """

    user: str = ""
    landlock: bool = True
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    private: tuple[Path, ...] = field(default_factory=tuple)

    def user_for(self, needed: Sequence[Path], work: Path | None = None) -> User | None:
        """Whom to run as; None: as casemirror itself. Raises NoSuchUser.

        needed   what that user must be able to read, and `work` what he must get through to: when `nobody` cannot, casemirror's
                 own user stays, without its privileges
        """
        if os.geteuid() != 0:
            if self.user and self.user not in (str(os.geteuid()), _name_of(os.geteuid())):
                raise NoSuchUser(
                    f"runtime.user is {self.user!r}, but casemirror does not run as root and cannot change users; "
                    "casemirror config set runtime.user '' lets integrations run as casemirror's own user"
                )
            return None
        user = _user(self.user or AUTOMATIC, must=bool(self.user))
        hidden = _hidden(user, needed, work) if user else None
        if user is None or user.uid == 0 or (hidden and not self.user):
            return None
        if hidden:
            raise NoSuchUser(
                f"runtime.user is {user.name!r}, who cannot read {hidden}; install casemirror (or the environment of that "
                "integration) where every user can read it"
            )
        return user

    def work_folder(self, wanted: Path, needed: Sequence[Path]) -> Path:
        """Where commands work: the folder wanted, or one that the integrations' user can get to when it cannot get there."""
        try:
            user = self.user_for(needed)
        except NoSuchUser:
            return wanted  # each command says what is wrong
        if user is None or reaches(user, wanted.parent, into=True):
            return wanted
        return SHARED_FOLDER / f"casemirror-{hashlib.sha256(str(wanted).encode()).hexdigest()[:12]}"

    def order(self, work: Path) -> dict[str, Any]:
        """As the warm parent is told."""
        private = [str(folder) for folder in (*self.private, work.parent)]
        return {
            "landlock": self.landlock,
            "read": list(self.read),
            "write": list(self.write),
            "private": private,
            "work": str(work),
        }


def hidden_from(name: str, needed: Sequence[Path]) -> Path | None:
    """What keeps a user from reading the first path that he cannot read; None also when there is no such user."""
    user = _user(name, must=False)
    return _hidden(user, needed, None) if user else None


def _hidden(user: User, needed: Sequence[Path], work: Path | None) -> Path | None:
    """What keeps the user from the first of them that he cannot get to."""
    hidden = next(filter(None, (_blocker(user, path) for path in needed)), None)
    return hidden or (_blocker(user, work, into=True) if work else None)


def reaches(user: User, path: Path, *, into: bool = False) -> bool:
    """A user can read a file or folder; with `into` only pass through it. What lists of access say beyond the mode is not seen."""
    return _blocker(user, path, into=into) is None


def _blocker(user: User, path: Path, *, into: bool = False) -> Path | None:
    """What stands in the way to a file or folder: itself, or the first folder on the way."""
    found = path.resolve()
    blocked = next((folder for folder in reversed(found.parents) if not _may(user, folder, 1)), None)
    wanted = 1 if into else 5 if found.is_dir() else 4
    return blocked or (None if _may(user, found, wanted) else found)


def _may(user: User, path: Path, wanted: int) -> bool:
    """`wanted`: sum of 4 (read) and 1 (pass through)."""
    try:
        found = path.stat()
    except OSError:
        return False
    shift = 6 if found.st_uid == user.uid else 3 if found.st_gid == user.gid else 0
    return stat.S_IMODE(found.st_mode) >> shift & wanted == wanted


def _user(name: str, *, must: bool) -> User | None:
    """The user with that name or number; a number needs no entry. Raises NoSuchUser when there `must` be one."""
    if name.isascii() and name.isdigit():
        return User(name=name, uid=int(name), gid=int(name))
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        if must:
            raise NoSuchUser(
                f"runtime.user is {name!r}, and this machine has no such user; casemirror config set runtime.user NAME"
            ) from None
        return None
    return User(name=found.pw_name, uid=found.pw_uid, gid=found.pw_gid)


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
