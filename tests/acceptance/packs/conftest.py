"""What the tests of our packs share: the real runtime, and `tests/support` on the path."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from casemirror.runtime.pool import ProcessRuntime  # noqa: E402


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessRuntime]:
    pool = ProcessRuntime(tmp_path_factory.mktemp("runtime"))
    yield pool
    pool.close()
