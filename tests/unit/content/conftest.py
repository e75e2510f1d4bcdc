"""What the tests of content share: a small pack of our own, and `tests/support` on the path."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from support.content_pack import FILES, write  # noqa: E402


@pytest.fixture
def files() -> dict:
    """Path in the pack → text; tests change it and write it out."""
    return dict(FILES)


@pytest.fixture
def pack_folder(tmp_path, files):
    return write(tmp_path / "Acme", files)
