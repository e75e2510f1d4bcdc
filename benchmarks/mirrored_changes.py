"""Mirrored changes per second, one lane, at 0, 20 and 100 ms remote latency; prints ratios measured in one run.

Inbound: a burst of tickets changed on the ServiceNow simulator, applied here. Outbound: a burst of incidents edited
here, written there. The engine, the runtime and the pack are the real ones; the latency is added by the simulator to
every call.

Usage: python benchmarks/mirrored_changes.py [TICKETS]
"""

from __future__ import annotations

import logging
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import structlog

import casemirror
from casemirror.content import params
from casemirror.content.loading import load
from casemirror.engine import lane, presence
from casemirror.engine.app import App
from casemirror.model.clock import SystemClock
from casemirror.model.ids import LaneId
from casemirror.runtime.pool import ProcessRuntime
from casemirror.simulators.servicenow import ServiceNowSimulator
from casemirror.store import content_items, incidents, instances, links, settings
from casemirror.store.database import Store
from casemirror.store.keys import KeyRing

PACKS = Path(casemirror.__file__).parent / "packs"


@dataclass
class Bench:
    """One casemirror with one ServiceNow instance."""

    app: App
    lane_id: LaneId
    simulator: ServiceNowSimulator

    def drain(self) -> None:
        """Work until nothing is due."""
        with presence.Presence(self.app):
            while lane.drain(self.app, self.lane_id):
                pass

    def inbound(self, tickets: list[str], text: str) -> float:
        """Seconds from a burst of remote changes, already polled, until all are applied here."""
        for sys_id in tickets:
            self.simulator.update(sys_id, description=text)
        with self.app.store.write() as tx:
            for sys_id in tickets:
                for link in links.by_remote(tx, self.lane_id.split("/")[0], sys_id):
                    links.want(tx, link.id, self.app.clock.now(), priority=5, named=True)
        return self._timed()

    def outbound(self, count: int, text: str) -> float:
        """Seconds from a burst of local edits until all are written there."""
        now = self.app.clock.now()
        with self.app.store.write() as tx:
            for incident in incidents.find(tx, limit=count):
                incidents.save(tx, incident.id, incident.version, now=now, fields={"details": text})
                links.want_incident(tx, incident.id, now)
        return self._timed()

    def _timed(self) -> float:
        began = time.perf_counter()
        self.drain()
        return time.perf_counter() - began


def build(folder: Path, simulator: ServiceNowSimulator) -> Bench:
    """Open a store, install our ServiceNow pack, add the instance."""
    clock = SystemClock()
    store = Store.open(folder / "casemirror.db", folder / "files", clock, KeyRing.load(folder / "key"))
    store.migrate()
    app = App(store=store, runtime=ProcessRuntime(folder / "work"), clock=clock, executor=presence.executor_name())
    with store.write() as tx:
        content_items.install(tx, load(PACKS / "CasemirrorServiceNow")[0], clock.now())
        settings.put(tx, "mirror.push.freshness", "3600")
        settings.put(tx, "sync.mirror.job.delay", "60")
        integration = app.library.catalog(tx).integration("casemirror ServiceNow")
        given = {
            "url": simulator.url,
            "credentials.identifier": "casemirror",
            "credentials.password": "casemirror",
            "isFetch": "true",
            "max_fetch": "1000",
            "mirror_direction": "Incoming And Outgoing",
        }
        plain, secret = params.split(integration, params.check(integration, given))
        instance = instances.add(
            tx,
            "snow",
            integration.id,
            clock.now(),
            params=plain,
            secrets=secret,
            classifier=integration.default_classifier,
            mapper_in=integration.default_mapper_in,
            mapper_out=integration.default_mapper_out,
        )
    return Bench(app=app, lane_id=LaneId(f"{instance.id}/0"), simulator=simulator)


def main() -> None:
    """Measure and print."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    with tempfile.TemporaryDirectory() as name, ServiceNowSimulator() as simulator:
        tickets = [simulator.create("incident", short_description=f"t{n}")["sys_id"] for n in range(count)]
        bench = build(Path(name), simulator)
        bench.drain()
        rates = {}
        for latency_ms in (0, 20, 100):
            simulator.set_faults(slow_s=latency_ms / 1000)
            inbound = count / bench.inbound(tickets, f"in {latency_ms}")
            outbound = count / bench.outbound(count, f"out {latency_ms}")
            rates[latency_ms] = (inbound, outbound)
            print(f"latency {latency_ms:3d} ms   inbound {inbound:6.1f} changes/s   outbound {outbound:6.1f} changes/s")
        for way, index in (("inbound", 0), ("outbound", 1)):
            ratio = rates[0][index] / rates[100][index]
            print(f"{way}: {ratio:.1f} times slower at 100 ms than at 0 ms")
        bench.app.runtime.close()
        bench.app.store.close()


if __name__ == "__main__":
    main()
