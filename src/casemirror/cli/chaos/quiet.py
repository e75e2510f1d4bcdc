"""Wait until nothing is on its way any more."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from sqlalchemy.exc import DBAPIError

from casemirror.actions import case, mirror
from casemirror.actions import settings as setting_actions
from casemirror.cli.chaos.ledger import Ledger
from casemirror.cli.chaos.stage import Stage
from casemirror.engine.plan import may_go
from casemirror.engine.poll import NAMED
from casemirror.model.link import Link, LinkState
from casemirror.store import entries, incidents, instances, lanes, links

LOOK_S: Final = 0.4
BEHIND: Final = 60
"""Links with work left, above which people rest."""
REST_S: Final = 20.0
POLLS: Final = 2


@dataclass
class Standstill:
    """How long the lane of each instance stood still at most: `look` now and then."""

    stage: Stage
    ledger: Ledger
    polled: dict[str, tuple[datetime | None, float]] = field(default_factory=dict)
    looked: float = 0.0

    def look(self) -> None:
        """Look, at most once a second."""
        now = time.monotonic()
        if now < self.looked + 1.0:
            return
        self.looked = now
        with self.stage.app.store.read() as tx:
            at = {i.name: lanes.of_instance(tx, i.id).last_poll_at for i in instances.list_all(tx)}
        for name, polled in at.items():
            known, since = self.polled.get(name, (None, now))
            self.polled[name] = (polled, now if polled != known else since)
            self.ledger.still_s[name] = max(self.ledger.still_s.get(name, 0.0), now - since)


@dataclass
class Backlog:
    """Whether casemirror is so far behind the people that they rest; it depends on the machine, not on the seed."""

    stage: Stage
    is_long: bool = False
    looked: float = 0.0
    since: float = 0.0

    def look(self) -> bool:
        """Say whether people rest now: at most `REST_S` in a row, for a lane may stand still because of a fault."""
        now = time.monotonic()
        if now >= self.looked + 1.0:
            self.looked, was_long = now, self.is_long
            with self.stage.app.store.read() as tx:
                self.is_long = sum(links.due_count(tx, i.id) for i in instances.list_all(tx)) > BEHIND
            self.since = self.since if was_long and self.is_long else now
        return self.is_long and now < self.since + REST_S


@dataclass
class Watch:
    """How often each instance was polled and fetched since the watch began."""

    stage: Stage
    ledger: Ledger
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    polls: dict[str, set[datetime]] = field(default_factory=dict)
    fetches: dict[str, set[datetime]] = field(default_factory=dict)

    def wait(self, limit_s: float) -> list[str]:
        """Wait for quiet, as long as things move: what is on its way must become less within `limit_s`, however slow the
        machine is. Returns what is on its way when it does not.
        """
        busy, least, ends = ["nobody has looked yet"], math.inf, time.monotonic() + limit_s
        while busy and time.monotonic() < ends:
            self.stage.fleet.keep_up()
            try:
                busy = self.busy()
            except DBAPIError as error:
                busy = [f"the database: {str(error)[:100]}"]
            if len(busy) < least:
                least, ends = len(busy), time.monotonic() + limit_s
            if busy:
                time.sleep(LOOK_S)
        return busy

    def busy(self) -> list[str]:
        """What is due, unsent, or not looked at twice yet."""
        found = self._lanes()
        with self.stage.app.store.read() as tx:
            all_ = [
                link for incident in incidents.find(tx, limit=100_000) for link in links.of_incident(tx, incident.id)
            ]
            for link in all_:
                if link.state is not LinkState.ACTIVE or link.remote_id in self.ledger.deleted:
                    continue
                incident = incidents.load(tx, link.incident_id)
                name = f"incident {link.incident_id} to {link.instance_name}"
                if link.wanted > link.done and not self._is_named_again(link):
                    found.append(f"{name} is due ({link.error_out or link.error_in or 'no error'})")
                unsent = entries.unsent(tx, link)
                if any(may_go(entry, incident, incident.status) for entry in unsent):
                    found.append(f"{name} has unsent entries")
                dirty = case.state_of(case.bystander(tx, self.stage.app, link), link, incident, 0).current
                if dirty:
                    found.append(f"{name} has unsent fields {', '.join(dirty)}")
        return found

    def _is_named_again(self, link: Link) -> bool:
        """A poll named it, and it was pulled since the watch began: a system whose clock is ahead names what changed for as
        long as its clock is ahead, and each time it is pulled.
        """
        looked = link.last_sync_at is not None and link.last_sync_at > self.began
        return link.priority >= NAMED and not link.tries and looked

    def _lanes(self) -> list[str]:
        found = []
        with self.stage.app.store.read() as tx:
            for instance in instances.list_all(tx):
                lane = lanes.of_instance(tx, instance.id)
                polls = self.polls.setdefault(instance.name, set())
                fetches = self.fetches.setdefault(instance.name, set())
                polls |= {at for at in (lane.cursor_at,) if at and at > self.began}
                fetches |= {at for at in (lane.next_fetch_at,) if at and at > self.began}
                if not lane.held_reason and len(polls) < POLLS and links.inbound_count(tx, instance.id):
                    reason = lane.not_before_reason or lane.in_not_before_reason
                    waits = f" (waits: {reason[:80]})" if reason else ""
                    found.append(f"{instance.name} was polled {len(polls)} times{waits}")
                if not lane.held_reason and len(fetches) < POLLS + 2:
                    found.append(f"{instance.name} has not fetched twice")
        return found


def sweep(stage: Stage, ledger: Ledger, limit_s: float) -> list[str]:
    """Have every link pulled once more whatever the polls said, as the daily sweep does; wait for quiet again."""
    began = datetime.now(UTC)
    setting_actions.put(stage.app, stage.me, "mirror.reconcile", "2")
    ends = time.monotonic() + limit_s
    while time.monotonic() < ends and not _all_looked_at(stage, ledger, began):
        stage.fleet.keep_up()
        time.sleep(LOOK_S)
    setting_actions.reset(stage.app, stage.me, "mirror.reconcile")
    return Watch(stage, ledger).wait(max(10.0, ends - time.monotonic()))


def _all_looked_at(stage: Stage, ledger: Ledger, since: datetime) -> bool:
    for row in mirror.records(stage.app, stage.me, limit=100_000):
        if row["dbotMirrorId"] in ledger.deleted:
            if not row["lastErrorIn"]:
                return False
        elif row["state"] in ("active", "closed") and datetime.fromisoformat(row["dbotMirrorLastSync"]) < since:
            return False
    return True
