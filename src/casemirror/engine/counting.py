"""What a reconcile adds to the counts that metrics show. Pure."""

from __future__ import annotations

from datetime import datetime

from casemirror.engine.inbound import Pulled
from casemirror.engine.looking import Decided
from casemirror.model.plan import Rule
from casemirror.store import metrics


def of_pull(decided: Decided, pulled: Pulled | None, now: datetime) -> dict[str, float]:
    """Counts that grow with one pull: a change that was applied, with its lag; echoes of our own that changed nothing.

    The lag begins when the remote object was named: when it changed there no integration tells.
    """
    if pulled is None:
        return {}
    link, plan = decided.link, decided.plan
    amounts: dict[str, float] = {
        metrics.ECHOES: sum(d.rule is Rule.STALE_ECHO for d in plan.merge.decisions) + _shows_only_ours(decided, pulled)
    }
    if _changes(decided):
        amounts[metrics.APPLIED] = 1
        amounts |= metrics.lag((now - link.named_at).total_seconds()) if link.named_at else {}
    return amounts


def _changes(decided: Decided) -> bool:
    plan = decided.plan
    return bool(plan.merge.write or plan.type or plan.status is not None or decided.new)


def _shows_only_ours(decided: Decided, pulled: Pulled) -> bool:
    """The object was named because of our own push, and the first look after it brings nothing new."""
    link = decided.link
    if not pulled.answered or link.last_push_at is None or link.named <= link.pulled:
        return False
    return (link.last_sync_at is None or link.last_sync_at < link.last_push_at) and not _changes(decided)
