"""The remote of a check or a try: what somebody does there, beside the integration."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, Protocol, cast

from casemirror.content.items import Integration
from casemirror.model.errors import Invalid, NotFound
from casemirror.model.values import Json

ABILITIES: Final = tuple(
    "create change comment attach close reopen delete title comments files is_closed limit fail".split()
)
"""What a remote may be able to do; only `create` must be. What it lacks is not looked at."""
USER: Final = "casemirror"
PASSWORD: Final = "simulated-password"
"""With which integrations log in to simulators that come along. No word that stands elsewhere: it is masked wherever it shows."""
_BOTH_WAYS: Final = ("Incoming And Outgoing", "Both")
FETCHES: Final[Mapping[str, Json]] = {"isFetch": True, "mirror_direction": _BOTH_WAYS[0]}
"""Parameters that most integrations have: fetch, and mirror both ways."""
FACTORY: Final = "simulator"
"""Name of the function that a file brings: it returns a context manager, which gives the `Remote`."""


class Remote(Protocol):
    """A ticket system that can be played with; tickets are named by the id that the integration uses for them.

    params         parameters of an instance that leads there; secrets by their full name (`credentials.password`)
    resolution_s   how exactly it keeps times, seconds: what happens within that long has one time
    """

    url: str
    params: Mapping[str, Json]
    resolution_s: float

    def create(self, title: str) -> str:
        """Somebody opens a ticket; its id."""
        ...

    def change(self, remote_id: str, title: str) -> object:
        """Somebody gives it another title."""
        ...

    def comment(self, remote_id: str, text: str) -> object:
        """Somebody comments on it."""
        ...

    def attach(self, remote_id: str, name: str, body: bytes) -> object:
        """Somebody attaches a file."""
        ...

    def close(self, remote_id: str) -> object:
        """Somebody closes it."""
        ...

    def reopen(self, remote_id: str) -> object:
        """Somebody opens it again."""
        ...

    def delete(self, remote_id: str) -> object:
        """Somebody deletes it."""
        ...

    def title(self, remote_id: str) -> str:
        """Its title as people read it there."""
        ...

    def comments(self, remote_id: str) -> list[str]:
        """What is said on it, oldest first."""
        ...

    def files(self, remote_id: str) -> Mapping[str, bytes]:
        """What is attached to it: name → bytes."""
        ...

    def is_closed(self, remote_id: str) -> bool:
        """Whether it is closed there."""
        ...

    def limit(self, on: bool) -> object:
        """Refuse every call as one too many (429), or no longer."""
        ...

    def fail(self, on: bool) -> object:
        """Fail every call (500), or no longer."""
        ...


def can(remote: Remote | None, ability: str) -> bool:
    """The remote has this ability."""
    return remote is not None and callable(getattr(remote, ability, None))


def from_file(path: Path) -> AbstractContextManager[Remote]:
    """The remote that a Python file brings by its function `simulator`. Runs the file. Raises NotFound, Invalid."""
    if not path.is_file():
        raise NotFound(f"{path}: there is no such file; a simulator is a name or a Python file")
    spec = importlib.util.spec_from_file_location(f"simulator_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise Invalid(f"{path}: a simulator is a Python file (.py)")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses of the file look themselves up there
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise Invalid(f"{path} cannot be loaded: {type(error).__name__}: {error}") from error
    make = getattr(module, FACTORY, None)
    if not callable(make):
        raise Invalid(f"{path} has no function {FACTORY}(); it must return a context manager that gives the remote")
    return cast("AbstractContextManager[Remote]", make())


def params_of(remote: Remote, integration: Integration) -> dict[str, Json]:
    """Those of its parameters that an integration declares; of a choice that has other words, the ones that mean the same."""
    found = {}
    for name, value in remote.params.items():
        parameter = integration.param(name) or integration.param(name.rpartition(".")[0])
        if parameter is not None:
            other = next((option for option in parameter.options if option in _BOTH_WAYS), value)
            found[name] = other if value in _BOTH_WAYS else value
    return found
