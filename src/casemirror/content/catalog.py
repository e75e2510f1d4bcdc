"""The installed content with its indexes: what a name means.   Source: content.md §3.1, §5.1; MAP-072, MAP-097."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from casemirror.content import items as content_items
from casemirror.content.items import (
    ApiModule,
    Classifier,
    IncidentField,
    IncidentType,
    Integration,
    Item,
    Mapper,
    Parsed,
    Script,
)
from casemirror.content.pack import Problem
from casemirror.model.errors import Invalid, MappingFailed, NotFound

_IMPORT: Final = re.compile(r"^[ \t]*from[ \t]+(\w+ApiModule)[ \t]+import[ \t]+\*", re.MULTILINE)

_T = TypeVar("_T", Integration, Classifier, Mapper, Script)


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """Everything installed, looked up by the rules of the contract. Build it by `Catalog.of`; it never changes."""

    integrations: Mapping[str, Integration] = field(default_factory=dict)
    classifiers: Mapping[str, Classifier] = field(default_factory=dict)
    mappers: Mapping[str, Mapper] = field(default_factory=dict)
    fields: Mapping[str, IncidentField] = field(default_factory=dict)
    """by cliName; the first installed one when packs differ"""
    types: Mapping[str, IncidentType] = field(default_factory=dict)
    scripts: Mapping[str, Script] = field(default_factory=dict)
    api_modules: Mapping[str, ApiModule] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    """items that could not be understood; they are as if not installed"""
    _names: Mapping[str, str] = field(default_factory=dict, repr=False)
    """display name of a field, exact and case-folded → cliName"""

    @classmethod
    def of(cls, items: Iterable[Item]) -> Catalog:
        """Index the items; of two with the same kind and id the first one counts."""
        parsed, problems = _parse_all(items)
        fields: dict[str, IncidentField] = {}
        names: dict[str, str] = {}
        for found in parsed:
            if isinstance(found, IncidentField):
                fields.setdefault(found.cli_name, found)
                names.setdefault(found.name, found.cli_name)
        for name, cli_name in tuple(names.items()):
            names.setdefault(_folded(name), cli_name)
        return cls(
            integrations={p.id: p for p in reversed(parsed) if isinstance(p, Integration)},
            classifiers={p.id: p for p in reversed(parsed) if isinstance(p, Classifier)},
            mappers={p.id: p for p in reversed(parsed) if isinstance(p, Mapper)},
            fields=fields,
            types={p.name: p for p in reversed(parsed) if isinstance(p, IncidentType)},
            scripts={p.id: p for p in reversed(parsed) if isinstance(p, Script)},
            api_modules={p.name: p for p in reversed(parsed) if isinstance(p, ApiModule)},
            problems=problems,
            _names=names,
        )

    def integration(self, reference: str) -> Integration:
        """The integration with that id or name. Raises NotFound, naming the nearest ones."""
        found = _by_id_or_name(self.integrations, reference)
        if found is None:
            near = difflib.get_close_matches(reference, self.integrations, 3)
            raise NotFound(
                f"no integration {reference!r} is installed" + (f"; did you mean {', '.join(near)}?" if near else "")
            )
        return found

    def classifier(self, reference: str) -> Classifier | None:
        """The classifier with that id or name; None for an empty reference. Raises MappingFailed when it is not installed."""
        return _wanted(self.classifiers, reference, "classifier")

    def mapper(self, reference: str) -> Mapper | None:
        """The mapper with that id or name; None for an empty reference.

        Raises MappingFailed when it is not installed: going on without it would send fields under wrong names.
        """
        return _wanted(self.mappers, reference, "mapper")

    def find_classifier(self, reference: str) -> Classifier | None:
        """As `classifier`, but None when it is not installed: for an integration's own default.   Source: MAP-097."""
        return _by_id_or_name(self.classifiers, reference)

    def find_mapper(self, reference: str) -> Mapper | None:
        """As `mapper`, but None when it is not installed: for an integration's own default.   Source: MAP-097."""
        return _by_id_or_name(self.mappers, reference)

    def field(self, key: str) -> IncidentField | None:
        """The field that a mapper's key means: display name, else cliName, else either in any case."""
        cli_name = self._names.get(key)
        if cli_name is None:
            cli_name = key if key in self.fields else self._names.get(_folded(key), key.lower())
        return self.fields.get(cli_name)

    def field_by_cli(self, cli_name: str) -> IncidentField | None:
        """The field with that machine name."""
        return self.fields.get(cli_name)

    def is_timer(self, cli_name: str) -> bool:
        """The field with that machine name holds a timer object."""
        found = self.fields.get(cli_name)
        return found is not None and found.is_timer

    def type(self, name: str) -> IncidentType | None:
        """The incident type with that name."""
        return self.types.get(name)

    def script(self, reference: str) -> Script | None:
        """The script with that id or name."""
        return _by_id_or_name(self.scripts, reference)

    def api_modules_for(self, source: str) -> dict[str, str]:
        """API modules that the code imports, and those that they import: name → source. Unknown ones are left out."""
        wanted = imported_modules(source)
        found: dict[str, str] = {}
        while wanted:
            name = wanted.pop()
            module = self.api_modules.get(name)
            if module is not None and name not in found:
                found[name] = module.source
                wanted |= imported_modules(module.source)
        return found


def imported_modules(source: str) -> set[str]:
    """Names of API modules that a source text imports.   Source: content.md §1.1."""
    return set(_IMPORT.findall(source))


def _parse_all(items: Iterable[Item]) -> tuple[list[Parsed], tuple[Problem, ...]]:
    parsed, problems = [], []
    for item in items:
        try:
            parsed.append(content_items.parse(item.kind, item.body))
        except Invalid as error:
            problems.append(Problem(file=f"{item.kind}/{item.id}", message=error.message))
    return parsed, tuple(problems)


def _folded(name: str) -> str:
    """Key of the case-insensitive lookup; a NUL keeps it apart from exact names."""
    return "\0" + name.casefold()


def _by_id_or_name(index: Mapping[str, _T], reference: str) -> _T | None:
    if not reference or reference == "null":
        return None
    return index.get(reference) or next((found for found in index.values() if found.name == reference), None)


def _wanted(index: Mapping[str, _T], reference: str, what: str) -> _T | None:
    found = _by_id_or_name(index, reference)
    if found is None and reference not in ("", "null"):
        raise MappingFailed(
            f"{what} {reference!r} is not installed; install its pack or choose another one for the instance"
        )
    return found
