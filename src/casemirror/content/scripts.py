"""Scripts of packs (mappers name some as operators) and the API modules that integrations import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from casemirror.content.integration import Argument, arguments
from casemirror.content.reading import mapping, text, texts
from casemirror.model.errors import Invalid
from casemirror.model.values import Json


@dataclass(frozen=True, kw_only=True, eq=False)
class Script:
    """An automation script. Its tags say whether it serves as `transformer` or `filter`, and of whole lists (`entirelist`)."""

    id: str
    name: str
    tags: tuple[str, ...] = ()
    arguments: tuple[Argument, ...] = ()
    language: str = "python"
    subtype: str = ""
    docker_image: str = ""
    source: str = field(default="", repr=False)

    @property
    def takes_lists(self) -> bool:
        """As a transformer it gets the whole value, not item by item.   Source: content.md §3.4."""
        return "entirelist" in self.tags


@dataclass(frozen=True, kw_only=True, eq=False)
class ApiModule:
    """Python code that integrations import by `from <name> import *`."""

    id: str
    name: str
    source: str = field(default="", repr=False)


def parse_script(body: Mapping[str, Json]) -> Script:
    """Build a script. Raises Invalid when it has no identity."""
    identity, name = _identity(body)
    return Script(
        id=identity,
        name=name,
        tags=tuple(t.lower() for t in texts(body.get("tags"))),
        arguments=arguments(body.get("args")),
        language=text(body.get("type")) or "python",
        subtype=text(body.get("subtype")),
        docker_image=text(body.get("dockerimage")),
        source=text(body.get("script")),
    )


def parse_api_module(body: Mapping[str, Json]) -> ApiModule:
    """Build an API module. Raises Invalid when it has no identity."""
    identity, name = _identity(body)
    return ApiModule(id=identity, name=name, source=text(body.get("script")))


def _identity(body: Mapping[str, Json]) -> tuple[str, str]:
    name = text(body.get("name")) or text(mapping(body.get("commonfields")).get("id"))
    identity = text(mapping(body.get("commonfields")).get("id")) or name
    if not identity:
        raise Invalid("a script needs commonfields.id or name")
    return identity, name
