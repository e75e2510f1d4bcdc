"""Tell what a JSON or YAML file of a pack is by its keys, never by its name.   Source: content.md §2.1; MAP-095, MAP-098."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from casemirror.content.reading import integer, mapping, text
from casemirror.model.values import Json

_BY_TYPE: Final = {"classification": "classifier", "mapping-incoming": "mapper-in", "mapping-outgoing": "mapper-out"}
_WRAPPERS: Final = ("incidentFields", "incidentTypes", "classifiers", "mappers")


def objects(document: Json, path: str = "") -> Iterator[tuple[str, Mapping[str, Json]]]:
    """The objects of a JSON file with their JSON paths: one, a bare list of them, or a list under an export's key."""
    if isinstance(document, list):
        for number, inner in enumerate(document):
            yield from objects(inner, f"{path}[{number}]")
    elif isinstance(document, Mapping):
        wrapped = [key for key in _WRAPPERS if isinstance(document.get(key), list)]
        if wrapped and "id" not in document:
            for key in wrapped:
                yield from objects(document[key], f"{path}.{key}".lstrip("."))
        else:
            yield path, document


def bodies(raw: Mapping[str, Json]) -> tuple[tuple[str, Mapping[str, Json]], ...]:
    """Kind and body of what a JSON object holds: one item, two for a legacy one, none for what a mirror has no use for."""
    kind = _BY_TYPE.get(text(raw.get("type")))
    if kind:
        return ((kind, raw),)
    if "cliName" in raw:
        return (("incidentfield", raw),) if _is_incident_field(raw) else ()
    if _is_incident_type(raw):
        return (("incidenttype", raw),)
    return _legacy(raw) if _is_legacy(raw) else ()


def _is_incident_field(raw: Mapping[str, Json]) -> bool:
    identity = text(raw.get("id"))
    return integer(raw.get("group")) == 0 and not identity.startswith(("indicator_", "evidence_"))


def _is_incident_type(raw: Mapping[str, Json]) -> bool:
    """It has a color; so have indicator types (which carry a regex) and objects of other definitions."""
    return "color" in raw and not text(raw.get("definitionId")) and not raw.keys() & _INDICATOR_KEYS


_INDICATOR_KEYS: Final = frozenset({"regex", "reputationScriptName", "enhancementScriptNames"})


def _is_legacy(raw: Mapping[str, Json]) -> bool:
    return "type" not in raw and bool({"mapping", "keyTypeMap", "transformer", "brandName"} & raw.keys())


def _legacy(raw: Mapping[str, Json]) -> tuple[tuple[str, Mapping[str, Json]], ...]:
    """A legacy item is both a classifier and an incoming mapper of its brand, under one id."""
    if (
        not isinstance(raw.get("mapping"), Mapping)
        and not mapping(raw.get("transformer"))
        and not raw.get("keyTypeMap")
    ):
        return ()
    return ("classifier", {**raw, "type": "classification"}), ("mapper-in", {**raw, "type": "mapping-incoming"})


def of_yaml(raw: Mapping[str, Json]) -> str:
    """Kind of a YAML file: `integration`, `script`, `apimodule`, or empty (playbooks and others)."""
    if isinstance(raw.get("configuration"), list) or isinstance(raw.get("script"), Mapping):
        return "integration"
    if "script" not in raw or "tasks" in raw:
        return ""
    name = text(raw.get("name")) or text(mapping(raw.get("commonfields")).get("id"))
    return "apimodule" if name.endswith("ApiModule") else "script"
