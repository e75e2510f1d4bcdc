"""The files of an integration under work: which are looked at, and when one of them changed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from casemirror.content.pack_reader import FOLDERS, METADATA

_SUFFIXES: Final = (".py", ".yml", ".yaml", ".json")
LOOK_S: Final = 0.3
"""Between two looks, seconds."""

Stamps = Mapping[Path, tuple[int, int]]


@dataclass
class Watch:
    """Looks at the parts of a pack that a server reads; tests and notes beside them are of no concern."""

    root: Path
    _seen: Stamps = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._seen = stamps(self.root)

    def changed(self) -> list[Path]:
        """Files that were written, made or removed since the last look."""
        before, self._seen = self._seen, stamps(self.root)
        return sorted(path for path in {*before, *self._seen} if before.get(path) != self._seen.get(path))


def stamps(root: Path) -> Stamps:
    """File → (time of its last change in nanoseconds, bytes)."""
    is_pack = any((root / name).exists() for name in (*METADATA, *FOLDERS))
    found: dict[Path, tuple[int, int]] = {}
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        if here == root:
            folders[:] = [name for name in folders if name in FOLDERS] if is_pack else []
        for name in files:
            if name.endswith(_SUFFIXES) and not name.startswith("."):
                found.update(_stamp(here / name))
    return found


def _stamp(path: Path) -> Stamps:
    try:
        about = path.stat()
    except OSError:  # removed, or being replaced just now
        return {}
    return {path: (about.st_mtime_ns, about.st_size)}
