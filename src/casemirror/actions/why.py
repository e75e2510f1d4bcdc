"""Why is this field so? What is stored about it, put side by side: decisions, payloads, edits, what is still to be sent.

No remote is called. The only thing that runs is the mapper, once more, on payloads that were kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from casemirror.actions import case, doctor, environments, fields
from casemirror.actions.doctor_values import Room, State, Way
from casemirror.actions.permission import require
from casemirror.actions.replay_apply import VERB as REMAPPED
from casemirror.actions.why_values import Decided, Edit, Field, Origin, Sending, Through, Why, cause
from casemirror.engine import outbound
from casemirror.engine.app import App
from casemirror.engine.turn import Turn
from casemirror.mapping import explain
from casemirror.mapping.explain import Line
from casemirror.mapping.value import Nothing, json_of
from casemirror.model.actor import Actor
from casemirror.model.errors import CasemirrorError, Invalid
from casemirror.model.ids import IncidentId
from casemirror.model.incident import CLOSE_FIELDS, MIRROR_ERRORS, Incident
from casemirror.model.link import Link
from casemirror.model.plan import Policy, Rule
from casemirror.model.values import Json
from casemirror.runtime import wire
from casemirror.store import audit, decisions, entries, incidents, links, payloads

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from casemirror.content.catalog import Catalog

_Remaps: TypeAlias = Mapping[tuple[datetime, int], Mapping[str, Any]]
"""Audit lines of re-mappings, by their time and link: those of the decisions that they made."""


@dataclass(frozen=True, kw_only=True)
class _View:
    """One link with what decides about it; `turn` None: its instance or its integration is not there.

    obstacles, deaf   what keeps it from sending, and from hearing
    """

    link: Link
    turn: Turn | None
    state: case.LinkState
    policy: Policy | None
    obstacles: tuple[str, ...]
    deaf: tuple[str, ...]
    sendings: Mapping[str, tuple[Sending, ...]] = field(default_factory=dict)


def explain_fields(app: App, actor: Actor, incident_id: IncidentId, name: str = "", *, depth: int = 5) -> Why:
    """Answer for one field (machine or display name), or for every field that is mirrored.

    depth   decisions of each link that are told, the newest ones
    Raises NotFound (incident), Invalid (field).
    """
    require(actor, "incident.why")
    catalog = _catalog(app)
    stands = partial(environments.status_of, app, catalog)
    room = Room(settings=app.settings(), catalog=catalog, now=app.clock.now(), environment=stands)
    with app.store.read() as tx:
        incident = incidents.load(tx, incident_id)
        views = [_view(tx, app, room, incident, link) for link in links.of_incident(tx, incident_id)]
        wanted = [_machine(name, room.catalog, incident)] if name else _mirrored(tx, views)
        written = audit.of_object(tx, f"incident {incident_id}", since=incident.created_at, limit=1000)
        remaps = {(line["at"], line["detail"]["link"]): line for line in written if line["verb"] == REMAPPED}
        decided = {(v.link.id, n): _decided(tx, v, n, depth, remaps) for v in views for n in wanted}
        bodies = _bodies(tx, [d for found in decided.values() for d in found])
    views = [replace(v, sendings=_sendings(incident, v)) for v in views]  # runs scripts: no transaction is open
    mapped = _Remapped(incident, bodies)
    creator = next((str(line["actor"]) for line in written if line["verb"] == "incident.created"), "")
    shown = []
    for each in wanted:
        through = [_through(incident, v, each, mapped.explained(v, each, decided[v.link.id, each])) for v in views]
        found = _field(room.catalog, incident, each, written, through)
        untouched = cause(found) is None and not found.changed_at
        shown.append(replace(found, born=mapped.born(views, creator, each) if untouched else None))
    return Why(incident=incident, creator=creator, fields=tuple(shown))


def _catalog(app: App) -> Catalog:
    with app.store.read() as tx:
        return app.library.catalog(tx)


def _machine(name: str, catalog: Catalog, incident: Incident) -> str:
    if name in incident.fields:
        return name
    try:
        return fields.find(name, catalog).name
    except Invalid as error:
        raise Invalid(f"{error.message}; `casemirror why {incident.id}` shows the fields that are mirrored") from error


def _view(tx: Connection, app: App, room: Room, incident: Incident, link: Link) -> _View:
    turn = case.bystander(tx, app, link)
    resend = room.settings.flag("mirror.resend.inbound")
    waiting = len(entries.unsent(tx, link, resend=resend)) if link.direction.outbound else 0
    missing = [
        c
        for c in doctor.of_link(tx, room, incident, link)
        if c.state is State.MISSING and c.name not in ("conflicts", "remote object")
    ]
    policy = None
    if turn is not None:
        try:
            policy = outbound.policy_for(turn, link, incident)
            policy = replace(policy, owned=outbound.owned_elsewhere(turn, tx, link, incident))
        except CasemirrorError:
            policy = None  # the obstacles name the mapper that is missing
    state = case.state_of(turn, link, incident, waiting)
    return _View(
        link=link,
        turn=turn,
        state=state,
        policy=policy,
        obstacles=tuple(c.text for c in missing if c.way in (Way.BOTH, Way.OUT)),
        deaf=tuple(c.text for c in missing if c.way in (Way.BOTH, Way.IN)),
    )


def _mirrored(tx: Connection, views: Sequence[_View]) -> list[str]:
    """Fields that any link ever agreed on, decided about, or has to send."""
    names: set[str] = set()
    for view in views:
        link = view.link
        names |= {*link.base, *link.conflicts, *link.pushed, *view.state.current}
        names |= decisions.decided_fields(tx, link.id) | (link.doubted & {*link.base, *link.assumed})
    return sorted(names - set(MIRROR_ERRORS))


def _decided(tx: Connection, view: _View, name: str, depth: int, remaps: _Remaps) -> list[Decided]:
    found = []
    for row in decisions.of_field(tx, view.link.id, name, limit=depth):
        at = payloads.kept_at(tx, row["payload_id"]) if row["payload_id"] else None
        remap = remaps.get((row["at"], view.link.id))
        is_remapped = remap is not None and name in remap["detail"]["fields"]
        found.append(
            Decided(
                at=row["at"],
                rule=Rule(row["rule"]),
                note=row["note"],
                base=row["base"],
                local=row["local"],
                remote=row["remote"],
                payload=row["payload_id"] if at else None,
                payload_at=at,
                mapper=remap["detail"]["mapper"] if remap is not None and is_remapped else "",
                actor=remap["actor"] if remap is not None and is_remapped else "",
            )
        )
    return found


def _bodies(tx: Connection, found: Sequence[Decided]) -> dict[int, Any]:
    return {n: payloads.load(tx, n) for n in sorted({d.payload for d in found if d.payload is not None})}


class _Remapped:
    """Kept payloads, and the event that was fetched, mapped in once more, each once."""

    def __init__(self, incident: Incident, bodies: Mapping[int, Any]) -> None:
        self._incident, self._bodies = incident, bodies
        self._known: dict[int | None, tuple[Line, ...]] = {}

    def explained(self, view: _View, name: str, found: Sequence[Decided]) -> tuple[Decided, ...]:
        """The decisions with the lines of the mapper that made their remote values."""
        return tuple(replace(d, origin=self._origin(view, name, d)) for d in found)

    def _origin(self, view: _View, name: str, decided: Decided) -> Origin | None:
        if decided.payload is None or view.turn is None or decided.mapper not in ("", view.turn.instance.mapper_in):
            return None  # nothing to map again, or it was another mapper that made the value
        return self._made(view.turn, name, decided.payload, self._bodies[decided.payload], decided.at)

    def born(self, views: Sequence[_View], creator: str, name: str) -> Origin | None:
        """How a field was made of the event that its instance fetched; None for an incident that was not fetched."""
        turn = next((v.turn for v in views if v.turn and v.turn.instance.name == creator), None)
        if turn is None or not self._incident.raw_json or self._incident.get(name) is None:
            return None
        try:
            event = json.loads(self._incident.raw_json)
        except ValueError:
            return None
        return self._made(turn, name, None, event, self._incident.created_at)

    def _made(self, turn: Turn, name: str, key: int | None, event: Json, at: datetime) -> Origin:
        reference = turn.instance.mapper_in
        if not reference:
            return Origin(problem=f"{turn.instance.name} has no incoming mapper: it came under its own name")
        try:
            lines = self._lines(turn, key, event, at)
        except CasemirrorError as error:
            return Origin(mapper=reference, problem=error.message)
        mine = tuple(line for line in lines if line.target == name)
        if not mine:
            problem = (
                f"no line of {reference} sets it: the integration itself did, or an entry that closed the incident"
            )
            return Origin(mapper=reference, problem=f"{problem}, or the mapper was another one")
        gave = [json_of(line.result) for line in mine if not isinstance(line.result, Nothing)]
        return Origin(mapper=reference, lines=mine, result=gave[-1] if gave else None)

    def _lines(self, turn: Turn, key: int | None, event: Json, at: datetime) -> tuple[Line, ...]:
        if key not in self._known:
            catalog = turn.caller.catalog
            mapper = catalog.mapper(turn.instance.mapper_in)
            assert mapper is not None
            empties = turn.settings.flag("mirror.null.empties")
            outside = replace(turn.caller.outside(), now=at)
            _, lines = explain.explain_in(
                event, mapper, self._incident.type, catalog, null_empties=empties, outside=outside
            )
            self._known[key] = lines
        return self._known[key]


def _sendings(incident: Incident, view: _View) -> dict[str, tuple[Sending, ...]]:
    """Incident field → how it goes out by this link; empty when nothing goes out, or everything under its own name."""
    if view.turn is None or view.policy is None or not view.policy.outbound:
        return {}
    turn = view.turn
    mapper = turn.caller.catalog.mapper(turn.instance.mapper_out)
    if mapper is None:
        return {name: (Sending(name=name, value=incident.get(name)),) for name in incident.fields}
    passing = turn.settings.words("mirror.passthrough")
    source = wire.outgoing_source(incident, view.link)
    _, lines = explain.explain_out(
        source, mapper, incident.type, dirty=set(source), passthrough=passing, outside=turn.caller.outside()
    )
    found: dict[str, list[Sending]] = {}
    for line in lines:
        for name in line.rule.expression.reads:
            sending = Sending(name=line.target, mapper=mapper.id, line=line, value=json_of(line.result))
            found.setdefault(name, []).append(sending)
    keys = {line.target for line in lines}
    for name in passing:
        if name not in keys:
            found.setdefault(name, []).append(Sending(name=name, value=incident.get(name)))
    return {name: tuple(each) for name, each in found.items()}


def _through(incident: Incident, view: _View, name: str, decided: tuple[Decided, ...]) -> Through:
    link = view.link
    known = Through(
        link=link,
        base=link.known(name),
        agreed=name in link.base and name not in link.doubted,
        decided=decided,
        sendings=view.sendings.get(name, ()),
        pushed=link.pushed.get(name),
        conflict=link.conflicts.get(name),
        doubted=name in link.doubted,
        differs=link.changed_here(name, incident.get(name)),
        unsent=name in view.state.current,
    )
    return replace(known, waits=tuple(_waits(view, known, name)))


def _waits(view: _View, known: Through, name: str) -> list[str]:
    """Why the two sides may not have the same value yet."""
    link, there, found = view.link, view.link.instance_name, list[str]()
    if link.is_gone:
        found.append(f"nothing is sent or taken until the object at {there} is there again: it is {link.remote_said}")
    if known.conflict:
        found.append(
            f"both sides changed it, and a person has to say since {_when(known.conflict.since)} which one counts: "
            f"`casemirror conflict resolve {link.incident_id} {name} local` (or remote)"
        )
    elif known.doubted:
        found.append(f"a push carried it to {there} and its outcome was not seen, so it is sent again")
    elif known.unsent:
        found.append(f"it changed here and was not sent to {there} yet")
    elif known.differs and not link.conflicts.get(name):
        found.append(_stays(view, name))
    if (known.unsent or known.doubted) and not known.conflict:
        if view.obstacles:
            found += view.obstacles
        elif link.wanted <= link.done:
            found.append(f"no work is queued for it; `casemirror link retry {link.incident_id}` queues it")
        elif link.due_at:
            found.append(f"it is due since {_when(link.due_at)}: the next turn of {there} sends it")
    if known.decided and known.decided[0].rule is Rule.STALE_ECHO and known.pushed:
        found.append(
            f"{there} may still show {_short(known.pushed.before)} from before our push of {_when(known.pushed.at)}; "
            "as long as that push is young, such an answer is not believed (mirror.echo.guard)"
        )
    if view.policy is not None and name in view.policy.owned:
        owner = view.policy.owned[name]
        found.append(f"{owner} owns it: what {there} changes is not taken (`casemirror policy list`)")
    if link.error_in and not link.is_gone:
        found.append(f"the last pull failed, so {there} may have another value by now: {link.error_in}")
    elif link.direction.inbound and link.named > link.pulled:
        found.append(
            f"{there} may have changed since the last pull" + ("" if view.deaf else ", and the next one will look")
        )
        found += [text for text in view.deaf if text not in found]
    return found


def _stays(view: _View, name: str) -> str:
    """Why a change made here is never sent by this link."""
    link, there = view.link, view.link.instance_name
    if view.policy is None:
        return f"it changed here; nothing can be sent to {there}: {'; '.join(view.obstacles) or 'it cannot run'}"
    if not link.direction.outbound:
        return f"it changed here and stays here: the link to {there} only mirrors in"
    if not view.policy.outbound:
        return f"it changed here and stays here: {'; '.join(view.obstacles) or f'nothing may be sent to {there}'}"
    if view.policy.mapped_out is not None and name not in view.policy.mapped_out:
        mapper = view.turn.instance.mapper_out if view.turn else ""
        return f"it changed here and stays here: no line of the outgoing mapper {mapper} reads it"
    return "it changed here and stays here: mirroring keeps this field itself"


def _field(
    catalog: Catalog, incident: Incident, name: str, written: Sequence[Mapping[str, Any]], through: Sequence[Through]
) -> Field:
    found = catalog.field_by_cli(name)
    edits = [edit for line in written if (edit := _edit(line, name)) is not None]
    return Field(
        name=name,
        title=found.name if found else name,
        value=incident.get(name),
        changed_at=incident.changed.get(name, ""),
        edits=tuple(edits),
        links=tuple(through),
    )


def _edit(line: Mapping[str, Any], name: str) -> Edit | None:
    """What an audit line says about the field; None when it is not about it."""
    verb, detail = str(line["verb"]), line["detail"]
    who = {"at": line["at"], "actor": str(line["actor"]), "verb": verb}
    change = detail.get("changes", {}).get(name)
    if change is not None:
        return Edit(**who, known=True, old=change["old"], new=change["new"])
    if verb == "incident.edited" and "changes" not in detail and name in detail.get("fields", ()):
        return Edit(**who)
    if verb == "conflict.resolved" and detail.get("field") == name:
        return Edit(**who)
    if verb in ("incident.closed", "incident.reopened") and name in CLOSE_FIELDS:
        return Edit(**who)
    return None


def _when(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _short(value: Json) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:59] + "…"
