"""Which modules a text imports, which of them are missing, and which distribution brings one."""

from __future__ import annotations

import ast
import functools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Final

_MISSING: Final = re.compile(r"No module named '?([A-Za-z_][\w.]*)")
_OURS: Final = frozenset({"demistomock", "CommonServerPython", "CommonServerUserPython", "__main__"})


@dataclass(frozen=True, kw_only=True)
class Imports:
    """First parts of module names.

    always      imported when the text is loaded: without them it cannot run at all
    sometimes   imported in a function, or with an `except` around it
    """

    always: frozenset[str] = frozenset()
    sometimes: frozenset[str] = frozenset()


def imports_of(sources: Iterable[str]) -> Imports:
    """What the texts import, without what casemirror itself gives them; a text that does not parse imports nothing."""
    found = [(name, is_sure) for source in sources for name, is_sure in _imports(source)]
    always = frozenset(name for name, is_sure in found if is_sure)
    return Imports(always=always, sometimes=frozenset(name for name, _ in found) - always)


def _imports(source: str) -> Iterator[tuple[str, bool]]:
    try:
        waiting: list[tuple[ast.AST, bool]] = [(ast.parse(source), True)]
    except (SyntaxError, ValueError, RecursionError):
        return
    while waiting:
        node, is_sure = waiting.pop()
        yield from ((name, is_sure) for name in _names(node) if name not in _OURS and not name.endswith("ApiModule"))
        is_sure = is_sure and not isinstance(
            node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.Try | ast.If
        )
        waiting += [(child, is_sure) for child in ast.iter_child_nodes(node)]


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module.partition(".")[0]]
    return []


def missing_in(text: str) -> str:
    """The module that an error says is missing, as it is imported (``google.cloud``); empty when it says no such thing."""
    found = _MISSING.search(text)
    return found.group(1).rstrip(".") if found else ""


def distribution_of(module: str) -> str:
    """The distribution that brings a module; most are called as their module is."""
    parts = module.split(".")
    dotted = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((_table()[name] for name in dotted if name in _table()), parts[0].replace("_", "-"))


@functools.cache
def _table() -> Mapping[str, str]:
    found = json.loads(resources.files(__package__).joinpath("modules.json").read_text("utf-8"))
    return dict(found["modules"])
