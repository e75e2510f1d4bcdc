"""Items: what a pack consists of, as the store keeps them (kind, id, name, JSON body) and as everybody else reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from casemirror.content import incident_items, integration, mapping_items, scripts
from casemirror.content.incident_items import Column, IncidentField, IncidentType
from casemirror.content.integration import Argument, CommandSpec, Integration, Parameter
from casemirror.content.mapping_items import COMMON, Classifier, Mapper, Section
from casemirror.content.scripts import ApiModule, Script
from casemirror.model.errors import Invalid
from casemirror.model.values import Json

__all__ = [
    "COMMON",
    "KINDS",
    "ApiModule",
    "Argument",
    "Classifier",
    "Column",
    "CommandSpec",
    "IncidentField",
    "IncidentType",
    "Integration",
    "Item",
    "Mapper",
    "Parameter",
    "Parsed",
    "Script",
    "Section",
    "make",
    "parse",
]

Parsed: TypeAlias = Integration | Classifier | Mapper | IncidentField | IncidentType | Script | ApiModule

_PARSERS: Final[Mapping[str, Callable[[Mapping[str, Json]], Parsed]]] = {
    "integration": integration.parse,
    "classifier": mapping_items.parse_classifier,
    "mapper-in": lambda body: mapping_items.parse_mapper(body, incoming=True),
    "mapper-out": lambda body: mapping_items.parse_mapper(body, incoming=False),
    "incidentfield": incident_items.parse_field,
    "incidenttype": incident_items.parse_type,
    "script": scripts.parse_script,
    "apimodule": scripts.parse_api_module,
}

KINDS: Final = tuple(_PARSERS)


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thing of a pack.

    kind   one of `KINDS`
    body   the file's content as JSON values; integrations and scripts are unified: the source text is in it
    """

    kind: str
    id: str
    name: str
    body: Mapping[str, Json] = field(repr=False)
    pack_id: str = ""


def parse(kind: str, body: Mapping[str, Json]) -> Parsed:
    """Build the value that a stored body describes. Raises Invalid for an unknown kind or a body without identity."""
    if kind not in _PARSERS:
        raise Invalid(f"unknown kind of content {kind!r}; there are {', '.join(KINDS)}")
    return _PARSERS[kind](body)


def make(kind: str, body: Mapping[str, Json], pack_id: str = "") -> Item:
    """Wrap a body as an item, with the identity that it declares. Raises Invalid as `parse` does."""
    parsed = parse(kind, body)
    return Item(kind=kind, id=parsed.id, name=parsed.name, body=body, pack_id=pack_id)
