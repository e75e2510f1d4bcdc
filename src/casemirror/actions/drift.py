"""How far all links agree, without calling any remote; and the links that do not, made due at once.

Links are read in pages, so that a fleet of 100,000 needs no more memory than one of 100.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from casemirror.actions import case
from casemirror.actions.permission import require
from casemirror.engine import outbound
from casemirror.engine.app import App
from casemirror.engine.plan import current_dirty, status_unsent
from casemirror.engine.turn import Turn
from casemirror.model.actor import Actor
from casemirror.model.errors import CasemirrorError
from casemirror.model.ids import IncidentId, LinkId
from casemirror.model.link import Link, LinkState
from casemirror.model.plan import Policy
from casemirror.store import agreement, audit, doubts, instances, links, metrics
from casemirror.store.agreement import Pair

PAGE = 500
SWEEP = 9
"""Priority of what is healed: behind everything else."""
WEIGHTS = {
    "held": 50,
    "conflict": 40,
    "orphan": 30,
    "failing": 20,
    "never pulled": 10,
    "unsent": 5,
    "state": 5,
    "entries": 3,
    "queued": 1,
}
"""Kind of disagreement → how bad; the sum orders the worst incidents."""


@dataclass(frozen=True, kw_only=True)
class Apart:
    """A link that does not agree.

    kinds    keys of `WEIGHTS`
    fields   what differs here from what both sides agreed on and was not sent
    """

    incident_id: IncidentId
    link_id: LinkId
    instance: str
    kinds: tuple[str, ...]
    fields: tuple[str, ...] = ()
    entries: int = 0
    reason: str = ""

    @property
    def weight(self) -> int:
        """How bad it is."""
        return sum(WEIGHTS[kind] for kind in self.kinds) + len(self.fields) + self.entries


@dataclass(kw_only=True)
class Tally:
    """The links of one instance: how many there are, how many agree, how many have each kind of disagreement.

    gone   links whose remote object is not there: by what became of it. They neither agree nor disagree
    """

    links: int = 0
    agree: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    gone: Counter[str] = field(default_factory=Counter)

    @property
    def percent(self) -> float:
        """Share that agrees of those that can; without links everything does."""
        return share(self.agree, self.links - self.gone.total())


@dataclass(kw_only=True)
class Drift:
    """The fleet: one tally for each instance, the worst incidents, and how many links were made due (None: not asked for)."""

    instances: dict[str, Tally] = field(default_factory=dict)
    worst: list[Apart] = field(default_factory=list)
    healed: int | None = None
    left: int = 0
    """links that disagree and that only a person, or a new instance, can help"""
    doubted: int = 0
    """entries and objects that were sent again without a proof: they may be there twice (`store.doubts`)"""

    @property
    def total(self) -> Tally:
        """All instances together."""
        whole = Tally()
        for each in self.instances.values():
            whole.links += each.links
            whole.agree += each.agree
            whole.kinds += each.kinds
            whole.gone += each.gone
        return whole


def share(part: int, whole: int) -> float:
    """Percent, rounded down to two digits, so that 100 means all."""
    return int(10_000 * part / whole) / 100 if whole else 100.0


def measure(app: App, actor: Actor, instance: str = "", *, heal: bool = False, worst: int = 10) -> Drift:
    """Look through all links, or those of one instance. Raises NotFound.

    heal   make those that disagree due at once, behind all other work: the next cycle pulls and pushes them
    """
    require(actor, "drift.show")
    if heal:
        require(actor, "drift.heal")
    name = ""
    if instance:
        with app.store.read() as tx:
            name = instances.by_name(tx, instance).name
    found = Drift(healed=0 if heal else None)
    if name:
        found.instances[name] = Tally()
    top: list[tuple[int, int, Apart]] = []
    for pairs, apart in _pages(app, name):
        for pair in pairs:
            tally = found.instances.setdefault(pair.link.instance_name, Tally())
            tally.links += 1
            tally.gone.update([pair.link.remote_state.value] if pair.link.is_gone else [])
        agree = Counter(pair.link.instance_name for pair in pairs if not pair.link.is_gone)
        for each in apart:
            agree[each.instance] -= 1
            found.instances[each.instance].kinds.update(each.kinds)
            top.append((each.weight, -each.link_id, each))
        for which, count in agree.items():
            found.instances[which].agree += count
        top = heapq.nlargest(worst, top)
        if heal:
            links_by_id = {pair.link.id: pair.link for pair in pairs}
            curable = [links_by_id[each.link_id] for each in apart if is_curable(each)]
            found.healed = (found.healed or 0) + _heal(app, actor, curable, name)
            found.left += len(apart) - len(curable)
    found.worst = [each for _, _, each in top]
    with app.store.read() as tx:
        found.doubted = doubts.count(tx, instance_name=name)
    _note(app, found)
    return found


def _note(app: App, found: Drift) -> None:
    """Keep how many links do not agree, for the metrics: measuring it costs a look at every link."""
    with app.store.write() as tx:
        for name, tally in found.instances.items():
            instance = instances.find(tx, name)
            if instance is not None:
                at = app.clock.now().timestamp()
                metrics.put(tx, instance.id, {metrics.DRIFT_LINKS: tally.links - tally.agree, metrics.DRIFT_AT: at})


def _pages(app: App, instance_name: str) -> Iterator[tuple[list[Pair], list[Apart]]]:
    """Each page with its links that disagree. Each is read by a transaction of its own."""
    judge, after = _Judge(app), 0
    while True:
        with app.store.read() as tx:
            pairs = agreement.page(tx, after=after, instance_name=instance_name, size=PAGE)
            if not pairs:
                return
            turns = judge.turns
            for pair in pairs:
                if pair.link.instance_id not in turns:
                    turns[pair.link.instance_id] = case.bystander(tx, app, pair.link)
            waiting = agreement.waiting_entries(tx, pairs, resend=app.settings().flag("mirror.resend.inbound"))
        looked = [judge.look(pair, waiting[pair.link.id]) for pair in pairs]
        yield pairs, [each for each in looked if each is not None]
        after = pairs[-1].link.id


class _Judge:
    """Says of one link after the other whether it agrees; remembers what is the same for many."""

    def __init__(self, app: App) -> None:
        self._now: datetime = app.clock.now()
        self.turns: dict[object, Turn | None] = {}
        self._policies: dict[object, Policy | None] = {}

    def look(self, pair: Pair, waiting: int) -> Apart | None:
        """How the link disagrees; None when it agrees, as far as is known here, or when there is nothing to agree with."""
        link, incident = pair.link, pair.incident
        if link.is_gone:
            return None
        turn, policy = self.turns[link.instance_id], self._policy(pair)
        unsent: tuple[str, ...] = ()
        if policy is not None:
            unsent = tuple(current_dirty(link, incident, policy))
        elif link.direction.outbound:
            unsent = tuple(link.dirty(incident.fields))
        pulls = link.direction.inbound and bool(link.remote_id) and (turn is None or turn.caller.integration.mirror_in)
        tells = policy is not None and policy.outbound and status_unsent(link, incident.status)
        signs = {
            "held": link.state is LinkState.HELD,
            "conflict": bool(link.conflicts),
            "orphan": turn is None,
            "failing": bool(link.tries or link.error_in or link.error_out),
            "never pulled": pulls and link.last_sync_at is None,
            "unsent": bool(unsent),
            "state": tells,
            "entries": waiting > 0 and (policy is None or policy.outbound),
            "queued": link.wanted > link.done,
        }
        kinds = tuple(kind for kind, is_so in signs.items() if is_so)
        if not kinds:
            return None
        return Apart(
            incident_id=link.incident_id,
            link_id=link.id,
            instance=link.instance_name,
            kinds=kinds,
            fields=unsent,
            entries=waiting,
            reason=link.held_reason or link.error_out or link.error_in,
        )

    def _policy(self, pair: Pair) -> Policy | None:
        """What may go out by the link: the same for all links of a direction to an instance, for a type of incident."""
        link, turn = pair.link, self.turns[pair.link.instance_id]
        if turn is None:
            return None
        key = (link.instance_id, link.direction, bool(link.remote_id), pair.incident.type)
        if key not in self._policies:
            try:
                self._policies[key] = outbound.policy_for(turn, link, pair.incident)
            except CasemirrorError:
                self._policies[key] = None  # its outgoing mapper is not installed
        return self._policies[key]


def is_curable(apart: Apart) -> bool:
    """Another cycle can help: nothing in it waits for a person, and its instance is there."""
    return not {"held", "orphan"} & set(apart.kinds) and set(apart.kinds) != {"conflict"}


def _heal(app: App, actor: Actor, found: list[Link], instance: str) -> int:
    """Make links due, and say so in the audit, in one transaction."""
    if not found:
        return 0
    now = app.clock.now()
    with app.store.write() as tx:
        for link in found:
            pulls = link.direction.inbound and bool(link.remote_id)
            links.want(tx, link.id, now, priority=SWEEP, named=pulls, reset=link.tries > 0)
        what = f"instance {instance}" if instance else "all instances"
        audit.add(tx, now, actor.name, "drift.healed", what, {"links": len(found)})
    return len(found)
