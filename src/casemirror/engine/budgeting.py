"""One budget of requests for each credential: whoever uses it books here, and lanes wait when it is spent.

Source: docs/budgets.md. Requests are counted in the process that runs the command (`guest/requests_made.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from casemirror.engine.app import App, log
from casemirror.model.budget import Use
from casemirror.model.instance import Instance
from casemirror.model.values import Json
from casemirror.runtime.command import Reply
from casemirror.store import budgets, metrics
from casemirror.store.database import DatabaseFailed

if TYPE_CHECKING:
    from casemirror.engine.turn import Turn

LEAST = 1
"""Requests of a command that died before it could say how many it made."""


def credential(app: App, instance: Instance, params: Mapping[str, Json], secrets: Mapping[str, Json]) -> str:
    """A mark of who asks whom: the same for instances that log in to one host with one secret. It tells neither.

    params   as the command gets them, secrets among them
    """
    if not secrets:
        return instance.id
    hosts = sorted({urlsplit(text).netloc.lower() for text in texts(params) if "://" in text} - {""})
    return app.store.keys.mark("\0".join([*hosts, *sorted(texts(secrets))]))


def texts(value: Json) -> Iterator[str]:
    """Every text inside a value."""
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, str) and value:
        yield value


def book(app: App, instance: Instance, mark: str, reply: Reply) -> None:
    """Note what a command used: requests, CPU, memory. A database that fails now loses this one count, never the reply."""
    requests = LEAST if reply.requests is None else reply.requests
    if not requests and not reply.peak_bytes:
        return
    try:
        with app.store.write() as tx:
            if requests:
                budgets.book(tx, instance.id, mark, requests, app.clock.now())
            if reply.peak_bytes:
                metrics.add(tx, instance.id, {metrics.COMMANDS: 1, metrics.CPU: reply.cpu_s})
                metrics.raise_to(tx, instance.id, metrics.MEMORY, reply.peak_bytes)
    except DatabaseFailed:
        log.warning("budget.not_booked", instance=instance.name, requests=requests)


def spent(turn: Turn, now: datetime, *, incoming: bool, also: int = 0) -> tuple[datetime, str] | None:
    """Until when nothing may be asked (or sent), and why; None: something is left.

    incoming   the remote is asked; a part of the budget is kept for changes made here
    also       requests that were made just now and are not booked
    """
    with turn.app.store.read() as tx:
        budget = budgets.load(tx, turn.instance.id)
        limit = budget.limit(now)
        if limit is None:
            return None
        used = [*budgets.uses(tx, budget.credential, now - budget.window), *([Use(now, also)] if also else [])]
    until = budget.spent_until(used, now, incoming=incoming)
    if until is None:
        return None
    total = sum(use.requests for use in used)
    kept = ", the rest is kept for changes made here" if total < limit else ""
    return until, f"{total} of {limit} requests in {budget.window_s} s are used (casemirror budget){kept}"
