"""Plan one link as the engine would, and tell it line by line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from casemirror.actions.planning_runtime import masked
from casemirror.actions.planning_values import Change, Planned, id_of
from casemirror.engine import looking, outbound, record
from casemirror.engine.looking import Decided
from casemirror.engine.outbound import Package
from casemirror.engine.turn import Onlooker, Turn
from casemirror.model.incident import Incident, Status
from casemirror.model.link import Link
from casemirror.model.plan import Rule
from casemirror.model.values import Json, same
from casemirror.runtime.masking import Masker
from casemirror.store import incidents, links
from casemirror.store.inbox import Row

WHY: Final = {
    Rule.AGREED: "both sides have it",
    Rule.REMOTE_CHANGED: "only {there} changed it",
    Rule.LOCAL_CHANGED: "only we changed it",
    Rule.CONFLICT_LOCAL: "both changed it: ours wins",
    Rule.CONFLICT_REMOTE: "both changed it: theirs wins",
    Rule.CONFLICT_MERGED: "both changed it: the changes are put together",
    Rule.CONFLICT_HELD: "both changed it: a person has to decide",
    Rule.STALE_ECHO: "{there} still shows what it had before our push",
    Rule.LEGACY_DIRTY: "edited here once, so never overwritten",
    Rule.FIRST_TOLD: "told for the first time while edited here: ours stays",
    Rule.OWNED: "another instance owns it: what {there} changed is not taken",
    Rule.PROTECTED: "empty there, and mirroring never empties it",
}


@dataclass(frozen=True, kw_only=True)
class Due:
    """A link that the cycle would work off.

    link   as it would be then: what a poll named is named
    told   what the poll told of it in full
    """

    link: Link
    told: tuple[Row, ...] = ()


def plan_link(turn: Onlooker, due: Due, mask: Masker) -> tuple[Planned, bool]:
    """What a reconcile would do, and whether it would close the incident here. Raises what a reconcile raises."""
    link = due.link
    with turn.app.store.read() as tx:
        incident = incidents.load(tx, link.incident_id)
    pulled = looking.pull(turn, link, incident, due.told) if looking.must_pull(turn, link, due.told) else None
    now = turn.app.clock.now()
    with turn.app.store.read() as tx:
        decided = looking.decide(turn, tx, link, pulled, now)
        others = [each for each in links.of_incident(tx, incident.id) if each.id != link.id and each.direction.outbound]
    packages = _packages(turn, decided, now)
    changes = tuple(_masked(mask, change) for change in _changes(turn, decided, packages))
    plan = decided.plan
    comes_in = bool(plan.merge.write or plan.type or plan.status is not None or decided.new)
    planned = Planned(
        id=id_of(decided),
        incident_id=incident.id,
        link_id=link.id,
        title=mask(incident.name),
        remote_id=link.remote_id,
        pulls=pulled is not None,
        changes=changes,
        sends=masked(mask, _sends(packages)),
        calls=len(packages),
        others=tuple(each.instance_name for each in others) if comes_in else (),
        told=due.told,
    )
    return planned, plan.closes


def changes_of(turn: Turn, decided: Decided, mask: Masker) -> tuple[Change, ...]:
    """What was decided about one link, line by line. Raises what packing raises."""
    packages = _packages(turn, decided, turn.app.clock.now())
    return tuple(_masked(mask, change) for change in _changes(turn, decided, packages))


def _packages(turn: Turn, decided: Decided, now: datetime) -> list[Package]:
    """The calls that would be made, packed as they would be."""
    if not decided.plan.must_push:
        return []
    after = _after(decided, now)
    parts = outbound.parts(decided.plan, turn.settings)
    packed = [outbound.pack(turn, decided.link, after, part) for part in parts]
    return [package for package in packed if not package.empty]


def _after(decided: Decided, now: datetime) -> Incident:
    """The incident as it is once the plan is applied here."""
    _, changes, columns = record.changes_of(decided.incident, decided.plan, now)
    return replace(decided.incident, fields={**decided.incident.fields, **changes}, **columns)


def _sends(packages: Sequence[Package]) -> Mapping[str, Json]:
    return {name: value for package in packages for name, value in package.args["delta"].items()}


def _changes(turn: Turn, decided: Decided, packages: Sequence[Package]) -> Iterator[Change]:
    yield from _fields_in(turn, decided)
    yield from _state_in(turn, decided)
    for entry, _ in decided.new:
        held = "shown once the incident is opened" if decided.incident.status is Status.PENDING else ""
        yield Change(
            kind="file in" if entry.has_file else "comment in", new=entry.file_name or entry.contents, why=held
        )
    if packages:
        yield from _out(turn, decided, packages)


def _fields_in(turn: Turn, decided: Decided) -> Iterator[Change]:
    """What is written here, and what the remote told and is not."""
    plan, incident = decided.plan, decided.incident
    rules = {made.field: made for made in plan.merge.decisions}
    for name, value in plan.merge.write.items():
        yield Change(kind="field in", name=name, old=incident.get(name), new=value, why=_why(turn, rules[name].rule))
    for name, conflict in plan.merge.held.items():
        is_new = name not in decided.link.conflicts or not same(decided.link.conflicts[name].remote, conflict.remote)
        if is_new:
            why = _why(turn, Rule.CONFLICT_HELD)
            yield Change(kind="conflict", name=name, old=incident.get(name), new=conflict.remote, why=why)
    for name, made in rules.items():
        goes_out = made.rule is Rule.LOCAL_CHANGED or name in plan.merge.push
        if name not in plan.merge.write and name not in plan.merge.held and not goes_out:
            yield Change(kind="kept", name=name, old=made.remote, new=made.local, why=_why(turn, made.rule))


def _state_in(turn: Turn, decided: Decided) -> Iterator[Change]:
    plan, there = decided.plan, turn.instance.name
    if plan.type:
        yield Change(kind="type", name="type", old=decided.incident.type, new=plan.type, why="the classifier says so")
    if plan.closes and plan.closing is not None:
        told = ": ".join(text for text in (plan.closing.reason, plan.closing.notes) if text)
        yield Change(kind="close", new=told, why=f"{there} closed it")
    elif plan.status is Status.ACTIVE:
        yield Change(kind="reopen", why=f"{there} opened it again")


def _out(turn: Turn, decided: Decided, packages: Sequence[Package]) -> Iterator[Change]:
    plan, link = decided.plan, decided.link
    rules = {made.field: made.rule for made in plan.merge.decisions}
    if plan.create:
        yield Change(kind="create", why=f"there is no object at {turn.instance.name} yet")
    for name, value in plan.merge.push.items():
        why = _why(turn, rules.get(name, Rule.LOCAL_CHANGED))
        again = "sent again: the outcome of an earlier push was not seen" if name in link.doubted else why
        yield Change(kind="field out", name=name, old=link.known(name), new=value, why=again)
    if plan.send_status and not plan.create:
        closed = (plan.status or decided.incident.status) is Status.CLOSED
        yield Change(kind="tell closed" if closed else "tell reopened", why="it changed here")
    lost = {gone.entry.id for package in packages for gone in package.lost}
    for outgoing in plan.outgoing:
        entry = outgoing.entry
        why = (
            "its file is gone: it can never arrive" if entry.id in lost else "sent again" if outgoing.uncertain else ""
        )
        text = entry.file.name if entry.file else entry.contents
        yield Change(kind="file out" if entry.file else "comment out", name=entry.label, new=text, why=why)


def _why(turn: Turn, rule: Rule) -> str:
    return WHY[rule].format(there=turn.instance.name)


def _masked(mask: Masker, change: Change) -> Change:
    return replace(change, old=masked(mask, change.old), new=masked(mask, change.new))
