"""What the next mirror cycle of an instance would do, against the live remote, with no write anywhere; and doing it.

The look runs the engine's own reading half (`engine.looking`) as an onlooker: it owns no lane, so it works while a server
runs. A link is reconciled as a whole, so what is named and applied is the plan of one incident, not a single field.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from casemirror.actions import planning_cycle
from casemirror.actions.permission import require
from casemirror.actions.planning_link import Due, plan_link
from casemirror.actions.planning_runtime import LookingRuntime, mask_of
from casemirror.actions.planning_values import Birth, Fetch, Planned, Preview, Progress
from casemirror.engine import birth, brake, budgeting, commands, fetch, looking
from casemirror.engine.app import App
from casemirror.engine.turn import Onlooker
from casemirror.model.actor import Actor
from casemirror.model.errors import BrakePulled, CasemirrorError, LaneMustWait
from casemirror.model.ids import IncidentId
from casemirror.model.instance import Instance
from casemirror.runtime import wire
from casemirror.runtime.masking import Masker
from casemirror.store import incidents, instances, lanes, links, upcoming

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from casemirror.model.incident import NewIncident


def silent(done: int, of: int) -> None:
    """Tells nobody how far it is."""


def preview(
    app: App, actor: Actor, name: str, only: Collection[IncidentId] = (), *, progress: Progress = silent
) -> Preview:
    """Look at everything that the next cycle would look at. An incident that fails does not keep the rest from it.

    only   look at these incidents alone; the poll is asked as ever, and nothing is fetched
    Raises NotFound (instance, incident, integration).
    """
    require(actor, "plan.show")
    turn = onlooker(app, name)
    with app.store.read() as tx:
        for incident_id in only:
            incidents.load(tx, incident_id)
        found = _frame(tx, turn)
    mask = mask_of(app, turn.instance)
    todo = planning_cycle.look_round(turn)
    found.poll = replace(todo.poll, error=mask(todo.poll.error), said=mask(todo.poll.said))
    if todo.stopped:
        _ask_no_more(turn, found, mask(todo.stopped))
    due = [each for each in todo.in_order() if not only or each.link.incident_id in only]
    found.notes += _without_work(turn, set(only) - {each.link.incident_id for each in due})
    _Look(turn=turn, found=found, mask=mask).at(due, progress)
    if not only and not found.stopped and fetch.is_on(turn):
        found.fetch = _fetched(turn, mask)
    return found


def onlooker(app: App, name: str) -> Onlooker:
    """Somebody who looks at an instance and its lane. Raises NotFound."""
    with app.store.read() as tx:
        instance: Instance = instances.by_name(tx, name)
        lane = lanes.of_instance(tx, instance.id)
    reader = replace(app, runtime=LookingRuntime(runtime=app.runtime))
    return Onlooker(caller=commands.caller(reader, instance), lane=lane)


def _frame(tx: Connection, turn: Onlooker) -> Preview:
    """The preview before anything is looked at: what would keep the cycle from coming, and what waits anyhow."""
    now, lane, name = turn.app.clock.now(), turn.lane, turn.instance.name
    found = Preview(
        instance=name,
        at=now,
        waiting=upcoming.waiting(tx, turn.instance.id, now),
        held=upcoming.held(tx, turn.instance.id),
    )
    if not turn.instance.enabled:
        found.notes.append(f"{name} is disabled: this is what would happen once it is enabled")
    if lane.held_reason:
        found.notes.append(f"{name} was stopped: {lane.held_reason}")
    if not turn.settings.flag("sync.mirror.job.enable"):
        found.notes.append("the mirror job is off (sync.mirror.job.enable): no cycle comes by itself")
    if lane.not_before and now < lane.not_before:
        until = f"{lane.not_before:%Y-%m-%d %H:%M:%S} UTC"
        found.notes.append(f"{name} waits until {until}: {lane.not_before_reason or 'it was asked to'}")
    return found


def _without_work(turn: Onlooker, missing: Collection[IncidentId]) -> Iterable[str]:
    """Why incidents that were asked for are not in the plan."""
    for incident_id in sorted(missing):
        with turn.app.store.read() as tx:
            mine = [each for each in links.of_incident(tx, incident_id) if each.instance_id == turn.instance.id]
        if not mine:
            yield f"incident {incident_id} is not linked to {turn.instance.name}"
        elif any(each.wanted > each.done for each in mine):
            yield f"incident {incident_id} waits; `casemirror doctor {incident_id}` says for what"
        else:
            yield f"incident {incident_id} has no work in the next cycle: it is not due, and the poll does not name it"


@dataclass(kw_only=True)
class _Look:
    """Plans links one by one, as far as a cycle would come; pulls, closes: how many of each so far."""

    turn: Onlooker
    found: Preview
    mask: Masker
    pulls: int = 0
    closes: int = 0

    def at(self, due: Sequence[Due], progress: Progress) -> None:
        for done, each in enumerate(due):
            progress(done, len(due))
            try:
                self._link(each)
            except BrakePulled as error:
                self._fail(each, error)
                self.found.stopped = self.mask(f"the lane would stop: {error.message}")
                self.found.left += len(due) - done - 1
                return
            except CasemirrorError as error:
                self._fail(each, error)
                if isinstance(error, LaneMustWait):
                    reason = f"nothing more would be asked in this cycle: {error.message}"
                    _ask_no_more(self.turn, self.found, self.mask(reason))
        progress(len(due), len(due))

    def _link(self, each: Due) -> None:
        turn, found = self.turn, self.found
        if not found.stopped and (reason := self._spent()):
            _ask_no_more(turn, found, reason)
        if looking.must_not_push_yet(turn, each.link):
            found.left += 1
            return
        planned, is_close = plan_link(turn, each, self.mask)
        if is_close:
            with turn.app.store.read() as tx:
                brake.refuse_closes(turn, tx, self.closes, written=0)
        self.pulls, self.closes = self.pulls + planned.pulls, self.closes + is_close
        if planned.changes:
            found.links.append(planned)
        elif looking.owes_pull(turn, each.link):
            found.left += 1
        else:
            found.agree += 1

    def _spent(self) -> str:
        """Why nothing more may be asked: pulls of a cycle, or requests (those of this look among them); empty: it may."""
        pulls, runtime = self.turn.settings.count("mirror.instance.budget"), self.turn.app.runtime
        if 0 < pulls <= self.pulls:
            return f"the budget of {pulls} pulls for a cycle is spent (mirror.instance.budget)"
        made = runtime.requests if isinstance(runtime, LookingRuntime) else 0
        spent = budgeting.spent(self.turn, self.turn.app.clock.now(), incoming=True, also=made)
        return f"nothing more would be asked before {spent[0]:%H:%M:%S} UTC: {spent[1]}" if spent else ""

    def _fail(self, due: Due, error: CasemirrorError) -> None:
        self.found.links.append(_failed(due, error, self.mask))


def _ask_no_more(turn: Onlooker, found: Preview, reason: str) -> None:
    """From here on the cycle only sends, as a lane does that may not ask (`engine.lane.step`)."""
    found.stopped = reason
    turn.lane = replace(turn.lane, in_not_before=datetime.max.replace(tzinfo=UTC))


def _failed(due: Due, error: CasemirrorError, mask: Masker) -> Planned:
    link = due.link
    return Planned(
        id=f"{link.incident_id}-error",
        incident_id=link.incident_id,
        link_id=link.id,
        remote_id=link.remote_id,
        error=mask(error.message),
        code=error.stable_code,
    )


def _fetched(turn: Onlooker, mask: Masker) -> Fetch:
    """What fetch-incidents would create now; lastRun stays."""
    try:
        reply = turn.caller.run("fetch-incidents", {})
        try:
            told = [fetch.prepare(turn, raw) for raw in wire.parse_fetch(reply)]
        finally:
            reply.discard()
    except CasemirrorError as error:
        return Fetch(error=mask(error.message))
    with turn.app.store.read() as tx:
        new = [each for each in told if not _is_linked(tx, each)]
    return Fetch(creates=tuple(_births(new, mask)), known=len(told) - len(new))


def _is_linked(tx: Connection, new: NewIncident) -> bool:
    """Its instance mirrors the object already, so that the fetch would leave it out (`fetch.create`)."""
    named = birth.instance_named(tx, new.mirror.instance)
    return bool(named and new.mirror.remote_id and links.by_remote(tx, named.id, new.mirror.remote_id))


def _births(new: Iterable[NewIncident], mask: Masker) -> Iterable[Birth]:
    for each in new:
        yield Birth(name=mask(str(each.fields.get("name") or "")), type=each.type, remote_id=each.mirror.remote_id)
