"""What a pack says of the Python distributions that its code needs: requirements.txt, Pipfile.lock or pyproject.toml.

Only names, extras, versions and markers are taken, since they come from a package index that the operator chose. Options, addresses,
paths and hashes are not: a pack must not decide where this machine gets its software from.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from casemirror.content.reading import mapping, text, texts
from casemirror.model.errors import Invalid
from casemirror.model.values import Json

_PYTHON: Final = re.compile(r"3\.\d+")
_COMMENT: Final = re.compile(r"(^|\s)#.*")
_HASH: Final = re.compile(r"\s--hash[= ]\S+")


@dataclass(frozen=True, kw_only=True)
class Requirements:
    """Distributions that code needs.

    lines     PEP 508, without addresses and hashes
    source    the file that says so, as a path in the pack
    python    version that the code is written for, such as ``3.12``; empty when it is not told
    refused   lines that are not taken, each with the reason
    """

    lines: tuple[str, ...] = ()
    source: str = ""
    python: str = ""
    refused: tuple[str, ...] = ()

    @property
    def is_lock(self) -> bool:
        """It is a Pipfile.lock. Many of the public packs have an old one, for their tests, that no server ever installed."""
        return self.source.endswith("Pipfile.lock")

    @property
    def names(self) -> frozenset[str]:
        """The distributions, by normalised name."""
        return frozenset(canonicalize_name(Requirement(line).name) for line in self.lines)

    def as_json(self) -> dict[str, Json]:
        """As it is stored in the body of an integration."""
        return {"lines": list(self.lines), "source": self.source, "python": self.python}


def from_json(stored: Json) -> Requirements | None:
    """Read what `as_json` wrote; None when nothing was stored."""
    found = mapping(stored)
    if not text(found.get("source")):
        return None
    return Requirements(lines=texts(found.get("lines")), source=text(found["source"]), python=text(found.get("python")))


def read(file: str, content: str) -> Requirements | None:
    """Read one of the files in `READERS`; None when it names no distribution at all. Raises Invalid when it is broken.

    file   its path in the pack
    """
    found = READERS[file.rpartition("/")[2]](content)
    if found is None or not found[1]:
        return None
    python, told = found
    lines, refused = [], []
    for line in told:
        wrong = _why_not(line)
        if wrong:
            refused.append(f"{line!r} {wrong}; it is left out")
        else:
            lines.append(str(Requirement(line)))
    return Requirements(lines=tuple(lines), source=file, python=python, refused=tuple(refused))


def _why_not(line: str) -> str:
    """Why a line cannot be a requirement; empty when it can."""
    if line.startswith("-"):
        return "is an option, and options are not taken from packs: set the package index for this machine"
    try:
        parsed = Requirement(line)
    except InvalidRequirement:
        return "is no requirement such as requests>=2.31"
    return "comes from an address, and only distributions of the package index are installed" if parsed.url else ""


def _read_requirements(content: str) -> tuple[str, list[str]]:
    joined = content.replace("\\\r\n", " ").replace("\\\n", " ")
    lines = (_HASH.sub("", _COMMENT.sub("", line)).strip() for line in joined.splitlines())
    return "", [line for line in lines if line]


def _read_lock(content: str) -> tuple[str, list[str]] | None:
    try:
        lock = mapping(json.loads(content))
    except ValueError as error:
        raise Invalid(f"is no JSON: {error}") from error
    if "default" not in lock:
        return None
    requires = mapping(mapping(lock.get("_meta")).get("requires"))
    told = text(requires.get("python_version")) or text(requires.get("python_full_version"))
    return _minor(told), list(_locked(mapping(lock["default"])))


def _locked(packages: Mapping[str, Json]) -> Iterator[str]:
    """Each package of a lock; one that is no distribution of an index keeps an address, so that it is refused by name."""
    for name, raw in packages.items():
        told = mapping(raw)
        extras = ",".join(texts(told.get("extras")))
        address = next((text(told.get(key)) for key in ("git", "file", "path", "url") if told.get(key)), "")
        what = f" @ {address}" if address else text(told.get("version")).replace("*", "")
        marker = f"; {text(told.get('markers'))}" if told.get("markers") else ""
        yield f"{name}{f'[{extras}]' if extras else ''}{what}{marker}"


def _read_project(content: str) -> tuple[str, list[str]] | None:
    try:
        found: dict[str, Any] = tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"is no TOML: {error}") from error
    project = mapping(found.get("project"))
    if "dependencies" not in project:
        return None
    return _minor(text(project.get("requires-python"))), list(texts(project["dependencies"]))


def _minor(version: str) -> str:
    """``3.12`` of ``3.12.4`` or of ``==3.12.*``; empty for a range, which any Python within it fulfils."""
    if re.search(r"[<>!]", version):
        return ""
    found = _PYTHON.search(version)
    return found.group() if found else ""


READERS: Final[Mapping[str, Callable[[str], tuple[str, list[str]] | None]]] = {
    "requirements.txt": _read_requirements,
    "Pipfile.lock": _read_lock,
    "pyproject.toml": _read_project,
}
"""Name of the file → its reader, in the order in which they count."""
