"""Put casemirror together: the one place that picks concrete classes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource
from sqlalchemy.exc import DBAPIError

from casemirror.cli import logs
from casemirror.engine.app import App
from casemirror.engine.presence import executor_name
from casemirror.model.clock import SystemClock
from casemirror.model.errors import CasemirrorError, Invalid
from casemirror.model.settings import Settings
from casemirror.runtime.command import Command, Reply
from casemirror.runtime.confinement import Confinement
from casemirror.runtime.environments.folder import Environments
from casemirror.runtime.masking import secret_texts
from casemirror.runtime.pool import Bounds, ProcessRuntime
from casemirror.store import instances, settings
from casemirror.store.database import Store
from casemirror.store.keys import KeyRing

DEFAULT_HOME = Path("~/.casemirror")
CONFIG_FILE = "casemirror.toml"


class Options(BaseSettings):
    """How this process runs: from the command line, else `CASEMIRROR_…`, else `casemirror.toml` in the home folder.

    What concerns mirroring itself is in the server configuration (`casemirror config`), the same for all processes.
    """

    model_config = SettingsConfigDict(env_prefix="CASEMIRROR_", extra="forbid")

    home: Path = DEFAULT_HOME
    database_url: str = ""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "text", "json"] = "auto"
    metrics: str = ""
    environments: Path | None = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Sources in their order."""
        home = Path(str(init_settings().get("home") or env_settings().get("home") or DEFAULT_HOME)).expanduser()
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, home / CONFIG_FILE)

    @property
    def database(self) -> str:
        """URL of the PostgreSQL database, or path of the SQLite file."""
        return self.database_url or str(self.home / "casemirror.db")

    @property
    def database_shown(self) -> str:
        """The database without its password."""
        return logs.without_password(self.database)

    @property
    def files(self) -> Path:
        """Folder of the files, content-addressed."""
        return self.home / "files"

    @property
    def work(self) -> Path:
        """Folder in which commands have their working folders."""
        return self.home / "work"

    @property
    def environment_folder(self) -> Path:
        """Folder of the Python environments that integrations need."""
        return (self.environments or self.home / "environments").expanduser().absolute()

    @property
    def key(self) -> Path:
        """File of the master key."""
        return self.home / "key"

    @property
    def system_url(self) -> str:
        """Where the dispatcher keeps its own tables: beside ours on PostgreSQL, in a file of its own else."""
        if self.database_url:
            return self.database_url
        from casemirror.engine.dispatch import prepare_sqlite  # heavy, and only servers need it

        return prepare_sqlite(self.home / "dbos.db")


def options(home: Path | None, database_url: str, log_level: str) -> Options:
    """Resolve all options. Raises Invalid, naming what is wrong in which source."""
    given = {"home": home, "database_url": database_url, "log_level": log_level}
    try:
        found = Options(**{name: value for name, value in given.items() if value})  # type: ignore[arg-type]
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise Invalid(f"the options are wrong: {wrong}") from None
    except ValueError as error:
        raise Invalid(f"{CONFIG_FILE} cannot be read: {error}") from error
    return found.model_copy(update={"home": found.home.expanduser().absolute()})


@contextmanager
def opened(chosen: Options, *, serving: bool = False) -> Iterator[App]:
    """The App, with its database up to date; everything is closed again at the end.

    serving   log what happens; a single command only warns
    """
    chosen.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    known = logs.Secrets()
    level = chosen.log_level if serving or chosen.log_level == "debug" else "warning"
    logs.configure(level, chosen.log_format, known)
    if not chosen.database_url:
        Path(chosen.database).touch(mode=0o600)
    store = Store.open(chosen.database, chosen.files, SystemClock(), KeyRing.load(chosen.key))
    runtime = LateRuntime(chosen.work, store, chosen.home)
    try:
        _migrate(store, chosen)
        known.source = lambda: secrets_of(store)
        yield App(
            store=store,
            runtime=runtime,
            clock=store.clock,
            executor=executor_name(),
            environments=Environments(chosen.environment_folder),
        )
    finally:
        runtime.close()
        store.close()


def _migrate(store: Store, chosen: Options) -> None:
    try:
        store.migrate()
    except DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise DatabaseUnusable(f"the database {chosen.database_shown} cannot be used: {reason}") from error


class DatabaseUnusable(CasemirrorError):
    """The database cannot be reached or is no database of ours."""

    code = "database.unusable"


class LateRuntime:
    """Runs commands in processes; makes its folders and reads its settings when the first one comes."""

    def __init__(self, folder: Path, store: Store, home: Path) -> None:
        self._folder = folder
        self._store = store
        self._home = home
        self._lock = threading.Lock()
        self._runtime: ProcessRuntime | None = None

    def run(self, command: Command) -> Reply:
        """Run one command to its end or its time limit."""
        with self._lock:
            if self._runtime is None:
                with self._store.read() as tx:
                    found, _ = Settings.from_stored(settings.get_all(tx))
                self._runtime = self._made(found)
        return self._runtime.run(command)

    def _made(self, found: Settings) -> ProcessRuntime:
        return ProcessRuntime(
            self._folder,
            idle_s=found.seconds("runtime.idle"),
            bounds=Bounds(file_bytes=found.count("runtime.disk"), processes=found.count("runtime.processes")),
            confinement=Confinement(
                user=found.text("runtime.user"),
                landlock=found.flag("runtime.landlock"),
                read=found.words("runtime.read"),
                write=found.words("runtime.write"),
                private=(self._home,),
            ),
        )

    def close(self) -> None:
        """End all processes."""
        with self._lock:
            if self._runtime is not None:
                self._runtime.close()


def secrets_of(store: Store) -> list[str]:
    """Every secret text of every instance and setting, for the filter of the logs."""
    with store.read() as tx:
        values = [value for each in instances.list_all(tx) for value in instances.secrets(tx, each.id).values()]
        values += [settings.secret(tx, name) for name in settings.secret_names(tx)]
    return [text for value in values for text in secret_texts(value)]
