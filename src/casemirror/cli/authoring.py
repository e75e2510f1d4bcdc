"""What the commands for authors share: how an integration under work is found, configured, and given a remote."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from casemirror.cli import given
from casemirror.model.errors import Invalid

if TYPE_CHECKING:
    from casemirror.actions.contract.remote import Remote
    from casemirror.actions.contract.subject import Subject
    from casemirror.model.values import Json

Where = Annotated[
    Path, typer.Argument(metavar="PATH", help="The integration: its folder, its .yml or .py, or its pack.")
]
Params = Annotated[
    list[str] | None, typer.Option("--param", "-p", metavar="NAME=VALUE", help="A parameter; repeat it.")
]
ParamsFile = Annotated[
    Path | None, typer.Option("--params", metavar="FILE", help="YAML or JSON file with parameters, name: value.")
]
Secrets = Annotated[
    list[str] | None,
    typer.Option(
        "--secret",
        metavar="NAME[=@FILE|=env:VAR|=-]",
        help="A secret parameter: asked for, or from a file, the environment, standard input. Repeat it.",
    ),
]
Simulator = Annotated[
    str,
    typer.Option(
        metavar="NAME|FILE.py",
        help="Remote to play with: servicenow, jira, cortexxdr, roundup, or a Python file that brings one.",
    ),
]
With = Annotated[
    list[Path] | None,
    typer.Option("--with", metavar="PATH", help="A pack that it needs, with fields, types or scripts; repeat it."),
]
Classifier = Annotated[str | None, typer.Option(help='Classifier of the pack by id or name; "" for none.')]
MapperIn = Annotated[str | None, typer.Option("--mapper-in", help='Incoming mapper by id or name; "" for none.')]
MapperOut = Annotated[str | None, typer.Option("--mapper-out", help='Outgoing mapper by id or name; "" for none.')]


@contextmanager
def remote(name: str) -> Iterator[Remote | None]:
    """The simulator of that name, started; None for no name. Raises NotFound, Invalid."""
    if not name:
        yield None
        return
    from casemirror.cli import simulated

    with simulated.opened(name) as found:
        yield found


@dataclass(frozen=True, kw_only=True)
class Given:
    """What was said about the parameters of an instance; `there`: the simulator, which brings its own."""

    there: Remote | None
    param: Iterable[str] | None
    params_file: Path | None
    secret: Iterable[str] | None

    def for_(self, subject: Subject) -> tuple[dict[str, Json], dict[str, Json]]:
        """(parameters, secret ones by their full name): the simulator's, over them those of the file, over them those given.

        Raises Invalid, also for a secret that stands on the command line.
        """
        from casemirror.actions.contract.remote import params_of

        open_ = given.pairs(self.param or (), "parameter")
        _refuse_open_secrets(subject, open_)
        values = params_of(self.there, subject.integration) if self.there is not None else {}
        values |= _file(self.params_file) if self.params_file is not None else {}
        values |= open_
        hidden = {name: value for name, value in values.items() if _is_secret(subject, name)}
        hidden |= {_full_name(subject, name): value for name, value in self._secrets.items()}
        return {name: value for name, value in values.items() if name not in hidden}, hidden

    @cached_property
    def _secrets(self) -> dict[str, str]:
        """Asked for once, however often the integration is read."""
        return given.secrets(self.secret or ())


def _file(path: Path) -> dict[str, Any]:
    import yaml

    try:
        found = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Invalid(f"--params {path} cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(found, Mapping):
        raise Invalid(f"--params {path}: expected parameters as name: value")
    return {str(name): value for name, value in found.items()}


def _is_secret(subject: Subject, name: str) -> bool:
    """It names a secret; of credentials the user name is none."""
    integration = subject.integration
    parameter = integration.param(name) or integration.param(name.rpartition(".")[0])
    return parameter is not None and parameter.is_secret and not name.endswith(".identifier")


def _refuse_open_secrets(subject: Subject, open_: Mapping[str, str]) -> None:
    for name in open_:
        if _is_secret(subject, name):
            raise Invalid(f"{name} is a secret: give it by --secret {name} or --params FILE, not on the command line")


def _full_name(subject: Subject, name: str) -> str:
    """Credentials without a half are the password."""
    parameter = subject.integration.param(name)
    return f"{name}.password" if parameter is not None and parameter.type == 9 else name
