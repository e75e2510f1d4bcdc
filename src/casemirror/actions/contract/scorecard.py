"""All points, tried in order: what holds, what does not, what could not be tried."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from casemirror.actions.contract import declared, fetching, polling, pushing
from casemirror.actions.contract.bench import Bench
from casemirror.actions.contract.point import FAILED, PASSED, SKIPPED, Broken, NotTried, Point, Verdict, must
from casemirror.actions.contract.remote import can
from casemirror.model.errors import CasemirrorError
from casemirror.runtime.masking import MASK

Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class Scorecard:
    """What came of all points; `live`: it was tried against a remote."""

    integration: str
    verdicts: tuple[Verdict, ...]
    live: bool

    @property
    def counts(self) -> Counter[str]:
        """Outcome → how many points."""
        return Counter(verdict.outcome for verdict in self.verdicts)

    @property
    def holds(self) -> bool:
        """Nothing failed."""
        return not self.counts[FAILED]


class _Secrets:
    """Watches what is logged, over all points."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def watch(self, bench: Bench) -> None:
        self.seen += [f"{call.command}: {line}" for call in bench.calls for line in call.log if MASK in line]

    def judge(self, bench: Bench) -> None:
        must(not self.seen, f"a log line had a secret in it (masked here): {self.seen[0] if self.seen else ''}")


_LOGS: Final = {
    "name": "logs.secrets",
    "rule": "no secret gets into its log",
    "source": "mirroring.md §5.5; MIR-194",
    "advice": "do not log parameters, headers or whole requests",
    "real": True,
}


def check(bench: Bench, *, live: bool, progress: Progress = lambda done, of: None) -> Scorecard:
    """Try every point: those of the files always, those that need a remote when it is `live`. Raises nothing of the integration's."""
    secrets = _Secrets()
    points = [*declared.POINTS, *(_live_points(secrets) if live else ())]
    verdicts: list[Verdict] = []
    for done, point in enumerate(points):
        progress(done, len(points))
        verdicts.append(_not_reached(point) if _is_hopeless(verdicts) else judge(point, bench))
        secrets.watch(bench)
        bench.tidy()
    progress(len(points), len(points))
    return Scorecard(integration=bench.subject.integration.id, verdicts=tuple(verdicts), live=live)


def _is_hopeless(verdicts: Sequence[Verdict]) -> bool:
    """The remote cannot be reached, or the integration does not start: whatever is tried now says nothing."""
    return any(verdict.point.name == fetching.FIRST and verdict.outcome == FAILED for verdict in verdicts)


def _not_reached(point: Point) -> Verdict:
    return Verdict(point=point, outcome=SKIPPED, text=f"{fetching.FIRST} failed")


def _live_points(secrets: _Secrets) -> Iterator[Point]:
    yield from (*fetching.POINTS, *polling.POINTS, *pushing.POINTS, *polling.LAST)
    yield Point(work=secrets.judge, **_LOGS)  # type: ignore[arg-type]


def judge(point: Point, bench: Bench) -> Verdict:
    """Try one point."""
    lacks = _lacks(point, bench)
    if lacks:
        return Verdict(point=point, outcome=SKIPPED, text=lacks)
    try:
        point.work(bench)
    except NotTried as why:
        return Verdict(point=point, outcome=SKIPPED, text=bench.mask(str(why)), trace=tuple(bench.calls))
    except (Broken, CasemirrorError) as why:
        return Verdict(point=point, outcome=FAILED, text=bench.mask(str(why)), trace=tuple(bench.calls))
    return Verdict(point=point, outcome=PASSED, trace=tuple(bench.calls))


def _lacks(point: Point, bench: Bench) -> str:
    """Why a point is not tried; empty when it is."""
    if point.flag and not getattr(bench.subject.integration, point.flag):
        return f"it does not declare {_FLAG[point.flag]}"
    if bench.remote is not None:
        lacking = [each for each in point.needs if not can(bench.remote, each)]
        return f"the simulator has no {', no '.join(lacking)}" if lacking else ""
    if point in declared.POINTS:
        return ""
    if not point.real:
        return "it needs a simulator"
    return (
        ""
        if bench.may_write or not point.writes
        else "it writes: --may-write ID names an object that may be written to"
    )


_FLAG: Final = {
    "fetch": "isfetch",
    "mappable": "ismappable",
    "mirror_in": "isremotesyncin",
    "mirror_out": "isremotesyncout",
}


def failed(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Those that do not hold."""
    return [verdict for verdict in verdicts if verdict.outcome == FAILED]
