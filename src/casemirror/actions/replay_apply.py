"""Write what a new mapper makes of a kept payload, as if the remote had just said it: by the ordinary plan, in the lane's turn."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from casemirror.actions.planning_link import WHY
from casemirror.actions.replay_values import Replayed
from casemirror.engine import looking, record
from casemirror.engine.inbound import Pulled, Window
from casemirror.engine.looking import Decided
from casemirror.engine.plan import Told
from casemirror.engine.turn import Turn
from casemirror.model.actor import Actor
from casemirror.model.values import Fields, Json
from casemirror.store import audit, decisions, links, payloads

if TYPE_CHECKING:
    from sqlalchemy import Connection

VERB = "incident.remapped"
"""Audit verb of a re-mapping; its line and the decisions have the same time, by which `why` finds the mapper's name."""


def write(turn: Turn, actor: Actor, replayed: Replayed, mapper: str) -> Replayed:
    """Give the incident the values that differ and still count. Nothing is pulled, pushed, closed or sent by it.

    A value that was edited here since stays, unless the policy says otherwise. Both sides agree on what is written, so it
    is no change that would go back there; the incident's other links are told.
    """
    told: Fields = {each.field: each.new for each in replayed.differences if each.counts}
    if not told:
        return replayed
    with turn.write() as tx:
        now = turn.app.clock.now()
        decided = looking.decide(turn, tx, links.load(tx, replayed.link_id), _as_pulled(told, now), now)
        made = tuple(each for each in decided.plan.merge.decisions if each.field in told)
        plan = replace(decided.plan, merge=replace(decided.plan.merge, decisions=made))
        decided = replace(decided, plan=plan)
        _, given = record.write_incident(turn, tx, decided.link, decided.incident, plan, now)
        link = replace(decided.link, base={**decided.link.base, **given})
        link = record.write_link(turn, tx, link, link.named, decided, None, now)
        kept = payloads.kept_at(tx, replayed.payload_id)
        decisions.add(tx, link, made, now, payload_id=replayed.payload_id if kept else None)
        if plan.merge.push.keys() & told.keys():
            links.want(
                tx, link.id, now, priority=links.SENDS
            )  # ours won, or both were put together: that is news there
        if plan.merge.write:
            _note(tx, turn, actor, replayed, mapper, plan.merge.write, decided, now)
    stays = {
        each.field: WHY[each.rule].format(there=turn.instance.name)
        for each in made
        if each.field not in plan.merge.write
    }
    return replace(replayed, written=tuple(sorted(plan.merge.write)), stays=stays)


def _as_pulled(told: Fields, now: datetime) -> Pulled:
    return Pulled(told=Told(fields=told), window=Window(since=now, started=now, ended=now))


def _note(
    tx: Connection,
    turn: Turn,
    actor: Actor,
    replayed: Replayed,
    mapper: str,
    written: Fields,
    decided: Decided,
    now: datetime,
) -> None:
    detail: dict[str, Json] = {
        "mapper": mapper,
        "instance": turn.instance.name,
        "link": int(replayed.link_id),
        "payload": replayed.payload_id,
        "fields": {name: {"old": decided.incident.get(name), "new": value} for name, value in written.items()},
    }
    audit.add(tx, now, actor.name, VERB, f"incident {replayed.incident_id}", detail)
