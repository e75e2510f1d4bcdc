"""What another incoming mapper would have made of the payloads that are kept. No remote is called.

Both mappers are given the same payload at the time it came, by the engine's own way in (`inbound.understand`), so that
what differs comes from the mapper alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from casemirror.actions import mapping, replay_apply
from casemirror.actions.permission import require
from casemirror.actions.planning import onlooker, silent
from casemirror.actions.planning_lane import turn_of
from casemirror.actions.planning_runtime import mask_of, masked
from casemirror.actions.planning_values import Progress
from casemirror.actions.replay_values import Difference, Replay, Replayed
from casemirror.content.catalog import Catalog
from casemirror.content.items import Mapper
from casemirror.engine import inbound
from casemirror.engine.app import App
from casemirror.engine.turn import Onlooker, Turn
from casemirror.mapping import compiled, targets
from casemirror.mapping.value import Warning_
from casemirror.model.actor import Actor
from casemirror.model.errors import CasemirrorError, Invalid, LaneLost
from casemirror.model.ids import IncidentId
from casemirror.model.incident import Incident
from casemirror.model.link import Link
from casemirror.model.values import Fields, Json, canonical, is_empty, same
from casemirror.runtime.masking import MASK, Masker
from casemirror.runtime.wire import RemoteData
from casemirror.store import incidents, links, payloads, replays
from casemirror.store.replays import Kept

if TYPE_CHECKING:
    from sqlalchemy import Connection

EDITED_SINCE = "both sides agreed on another value since this payload came"
SAME_SOURCE = "it comes from what has another value there since this payload came"


@dataclass(frozen=True, kw_only=True)
class Listener(App):
    """An app that collects what a mapper warns of, instead of logging it."""

    heard: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, app: App) -> Listener:
        """The same app, listening."""
        return cls(**{each.name: getattr(app, each.name) for each in fields(App)})

    def warn_of_mapping(self, instance: str, warnings: Iterable[Warning_]) -> None:
        """Keep what is news."""
        self.heard.update(str(warning) for warning in warnings if not warning.expected)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A mapper with the content in which it counts, and a turn that maps with it."""

    mapper: Mapper | None
    catalog: Catalog
    turn: Onlooker
    heard: set[str]

    def fields_of(self, link: Link, incident: Incident, body: Mapping[str, Any], at: datetime) -> Fields:
        """What the payload tells by this mapper. Raises MappingFailed."""
        self.turn.at = at
        return inbound.understand(self.turn, link, incident, RemoteData(object=body)).fields

    def sources(self, names: Collection[str], incident_type: str) -> set[str]:
        """First keys of the remote object that these fields are made of."""
        if self.mapper is None:
            return set(names)
        found = set[str]()
        for rule in compiled.rules_for(self.mapper, incident_type):
            target = targets.find(rule.key, self.catalog)
            if target is not None and target.name in names:
                found |= rule.expression.reads
        return found


def replay(
    app: App,
    actor: Actor,
    name: str,
    since: datetime,
    mapper: str,
    only: Collection[IncidentId] = (),
    *,
    against: str = "",
    apply: bool = False,
    progress: Progress = silent,
) -> Replay:
    """Map the newest payload of each link since then by the present mapper and by another one, and compare.

    mapper    id or name of an installed incoming mapper, or a file
    against   the mapper that made the present values; empty: the instance's incoming mapper
    apply     write what differs and still counts as an inbound change (`replay_apply`)
    Raises NotFound (instance, mapper, incident), Invalid (a mapper compared with itself), LaneBusy (apply).
    """
    require(actor, "replay.apply" if apply else "replay.show")
    turn = onlooker(app, name)
    old, new = _readings(app, turn, mapper, against)
    found = Replay(
        instance=turn.instance.name,
        since=since,
        old_mapper=old.mapper.id if old.mapper else "",
        new_mapper=new.mapper.id if new.mapper else "",
        applied=apply,
    )
    with app.store.read() as tx:
        for incident_id in only:
            incidents.load(tx, incident_id)
        kept = replays.newest(tx, turn.instance.id, since, only)
        found.forgotten, found.silent = replays.without(tx, turn.instance.id, since, only)
    found.earlier = sum(each.earlier for each in kept)
    if not apply:
        _look_at(app, found, kept, old, new, None, actor, progress)
    elif kept:
        with turn_of(app, turn.instance) as mine:
            _look_at(app, found, kept, old, new, mine, actor, progress)
    if new.mapper and turn.instance.mapper_in not in (new.mapper.id, new.mapper.name):
        found.notes.append(_not_in_use(turn, new.mapper, installed=mapper in (new.mapper.id, new.mapper.name)))
    return found


def _readings(app: App, turn: Onlooker, mapper: str, against: str) -> tuple[Reading, Reading]:
    """The mapper that made the present values, and the new one. Raises NotFound, Invalid."""
    wanted, catalog = mapping.incoming(app, mapper)
    new = _reading(turn, wanted, catalog)
    reference = against or turn.instance.mapper_in
    if reference:
        old = _reading(turn, *mapping.incoming(app, reference))
    else:
        old = _reading(turn, None, turn.caller.catalog)
    if old.mapper and old.mapper.id == wanted.id and old.mapper.sections == wanted.sections:
        raise Invalid(
            f"{turn.instance.name} uses {wanted.id} already; say with --against which mapper made the present values"
        )
    return old, new


def _reading(turn: Onlooker, mapper: Mapper | None, catalog: Catalog) -> Reading:
    listener = Listener.of(turn.app)
    instance = replace(turn.instance, mapper_in=mapper.id if mapper else "")
    caller = replace(turn.caller, app=listener, instance=instance, catalog=catalog)
    mine = Onlooker(caller=caller, lane=turn.lane)
    return Reading(mapper=mapper, catalog=catalog, turn=mine, heard=listener.heard)


def _not_in_use(turn: Onlooker, mapper: Mapper, *, installed: bool) -> str:
    name, now = turn.instance.name, turn.instance.mapper_in
    install = "" if installed else "install the new one (`casemirror pack add`), then "
    against = f', and then apply with --against "{now}"' if now else ""
    return (
        f"{name} still maps with {now or 'no mapper'}, so its next pulls bring the values of that back. To keep the new ones: "
        f'{install}`casemirror instance update {name} --mapper-in "{mapper.id}"`{against}'
    )


def _look_at(
    app: App,
    found: Replay,
    kept: list[Kept],
    old: Reading,
    new: Reading,
    turn: Turn | None,
    actor: Actor,
    progress: Progress,
) -> None:
    """Compare link by link; with a turn also write. Each stands alone."""
    mask = mask_of(app, old.turn.instance)
    for done, each in enumerate(kept):
        progress(done, len(kept))
        new.heard.clear()
        with app.store.read() as tx:
            link, incident, body = _load(tx, each)
        if MASK in canonical(body):
            found.masked += 1
            continue
        replayed = _frame(each, link, incident)
        try:
            replayed = replace(replayed, differences=_compare(old, new, link, incident, body, each.at))
            if turn is not None:
                turn.hold_for(turn.settings.seconds("mapping.script.timeout"))
                replayed = replay_apply.write(turn, actor, replayed, found.new_mapper)
        except LaneLost:
            raise
        except CasemirrorError as error:
            replayed = replace(replayed, error=error.message)
        found.warnings.update(mask(text) for text in new.heard)
        if replayed.differences or replayed.error:
            found.links.append(_masked(mask, replayed))
        else:
            found.same += 1
    progress(len(kept), len(kept))


def _load(tx: Connection, kept: Kept) -> tuple[Link, Incident, Any]:
    link = links.load(tx, kept.link_id)
    return link, incidents.load(tx, link.incident_id), payloads.load(tx, kept.payload_id)


def _frame(kept: Kept, link: Link, incident: Incident) -> Replayed:
    return Replayed(
        incident_id=incident.id,
        link_id=link.id,
        title=incident.name,
        remote_id=link.remote_id,
        payload_id=kept.payload_id,
        payload_at=kept.at,
        earlier=kept.earlier,
    )


def _compare(
    old: Reading, new: Reading, link: Link, incident: Incident, body: Mapping[str, Any], at: datetime
) -> tuple[Difference, ...]:
    """Fields that the two mappers make differently, and whether the payload still counts for them."""
    was, will = old.fields_of(link, incident, body, at), new.fields_of(link, incident, body, at)
    stale = {name for name, value in was.items() if _is_stale(link, name, value)}
    moved = old.sources(stale, incident.type)
    found = []
    for name in sorted(was.keys() | will.keys()):
        kind = _kind(was, will, name)
        if not kind:
            continue
        before, after, here = was.get(name), will.get(name), incident.get(name)
        already = kind != "untold" and name in link.base and same(link.base[name], after) and same(here, after)
        why = EDITED_SINCE if name in stale else ""
        if not why and name not in link.base and moved & new.sources({name}, incident.type):
            why = SAME_SOURCE
        why = "" if already else why
        found.append(Difference(field=name, kind=kind, old=before, new=after, here=here, stale=why, already=already))
    return tuple(found)


def _is_stale(link: Link, name: str, value: Json) -> bool:
    """The payload is not what the link last knew of the field: we pushed since, or the push's outcome was not seen.

    A pull that tells nothing new leaves no payload, so the newest one may be older than what we sent.
    """
    if name in link.doubted:
        return True
    if name in link.conflicts:
        return not same(link.conflicts[name].remote, value)
    return name in link.base and not same(link.base[name], value)


def _kind(was: Fields, will: Fields, name: str) -> str:
    """How the field differs; empty when it does not."""
    before, after = was.get(name), will.get(name)
    if name not in will:
        return "" if is_empty(before) else "untold"
    if same(before, after):
        return ""
    return "emptied" if is_empty(after) else "set" if is_empty(before) else "changed"


def _masked(mask: Masker, replayed: Replayed) -> Replayed:
    def shown(each: Difference) -> Difference:
        return replace(each, old=masked(mask, each.old), new=masked(mask, each.new), here=masked(mask, each.here))

    differences = tuple(shown(each) for each in replayed.differences)
    return replace(replayed, title=mask(replayed.title), differences=differences, error=mask(replayed.error))
