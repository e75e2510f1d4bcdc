"""The casemirror in which an integration under work runs: its pack installed, one instance of it configured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from casemirror.actions import cycles, incidents, instances, packs, probes, settings
from casemirror.actions.contract import subject
from casemirror.actions.contract.declared import users
from casemirror.actions.contract.subject import Subject
from casemirror.actions.instances import Choice
from casemirror.cli.dev import trace as tracing
from casemirror.cli.dev.trace import Trace, Tracer
from casemirror.engine.app import App
from casemirror.model.actor import Actor
from casemirror.model.errors import NotFound
from casemirror.model.incident import Incident
from casemirror.model.link import Link
from casemirror.model.values import Json
from casemirror.runtime.masking import Masker, secret_texts

QUICK: Final = {"mirror.overlap": "5"}
Params = tuple[Mapping[str, Json], Mapping[str, Json]]


@dataclass(kw_only=True)
class Desk:
    """One instance of the integration at `path`, in `app`.

    name         of the instance; empty: as the integration is called
    also         packs that it needs
    configured   gives (parameters, secret ones) for the integration as it is now
    """

    app: App
    me: Actor
    path: Path
    name: str
    configured: Callable[[Subject], Params]
    choice: Choice
    trace: Trace
    also: tuple[Path, ...] = ()
    secrets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.app = replace(self.app, runtime=Tracer(self.app.runtime, self.trace, lambda: self.secrets))

    def hurry(self) -> None:
        """Look at an object again sooner than a server would that has many: for a home that nobody else uses."""
        for name, value in QUICK.items():
            settings.put(self.app, self.me, name, value)

    def load(self) -> None:
        """Read the integration, install its pack, bring the instance up to it. Raises Invalid for what cannot be read."""
        found = replace(subject.read(self.path, self.also), choice=self.choice)
        for other in self.also:
            packs.add(self.app, self.me, other)
        for pack in packs.add(self.app, self.me, found.root):
            for warning in _concerning(found, pack.warnings):
                self.trace.line("!", warning, "yellow")
        given, secrets = self.configured(found)
        self.secrets = tuple(secret_texts(secrets))
        self.name = self.name or found.integration.display
        try:
            instances.show(self.app, self.me, self.name)
        except NotFound:
            instances.add(
                self.app, self.me, self.name, found.integration.id, given, secrets=secrets, choice=self.choice
            )
        else:
            instances.update(self.app, self.me, self.name, given, secrets=secrets, choice=self.choice)
        self.trace.line(" ", f"{found.integration.display} from {found.yaml.parent}, as the instance {self.name}")

    def test(self) -> None:
        """Run test-module. Raises what it fails with."""
        probes.test(self.app, self.me, self.name)

    def fetch(self) -> int:
        """Fetch, as far as the instance fetches; how many incidents that made."""
        configured = instances.show(self.app, self.me, self.name)
        can = configured.integration is not None and configured.integration.fetch
        if not can or configured.instance.params.get("isFetch") is not True:
            return 0
        found = cycles.fetch_now(self.app, self.me, self.name).found
        for incident, link in incidents.list_all(self.app, self.me, limit=max(found, 1))[:found]:
            self.trace.line("!", f"incident {incident.id}: {_born(incident, link)}", "yellow")
        return found

    def mirror(self) -> int:
        """One mirror cycle; how much came of it."""
        told = tracing.decisions(self.trace, Masker(self.secrets))
        cycle = cycles.mirror_now(self.app, self.me, self.name, told=told)
        for failure in cycle.failures:
            self.trace.bad(failure)
        done = [step for outcome in cycle.outcomes for step in outcome.steps if step in ("applied", "pushed", "gone")]
        return len(done) + sum(outcome.entries_in for outcome in cycle.outcomes)

    def cycle(self) -> int:
        """Both."""
        return self.fetch() + self.mirror()


def _concerning(found: Subject, warnings: Iterable[str]) -> Iterator[str]:
    """Of all that a pack lacks, what its integration needs."""
    concerned = set(users(found))
    for warning in warnings:
        user, refers, _ = warning.partition(" refers to the ")
        if not refers or user in concerned:
            yield warning


def _born(incident: Incident, link: Link | None) -> str:
    """What became of a fetched ticket."""
    kind = f"a new {incident.type}, {incident.name!r}"
    if link is None or not link.remote_id:
        return f"{kind}, not mirrored: after mapping it has no dbotMirrorId, dbotMirrorInstance, dbotMirrorDirection"
    return f"{kind}, linked to {link.remote_id}, direction {link.direction.value or 'none: not mirrored'}"
