"""Fields that one of several instances owns, choices for one link, and what the first contact makes of two values. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casemirror.engine import merging
from casemirror.engine.plan import merge_fields
from casemirror.model.plan import Method, Policy, Rule
from casemirror.model.policies import Choice, Owner, Policies
from casemirror.model.values import is_empty, same
from unit.engine.test_plan import BOTH, NOW, a_link, fields, policies

OWNED = replace(BOTH, owned={"f": "tracker"})
MEETING = replace(BOTH, first_contact=True)


def test_what_another_instance_owns_is_not_taken_and_ours_goes_back() -> None:
    """docs/conflicts.md: owners. The decision says by whom it is owned."""
    merge = merge_fields(a_link(base={"f": 1, "g": 1}), {"f": 1, "g": 1}, {"f": 2, "g": 2}, OWNED, NOW)
    assert (merge.write, merge.push) == ({"g": 2}, {"f": 1})
    assert merge.base == {"f": 2, "g": 2}
    assert [(d.field, d.rule, d.note) for d in merge.decisions] == [
        ("f", Rule.OWNED, "owned by tracker"),
        ("g", Rule.REMOTE_CHANGED, ""),
    ]


def test_where_the_field_does_not_go_out_the_drift_is_left_and_told_once() -> None:
    policy = replace(OWNED, mapped_out=frozenset({"g"}))
    link = a_link(base={"f": 1})
    merge = merge_fields(link, {"f": 1}, {"f": 2}, policy, NOW)
    assert (merge.write, merge.push) == ({}, {})
    again = merge_fields(replace(link, base=merge.base), {"f": 1}, {"f": 2}, policy, NOW)
    assert (again.write, again.push, again.decisions) == ({}, {}, ())


def test_what_nobody_told_here_yet_is_neither_taken_nor_emptied_there() -> None:
    """The owner never had a value: ours is empty for want of one, not because somebody emptied it."""
    merge = merge_fields(a_link(), {}, {"f": 2}, OWNED, NOW)
    assert (merge.write, merge.push, merge.base) == ({}, {}, {})
    emptied = merge_fields(a_link(base={"f": 1}), {"f": None}, {"f": 2}, OWNED, NOW)
    assert (emptied.write, emptied.push) == ({}, {"f": None})


@pytest.mark.parametrize("method", list(Method))
def test_an_owner_comes_before_every_method(method: Method) -> None:
    """What both changed, and what an empty value would blank: ours stays, and goes there."""
    policy = replace(OWNED, conflict=method, never_blank=frozenset({"f"}))
    for remote in (3, None):
        merge = merge_fields(a_link(base={"f": 1}), {"f": 2}, {"f": remote}, policy, NOW)
        assert (merge.write, merge.push, merge.held) == ({}, {"f": 2}, {})


def test_what_both_sides_have_is_agreed_on_whoever_owns_it() -> None:
    merge = merge_fields(a_link(base={"f": 1}), {"f": 2}, {"f": 2}, OWNED, NOW)
    assert (merge.write, merge.push, merge.base) == ({}, {}, {"f": 2})


@given(base=fields, local=fields, remote=fields, policy=policies)
def test_nothing_owned_is_ever_written_and_all_of_it_ends_in_agreement(
    base: dict[str, Any], local: dict[str, Any], remote: dict[str, Any], policy: Policy
) -> None:
    """Whatever changed where: our values stay, and what goes out goes to the remote that differs."""
    policy = replace(policy, owned=dict.fromkeys(remote, "tracker"))
    link = a_link(base=base)
    merge = merge_fields(link, local, remote, policy, NOW)
    assert merge.write == {}
    assert merge.held == {}
    goes = {n for n in remote if policy.outbound and (policy.mapped_out is None or n in policy.mapped_out)}
    unheard = {n for n in remote if n not in base and is_empty(local.get(n))}
    assert {n for n in goes - unheard if not same(local.get(n), remote[n])} == {n for n in merge.push if n in remote}
    settled = replace(link, base={**base, **merge.base, **merge.push})
    again = merge_fields(settled, local, {**remote, **{n: merge.push[n] for n in goes & set(merge.push)}}, policy, NOW)
    assert (again.write, again.push) == ({}, {})


FIRST = [
    # method of the field, local, remote, rule, written here, sent
    (Method.REMOTE, 1, 2, Rule.REMOTE_CHANGED, 2, None),
    (Method.NEWEST, 1, 2, Rule.REMOTE_CHANGED, 2, None),
    (Method.XSOAR_DIRTY, 1, 2, Rule.REMOTE_CHANGED, 2, None),
    (Method.LOCAL, 1, 2, Rule.CONFLICT_LOCAL, None, 1),
    (Method.MAX, 1, 2, Rule.CONFLICT_MERGED, 2, None),
    (Method.UNION, ["a"], ["b"], Rule.CONFLICT_MERGED, ["a", "b"], ["a", "b"]),
    (Method.APPEND, "ours", "theirs", Rule.CONFLICT_MERGED, "theirs\nours", "theirs\nours"),
    (Method.ASK, 1, 2, Rule.CONFLICT_HELD, None, None),
    (Method.LOCAL, None, 2, Rule.REMOTE_CHANGED, 2, None),
    (Method.LOCAL, 1, None, Rule.REMOTE_CHANGED, None, None),
    (Method.ASK, 2, 2, Rule.AGREED, None, None),
]


@pytest.mark.parametrize(("method", "local", "remote", "rule", "written", "sent"), FIRST)
def test_the_first_contact_goes_by_the_method_of_the_field(
    method: Method, local: Any, remote: Any, rule: Rule, written: Any, sent: Any
) -> None:
    """docs/conflicts.md: nobody knows which side changed; ours is sent over theirs only when a policy says so."""
    link = a_link(assumed={"f": local}, linked_later=True)
    merge = merge_fields(link, {"f": local}, {"f": remote}, replace(MEETING, methods={"f": method}), NOW)
    assert [d.rule for d in merge.decisions] == ([rule] if rule is not Rule.AGREED else [])
    assert merge.write == ({} if is_empty(written) and not is_empty(remote) else {"f": written})
    assert merge.push == ({} if sent is None else {"f": sent})


def test_the_setting_alone_never_sends_ours_over_theirs_at_the_first_contact() -> None:
    """`mirror.conflict=local` is for changes on both sides."""
    assert merging.at_first(Method.LOCAL) is Method.REMOTE
    assert {m: merging.at_first(m) for m in Method if m is not Method.LOCAL} == {
        m: m for m in Method if m is not Method.LOCAL
    }


def test_only_an_object_that_was_there_before_the_link_is_met() -> None:
    """A fetched incident has the remote's values; an object that we created has ours."""
    assert a_link(linked_later=True).is_first_contact
    assert not a_link().is_first_contact
    assert not a_link(linked_later=True, remote_id="").is_first_contact
    assert not a_link(linked_later=True, last_sync_at=NOW).is_first_contact
    assert not a_link(linked_later=True, last_push_at=NOW).is_first_contact


CHOICES = st.lists(
    st.builds(
        Choice,
        method=st.sampled_from(Method),
        instance=st.sampled_from(["", "i"]),
        type=st.sampled_from(["", "T", "U"]),
        field=st.sampled_from(["", "f", "g"]),
    )
    | st.builds(
        Choice,
        method=st.sampled_from(Method),
        instance=st.just("i"),
        field=st.sampled_from(["", "f", "g"]),
        incident=st.sampled_from([1, 2]),
    ),
    unique_by=lambda c: (c.instance, c.type, c.field, c.incident),
)


@given(
    choices=CHOICES,
    kind=st.sampled_from(["T", "U", "V"]),
    number=st.sampled_from([1, 2, 3]),
    name=st.sampled_from("fgh"),
)
def test_a_link_counts_before_a_field_before_a_type_before_an_instance(
    choices: list[Choice], kind: str, number: int, name: str
) -> None:
    """docs/conflicts.md: the order, against the plain definition of it."""
    fitting = [c for c in choices if c.type in ("", kind) and c.field in ("", name) and c.incident in (0, number)]
    order = [(bool(c.incident), bool(c.field), bool(c.type), bool(c.instance)) for c in fitting]
    wanted = max(zip(order, fitting, strict=True), key=lambda both: both[0])[1].method if fitting else Method.NEWEST
    found = Policies.of(choices)
    policy = Policy(conflict=found.default(kind, Method.NEWEST, number), methods=found.methods(kind, number))
    assert policy.method(name) is wanted


def test_the_narrowest_owner_that_the_incident_is_linked_to_owns_the_field() -> None:
    """One incident before a type before all; an owner that is not linked owns nothing."""
    owners = Policies.of(
        (),
        [
            Owner(instance="c", field="f", incident=7),
            Owner(instance="b", field="f", type="T"),
            Owner(instance="a", field="f"),
            Owner(instance="a", field="g"),
        ],
    )
    assert owners.owners_of("T", 7, ["a", "b", "c"]) == {"f": "c", "g": "a"}
    assert owners.owners_of("T", 8, ["a", "b", "c"]) == {"f": "b", "g": "a"}
    assert owners.owners_of("U", 8, ["a", "b"]) == {"f": "a", "g": "a"}
    assert owners.owners_of("T", 7, ["a"]) == {"f": "a", "g": "a"}
    assert owners.owners_of("T", 7, []) == {}
