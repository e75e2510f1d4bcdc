"""One cycle of an instance now, because a person asks for it.

Whoever owns the lane does it: this process when nobody does, else the running server, which is asked and waited for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from casemirror.actions.permission import require
from casemirror.engine import commands, fetch, lane, poll
from casemirror.engine.app import App
from casemirror.engine.looking import Decided
from casemirror.engine.presence import Presence
from casemirror.engine.reconcile import Outcome, reconcile
from casemirror.engine.turn import Turn
from casemirror.model.actor import Actor
from casemirror.model.errors import CasemirrorError, Conflict, Invalid, LaneMustWait, RetryLater
from casemirror.model.ids import LaneId
from casemirror.model.instance import Instance
from casemirror.model.lane import Lane
from casemirror.model.link import Link
from casemirror.store import audit, instances, lanes, links

PATIENCE_S = 120.0
"""Wait for a running server to have done what it was asked."""
LOOK_S = 0.1


@dataclass(kw_only=True)
class Cycle:
    """What one cycle did.

    by_server   the running server did it; then only `error` and `found` of the lane are known
    found       links that the poll named, or incidents that the fetch created
    """

    instance: str
    by_server: bool = False
    found: int = 0
    outcomes: list[Outcome] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


Told = Callable[[Turn, Decided], None]
"""Is shown what was decided about a link, before any of it is written."""


def silent(turn: Turn, decided: Decided) -> None:
    """Tells nobody."""


def mirror_now(app: App, actor: Actor, name: str, *, told: Told = silent) -> Cycle:
    """Poll and reconcile all that is due, at once, also while the mirror job is off.

    told   is shown each decision, as far as this process makes it
    Raises Conflict when the instance is disabled or its lane is stopped, and what the poll raises.
    """
    return _cycle(app, actor, name, "instance.mirror", partial(_mirror, told=told), _ask_poll)


def fetch_now(app: App, actor: Actor, name: str) -> Cycle:
    """Fetch new incidents at once. Raises Conflict when the instance is disabled or does not fetch, and what the fetch raises."""
    return _cycle(app, actor, name, "instance.fetch", _fetch, _ask_fetch)


def _cycle(
    app: App,
    actor: Actor,
    name: str,
    verb: str,
    work: Callable[[Turn, Cycle], None],
    ask: Callable[[App, Instance], Cycle],
) -> Cycle:
    require(actor, verb)
    with app.store.write() as tx:
        instance = instances.by_name(tx, name)
        _must_work(instance, lanes.of_instance(tx, instance.id))
        app.library.catalog(tx).integration(instance.brand)
        audit.add(tx, app.clock.now(), actor.name, verb, f"instance {instance.name}")
    commands.caller(app, instance).code()
    with Presence(app):
        turn = lane.take(app, lane_id(app, instance))
        if turn is None:
            return ask(app, instance)
        cycle = Cycle(instance=instance.name)
        try:
            work(turn, cycle)
        finally:
            lane.release(turn)
    return cycle


def lane_id(app: App, instance: Instance) -> LaneId:
    """The lane that polls and fetches for an instance."""
    with app.store.read() as tx:
        return lanes.of_instance(tx, instance.id).id


def _must_work(instance: Instance, line: Lane) -> None:
    if not instance.enabled:
        raise Conflict(f"{instance.name} is disabled; `casemirror instance enable {instance.name}` lets it work")
    if line.held_reason:
        raise Conflict(
            f"{instance.name} was stopped: {line.held_reason}; `casemirror instance enable {instance.name}` lets it go on"
        )


def _fetch(turn: Turn, cycle: Cycle) -> None:
    integration = turn.caller.integration
    if not integration.fetch:
        raise Invalid(f"{integration.display} cannot fetch")
    if not fetch.is_on(turn):
        name = turn.instance.name
        raise Conflict(f"{name} does not fetch; `casemirror instance update {name} -p isFetch=true` switches it on")
    cycle.found = fetch.fetch(turn)


def _next(turn: Turn) -> Link | None:
    return lane.next_link(turn) if lane.mind_budgets(turn, turn.app.clock.now()) else None


def _mirror(turn: Turn, cycle: Cycle, told: Told) -> None:
    try:
        cycle.found = poll.poll(turn)
    except LaneMustWait as error:
        lane.wait_for_cycle(turn, error, incoming=True)
        raise
    if turn.lane.last_error:
        cycle.failures.append(turn.lane.last_error)
    done = set()
    while (link := _next(turn)) is not None and (link.id, link.wanted) not in done:
        done.add((link.id, link.wanted))
        try:
            outcome = reconcile(turn, link.id, partial(told, turn))
        except CasemirrorError as error:
            cycle.failures.append(f"incident {link.incident_id}: {error.message}")
            if not lane.after_error(turn, link, error):
                return
            continue
        cycle.outcomes.append(outcome)


def _ask_poll(app: App, instance: Instance) -> Cycle:
    asked = app.clock.now()
    with app.store.write() as tx:
        lanes.ask(tx, lanes.of_instance(tx, instance.id).id, poll_asked_at=asked, not_before=None, in_not_before=None)

    def is_done(line: Lane) -> bool:
        with app.store.read() as tx:
            link = links.due(tx, instance.id, app.clock.now())
        return bool(line.last_poll_at and line.last_poll_at >= asked) and link is None

    return _wait(app, instance, is_done)


def _ask_fetch(app: App, instance: Instance) -> Cycle:
    asked = app.clock.now()
    with app.store.write() as tx:
        lanes.ask(tx, lanes.of_instance(tx, instance.id).id, next_fetch_at=asked, not_before=None, in_not_before=None)
    return _wait(app, instance, lambda line: bool(line.next_fetch_at and line.next_fetch_at > asked) and not line.owner)


def _wait(app: App, instance: Instance, is_done: Callable[[Lane], bool]) -> Cycle:
    """Wait until the owner of the lane has run the cycle. Raises RetryLater when it does not."""
    ends = app.clock.now() + timedelta(seconds=PATIENCE_S)
    while app.clock.now() < ends:
        with app.store.read() as tx:
            line = lanes.of_instance(tx, instance.id)
        if is_done(line):
            failures = [line.last_error] if line.last_error else []
            return Cycle(instance=instance.name, by_server=True, failures=failures)
        app.clock.sleep(LOOK_S)
    raise RetryLater(
        f"the running server did not get to {instance.name} within {PATIENCE_S:g} s; it was asked and will"
    )
