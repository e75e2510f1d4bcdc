"""What a reconcile adds to the counts that metrics show. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from casemirror.engine import lateness
from casemirror.engine.inbound import Pulled
from casemirror.model.plan import Rule
from casemirror.store import metrics

if TYPE_CHECKING:
    from casemirror.engine.looking import Decided


def of_pull(decided: Decided, pulled: Pulled | None, now: datetime) -> dict[str, float]:
    """Counts that grow with one pull: a change that was applied, with its lag and age; echoes of our own that changed
    nothing.
    """
    if pulled is None:
        return {}
    link, plan = decided.link, decided.plan
    amounts: dict[str, float] = {
        metrics.ECHOES: sum(d.rule is Rule.STALE_ECHO for d in plan.merge.decisions) + _shows_only_ours(decided, pulled)
    }
    if changes(decided):
        amounts[metrics.APPLIED] = 1
        amounts |= metrics.observed(metrics.LAG, (now - link.named_at).total_seconds()) if link.named_at else {}
        amounts |= _age(decided, pulled, now)
    return amounts


def _age(decided: Decided, pulled: Pulled, now: datetime) -> dict[str, float]:
    """How old the change is by the object's own account; nothing when it does not say, or has not changed by it."""
    changed, before = lateness.changed_at(pulled.payload or {}, now), decided.link.remote_changed_at
    if changed is None or before is None or changed <= before:
        return {}
    return metrics.observed(metrics.AGE, (now - changed).total_seconds())


def changes(decided: Decided) -> bool:
    """A pull changes something here."""
    plan = decided.plan
    return bool(plan.merge.write or plan.type or plan.status is not None or decided.new)


def _shows_only_ours(decided: Decided, pulled: Pulled) -> bool:
    """The object was named because of our own push, and the first look after it brings nothing new."""
    link = decided.link
    if not pulled.answered or link.last_push_at is None or link.named <= link.pulled:
        return False
    return (link.last_sync_at is None or link.last_sync_at < link.last_push_at) and not changes(decided)
