"""pytest plugin for authors of integrations: their code as a module, their commands in real child processes, remotes.

It is found by its entry point in every pytest run on a machine that has casemirror. So nothing is imported but pytest until
a fixture is asked for, nothing is done to runs that ask for none, and no file of theirs is looked at.
"""

from __future__ import annotations

import copy
import importlib
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from casemirror.actions.contract.bench import Bench
    from casemirror.actions.contract.subject import Subject
    from casemirror.runtime.command import Reply, Runtime
    from casemirror.simulators.servicenow import ServiceNowSimulator

GUEST: Final = Path(__file__).parent / "guest"
"""CommonServerPython and demistomock, as integrations import them; API modules are in a folder of it."""
INI: Final = "casemirror_guest"
"""Option of the ini file: test modules themselves may import integrations, CommonServerPython and demistomock."""

Params = Mapping[str, Any]


def pytest_addoption(parser: pytest.Parser) -> None:
    """The one option."""
    parser.addini(
        INI, "casemirror: test modules may import CommonServerPython and demistomock", type="bool", default=False
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the guest's modules importable, if the ini file asks for it."""
    if config.getini(INI):
        _open_guest()


def _open_guest() -> None:
    """Last on the path: whatever the author's project has under these names comes first."""
    for folder in (GUEST, GUEST / "api_modules"):
        if str(folder) not in sys.path:
            sys.path.append(str(folder))


@pytest.fixture
def demisto() -> Iterator[types.ModuleType]:
    """The module `demistomock`, as it is at the beginning: what a test sets or patches on it is gone after the test."""
    _open_guest()
    mock = importlib.import_module("demistomock")
    before = {name: copy.deepcopy(value) if isinstance(value, dict) else value for name, value in _own(mock)}
    begin_run = getattr(importlib.import_module("CommonServerPython"), "begin_run", None)
    if begin_run is not None:
        begin_run()
    yield mock
    for name, _ in list(_own(mock)):
        if name not in before:
            delattr(mock, name)
    vars(mock).update(before)


def _own(module: types.ModuleType) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in vars(module).items() if not name.startswith("__")]


@pytest.fixture
def integration(demisto: types.ModuleType, monkeypatch: pytest.MonkeyPatch) -> Callable[[str | Path], types.ModuleType]:
    """``integration(path)``: the code of an integration as a fresh module; its `main()` does not run."""

    def load(path: str | Path) -> types.ModuleType:
        file, text = _code(Path(path))
        module = types.ModuleType(file.stem)
        module.__file__ = str(file)
        common = importlib.import_module("CommonServerPython")
        vars(module).update({name: getattr(common, name) for name in common.__all__}, demisto=demisto)
        monkeypatch.setitem(sys.modules, file.stem, module)
        exec(compile(text, str(file), "exec", dont_inherit=True), vars(module))
        return module

    return load


def _code(path: Path) -> tuple[Path, str]:
    """(file, source text) of an integration; the text of a unified one is in its YAML."""
    if path.suffix == ".py":
        return path, path.read_text()
    from casemirror.actions.contract import subject

    found = subject.read(path)
    beside = found.yaml.with_suffix(".py")
    return (beside if beside.is_file() else found.yaml), found.integration.source


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What a command came to.

    results     what was given to `demisto.results()`, in order; `incidents`: what was given to `demisto.incidents()`
    last_run    what it set; None: nothing
    error       the text of its error entry, or of the exception that got out; empty when it ended well
    log         what it logged and printed, line by line; secrets are masked
    reply       all of it, as the runtime gives it
    """

    command: str
    args: Mapping[str, Any]
    reply: Reply = field(repr=False)

    @property
    def results(self) -> list[Any]:
        """What was given to `demisto.results()`."""
        return list(self.reply.results)

    @property
    def incidents(self) -> list[Any]:
        """What was given to `demisto.incidents()`."""
        return list(self.reply.incidents or ())

    @property
    def objects(self) -> list[Any]:
        """The objects inside `incidents`: their rawJSON, read."""
        import json

        return [json.loads(incident["rawJSON"]) for incident in self.incidents]

    @property
    def last_run(self) -> Any:
        """What it set by `demisto.setLastRun()`."""
        return self.reply.last_run

    @property
    def log(self) -> tuple[str, ...]:
        """What it logged and printed."""
        return self.reply.log

    @property
    def error(self) -> str:
        """Why it failed."""
        from casemirror.runtime import wire

        return wire.error_text(self.reply)

    @property
    def answer(self) -> Any:
        """What casemirror's engine understands: ids, a remote object with entries, an id, fields.

        Raises what the engine makes of an error: `casemirror.model.errors`.
        """
        from casemirror.runtime import wire

        parsers: Mapping[str, Callable[[Reply], Any]] = {
            "test-module": wire.parse_test,
            "fetch-incidents": wire.parse_fetch,
            "get-modified-remote-data": wire.parse_poll,
            "get-remote-data": lambda reply: wire.parse_pull(reply, str(self.args.get("id") or "")),
            "update-remote-system": wire.parse_push,
            "get-mapping-fields": wire.parse_schema,
        }
        return parsers.get(self.command, wire.parse_answer)(self.reply)


@pytest.fixture(scope="session")
def casemirror_runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    """Runs commands in child processes, as casemirror does."""
    from casemirror.runtime.pool import ProcessRuntime

    runtime = ProcessRuntime(tmp_path_factory.mktemp("casemirror"))
    yield runtime
    runtime.close()


@pytest.fixture(scope="session")
def casemirror_subjects() -> dict[Path, Subject]:
    """Integrations that were read, by path."""
    return {}


@pytest.fixture
def run_command(casemirror_runtime: Runtime, casemirror_subjects: dict[Path, Subject]) -> Iterator[Callable[..., Ran]]:
    """``run_command(path, command, args)``: run a command of an integration in a process of its own, as a server does.

    params     parameters of the instance over the defaults of the YAML; secrets by their full name, ``credentials.password``
    last_run   what `demisto.getLastRun()` gives
    files      entry id → path: what `demisto.getFilePath()` finds
    Further keywords are fields of `casemirror.runtime.command.Command` (`context`, `last_mirror_run`, `timeout_s`, `debug`).
    """
    from casemirror.actions.contract import subject
    from casemirror.actions.contract.bench import Bench
    from casemirror.runtime.command import StagedFile
    from casemirror.runtime.masking import secret_texts

    used: list[Bench] = []

    def run(
        path: str | Path,
        command: str,
        args: Mapping[str, Any] | None = None,
        *,
        params: Params | None = None,
        files: Mapping[str, Path] | None = None,
        **over: Any,
    ) -> Ran:
        place = Path(path).resolve()
        found = casemirror_subjects.setdefault(place, casemirror_subjects.get(place) or subject.read(place))
        full, secrets = found.params(params or {})
        bench = Bench(subject=found, runtime=casemirror_runtime, params=full, secrets=tuple(secret_texts(secrets)))
        used.append(bench)
        staged = tuple(StagedFile(entry_id=i, name=Path(p).name, path=Path(p)) for i, p in (files or {}).items())
        return Ran(command=command, args=args or {}, reply=bench.run(command, args, staged, **over))

    yield run
    for bench in used:
        bench.tidy()


@pytest.fixture
def servicenow_simulator() -> Iterator[ServiceNowSimulator]:
    """A ServiceNow instance on this machine, empty; it has the hands of a person (`create`, `update`, `comment`, `close`, …)."""
    from casemirror.simulators.servicenow import ServiceNowSimulator

    with ServiceNowSimulator() as simulator:
        yield simulator
