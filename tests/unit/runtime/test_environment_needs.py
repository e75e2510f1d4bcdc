"""What an integration needs of its Python: its pack, its image, what it imports."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from packaging.requirements import Requirement

from casemirror.content.items import Integration
from casemirror.content.requirements import Requirements
from casemirror.runtime.environments import images, modules
from casemirror.runtime.environments.folder import key_of, requirements_of
from casemirror.runtime.environments.needs import OWN, Level, Need, OwnPackages, need_of, usable

HERE = ("sys", "requests", "json")


@dataclass(frozen=True)
class Packages:
    """A Python with a few modules, and with requests 2.32."""

    def has_module(self, name: str) -> bool:
        return name in HERE

    def satisfy(self, requirement: str) -> bool:
        wanted = Requirement(requirement)
        return wanted.name == "requests" and wanted.specifier.contains("2.32")


def need(source: str, image: str = "", told: Requirements | None = None, **api_modules: str) -> Need:
    made = Integration(id="X", name="X", source=source, docker_image=image, requirements=told)
    return need_of(made, api_modules, Packages())


def lines(*names: str, source: str = "requirements.txt", python: str = "") -> Requirements:
    return Requirements(lines=names, source=source, python=python)


LOCK = "Integrations/X/Pipfile.lock"


@pytest.mark.parametrize(
    "found, level, source",
    [
        (need("import sys, requests"), Level.NONE, ""),
        (need("import boto3"), Level.NONE, ""),
        (need("import boto3", "mycorp/own:1"), Level.NONE, ""),
        (need("import sys", "demisto/boto3py3:1.0.0.1"), Level.NONE, "image demisto/boto3py3"),
        (need("import boto3", "demisto/boto3py3:1.0.0.1"), Level.REQUIRED, "image demisto/boto3py3"),
        (need("import defusedxml", "demisto/python3:3.10.1.1"), Level.REQUIRED, "image demisto/python3"),
        (need("def f():\n    import boto3", "demisto/boto3py3"), Level.USEFUL, "image demisto/boto3py3"),
        (need("try:\n    import boto3\nexcept ImportError:\n    boto3 = None", "demisto/boto3py3"), Level.USEFUL, "image demisto/boto3py3"),
        (need("import sys", told=lines("requests>=2.31")), Level.NONE, "requirements.txt"),
        (need("import sys", told=lines("requests==2.25")), Level.REQUIRED, "requirements.txt"),
        (need("import boto3", "demisto/boto3py3", lines("boto3==1.2")), Level.REQUIRED, "requirements.txt"),
        # locks that were made for tests
        (need("import sys", "demisto/python3", lines("pytest==5", source=LOCK)), Level.NONE, "image demisto/python3"),
        (need("import pyotrs", "demisto/pyotrs", lines("pytest==5", source=LOCK)), Level.REQUIRED, "image demisto/pyotrs"),
        (need("import jwt", "demisto/pyjwt3", lines("pyjwt==2", source=LOCK)), Level.REQUIRED, LOCK),
        (need("import jwt", "mycorp/own", lines("pyjwt==2", source=LOCK)), Level.REQUIRED, LOCK),
        (need("from SomeApiModule import *", "demisto/pyjwt3", SomeApiModule="import jwt"), Level.REQUIRED, "image demisto/pyjwt3"),
        (need("import this is no Python", "demisto/pyjwt3"), Level.NONE, "image demisto/pyjwt3"),
    ],
)  # fmt: skip
def test_what_is_needed(found: Need, level: Level, source: str) -> None:
    """A file wins over an image; nothing is needed for what is there; nobody's word installs nothing."""
    assert (found.level, found.source) == (level, source)


def test_what_casemirror_gives_is_not_missing() -> None:
    """The `demisto` object, our common code, API modules and what is installed here."""
    code = "import demistomock as demisto\nfrom CommonServerPython import *\nfrom XApiModule import *\nimport requests, os.path\n"
    found = need_of(Integration(id="X", name="X", source=code), {}, OwnPackages())
    assert found == Need()


def test_our_own_packages_are_known_with_their_versions() -> None:
    """Extras are never taken for granted; a marker that does not hold asks for nothing."""
    own = OwnPackages()
    assert own.has_module("requests") and own.has_module("sys") and not own.has_module("no_such_module")
    assert own.satisfy("Requests>=2") and not own.satisfy("requests<1") and not own.satisfy("requests[socks]")
    assert not own.satisfy("no-such-distribution") and own.satisfy("no-such-thing; python_version < '3'")


@pytest.mark.parametrize(
    "reference, name, known, python",
    [
        ("demisto/python3:3.12.13.10404775", "demisto/python3", True, "3.12"),
        ("demisto/python3-deb:3.10.1", "demisto/python3-deb", True, "3.10"),
        ("demisto/boto3py3:1.0.0.3", "demisto/boto3py3", True, ""),
        ("registry.local:5000/demisto/boto3py3", "demisto/boto3py3", True, ""),
        ("demisto/boto3py3@sha256:00", "demisto/boto3py3", True, ""),
        ("mycorp/own:3.12", "mycorp/own", False, ""),
        ("", "", False, ""),
    ],
)
def test_an_image_is_known_by_its_name(reference: str, name: str, known: bool, python: str) -> None:
    """Whatever its tag, except for the Python that the tag of the common image tells."""
    found = images.named(reference)
    assert (found.name, found.requirements is not None, found.python) == (name, known, python)


def test_the_table_of_images_holds_requirements() -> None:
    """Each can be asked for; none repeats what the base list has in just that form; the source is noted."""
    raw = images._file()
    assert "commit" in raw["source"] and len(raw["images"]) > 150
    for name, told in raw["images"].items():
        assert name.startswith("demisto/") and not set(told) & set(images.base()), name
        assert all(Requirement(line).url is None for line in told)


@pytest.mark.parametrize(
    "module, distribution",
    [
        ("bs4", "beautifulsoup4"),
        ("yaml", "PyYAML"),
        ("jwt", "PyJWT"),
        ("google.cloud.storage.blob", "google-cloud-storage"),
        ("google.nothing", "google"),
        ("some_thing.inner", "some-thing"),
    ],
)
def test_a_module_has_a_distribution(module: str, distribution: str) -> None:
    """The longest name that is known; else it is called as the module is."""
    assert modules.distribution_of(module) == distribution


@pytest.mark.parametrize(
    "text, module",
    [
        ("Traceback …\nModuleNotFoundError: No module named 'bs4'", "bs4"),
        ("Failed to run. Error: No module named google.cloud.storage", "google.cloud.storage"),
        ("No module named 'a.b'; 'a' is not a package", "a.b"),
        ("there is no module in this message", ""),
    ],
)
def test_an_error_names_the_missing_module(text: str, module: str) -> None:
    """In every form in which Python says so."""
    assert modules.missing_in(text) == module


def test_the_key_tells_requirements_and_python_apart_and_nothing_else() -> None:
    """Order, level and who says so do not count: integrations that need the same share it."""
    one = Need(level=Level.REQUIRED, requirements=("a", "b>=1"), source="x")
    assert key_of(one) == key_of(Need(level=Level.USEFUL, requirements=("b>=1", "a"), source="y", python=OWN))
    assert key_of(one) != key_of(Need(requirements=("a", "b>=2")))
    assert key_of(one) != key_of(Need(requirements=("a", "b>=1"), python="3.99"))
    assert {"requests[socks]", "dateparser", "a"} <= set(requirements_of(one))


@pytest.mark.parametrize("version, expected", [("", ""), (OWN, ""), ("3.8", ""), ("3.99", "")])
def test_a_python_that_our_side_does_not_run_with_is_not_asked_for(version: str, expected: str) -> None:
    """Casemirror's own is used instead."""
    assert usable(version) == expected
