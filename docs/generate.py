"""Write the pages that follow from the code: settings, commands, operators, error codes.

Usage: python docs/generate.py [--check]     --check writes nothing and exits 1 when a page is not current.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import typer.main

import casemirror
from casemirror.cli.build import Options
from casemirror.cli.main import app
from casemirror.mapping import filters, transformers
from casemirror.mapping.operators import Filter, Scope
from casemirror.model import errors
from casemirror.model.settings import KEYS, Key
from casemirror.store import keys

Found = TypeVar("Found")

HERE = Path(__file__).parent
NOT_ROOMS = ("guest", "packs", "migrations")
"""Folders that are not imported: what runs in a child, data, and what only Alembic may load."""

VARIABLES = {
    "home": "folder with the database, the files, the key and `casemirror.toml`",
    "database_url": "PostgreSQL, as `postgresql://user@host/name`; unset: SQLite, `casemirror.db` in the home folder",
    "log_level": "how much a server logs",
    "log_format": "`auto` is readable on a terminal and JSON else",
    "environments": "folder of the [Python environments](environments.md) of integrations; unset: in the home folder",
    "metrics": "where a server or worker serves [metrics](health.md#metrics), as `host:port`; unset: nowhere",
}
"""What the options of a process mean; each has an environment variable and, but for the home itself, a key in `casemirror.toml`."""


def settings() -> str:
    """The page of the server configuration keys and of a process's own options."""
    lines = [
        "# Settings",
        "",
        "## Server configuration",
        "",
        "The same for all processes on one database: `casemirror config list|get|set`. A change takes effect at the next turn",
        "of each lane, without restart.",
        "",
        "| key | kind | default | meaning |",
        "|---|---|---|---|",
        *(f"| `{k.name}` | {k.kind} | {_default(k)} | {_meaning(k)} |" for k in KEYS.values()),
        "",
        "## Options of a process",
        "",
        "Where the data lies and how a process logs. What is given on the [command line](commands.md) wins, then the",
        f"environment, then `casemirror.toml` in the home folder. `{keys.ENVIRONMENT}` is never read from a file of options.",
        "",
        "| environment | in `casemirror.toml` | default | meaning |",
        "|---|---|---|---|",
    ]
    for name, field in Options.model_fields.items():
        choices = getattr(field.annotation, "__args__", ())
        listed = f" ({', '.join(f'`{c}`' for c in choices)})" if choices else ""
        default = f"`{field.default}`" if field.default else "unset"
        in_file = "–" if name == "home" else f"`{name}`"
        lines.append(f"| `CASEMIRROR_{name.upper()}` | {in_file} | {default} | {VARIABLES[name]}{listed} |")
    lines.append(
        f"| `{keys.ENVIRONMENT}` | – | unset | master key of the secrets (base64 of 32 bytes), instead of the file `key` |"
    )
    return "\n".join(lines) + "\n"


def _default(key: Key) -> str:
    if key.default is None:
        return "unset"
    if isinstance(key.default, list | tuple):
        return "`" + ",".join(map(str, key.default)) + "`"
    return f"`{str(key.default).lower() if isinstance(key.default, bool) else key.default}`"


def _meaning(key: Key) -> str:
    return key.meaning + (f" ({', '.join(f'`{c}`' for c in key.choices)})" if key.choices else "")


def commands() -> str:
    """The page of the command line."""
    root = typer.main.get_command(app)
    lines = [
        "# Commands",
        "",
        "Commands print tables for people, and JSON with `--json` where it is listed. Exit codes: 0 done, 1 it failed, 2 it was",
        "asked for something that cannot be. The options of `casemirror` itself stand before the name of the command:",
        "`casemirror --home ./data incident list`. `casemirror --install-completion` teaches your shell to complete them.",
        "",
    ]
    for name, command in _walk(root, "casemirror"):
        lines += _described(command, name)
    return "\n".join(lines).rstrip() + "\n"


def _walk(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    yield name, command
    for child, inner in getattr(command, "commands", {}).items():
        if not inner.hidden:
            yield from _walk(inner, f"{name} {child}")


def _described(command: Any, name: str) -> list[str]:
    lines = [f"## `{name}{_arguments(command)}`", ""]
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        if paragraph.startswith("\b\n"):  # an example: a title, and lines that keep their form
            code = inspect.cleandoc("\n".join(paragraph.splitlines()[2:]))
            lines += ["```", code, "```", ""]
        else:
            lines += [" ".join(paragraph.split()), ""]
    rows = [_row(p) for p in command.params if p.help and not p.hidden and "--help" not in p.opts]
    return lines + (["| | |", "|---|---|", *rows, ""] if rows else [])


def _arguments(command: Any) -> str:
    shown = [p.metavar or p.name.upper() for p in command.params if p.param_type_name == "argument"]
    return "".join(f" {text}" for text in shown)


def _row(parameter: Any) -> str:
    is_argument = parameter.param_type_name == "argument"
    names = [parameter.metavar or parameter.name.upper()] if is_argument else parameter.opts + parameter.secondary_opts
    text = " ".join(parameter.help.split()).replace("|", "\\|")
    variable = f" Environment: `{parameter.envvar}`." if parameter.envvar else ""
    return f"| {', '.join(f'`{n}`' for n in names)} | {text}{variable} |"


def error_codes() -> str:
    """The page of the stable error codes."""
    for module in pkgutil.walk_packages(casemirror.__path__, "casemirror."):
        if not any(part in NOT_ROOMS for part in module.name.split(".")):
            importlib.import_module(module.name)  # rooms have errors of their own
    lines = [
        "# Error codes",
        "",
        "Each error has a stable code, a message for the person, and a class that decides what happens next.",
        "",
        "| code | class | what happens next | what it means |",
        "|---|---|---|---|",
    ]
    for kind in sorted(_tree(errors.CasemirrorError), key=lambda k: k.code):
        lines.append(f"| `{kind.code}` | `{kind.__name__}` | {_reaction(kind)} | {_summary(kind)} |")
    return "\n".join(lines) + "\n"


def _tree(kind: type[errors.CasemirrorError]) -> Iterator[type[errors.CasemirrorError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _tree(child)


def _summary(kind: type[errors.CasemirrorError]) -> str:
    return re.sub(r"\s+", " ", inspect.cleandoc(kind.__doc__ or "").split("\n\n")[0])


def _reaction(kind: type[errors.CasemirrorError]) -> str:
    reactions = {
        errors.RetryLater: "the link waits and is tried again",
        errors.LaneMustWait: "the lane waits, nothing counts as a failure",
        errors.NeedsAttention: "held until a person or a new mapper changes something",
        errors.NotOurTurn: "dropped silently, still due",
        errors.BadRequest: "the caller is told (exit code 2)",
    }
    if kind is errors.CasemirrorError:
        return "–"
    return next((text for base, text in reactions.items() if issubclass(kind, base)), "the command fails (exit code 1)")


def operators() -> str:
    """The page of the transformers and filters."""
    lines = [
        "# Operators",
        "",
        "The transformers and filters that casemirror knows itself. Arguments and results are those of the XSOAR documentation;",
        "a category prefix (`string.`, `number.`, `general.`) may stand before each name. Any other name is that of a Python",
        "script of an installed pack. `casemirror map --explain` shows what each does with a value.",
        "",
        "## Transformers",
        "",
        "| name | is given |",
        "|---|---|",
        *(f"| `{name}` | {SCOPES[found.scope]} |" for name, found in _sorted(transformers.KNOWN)),
        "",
        "## Filters",
        "",
        "A filter passes a list when an element does, unless it looks at the value as a whole. Without a value every positive",
        "comparison is false.",
        "",
        "| name | looks at |",
        "|---|---|",
        *(f"| `{name}` | {_looks_at(found)} |" for name, found in _sorted(filters.KNOWN)),
    ]
    return "\n".join(lines) + "\n"


SCOPES = {
    Scope.ITEM: "each element of a list, or the value; not called without one",
    Scope.LIST: "the whole list; a single value as a list of one",
    Scope.WHOLE: "the value as it is, also none",
}


def _sorted(known: Mapping[str, Found]) -> list[tuple[str, Found]]:
    return sorted(known.items(), key=lambda item: item[0].casefold())


def _looks_at(found: Filter) -> str:
    return ("the value as a whole" if found.whole else "each element") + (", negated" if found.negated else "")


PAGES = {"settings.md": settings, "commands.md": commands, "operators.md": operators, "errors.md": error_codes}


def main() -> int:
    """Write or check the pages."""
    stale = [name for name, page in PAGES.items() if not (HERE / name).exists() or (HERE / name).read_text() != page()]
    if "--check" in sys.argv:
        print("\n".join(f"{name} is not current; run make docs" for name in stale))
        return int(bool(stale))
    for name in stale:
        (HERE / name).write_text(PAGES[name]())
        print(f"wrote docs/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
