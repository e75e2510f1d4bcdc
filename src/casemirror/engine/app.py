"""The App: everything the engine and the actions are handed, chosen once by whoever starts casemirror."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from casemirror.content.catalog import Catalog
from casemirror.mapping.value import Warning_
from casemirror.model.clock import Clock
from casemirror.model.settings import Settings
from casemirror.runtime.command import Runtime
from casemirror.runtime.environments.folder import Environments
from casemirror.store import content_items, settings
from casemirror.store.database import Store

if TYPE_CHECKING:
    from sqlalchemy import Connection

log: structlog.stdlib.BoundLogger = structlog.get_logger("casemirror")


class Library:
    """The installed content as a `Catalog`, rebuilt only when the stored content changed; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._revision: int | None = None
        self._catalog = Catalog.of(())

    def catalog(self, tx: Connection) -> Catalog:
        """The catalog of all installed items, as this transaction sees them."""
        revision = content_items.revision(tx)
        with self._lock:
            if revision != self._revision:
                self._catalog = Catalog.of(content_items.all_items(tx))
                self._revision = revision
            return self._catalog


class Said:
    """Warnings that were given once and are not given again while this process lives; thread-safe.

    A mapper that trips over one field does so at every pull: that is one warning, not one a minute.
    """

    LIMIT = 10_000

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._texts: set[str] = set()

    def first(self, text: str) -> bool:
        """Say whether this text is new."""
        with self._lock:
            if text in self._texts or len(self._texts) >= self.LIMIT:
                return False
            self._texts.add(text)
            return True


@dataclass(frozen=True, kw_only=True)
class App:
    """What a part of casemirror needs to do its work; no globals beside it.

    executor      name of this process in leases and heartbeats
    environments  Python environments of integrations; None: all run with casemirror's own packages
    """

    store: Store
    runtime: Runtime
    clock: Clock
    executor: str
    environments: Environments | None = None
    library: Library = field(default_factory=Library)
    said: Said = field(default_factory=Said)
    stopping: threading.Event = field(default_factory=threading.Event)
    """set when this process is asked to end: lanes are given back after the step that is running"""

    def warn_of_mapping(self, instance: str, warnings: Iterable[Warning_]) -> None:
        """Log what a mapper had to leave out, each once; a transformer without input is nothing to tell."""
        for warning in warnings:
            if not warning.expected and self.said.first(f"{instance}: {warning}"):
                log.warning("mapping.field_dropped", instance=instance, reason=str(warning))

    def settings(self) -> Settings:
        """The settings as they are now; a value that cannot be read is logged and its default used."""
        with self.store.read() as tx:
            found, warnings = Settings.from_stored(settings.get_all(tx))
        for warning in warnings:
            log.warning("setting.ignored", reason=warning)
        return found
