"""The page about simulated remotes tells of every one, its switches and its options."""

from __future__ import annotations

import argparse
import dataclasses
import importlib
from pathlib import Path

import pytest

from casemirror import simulators
from casemirror.simulators.common import options

PAGE = (Path(__file__).parents[2] / "docs" / "simulators.md").read_text()
NAMES = sorted(
    folder.name
    for folder in Path(simulators.__file__).parent.iterdir()
    if folder.name != "common" and (folder / "__main__.py").is_file()
)


@pytest.mark.parametrize("name", NAMES)
def test_every_remote_and_switch_is_described(name: str) -> None:
    assert f"`casemirror simulate {name}`" in PAGE
    faults = importlib.import_module(f"casemirror.simulators.{name}.faults").Faults
    assert [field.name for field in dataclasses.fields(faults) if f"`{field.name}`" not in PAGE] == []


def test_every_common_option_is_described() -> None:
    parser = argparse.ArgumentParser(add_help=False)
    options.add(parser)
    names = [name for action in parser._actions for name in action.option_strings]
    assert [name for name in names if name not in PAGE] == []
