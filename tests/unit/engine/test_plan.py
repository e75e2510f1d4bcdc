"""The plan: tables of cases and properties. Pure values, no store, no remote."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casemirror.engine import plan as planning
from casemirror.engine.plan import Told, make_plan, merge_fields
from casemirror.model.entry import Control, Entry, Outgoing
from casemirror.model.ids import EntryId, IncidentId, InstanceId, LinkId
from casemirror.model.incident import Incident, Status
from casemirror.model.link import Direction, Link, Pushed
from casemirror.model.plan import Method, Policy, Rule
from casemirror.model.values import same

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
BOTH = Policy()
ONLY_IN = Policy(outbound=False)


def a_link(**changes: Any) -> Link:
    given: dict[str, Any] = {
        "id": LinkId(1),
        "incident_id": IncidentId(1),
        "instance_id": InstanceId("i"),
        "instance_name": "snow",
        "remote_id": "R1",
        "direction": Direction.BOTH,
        "since_at": NOW,
        "out_status": 1,
    }
    return Link(**{**given, **changes})


def an_incident(status: Status = Status.ACTIVE, **fields: Any) -> Incident:
    return Incident(
        id=IncidentId(1),
        guid="g",
        version=1,
        type="T",
        status=status,
        fields=fields,
        created_at=NOW,
        modified_at=NOW,
        occurred_at=NOW,
        closed_at=NOW if status is Status.CLOSED else None,
    )


CASES = [
    # name, base, assumed, local, remote, policy, expected rule, written, pushed
    ("MIR-095 only the remote changed", {"f": 1}, {}, 1, 2, BOTH, Rule.REMOTE_CHANGED, 2, None),
    ("only we changed", {"f": 1}, {}, 2, 1, BOTH, Rule.LOCAL_CHANGED, None, 2),
    ("MIR-106 nothing changed", {"f": 1}, {}, 1, 1, BOTH, None, None, None),
    ("both changed to the same", {"f": 1}, {}, 2, 2, BOTH, Rule.AGREED, None, None),
    ("MIR-110 both changed, local wins", {"f": 1}, {}, 2, 3, BOTH, Rule.CONFLICT_LOCAL, None, 2),
    (
        "MIR-110 both changed, remote wins",
        {"f": 1},
        {},
        2,
        3,
        replace(BOTH, conflict=Method.REMOTE),
        Rule.CONFLICT_REMOTE,
        3,
        None,
    ),
    ("MIR-107 direction In keeps an edit", {"f": 1}, {}, 2, 1, ONLY_IN, None, None, None),
    ("MIR-108 direction In takes a real change", {"f": 1}, {}, 2, 3, ONLY_IN, Rule.REMOTE_CHANGED, 3, None),
    ("MIR-111 told for the first time while edited", {}, {"f": 1}, 2, 3, ONLY_IN, Rule.FIRST_TOLD, None, None),
    (
        "told for the first time while edited, and a person is to be asked",
        {},
        {"f": 1},
        2,
        3,
        replace(BOTH, conflict=Method.ASK),
        Rule.CONFLICT_HELD,
        None,
        None,
    ),
    (
        "MIR-111 nothing told is no conflict",
        {},
        {"f": 1},
        2,
        "",
        replace(BOTH, conflict=Method.ASK),
        Rule.FIRST_TOLD,
        None,
        2,
    ),
    ("told for the first time, untouched here", {}, {"f": 1}, 1, 3, BOTH, Rule.REMOTE_CHANGED, 3, None),
    ("MIR-097 an empty value empties", {"f": 1}, {}, 1, "", BOTH, Rule.REMOTE_CHANGED, "", None),
    (
        "MIR-148 a field that is not mapped out is not sent",
        {"f": 1},
        {},
        2,
        1,
        replace(BOTH, mapped_out=frozenset()),
        None,
        None,
        None,
    ),
    ("MIR-140 changed and changed back", {"f": 1}, {}, 1, 1, BOTH, None, None, None),
]


@pytest.mark.parametrize(
    ("name", "base", "assumed", "local", "remote", "policy", "rule", "written", "pushed"),
    CASES,
    ids=[c[0] for c in CASES],
)
def test_one_field_is_merged_by_the_rule_that_fits(
    name: str, base: Any, assumed: Any, local: Any, remote: Any, policy: Policy, rule: Any, written: Any, pushed: Any
) -> None:
    """MIR-095…113: which rule decides, what is written here, what is sent."""
    merge = merge_fields(a_link(base=base, assumed=assumed), {"f": local}, {"f": remote}, policy, NOW)
    assert merge.write == ({} if written is None else {"f": written})
    assert merge.push == ({} if pushed is None else {"f": pushed})
    assert [d.rule for d in merge.decisions] == ([] if rule in (None, Rule.AGREED) else [rule])


def test_a_stale_echo_is_ignored_only_while_the_push_is_young() -> None:
    """MIR-112, MIR-113."""
    link = a_link(base={"f": "L"}, pushed={"f": Pushed(before="B", sent="L", at=NOW)})
    young = merge_fields(link, {"f": "L"}, {"f": "B"}, BOTH, NOW + timedelta(seconds=599))
    old = merge_fields(link, {"f": "L"}, {"f": "B"}, BOTH, NOW + timedelta(seconds=601))
    assert (young.write, young.push, [d.rule for d in young.decisions]) == ({}, {}, [Rule.STALE_ECHO])
    assert (old.write, old.push) == ({"f": "B"}, {})


def test_legacy_mode_never_overwrites_what_was_edited_here() -> None:
    """MIR-109: kept for life, and a further edit is still sent."""
    legacy = replace(BOTH, legacy_dirty=True)
    link = a_link(base={"f": "L"}, sticky=frozenset({"f"}))
    told = merge_fields(link, {"f": "L"}, {"f": "R2"}, legacy, NOW)
    assert (told.write, told.push, told.base) == ({}, {}, {})
    edited = merge_fields(link, {"f": "L2"}, {"f": "R3"}, legacy, NOW)
    assert (edited.write, edited.push) == ({}, {"f": "L2"})


@pytest.mark.parametrize("name", ["name", "severity", "owner", "occurred"])
def test_an_empty_value_never_blanks_a_protected_field(name: str) -> None:
    """MIR-104, MIR-100."""
    merge = merge_fields(a_link(base={name: "x"}), {name: "x"}, {name: ""}, BOTH, NOW)
    assert merge.write == {}
    assert merge.base == {}


def test_a_conflict_is_told_once_for_each_remote_value() -> None:
    """MIR-110: the base takes the losing value, so the same conflict is not found again."""
    link = a_link(base={"f": 1})
    first = merge_fields(link, {"f": 2}, {"f": 3}, BOTH, NOW)
    again = merge_fields(replace(link, base={**link.base, **first.base}), {"f": 2}, {"f": 3}, BOTH, NOW)
    assert [d.rule for d in first.decisions] == [Rule.CONFLICT_LOCAL]
    assert [d.rule for d in again.decisions] == [Rule.LOCAL_CHANGED]
    assert again.push == {"f": 2}


CLOSE = Control(close=True, reason="Resolved", notes="done")
REOPEN = Control(close=False)


def plan_for(link: Link, incident: Incident, *controls: Control, seen_open: bool = False) -> planning.Plan:
    return make_plan(link, incident, Told(controls=controls, seen_open=seen_open), (), BOTH, NOW)


def test_an_inbound_close_closes_once_and_is_not_sent_back() -> None:
    """MIR-122, MIR-124, MIR-125."""
    plan = plan_for(a_link(), an_incident(), CLOSE)
    assert (plan.status, plan.closing, plan.send_status, plan.out_status) == (
        Status.CLOSED,
        CLOSE,
        False,
        Status.CLOSED,
    )
    again = plan_for(a_link(remote_closed=True, out_status=2), an_incident(Status.CLOSED), CLOSE)
    assert (again.status, again.send_status) == (None, False)


def test_an_inbound_reopen_reopens_a_closed_incident_only() -> None:
    """MIR-126, MIR-127."""
    plan = plan_for(a_link(remote_closed=True, out_status=2), an_incident(Status.CLOSED), REOPEN, seen_open=True)
    assert (plan.status, plan.send_status) == (Status.ACTIVE, False)
    assert plan_for(a_link(), an_incident(), REOPEN).status is None


def test_a_close_that_a_person_undid_is_not_repeated_until_the_remote_was_open() -> None:
    """MIR-128, MIR-129."""
    undone = a_link(remote_closed=True, reopened_here=True, out_status=1)
    repeated = plan_for(undone, an_incident(), CLOSE)
    assert repeated.status is None
    seen_open = plan_for(undone, an_incident(), seen_open=True)
    assert not seen_open.remote_closed
    later = plan_for(replace(undone, remote_closed=False, reopened_here=False), an_incident(), CLOSE)
    assert later.status is Status.CLOSED


def test_an_unsent_reopen_of_ours_is_not_undone_by_the_close_that_the_remote_still_shows() -> None:
    """MIR-128, MIR-155: the remote was closed by our own push, and no pull saw that yet; the reopen is sent."""
    plan = plan_for(a_link(out_status=2), an_incident(), CLOSE)
    assert (plan.status, plan.send_status, plan.remote_closed) == (None, True, True)


def test_an_unsent_close_of_ours_is_not_undone_by_a_reopen() -> None:
    """mirroring.md §4.5: conflict, local wins; the close is sent."""
    plan = plan_for(a_link(out_status=1), an_incident(Status.CLOSED), REOPEN, seen_open=True)
    assert (plan.status, plan.send_status) == (None, True)


def test_a_close_on_its_way_is_not_undone_by_an_old_view_of_the_remote() -> None:
    """Decision 0004: the remote was never seen closed, so its being open is no news."""
    plan = plan_for(a_link(out_status=2), an_incident(Status.CLOSED), REOPEN, seen_open=True)
    assert (plan.status, plan.send_status) == (None, False)


def an_entry(**changes: Any) -> Outgoing:
    entry = Entry(id=EntryId(1), incident_id=IncidentId(1), number=1, created_at=NOW, modified_at=NOW, **changes)
    return Outgoing(entry=entry)


@pytest.mark.parametrize(
    ("status", "tagged", "goes"),
    [
        (Status.ACTIVE, 0, True),
        (Status.PENDING, 0, False),
        (Status.CLOSED, -1, True),
        (Status.CLOSED, 1, False),
    ],
)
def test_the_incidents_state_decides_which_entries_go(status: Status, tagged: int, goes: bool) -> None:
    """MIR-162, MIR-173, MIR-174, MIR-175."""
    entry = an_entry(tagged_at=NOW + timedelta(seconds=tagged))
    plan = make_plan(a_link(out_status=int(status)), an_incident(status), Told(), (entry,), BOTH, NOW)
    assert bool(plan.outgoing) is goes
    assert not plan.incident_changed


def test_an_object_without_id_is_created_and_one_with_id_is_not() -> None:
    """MIR-179."""
    assert make_plan(a_link(remote_id=""), an_incident(), Told(), (), BOTH, NOW).create
    assert not make_plan(a_link(), an_incident(), Told(), (), BOTH, NOW).create
    assert not make_plan(a_link(remote_id=""), an_incident(), Told(), (), ONLY_IN, NOW).create


values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from(["", "a", "b"]),
    st.lists(st.integers(0, 2), max_size=2),
)
names = st.sampled_from(["f", "g", "h", "severity", "name"])
fields = st.dictionaries(names, values, max_size=5)
policies = st.builds(
    Policy,
    outbound=st.booleans(),
    conflict=st.sampled_from(Method),
    mapped_out=st.one_of(st.none(), st.frozensets(names)),
)


@given(base=fields, assumed=fields, local=fields, remote=fields, policy=policies)
def test_merging_is_idempotent_and_ends_in_agreement(
    base: dict[str, Any], assumed: dict[str, Any], local: dict[str, Any], remote: dict[str, Any], policy: Policy
) -> None:
    """Once written and sent, merging again writes nothing and sends nothing; what goes out is what stands here."""
    link = a_link(base=base, assumed=assumed)
    merge = merge_fields(link, local, remote, policy, NOW)
    here = {**local, **merge.write}
    there = {**remote, **{n: v for n, v in merge.push.items() if n in remote}}
    settled = replace(link, base={**base, **merge.base, **merge.push})
    again = merge_fields(settled, here, there, policy, NOW)
    assert again.write == {}
    assert again.push == {}
    merged = {d.field for d in merge.decisions if d.rule is Rule.CONFLICT_MERGED}
    assert set(merge.write) & set(merge.push) <= merged
    assert not set(merge.held) & {*merge.write, *merge.push}
    assert all(same(here.get(n), v) for n, v in merge.push.items())


@given(base=fields, local=fields, remote=fields)
def test_a_change_on_one_side_only_is_never_lost(
    base: dict[str, Any], local: dict[str, Any], remote: dict[str, Any]
) -> None:
    """Whatever else changed: a field that only we changed goes out, one that only the remote changed comes in."""
    link = a_link(base=base)
    merge = merge_fields(link, local, remote, replace(BOTH, never_blank=frozenset()), NOW)
    for name in base:
        if name not in remote:
            continue
        here, there = not same(local.get(name), base[name]), not same(remote[name], base[name])
        if here and not there:
            assert name in merge.push
        if there and not here:
            assert same(merge.write[name], remote[name])


@given(base=fields, local=fields, remote=fields, policy=policies)
def test_merging_leaves_its_input_alone_and_says_the_same_twice(
    base: dict[str, Any], local: dict[str, Any], remote: dict[str, Any], policy: Policy
) -> None:
    """Pure and deterministic."""
    link = a_link(base=dict(base))
    before = (dict(link.base), dict(local), dict(remote))
    assert merge_fields(link, local, remote, policy, NOW) == merge_fields(link, local, remote, policy, NOW)
    assert before == (link.base, local, remote)
