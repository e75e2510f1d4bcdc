"""A runtime that only looks: commands that read run as ever, what they want to keep is kept for this look alone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final

from casemirror.engine.app import App
from casemirror.model.instance import Instance
from casemirror.runtime.command import Command, Reply, Runtime
from casemirror.runtime.masking import Masker, secret_texts
from casemirror.store import instances

READS: Final = frozenset({"get-modified-remote-data", "get-remote-data", "fetch-incidents"})
"""Commands of an instance that change nothing at the remote."""


@dataclass(kw_only=True)
class _Kept:
    """What the integration noted for itself since the look began; None: what is stored."""

    context: Any = None
    version: int | None = None
    last_run: Any = None
    last_mirror_run: Any = None


@dataclass(kw_only=True)
class LookingRuntime:
    """Lets through what reads. A later command sees the notes of an earlier one (a token, a page), as in a real cycle.

    requests   that the commands made so far; nobody books them, nor what they took, since a look writes nothing
    """

    runtime: Runtime
    requests: int = 0
    _kept: _Kept = field(default_factory=_Kept)

    def run(self, command: Command) -> Reply:
        """Run one command to its end; one that could write is a bug of ours."""
        if not command.instance:
            return self.runtime.run(
                command
            )  # a script of a mapper: it has no instance, and nothing that it could change
        if command.name not in READS:
            raise RuntimeError(f"a look at {command.instance} wanted to run {command.name}")
        reply = self.runtime.run(self._as_in_a_cycle(command))
        kept = self._kept
        kept.last_run = kept.last_run if reply.last_run is None else reply.last_run
        kept.last_mirror_run = kept.last_mirror_run if reply.last_mirror_run is None else reply.last_mirror_run
        self.requests += reply.requests or 0
        return replace(reply, requests=0, cpu_s=0.0, peak_bytes=0)

    def _as_in_a_cycle(self, command: Command) -> Command:
        kept = self._kept
        if kept.version is None:
            kept.context, kept.version = command.context, command.context_version
        return replace(
            command,
            context=kept.context,
            context_version=kept.version,
            last_run=command.last_run if kept.last_run is None else kept.last_run,
            last_mirror_run=command.last_mirror_run if kept.last_mirror_run is None else kept.last_mirror_run,
            host=replace(
                command.host, set_context=self._set_context, get_context=self._get_context, create_incidents=None
            ),
        )

    def _set_context(self, context: Any, version: int) -> int:
        kept = self._kept
        known = kept.version or 0
        if version not in (-1, known):
            raise ValueError(f"version {version} of the context is stale; it is {known} now")
        kept.context, kept.version = context, known + 1
        return kept.version

    def _get_context(self) -> tuple[Any, int]:
        return self._kept.context, self._kept.version or 0

    def close(self) -> None:
        """Nothing of its own to end."""


def mask_of(app: App, instance: Instance) -> Masker:
    """Takes the secrets of an instance out of texts."""
    with app.store.read() as tx:
        return Masker(secret_texts(instances.secrets(tx, instance.id)))


def masked(mask: Masker, value: Any) -> Any:
    """A JSON value without secrets, in whatever depth they stand."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {mask(str(name)): masked(mask, inner) for name, inner in value.items()}
    return [masked(mask, inner) for inner in value] if isinstance(value, list | tuple) else value
