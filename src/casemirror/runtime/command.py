"""One command of an integration: what goes into its process and what comes back.

Values only. `pool` runs them, `wire` reads the replies; the engine's tests run them against a scripted remote.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, kw_only=True)
class Code:
    """The executable part of an integration (or of a script).

    key            identity of (integration, version of its code, environment): commands with one key share a warm parent
    source         the integration's Python text, API modules as they are installed beside it
    modules        further importable modules by name (`SomeApiModule` → source text)
    python         interpreter to use; empty: casemirror's own
    """

    key: str
    name: str
    source: str
    modules: Mapping[str, str] = field(default_factory=dict)
    python: str = ""


@dataclass(frozen=True, kw_only=True)
class StagedFile:
    """A file that the child finds by `demisto.getFilePath(entry_id)`; it is linked or copied into its working folder."""

    entry_id: str
    name: str
    path: Path


@dataclass(frozen=True, kw_only=True)
class HostCalls:
    """What a running command may ask the server for; each is called in the thread that runs the command.

    set_context  (context, version) → new version; raises ValueError when `version` is stale (−1 forces)
    get_context  () → (context, version), fresh
    find_user    {"username"|"email": text} → user dict, `{}` when there is none
    get_file     entry id → StagedFile, or None
    map_object   (object, mapper id or name, incident type) → flat dict; raises ValueError when there is no such mapper
    transform    (object, expression of the transform language) → what it finds, None for nothing; raises ValueError
    pack_version (id or name of an installed pack; empty: the one that runs) → its version, empty when there is none
    create_incidents (list of raw incident dicts, last_run or None, working folder) → list of created incident dicts; raises
                 ValueError, which the integration gets
    tell_health  text that `updateModuleHealth` says while the command runs; empty: all is well
    """

    set_context: Callable[[Any, int], int] | None = None
    get_context: Callable[[], tuple[Any, int]] | None = None
    find_user: Callable[[Mapping[str, str]], Mapping[str, Any]] | None = None
    get_file: Callable[[str], StagedFile | None] | None = None
    map_object: Callable[[Any, str, str], Mapping[str, Any]] | None = None
    transform: Callable[[Any, str], Any] | None = None
    pack_version: Callable[[str], str] | None = None
    create_incidents: Callable[[list[dict[str, Any]], Any, Path], list[dict[str, Any]]] | None = None
    tell_health: Callable[[str], None] | None = None


class Stop:
    """Lets another thread end a running command; thread-safe. The runtime arms it while the command runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kill: Callable[[], None] | None = None
        self.asked = False

    def ask(self) -> None:
        """Kill the command, or the one that is about to start."""
        with self._lock:
            self.asked, kill = True, self._kill
        if kill is not None:
            kill()

    def arm(self, kill: Callable[[], None]) -> None:
        """The command runs: this is how it is killed."""
        with self._lock:
            self._kill, asked = kill, self.asked
        if asked:
            kill()

    def disarm(self) -> None:
        """The command is over."""
        with self._lock:
            self._kill = None


@dataclass(frozen=True, kw_only=True)
class Command:
    """One run of one command.

    params         all parameters of the instance, secrets in clear, every declared one present
    investigation  what `demisto.investigation()` returns; incident: what `demisto.incidents()` reads (scripts only)
    secrets        texts to mask in everything that comes back (logs, errors)
    stop           by which another thread may end it before that
    timeout_s      wall clock; at the limit the whole process group is killed; infinite for long-running commands, which also
                   may listen on ports
    timeout_setting  the setting that it comes from
    egress         hosts that it may reach, as `host`, `host:port` or `*.domain`; None: all
    """

    code: Code
    name: str
    args: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    instance: str = ""
    brand: str = ""
    last_run: Any = field(default_factory=dict)
    last_mirror_run: Any = field(default_factory=dict)
    context: Any = field(default_factory=dict)
    context_version: int = 0
    investigation: Mapping[str, Any] = field(default_factory=dict)
    incidents: tuple[Mapping[str, Any], ...] = ()
    calling_context: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[StagedFile, ...] = ()
    host: HostCalls = field(default_factory=HostCalls)
    secrets: tuple[str, ...] = ()
    timeout_s: float = 300.0
    timeout_setting: str = "mirror.command.timeout"
    egress: tuple[str, ...] | None = None
    memory_bytes: int = 1 << 30
    debug: bool = False
    stop: Stop | None = None


class Ending(StrEnum):
    """How the child ended."""

    NORMAL = "normal"
    """ran to its end or called sys.exit"""
    RAISED = "raised"
    """an exception escaped; `error` is its traceback"""
    DIED = "died"
    """no answer: killed by a signal, out of memory, `os._exit`"""
    TIMED_OUT = "timed out"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What came back.

    results        everything given to `demisto.results()`, in order
    incidents      what `demisto.incidents(list)` was given, concatenated; None when it was not called
    last_run       what `setLastRun` staged; None when it was not called (same for `last_mirror_run`)
    error          traceback or cause of death, secrets masked; empty when the ending is normal
    log            lines of demisto.debug/info/error and of stdout/stderr, secrets masked, bounded
    requests       HTTP requests that it made; None when it died before it could say
    cpu_s          seconds of CPU that it and its processes took; peak_bytes: memory of the largest of them at its peak
    folder         the child's working folder (files of `fileResult` lie there); the caller calls `discard()` when done
    """

    ending: Ending = Ending.NORMAL
    results: tuple[Any, ...] = ()
    incidents: tuple[Any, ...] | None = None
    last_run: Any = None
    last_mirror_run: Any = None
    requests: int | None = 0
    cpu_s: float = 0.0
    peak_bytes: int = 0
    health: str | None = None
    error: str = ""
    log: tuple[str, ...] = ()
    folder: Path | None = None
    duration_s: float = 0.0
    discard: Callable[[], None] = lambda: None


class Runtime(Protocol):
    """Runs commands; thread-safe."""

    def run(self, command: Command) -> Reply:
        """Run one command to its end or its time limit. Never raises for what the integration does."""
        ...

    def close(self) -> None:
        """End all warm processes and their children."""
        ...
