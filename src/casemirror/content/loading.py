"""Load packs from wherever they are: a pack folder, a content repository, a pack zip, a zip of pack zips, one file."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from casemirror.content import pack_reader, requirements
from casemirror.content.files import DEFAULT, Archive, Folder, Limits, TooLarge, open_zip
from casemirror.content.pack import Pack
from casemirror.model.errors import Invalid, NotFound

_ITEM_SUFFIXES: Final = (".yml", ".yaml", ".json")


def load(path: str | Path, *, limits: Limits = DEFAULT) -> tuple[Pack, ...]:
    """Read every pack at `path`; a broken file is a problem of its pack, not an error.

    Raises NotFound, or Invalid when there is no pack at all (a damaged zip, one that tries to climb out, a limit exceeded).
    Source: content.md §2.2.
    """
    path = Path(path)
    if not path.exists():
        raise NotFound(f"{path}: does not exist")
    if path.is_dir():
        return _from_folder(path, limits)
    if path.stat().st_size > limits.total:
        raise TooLarge(f"{path}: has more than {limits.total} bytes")
    if path.suffix.lower() == ".zip":
        return load_zip(path.read_bytes(), path.name, limits=limits)
    if path.suffix.lower() in _ITEM_SUFFIXES:
        return (_from_file(path, limits),)
    raise Invalid(f"{path}: is neither a pack folder, a zip, a .yml nor a .json file")


def load_zip(data: bytes, label: str, *, limits: Limits = DEFAULT) -> tuple[Pack, ...]:
    """Read a pack zip or a zip of pack zips; `label` is the file's name. Raises Invalid."""
    archive = open_zip(data, label, limits)
    inner = [name for name in archive.names() if name.lower().endswith(".zip") and "/" not in name]
    if not inner:
        return (_from_archive(archive, label),)
    packs: list[Pack] = []
    left = limits
    for name in inner:
        opened = open_zip(archive.read(name), f"{label}/{name}", left)
        left = _rest(left, opened)
        packs.append(_from_archive(opened, name))
    return tuple(packs)


def _rest(limits: Limits, used: Archive) -> Limits:
    """What is left for the other archives of the same upload."""
    size = sum(info.file_size for info in used.entries.values())
    return Limits(
        file=limits.file, total=limits.total - size, count=limits.count - len(used.entries), ratio=limits.ratio
    )


def _from_archive(archive: Archive, label: str) -> Pack:
    """A pack zip; its files may also stand in one folder, as in a zipped pack directory."""
    names = archive.names()
    tops = {name.split("/", 1)[0] for name in names}
    known = {*pack_reader.METADATA, *pack_reader.FOLDERS}
    stem = label.rsplit("/", 1)[-1].removesuffix(".zip").removesuffix(".ZIP")
    if tops & known:
        return pack_reader.read_pack(_Part(archive, ""), stem)
    if len(tops) == 1 and any(name.split("/")[1:2] and name.split("/")[1] in known for name in names):
        top = next(iter(tops))
        return pack_reader.read_pack(_Part(archive, top + "/"), top)
    raise Invalid(f"{label}: is no pack (no pack_metadata.json, no folder such as Integrations)")


@dataclass(frozen=True)
class _Part:
    """The useful files of an archive below a prefix."""

    archive: Archive
    prefix: str
    problems: Mapping[str, str] = field(default_factory=dict)

    def names(self) -> tuple[str, ...]:
        found = [n.removeprefix(self.prefix) for n in self.archive.names() if n.startswith(self.prefix)]
        at_root = {*pack_reader.METADATA, *requirements.READERS}
        return tuple(n for n in found if n in at_root or n.split("/", 1)[0] in pack_reader.FOLDERS)

    def read(self, name: str) -> bytes:
        return self.archive.read(self.prefix + name)


def _from_folder(path: Path, limits: Limits) -> tuple[Pack, ...]:
    if (path / "Packs").is_dir():
        path = path / "Packs"
    if _is_pack(path):
        return (_pack_folder(path, limits),)
    inner = sorted(p for p in path.iterdir() if _is_visible_folder(p) and _is_pack(p))
    if inner:
        return tuple(_pack_folder(p, limits) for p in inner)
    if any(p.suffix in _ITEM_SUFFIXES for p in path.iterdir()):
        return (pack_reader.read_pack(_Beside(Folder(path, limits)), path.name),)
    raise Invalid(f"{path}: holds no pack (no pack_metadata.json, no folder such as Integrations)")


def _is_visible_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink() and not path.name.startswith(".")


def _is_pack(path: Path) -> bool:
    return (path / "pack_metadata.json").is_file() or any((path / f).is_dir() for f in pack_reader.FOLDERS)


def _pack_folder(path: Path, limits: Limits) -> Pack:
    return pack_reader.read_pack(Folder(path, limits, pack_reader.FOLDERS), path.resolve().name)


def _from_file(path: Path, limits: Limits) -> Pack:
    """One file; the code of a package-form integration is found beside it."""
    return pack_reader.read_pack(_Beside(Folder(path.parent, limits), only=(path.name,)), path.stem)


@dataclass(frozen=True)
class _Beside:
    """The files of one folder without its subfolders; with `only`, no other YAML or JSON of it."""

    folder: Folder
    only: Collection[str] = ()
    problems: Mapping[str, str] = field(default_factory=dict)

    def names(self) -> tuple[str, ...]:
        found = sorted(e.name for e in os.scandir(self.folder.root) if e.is_file())
        return tuple(n for n in found if not self.only or n in self.only or not n.endswith(_ITEM_SUFFIXES))

    def read(self, name: str) -> bytes:
        return self.folder.read(name)
