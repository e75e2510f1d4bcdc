"""What is wrong, from what people did and what is there. Pure.

Wrong is: a ticket without incident or with two; two tickets for one incident; a field that differs and nothing says why; a
comment or file that is not there exactly once; something that was sent back to where it came from.

Not wrong but counted: what the page of known flaws and the contract allow, each with its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from casemirror.cli.chaos.ledger import HERE, Ledger, Said, origins
from casemirror.cli.chaos.world import (
    FILE_END,
    MIRRORED,
    PRIORITIES,
    CaseSeen,
    Delivery,
    EntrySeen,
    LinkSeen,
    TicketSeen,
    World,
)
from casemirror.simulators.common.writes import Write

US: Final = "casemirror"
"""User name by which casemirror writes on the other systems."""
LOOKED_BEFORE_S: Final = 15.0
"""A repeated write looked for the first one at most that long before it wrote."""


@dataclass(frozen=True, kw_only=True)
class Violation:
    """Something that must not be.

    case     number of the incident; 0: none is known
    tickets  sys_ids that it is about
    word     token or field that it is about: what the history looks for
    """

    kind: str
    text: str
    case: int = 0
    tickets: tuple[str, ...] = ()
    word: str = ""


@dataclass(kw_only=True)
class Verdict:
    """What was found; counted: allowed deviations by their reason; compared: how much was looked at."""

    violations: list[Violation] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)
    compared: int = 0


def judge(world: World, ledger: Ledger) -> Verdict:
    """Look at everything."""
    verdict = Verdict()
    verdict.violations += tickets(world, ledger, verdict)
    verdict.violations += fields(world, ledger, verdict)
    verdict.violations += words(world, ledger, verdict)
    verdict.violations += echoes(world)
    for instance, reason in world.lanes_held.items():
        verdict.counted[f"lane of {instance} stopped and asks: {reason}"] += 1
    return verdict


def tickets(world: World, ledger: Ledger, verdict: Verdict) -> Iterator[Violation]:
    """Each ticket has one incident, each link one ticket that nobody else has."""
    linked = Counter(link.remote_id for case in world.cases for link in case.links if link.remote_id)
    for sys_id, count in linked.items():
        if count > 1:
            yield Violation(kind="incident doubled", text=f"ticket {sys_id} has {count} links", tickets=(sys_id,))
    for system, sys_id in ledger.made:
        verdict.compared += 1
        if not linked[sys_id] and sys_id in world.tickets:
            yield Violation(kind="ticket lost", text=f"{system} {sys_id} was not fetched", tickets=(sys_id,))
    for case in world.cases:
        for link in case.links:
            if not link.remote_id and not _said_why(link, verdict):
                text = f"incident {case.id} has no ticket in {link.system}: {link.errors or 'nothing says why'}"
                yield Violation(kind="ticket lost", text=text, case=case.id)
    yield from _doubled_tickets(world, ledger, linked, verdict)


def _doubled_tickets(world: World, ledger: Ledger, linked: Counter[str], verdict: Verdict) -> Iterator[Violation]:
    for system, log in world.writes.items():
        made = [w for w in log if w.verb == "create" and w.by == US]
        by_reference: dict[str, list[Write]] = {}
        for write in made:
            by_reference.setdefault(write.values.get("correlation_id", write.sys_id), []).append(write)
        for reference, found in by_reference.items():
            ids = tuple(w.sys_id for w in found)
            case = next((c.id for c in world.cases if any(k.remote_id in ids for k in c.links)), 0)
            if len(found) > 1 and any(i in ledger.deleted for i in ids[:-1]):
                verdict.counted["ticket made again: people deleted it before casemirror knew of it"] += 1
            elif len(found) > 1:
                text = f"{system}: {len(found)} tickets made for {reference}, {found[-1].at - found[0].at:.1f} s apart"
                yield Violation(kind="ticket doubled", text=text, case=case, tickets=ids)
            elif not linked[ids[0]] and ids[0] in world.tickets:
                text = f"{system}: ticket {ids[0]} was made and no link knows it"
                yield Violation(kind="ticket lost", text=text, case=case, tickets=ids)


def _said_why(link: LinkSeen, verdict: Verdict) -> bool:
    """A held link says why its sides differ."""
    if link.held:
        verdict.counted[f"link held: {link.held[:60]}"] += 1
    return bool(link.held)


def fields(world: World, ledger: Ledger, verdict: Verdict) -> Iterator[Violation]:
    """Each mirrored field and the state is the same on both ends of each link, or something says why not."""
    for case in world.cases:
        for link in case.links:
            ticket = world.tickets.get(link.remote_id)
            if ticket is None:
                yield from _gone(case, link, ledger, verdict)
            elif not _said_why(link, verdict):
                yield from _differences(case, link, ticket, verdict)


def _gone(case: CaseSeen, link: LinkSeen, ledger: Ledger, verdict: Verdict) -> Iterator[Violation]:
    if link.remote_id in ledger.deleted:
        verdict.counted["ticket deleted" + ("" if link.errors else ", and nobody has looked since")] += 1
    elif link.remote_id:
        text = f"incident {case.id}: ticket {link.remote_id} is gone from {link.system}, nobody deleted it"
        yield Violation(kind="ticket lost", text=text, case=case.id, tickets=(link.remote_id,))


def _differences(case: CaseSeen, link: LinkSeen, ticket: TicketSeen, verdict: Verdict) -> Iterator[Violation]:
    pairs: dict[str, tuple[object, object]] = {"closed": (case.closed, ticket.closed)}
    for name, column in MIRRORED.items():
        pairs[name] = (_here(name, case.fields.get(name)), _there(name, ticket.columns.get(column, "")))
    for name, (ours, theirs) in pairs.items():
        verdict.compared += 1
        if ours == theirs:
            continue
        if name in link.conflicts:
            verdict.counted["open conflict"] += 1
            continue
        text = f"incident {case.id}, {name}: {ours!r} here, {theirs!r} in {link.system}"
        yield Violation(kind="field differs", text=text, case=case.id, tickets=(link.remote_id,), word=name)


def _here(name: str, value: object) -> object:
    if name == "snowstate":
        return str(value or "").partition(" - ")[0]
    return float(str(value or 0)) if name == "severity" else str(value or "")


def _there(name: str, value: str) -> object:
    return PRIORITIES.get(value, 0.0) if name == "severity" else value


def words(world: World, ledger: Ledger, verdict: Verdict) -> Iterator[Violation]:
    """Each comment and file is in its war room once, and once in each ticket that it is meant for."""
    for said in ledger.said:
        if said.where != HERE and said.case not in world.tickets and said.case in ledger.deleted:
            verdict.counted["said in a ticket that was deleted"] += 1
            continue
        case = world.case_of(said.where, said.case)
        if case is None:
            continue  # its ticket was not fetched, which is told above
        found = [entry for entry in case.entries if _holds(entry, said)]
        if not found and not said.sure:
            continue
        verdict.compared += 1
        if len(found) != 1:
            kind = f"{said.what} {'doubled' if found else 'lost'}"
            text = f"{said.token} of {said.where} is {len(found)} times in incident {case.id}"
            yield Violation(kind=kind, text=text, case=case.id, tickets=_ids(case), word=said.token)
        if found:
            yield from _arrivals(world, ledger, verdict, said, case, found[0])


def _ids(case: CaseSeen) -> tuple[str, ...]:
    return tuple(link.remote_id for link in case.links if link.remote_id)


def _holds(entry: EntrySeen, said: Said) -> bool:
    if entry.is_file != (said.body is not None):
        return False
    return said.token in entry.text if said.body is None else (entry.text, entry.body) == (name_of(said), said.body)


def name_of(said: Said) -> str:
    """File name: the token without what no file system likes."""
    return said.token.strip("<>") + FILE_END


def _arrivals(
    world: World, ledger: Ledger, verdict: Verdict, said: Said, case: CaseSeen, entry: EntrySeen
) -> Iterator[Violation]:
    for link in case.links:
        ticket = world.tickets.get(link.remote_id)
        if ticket is None or link.held or entry.link == link.id:
            continue
        verdict.compared += 1
        count = _count(ticket, said)
        way = entry.ways.get(link.id, Delivery(state=""))
        what = f"{said.token} of {said.where} is {count} times in {link.system}, ticket of incident {case.id}"
        about = {"case": case.id, "tickets": (link.remote_id,), "word": said.token}
        if count == 0 and entry.may_go:
            yield Violation(kind=f"{said.what} lost", text=f"{what} (delivery: {way.state or 'none'})", **about)  # type: ignore[arg-type]
        elif count == 0:
            verdict.counted["said after the incident was closed: not sent (MIR-174)"] += 1
        elif count > 1 and _uncertain(world, ledger, link, said, way):
            verdict.counted[f"{said.what} doubled: outcome unknown, and the first one not in the late index yet"] += 1
        elif count > 1:
            yield Violation(kind=f"{said.what} doubled", text=f"{what} ({way.attempts} attempts)", **about)  # type: ignore[arg-type]


def _count(ticket: TicketSeen, said: Said) -> int:
    if said.body is None:
        return sum(said.token in text for _, text in ticket.comments)
    return sum((name, body) == (name_of(said), said.body) for name, body in ticket.files)


def _uncertain(world: World, ledger: Ledger, link: LinkSeen, said: Said, way: Delivery) -> bool:
    """It was sent again after an outcome that nobody saw, and could not be found: the list that shows it was late."""
    times = [w.at for w in world.writes.get(link.system, ()) if w.sys_id == link.remote_id and _carries(w, said)]
    return way.attempts > 1 and all(
        0.0 < again - first < LOOKED_BEFORE_S + lag and lag > 0
        for first, again in zip(times, times[1:], strict=False)
        for lag in [ledger.late(link.system, again - LOOKED_BEFORE_S, again)]
    )


def _carries(write: Write, said: Said) -> bool:
    word = said.token if said.body is None else name_of(said)
    return write.by == US and any(word in value for value in write.values.values())


def echoes(world: World) -> Iterator[Violation]:
    """Nothing of a system's own people is ever written to it again by casemirror."""
    cases = {link.remote_id: case.id for case in world.cases for link in case.links if link.remote_id}
    for system, log in world.writes.items():
        for write in log:
            if write.by != US:
                continue
            for column, value in write.values.items():
                text = f"<{value.removesuffix(FILE_END)}>" if column == "file_name" else value
                if column in ("close_notes",) or system not in origins(text):
                    continue
                what = f"{column} {value[:80]!r} was sent back to {system} ({write.verb})"
                yield Violation(
                    kind="echo", text=what, case=cases.get(write.sys_id, 0), tickets=(write.sys_id,), word=value
                )
