"""Long-running integrations: each enabled instance has one process somewhere, which is started again whenever it ends.

The process owns a lane of its own (number 1), so however many servers there are, it runs once; incidents that it creates
are created exactly as a fetch creates them.   Source: MIR-044; mirroring.md §1.4.
"""

from __future__ import annotations

import math
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from casemirror.content.catalog import Catalog
from casemirror.engine import commands, fetch, inbound
from casemirror.engine.app import App, log
from casemirror.engine.lane import why_failed
from casemirror.engine.turn import Turn
from casemirror.model.errors import CasemirrorError, LaneLost
from casemirror.model.ids import InstanceId
from casemirror.model.instance import Instance
from casemirror.model.lane import Lane
from casemirror.model.values import canonical
from casemirror.runtime import wire
from casemirror.runtime.command import HostCalls, Reply, Stop
from casemirror.runtime.wire import entries
from casemirror.store import instances, lanes
from casemirror.store.database import DatabaseFailed, store_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

COMMAND: Final = "long-running-execution"
LOOK_S: Final = 2.0
LEASE_S: Final = 30.0
FIRST_WAIT_S: Final = 2.0
"""Wait before the second start; doubled with each further one."""
LONGEST_WAIT_S: Final = 300.0
STEADY_S: Final = 600.0
"""A process that ran for that long ended for a new reason: the next wait is the first one again."""


def runs_long(instance: Instance, catalog: Catalog) -> bool:
    """The instance should have a process: it is enabled, its integration can, and its checkbox is on."""
    found = catalog.integrations.get(instance.brand)
    return bool(found and found.long_running and instance.enabled and instance.params.get("longRunning") is True)


def mark(tx: Connection, instance: Instance, catalog: Catalog) -> str:
    """A sign of all that a process is started with: when it changes, the process is started again."""
    code = commands.code_of(catalog.integration(instance.brand), catalog).key
    texts = (instance.classifier, instance.mapper_in, code, *instance.egress)
    values = (canonical(dict(instance.params)), canonical(instances.secrets(tx, instance.id)))
    return store_of(tx).keys.mark("\0".join((*texts, *values)))


def _mark(tx: Connection, instance: Instance, catalog: Catalog) -> str:
    """As `mark`; one whose secrets cannot be read has none, and is told so when it starts."""
    try:
        return mark(tx, instance, catalog)
    except CasemirrorError:
        return ""


class Supervisor:
    """Starts, watches and ends the processes of this server."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._runs: dict[InstanceId, Run] = {}

    def look(self) -> None:
        """End what is no longer wanted or was changed, keep the lanes of the rest, start what is missing."""
        wanted = self._wanted()
        for instance_id, run in list(self._runs.items()):
            if run.is_over:
                del self._runs[instance_id]
            elif wanted.get(instance_id) != run.mark or not run.keep_lane():
                run.stop()
        for instance_id in wanted.keys() - self._runs.keys():
            started = self._start(instance_id, wanted[instance_id])
            if started is not None:
                self._runs[instance_id] = started

    def close(self) -> None:
        """End all and wait for them."""
        for run in self._runs.values():
            run.stop()
        for run in self._runs.values():
            run.wait()

    def _wanted(self) -> dict[InstanceId, str]:
        """Instances that should have a process, and a mark of all that it is started with."""
        with self._app.store.read() as tx:
            catalog = self._app.library.catalog(tx)
            return {each.id: _mark(tx, each, catalog) for each in instances.list_all(tx) if runs_long(each, catalog)}

    def _start(self, instance_id: InstanceId, mark: str) -> Run | None:
        with self._app.store.write() as tx:
            lane = lanes.acquire_long(tx, instance_id, self._app.executor, LEASE_S, self._app.clock.now())
            if lane is None:
                return None
            lane = lanes.save(tx, lane, last_poll_at=self._app.clock.now(), fetch_error="")
            instance = instances.load(tx, instance_id)
        try:
            run = Run(Turn(caller=commands.caller(self._app, instance), lane=lane), mark)
        except CasemirrorError as error:
            self._cannot_start(instance, lane, error)
            return None
        run.start()
        return run

    def _cannot_start(self, instance: Instance, lane: Lane, error: CasemirrorError) -> None:
        """This one waits; the others are looked after all the same."""
        until = self._app.clock.now() + timedelta(seconds=LONGEST_WAIT_S)
        with self._app.store.write() as tx:
            lanes.release(tx, lanes.save(tx, lane, last_error=error.message, not_before=until))
        log.warning("long_run.cannot_start", instance=instance.name, reason=error.message)


class Run:
    """One process of one instance, and the thread that listens to it; `mark` is what it was started with."""

    def __init__(self, turn: Turn, mark: str) -> None:
        self.mark = mark
        self._turn, self._stop, self._lane = turn, Stop(), turn.lane
        self._app = turn.app
        self._thread = threading.Thread(target=self._run, name=f"long {turn.instance.name}", daemon=True)

    @property
    def instance(self) -> Instance:
        """The instance as it was when the process started."""
        return self._turn.instance

    @property
    def is_over(self) -> bool:
        """The process ended and its lane was given back."""
        return not self._thread.is_alive()

    def start(self) -> None:
        """Start it."""
        self._thread.start()

    def stop(self) -> None:
        """Kill it."""
        self._stop.ask()

    def wait(self) -> None:
        """Wait until it ended."""
        self._thread.join()

    def keep_lane(self) -> bool:
        """Renew the lease; False when another server owns the lane now."""
        try:
            with self._app.store.write() as tx:
                lanes.renew(tx, self._lane, LEASE_S)
        except LaneLost:
            return False
        return True

    def _run(self) -> None:
        turn, name = self._turn, self.instance.name
        log.info("long_run.started", instance=name)
        began = self._app.clock.now()
        try:
            reply = turn.caller.run(
                COMMAND,
                {},
                timeout_s=math.inf,
                also=HostCalls(create_incidents=self._create, tell_health=self._tell_health),
                stop=self._stop,
            )
            reply.discard()
            reason = why_ended(reply)
        except CasemirrorError as error:
            reason = error.message
        except Exception as error:
            log.exception("long_run.failed", instance=name)
            reason = f"internal error: {type(error).__name__}"
        self._ended(began, "" if self._stop.asked else reason)

    def _ended(self, began: datetime, reason: str) -> None:
        """Give the lane back; after an end that nobody asked for it is started again by and by."""
        now = self._app.clock.now()
        tries = 0 if (now - began).total_seconds() >= STEADY_S else self._lane.failed_in
        wait_s = min(FIRST_WAIT_S * 2.0 ** min(tries, 20), LONGEST_WAIT_S) if reason else 0.0
        columns = {
            "last_error": reason,
            "not_before": now + timedelta(seconds=wait_s),
            "failed_in": tries + bool(reason),
        }
        if reason:
            log.warning("long_run.ended", instance=self.instance.name, reason=reason[:500], starts_again_in_s=wait_s)
        try:
            with self._app.store.write() as tx:
                lanes.release(tx, lanes.save(tx, self._lane, **columns))
        except LaneLost as error:
            log.warning("lane.lost", lane=self._lane.id, reason=error.message)
        except DatabaseFailed as error:  # the lease runs out by itself
            log.warning("database.failed", lane=self._lane.id, reason=why_failed(error))

    def _create(self, raws: list[dict[str, Any]], last_run: Any, folder: Path) -> list[dict[str, Any]]:
        """`demisto.createIncidents`: incidents and lastRun in one transaction. Raises ValueError, which the integration gets."""
        started = self._app.clock.now()
        try:
            # mappers, policies and settings as they are now: the process may have started days ago
            turn = replace(self._turn, caller=commands.caller(self._app, self.instance))
            prepared = [fetch.prepare(turn, raw) for raw in raws if not fetch.closes_cycle(turn, raw)]
            files = [inbound.attachments(turn, new.attachments, folder) for new in prepared]
            with turn.write() as tx:
                made = [fetch.create(turn, tx, n, f, started) for n, f in zip(prepared, files, strict=True)]
                if last_run is not None:
                    instances.save_last_run(tx, turn.instance.id, last_run)
        except CasemirrorError as error:
            raise ValueError(error.message) from error
        created = [incident for incident in made if incident is not None]
        log.info("fetch.finished", instance=turn.instance.name, created=len(created), told=len(raws))
        return [wire.incident_json(incident, None) for incident in created]

    def _tell_health(self, text: str) -> None:
        """`demisto.updateModuleHealth`: what the process says of itself; empty: all is well."""
        with self._turn.write() as tx:
            self._turn.note(tx, fetch_error=text[:2000])


def why_ended(reply: Reply) -> str:
    """Why a process ended that should not have: its error, or that it simply returned."""
    said = reply.error.strip().splitlines()
    entry = next((result for result in reply.results if entries.is_error(result)), None)
    if entry is not None:
        return entries.text_of(entry)[:2000]
    return said[-1] if said else f"{COMMAND} returned"
