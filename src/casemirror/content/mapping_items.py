"""Classifiers and mappers as data; how they are evaluated is the business of `casemirror.mapping`.   Source: content.md §3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from casemirror.content.reading import flag, mapping, text
from casemirror.model.errors import Invalid
from casemirror.model.values import Json

COMMON: Final = "dbot_classification_incident_type_all"
"""Key of the section that applies to every incident type."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Classifier:
    """Decides the incident type: the transformer's value is looked up in `key_type_map`.

    Compared by identity, as what is compiled from it is cached by identity.
    """

    id: str
    name: str
    transformer: Mapping[str, Json] = field(default_factory=dict)
    key_type_map: Mapping[str, str] = field(default_factory=dict)
    default_type: str = ""
    brand: str = ""
    """integration id of a legacy item; empty for all others"""
    feed: bool = False


@dataclass(frozen=True, kw_only=True)
class Section:
    """What a mapper says about one incident type.

    mapping            target → value expression, as the file has it
    dont_map_labels    what the mapping does not use is not kept as labels either
    """

    mapping: Mapping[str, Json] = field(default_factory=dict)
    dont_map_labels: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Mapper:
    """Incoming (event → incident fields) or outgoing (incident → remote fields). Compared by identity."""

    id: str
    name: str
    incoming: bool
    sections: Mapping[str, Section] = field(default_factory=dict)
    brand: str = ""
    feed: bool = False


def parse_classifier(body: Mapping[str, Json]) -> Classifier:
    """Build a classifier. Raises Invalid when it has no identity."""
    identity, name = _identity(body)
    return Classifier(
        id=identity,
        name=name,
        transformer=mapping(body.get("transformer")),
        key_type_map={k: text(v) for k, v in mapping(body.get("keyTypeMap")).items() if text(v)},
        default_type=text(body.get("defaultIncidentType")),
        brand=text(body.get("brandName")),
        feed=flag(body.get("feed")),
    )


def parse_mapper(body: Mapping[str, Json], *, incoming: bool) -> Mapper:
    """Build a mapper. Raises Invalid when it has no identity."""
    identity, name = _identity(body)
    return Mapper(
        id=identity,
        name=name,
        incoming=incoming,
        sections={t: _section(mapping(s)) for t, s in mapping(body.get("mapping")).items()},
        brand=text(body.get("brandName")),
        feed=flag(body.get("feed")),
    )


def _section(raw: Mapping[str, Json]) -> Section:
    return Section(
        mapping={k: v for k, v in mapping(raw.get("internalMapping")).items() if v is not None},
        dont_map_labels=flag(raw.get("dontMapEventToLabels")),
    )


def _identity(body: Mapping[str, Json]) -> tuple[str, str]:
    name = text(body.get("name")) or text(body.get("brandName")) or text(body.get("id"))
    identity = text(body.get("id")) or name
    if not identity:
        raise Invalid("a classifier or mapper needs an id or a name")
    return identity, name
