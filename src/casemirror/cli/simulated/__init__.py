"""The remotes that come along to try an integration against, by name; or a Python file that brings one.

One module for each, which starts it (`opened`) and plays the people who work there.
"""

from __future__ import annotations

import importlib
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, cast

from casemirror.actions.contract import remote
from casemirror.actions.contract.remote import Remote
from casemirror.model.errors import NotFound

NAMES: Final = ("cortexxdr", "jira", "roundup", "servicenow")


def opened(name: str) -> AbstractContextManager[Remote]:
    """A simulator by its name, or by the Python file that brings it. Raises NotFound, Invalid."""
    if name in NAMES:
        module = importlib.import_module(f"{__name__}.{name}")  # the others stay out of memory
        return cast("AbstractContextManager[Remote]", module.opened())
    if not name.endswith(".py"):
        raise NotFound(f"there is no simulator {name!r}; there are {', '.join(NAMES)}, and Python files (FILE.py)")
    return remote.from_file(Path(name))
