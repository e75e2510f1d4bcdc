"""What the text of an integration says without being run: the commands it knows, the names it uses and nobody defines."""

from __future__ import annotations

import ast
import builtins
import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from casemirror.content.catalog import imported_modules
from casemirror.model.errors import Invalid

GUEST: Final = Path(__file__).parents[2] / "guest"
"""What runs in the child; it is read here as text and never imported."""
_GIVEN: Final = frozenset({"demisto", "__line__", "register_module_line", "__name__", "__file__", "__builtins__"})
_STARS: Final = ("CommonServerPython", "CommonServerUserPython", "demistomock")


@dataclass(frozen=True)
class Source:
    """The code of an integration.

    modules   API modules that the pack brings: name → source text
    """

    text: str
    modules: Mapping[str, str]

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax tree. Raises Invalid, saying where it is no Python."""
        try:
            return ast.parse(self.text)
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None)
            raise Invalid(f"line {line}: {error}" if line else str(error)) from error

    def mentions(self, text: str) -> bool:
        """The text is one of its constants, other than a docstring."""
        return any(isinstance(node, ast.Constant) and node.value == text for node in ast.walk(self.tree))

    def calls(self, name: str) -> list[int]:
        """Lines that call a function of this dotted name."""
        return [
            node.lineno for node in ast.walk(self.tree) if isinstance(node, ast.Call) and _dotted(node.func) == name
        ]

    def guards(self) -> list[tuple[int, set[str]]]:
        """(line, texts) of each comparison of ``__name__``."""
        found = [
            node for node in ast.walk(self.tree) if isinstance(node, ast.Compare) and _dotted(node.left) == "__name__"
        ]
        return [(node.lineno, {text for part in node.comparators for text in _texts(part)}) for node in found]

    def undefined(self) -> list[tuple[str, int]]:
        """Names that it reads and nobody defines, each with the first line; none when a star import hides what there is."""
        if any(name not in (*_STARS, *self.modules, *_api_modules()) for name in self._stars()):
            return []
        known = {*dir(builtins), *_GIVEN, *_stored(self.tree), *common_names(), *self._of_modules()}
        found: dict[str, int] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in known:
                found.setdefault(node.id, node.lineno)
        return list(found.items())

    def missing_libraries(self) -> list[str]:
        """Libraries that it imports at its top level and this Python does not have."""
        ours = {*_STARS, *self.modules, *_api_modules()}
        return sorted({name for name in _imported(self.tree) if name not in ours and not _is_there(name)})

    def _stars(self) -> Iterator[str]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
                yield str(node.module)

    def _of_modules(self) -> set[str]:
        wanted = imported_modules(self.text)
        texts = [self.modules.get(name) or _api_modules().get(name, "") for name in wanted]
        return {name for text in texts for name in _stored(ast.parse(text))}


def common_names() -> frozenset[str]:
    """What ``from CommonServerPython import *`` gives."""
    return frozenset(_stored(ast.parse((GUEST / "CommonServerPython.py").read_text())))


def _api_modules() -> dict[str, str]:
    return {path.stem: path.read_text() for path in (GUEST / "api_modules").glob("*.py")}


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _stored(tree: ast.AST) -> Iterator[str]:
    """Every name that is given a meaning somewhere, in whatever scope."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).split(".")[0]
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            yield node.name
        elif isinstance(node, ast.MatchMapping) and node.rest:
            yield node.rest
        elif isinstance(node, ast.Global | ast.Nonlocal):
            yield from node.names


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def _is_there(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False
