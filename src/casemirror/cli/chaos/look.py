"""See both sides as they are now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from casemirror.cli.chaos.world import CaseSeen, Delivery, EntrySeen, LinkSeen, TicketSeen, World
from casemirror.engine.plan import may_go
from casemirror.model.entry import Entry, Outgoing
from casemirror.model.errors import NotFound
from casemirror.model.ids import InstanceId
from casemirror.model.incident import Incident, Status
from casemirror.model.link import Link, LinkState
from casemirror.simulators.servicenow import ServiceNowSimulator
from casemirror.store import entries, files, incidents, instances, lanes, links, schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from casemirror.cli.chaos.stage import Stage

OUR_MARK = "casemirror"
"""`correlation_display` of tickets that casemirror made."""


def look(stage: Stage) -> World:
    """Everything on all sides."""
    with stage.app.store.read() as tx:
        ways = _deliveries(tx)
        found = incidents.find(tx, limit=100_000)[::-1]
        cases = tuple(_case(stage, tx, incident, ways) for incident in found)
        held = {i.name: _lane_held(tx, i.id) for i in instances.list_all(tx)}
    return World(
        cases=cases,
        tickets={t.sys_id: t for name, simulator in stage.simulators.items() for t in _tickets(name, simulator)},
        writes={name: tuple(simulator.instance.writes.all()) for name, simulator in stage.simulators.items()},
        lanes_held={name: reason for name, reason in held.items() if reason},
    )


def _lane_held(tx: Connection, instance_id: InstanceId) -> str:
    try:
        return lanes.of_instance(tx, instance_id).held_reason
    except NotFound:
        return ""


def _deliveries(tx: Connection) -> dict[int, dict[int, Delivery]]:
    found: dict[int, dict[int, Delivery]] = {}
    for row in tx.execute(sa.select(schema.delivery)).mappings():
        begun, sent = (row[name].timestamp() if row[name] else 0.0 for name in ("intended_at", "sent_at"))
        way = Delivery(state=row["state"], attempts=row["attempts"], begun=begun, sent=sent)
        found.setdefault(row["entry_id"], {})[row["link_id"]] = way
    return found


def _case(stage: Stage, tx: Connection, incident: Incident, ways: Mapping[int, Mapping[int, Delivery]]) -> CaseSeen:
    said = entries.list_for(tx, incident.id)
    return CaseSeen(
        id=int(incident.id),
        fields=dict(incident.fields),
        closed=incident.status is Status.CLOSED,
        links=tuple(_link(link) for link in links.of_incident(tx, incident.id)),
        entries=tuple(_entry(stage, incident, entry, ways.get(int(entry.id), {})) for entry in said),
    )


def _link(link: Link) -> LinkSeen:
    return LinkSeen(
        id=int(link.id),
        system=link.instance_name,
        remote_id=link.remote_id,
        held=(link.held_reason or "held") if link.state is LinkState.HELD else "",
        conflicts=frozenset(link.conflicts),
        errors="; ".join(text for text in (link.error_in, link.error_out) if text),
        tags=frozenset(link.tags),
    )


def _entry(stage: Stage, incident: Incident, entry: Entry, ways: Mapping[int, Delivery]) -> EntrySeen:
    body = None
    if entry.file is not None:
        path = files.path(stage.app.store, entry.file.id)
        body = path.read_bytes() if path.exists() else None
    return EntrySeen(
        text=entry.file.name if entry.file else entry.contents,
        at=entry.created_at.timestamp(),
        is_file=entry.file is not None,
        body=body,
        link=None if entry.link_id is None else int(entry.link_id),
        ways=dict(ways),
        may_go=may_go(Outgoing(entry=entry), incident, incident.status),
    )


def _tickets(system: str, simulator: ServiceNowSimulator) -> list[TicketSeen]:
    comments: dict[str, list[tuple[str, str]]] = {}
    for row in simulator.rows("sys_journal_field"):
        comments.setdefault(row["element_id"], []).append((row["sys_created_by"], row["value"]))
    attached: dict[str, list[tuple[str, bytes]]] = {}
    for row in simulator.rows("sys_attachment"):
        attached.setdefault(row["table_sys_id"], []).append((row["file_name"], simulator.file(row["sys_id"])))
    return [
        TicketSeen(
            system=system,
            sys_id=row["sys_id"],
            columns=row,
            closed=row["active"] == "false",
            reference=row["correlation_id"] if row["correlation_display"] == OUR_MARK else "",
            comments=tuple(comments.get(row["sys_id"], ())),
            files=tuple(attached.get(row["sys_id"], ())),
        )
        for row in simulator.rows("incident")
    ]
