"""The pages are complete and true: what the code has stands in them, and what they name is there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from casemirror.cli.build import Options
from casemirror.cli.main import app
from casemirror.model.settings import KEYS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]


def tracked() -> list[Path]:
    """Files that git knows."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_the_generated_pages_are_current() -> None:
    """Every setting, command, option and error code is documented: its page follows from the code."""
    done = subprocess.run([sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """A relative link names a file or folder that is there."""
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        if not target.startswith(("http:", "https:", "mailto:")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_two_commands_of_the_readme_are_there() -> None:
    """`make demo` and `make test` are targets, and CI runs both."""
    makefile, ci = (ROOT / "Makefile").read_text(), (ROOT / ".ci" / "run").read_text()
    for command in ("demo", "test"):
        assert re.search(rf"^{command}:", makefile, re.MULTILINE)
        assert f"make {command}" in (ROOT / "README.md").read_text()
        assert f"make {command}" in ci


def test_every_room_is_in_the_architecture() -> None:
    """Each folder of the package has its line."""
    page = (DOCS / "architecture.md").read_text()
    for folder in sorted((ROOT / "src" / "casemirror").iterdir()):
        if folder.is_dir() and not folder.name.startswith("_"):
            assert f"`{folder.name}" in page, folder.name


def test_nobody_imports_the_guest() -> None:
    """The guest stands alone: no room imports it, and it imports no room."""
    for path in (ROOT / "src" / "casemirror").rglob("*.py"):
        text = path.read_text()
        if "guest" in path.parts:
            assert not re.search(r"^\s*(from|import) casemirror", text, re.MULTILINE), path
        elif "packs" not in path.parts:
            assert not re.search(r"^\s*(from|import) casemirror\.guest", text, re.MULTILINE), path


def test_no_file_names_a_registry_or_a_private_place() -> None:
    """Pins name packages, versions and hashes; nothing names where they come from, or the machine it was written on."""
    words = [
        "--index-" + "url",
        "--regis" + "try",
        "pypi." + "org/simple",
        "files.pythonhosted." + "org",
        "/wo" + "rk/",
        "../sha" + "red",
    ]
    for path in tracked():
        if path.suffix not in (".png", ".zip"):
            text = path.read_text(errors="replace")
            assert not [w for w in words if w in text], path


def test_decisions_say_what_a_decision_says() -> None:
    """Context, decision, cost, how we would notice it was wrong; numbered without gaps."""
    pages = sorted((DOCS / "decisions").glob("*.md"))
    assert [p.name[:4] for p in pages] == [f"{n:04}" for n in range(1, len(pages) + 1)]
    for page in pages:
        for word in ("**Context.**", "**Decision.**", "**Cost.**", "**We would notice"):
            assert word in page.read_text(), page.name


def commands_of(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Each command with its full name."""
    yield name, command
    for child, inner in getattr(command, "commands", {}).items():
        yield from commands_of(inner, f"{name} {child}")


def test_every_command_and_option_is_documented() -> None:
    """Read from the program, not from the generator: a section for each command, with its options and an example."""
    sections = {
        head.split("`")[1]: body
        for head, body in re.findall(
            r"^## (.+)\n((?:(?!^## ).*\n?)*)", (DOCS / "commands.md").read_text(), re.MULTILINE
        )
    }
    for name, command in commands_of(typer.main.get_command(app), "casemirror"):
        body = next((body for head, body in sections.items() if re.fullmatch(rf"{name}( [^a-z].*)?", head)), None)
        assert body is not None, name
        for option in command.params:
            if "--help" not in option.opts and not option.hidden and option.param_type_name == "option":
                assert all(f"`{text}`" in body for text in option.opts), f"{name}: {option.opts}"
        assert hasattr(command, "commands") or "```\ncasemirror " in body, f"{name} has no example"


@pytest.mark.parametrize("key", sorted(KEYS))
def test_every_setting_is_documented(key: str) -> None:
    """Each key has its row."""
    assert f"| `{key}` |" in (DOCS / "settings.md").read_text()


def test_every_error_code_is_documented() -> None:
    """Each `code = "…"` of an error class in the source has its row, whichever room it is in."""
    page = (DOCS / "errors.md").read_text()
    for path in (ROOT / "src" / "casemirror").rglob("*.py"):
        if not {"guest", "packs", "simulators"} & set(path.parts):
            for code in re.findall(r'^    code(?:: ClassVar\[str\])? = "([a-z_.]+)"', path.read_text(), re.MULTILINE):
                assert f"| `{code}` |" in page, f"{path.name}: {code}"


def test_every_environment_variable_is_documented() -> None:
    """Those of the program stand in settings, those of the tests in the advice for contributors."""
    for folder, page in ((ROOT / "src", DOCS / "settings.md"), (ROOT / "tests", ROOT / "CONTRIBUTING.md")):
        known = page.read_text() + (DOCS / "settings.md").read_text()
        for path in folder.rglob("*.py"):
            for name in re.findall(r"\bCASEMIRROR_[A-Z_]*[A-Z]\b", path.read_text()):
                assert f"`{name}`" in known, f"{path.name}: {name}"
    for name in Options.model_fields:
        assert f"`CASEMIRROR_{name.upper()}`" in (DOCS / "settings.md").read_text()


def test_every_decision_that_the_code_cites_is_there() -> None:
    """`decision 0003` in a docstring leads to a page."""
    known = {page.name[:4] for page in (DOCS / "decisions").glob("*.md")}
    for folder in ("src", "tests", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            cited = set(re.findall(r"decisions?[ /](\d{4})\b", path.read_text()))
            assert cited <= known, f"{path.name}: {sorted(cited - known)}"


def test_every_page_is_in_the_index() -> None:
    """Whoever starts at the index finds every page."""
    index = (DOCS / "index.md").read_text()
    for page in DOCS.glob("*.md"):
        assert page.name == "index.md" or f"({page.name})" in index, page.name


@pytest.mark.parametrize("pins", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda p: p.name)
def test_every_pin_has_a_version_and_hashes(pins: Path) -> None:
    """One version of each package, by hash, and no address."""
    text = pins.read_text()
    assert "://" not in text
    for requirement in re.split(r"\n(?=[a-z0-9])", text.strip()):
        assert re.match(r"[a-z0-9._-]+(\[[a-z,]+\])?==\S+", requirement), requirement.splitlines()[0]
        assert "--hash=sha256:" in requirement, requirement.splitlines()[0]


def test_every_dependency_is_pinned() -> None:
    """What `pyproject.toml` asks for is in the pins: for running with the demo, and for development."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = {"run.txt": [*project["dependencies"], *extras["demo"]]}
    wanted["dev.txt"] = [*wanted["run.txt"], *extras["dev"]]
    for name, requirements in wanted.items():
        pinned = set(re.findall(r"^([a-z0-9._-]+)", (ROOT / "requirements" / name).read_text(), re.MULTILINE))
        for requirement in requirements:
            package = re.match(r"[A-Za-z0-9._-]+", requirement)
            assert package and re.sub(r"[-_.]+", "-", package[0]).lower() in pinned, f"{name}: {requirement}"


def lines_to_type(page: Path) -> Iterator[list[str]]:
    """What a page tells people to type after `casemirror`: lines of its code blocks, and code in its text."""
    text = page.read_text()
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    inline = re.findall(r"`([^`]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    piped = [part.strip() for line in lines for part in line.split(" | ")]
    for line in [*piped, *(" ".join(code.split()) for code in inline)]:
        if line.startswith("casemirror ") and " list|" not in line:
            yield shlex.split(line.replace("…", "x"), comments=True)[1:]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_what_a_page_tells_people_to_type_exists(page: Path) -> None:
    """Each command that a page shows is one of the program's, and so is each option in it."""
    for words in lines_to_type(page):
        command: Any = typer.main.get_command(app)
        options = {text: p for p in command.params for text in p.opts + p.secondary_opts}
        rest = list(words)
        while rest:
            word = rest.pop(0)
            if word.startswith("-") and word != "-":
                assert word in options, f"{page.name}: casemirror {' '.join(words)}: no option {word}"
                rest = rest if getattr(options[word], "is_flag", False) else rest[1:]
            elif hasattr(command, "commands"):
                assert word in command.commands, f"{page.name}: casemirror {' '.join(words)}: no command {word}"
                command = command.commands[word]
                options = {text: p for p in command.params for text in p.opts + p.secondary_opts}
