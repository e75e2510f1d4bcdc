"""Write the pages that follow from the code: settings, commands, error codes.

Usage: python docs/generate.py [--check]     --check writes nothing and exits 1 when a page is not current.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import typer.main

from casemirror.cli.main import app
from casemirror.model import errors
from casemirror.model.settings import KEYS, Key
from casemirror.store import files

HERE = Path(__file__).parent
_ = files  # its error classes are part of the tree


def settings() -> str:
    """The page of the server configuration keys."""
    lines = [
        "# Settings",
        "",
        "Server configuration, the same for all processes on one database: `casemirror config list|get|set`. A change takes",
        "effect at the next turn of each lane, without restart. Where the data lies and how a process logs is set by its own",
        "options: see [commands](commands.md).",
        "",
        "| key | kind | default | meaning |",
        "|---|---|---|---|",
    ]
    lines += [f"| `{k.name}` | {k.kind} | {_default(k)} | {k.meaning} |" for k in KEYS.values()]
    return "\n".join(lines) + "\n"


def _default(key: Key) -> str:
    if key.default is None:
        return "unset"
    if isinstance(key.default, list | tuple):
        return "`" + ",".join(map(str, key.default)) + "`"
    return f"`{str(key.default).lower() if isinstance(key.default, bool) else key.default}`"


def commands() -> str:
    """The page of the command line."""
    root = typer.main.get_command(app)
    lines = ["# Commands", "", "Every command prints tables for people, and JSON with `--json`. Exit codes: 0 done, 1 it", "failed, 2 it was asked for something that cannot be.", ""]
    with click.Context(root, info_name="casemirror") as context:
        lines += _described(root, context, "casemirror", "##")
        for name, command in _walk(root, context, "casemirror"):
            lines += _described(command, context, name, "##")
    return "\n".join(lines).rstrip() + "\n"


def _walk(group: click.Command, context: click.Context, name: str) -> Iterator[tuple[str, click.Command]]:
    for child in group.list_commands(context) if hasattr(group, "list_commands") else []:
        command = group.get_command(context, child)
        if command is None or command.hidden:
            continue
        yield f"{name} {child}", command
        yield from _walk(command, context, f"{name} {child}")


def _described(command: click.Command, context: click.Context, name: str, level: str) -> list[str]:
    help_text = inspect.cleandoc(command.help or "").replace("\b\n", "")
    before, _, examples = re.sub(r"(Examples?|First steps):\n", "\0", help_text).partition("\0")
    lines = [f"{level} `{name}`", "", " ".join(before.split())]
    if examples:
        code = [line.rstrip() for line in inspect.cleandoc(examples).splitlines() if line.strip()]
        lines += ["", "```", *code, "```"]
    options = [p for p in command.params if isinstance(p, click.Option) and not p.hidden and "--help" not in p.opts]
    texts = [f"* `{', '.join(p.opts)}`: {' '.join((p.help or '').split())}{_variable(p)}" for p in options if p.help]
    return [*lines, *([""] + texts if texts else []), ""]


def _variable(option: click.Option) -> str:
    return f" (environment: `{option.envvar}`)" if option.envvar else ""


def error_codes() -> str:
    """The page of the stable error codes."""
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
    return next((text for base, text in reactions.items() if issubclass(kind, base)), "–")


PAGES = {"settings.md": settings, "commands.md": commands, "errors.md": error_codes}


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
