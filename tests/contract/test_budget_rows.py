"""Budgets of requests in the database: what is shared, what is booked, what a refusal teaches."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from casemirror.model.budget import Budget, Use
from casemirror.model.instance import Instance
from casemirror.store import budgets, instances
from casemirror.store.database import Store

SECOND = timedelta(seconds=1)


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 1, 2, 12, tzinfo=UTC)


def test_uses_are_booked_in_steps_and_forgotten(store: Store, instance: Instance, now: datetime) -> None:
    with store.write() as tx:
        assert budgets.load(tx, instance.id) == Budget()
        for seconds, requests in ((0, 2), (1, 3), (7, 1)):
            budgets.book(tx, instance.id, "who", requests, now + seconds * SECOND)
        assert budgets.load(tx, instance.id).credential == "who"
        assert budgets.uses(tx, "who", now - SECOND) == [Use(now + 5 * SECOND, 5, 2), Use(now + 10 * SECOND, 1, 1)]
        assert budgets.uses(tx, "who", now + 5 * SECOND) == [Use(now + 10 * SECOND, 1, 1)]
        assert budgets.forget_old(tx, now + budgets.KEPT + 6 * SECOND) == 1
        assert budgets.uses(tx, "who", now - SECOND) == [Use(now + 10 * SECOND, 1, 1)]


def test_instances_with_one_credential_share_its_budget(store: Store, instance: Instance, now: datetime) -> None:
    """The tighter limit and the newer lesson count for both; a third one with another credential has its own."""
    with store.write() as tx:
        mate = instances.add(tx, "mate", instance.brand, now)
        stranger = instances.add(tx, "stranger", instance.brand, now)
        budgets.set_limit(tx, instance.id, 100, 60)
        budgets.set_limit(tx, mate.id, 100, 120)
        assert budgets.load(tx, instance.id).shared == ()
        for each, credential in ((instance, "one"), (mate, "one"), (stranger, "two")):
            budgets.book(tx, each.id, credential, 10, now)
        own = budgets.load(tx, instance.id)
        assert (own.requests, own.window_s, own.shared) == (100, 120, ("mate",))
        assert sum(use.requests for use in budgets.uses(tx, own.credential, now - SECOND)) == 20
        budgets.learn(tx, mate.id, now)
        assert budgets.load(tx, instance.id).learned == 18.0
        assert budgets.load(tx, stranger.id).limit(now) is None


def test_a_limit_that_is_set_forgets_what_was_learned(store: Store, instance: Instance, now: datetime) -> None:
    with store.write() as tx:
        budgets.book(tx, instance.id, "who", 10, now)
        budgets.learn(tx, instance.id, now)
        budgets.learn(tx, instance.id, now + 120 * SECOND)
        found = budgets.load(tx, instance.id)
        assert (found.learned, found.hits) == (9.0, 2)
        budgets.set_limit(tx, instance.id, 50, 30)
        found = budgets.load(tx, instance.id)
        assert (found.learned, found.requests, found.window_s, found.hits) == (None, 50, 30, 2)


def test_an_instance_takes_its_budget_along_when_it_goes(store: Store, instance: Instance, now: datetime) -> None:
    with store.write() as tx:
        budgets.set_limit(tx, instance.id, 5, 60)
        instances.remove(tx, instance.id)
        assert budgets.load(tx, instance.id) == Budget()
