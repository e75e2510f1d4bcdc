"""What comes of a field that changed on both sides, by the methods that people choose."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casemirror.engine.plan import current_dirty, merge_fields
from casemirror.model.link import Conflict
from casemirror.model.plan import Method, Policy, Rule
from casemirror.model.policies import Choice, Policies
from casemirror.model.values import same, time_text
from unit.engine.test_plan import BOTH, NOW, a_link, an_incident

EARLIER = NOW - timedelta(hours=1)

CASES = [
    # method, base, local, remote, rule, value here and there afterwards
    (Method.LOCAL, 1, 2, 3, Rule.CONFLICT_LOCAL, 2),
    (Method.REMOTE, 1, 2, 3, Rule.CONFLICT_REMOTE, 3),
    (Method.UNION, ["a", "b"], ["a", "b", "c"], ["b", "d"], Rule.CONFLICT_MERGED, ["b", "c", "d"]),
    (Method.UNION, ["a"], [], ["a", "b"], Rule.CONFLICT_MERGED, ["b"]),
    (Method.UNION, None, ["a"], ["b"], Rule.CONFLICT_MERGED, ["a", "b"]),
    (Method.UNION, "x", "y", "z", Rule.CONFLICT_LOCAL, "y"),
    (Method.APPEND, "old", "old, ours", "old, theirs", Rule.CONFLICT_MERGED, "old, theirs\n, ours"),
    (Method.APPEND, "old", "ours", "theirs", Rule.CONFLICT_MERGED, "theirs\nours"),
    (Method.APPEND, "old", "old theirs", "old theirs and more", Rule.CONFLICT_MERGED, "old theirs and more"),
    (Method.APPEND, "old", "old and more", "old and", Rule.CONFLICT_MERGED, "old and more"),
    (Method.APPEND, "old", ["x"], "theirs", Rule.CONFLICT_LOCAL, ["x"]),
    (Method.MAX, 1, 2, 4, Rule.CONFLICT_MERGED, 4),
    (Method.MAX, 1, 3, 0.5, Rule.CONFLICT_MERGED, 3),
    (Method.MAX, 1, None, 0.5, Rule.CONFLICT_MERGED, 0.5),
    (Method.MAX, 1, True, 2, Rule.CONFLICT_LOCAL, True),
]


@pytest.mark.parametrize(("method", "base", "local", "remote", "rule", "result"), CASES)
def test_a_conflict_is_settled_by_its_method(
    method: Method, base: Any, local: Any, remote: Any, rule: Rule, result: Any
) -> None:
    """mirroring.md §2.6.3: the value is here and goes there, as far as each side lacks it."""
    policy = replace(BOTH, methods={"f": method})
    merge = merge_fields(a_link(base={"f": base}), {"f": local}, {"f": remote}, policy, NOW)
    assert [d.rule for d in merge.decisions] == [rule]
    assert merge.write == ({} if same(result, local) else {"f": result})
    assert merge.push == ({} if same(result, remote) else {"f": result})
    assert merge.base == {"f": remote}
    assert merge.held == {}


@pytest.mark.parametrize("method", [Method.UNION, Method.APPEND, Method.MAX, Method.ASK, Method.REMOTE])
def test_a_change_on_one_side_wins_whatever_the_method(method: Method) -> None:
    """A method is for conflicts only."""
    policy = Policy(conflict=method)
    assert merge_fields(a_link(base={"f": ["a"]}), {"f": ["a"]}, {"f": []}, policy, NOW).write == {"f": []}
    assert merge_fields(a_link(base={"f": ["a"]}), {"f": []}, {"f": ["a"]}, policy, NOW).push == {"f": []}


@pytest.mark.parametrize(
    ("changed", "last_pull", "winner"),
    [(EARLIER, NOW, "remote"), (NOW, EARLIER, "local"), (None, NOW, "local"), (EARLIER, None, "local")],
)
def test_the_newer_change_wins(changed: Any, last_pull: Any, winner: str) -> None:
    """The remote had the old value at the last pull: what changed here before that is older than what changed there."""
    link = a_link(base={"f": 1}, last_sync_at=last_pull)
    times = {"f": time_text(changed)} if changed else {}
    merge = merge_fields(link, {"f": 2}, {"f": 3}, Policy(conflict=Method.NEWEST), NOW, times)
    assert [d.rule.value for d in merge.decisions] == [f"conflict-{winner}-wins"]


def test_what_was_edited_here_stays_for_ever_where_the_field_says_so() -> None:
    """MIR-109 for single fields."""
    link = a_link(base={"f": 1, "g": 1}, sticky=frozenset({"f", "g"}))
    policy = Policy(methods={"f": Method.XSOAR_DIRTY})
    merge = merge_fields(link, {"f": 1, "g": 1}, {"f": 3, "g": 3}, policy, NOW)
    assert merge.write == {"g": 3}


def test_a_conflict_that_a_person_decides_changes_nothing_until_then() -> None:
    """Neither written nor sent, nor forgotten when the field is not told again."""
    policy, link = Policy(conflict=Method.ASK), a_link(base={"f": 1, "g": 1})
    merge = merge_fields(link, {"f": 2, "g": 2}, {"f": 3}, policy, NOW)
    assert merge.held == {"f": Conflict(remote=3, base=1, since=NOW)}
    assert (merge.write, merge.base, merge.push) == ({}, {}, {"g": 2})
    held = replace(link, conflicts=merge.held)
    later = merge_fields(held, {"f": 2}, {"f": 3}, policy, NOW + timedelta(hours=1))
    assert later.held == merge.held
    assert merge_fields(held, {"f": 2}, {}, policy, NOW).held == merge.held
    assert merge_fields(held, {"f": 2, "g": 1}, {}, policy, NOW).push == {}
    assert current_dirty(held, an_incident(f=2, g=1), policy) == {}


@pytest.mark.parametrize(("local", "remote"), [(2, 1), (1, 3), (2, 2)])
def test_a_held_conflict_ends_when_one_side_takes_it_back(local: Any, remote: Any) -> None:
    """Then it is a change of one side, or none."""
    link = a_link(base={"f": 1}, conflicts={"f": Conflict(remote=3, base=1, since=NOW)})
    merge = merge_fields(link, {"f": local}, {"f": remote}, Policy(conflict=Method.ASK), NOW)
    assert merge.held == {}
    assert merge.push == ({"f": 2} if (local, remote) == (2, 1) else {})
    assert merge.write == ({"f": 3} if (local, remote) == (1, 3) else {})


def test_the_heaviest_choice_counts() -> None:
    """Field before type before instance before setting."""
    policies = Policies.of(
        [
            Choice(method=Method.ASK, field="f", instance="i"),
            Choice(method=Method.MAX, field="f"),
            Choice(method=Method.UNION, field="f", type="T"),
            Choice(method=Method.REMOTE, type="T"),
            Choice(method=Method.NEWEST, instance="i"),
        ]
    )
    assert policies.methods("T") == {"f": Method.UNION}
    assert policies.methods("U") == {"f": Method.ASK}
    assert policies.default("T", Method.LOCAL) is Method.REMOTE
    assert policies.default("U", Method.LOCAL) is Method.NEWEST
    assert Policies().default("U", Method.LOCAL) is Method.LOCAL


LISTS = st.lists(st.sampled_from("abc"), max_size=3, unique=True)


@given(base=LISTS, local=LISTS, remote=LISTS)
def test_a_union_keeps_every_change(base: list[str], local: list[str], remote: list[str]) -> None:
    """What a side added is there; what a side removed is gone, unless the other one added it anew."""
    merge = merge_fields(a_link(base={"f": base}), {"f": local}, {"f": remote}, Policy(conflict=Method.UNION), NOW)
    result = merge.write.get("f", local)
    if same(local, remote):
        assert same(result, local)
        return
    assert {*local, *remote} - {*base} <= {*result}
    assert not {*result} & ({*base} - ({*local} & {*remote}))
    assert same(merge.push.get("f", remote), result)
