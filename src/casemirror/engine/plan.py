"""Decide what one reconcile does. Pure: values in, a `Plan` out; no clock, no store, no call.

A link's `base` is what both sides last agreed on. What changed here is `local − base`, what changed there is
`remote − base`; echo, conflict and delta all fall out of that one comparison.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from casemirror.engine import merging
from casemirror.model.entry import Control, InboundEntry, Outgoing
from casemirror.model.incident import Incident, Status
from casemirror.model.link import STATUS, Conflict, Link
from casemirror.model.plan import Decision, Merge, Plan, Policy, Rule
from casemirror.model.values import Fields, Json, is_empty, same


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a pull told about the remote object, mapped in.

    fields      incident field → value, only those that the remote told
    seen_open   the reply showed an error-free object without a close entry
    type        the incident type that the classifier gives it (only with `mirror.reclassify`); empty: it stays
    """

    fields: Fields = field(default_factory=dict)
    entries: tuple[InboundEntry, ...] = ()
    controls: tuple[Control, ...] = ()
    seen_open: bool = False
    type: str = ""


NOTHING_TOLD = Told()


def make_plan(
    link: Link,
    incident: Incident,
    told: Told,
    outgoing: tuple[Outgoing, ...],
    policy: Policy,
    now: datetime,
) -> Plan:
    """Decide everything one reconcile does.

    outgoing   entries of the incident that this link has not sent; the incident's state decides whether they may go
    Pure; raises nothing.   Source: design §1.2, §3; mirroring.md §2.6, §2.7, §4.5.
    """
    state = follow_controls(link, incident, told, policy)
    merge = merge_fields(link, incident.fields, {**told.fields, **state.extra}, policy, now, incident.changed)
    status = incident.status if state.status is None else state.status
    return Plan(
        merge=merge,
        type="" if told.type == incident.type else told.type,
        status=state.status,
        closing=state.closing,
        entries=told.entries,
        remote_closed=state.remote_closed,
        reopened_here=state.reopened_here,
        out_status=state.out_status,
        outgoing=tuple(o for o in outgoing if policy.outbound and may_go(o, incident, status)),
        send_status=policy.outbound and status_unsent(replace(link, out_status=state.out_status), status),
        create=policy.outbound and not link.remote_id,
    )


def merge_fields(
    link: Link, local: Fields, remote: Fields, policy: Policy, now: datetime, changed: Mapping[str, str] | None = None
) -> Merge:
    """Decide which fields must change on either side so that both agree again.

    local, remote   incident field → JSON value; a field missing from `remote` was not told, it is not empty
    changed         field → when its value here last became another
    A field changed on one side only goes to the other. A field changed on both: its method decides while ours is unsent
    (`merging.settle`); all three values stay readable in the decision.
    Pure; raises nothing.   Source: mirroring.md §2.6.3, §3.3; MIR-095…113, MIR-137…148.
    """
    write: dict[str, Json] = {}
    base: dict[str, Json] = {}
    held = {name: conflict for name, conflict in link.conflicts.items() if name not in remote}
    decisions: list[Decision] = []
    for name, value in remote.items():
        rule = _rule(link, name, local.get(name), value, policy, now)
        if rule is None:
            continue
        result = value
        if rule is Rule.CONFLICT_LOCAL:
            rule, result = merging.settle(link, name, local.get(name), value, policy, changed or {})
        if rule in (Rule.REMOTE_CHANGED, Rule.CONFLICT_REMOTE, Rule.CONFLICT_MERGED):
            write |= {} if same(result, local.get(name)) else {name: result}
        if rule is Rule.CONFLICT_HELD:
            known = link.conflicts.get(name)
            since = known.since if known and same(known.remote, value) else now
            held[name] = Conflict(remote=value, base=link.known(name), since=since)
        elif _becomes_base(link, name, rule, local.get(name)):
            base[name] = value
        if rule is not Rule.AGREED:
            note = f"owned by {policy.owned[name]}" if rule is Rule.OWNED else ""
            decisions.append(
                Decision(field=name, rule=rule, note=note, base=link.known(name), local=local.get(name), remote=value)
            )
    push = _unsent(link, {**local, **write}, base, policy, held)
    decisions += [
        Decision(field=name, rule=Rule.LOCAL_CHANGED, base=link.known(name), local=value, remote=remote.get(name))
        for name, value in push.items()
        if name not in {d.field for d in decisions}
    ]
    return Merge(write=write, base=base, push=push, held=held, decisions=tuple(decisions))


def _rule(link: Link, name: str, local: Json, remote: Json, policy: Policy, now: datetime) -> Rule | None:
    """Which rule decides about a field that the remote told; None: nothing changed at all. CONFLICT_LOCAL: both changed."""
    known = name in link.base and name not in link.doubted
    if same(local, remote):
        return None if known and same(link.base[name], remote) else Rule.AGREED
    if policy.keeps_edits(name) and name in link.sticky:
        return Rule.LEGACY_DIRTY
    if _is_stale_echo(link, name, remote, policy, now):
        return Rule.STALE_ECHO
    if name in policy.owned:
        return None if known and same(link.base[name], remote) else Rule.OWNED
    if is_empty(remote) and name in policy.never_blank:
        return Rule.PROTECTED
    if known and same(link.base[name], remote):
        return None
    if not known and merging.meets_by_policy(link, name, local, remote, policy):
        return Rule.CONFLICT_LOCAL if policy.outbound and _goes_out(name, policy) else Rule.REMOTE_CHANGED
    if not link.changed_here(name, local):
        return Rule.REMOTE_CHANGED
    if not known and not merging.merges(policy, name) and not merging.counts_when_first_told(policy, name, remote):
        return Rule.FIRST_TOLD
    return Rule.CONFLICT_LOCAL if policy.outbound and _goes_out(name, policy) else Rule.REMOTE_CHANGED


def _becomes_base(link: Link, name: str, rule: Rule, local: Json) -> bool:
    """Say whether what the remote told is what it has from now on.

    Not when it is not believed; nor when another instance owns the field and nobody told it here yet: with a base, ours
    would count as emptied, and that would be sent.
    """
    if rule is Rule.OWNED and name not in link.base and is_empty(local):
        return False
    return rule not in (Rule.STALE_ECHO, Rule.LEGACY_DIRTY, Rule.PROTECTED)


def _is_stale_echo(link: Link, name: str, remote: Json, policy: Policy, now: datetime) -> bool:
    """The remote still shows what it had before our push, and the push is young."""
    pushed = link.pushed.get(name)
    if pushed is None or not same(remote, pushed.before) or same(pushed.before, pushed.sent):
        return False
    return now - pushed.at < timedelta(seconds=policy.echo_guard_s)


def _goes_out(name: str, policy: Policy) -> bool:
    return name not in policy.never_out and (policy.mapped_out is None or name in policy.mapped_out)


def _unsent(
    link: Link, local: Fields, base: Mapping[str, Json], policy: Policy, held: Collection[str]
) -> dict[str, Json]:
    """Fields that must be sent once `base` holds: local value by name. What waits for a person is not sent."""
    if not policy.outbound:
        return {}
    names = {**link.assumed, **link.base, **local}
    return {
        name: local.get(name)
        for name in sorted(names)
        if _goes_out(name, policy)
        and name not in held
        and (not same(local.get(name), base[name]) if name in base else link.changed_here(name, local.get(name)))
    }


def current_dirty(link: Link, incident: Incident, policy: Policy) -> dict[str, Json]:
    """Fields that the next push will carry: what the contract calls `dbotCurrentDirtyFields`."""
    return _unsent(link, incident.fields, {}, policy, link.conflicts)


@dataclass(frozen=True, kw_only=True)
class StatusMerge:
    """What the control entries of one pull come to; `status` None: the incident keeps its state."""

    status: Status | None
    closing: Control | None
    remote_closed: bool
    reopened_here: bool
    out_status: int | None
    extra: Fields = field(default_factory=dict)


def follow_controls(link: Link, incident: Incident, told: Told, policy: Policy) -> StatusMerge:
    """Follow close and reopen entries in their order.

    A close that a person undid here is not repeated until the remote was seen open again, and not while the reopen is
    still to be sent; a reopen acts only when the remote was seen closed before, so that a close of ours that is not sent
    or not arrived yet is not undone.
    Pure; raises nothing.   Source: mirroring.md §4.5; MIR-122…135; decision 0004.
    """
    remote_closed = link.remote_closed and not told.seen_open
    reopened = link.reopened_here and remote_closed
    before = status = incident.status
    reopen_unsent = policy.outbound and before is not Status.CLOSED and status_unsent(link, before)
    out_status, closing, extra = link.out_status, None, dict[str, Json]()
    for control in told.controls if policy.inbound else ():
        if control.close:
            if status is not Status.CLOSED and not (remote_closed and reopened) and not reopen_unsent:
                status, out_status, closing, extra = Status.CLOSED, Status.CLOSED, control, control.extra
            remote_closed = True
        else:
            if status is Status.CLOSED and link_saw_close(link, status, before, remote_closed):
                status, out_status, closing = Status.ACTIVE, Status.ACTIVE, control
            remote_closed = reopened = False
    return StatusMerge(
        status=None if status is before else status,
        closing=closing if status is not before else None,
        remote_closed=remote_closed,
        reopened_here=reopened,
        out_status=out_status,
        extra=extra,
    )


def link_saw_close(link: Link, status: Status, before: Status, remote_closed: bool) -> bool:
    """Say whether a reopen entry tells news: the remote had been closed, and our own close is not still on its way."""
    closed_by_this_pull = status is not before
    ours_unsent = before is Status.CLOSED and status_unsent(link, before)
    return closed_by_this_pull or ((remote_closed or link.remote_closed) and not ours_unsent)


def status_unsent(link: Link, status: Status) -> bool:
    """Say whether a close or a reopen of ours is still on its way, as far as anybody knows."""
    return STATUS in link.doubted or status_differs(link.out_status, status)


def status_differs(known: int | None, status: Status) -> bool:
    """Say whether the remote must be told of a close or a reopen; pending → active is no news to it."""
    return ((Status.ACTIVE if known is None else known) == Status.CLOSED) != (status is Status.CLOSED)


def may_go(outgoing: Outgoing, incident: Incident, status: Status) -> bool:
    """Say whether the incident's state lets an entry out: active, or closed after the entry got its tag.

    Source: mirroring.md §3.6; MIR-173…175.
    """
    if status is Status.ACTIVE:
        return True
    if status is not Status.CLOSED:
        return False
    tagged = outgoing.entry.tagged_at or outgoing.entry.created_at
    return incident.closed_at is None or tagged <= incident.closed_at
