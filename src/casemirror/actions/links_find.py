"""Find incidents that belong to remote objects which are there already, and link them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice

from casemirror.actions import fields, links_adopt, links_ids
from casemirror.actions.links_adopt import Desk
from casemirror.actions.links_ids import Found, Search
from casemirror.actions.links_values import Findings, Pair, Progress, Verdict, silent
from casemirror.actions.permission import require
from casemirror.engine.app import App
from casemirror.model.actor import Actor
from casemirror.model.errors import Invalid, LaneMustWait
from casemirror.model.ids import IncidentId
from casemirror.model.link import Direction
from casemirror.store import adoption

PAGE = 500
"""Incidents that are read at once."""


def find(
    app: App,
    actor: Actor,
    instance: str,
    *,
    names: Sequence[str] = (),
    pattern: str = "",
    where: Sequence[str] = (),
    limit: int = 100,
    direction: str = "Both",
    progress: Progress = silent,
) -> Findings:
    """Incidents without a link to the instance that hold the id of an object there, each asked about; nothing is written.

    names    fields by machine or display name, `labels`, `labels.NAME`; none: those that usually hold a foreign id
    pattern  its one group is the id; empty: the whole value is
    where    conditions as `incident list` takes them; only such incidents are told, while every incident counts when the
             same id stands in two of them
    limit    incidents that are told and asked about
    Raises NotFound (instance, integration), Invalid (field, pattern, condition, direction).
    """
    require(actor, "link.find")
    mind_direction(direction)
    desk = Desk(app, instance)
    with app.store.read() as tx:
        catalog = app.library.catalog(tx)
        search = links_ids.search(names, pattern, catalog)
        conditions = [fields.condition(text, catalog) for text in where]
        wanted = adoption.numbers_where(tx, conditions) if conditions else None
    held, scanned = _held(app, desk.name, search, progress)
    told = {number: ids for number, ids in held.items() if wanted is None or number in wanted}
    findings = Findings(
        looked_in=[source.title for source in search.sources], scanned=scanned, more=max(len(told) - limit, 0)
    )
    twins = _twins(held)
    for done, (number, ids) in enumerate(islice(told.items(), limit)):
        progress("asking about objects", done, min(len(told), limit))
        findings.pairs.append(_pair(app, desk, findings, number, ids, twins, direction))
    return findings


def mind_direction(text: str) -> None:
    """Raise Invalid unless it is In, Out or Both."""
    if Direction.parse(text) is Direction.NONE:
        raise Invalid(f"direction: {text!r} is none of In, Out, Both")


def _held(app: App, instance: str, search: Search, progress: Progress) -> tuple[dict[IncidentId, list[Found]], int]:
    """Incident → the ids that it holds, for all without a link to the instance; and how many were looked through."""
    held: dict[IncidentId, list[Found]] = {}
    last, scanned = IncidentId(0), 0
    with app.store.read() as tx:
        count = adoption.unlinked_count(tx, instance)
    while True:
        with app.store.read() as tx:
            page = adoption.unlinked(tx, instance, after=last, limit=PAGE)
        if not page:
            return held, scanned
        for incident in page:
            ids = search.ids(incident)
            if ids:
                held[incident.id] = ids
        last, scanned = page[-1].id, scanned + len(page)
        progress("looking through incidents", scanned, max(count, scanned))


def _twins(held: Mapping[IncidentId, Sequence[Found]]) -> dict[str, list[IncidentId]]:
    """Remote id → the incidents that hold it."""
    found: dict[str, list[IncidentId]] = {}
    for number, ids in held.items():
        for each in ids:
            found.setdefault(each.remote_id, []).append(number)
    return found


def _pair(
    app: App,
    desk: Desk,
    findings: Findings,
    number: IncidentId,
    ids: Sequence[Found],
    twins: Mapping[str, Sequence[IncidentId]],
    direction: str,
) -> Pair:
    first = ids[0]
    pair = Pair(
        incident_id=number,
        remote_id=first.remote_id,
        instance=desk.name,
        where=first.where,
        direction=Direction.parse(direction).value,
    )
    others = [str(other) for other in twins[first.remote_id] if other != number]
    if len(ids) > 1:
        all_ids = ", ".join(f"{each.remote_id} ({each.where})" for each in ids)
        return _judged(app, pair, f"it holds {len(ids)} ids: {all_ids}; --field or --regex picks one")
    if others:
        return _judged(app, pair, f"the same id stands in incident {', '.join(others)}")
    if findings.stopped:
        return _judged(app, pair, f"not asked about: {findings.stopped}")
    try:
        return links_adopt.examine(app, desk, pair)
    except LaneMustWait as error:
        findings.stopped = error.message
        return _judged(app, pair, f"not asked about: {error.message}")


def _judged(app: App, pair: Pair, reason: str) -> Pair:
    """A pair that is left for this reason, or for a better one that stands in the database."""
    with app.store.read() as tx:
        judged = links_adopt.judge(tx, app, pair)
    return replace(judged, verdict=Verdict.DOUBTFUL, reason=judged.reason or reason)


def adopt(
    app: App, actor: Actor, findings: Findings, *, tags: tuple[str, ...] = (), progress: Progress = silent
) -> Findings:
    """Link every pair that is clear; the doubtful ones stay as they are. Each is a write of its own."""
    require(actor, "link.adopt")
    clear = findings.count(Verdict.CLEAR)
    done = 0
    for place, pair in enumerate(findings.pairs):
        if pair.verdict is Verdict.CLEAR:
            findings.pairs[place] = links_adopt.adopt(app, actor, pair, tags)
            done += 1
            progress("linking", done, clear)
    return findings
