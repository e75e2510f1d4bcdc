"""The table of a run, and the history of what is wrong."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from casemirror.cli.chaos.ledger import TOKEN, Ledger
from casemirror.cli.chaos.oracle import US, Verdict, Violation
from casemirror.cli.chaos.stage import Stage
from casemirror.cli.chaos.world import FILE_END, CaseSeen, World
from casemirror.store import decisions
from casemirror.store import links as link_store

if TYPE_CHECKING:
    from rich.table import Table

    from casemirror.model.ids import IncidentId

MOST_LINES: Final = 60
"""A history's length; what is longer is cut in its middle."""
AROUND_S: Final = 4.0
"""Lines of the log and faults that long before and after something that concerns the word are shown."""

Line = tuple[float, str, str]


def table(stage: Stage, ledger: Ledger, world: World, verdict: Verdict, healed: int) -> Table:
    """Counts of everything."""
    from rich import box
    from rich.table import Table

    drawn = Table(box=box.SIMPLE, show_header=False, pad_edge=False)
    drawn.add_column()
    drawn.add_column(justify="right")
    for name, value in _rows(stage, ledger, world, verdict, healed):
        drawn.add_row(name, value)
    return drawn


def _rows(stage: Stage, ledger: Ledger, world: World, verdict: Verdict, healed: int) -> Iterator[tuple[str, str]]:
    def group(title: str, counts: Counter[str]) -> Iterator[tuple[str, str]]:
        yield title, str(counts.total())
        yield from ((f"  {name}", str(count)) for name, count in sorted(counts.items()) if count)

    yield from group("done by people", ledger.done)
    yield from group("refused to people", ledger.refused)
    yield from group("faults", ledger.faults)
    struck: Counter[str] = Counter()
    for simulator in stage.simulators.values():
        struck += simulator.instance.box.struck
    yield from group("calls that met a fault", struck)
    for name, simulator in stage.simulators.items():
        state = simulator.state()
        yield f"calls to {name}", str(sum(state["requests"].values()))
        yield f"writes by casemirror in {name}", str(sum(w.by == US for w in world.writes[name]))
    yield from group("errors logged by casemirror", Counter(stage.fleet.errors()))
    lags = sorted(lags_s(ledger, world))
    yield "arrivals of comments, files and texts on another side", str(len(lags))
    if lags:
        yield "half of them within", f"{statistics.median(lags):.1f} s"
        yield "nine of ten within", f"{lags[int(len(lags) * 0.9)]:.1f} s"
    yield from ((f"longest time without a poll of {name}", f"{at:.0f} s") for name, at in ledger.still_s.items())
    yield "compared", str(verdict.compared)
    yield from group("allowed and counted", verdict.counted)
    yield "healed by the sweep only", str(healed)
    yield "violations", str(len(verdict.violations))


def lags_s(ledger: Ledger, world: World) -> Iterator[float]:
    """From when a person wrote something until it was there on another side, seconds."""
    born: dict[str, float] = {}
    for event in ledger.events:
        for found in TOKEN.finditer(event.what.replace(".bin", ">")):
            born.setdefault(found[0], event.at)
    for said in ledger.said:
        born.setdefault(said.token, said.at)
    for case in world.cases:
        for entry in case.entries:
            if entry.link is not None:
                yield from _lag(born, entry.text, entry.at, entry.is_file)
    for log in world.writes.values():
        seen: set[tuple[str, str]] = set()
        for write in log:
            for value in write.values.values() if write.by == US else ():
                if (write.sys_id, value) not in seen:
                    seen.add((write.sys_id, value))
                    yield from _lag(born, value, write.at, write.verb == "attach")


def _lag(born: dict[str, float], text: str, at: float, is_file: bool) -> Iterator[float]:
    tokens = [f"<{text.partition('.')[0]}>"] if is_file else [found[0] for found in TOKEN.finditer(text)]
    yield from (at - born[token] for token in tokens if token in born)


def history(stage: Stage, ledger: Ledger, world: World, wrong: Violation) -> list[str]:
    """What happened around a violation, in order: people, casemirror's writes, decisions and log lines, faults."""
    case = next((c for c in world.cases if c.id == wrong.case), None)
    ids = {*wrong.tickets, *(link.remote_id for link in case.links if link.remote_id)} if case else {*wrong.tickets}
    names = {str(wrong.case), *ids}
    told = [*_people(ledger, names, wrong), *_writes(world, ids, wrong), *_arrivals(case, wrong)]
    told += _decisions(stage, case, wrong)
    moments = [at for at, *_ in told]
    near = [line for line in (*_log(stage, case), *_faults(ledger)) if _is_near(line[0], moments)]
    lines = _told_once(sorted({*told, *near}))
    if len(lines) > MOST_LINES:
        cut = len(lines) - MOST_LINES
        lines = [*lines[: MOST_LINES // 2], f"… {cut} lines …", *lines[-MOST_LINES // 2 :]]
    state = (
        [f"now: {link.system} {link.remote_id} {link.held} {link.errors}".rstrip() for link in case.links]
        if case
        else []
    )
    return lines + state


def _told_once(lines: list[Line]) -> list[str]:
    """As text; what is said again and again only the first time, with its count."""
    texts: dict[tuple[str, str], list[float]] = {}
    for at, where, what in lines:
        texts.setdefault((where, what), []).append(at)
    firsts = sorted((times[0], where, what, len(times)) for (where, what), times in texts.items())
    return [
        f"{_clock(at)} {where:<10} {what}" + (f" ({count} times)" if count > 1 else "")
        for at, where, what, count in firsts
    ]


def _is_near(at: float, moments: list[float]) -> bool:
    return any(abs(at - moment) <= AROUND_S for moment in moments)


def _concerns(text: str, wrong: Violation) -> bool:
    """The text is about the word: a token, a field under any of its names, or everything when there is none."""
    fields = {"name": "short_description", "details": "description", "severity": "impact", "closed": "state"}
    fields |= {"snowcategory": "category", "snowstate": "state", "snowclosecode": "close", "snowclosenotes": "close"}
    word = wrong.word.strip("<>")
    closes = wrong.word in ("closed", "snowstate", "snowclosecode", "snowclosenotes")
    wanted = [word, fields.get(word, word), *(["closed", "merged", "reopened", "status"] if closes else [])]
    return not word or any(w in text for w in wanted)


def _people(ledger: Ledger, names: set[str], wrong: Violation) -> Iterator[Line]:
    for event in ledger.events:
        always = event.what.startswith(("ticket made", "incident made", "linked", "deleted"))
        if event.case in names and (always or _concerns(event.what, wrong)):
            yield event.at, event.where, f"{event.what} [{event.case[:8]}]"


def _writes(world: World, ids: set[str], wrong: Violation) -> Iterator[Line]:
    for system, log in world.writes.items():
        for write in log:
            if (
                write.sys_id in ids
                and write.by == US
                and (write.verb == "create" or _concerns(str(write.values), wrong))
            ):
                said = f"{write.verb} by casemirror {dict(write.values)} [{write.sys_id[:8]}]"
                yield write.at, system, said[:300] + ("" if write.changed else " (no change)")


def _arrivals(case: CaseSeen | None, wrong: Violation) -> Iterator[Line]:
    names = {link.id: link.system for link in case.links} if case else {}
    token = wrong.word.strip("<>").removesuffix(FILE_END)
    for entry in case.entries if case and token else ():
        if token not in entry.text:
            continue
        yield entry.at, "here", f"entry written; it came from {names.get(entry.link or 0, 'here')}"
        for link, way in entry.ways.items():
            to = names.get(link, f"link {link}")
            if way.begun:
                yield way.begun, "here", f"first call that carries it to {to} begins"
            if way.sent:
                yield way.sent, "here", f"taken for sent to {to}, after {way.attempts} calls"


def _decisions(stage: Stage, case: CaseSeen | None, wrong: Violation) -> Iterator[Line]:
    if case is None or wrong.kind != "field differs":
        return
    number: IncidentId = case.id  # type: ignore[assignment]
    with stage.app.store.read() as tx:
        names = {link.id: link.instance_name for link in link_store.of_incident(tx, number)}
        for row in decisions.list_for(tx, number, limit=1000):
            if wrong.word == row["field"]:
                values = ", ".join(f"{side} {row[side]!r}" for side in ("base", "local", "remote"))
                yield (
                    row["at"].timestamp(),
                    "decision",
                    f"{names.get(row['link_id'])} {row['field']}: {row['rule']}; {values}",
                )


def _log(stage: Stage, case: CaseSeen | None) -> Iterator[Line]:
    for line in list(stage.fleet.lines):
        if line.get("incident") == (case.id if case else 0) or line.get("level") in ("error", "critical"):
            shown = {k: v for k, v in line.items() if k not in ("at", "timestamp", "process", "level", "incident")}
            text = " ".join(f"{k}={_short(v)}" for k, v in shown.items())
            yield line["at"], str(line["process"]), text


def last_errors(stage: Stage) -> list[str]:
    """The end of what casemirror logged as errors, and of what it said outside its log."""
    found: list[Line] = []
    for line in list(stage.fleet.lines):
        if line.get("level") in ("error", "critical"):
            text = f"{line.get('event')} {_short(line.get('exception', ''))}"
        elif " ERROR]" in str(line.get("text")):
            text = str(line["text"])
        else:
            continue
        found.append((line["at"], str(line["process"]), text))
    return _told_once(found)[-MOST_LINES // 4 :]


def _short(value: Any) -> str:
    """A text in one line: of a traceback the error."""
    lines = [line for line in str(value).strip().splitlines() if not line.startswith("(Background")]
    return (lines or [""])[-1][:160]


def _faults(ledger: Ledger) -> Iterable[Line]:
    return [(e.at, e.where, e.what) for e in ledger.events if e.where in ("fault", "casemirror")]


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S.%f")[:-3]
