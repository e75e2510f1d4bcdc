"""What the installed content refers to and nothing provides: warnings, because authors' own lists are incomplete.

Source: content.md §2.3; MAP-100.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from casemirror.content.catalog import Catalog, imported_modules
from casemirror.content.items import COMMON, Mapper
from casemirror.content.reading import mapping, mappings, sequence, text
from casemirror.model.values import Json


@dataclass(frozen=True, kw_only=True)
class Missing:
    """A reference that resolves to nothing; `user` refers to `name`, a `kind` of item."""

    user: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.user} refers to the {self.kind} {self.name!r}, which is not installed"


def missing(
    catalog: Catalog,
    *,
    operators: Collection[str] = (),
    system_fields: Collection[str] = (),
    api_modules: Collection[str] = (),
) -> tuple[Missing, ...]:
    """References that nothing satisfies, each once, in a stable order.

    operators       names that the mapping engine knows itself
    system_fields   names that every incident has
    api_modules     modules that the runtime brings along
    """
    found = [
        *_of_integrations(catalog, api_modules),
        *_of_classifiers(catalog),
        *(m for mapper in catalog.mappers.values() for m in _of_mapper(catalog, mapper, operators, system_fields)),
    ]
    return tuple(sorted(dict.fromkeys(found), key=lambda m: (m.user, m.kind, m.name)))


def _of_integrations(catalog: Catalog, known: Collection[str]) -> Iterator[Missing]:
    for integration in catalog.integrations.values():
        user = f"integration {integration.id}"
        if integration.default_classifier and not catalog.find_classifier(integration.default_classifier):
            yield Missing(user=user, kind="classifier", name=integration.default_classifier)
        for reference in (integration.default_mapper_in, integration.default_mapper_out):
            if reference and not catalog.find_mapper(reference):
                yield Missing(user=user, kind="mapper", name=reference)
        for name in imported_modules(integration.source):
            if name not in catalog.api_modules and name not in known:
                yield Missing(user=user, kind="API module", name=name)


def _of_classifiers(catalog: Catalog) -> Iterator[Missing]:
    for classifier in catalog.classifiers.values():
        for name in {*classifier.key_type_map.values(), classifier.default_type} - {"", *catalog.types}:
            yield Missing(user=f"classifier {classifier.id}", kind="incident type", name=name)


def _of_mapper(
    catalog: Catalog, mapper: Mapper, operators: Collection[str], system_fields: Collection[str]
) -> Iterator[Missing]:
    user = f"mapper {mapper.id}"
    for incident_type, section in mapper.sections.items():
        if incident_type not in (COMMON, *catalog.types):
            yield Missing(user=user, kind="incident type", name=incident_type)
        for key, expression in section.mapping.items():
            if mapper.incoming and key not in system_fields and catalog.field(key) is None:
                yield Missing(user=user, kind="incident field", name=key)
            for name in operators_of(mapping(expression)):
                if name not in operators and catalog.script(name) is None:
                    yield Missing(user=user, kind="operator", name=name)


def operators_of(expression: Mapping[str, Json]) -> Iterator[str]:
    """Names of transformers and filters in a value expression, without their category prefix."""
    value = mapping(expression.get("complex"))
    for step in mappings(value.get("transformers")):
        yield text(step.get("operator")).rsplit(".", 1)[-1]
    for group in sequence(value.get("filters")):
        for condition in mappings(group):
            yield text(condition.get("operator")).rsplit(".", 1)[-1]
