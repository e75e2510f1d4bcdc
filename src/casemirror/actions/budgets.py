"""Budgets of requests: what each instance may use and used, and how long a change may take therefore."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from casemirror.actions.permission import require
from casemirror.engine.app import App
from casemirror.model.actor import Actor
from casemirror.model.budget import Budget, Use
from casemirror.model.errors import Invalid
from casemirror.model.instance import Instance
from casemirror.model.settings import Settings
from casemirror.store import audit, budgets, instances, lanes, links

if TYPE_CHECKING:
    from sqlalchemy import Connection

LONGEST_S = int(budgets.KEPT.total_seconds())


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How an instance stands.

    used       requests within the window, those of all instances with the same credential
    limit      what may be used within the window; None: no limit is known
    per_command  requests that a command makes, on the average of the last day
    due        links with work
    worst_s    a change there is here within that time if nothing else happens, seconds; None: no limit is known
    """

    instance: Instance
    budget: Budget
    used: int
    limit: int | None
    per_command: float
    due: int
    worst_s: float | None

    @property
    def left(self) -> int | None:
        """What may still be used within the window."""
        return None if self.limit is None else max(self.limit - self.used, 0)


def list_all(app: App, actor: Actor) -> list[Standing]:
    """Every instance, by name."""
    require(actor, "budget.list")
    settings, now = app.settings(), app.clock.now()
    with app.store.read() as tx:
        return [_standing(tx, settings, each, now) for each in sorted(instances.list_all(tx), key=lambda i: i.name)]


def _standing(tx: Connection, settings: Settings, instance: Instance, now: datetime) -> Standing:
    budget = budgets.load(tx, instance.id)
    lately = budgets.uses(tx, budget.credential, now - budgets.KEPT) if budget.credential else []
    per_command = _mean(lately)
    due = links.due_count(tx, instance.id)
    allowed = budget.allowed(now, incoming=True)
    worst = None
    if allowed:
        windows = math.ceil((due + 2) * per_command / allowed)  # the poll and the change itself come to what is due
        worst = settings.interval_s + windows * budget.window_s
    return Standing(
        instance=instance,
        budget=budget,
        used=sum(use.requests for use in lately if use.at > now - budget.window),
        limit=budget.limit(now),
        per_command=per_command,
        due=due,
        worst_s=worst,
    )


def _mean(uses: list[Use]) -> float:
    commands = sum(use.commands for use in uses)
    return sum(use.requests for use in uses) / commands if commands else 1.0


def put(app: App, actor: Actor, name: str, requests: int, window_s: int) -> Standing:
    """Set how many requests an instance's credential may make within a window; 0 takes the limit away. It works at once.

    Raises NotFound, Invalid.
    """
    require(actor, "budget.set")
    if requests < 0 or not budgets.STEP_S <= window_s <= LONGEST_S:
        raise Invalid(
            f"a budget is 0 or more requests within {budgets.STEP_S} to {LONGEST_S} seconds, not {requests} within {window_s}"
        )
    now = app.clock.now()
    with app.store.write() as tx:
        instance = instances.by_name(tx, name)
        budgets.set_limit(tx, instance.id, requests, window_s)
        for each in (name, *budgets.load(tx, instance.id).shared):
            lane = lanes.of_instance(tx, instances.by_name(tx, each).id)
            lanes.ask(tx, lane.id, in_not_before=None, not_before=None)
        audit.add(tx, now, actor.name, "budget.set", f"instance {name}", {"requests": requests, "window": window_s})
        return _standing(tx, app.settings(), instance, now)
