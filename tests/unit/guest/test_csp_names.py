"""Every name that public integrations and their tests use exists, and a test says what it does."""

import ast
import inspect
from pathlib import Path

import CommonServerPython as csp
import demistomock
import pytest
from demisto import Demisto

FOLDER = Path(__file__).parent


def _names():
    """{section: names} of names.txt."""
    found, section = {}, ""
    for line in (FOLDER / "names.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            found.setdefault(section, []).append(line)
    return found


def _dotted(node):
    """'a.b.c' of an attribute of a name; '.c' when it stands behind something else."""
    if isinstance(node, ast.Name):
        return node.id
    return f"{_dotted(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else ""


def _mentioned():
    """Every dotted name in the tests beside this one, and what they look up in the namespace of a star import."""
    found = set()
    for path in FOLDER.glob("test_*.py"):
        if path.name == Path(__file__).name:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                found.add(_dotted(node))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.update(f"text {word}" for word in node.value.split())
    return found


NAMES = _names()
MENTIONED = _mentioned()


def test_the_list_is_whole():
    """csp-surface: 157 names, 70 attributes, 24 names passed on, 51 attributes of demisto."""
    assert {section: len(names) for section, names in NAMES.items()} == {
        "CommonServerPython": 157,
        "parameters": 48,
        "attributes": 70,
        "passed on": 24,
        "demisto": 51,
    }


@pytest.mark.parametrize("name", NAMES["CommonServerPython"])
def test_name_exists_and_has_a_test(name):
    """A test mentions it as `csp.<name>`."""
    star = {}
    exec("from CommonServerPython import *", star)
    assert name in star
    assert f"csp.{name}" in MENTIONED or any(known.startswith(f"csp.{name}.") for known in MENTIONED)


@pytest.mark.parametrize("line", NAMES["parameters"])
def test_parameters_are_those_of_the_contract(line):
    """By name and by place; ours may have more behind them."""
    name, _, expected = line.partition(": ")
    found = inspect.signature(getattr(csp, name)).parameters
    assert list(found)[: len(expected.split(", "))] == expected.split(", ")


@pytest.mark.parametrize("name", NAMES["attributes"])
def test_attribute_exists_and_has_a_test(name):
    """Attributes of instances are there once one is made; a test says `client.<name>` for those of BaseClient."""
    owner, attribute = name.split(".")
    holder = csp.BaseClient("https://r.example") if owner == "BaseClient" else getattr(csp, owner)
    assert hasattr(holder, attribute)
    shown = f"client.{attribute}" if owner == "BaseClient" and attribute != "__init__" else name
    assert any(f".{shown}." in f".{known}." for known in MENTIONED)


@pytest.mark.parametrize("name", NAMES["passed on"])
def test_import_is_passed_on_and_has_a_test(name):
    """Integrations use these without an import of their own."""
    star = {}
    exec("from CommonServerPython import *", star)
    assert name in star
    assert f"text {name}" in MENTIONED


@pytest.mark.parametrize("name", [name for name in NAMES["demisto"] if name != "executeCommand"])
def test_demisto_has_it_and_a_test_says_what_it_does(name):
    """In a command and in an author's own tests."""
    assert hasattr(Demisto(None, {"name": "some-command"}), name)
    assert hasattr(demistomock, name)
    assert f"demisto.{name}" in MENTIONED


def test_execute_command_is_there_in_tests_only():
    """MIR-198: an integration asks by hasattr; a test can patch only what is there."""
    assert not hasattr(Demisto(None, {"name": "some-command"}), "executeCommand")
    assert hasattr(demistomock, "executeCommand")
