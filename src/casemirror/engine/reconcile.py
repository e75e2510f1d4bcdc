"""One reconcile: make both sides of one link say the same.

::

    pull ─► plan ─► apply ─► push ─► settle ─► finish

Each step may be the last one that runs; the next reconcile begins again at `pull` and comes to the same end. No
transaction is open while a remote is called. What the steps leave behind on purpose: entries marked *intended* and a
creation marked *begun*, before the call, so that an outcome that nobody saw is looked for before it is repeated.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from casemirror.engine import inbound, outbound, record
from casemirror.engine.inbound import Pulled, Window
from casemirror.engine.plan import NOTHING_TOLD, make_plan
from casemirror.engine.turn import Turn
from casemirror.model.errors import CasemirrorError, CreateUnconfirmed, NotImplementedByIntegration
from casemirror.model.ids import LinkId
from casemirror.model.incident import Incident
from casemirror.model.link import Link, LinkState
from casemirror.model.plan import Plan
from casemirror.runtime import wire
from casemirror.runtime.command import Reply
from casemirror.store import entries, inbox, incidents, links

LONG_AGO = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
"""First `lastUpdate` of an incident that was linked later: everything comes once.   Source: MIR-090."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a reconcile works on.

    link, incident   as they are after the last step
    wanted, named    as they were when the reconcile began: what `finish` writes, whatever was wanted since
    """

    link: Link
    incident: Incident
    wanted: int
    named: int


@dataclass(kw_only=True)
class Outcome:
    """What one reconcile did; becomes its one log line."""

    link_id: LinkId
    steps: list[str] = field(default_factory=list)
    fields_in: int = 0
    fields_out: int = 0
    entries_in: int = 0
    entries_out: int = 0


def reconcile(turn: Turn, link_id: LinkId) -> Outcome:
    """Bring one link's two sides together. Raises what `model.errors` lists; the lane decides what follows from it."""
    outcome = Outcome(link_id=link_id)
    work = begin(turn, link_id)
    if work is None:
        return outcome
    pulled = pull(turn, work) if must_pull(turn, work) else None
    plan, work = plan_and_apply(turn, work, pulled, outcome)
    if plan.must_push:
        for part in outbound.parts(plan, turn.settings):
            work = push_and_settle(turn, work, part, outcome)
    finish(turn, work)
    return outcome


def begin(turn: Turn, link_id: LinkId) -> Work | None:
    """Look at the link as it is now; None when nothing is wanted of it any more."""
    with turn.app.store.read() as tx:
        link = links.load(tx, link_id)
        if link.state is not LinkState.ACTIVE or link.wanted <= link.done:
            return None
        incident = incidents.load(tx, link.incident_id)
    return Work(link=link, incident=incident, wanted=link.wanted, named=link.named)


def must_pull(turn: Turn, work: Work) -> bool:
    """A pull is due: the remote was named since the last one, or is not known well enough to push over it."""
    link = work.link
    if not (link.direction.inbound and link.remote_id and turn.caller.integration.mirror_in):
        return False
    if not turn.lane.can_pull(turn.app.clock.now()) and not record.has_inbox(turn, link):
        return False
    if link.named > link.pulled or record.must_look_for_sent(turn, link):
        return True
    age = turn.app.clock.now() - (link.last_sync_at or link.since_at)
    return age >= timedelta(seconds=turn.settings.freshness_s)


def pull(turn: Turn, work: Work) -> Pulled:
    """Ask for the remote object (or take what a full-data poll brought), map it in, import its files."""
    link, clock = work.link, turn.app.clock
    since = pull_since(turn, link)
    waiting = record.take_inbox(turn, link)
    if waiting is not None:
        window = Window(since=since, started=waiting.received_at, ended=waiting.received_at)
        told = inbound.understand(turn, link, work.incident, waiting.data)
        return Pulled(told=told, window=window, payload=waiting.data.object, inbox_ids=waiting.ids)
    turn.hold_for(turn.settings.seconds("mirror.command.timeout"))
    started = clock.now()
    reply = turn.caller.run(
        "get-remote-data", wire.pull_arguments(link.remote_id, since), incident=work.incident, link=link
    )
    try:
        data = wire.parse_pull(reply)
        told = inbound.understand(turn, link, work.incident, data)
    except NotImplementedByIntegration:
        record.pull_not_implemented(turn, reply)
        return Pulled(window=Window(since=since, started=started, ended=clock.now()))
    except CasemirrorError as error:
        record.pull_failed(turn, link, error)
        raise
    finally:
        reply.discard()
    window = Window(since=since, started=started, ended=clock.now())
    return Pulled(told=told, window=window, payload=data.object, message=data.message, reply=reply)


def pull_since(turn: Turn, link: Link) -> datetime:
    """Lower bound of what a pull asks for: the last pull's start, and the overlap off it (rules 2 and 3).

    It is cut down to what remotes count in (seconds; minutes when the overlap allows), so that what we take for the lower
    bound and what the remote makes of it are the same. An entry of uncertain outcome moves it back to before its call.
    Source: MIR-087, MIR-089, MIR-090; decision 0003.
    """
    overlap = timedelta(seconds=turn.settings.seconds("mirror.overlap"))
    if link.last_sync_at is None:
        lookback = timedelta(seconds=turn.settings.seconds("mirror.first.lookback"))
        since = LONG_AGO if link.linked_later else link.since_at - lookback
    else:
        since = link.last_sync_at - overlap
    intended = record.first_intended_at(turn, link)
    since = min(since, intended - overlap) if intended else since
    if overlap >= timedelta(minutes=1):
        return since.replace(second=0, microsecond=0)
    return since.replace(microsecond=0) if overlap else since


def plan_and_apply(turn: Turn, work: Work, pulled: Pulled | None, outcome: Outcome) -> tuple[Plan, Work]:
    """Plan on what is true now and write everything of the pull in one transaction (rule 4)."""
    with turn.write() as tx:
        incident = incidents.load(tx, work.incident.id)
        link = links.load(tx, work.link.id).edited(incident.fields)
        told = pulled.told if pulled else NOTHING_TOLD
        now = turn.app.clock.now()
        outgoing = entries.unsent(tx, link)
        if pulled:
            arrived = inbound.found_again(outgoing, told.entries)
            entries.mark_sent(tx, link.id, [o.entry.id for o in arrived], now)
            outgoing = tuple(o for o in outgoing if o not in arrived)
        policy = outbound.policy_for(turn, link, incident)
        policy = replace(policy, never_out=policy.never_out | record.ping_pong(turn, tx, link, now))
        plan = make_plan(link, incident, told, outgoing, policy, now)
        if pulled:
            outcome.entries_in = record.write_entries(turn, tx, link, incident, plan, pulled.window, now)
        incident, written = record.write_incident(turn, tx, link, incident, plan, now)
        link = replace(link, base={**link.base, **written})
        link = record.write_link(turn, tx, link, work.named, plan, pulled, now)
        record.write_decisions(tx, link, plan, pulled, now)
        if pulled and pulled.reply:
            turn.keep(tx, pulled.reply)
        inbox.remove(tx, pulled.inbox_ids if pulled else ())
    outcome.fields_in = len(plan.merge.write)
    outcome.steps += ["pulled"] * bool(pulled) + ["applied"] * plan.changes_incident
    return plan, replace(work, link=link, incident=incident)


def push_and_settle(turn: Turn, work: Work, plan: Plan, outcome: Outcome) -> Work:
    """Send one call's worth of the plan and write what came of it."""
    link = work.link
    if plan.create and link.creating_at and not turn.caller.integration.creates_safely:
        raise CreateUnconfirmed(
            f"a creation at {turn.instance.name} was begun at {link.creating_at:%Y-%m-%d %H:%M:%S} UTC and its outcome "
            "was never seen; look whether the object is there, then link it (`casemirror incident edit`) or have it created "
            "once more (`casemirror link retry`)"
        )
    package = outbound.pack(turn, link, work.incident, plan)
    if package.empty:
        return replace(work, link=record.settle(turn, work.link, plan, package, "", None))
    reply = push(turn, work, plan, package)
    try:
        remote_id = wire.parse_push(reply)
    except Exception as error:
        record.push_failed(turn, link, error)
        raise
    finally:
        reply.discard()
    outcome.steps.append("pushed")
    outcome.fields_out += len(plan.merge.push)
    outcome.entries_out += len(package.sends)
    link = record.settle(turn, work.link, plan, package, remote_id, reply)
    if not link.remote_id:
        raise record.not_created(turn, link)
    return replace(work, link=link)


def push(turn: Turn, work: Work, plan: Plan, package: outbound.Package) -> Reply:
    """Mark what is about to be sent, then call (rules 6 and 7)."""
    timeout_s = turn.settings.seconds("mirror.command.timeout")
    now = turn.app.clock.now()
    with turn.write() as tx:
        record.write_intent(tx, work.link, plan, package, now)
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
        links.finish(tx, work.link.id, work.wanted)
