"""Read YAML and JSON text into plain JSON values, safely: no tags, no dates, no bombs, and errors that name the line."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import yaml

from casemirror.content.versions import MARKETPLACES
from casemirror.model.errors import Invalid
from casemirror.model.values import Json

MAX_NODES: Final = 1_000_000
"""Values in one document after its aliases are expanded; the largest public integration has about 60,000."""
MAX_DEPTH: Final = 64

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]
    """YAML 1.2 scalars: only true/false are booleans (`No` is an option's text), dates stay text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, rule) for tag, rule in rules if not tag.endswith((":bool", ":timestamp"))]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


class Unreadable(Invalid):
    """A document that cannot be read; `where` is ``"line 12, column 3"`` or empty."""

    code = "content.unreadable"

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(f"{where}: {message}" if where else message)
        self.where = where
        self.reason = message


def read_yaml(text: str) -> Json:
    """Parse one YAML document. Raises Unreadable, naming the line."""
    try:
        return _Plain().of(yaml.load(text, Loader=_Loader))  # noqa: S506  the loader is a safe one
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise Unreadable(" ".join(str(error.problem or error.context or "not YAML").split()), where) from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise Unreadable(f"not YAML: {' '.join(str(error).split())[:200]}") from error
    except RecursionError:
        raise Unreadable("nested too deeply") from None


def read_json(text: str) -> Json:
    """Parse one JSON document. Raises Unreadable, naming the line."""
    try:
        return _Plain().of(json.loads(text, parse_constant=_refuse))
    except json.JSONDecodeError as error:
        raise Unreadable(error.msg, f"line {error.lineno}, column {error.colno}") from error
    except ValueError as error:
        raise Unreadable(str(error)[:200]) from error
    except RecursionError:
        raise Unreadable("nested too deeply") from None


def _refuse(constant: str) -> Json:
    raise Unreadable(f"{constant} is no JSON value")


class _Plain:
    """Turn what a parser built into JSON values: text keys, no shared parts, at most `MAX_NODES` of them."""

    def __init__(self) -> None:
        self._nodes = 0

    def of(self, value: Any, depth: int = 0) -> Json:
        self._nodes += 1
        if self._nodes > MAX_NODES or depth > MAX_DEPTH:
            raise Unreadable(
                "too large once its aliases are expanded" if self._nodes > MAX_NODES else "nested too deeply"
            )
        if isinstance(value, dict):
            return {_key(k): self.of(v, depth + 1) for k, v in value.items()}
        if isinstance(value, list | tuple | set):
            return [self.of(v, depth + 1) for v in value]
        if isinstance(value, float) and value - value != 0:
            return str(value)
        if value is None or isinstance(value, bool | int | float | str):
            return value
        return str(value)


def _key(key: Any) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return "" if key is None else str(key)


def fold(value: Json) -> Json:
    """Fold marketplace spellings: `key:xsoar` replaces `key`, other suffixed keys vanish; at every depth.

    Only suffixes that are words of marketplaces count, so that a key with a colon of its own stays.
    Source: content.md §1.3.
    """
    if isinstance(value, list):
        return [fold(v) for v in value]
    if not isinstance(value, dict):
        return value
    plain = {k: fold(v) for k, v in value.items() if not _SUFFIX.search(k)}
    for market in MARKETPLACES:
        for key, inner in value.items():
            if key.endswith(":" + market):
                plain[key.removesuffix(":" + market)] = fold(inner)
    return plain


_SUFFIX: Final = re.compile(r":(?:xsoar|xsoar_on_prem|xsoar_saas|marketplacev2|xpanse|platform)$")
