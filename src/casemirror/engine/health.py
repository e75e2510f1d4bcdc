"""Look at every instance again and again; when its state changed, note it once, log it once, tell it once.

Any number of processes look; the one whose write comes first has seen the change (`store.health.change`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from casemirror.engine import notices
from casemirror.engine.app import App, log
from casemirror.engine.presence import Loop
from casemirror.model import health as deciding
from casemirror.model.health import Counts, Facts, Health, State
from casemirror.model.instance import Instance
from casemirror.model.settings import Settings
from casemirror.store import health, settings

if TYPE_CHECKING:
    from sqlalchemy import Connection

WATCH_S: Final = 2.0
"""How often all instances are looked at."""
TELL_S: Final = 1.0
"""How often notices that are due are looked for."""
_BAD: Final = (State.FAILING, State.DEGRADED)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """An instance with its state now, and the one that was noted last."""

    facts: Facts
    health: Health
    former: Health | None = None

    @property
    def instance(self) -> Instance:
        """The instance."""
        return self.facts.instance

    @property
    def changed(self) -> bool:
        """The state is another one than was noted."""
        return self.former is None or self.former.state is not self.health.state


def look(tx: Connection, app: App) -> list[Seen]:
    """Every instance, by name, with its state as it is now."""
    now = app.clock.now()
    chosen, _ = Settings.from_stored(settings.get_all(tx))
    lanes, noted, counts = health.lanes_of(tx), health.noted(tx), health.counts(tx, now)
    seen = []
    for instance in health.instances_of(tx):
        lane, former = lanes[instance.id], noted.get(instance.id)
        facts = Facts(instance=instance, lane=lane, counts=counts.get(instance.id, Counts()), settings=chosen)
        seen.append(Seen(facts=facts, former=former, health=deciding.state_of(facts, former, now)))
    return seen


class Watch:
    """Notes, logs and tells changes of state as long as this process serves."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._began = app.clock.now()

    def __call__(self) -> None:
        """Look at all instances once."""
        with self._app.store.read() as tx:
            changed = [seen for seen in look(tx, self._app) if seen.changed and not self._is_too_early(seen)]
        for seen in changed:
            self._note(seen)

    def _is_too_early(self, seen: Seen) -> bool:
        """No good cycle for long says nothing yet when nobody served before us: the first ones are under way."""
        overdue = deciding.is_overdue(seen.facts, seen.former, self._app.clock.now())
        young = self._app.clock.now() - self._began <= deciding.grace(seen.facts.settings)
        return seen.health.state is State.DEGRADED and overdue and young

    def _note(self, seen: Seen) -> None:
        former = seen.former.state.value if seen.former else ""
        name = seen.instance.name
        with self._app.store.write() as tx:
            if not health.change(tx, seen.instance.id, seen.former, seen.health):
                return
            notices.announce(tx, seen.facts.settings, name, former, seen.health)
        tell = log.warning if seen.health.state in _BAD else log.info
        tell("instance.health", instance=name, state=seen.health.state.value, former=former, reason=seen.health.reason)


def loops(app: App) -> tuple[Loop, ...]:
    """The threads of a server that concern health: one looks, one sends notices."""
    return Loop("watch", WATCH_S, Watch(app)), Loop("tell", TELL_S, lambda: notices.deliver(app))
