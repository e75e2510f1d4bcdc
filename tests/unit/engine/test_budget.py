"""The budget of requests of one credential: what is left, until when to wait, what a refusal teaches."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casemirror.model import budget as model
from casemirror.model.budget import Budget, Use

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def test_without_a_limit_nothing_waits() -> None:
    assert Budget().limit(NOW) is None
    assert Budget().spent_until([Use(NOW, 10**6)], NOW, incoming=True) is None


@pytest.mark.parametrize(("limit", "incoming"), [(1, 1), (2, 1), (5, 4), (10, 8), (100, 80)])
def test_a_fifth_is_kept_for_changes_made_here(limit: int, incoming: int) -> None:
    budget = Budget(requests=limit)
    assert budget.allowed(NOW, incoming=True) == incoming
    assert budget.allowed(NOW, incoming=False) == limit


def test_it_is_spent_until_enough_left_the_window() -> None:
    budget = Budget(requests=10)
    uses = [Use(ago(70), 99), Use(ago(50), 3), Use(ago(20), 5), Use(ago(5), 1)]
    assert budget.spent_until(uses, NOW, incoming=False) is None
    assert budget.spent_until(uses, NOW, incoming=True) == ago(50) + budget.window
    assert budget.spent_until([*uses, Use(NOW, 9)], NOW, incoming=False) == ago(5) + budget.window


uses_lists = st.lists(st.builds(Use, st.integers(0, 100).map(ago), st.integers(0, 20)), max_size=20)


@given(limit=st.integers(1, 50), incoming=st.booleans(), uses=uses_lists)
def test_when_the_wait_is_over_something_is_left(limit: int, incoming: bool, uses: list[Use]) -> None:
    """And one moment before nothing is."""
    budget = Budget(requests=limit)
    ordered = sorted(uses, key=lambda use: use.at)
    until = budget.spent_until(ordered, NOW, incoming=incoming)
    if until is not None:
        assert until > NOW
        assert budget.spent_until(ordered, until, incoming=incoming) is None
        assert budget.spent_until(ordered, until - timedelta(seconds=0.5), incoming=incoming) is not None


def test_a_refusal_teaches_less_than_what_was_used_and_is_doubted_by_and_by() -> None:
    taught = model.learn(Budget(), 10, NOW)
    assert (taught.learned, taught.hits, taught.limit(NOW)) == (9.0, 1, 9)
    assert taught.limit(NOW + timedelta(minutes=1)) == 9
    assert taught.limit(NOW + timedelta(minutes=3)) == 20
    assert taught.limit(NOW + model.FORGOTTEN) is None


def test_refusals_that_agree_are_believed_longer() -> None:
    """A remote with a fixed limit is tried ever more rarely; one that says something else begins anew."""
    budget, at = Budget(), NOW
    for number in range(4):
        budget = model.learn(budget, 10, at)
        assert budget.agreed == number
        assert budget.limit(at + timedelta(minutes=2**number)) == 9
        at += timedelta(minutes=2**number + 1)
    assert model.learn(budget, 100, at).agreed == 0


def test_refusals_of_one_episode_teach_once() -> None:
    """Little is used since because we waited: that says nothing of the limit."""
    taught = model.learn(Budget(), 100, NOW)
    again = model.learn(taught, 3, NOW + timedelta(seconds=30))
    assert again == replace(taught, hits=2)
    assert model.learn(Budget(), 0, NOW) == Budget(hits=1)


def test_a_set_limit_bounds_a_learned_one() -> None:
    budget = replace(model.learn(Budget(requests=20), 10, NOW))
    assert budget.limit(NOW) == 9
    assert budget.limit(NOW + timedelta(minutes=30)) == 20
