"""One reconcile: make both sides of one link say the same.

::

    pull ─► plan ─► apply ─► push ─► settle ─► finish

Each step may be the last one that runs; the next reconcile begins again at `pull` and comes to the same end. No
transaction is open while a remote is called. What the steps leave behind on purpose: entries marked *intended* and a
creation marked *begun*, before the call, so that an outcome that nobody saw is looked for before it is repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from casemirror.engine import counting, looking, outbound, outcomes, record, tombstone
from casemirror.engine.inbound import Pulled
from casemirror.engine.looking import Decided
from casemirror.engine.turn import Turn
from casemirror.model.errors import CasemirrorError, LaneMustWait, RemoteGone
from casemirror.model.ids import LinkId
from casemirror.model.incident import Incident
from casemirror.model.link import Link, LinkState
from casemirror.model.plan import Plan
from casemirror.runtime import wire
from casemirror.runtime.command import Reply
from casemirror.store import entries, inbox, incidents, links, metrics


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a reconcile works on.

    link, incident   as they are after the last step
    wanted, named    as they were when the reconcile began: what `finish` writes, whatever was wanted since
    held_back        a field is not sent for now (the ping-pong limiter): the link is due again later
    """

    link: Link
    incident: Incident
    wanted: int
    named: int
    held_back: bool = False


@dataclass(kw_only=True)
class Outcome:
    """What one reconcile did; becomes its one log line."""

    link_id: LinkId
    steps: list[str] = field(default_factory=list)
    fields_in: int = 0
    fields_out: int = 0
    entries_in: int = 0
    entries_out: int = 0


Agreed = Callable[[Decided], None]
"""Is shown what was decided before any of it is written; it raises to stop the reconcile there."""


def reconcile(turn: Turn, link_id: LinkId, agreed: Agreed = lambda decided: None) -> Outcome:
    """Bring one link's two sides together. Raises what `model.errors` lists; the lane decides what follows from it."""
    outcome = Outcome(link_id=link_id)
    work = begin(turn, link_id)
    if work is None:
        return outcome
    try:
        both_ways(turn, work, outcome, agreed)
    except RemoteGone as error:
        tombstone.bury(turn, work.link, error.absence)
        outcome.steps += ["pulled", "gone"]
    return outcome


def both_ways(turn: Turn, work: Work, outcome: Outcome, agreed: Agreed) -> None:
    """The six steps. Raises RemoteGone when there is nothing to agree with."""
    pulled = pull(turn, work) if looking.must_pull(turn, work.link) else None
    plan, work = plan_and_apply(turn, work, pulled, outcome, agreed)
    if plan.must_push:
        for part in outbound.parts(plan, turn.settings):
            work = push_and_settle(turn, work, part, outcome)
    if pulled and pulled.failed:
        record.pull_again(turn, work.link, work.wanted)
    elif not any(each.only_look for each in plan.outgoing):  # else what was said after them is still to be sent
        finish(turn, work)


def begin(turn: Turn, link_id: LinkId) -> Work | None:
    """Look at the link as it is now; None when nothing is wanted of it any more, or nothing can be done before a pull."""
    with turn.app.store.read() as tx:
        link = links.load(tx, link_id)
        if link.state is not LinkState.ACTIVE or link.wanted <= link.done:
            return None
        incident = incidents.load(tx, link.incident_id)
    if looking.must_not_push_yet(turn, link):
        with turn.write() as tx:
            links.defer(tx, link.id, link.wanted)
        return None
    return Work(link=link, incident=incident, wanted=link.wanted, named=link.named)


def pull(turn: Turn, work: Work) -> Pulled:
    """Look at the remote; what went wrong, or that the integration cannot do it, is noted."""
    try:
        pulled = looking.pull(turn, work.link, work.incident)
    except RemoteGone:
        raise
    except CasemirrorError as error:
        record.pull_failed(turn, work.link, error)
        if isinstance(error, LaneMustWait):
            error.incoming = True
        raise
    if not pulled.answered:
        record.pull_not_implemented(turn)
    return pulled


def plan_and_apply(
    turn: Turn, work: Work, pulled: Pulled | None, outcome: Outcome, agreed: Agreed
) -> tuple[Plan, Work]:
    """Plan on what is true now and write everything of the pull in one transaction (rule 4)."""
    with turn.write() as tx:
        now = turn.app.clock.now()
        decided = looking.decide(turn, tx, work.link, pulled, now)
        agreed(decided)
        link, plan = decided.link, decided.plan
        entries.mark_sent(tx, link.id, [o.entry.id for o in decided.arrived], now)
        if pulled:
            record.write_entries(turn, tx, decided, pulled.window, now)
            inbox.remove(tx, pulled.inbox_ids or ())
        metrics.add(tx, turn.instance.id, counting.of_pull(decided, pulled, now))
        incident, written = record.write_incident(turn, tx, link, decided.incident, plan, now)
        link = replace(link, base={**link.base, **written})
        link = record.write_link(turn, tx, link, work.named, decided, pulled, now)
        record.write_decisions(tx, link, plan, pulled, now)
        if pulled and pulled.reply:
            turn.keep(tx, pulled.reply)
    outcome.fields_in, outcome.entries_in = len(plan.merge.write), len(decided.new)
    outcome.steps += ["pulled"] * bool(pulled) + ["applied"] * plan.changes_incident
    return plan, replace(work, link=link, incident=incident, held_back=decided.held_back)


def push_and_settle(turn: Turn, work: Work, plan: Plan, outcome: Outcome) -> Work:
    """Send one call's worth of the plan and write what came of it."""
    link = work.link
    package = outbound.pack(turn, link, work.incident, plan)
    if package.empty:
        return replace(work, link=record.settle(turn, work.link, plan, package, "", None))
    reply = push(turn, work, plan, package)
    report = wire.parse_report(reply)
    try:
        remote_id = wire.parse_push(reply)
    except Exception as error:
        outcomes.call_ended(turn, link, package, report)
        record.push_failed(turn, link, error)
        gone = tombstone.told_by_push(turn, link, error)
        if gone is not None:
            raise gone from error
        raise
    finally:
        reply.discard()
    if plan.create and not remote_id and report.record == "unknown":
        outcomes.call_ended(turn, link, package, report)
        raise outcomes.still_unknown(turn, link, None)
    package, unknown = outcomes.found(package, report)
    outcome.steps.append("pushed")
    outcome.fields_out += len(plan.merge.push)
    outcome.entries_out += len(package.sends)
    link = record.settle(turn, work.link, plan, package, remote_id, reply)
    if not link.remote_id:
        raise record.not_created(turn, link)
    if unknown:
        raise outcomes.still_unknown(turn, link, unknown)
    return replace(work, link=link)


def push(turn: Turn, work: Work, plan: Plan, package: outbound.Package) -> Reply:
    """Mark what is about to be sent, then call (rules 6 and 7)."""
    timeout_s = turn.settings.seconds("mirror.command.timeout")
    now = turn.app.clock.now()
    with turn.write() as tx:
        record.write_intent(turn, tx, work.link, plan, package, now)
    turn.hold_for(timeout_s)  # last of all: what takes time before the call would be taken off the lease
    turn.prove()
    return turn.caller.run(
        "update-remote-system",
        package.args,
        incident=work.incident,
        link=work.link,
        files=package.files,
        timeout_s=timeout_s,
    )


def finish(turn: Turn, work: Work) -> None:
    """Note the `wanted` that this reconcile saw when it began, never the newest (rule 1)."""
    with turn.write() as tx:
        if looking.owes_pull(turn, work.link):
            links.defer(tx, work.link.id, work.wanted)
        else:
            links.finish(tx, work.link.id, work.wanted)
        if work.held_back:
            record.send_later(turn, tx, work.link)
