"""Read one pack out of a tree of files: what is broken becomes a problem, everything else an item."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Final

from casemirror.content import checks, documents, items, kinds, requirements
from casemirror.content.documents import Unreadable
from casemirror.content.files import Tree, text_of
from casemirror.content.items import Item
from casemirror.content.pack import Pack, Problem
from casemirror.content.reading import flag, mapping, text
from casemirror.content.requirements import Requirements
from casemirror.content.versions import is_eligible
from casemirror.model.errors import Invalid
from casemirror.model.values import Json

FOLDERS: Final = frozenset({"Integrations", "Scripts", "Classifiers", "IncidentFields", "IncidentTypes"})
"""Parts of a pack that a mirroring server has a use for."""
METADATA: Final = ("pack_metadata.json", "metadata.json")
_CODE_FOLDERS: Final = ("Integrations/", "Scripts/")
"""JSON in them, and YAML deeper than one folder, is test data."""

_ROOT: Final = PurePosixPath()
_SUFFIX: Final = {"python": ".py", "javascript": ".js", "powershell": ".ps1"}
_NOT_THE_CODE: Final = (
    "commonserverpython.py",
    "commonserveruserpython.py",
    "demistomock.py",
    "_test.py",
    "conftest.py",
    "__init__.py",
    "apimodule.py",
    "vulture_whitelist.py",
)
"""Parts of names that are beside the code and are not it.   Source: content.md §1.1."""


def read_pack(tree: Tree, pack_id: str) -> Pack:
    """Read a pack. `pack_id` is its folder's or file's name; the metadata of a built zip overrides it."""
    return _Reader(tree, pack_id).pack()


class _Reader:
    def __init__(self, tree: Tree, pack_id: str) -> None:
        self._tree, self._id = tree, pack_id
        self._names = tree.names()
        self._items: dict[tuple[str, str], Item] = {}
        self._problems: list[Problem] = []
        self._told: dict[str, Requirements | None] = {}
        """file with requirements → what it says, so that a problem of it is told once"""

    def pack(self) -> Pack:
        about = self._metadata()
        self._id = text(about.get("id")) or self._id
        for name in self._names:
            if name.endswith((".yml", ".yaml")) and name.count("/") < 3:
                self._guard(name, self._read_yaml)
            elif name.endswith(".json") and name not in METADATA and not name.startswith(_CODE_FOLDERS):
                self._guard(name, self._read_json)
        self._problems += [Problem(file=file, message=why) for file, why in self._tree.problems.items()]
        return Pack(
            id=self._id,
            name=text(about.get("name")) or self._id,
            version=text(about.get("currentVersion")),
            dependencies=_dependencies(about.get("dependencies")),
            items=tuple(self._items.values()),
            problems=tuple(self._problems),
        )

    def _guard(self, name: str, read: Callable[[str], None]) -> None:
        try:
            read(name)
        except Unreadable as error:
            self._problem(name, error.reason, error.where)
        except Invalid as error:
            self._problem(name, error.message.removeprefix(f"{name}: "))

    def _problem(self, file: str, message: str, where: str = "") -> None:
        self._problems.append(Problem(file=file, where=where, message=message))

    def _metadata(self) -> Mapping[str, Json]:
        about: dict[str, Json] = {}
        for name in METADATA:
            if name in self._names:
                self._guard(name, lambda n: about.update(mapping(documents.read_json(text_of(self._tree, n)))))
        return about

    def _read_json(self, name: str) -> None:
        document = documents.read_json(text_of(self._tree, name))
        for path, raw in kinds.objects(documents.fold(document)):
            for kind, body in kinds.bodies(raw):
                try:
                    self._add(kind, body, name, path)
                except Invalid as error:
                    self._problem(name, error.message, path)

    def _read_yaml(self, name: str) -> None:
        raw = mapping(documents.fold(documents.read_yaml(text_of(self._tree, name))))
        kind = kinds.of_yaml(raw)
        if kind and is_eligible(raw):
            self._add(kind, self._unified(kind, raw, name), name)

    def _unified(self, kind: str, raw: Mapping[str, Json], name: str) -> Mapping[str, Json]:
        """The body with its code in it, and where it came from."""
        own: dict[str, dict[str, Json]] = {"casemirror": {**mapping(raw.get("casemirror")), "path": name}}
        script = mapping(raw.get("script")) if kind == "integration" else raw
        code = text(script.get("script"))
        if code.strip() in ("", "-"):
            code = self._code_beside(name, text(script.get("type")) or "python", kind)
        if kind == "integration":
            told = self._requirements(name)
            own["casemirror"] |= {"requirements": told.as_json()} if told else {}
            return {**raw, "script": {**script, "script": code}, **own}
        return {**raw, "script": code, **own}

    def _requirements(self, name: str) -> Requirements | None:
        """The distributions that the integration in this file needs: told beside it, else for the whole pack."""
        beside = PurePosixPath(name).parent
        files = dict.fromkeys((folder / file).as_posix() for folder in (beside, _ROOT) for file in requirements.READERS)
        for file in files:
            if file in self._names and file not in self._told:
                self._told[file] = self._read_requirements(file)
            if (found := self._told.get(file)) is not None:
                return found
        return None

    def _read_requirements(self, file: str) -> Requirements | None:
        try:
            found = requirements.read(file, text_of(self._tree, file))
        except Invalid as error:
            self._problem(file, error.message.removeprefix(f"{file}: "))
            return None
        for line in found.refused if found else ():
            self._problem(file, line)
        return found

    def _code_beside(self, name: str, language: str, kind: str) -> str:
        found = next(self._candidates(name, language, kind), None)
        if found is None:
            self._problem(name, f"has no code: no {_SUFFIX.get(language, 'source')} file beside it", "script")
            return ""
        return text_of(self._tree, found)

    def _candidates(self, name: str, language: str, kind: str) -> Iterator[str]:
        """Code files beside a YAML, the right one first."""
        folder, suffix = PurePosixPath(name).parent, _SUFFIX.get(language, "")
        if kind == "apimodule":
            exact = PurePosixPath(name).with_suffix(suffix).as_posix()
            yield from (n for n in self._names if n == exact)
        for other in self._names:
            if suffix and other.endswith(suffix) and PurePosixPath(other).parent == folder and _is_code(other):
                yield other

    def _add(self, kind: str, body: Mapping[str, Json], file: str, where: str = "") -> None:
        if not is_eligible(body) or flag(body.get("feed")):
            return
        item = items.make(kind, body, self._id)
        if (kind, item.id) in self._items:
            self._problem(file, f"{kind} {item.id!r} is in the pack twice; the first one is used", where)
            return
        self._items[kind, item.id] = item
        for path, expected in checks.oddities(kind, body):
            self._problem(file, expected, f"{where}.{path}".lstrip("."))


def _is_code(name: str) -> bool:
    return not any(part in PurePosixPath(name).name.lower() for part in _NOT_THE_CODE)


def _dependencies(raw: Json) -> dict[str, bool]:
    """Pack id → mandatory."""
    return {name: flag(mapping(v).get("mandatory")) for name, v in mapping(raw).items()}
