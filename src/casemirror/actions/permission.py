"""Who may do what: one table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from casemirror.model.actor import Actor, Role
from casemirror.model.errors import Forbidden

NEEDED: Final[Mapping[str, Role]] = {
    **dict.fromkeys(
        "pack.list environment.list environment.show budget.list field.list type.list mapper.list mapper.try mapper.check instance.list instance.show instance.schema incident.list incident.show link.list conflict.list policy.list config.list "
        "mirror.statistics mirror.records user.list incident.why incident.timeline doctor.run drift.show health.show metrics.show replay.show doubt.list incident.context later.list".split(),
        Role.READ_ONLY,
    ),
    **dict.fromkeys(
        "incident.create incident.edit incident.comment incident.attach incident.close incident.reopen incident.tag "
        "incident.open link.add link.find link.adopt link.follow link.remove link.set-primary link.retry conflict.resolve command.run later.stop instance.fetch instance.mirror plan.show plan.apply".split(),
        Role.ANALYST,
    ),
    **dict.fromkeys(
        "pack.add environment.build environment.prune instance.add instance.update instance.enable instance.disable instance.remove instance.test "
        "field.add field.remove type.add type.remove config.set budget.set policy.set mirror.purge drift.heal replay.apply key.rotate health.test user.add user.remove".split(),
        Role.ADMINISTRATOR,
    ),
}
"""Verb → least role."""


def require(actor: Actor, verb: str) -> None:
    """Raise Forbidden unless the actor's role allows this verb."""
    needed = NEEDED[verb]
    if actor.role < needed:
        raise Forbidden(f"{actor.name} is {actor.role.title}; {verb} needs the role {needed.title}")
