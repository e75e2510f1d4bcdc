"""Attachments of fetched incidents: what an integration may make the server read."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from casemirror.engine import inbound


@pytest.mark.parametrize("path", ["x/../../secret", "link", "../secret", "*", ""])
def test_only_files_of_the_commands_own_folder_are_taken(tmp_path: Path, path: str) -> None:
    """No way out by a folder, a link or a pattern: the server may read more than the integration."""
    folder = tmp_path / "work"
    (folder / "a_x").mkdir(parents=True)
    (tmp_path / "secret").write_text("secret")
    (folder / "a_link").symlink_to(tmp_path / "secret")
    turn = cast("Any", SimpleNamespace(instance=SimpleNamespace(name="snow")))  # has no store: nothing may get that far
    assert inbound.attachments(turn, [{"path": path, "name": "n"}], folder) == []
