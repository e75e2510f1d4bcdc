"""A new integration that mirrors, from a template that works: the author begins with something that is right."""

from __future__ import annotations

import keyword
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from casemirror.model.errors import Conflict, Invalid

TEMPLATE: Final = Path(__file__).parents[1] / "templates" / "mirroring"
"""A pack that works as it stands; its names are replaced."""
_ID: Final = "NewIntegration"
_TITLE: Final = "New Integration"
LONGEST: Final = 60
"""Characters of a name."""
_NAME: Final = re.compile(r"[A-Z][A-Za-z0-9]*")
_NO_CODE: Final = ("apimodule", "commonserver", "demistomock", "conftest")
"""What a file of code must not have in its name, or it is not taken for the code.   Source: content.md §1.1."""


@dataclass(frozen=True, kw_only=True)
class Made:
    """What was written; `files` relative to the folder."""

    folder: Path
    integration: str
    files: tuple[str, ...]


def create(name: str, parent: Path) -> Made:
    """Write a pack of that name into a new folder. Raises Invalid for a name that will not do, Conflict for what is there."""
    title = title_of(name)
    folder = parent / name
    if folder.exists() or folder.is_symlink():
        raise Conflict(f"{folder} is there already; choose another name, or another folder by --into")
    try:
        files = [_write(path, folder, name, title) for path in sorted(_templates())]
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)  # half a pack is no use
        raise
    return Made(folder=folder, integration=title, files=tuple(str(path.relative_to(folder)) for path in files))


def title_of(name: str) -> str:
    """The name as people read it: ``AcmeTickets`` → ``Acme Tickets``. Raises Invalid for a name that will not do."""
    if not _NAME.fullmatch(name):
        raise Invalid(
            f"{name!r} will not do as a name: letters and digits (A to Z, 0 to 9), a capital first, as in AcmeTickets"
        )
    if len(name) > LONGEST:
        raise Invalid(f"{name!r} is too long for a name: at most {LONGEST} characters")
    taken = next((word for word in _NO_CODE if word in name.lower()), None)
    if taken or keyword.iskeyword(name):
        raise Invalid(
            f"{name!r} will not do as a name: {taken or name!r} means something else to servers and to Python"
        )
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)


def _templates() -> list[Path]:
    found = [Path(folder, file) for folder, _, files in os.walk(TEMPLATE) for file in files]
    return [path for path in found if "__pycache__" not in path.parts]


def _write(path: Path, folder: Path, name: str, title: str) -> Path:
    target = folder / _named(str(path.relative_to(TEMPLATE)), name, title)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(_named(path.read_text(), name, title))
    return target


def _named(text: str, name: str, title: str) -> str:
    """A text of the template under the new name; file names have an underscore where people read a space."""
    for old, new in (
        (_ID, name),
        (_TITLE, title),
        (_TITLE.replace(" ", "_"), title.replace(" ", "_")),
        (_ID.lower(), name.lower()),
    ):
        text = text.replace(old, new)
    return text
