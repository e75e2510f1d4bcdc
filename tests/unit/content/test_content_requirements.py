"""What packs say of the distributions that their code needs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from casemirror.content import requirements
from casemirror.content.catalog import Catalog
from casemirror.content.loading import load, load_zip
from casemirror.model.errors import Invalid
from support.content_pack import zipped
from support.tiny_pack import write_pack

LOCK = {
    "_meta": {"requires": {"python_version": "3.12"}},
    "default": {
        "boto3": {"version": "==1.34.0", "hashes": ["sha256:00"], "index": "pypi"},
        "pyjwt": {"version": "*", "extras": ["crypto"], "markers": "python_version >= '3.7'"},
        "ours": {"git": "https://example.com/ours.git"},
    },
    "develop": {"pytest": {"version": "*"}},
}


def test_a_requirements_file_is_read_line_by_line() -> None:
    """Comments, hashes and continued lines are what pip allows."""
    text = "# for tests\nrequests>=2.31  # HTTP\n\nPyJWT[crypto]==2.8 \\\n  --hash=sha256:00 --hash=sha256:11\nsix ; python_version<'3'\n"
    found = requirements.read("Integrations/X/requirements.txt", text)
    assert found is not None
    assert found.lines == ("requests>=2.31", "PyJWT[crypto]==2.8", 'six; python_version < "3"')
    assert (found.source, found.python, found.refused) == ("Integrations/X/requirements.txt", "", ())


@pytest.mark.parametrize(
    "line, why",
    [
        ("--extra-index-urls https://evil.example/", "options are not taken"),
        ("-r other.txt", "options are not taken"),
        ("-e .", "options are not taken"),
        ("x @ https://evil.example/x.whl", "comes from an address"),
        ("git+https://example.com/x", "is no requirement"),
        ("./x.whl", "is no requirement"),
    ],
)
def test_a_pack_does_not_say_where_software_comes_from(line: str, why: str) -> None:
    """The rest is taken, and what is left out is told."""
    found = requirements.read("requirements.txt", f"{line}\nsix\n")
    assert found is not None
    assert found.lines == ("six",)
    (told,) = found.refused
    assert repr(line) in told and why in told


def test_a_lock_gives_its_default_packages_and_its_python() -> None:
    """Those for development are not installed; what comes from git is told and left out."""
    found = requirements.read("Pipfile.lock", json.dumps(LOCK))
    assert found is not None
    assert found.lines == ("boto3==1.34.0", 'pyjwt[crypto]; python_version >= "3.7"')
    assert (found.python, found.is_lock, found.names) == ("3.12", True, {"boto3", "pyjwt"})
    (told,) = found.refused
    assert "ours" in told and "comes from an address" in told


@pytest.mark.parametrize(
    "python, expected", [("==3.12.*", "3.12"), ("3.11", "3.11"), (">=3.9", ""), ("~=3.12", "3.12")]
)
def test_a_project_gives_its_dependencies(python: str, expected: str) -> None:
    """A range of Pythons asks for none of them."""
    text = f'[project]\nname = "x"\nrequires-python = "{python}"\ndependencies = ["six>=1", "zeep"]\n'
    found = requirements.read("pyproject.toml", text)
    assert found is not None
    assert (found.lines, found.python) == (("six>=1", "zeep"), expected)


@pytest.mark.parametrize(
    "file, text",
    [
        ("requirements.txt", "# nothing\n"),
        ("Pipfile.lock", '{"default": {}, "develop": {"pytest": {}}}'),
        ("Pipfile.lock", "{}"),
        ("pyproject.toml", "[tool.ruff]\nline-length = 100\n"),
        ("pyproject.toml", "[project]\nname = 'x'\ndependencies = []\n"),
    ],
)
def test_a_file_that_names_nothing_says_nothing(file: str, text: str) -> None:
    """The next one, or the image, is looked at then."""
    assert requirements.read(file, text) is None


@pytest.mark.parametrize("file", ["Pipfile.lock", "pyproject.toml"])
def test_a_broken_file_is_told(file: str) -> None:
    """With what it should be."""
    with pytest.raises(Invalid, match="is no (JSON|TOML)"):
        requirements.read(file, "{ [")


def told(path: Path) -> requirements.Requirements | None:
    """What the installed integration says it needs."""
    catalog = Catalog.of(item for pack in load(path) for item in pack.items)
    return catalog.integration("Tiny").requirements


def test_the_file_beside_the_integration_wins_over_that_of_the_pack(tmp_path: Path) -> None:
    """And requirements.txt over a lock, a lock over a project."""
    pack = write_pack(tmp_path)
    assert told(pack) is None
    (pack / "requirements.txt").write_text("of-the-pack\n")
    assert told(pack) == requirements.Requirements(lines=("of-the-pack",), source="requirements.txt")
    write_pack(tmp_path, pyproject__toml='[project]\ndependencies = ["by-project"]\n')
    assert (found := told(pack)) and found.lines == ("by-project",)
    write_pack(tmp_path, Pipfile__lock=json.dumps(LOCK))
    assert (found := told(pack)) and found.source == "Integrations/Tiny/Pipfile.lock"
    write_pack(tmp_path, requirements__txt="beside\n")
    assert (found := told(pack)) and found.lines == ("beside",)


def test_it_is_the_same_out_of_a_zip(tmp_path: Path) -> None:
    """The file at the root of the pack included."""
    pack = write_pack(tmp_path)
    (pack / "requirements.txt").write_text("of-the-pack\n")
    files = {p.relative_to(pack).as_posix(): p.read_text() for p in pack.rglob("*") if p.is_file()}
    (read,) = load_zip(zipped(files), "Tiny.zip")
    (integration,) = Catalog.of(read.items).integrations.values()
    assert integration.requirements and integration.requirements.lines == ("of-the-pack",)


def test_what_cannot_be_read_is_a_problem_of_the_pack_and_told_once(tmp_path: Path) -> None:
    """The integration is installed all the same."""
    pack = write_pack(tmp_path, requirements__txt="-e .\nsix\n", Pipfile__lock="{")
    (read,) = load(pack)
    assert [str(p) for p in read.problems] == [
        "Integrations/Tiny/requirements.txt: '-e .' is an option, and options are not taken from packs: "
        "set the package index for this machine; it is left out"
    ]
    write_pack(tmp_path, requirements__txt="")
    (read,) = load(pack)
    assert [str(p).partition(" is no JSON")[0] for p in read.problems] == ["Integrations/Tiny/Pipfile.lock:"]
    assert Catalog.of(read.items).integration("Tiny").requirements is None
