"""Do what a plan says, and nothing else: by the engine itself, in the lane's own turn, and only while the plan is the same."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from casemirror.actions.permission import require
from casemirror.actions.planning import preview, silent
from casemirror.actions.planning_lane import must_work, turn_of
from casemirror.actions.planning_runtime import mask_of
from casemirror.actions.planning_values import Applied, Planned, Preview, Progress, id_of
from casemirror.engine import lane
from casemirror.engine.app import App
from casemirror.engine.looking import Decided
from casemirror.engine.reconcile import Outcome, reconcile
from casemirror.engine.turn import Turn
from casemirror.model.actor import Actor
from casemirror.model.errors import CasemirrorError, Conflict, Invalid
from casemirror.model.ids import IncidentId
from casemirror.model.link import Link
from casemirror.runtime.masking import Masker
from casemirror.store import audit, inbox, instances, lanes, links
from casemirror.store.rows import is_id

ALL = "all"
_ID = re.compile(r"(\d{1,10})-[0-9a-f]{6}")


class PlanChanged(Conflict):
    """What would be done now is not what the plan said; nothing of it was done."""

    code = "plan.changed"


@dataclass(kw_only=True)
class _Chosen:
    """What is to be applied: everything, or ids and incidents, in the order in which they were named."""

    all: bool = False
    words: list[str] = field(default_factory=list)
    incidents: set[IncidentId] = field(default_factory=set)


def apply(
    app: App,
    actor: Actor,
    name: str,
    chosen: Iterable[str],
    only: Collection[IncidentId] = (),
    *,
    progress: Progress = silent,
) -> Preview:
    """Plan, and do what was chosen of it. What changed since the ids were shown, or changes meanwhile, is told and left alone.

    chosen   `all`, ids as `preview` shows them, numbers of incidents
    Raises Invalid (chosen), NotFound, Conflict when the instance is disabled or stopped, LaneBusy.
    """
    require(actor, "plan.apply")
    wanted = _parse(chosen)
    with app.store.read() as tx:
        instance = instances.by_name(tx, name)
        must_work(instance, lanes.of_instance(tx, instance.id).held_reason)
    found = preview(app, actor, name, only if wanted.all else wanted.incidents, progress=progress)
    picked, found.applied = _pick(found, wanted)
    if picked:
        mask = mask_of(app, instance)
        with turn_of(app, instance) as turn:
            with turn.write() as tx:
                ids = [planned.id for planned in picked]
                audit.add(tx, app.clock.now(), actor.name, "plan.applied", f"instance {instance.name}", {"plans": ids})
            found.applied += _carry_out(turn, picked, mask)
    return found


def _parse(chosen: Iterable[str]) -> _Chosen:
    found = _Chosen()
    for word in (word for text in chosen for word in re.split(r"[\s,]+", text) if word):
        shown = _ID.fullmatch(word)
        number = shown.group(1) if shown else word
        if word == ALL:
            found.all = True
        elif is_id(number):
            found.words.append(word)
            found.incidents.add(IncidentId(int(number)))
        else:
            raise Invalid(
                f"apply {word!r}: give all, the number of an incident, or an id as the plan shows it (3-1f09ac)"
            )
    if not found.all and not found.words:
        raise Invalid("apply: give all, numbers of incidents, or ids as the plan shows them")
    return found


def _pick(found: Preview, wanted: _Chosen) -> tuple[list[Planned], list[Applied]]:
    """The plans to carry out, and what is to be said of what cannot be."""
    picked: dict[str, Planned] = {}
    refused: dict[str, Applied] = {}
    for word in [each.id for each in found.links] if wanted.all else wanted.words:
        mine = [each for each in found.links if word in (each.id, str(each.incident_id))]
        picked |= {each.id: each for each in mine if not each.error}
        for each in mine:
            if each.error:
                refused[each.id] = Applied(
                    id=each.id,
                    incident_id=each.incident_id,
                    outcome="failed",
                    text=f"it cannot be planned: {each.error}",
                )
        if not mine:
            refused[word] = _gone(found, word)
    return list(picked.values()), list(refused.values())


def _gone(found: Preview, word: str) -> Applied:
    """There is no such plan now: what there is instead."""
    number, _, digest = word.partition("-")
    now = [each for each in found.links if str(each.incident_id) == number]
    incident_id = IncidentId(int(number))
    if not digest:
        return Applied(id=word, incident_id=incident_id, outcome="nothing", text="there is nothing to do for it")
    if not now:
        text = "there is nothing to do for it any more"
    elif now[0].error:
        text = f"it cannot be planned any more: {now[0].error}"
    else:
        text = f"its plan is {', '.join(each.id for each in now)} now; look at it before you apply it"
    return Applied(id=word, incident_id=incident_id, outcome="changed", text=text)


def _carry_out(turn: Turn, picked: Sequence[Planned], mask: Masker) -> Iterator[Applied]:
    stopped = ""
    for planned in picked:
        if not stopped and planned.pulls and not planned.told and not turn.lane.may_ask(turn.app.clock.now()):
            done = _told(planned, "not tried", f"{turn.instance.name} may not be asked now: {_reason(turn)}")
        elif stopped:
            done = _told(planned, "not tried", stopped)
        else:
            done, go_on = _reconcile(turn, planned)
            stopped = "" if go_on else f"{turn.instance.name} has to wait: {done.text}"
        yield replace(done, text=mask(done.text))


def _reason(turn: Turn) -> str:
    return turn.lane.in_not_before_reason or "it asked for a pause"


def _reconcile(turn: Turn, planned: Planned) -> tuple[Applied, bool]:
    """One ordinary reconcile that stops before its first write when it is about to do something else."""
    asked = list[str]()

    def agreed(decided: Decided) -> None:
        asked.append(id_of(decided))
        if asked[-1] != planned.id:
            raise PlanChanged(f"it changed meanwhile: its plan is {asked[-1]} now; look at it before you apply it")

    link, was_idle = _wake(turn, planned)
    try:
        outcome = reconcile(turn, planned.link_id, agreed)
    except PlanChanged as error:
        _put_back(turn, planned, link, was_idle)
        return _told(planned, "changed", error.message), True
    except CasemirrorError as error:
        return _told(planned, "failed", error.message), lane.after_error(turn, link, error)
    if not asked:
        return _told(planned, "changed", "it is not due any more"), True
    return _told(planned, "applied", _summary(outcome)), True


def _wake(turn: Turn, planned: Planned) -> tuple[Link, bool]:
    """Make the link due as the poll would have done; and say whether nothing was wanted of it."""
    now = turn.app.clock.now()
    with turn.write() as tx:
        before = links.load(tx, planned.link_id)
        for row in planned.told:
            inbox.put(tx, before.id, row.received_at, row.body)
        links.want(tx, before.id, now, priority=0, named=planned.pulls)
        return links.load(tx, before.id), before.wanted <= before.done


def _put_back(turn: Turn, planned: Planned, link: Link, was_idle: bool) -> None:
    """What was woken for this alone sleeps again; what was due anyway stays due."""
    times = {row.received_at for row in planned.told}
    with turn.write() as tx:
        inbox.remove(tx, [row.id for row in inbox.waiting(tx, link.id) if row.received_at in times])
        if was_idle:
            links.finish(tx, link.id, link.wanted)


def _told(planned: Planned, outcome: str, text: str) -> Applied:
    return Applied(id=planned.id, incident_id=planned.incident_id, outcome=outcome, text=text)


def _summary(outcome: Outcome) -> str:
    return (
        f"{'+'.join(outcome.steps) or 'nothing'}: in {outcome.fields_in} fields, {outcome.entries_in} entries; "
        f"out {outcome.fields_out} fields, {outcome.entries_out} entries"
    )
