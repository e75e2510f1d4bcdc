"""Who works off which lane, and when: DBOS Transact behind one module.

The truth is in our tables; DBOS only carries "lane L has something to do" to exactly one worker. Everything it runs is
at-least-once, and the lane's lease and epoch make a double run harmless (design §5).

Threads: `beat` says that this process lives, `look` enqueues lanes that have something to do, `reap` resumes what a dead
process or a failed database left behind and clears what is done, `tidy` forgets what was kept long enough, `long` minds
long-running processes; `later` runs commands that asked to be run again; `watch` and `tell` are those of `engine.health`.   Source: docs/decisions/0002.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from dbos import DBOS, DBOSPortableJSONSerializer, SetEnqueueOptions, SetWorkflowID

from casemirror.engine import health, later, longrun
from casemirror.engine import lane as lane_work
from casemirror.engine.app import App, log
from casemirror.engine.presence import Loop, Presence, forget_dead
from casemirror.model.ids import LaneId
from casemirror.model.lane import Lane
from casemirror.store import budgets, lanes, payloads

QUEUE = "lanes"
VERSION = "1"
"""Version of the dispatched work; raise it when the arguments of `drain` change."""
LOOK_S = 0.2
"""How often due lanes are looked for: a local change is on its way within a second."""
REAP_S = 2.0
TIDY_S = 60.0
KEEP_DONE_S = 600.0
WORKERS = 32
STUCK = timedelta(seconds=5)
"""A lane that stays due for that long after it was enqueued is looked at."""


def prepare_sqlite(path: Path) -> str:
    """Create DBOS's own SQLite file in WAL mode (it does not do so itself) and return its URL."""
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()
    path.chmod(0o600)
    return f"sqlite:///{path}"


class Dispatcher:
    """Runs lanes in this process as long as it is started. One for each process (DBOS is a singleton)."""

    def __init__(self, app: App, system_url: str) -> None:
        self._app = app
        self._url = system_url
        self._long = longrun.Supervisor(app)
        self._later = later.Runner(app)
        self._loops = (
            Loop("look", LOOK_S, self.look),
            Loop("reap", REAP_S, self.reap),
            Loop("tidy", TIDY_S, self.tidy),
            Loop("long", longrun.LOOK_S, self._long.look),
            Loop("later", later.LOOK_S, self._later.look),
            *health.loops(app),
        )
        self._presence = Presence(app)
        self._enqueued: dict[str, datetime] = {}
        self._running = Running()
        self._suspect: set[str] = set()
        self._drain: Callable[[str], int] | None = None

    def start(self) -> None:
        """Launch DBOS, then look for work."""
        DBOS(
            config={
                "name": "casemirror",
                "system_database_url": self._url,
                "application_version": VERSION,
                "executor_id": self._app.executor,
                "log_level": "ERROR",
                "serializer": DBOSPortableJSONSerializer(),
                "use_listen_notify": False,
            }
        )
        app = self._app

        @DBOS.workflow(name="drain", max_recovery_attempts=1_000_000)
        def drain(lane_id: str) -> int:
            with self._running.at(lane_id, DBOS.workflow_id or ""):
                return lane_work.drain(app, LaneId(lane_id))

        self._drain = drain
        DBOS.launch()
        DBOS.register_queue(
            QUEUE,
            worker_concurrency=WORKERS,
            partition_concurrency=1,
            polling_interval_sec=LOOK_S,
            on_conflict="always_update",
        )
        self._presence.__enter__()
        for loop in self._loops:
            loop.start()

    def stop(self) -> None:
        """Stop looking, let running lanes come to the end of their step, then leave."""
        self._app.stopping.set()
        for loop in self._loops:
            loop.stop()
        self._long.close()
        self._later.close()
        DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=int(lane_work.TURN_S))
        self._presence.__exit__()

    def look(self) -> None:
        """Enqueue every lane that has something to do and is not enqueued yet."""
        now, mirroring = self._app.clock.now(), self._app.settings().flag("sync.mirror.job.enable")
        with self._app.store.read() as tx:
            due = [lanes.load(tx, i) for i in lanes.due(tx, now, mirroring=mirroring)]
        names = {f"{found.id}:{found.epoch}": found for found in due}
        self._enqueued = {name: at for name, at in self._enqueued.items() if name in names}
        for name, found in names.items():
            if name not in self._enqueued:
                self.enqueue(name, found)
            elif now - self._enqueued[name] > STUCK:
                self.enqueue_again(name, found)
            else:
                continue
            self._enqueued[name] = now

    def enqueue(self, name: str, found: Lane) -> None:
        """Enqueue one turn of a lane. Its name holds the epoch, so however many processes see that the lane is due, it is
        one workflow; the next turn has another epoch.
        """
        assert self._drain is not None
        with SetWorkflowID(name), SetEnqueueOptions(queue_partition_key=found.instance_id):
            DBOS.enqueue_workflow(QUEUE, self._drain, found.id)

    def enqueue_again(self, name: str, found: Lane) -> None:
        """A lane stays due although it was enqueued. When its workflow is over it could not even take the lane (the database
        failed): forget that one, for a name runs once.
        """
        status = DBOS.get_workflow_status(name)
        if status is not None and status.status not in ("ENQUEUED", "PENDING"):
            log.warning("lane.enqueued_again", lane=found.id, was=status.status)
            DBOS.delete_workflow(name)
            self.enqueue(name, found)

    def tidy(self) -> None:
        """Forget raw payloads that were kept long enough (`mirror.payload.keep`), and uses that no budget reaches any more."""
        keep = timedelta(seconds=self._app.settings().seconds("mirror.payload.keep"))
        with self._app.store.write() as tx:
            forgotten = payloads.forget_old(tx, self._app.clock.now() - keep)
            budgets.forget_old(tx, self._app.clock.now())
        if forgotten:
            log.info("payloads.forgotten", count=forgotten)

    def reap(self) -> None:
        """Resume the lanes of dead processes and what this one left unfinished; clear finished runs."""
        mine, now = self._app.executor, self._app.clock.now()
        with self._app.store.write() as tx:
            alive = forget_dead(tx) | {mine}
            owned = lanes.owned_by(tx, mine)
            for lane in owned:  # whoever works on one of these is running already
                if lane.id not in self._running.lanes() and lanes.give_back(tx, lane):
                    log.warning("lane.given_back", lane=lane.id)
        pending = DBOS.list_workflows(status="PENDING", queue_name=QUEUE, load_input=False, load_output=False)
        dead = {w.workflow_id: w.executor_id for w in pending if w.executor_id not in alive}
        # its thread is gone and could not say so (the database failed); one that is not running yet is suspected only
        idle = {w.workflow_id for w in pending if w.executor_id == mine} - self._running.workflows()
        for workflow, executor in {**dead, **dict.fromkeys(idle & self._suspect, mine)}.items():
            log.warning(
                "worker.died" if workflow in dead else "worker.lost_a_run", executor=executor, workflow=workflow
            )
            DBOS.resume_workflow(workflow, queue_name=QUEUE)
        self._suspect = idle
        done_before = (now - timedelta(seconds=KEEP_DONE_S)).isoformat()
        done = DBOS.list_workflows(
            completed_before=done_before, queue_name=QUEUE, limit=500, load_input=False, load_output=False
        )
        if done:
            DBOS.delete_workflows([w.workflow_id for w in done])


class Running:
    """The lanes that threads of this process are working off; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: dict[str, str] = {}

    @contextmanager
    def at(self, lane_id: str, workflow: str) -> Iterator[None]:
        """This thread works off a lane, as that workflow."""
        with self._lock:
            self._runs[workflow] = lane_id
        try:
            yield
        finally:
            with self._lock:
                self._runs.pop(workflow, None)

    def lanes(self) -> set[str]:
        """Ids of the lanes."""
        with self._lock:
            return set(self._runs.values())

    def workflows(self) -> set[str]:
        """Ids of the workflows."""
        with self._lock:
            return set(self._runs)
