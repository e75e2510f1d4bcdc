"""The way out: from a plan to the arguments of update-remote-system."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from casemirror.engine import merging, outcomes
from casemirror.engine.commands import staged
from casemirror.engine.turn import Turn
from casemirror.mapping import outgoing as mapper_out
from casemirror.model.entry import Outgoing
from casemirror.model.errors import CreateUnconfirmed
from casemirror.model.incident import CLOSE_FIELDS, MIRROR_ERRORS, Incident, Status
from casemirror.model.link import Link, LinkState
from casemirror.model.plan import Method, Plan, Policy
from casemirror.model.policies import Policies
from casemirror.model.settings import Settings
from casemirror.runtime import wire
from casemirror.runtime.command import StagedFile
from casemirror.store import links

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, kw_only=True)
class Package:
    """The arguments of one call, and what it carries."""

    args: Mapping[str, Any]
    files: tuple[StagedFile, ...]
    sends: tuple[Outgoing, ...]
    lost: tuple[Outgoing, ...] = ()
    """entries whose file is gone: they can never be delivered"""
    creates: bool = False
    only_look: bool = False
    """the object is looked for and not created: an earlier call may have created it"""
    empty: bool = False
    """nothing of the plan reaches the remote (no key of the outgoing mapper has a value): no call"""


def policy_for(turn: Turn, link: Link, incident: Incident) -> Policy:
    """Who wins when, for this link: its direction, the integration's abilities, the mapper, the settings."""
    caller, settings = turn.caller, turn.settings
    readable = mapper_out.readable_fields(caller.catalog.mapper(turn.instance.mapper_out), incident.type)
    return Policy(
        inbound=link.direction.inbound and caller.integration.mirror_in,
        outbound=may_push(turn, link),
        conflict=caller.policies.default(incident.type, _setting(settings, link), incident.id),
        methods=caller.policies.methods(incident.type, incident.id),
        first_contact=link.is_first_contact,
        legacy_dirty=settings.flag("mirror.legacy.dirty"),
        echo_guard_s=settings.seconds("mirror.echo.guard"),
        mapped_out=None if readable is None else readable | set(settings.words("mirror.passthrough")),
        never_out=frozenset(MIRROR_ERRORS),
    )


def _setting(settings: Settings, link: Link) -> Method:
    method = Method(str(settings["mirror.conflict"]))
    return merging.at_first(method) if link.is_first_contact else method


def owned_elsewhere(turn: Turn, tx: Connection, link: Link, incident: Incident) -> dict[str, str]:
    """`owned_by_others`, by the policies as they were when the turn began."""
    return owned_by_others(tx, turn.caller.policies, link, incident)


def owned_by_others(tx: Connection, policies: Policies, link: Link, incident: Incident) -> dict[str, str]:
    """Incident field → name of the other instance that owns it, of those by which the incident is mirrored in."""
    if not policies.owners:
        return {}
    names = {
        str(each.instance_id): each.instance_name
        for each in links.of_incident(tx, incident.id)
        if each.instance_id and each.direction.inbound and each.state is not LinkState.PURGED
    }
    owners = policies.owners_of(incident.type, incident.id, names)
    return {name: names[owner] for name, owner in owners.items() if owner != link.instance_id}


def may_push(turn: Turn, link: Link) -> bool:
    """This link may call update-remote-system: direction, ability, and an object that is there or may be created."""
    if not (link.direction.outbound and turn.caller.integration.mirror_out):
        return False
    if link.remote_id:
        return True
    return turn.settings.flag("mirror.create.remote")


def parts(plan: Plan, settings: Settings) -> Iterator[Plan]:
    """Cut a plan into calls: fields first with the first batch of entries, then the other entries.

    Source: `mirror.entries.batch`; 0 means one call for all.
    """
    size = settings.count("mirror.entries.batch") or max(len(plan.outgoing), 1)
    yield replace(plan, outgoing=plan.outgoing[:size])
    for start in range(size, len(plan.outgoing), size):
        yield replace(
            plan,
            merge=replace(plan.merge, push={}),
            send_status=False,
            create=False,
            outgoing=plan.outgoing[start : start + size],
        )


def pack(turn: Turn, link: Link, incident: Incident, plan: Plan) -> Package:
    """Map the incident out and stage the files. Pure but for reading the file store.

    Raises CreateUnconfirmed.   Source: mirroring.md §1.7, §3.5, §3.7; MIR-146…161, 169, 171.
    """
    if plan.create and link.creating_at and not turn.caller.integration.creates_safely:
        raise CreateUnconfirmed(
            f"a creation at {turn.instance.name} was begun at {link.creating_at:%Y-%m-%d %H:%M:%S} UTC and its outcome "
            "was never seen; look whether the object is there, then link it (`casemirror incident edit`) or have it created "
            "once more (`casemirror link retry`)"
        )
    source = wire.outgoing_source(incident, link)
    dirty = set(source) if plan.create else _dirty(incident, plan)
    mapped = mapper_out.map_out(
        source,
        turn.caller.catalog.mapper(turn.instance.mapper_out),
        incident.type,
        dirty=dirty,
        passthrough=turn.settings.words("mirror.passthrough"),
        outside=turn.outside(),
    )
    turn.app.warn_of_mapping(turn.instance.name, mapped.warnings)
    files = {o.entry.id: staged(turn.app, o.entry) for o in plan.outgoing if o.entry.file}
    sends = tuple(o for o in plan.outgoing if o.entry.file is None or files[o.entry.id])
    delta = dict(mapped.data) if plan.create else dict(mapped.delta)
    only_look = plan.create and outcomes.creation_is_early(turn, link, turn.app.clock.now())
    return Package(
        args=wire.push_arguments(
            remote_id=link.remote_id,
            data=dict(mapped.data),
            delta=delta,
            incident_changed=plan.create or plan.send_status or bool(delta),
            status=int(incident.status),
            entries=[wire.outgoing_entry(o) for o in sends],
            status_changed=plan.send_status,
            only_look=only_look,
        ),
        creates=plan.create,
        only_look=only_look,
        files=tuple(f for f in files.values() if f),
        sends=sends,
        lost=tuple(o for o in plan.outgoing if o not in sends),
        empty=not (delta or sends or plan.create or plan.send_status),
    )


def _dirty(incident: Incident, plan: Plan) -> set[str]:
    """Names that `delta` is made of. The emptied closing names of a reopen are no news.   Source: MIR-155."""
    names = set(plan.merge.push)
    return names - set(CLOSE_FIELDS) if incident.status is Status.ACTIVE else names
