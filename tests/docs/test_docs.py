"""The pages are complete and true: what the code has stands in them, and what they name is there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

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
    words = ["--index-" + "url", "--regis" + "try", "pypi." + "org/simple", "files.pythonhosted." + "org", "/wo" + "rk/", "../sha" + "red"]
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
