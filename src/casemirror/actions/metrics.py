"""Metrics in the words of Prometheus, read from the database whenever somebody looks: true for all processes together.

One line in a table below makes a metric of a count (`store.metrics`) or of a column of the lane; `docs/health.md` describes
each, and a test holds it to that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

import casemirror
from casemirror.actions.permission import require
from casemirror.engine import health
from casemirror.engine.app import App
from casemirror.engine.health import Seen
from casemirror.model.actor import Actor
from casemirror.model.health import State
from casemirror.model.ids import InstanceId
from casemirror.store import budgets, heartbeats, metrics, notices
from casemirror.store.metrics import Work

if TYPE_CHECKING:
    from sqlalchemy import Connection

PREFIX: Final = "casemirror_"
TALLIES: Final[Mapping[str, tuple[str, str]]] = {
    metrics.SEEN: ("changes_seen", "Changed remote objects that polls named and that are linked."),
    metrics.APPLIED: ("changes_applied", "Pulls that changed an incident here."),
    metrics.PUSHED: ("changes_pushed", "Calls that sent changes to the remote and that it took."),
    metrics.ECHOES: (
        "echoes_suppressed",
        "Pulls that showed only what was sent from here, and fields that still showed the value from before a push.",
    ),
    metrics.COMMANDS: ("commands", "Commands of the integration that ran in a process."),
    metrics.CPU: ("command_cpu_seconds", "CPU that commands and the processes they started took, seconds."),
}
"""Name of a count → counter and its help."""
LANE: Final[Mapping[str, tuple[str, str]]] = {
    "rate_limit_hits": ("rate_limit_hits", "Times that the remote asked for a pause."),
    "skipped_cycles": ("skipped_cycles", "Cycles that were left out because the one before took too long."),
    "failed_in": ("failures_in", "Polls and pulls that failed."),
    "failed_out": ("failures_out", "Pushes that failed."),
    "late_count": ("late_arrivals", "Changes that came later than the poll that should have told them."),
}
"""Column of the lane → counter and its help."""
HISTOGRAMS: Final[Mapping[str, tuple[str, str]]] = {
    metrics.LAG: (
        "inbound_lag_seconds",
        "From the moment a poll, a sweep or a new link named a remote object until its change was applied here.",
    ),
    metrics.AGE: (
        "inbound_age_seconds",
        "From the change of a remote object until it was applied here, for objects that say when they changed, by the "
        "remote's clock.",
    ),
}
"""Name of a histogram → its metric and its help."""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """All that one look at the database brings, as of one moment."""

    now: datetime
    seen: list[Seen]
    work: Mapping[InstanceId, Work]
    tallies: Mapping[InstanceId, Mapping[str, float]]
    budgets: Mapping[InstanceId, tuple[int, int]]
    """requests used and allowed within the window, where a limit is known"""
    workers: int
    notices: int

    def tally(self, seen: Seen, name: str) -> float:
        """One count of an instance; 0 when nothing was counted."""
        return self.tallies.get(seen.instance.id, {}).get(name, 0.0)


def collect(app: App, actor: Actor) -> list[Metric]:
    """Every metric as it is now."""
    require(actor, "metrics.show")
    with app.store.read() as tx:
        now = app.clock.now()
        seen = health.look(tx, app)
        found = Snapshot(
            now=now,
            seen=seen,
            budgets={s.instance.id: b for s in seen if (b := _budget(tx, s, now)) is not None},
            work=metrics.work(tx, now),
            tallies=metrics.all_of(tx),
            workers=len(heartbeats.alive(tx)),
            notices=notices.waiting(tx),
        )
    return [
        *_of_the_whole(found),
        *_counters(found),
        *_gauges(found),
        _health(found),
        *(_histogram(found, h) for h in HISTOGRAMS),
    ]


def _budget(tx: Connection, seen: Seen, now: datetime) -> tuple[int, int] | None:
    budget = budgets.load(tx, seen.instance.id)
    limit = budget.limit(now)
    if limit is None:
        return None
    return sum(use.requests for use in budgets.uses(tx, budget.credential, now - budget.window)), limit


def _of_the_whole(found: Snapshot) -> Iterator[Metric]:
    build = GaugeMetricFamily(f"{PREFIX}build_info", "Version of casemirror; always 1.", labels=["version"])
    build.add_metric([casemirror.__version__], 1)
    yield build
    workers, waiting = "Servers and workers that live.", "Notices that did not arrive yet."
    yield GaugeMetricFamily(f"{PREFIX}workers", workers, value=found.workers)
    yield GaugeMetricFamily(f"{PREFIX}notices_waiting", waiting, value=found.notices)


def _counters(found: Snapshot) -> Iterator[Metric]:
    for count, (name, text) in TALLIES.items():
        yield _counter(name, text, ((s, found.tally(s, count)) for s in found.seen))
    for column, (name, text) in LANE.items():
        yield _counter(name, text, ((s, float(getattr(s.facts.lane, column))) for s in found.seen))


def _counter(name: str, text: str, values: Iterable[tuple[Seen, float]]) -> Metric:
    family = CounterMetricFamily(PREFIX + name, text, labels=["instance"])
    for seen, value in values:
        family.add_metric([seen.instance.name], value)
    return family


def _gauges(found: Snapshot) -> Iterator[Metric]:
    work = [(s, found.work.get(s.instance.id, Work())) for s in found.seen]
    yield _gauge("queue_links", "Links that are due now.", ((s, w.due) for s, w in work))
    text = "How long the link that is due for longest waits, seconds; 0 when none is due."
    yield _gauge("queue_oldest_due_seconds", text, ((s, _age(found.now, w.oldest_due_at)) for s, w in work))
    yield _gauge("links_failing", "Links that failed and wait to be tried again.", ((s, w.failing) for s, w in work))
    yield _gauge("links_held", "Links that are held until a person does something.", ((s, w.held) for s, w in work))
    text = "Links with fields that changed on both sides and wait for a person."
    yield _gauge("conflicts_open", text, ((s, s.facts.counts.conflicts) for s in found.seen))
    text = "Seconds since the last cycle that went well; absent before the first one."
    polled = ((s, s.facts.lane.good_poll_at) for s in found.seen)
    yield _gauge("good_poll_age_seconds", text, ((s, _age(found.now, at)) for s, at in polled if at))
    limited = [(s, found.budgets[s.instance.id]) for s in found.seen if s.instance.id in found.budgets]
    text = "Requests that the credential may make within its window; absent when no limit is known."
    yield _gauge("budget_requests", text, ((s, limit) for s, (_, limit) in limited))
    text = "Requests that are left of it; instances with one credential show the same."
    yield _gauge("budget_left_requests", text, ((s, max(limit - used, 0)) for s, (used, limit) in limited))
    text = "Memory of the largest process that a command of the instance ever had, bytes, what it shares with others included."
    largest = [s for s in found.seen if found.tally(s, metrics.MEMORY)]
    yield _gauge("command_memory_peak_bytes", text, ((s, found.tally(s, metrics.MEMORY)) for s in largest))
    measured = [s for s in found.seen if found.tally(s, metrics.DRIFT_AT)]
    text = "Links that did not agree when drift was measured last (casemirror drift); absent before that."
    yield _gauge("drift_links", text, ((s, found.tally(s, metrics.DRIFT_LINKS)) for s in measured))
    text = "When drift was measured last, seconds since 1970."
    yield _gauge("drift_measured_timestamp_seconds", text, ((s, found.tally(s, metrics.DRIFT_AT)) for s in measured))


def _gauge(name: str, text: str, values: Iterable[tuple[Seen, float]]) -> Metric:
    family = GaugeMetricFamily(PREFIX + name, text, labels=["instance"])
    for seen, value in values:
        family.add_metric([seen.instance.name], value)
    return family


def _age(now: datetime, at: datetime | None) -> float:
    return max((now - at).total_seconds(), 0.0) if at else 0.0


def _health(found: Snapshot) -> Metric:
    text = "State of an instance: 1 for the one that it is in, 0 for the others."
    family = GaugeMetricFamily(f"{PREFIX}instance_health", text, labels=["instance", "state"])
    for seen in found.seen:
        for state in State:
            family.add_metric([seen.instance.name, state.value], float(seen.health.state is state))
    return family


def _histogram(found: Snapshot, histogram: str) -> Metric:
    name, text = HISTOGRAMS[histogram]
    family = HistogramMetricFamily(PREFIX + name, text, labels=["instance"])
    for seen in found.seen:
        count, buckets = 0.0, []
        for bound in (*metrics.BUCKETS, None):
            count += found.tally(seen, metrics.bucket(histogram, bound))
            buckets.append(("+Inf" if bound is None else str(float(bound)), count))
        family.add_metric([seen.instance.name], buckets, sum_value=found.tally(seen, metrics.total(histogram)))
    return family
