"""Integrations and what they declare: parameters, commands, abilities.   Source: content.md §1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from casemirror.content.reading import flag, integer, mapping, mappings, sequence, text, texts
from casemirror.content.requirements import Requirements, from_json
from casemirror.content.versions import MARKETPLACES
from casemirror.model.errors import Invalid
from casemirror.model.values import Json


class ParamType:
    """The parameter types that need a rule of their own; all others are texts.   Source: content.md §1.3."""

    ENCRYPTED: Final = 4
    BOOLEAN: Final = 8
    CREDENTIALS: Final = 9
    INCIDENT_TYPE: Final = 13
    ENCRYPTED_LONG: Final = 14
    SINGLE_SELECT: Final = 15
    MULTI_SELECT: Final = 16
    EXPIRATION: Final = 17
    REPUTATION: Final = 18
    INTERVAL: Final = 19


SECRET_TYPES: Final = frozenset({ParamType.ENCRYPTED, ParamType.CREDENTIALS, ParamType.ENCRYPTED_LONG})
HIDDEN_TEXTS: Final = frozenset({0, 12})
"""Short and long text: secret when hidden."""
DISPLAY_TYPES: Final = frozenset({11, 20, 21, 22, 23})
"""Types that only draw something; no value reaches the integration."""


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One instance parameter.

    default   already converted to its run-time type; None when there is none
    hidden    not offered to people; it still has a value and reaches the code
    """

    name: str
    type: int
    display: str = ""
    display_password: str = ""
    required: bool = False
    default: Json = None
    options: tuple[str, ...] = ()
    hidden: bool = False
    hidden_username: bool = False
    hidden_password: bool = False
    help: str = ""
    section: str = ""
    advanced: bool = False

    @property
    def is_secret(self) -> bool:
        """Its value (for credentials: the whole object) is stored encrypted and masked in logs.

        A hidden text counts as one: what nobody is shown may well be a key.
        """
        return self.type in SECRET_TYPES or (self.hidden and self.type in HIDDEN_TEXTS)

    @property
    def has_value(self) -> bool:
        """It reaches the integration."""
        return self.type not in DISPLAY_TYPES

    @property
    def label(self) -> str:
        """What a person calls it."""
        return self.display or self.display_password or self.name


@dataclass(frozen=True, kw_only=True)
class Argument:
    """An argument of a command or script; `default` None means that a missing one stays missing."""

    name: str
    description: str = ""
    required: bool = False
    is_array: bool = False
    is_default: bool = False
    default: str | None = None
    options: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CommandSpec:
    """A command that can be run by hand; the server's own commands need not be declared."""

    name: str
    description: str = ""
    arguments: tuple[Argument, ...] = ()
    deprecated: bool = False
    hidden: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Integration:
    """The code of a pack that talks to one product.

    source             Python text; its API module imports are still in it (`Catalog.api_modules_for`)
    resends_safely     our extension: repeating update-remote-system with the same entries adds nothing twice
    creates_safely     our extension: a creation that may have happened is recognised by the integration itself
    requirements       Python distributions that its pack says it needs; None when it says nothing
    """

    id: str
    name: str
    display: str = ""
    category: str = ""
    description: str = ""
    params: tuple[Parameter, ...] = ()
    commands: tuple[CommandSpec, ...] = ()
    fetch: bool = False
    fetch_samples: bool = False
    mappable: bool = False
    mirror_in: bool = False
    mirror_out: bool = False
    long_running: bool = False
    default_classifier: str = ""
    default_mapper_in: str = ""
    default_mapper_out: str = ""
    docker_image: str = ""
    language: str = "python"
    subtype: str = ""
    deprecated: bool = False
    hidden: bool = False
    resends_safely: bool = False
    creates_safely: bool = False
    source: str = field(default="", repr=False)
    path: str = ""
    requirements: Requirements | None = None

    @property
    def mirrors(self) -> bool:
        """It can keep incidents and remote objects the same, at least one way."""
        return self.mirror_in or self.mirror_out

    @property
    def runnable(self) -> str:
        """Why it cannot run here; empty when it can."""
        if self.language != "python":
            return f"is written in {self.language or 'an unknown language'}; casemirror runs Python 3"
        if self.subtype != "python3":
            return "needs Python 2"
        return "" if self.source.strip() else "has no code"

    def param(self, name: str) -> Parameter | None:
        """The parameter with that name."""
        return next((p for p in self.params if p.name == name), None)

    def command(self, name: str) -> CommandSpec | None:
        """The declared command with that name."""
        return next((c for c in self.commands if c.name == name), None)


def parse(body: Mapping[str, Json]) -> Integration:
    """Build an integration from its unified YAML. Raises Invalid when it has no identity."""
    script, common = mapping(body.get("script")), mapping(body.get("commonfields"))
    own = mapping(script.get("casemirror"))
    name = text(body.get("name")) or text(common.get("id"))
    identity = text(common.get("id")) or name
    if not identity:
        raise Invalid("an integration needs commonfields.id or name")
    return Integration(
        id=identity,
        name=name,
        display=text(body.get("display")) or name,
        category=text(body.get("category")),
        description=text(body.get("description")),
        params=tuple(parse_parameter(p) for p in mappings(body.get("configuration")) if text(p.get("name"))),
        commands=tuple(_command(c) for c in mappings(script.get("commands")) if text(c.get("name"))),
        fetch=flag(script.get("isfetch")),
        fetch_samples=flag(script.get("isFetchSamples")),
        mappable=flag(script.get("ismappable")),
        mirror_in=flag(script.get("isremotesyncin")),
        mirror_out=flag(script.get("isremotesyncout")),
        long_running=flag(script.get("longRunning")),
        default_classifier=_reference(body.get("defaultclassifier")),
        default_mapper_in=_reference(body.get("defaultmapperin")),
        default_mapper_out=_reference(body.get("defaultmapperout")),
        docker_image=text(script.get("dockerimage")),
        language=text(script.get("type")) or "python",
        subtype=text(script.get("subtype")),
        deprecated=flag(body.get("deprecated")),
        hidden=flag(body.get("hidden")),
        resends_safely=flag(own.get("resends_safely")),
        creates_safely=flag(own.get("creates_safely")),
        source=text(script.get("script")),
        path=text(mapping(body.get("casemirror")).get("path")),
        requirements=from_json(mapping(body.get("casemirror")).get("requirements")),
    )


def parse_parameter(raw: Mapping[str, Json]) -> Parameter:
    """Build one parameter of `configuration[]`."""
    kind = integer(raw.get("type"))
    return Parameter(
        name=text(raw.get("name")),
        type=kind,
        display=text(raw.get("display")),
        display_password=text(raw.get("displaypassword")),
        required=flag(raw.get("required")),
        default=_default(kind, raw.get("defaultvalue")),
        options=texts(raw.get("options")),
        hidden=_hidden(raw.get("hidden")),
        hidden_username=_hidden(raw.get("hiddenusername")),
        hidden_password=_hidden(raw.get("hiddenpassword")),
        help=text(raw.get("additionalinfo")),
        section=text(raw.get("section")),
        advanced=flag(raw.get("advanced")),
    )


def _default(kind: int, value: Json) -> Json:
    """A default is written as text whatever the type; convert it.   Source: content.md §1.3."""
    if kind == ParamType.BOOLEAN:
        return flag(value)
    if kind == ParamType.MULTI_SELECT:
        parts = texts(value) if isinstance(value, list) else tuple(text(value).split(","))
        return [p.strip() for p in parts if p.strip()]
    if kind == ParamType.CREDENTIALS:
        return {"identifier": text(value), "password": ""} if text(value) else None
    return text(value) or None


def _hidden(value: Json) -> bool:
    """A boolean, or the list of marketplaces in which it is hidden."""
    if isinstance(value, list):
        return any(v in MARKETPLACES for v in value)
    return flag(value)


def _reference(value: Json) -> str:
    """A default classifier or mapper; the text `null` means none.   Source: MAP-097."""
    return "" if text(value).strip() == "null" else text(value).strip()


def _command(raw: Mapping[str, Json]) -> CommandSpec:
    return CommandSpec(
        name=text(raw.get("name")),
        description=text(raw.get("description")),
        arguments=arguments(raw.get("arguments")),
        deprecated=flag(raw.get("deprecated")),
        hidden=_hidden(raw.get("hidden")),
    )


def arguments(raw: Json) -> tuple[Argument, ...]:
    """Build the arguments of a command (`arguments`) or script (`args`)."""
    return tuple(_argument(a) for a in mappings(raw) if text(a.get("name")))


def _argument(raw: Mapping[str, Json]) -> Argument:
    default = raw.get("defaultValue")
    return Argument(
        name=text(raw.get("name")),
        description=text(raw.get("description")),
        required=flag(raw.get("required")),
        is_array=flag(raw.get("isArray")),
        is_default=flag(raw.get("default")),
        default=None if default is None else text(default),
        options=tuple(text(v) for v in sequence(raw.get("predefined")) if v is not None),
    )
