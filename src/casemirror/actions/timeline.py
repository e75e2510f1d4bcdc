"""Everything that happened to one incident, in its order, from what is stored: audit, decisions, entries, links."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from casemirror.actions import why_words
from casemirror.actions.permission import require
from casemirror.engine.app import App
from casemirror.model.actor import Actor
from casemirror.model.entry import DeliveryState, Entry
from casemirror.model.errors import Invalid
from casemirror.model.ids import IncidentId, LinkId
from casemirror.model.link import Link
from casemirror.model.plan import Rule
from casemirror.model.values import Json
from casemirror.store import agreement, audit, decisions, doubts, entries, incidents, links
from casemirror.store.doubts import Doubt

if TYPE_CHECKING:
    from sqlalchemy import Connection

TAKEN: Final = (Rule.REMOTE_CHANGED, Rule.CONFLICT_REMOTE, Rule.CONFLICT_MERGED)
SENT: Final = (Rule.LOCAL_CHANGED, Rule.CONFLICT_LOCAL)
_TEXT = 120
"""Characters of an entry that are told."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that happened.

    kind   created, edited, closed, reopened, opened, pulled, pushed, decided, entry, sent, link, error, held, …
    who    a person, an instance, or empty for casemirror itself
    """

    at: datetime
    kind: str
    who: str
    text: str
    detail: Mapping[str, Json] = field(default_factory=dict)


def of_incident(app: App, actor: Actor, incident_id: IncidentId, *, limit: int = 200) -> list[Event]:
    """The newest events, the oldest of them first. Raises NotFound, Invalid (limit)."""
    require(actor, "incident.timeline")
    if limit < 1:
        raise Invalid("limit: give a number of 1 or more")
    with app.store.read() as tx:
        incident = incidents.load(tx, incident_id)
        names, mine = links.names_of(tx, incident_id), links.of_incident(tx, incident_id)
        found = [
            *_audited(audit.of_object(tx, f"incident {incident_id}", since=incident.created_at, limit=limit)),
            *(event for link in mine for event in _linked(link, incident.created_at)),
            *_decided(decisions.list_for(tx, incident_id, limit=4 * limit), names),
            *_said(tx, incident_id, names),
            *_doubted(doubts.find(tx, incident_id=incident_id)),
            *(event for link in mine for event in _standing(link, app.clock.now())),
        ]
    return sorted(found, key=lambda event: event.at)[-limit:]


def _audited(lines: Sequence[Mapping[str, Any]]) -> Iterator[Event]:
    for line in reversed(lines):
        verb, detail = str(line["verb"]), line["detail"]
        if verb in ("incident.commented", "incident.attached"):
            continue  # the entry itself tells it
        kind, text = _told(verb, detail)
        yield Event(at=line["at"], kind=kind, who=str(line["actor"]), text=text, detail=detail)


def _told(verb: str, detail: Mapping[str, Any]) -> tuple[str, str]:
    if verb == "incident.created":
        return "created", f"created the incident, type {detail.get('type') or 'none'}"
    if verb == "incident.edited":
        changes = [
            f"{name}: {why_words.value(each['old'])} → {why_words.value(each['new'])}"
            for name, each in detail.get("changes", {}).items()
        ]
        changes += [f"{name}: → {why_words.value(to)}" for name, to in detail.get("mirror", {}).items()]
        if "changes" not in detail:
            changes = list(detail.get("fields", ()))
        return "edited", "; ".join(changes) or "saved it without a change"
    if verb == "incident.remapped":
        changes = [
            f"{name}: {why_words.value(each['old'])} → {why_words.value(each['new'])}"
            for name, each in detail["fields"].items()
        ]
        return (
            "remapped",
            f"mapped what {detail['instance']} had said again, by {detail['mapper']}: {'; '.join(changes)}",
        )
    noun, _, done = verb.partition(".")
    kind = noun if noun != "incident" else done
    told = ", ".join(f"{name} {why_words.value(to)}" for name, to in detail.items() if to not in (None, "", [], {}))
    return kind, f"{noun} {done.replace('_', ' ')}" + (f": {told}" if told else "")


def _decided(rows: Sequence[Mapping[str, Any]], names: Mapping[LinkId, str]) -> Iterator[Event]:
    """One event for what one plan did in one direction; agreement alone is no event."""
    groups: dict[tuple[datetime, LinkId, str], list[Mapping[str, Any]]] = {}
    for row in reversed(rows):
        rule = Rule(row["rule"])
        kind = "pulled" if rule in TAKEN else "pushed" if rule in SENT else "decided"
        if rule is not Rule.AGREED:
            groups.setdefault((row["at"], LinkId(row["link_id"]), kind), []).append(row)
    for (at, link_id, kind), made in groups.items():
        there = names.get(link_id, "a former link")
        detail: dict[str, Json] = {
            "link": link_id,
            "payload": made[0]["payload_id"],
            "fields": {
                row["field"]: {key: row[key] for key in ("rule", "note", "base", "local", "remote")} for row in made
            },
        }
        yield Event(
            at=at, kind=kind, who=there, text="; ".join(_change(row, kind, there) for row in made), detail=detail
        )


def _change(row: Mapping[str, Any], kind: str, there: str) -> str:
    local, remote = why_words.value(row["local"]), why_words.value(row["remote"])
    rule = Rule(row["rule"])
    both = "" if rule in (Rule.REMOTE_CHANGED, Rule.LOCAL_CHANGED) else f" ({why_words.rule(rule, there, row['note'])})"
    if kind == "pulled":
        return f"{row['field']}: {local} → {remote}{both}"
    if kind == "pushed":
        return f"{row['field']}: our {local} is to be sent, agreed before {why_words.value(row['base'])}{both}"
    return f"{row['field']}: here {local}, there {remote}{both}"


def _said(tx: Connection, incident_id: IncidentId, names: Mapping[LinkId, str]) -> Iterator[Event]:
    by_id = {entry.id: entry for entry in entries.list_for(tx, incident_id, held=True)}
    for entry in by_id.values():
        who = entry.user or entry.instance
        words = _words(entry)
        detail: dict[str, Json] = {"entry": entry.label, "tags": list(entry.tags)}
        if entry.link_id is not None or entry.instance:
            yield Event(at=entry.created_at, kind="entry in", who=who, text=f"{entry.label}: {words}", detail=detail)
        elif entry.user:
            yield Event(at=entry.created_at, kind="entry", who=who, text=f"{entry.label}: {words}", detail=detail)
        else:
            yield Event(at=entry.created_at, kind="note", who="", text=words, detail=detail)
    for way in agreement.ways(tx, incident_id):
        there, entry = names.get(way.link_id, "a former link"), by_id[way.entry_id]
        detail = {"entry": entry.label, "state": way.state.value, "attempts": way.attempts}
        if way.state is DeliveryState.SENT and way.sent_at:
            again = f" (tried {way.attempts} times)" if way.attempts > 1 else ""
            yield Event(
                at=way.sent_at, kind="entry out", who=there, text=f"{entry.label} arrived there{again}", detail=detail
            )
        elif way.state is DeliveryState.INTENDED and way.intended_at:
            text = f"{entry.label}: a call that carries it was begun, its outcome is not known"
            yield Event(at=way.intended_at, kind="entry out", who=there, text=text, detail=detail)
        elif way.state is DeliveryState.UNDELIVERABLE:
            text = f"{entry.label} can never arrive: its file is gone"
            yield Event(at=entry.created_at, kind="error", who=there, text=text, detail=detail)


def _words(entry: Entry) -> str:
    text = f"[file] {entry.file.name}" if entry.file else " ".join(entry.contents.split())
    return text if len(text) <= _TEXT else text[: _TEXT - 1] + "…"


def _linked(link: Link, born: datetime) -> Iterator[Event]:
    """What the link says of itself."""
    who = link.instance_name
    target = link.remote_id or "an object that is to be created"
    text = f"mirrored with {target}, direction {link.direction.value or 'none'}"
    yield Event(at=max(link.since_at, born), kind="link", who=who, text=text, detail={"link": link.id})
    for name, conflict in link.conflicts.items():
        text = f"{name} waits for a person: there {why_words.value(conflict.remote)}"
        yield Event(at=conflict.since, kind="conflict", who=who, text=text, detail={"field": name})
    if link.creating_at:
        text = "a creation was begun, its outcome was not seen"
        yield Event(at=link.creating_at, kind="error", who=who, text=text)
    if link.last_push_at:
        yield Event(at=link.last_push_at, kind="pushed", who=who, text="the last push that arrived")


def _doubted(found: Sequence[Doubt]) -> Iterator[Event]:
    for each in found:
        text = f"{each.entry or 'the object itself'} possibly sent twice: {each.reason}"
        yield Event(
            at=each.at, kind="doubt", who=each.instance, text=text, detail={"entry": each.entry, "times": each.times}
        )


def _standing(link: Link, now: datetime) -> Iterator[Event]:
    """What is wrong with the link now; when it began is not kept."""
    who = link.instance_name
    if link.is_gone:
        yield Event(at=now, kind="gone", who=who, text=f"now: the remote object {link.remote_id} is {link.remote_said}")
    elif link.error_in:
        yield Event(at=now, kind="error", who=who, text=f"now: the last pull failed: {link.error_in}")
    if link.error_out:
        yield Event(at=now, kind="error", who=who, text=f"now: the last push failed: {link.error_out}")
    if link.held_reason:
        yield Event(at=now, kind="held", who=who, text=f"now: the link is held: {link.held_reason}")
