"""The files of a pack, from a folder or out of a zip, with every limit checked before bytes are held.

Nothing is ever unpacked to disk. Names that climb out, links, encrypted and bomb-like archives are refused.
"""

from __future__ import annotations

import io
import os
import stat
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final, Protocol

from casemirror.model.errors import Invalid


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much content is taken in at once; sizes in bytes. The public repository's largest pack is below a tenth of it."""

    file: int = 32 * 1024 * 1024
    total: int = 1024 * 1024 * 1024
    count: int = 100_000
    ratio: int = 200
    """uncompressed : compressed, of files over 1 MB"""


DEFAULT: Final = Limits()
_SMALL: Final = 1024 * 1024


class TooLarge(Invalid):
    """A limit is exceeded."""

    code = "content.too_large"


class Unsafe(Invalid):
    """An archive that tries to get out of its place."""

    code = "content.unsafe"


class Tree(Protocol):
    """Files by relative POSIX path."""

    def names(self) -> tuple[str, ...]:
        """All paths, sorted."""
        ...

    def read(self, name: str) -> bytes:
        """Content of one file. Raises TooLarge, Invalid."""
        ...

    @property
    def problems(self) -> Mapping[str, str]:
        """Paths that were left out, with the reason."""
        ...


@dataclass(frozen=True)
class Folder:
    """A directory. Links that lead out of it are left out and reported."""

    root: Path
    limits: Limits = DEFAULT
    only: frozenset[str] = frozenset()
    """first path segments to look into; empty: all"""
    problems: dict[str, str] = field(default_factory=dict)

    def names(self) -> tuple[str, ...]:
        """All paths, sorted. Raises TooLarge for too many."""
        found: list[str] = []
        real = os.path.realpath(self.root)
        for folder, folders, files in os.walk(self.root):
            here = Path(folder).relative_to(self.root)
            if here == Path() and self.only:
                folders[:] = [f for f in folders if f in self.only]
            folders[:] = sorted(f for f in folders if not f.startswith(".") and self._stays(Path(folder, f), real))
            found += [(here / f).as_posix() for f in files if self._stays(Path(folder, f), real)]
            if len(found) > self.limits.count:
                raise TooLarge(f"{self.root}: more than {self.limits.count} files")
        return tuple(sorted(found))

    def _stays(self, path: Path, real: str) -> bool:
        if not path.is_symlink() or os.path.realpath(path).startswith(real + os.sep):
            return True
        self.problems[path.relative_to(self.root).as_posix()] = "is a link that leads out of the pack; it was not read"
        return False

    def read(self, name: str) -> bytes:
        """Content of one file. Raises TooLarge, or Invalid when it cannot be read."""
        path = self.root / name
        try:
            if not stat.S_ISREG(path.stat().st_mode):
                raise Invalid(f"{name}: is no regular file")
            with path.open("rb") as file:
                data = file.read(self.limits.file + 1)
        except OSError as error:
            raise Invalid(f"{name}: {error.strerror}") from error
        return _within(name, data, self.limits)


@dataclass(frozen=True)
class Archive:
    """A zip, read from bytes. `open_zip` makes one and has checked all names and declared sizes."""

    zip: zipfile.ZipFile
    entries: Mapping[str, zipfile.ZipInfo]
    limits: Limits = DEFAULT
    problems: dict[str, str] = field(default_factory=dict)

    def names(self) -> tuple[str, ...]:
        """All paths, sorted."""
        return tuple(sorted(self.entries))

    def read(self, name: str) -> bytes:
        """Content of one file. Raises TooLarge when it is longer than it declares, Invalid when it is damaged."""
        try:
            with self.zip.open(self.entries[name]) as file:
                return _within(name, file.read(_most(name, self.limits) + 1), self.limits)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
            raise Invalid(f"{name}: damaged in the archive ({error})") from error


def open_zip(data: bytes, label: str, limits: Limits = DEFAULT) -> Archive:
    """Open a zip and check all its entries. Raises Unsafe, TooLarge, Invalid; `label` names it in messages."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        infos = archive.infolist()
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise Invalid(f"{label}: is no readable zip ({error})") from error
    if len(infos) > limits.count:
        raise TooLarge(f"{label}: {len(infos)} entries; at most {limits.count} are taken")
    if sum(i.file_size for i in infos) > limits.total:
        raise TooLarge(f"{label}: unpacks to more than {limits.total} bytes")
    for info in infos:
        _check_entry(info, label, limits)
    return Archive(archive, {_clean(i.filename): i for i in infos if not i.is_dir()}, limits)


def _check_entry(info: zipfile.ZipInfo, label: str, limits: Limits) -> None:
    name = f"{label}: {info.filename!r}"
    path = PurePosixPath(info.filename)
    if path.is_absolute() or ".." in path.parts or "\\" in info.filename or _is_drive(info.filename):
        raise Unsafe(f"{name} leads out of the archive")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise Unsafe(f"{name} is a link")
    if info.flag_bits & 0x1:
        raise Unsafe(f"{name} is encrypted")
    if info.file_size > _most(info.filename, limits):
        raise TooLarge(f"{name} has {info.file_size} bytes; at most {limits.file} are taken")
    if info.file_size > _SMALL and info.file_size > limits.ratio * max(info.compress_size, 1):
        raise TooLarge(f"{name} is compressed more than {limits.ratio} times")


def _is_drive(name: str) -> bool:
    return len(name) > 1 and name[1] == ":" and name[0].isalpha()


def _most(name: str, limits: Limits) -> int:
    """Most bytes of one file; an archive within an archive is bounded by the total."""
    return limits.total if name.lower().endswith(".zip") else limits.file


def _clean(name: str) -> str:
    return PurePosixPath(name).as_posix()


def _within(name: str, data: bytes, limits: Limits) -> bytes:
    if len(data) > _most(name, limits):
        raise TooLarge(f"{name}: has more than {_most(name, limits)} bytes")
    return data


def text_of(tree: Tree, name: str) -> str:
    """A file as text (UTF-8, a byte order mark is dropped). Raises Invalid."""
    try:
        return tree.read(name).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid(f"{name}: is not UTF-8 (byte {error.start})") from error
