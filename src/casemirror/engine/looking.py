"""The half of a reconcile that only looks: ask the remote, and decide. Nothing here writes, so a dry run is the same code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from casemirror.engine import inbound, outbound, outcomes, record, topology
from casemirror.engine.inbound import Pulled, Window
from casemirror.engine.plan import NOTHING_TOLD, make_plan
from casemirror.engine.turn import Turn
from casemirror.model.entry import InboundEntry, Outgoing
from casemirror.model.errors import IncidentChanged, NotImplementedByIntegration
from casemirror.model.incident import Incident
from casemirror.model.link import Link
from casemirror.model.plan import Method, Plan
from casemirror.runtime import wire
from casemirror.store import entries, identity, incidents, links
from casemirror.store.inbox import Row

if TYPE_CHECKING:
    from sqlalchemy import Connection

LONG_AGO = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
"""First `lastUpdate` of an incident that was linked later: everything comes once.   Source: MIR-090."""


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What a reconcile is about to do, on what is true now; nothing of it is written yet.

    link, incident   as they are now
    arrived          entries of uncertain outcome that the remote shows: they need not be sent again
    new              inbound entries that are really new, with their fingerprints
    held_back        some field is not sent for now because it keeps changing to and fro
    """

    link: Link
    incident: Incident
    plan: Plan
    arrived: tuple[Outgoing, ...] = ()
    new: tuple[tuple[InboundEntry, str], ...] = ()
    held_back: bool = False


def must_pull(turn: Turn, link: Link, told: Sequence[Row] = ()) -> bool:
    """A pull is due: the remote was named since the last one, or is not known well enough to push over it.

    told   what a full-data poll told just now and nobody put into the inbox yet
    """
    if not is_pulled(turn, link) or not (may_pull(turn) or told or record.has_inbox(turn, link)):
        return False
    if link.is_gone or link.named > link.pulled or record.must_look_for_sent(turn, link):
        return True
    age = turn.app.clock.now() - (link.last_sync_at or link.since_at)
    return age >= timedelta(seconds=turn.settings.freshness_s) or remote_may_win(turn)


def remote_may_win(turn: Turn) -> bool:
    """Somewhere a conflict is not simply ours: nothing may be sent over a change that was not looked at."""
    methods = {choice.method for choice in turn.caller.policies.choices} | {
        Method(str(turn.settings["mirror.conflict"]))
    }
    return not methods <= {Method.LOCAL, Method.XSOAR_DIRTY}


def is_pulled(turn: Turn, link: Link) -> bool:
    """The link has a remote object that is mirrored in."""
    return bool(link.direction.inbound and link.remote_id and turn.caller.integration.mirror_in)


def may_pull(turn: Turn) -> bool:
    """The remote may be asked now, and the integration is not known to lack the command."""
    now = turn.app.clock.now()
    return turn.lane.may_ask(now) and turn.lane.can_pull(now)


def owes_pull(turn: Turn, link: Link) -> bool:
    """The remote was named, but may not be asked now: the pull comes later.   Source: §2.3."""
    now = turn.app.clock.now()
    waits = not turn.lane.may_ask(now) and turn.lane.can_pull(now)
    return waits and is_pulled(turn, link) and link.named > link.pulled


def must_not_push_yet(turn: Turn, link: Link) -> bool:
    """Only a pull can tell what is there (first contact, or gone) or whether something arrived (rule 7), and none may be made now."""
    if turn.lane.may_ask(turn.app.clock.now()) or not is_pulled(turn, link):
        return False
    return link.is_gone or must_meet(turn, link) or record.must_look_for_sent(turn, link)


def must_meet(turn: Turn, link: Link) -> bool:
    """The first contact with an object that was there before the link is a pull: nothing is sent over values nobody saw."""
    is_due = link.is_first_contact and link.named > link.pulled
    return is_due and turn.lane.can_pull(turn.app.clock.now())


def pull(turn: Turn, link: Link, incident: Incident, told: Sequence[Row] = ()) -> Pulled:
    """Ask for the remote object (or take what a full-data poll brought), map it in, import its files.

    told   as in `must_pull`
    Raises what the command, its reply and the mapping raise.
    """
    clock = turn.app.clock
    since = pull_since(turn, link)
    waiting = record.take_inbox(turn, link, told)
    if waiting is not None:
        window = Window(since=since, started=waiting.received_at, ended=waiting.received_at)
        data = wire.judged(waiting.data, link.remote_id)
        refuse_cycle(turn, data.object)
        understood = inbound.understand(turn, link, incident, data)
        return Pulled(
            told=understood,
            window=window,
            payload=data.object,
            message=data.message,
            failed=data.failed,
            inbox_ids=waiting.ids,
        )
    turn.hold_for(turn.settings.seconds("mirror.command.timeout"))
    started = clock.now()
    reply = turn.caller.run("get-remote-data", wire.pull_arguments(link.remote_id, since), incident=incident, link=link)
    try:
        data = wire.parse_pull(reply, link.remote_id)
        refuse_cycle(turn, data.object)
        understood = inbound.understand(turn, link, incident, data)
    except NotImplementedByIntegration:
        return Pulled(window=Window(since=since, started=started, ended=clock.now()))
    finally:
        reply.discard()
    window = Window(since=since, started=started, ended=clock.now())
    return Pulled(
        told=understood, window=window, payload=data.object, message=data.message, failed=data.failed, reply=reply
    )


def refuse_cycle(turn: Turn, payload: Mapping[str, Any] | None) -> None:
    """Raise MirrorCycle when the object is one of our own incidents, seen through other servers."""
    if payload and topology.trail(payload):
        with turn.app.store.read() as tx:
            server = identity.server_id(tx)
        topology.refuse_cycle(payload, server, turn.instance.name, turn.settings.words("mirror.cycles"))


def pull_since(turn: Turn, link: Link) -> datetime:
    """Lower bound of what a pull asks for: the last pull's start, and the overlap off it (rules 2 and 3).

    It is cut down to what remotes count in (seconds; minutes when the overlap allows), so that what we take for the lower
    bound and what the remote makes of it are the same. An entry of uncertain outcome moves it back to before its call.
    Source: MIR-087, MIR-089, MIR-090; decision 0003.
    """
    overlap = turn.overlap
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


def decide(turn: Turn, tx: Connection, link: Link, pulled: Pulled | None, now: datetime) -> Decided:
    """Plan on what is true in this transaction; nothing is written. Raises what `outbound.policy_for` raises."""
    seen, link = link, links.load(tx, link.id)
    if link.remote_id != seen.remote_id:
        raise IncidentChanged(f"the link to {turn.instance.name} was pointed at another object during the pull")
    incident = incidents.load(tx, link.incident_id)
    link = link.edited(incident.fields)
    told = pulled.told if pulled else NOTHING_TOLD
    outgoing = entries.unsent(tx, link, resend=turn.settings.flag("mirror.resend.inbound"))
    arrived = tuple(inbound.found_again(outgoing, told.entries)) if pulled else ()
    outgoing = outcomes.to_be_sent(turn, [o for o in outgoing if o not in arrived], now)
    policy = outbound.policy_for(turn, link, incident)
    paused = record.ping_pong(turn, tx, link, now)
    owned = outbound.owned_elsewhere(turn, tx, link, incident)
    policy = replace(policy, never_out=policy.never_out | paused, owned=owned)
    plan = make_plan(link, incident, told, outgoing, policy, now)
    new = inbound.only_new(tx, link, plan.entries, pulled.window, arrived) if pulled else []
    held_back = bool(paused & link.dirty(incident.fields).keys())
    return Decided(link=link, incident=incident, plan=plan, arrived=arrived, new=tuple(new), held_back=held_back)
