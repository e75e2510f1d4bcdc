"""What goes wrong, at random: windows of trouble at a ticket system, and blows to casemirror's own processes and database."""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import sqlalchemy as sa

from casemirror.cli.chaos import fleet as fleets
from casemirror.cli.chaos.ledger import Ledger
from casemirror.cli.chaos.stage import HANG_S, SYSTEMS, Stage

Switches = Mapping[str, Any]

TROUBLES: Final[Mapping[str, Callable[[random.Random], Switches]]] = {
    "429": lambda dice: {"refuse_rate": dice.uniform(0.1, 1.0)},
    "429 with Retry-After": lambda dice: {"refuse_rate": dice.uniform(0.1, 1.0), "retry_after_s": dice.randint(1, 3)},
    "500": lambda dice: {"fail_rate": dice.uniform(0.1, 1.0)},
    "500 after the write": lambda dice: {"fail_after_write_rate": dice.uniform(0.3, 1.0)},
    "time-out": lambda dice: {"hang_rate": dice.uniform(0.05, 0.4), "hang_s": HANG_S},
    "time-out after the write": lambda dice: {"hang_after_write_rate": dice.uniform(0.2, 0.8), "hang_s": HANG_S},
    "rows repeated and reordered": lambda dice: {"disorder_rate": dice.uniform(0.3, 1.0)},
    "slow calls": lambda dice: {"slow_s": dice.uniform(0.05, 0.8)},
    "unreachable": lambda _: {"down": True},
    "HTML page": lambda _: {"html": True},
}
"""Kind → switches of a simulator. The late index is drawn for itself, for it needs the run's longest lag."""
KINDS: Final = (
    *TROUBLES,
    "late index",
    "SIGKILL process",
    "SIGKILL warm process",
    "SIGKILL child",
    "disk full",
    "database locked",
    "database connections ended",
)
"""All kinds of faults, by the names under which they are counted."""
CALM: Final[Switches] = {
    "late_index_s": 0.0,
    "refuse_rate": 0.0,
    "retry_after_s": 0.0,
    "fail_rate": 0.0,
    "fail_after_write_rate": 0.0,
    "hang_rate": 0.0,
    "hang_after_write_rate": 0.0,
    "disorder_rate": 0.0,
    "slow_s": 0.0,
    "down": False,
    "html": False,
}
_LOCK: Final = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
connection.execute("BEGIN IMMEDIATE")
time.sleep(float(sys.argv[2]))
connection.execute("ROLLBACK")
"""


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """A window of trouble, until `ends` (monotonic)."""

    kind: str
    where: str
    ends: float
    end: Callable[[], object]


class Faults:
    """`tick` begins and ends things; `stop` ends all."""

    def __init__(self, stage: Stage, ledger: Ledger, dice: random.Random, without: Collection[str] = ()) -> None:
        self._stage, self._ledger, self._dice = stage, ledger, dice
        self._going: list[Trouble] = []
        self._next_at = time.monotonic() + 2.0
        self._helpers: list[subprocess.Popen[bytes]] = []
        on_server = bool(stage.database_url)
        deck: dict[str, tuple[float, Callable[[], str]]] = {
            **{kind: (1.0, partial(self.trouble, kind)) for kind in TROUBLES},
            "late index": (2.0, self.late_index),
            "SIGKILL process": (2.0, self.kill_process),
            "SIGKILL warm process": (1.5, self.kill_warm),
            "SIGKILL child": (4.0, self.kill_child),
            "disk full": (0.4, self.fill_disk),
            "database locked": (0.0 if on_server else 0.5, self.lock_database),
            "database connections ended": (1.0 if on_server else 0.0, self.end_connections),
        }
        assert set(deck) == set(KINDS)
        self._deck = {begin: weight for kind, (weight, begin) in deck.items() if weight and kind not in without}

    def tick(self) -> None:
        """Look what is due."""
        now = time.monotonic()
        for trouble in [t for t in self._going if t.ends <= now]:
            self._end(trouble)
        if now >= self._next_at:
            self._next_at = now + self._dice.expovariate(1.0)
            [begin] = self._dice.choices(list(self._deck), list(self._deck.values())) if self._deck else [str]
            kind = begin()
            if kind:
                self._ledger.faults[kind] += 1

    @property
    def database_is_locked(self) -> bool:
        """Another process holds SQLite's write lock: people of casemirror would wait for it."""
        return any(helper.poll() is None for helper in self._helpers)

    def stop(self) -> None:
        """Nothing is wrong any more."""
        for trouble in list(self._going):
            self._end(trouble)
        for name, simulator in self._stage.simulators.items():
            simulator.set_faults(**CALM)
            self._ledger.lag.append((time.time(), name, 0.0))
        for helper in self._helpers:
            helper.wait()

    def _begin(self, kind: str, where: str, seconds: float, end: Callable[[], object]) -> str:
        self._going.append(Trouble(kind=kind, where=where, ends=time.monotonic() + seconds, end=end))
        self._ledger.note("fault", f"{kind} at {where} for {seconds:.1f} s")
        return kind

    def _end(self, trouble: Trouble) -> None:
        self._going.remove(trouble)
        trouble.end()

    def _is_going(self, kind: str, where: str) -> bool:
        return any((t.kind.partition(" ")[0], t.where) == (kind.partition(" ")[0], where) for t in self._going)

    # at the ticket systems

    def trouble(self, kind: str) -> str:
        """One kind of trouble at one system."""
        system = self._dice.choice(SYSTEMS)
        switches = TROUBLES[kind](self._dice)
        if self._is_going(kind, system):
            return ""
        simulator = self._stage.simulators[system]
        simulator.set_faults(**switches)
        calm = {name: CALM[name] for name in switches if name in CALM}
        return self._begin(kind, system, self._dice.uniform(1.0, 6.0), lambda: simulator.set_faults(**calm))

    def late_index(self) -> str:
        """Lists see only later what was written."""
        system = self._dice.choice(SYSTEMS)
        lag = self._dice.uniform(0.5, self._stage.weather.longest_lag_s)
        if self._is_going("late index", system):
            return ""
        self._late(system, lag)
        kind = self._begin("late index", system, min(lag, 30.0) + 1.0, lambda: self._late(system, 0.0))
        self._ledger.note("fault", f"lists of {system} are {lag:.1f} s late")
        return kind

    def _late(self, system: str, seconds: float) -> None:
        self._stage.simulators[system].set_faults(late_index_s=seconds)
        self._ledger.lag.append((time.time(), system, seconds))

    # at casemirror's own processes

    def _member(self) -> fleets.Member | None:
        running = [m for m in self._stage.fleet.members if m.process.poll() is None]
        return self._dice.choice(running) if running else None

    def kill_process(self) -> str:
        """The server, or a worker."""
        member = self._member()
        if member is None:
            return ""
        self._ledger.note("fault", f"SIGKILL {member.name}, process {member.process.pid}")
        self._stage.fleet.kill(member, self._dice.uniform(0.0, 3.0))
        return "SIGKILL process"

    def kill_warm(self) -> str:
        """A warm process."""
        member = self._member()
        found = self._stage.fleet.warm(member) if member else []
        return self._killed("warm process", found)

    def kill_child(self) -> str:
        """A command, in its middle: waited for during two seconds."""
        member, ends = self._member(), time.monotonic() + 2.0
        while member is not None and time.monotonic() < ends:
            children = [child for warm in self._stage.fleet.warm(member) for child in fleets.children_of(warm)]
            found = [child for child in children if fleets.runs_command(child)]
            if found:
                time.sleep(self._dice.uniform(0.0, 0.08))
                return self._killed("child", found)
            time.sleep(0.002)
        return ""

    def _killed(self, what: str, found: list[int]) -> str:
        victim = self._dice.choice(found) if found else 0
        if not victim or not fleets.kill_quietly(victim):
            return ""
        self._ledger.note("fault", f"SIGKILL {what}, process {victim}")
        return f"SIGKILL {what}"

    def fill_disk(self) -> str:
        """No process of casemirror can make a file longer, as on a full disk; what is written already stays."""
        members = [m for m in self._stage.fleet.members if m.process.poll() is None]
        if self._is_going("disk full", "casemirror") or not members:
            return ""
        for member in members:
            _limit_files(member.process.pid, full=True)

        def end() -> None:
            for member in members:
                _limit_files(member.process.pid, full=False)

        return self._begin("disk full", "casemirror", self._dice.uniform(0.3, 3.0), end)

    def lock_database(self) -> str:
        """SQLite: another process writes for some seconds."""
        seconds = self._dice.uniform(0.5, 8.0)
        command = [sys.executable, "-c", _LOCK, str(self._stage.database_file), str(seconds)]
        self._helpers.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        self._ledger.note("fault", f"database locked for {seconds:.1f} s")
        return "database locked"

    def end_connections(self) -> str:
        """PostgreSQL: the server ends all connections to the database but this one."""
        query = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        with self._stage.app.store.write() as tx:
            count = len(tx.execute(sa.text(query)).all())
        self._ledger.note("fault", f"{count} database connections ended")
        return "database connections ended"


def _limit_files(pid: int, *, full: bool) -> None:
    """Set how long the files of a process and of its descendants may become: not at all, or as long as before."""
    for each in [pid, *fleets.children_of(pid)] if not full else [pid]:
        try:
            hard = resource.prlimit(each, resource.RLIMIT_FSIZE)[1]
            resource.prlimit(each, resource.RLIMIT_FSIZE, (0 if full else hard, hard))
        except (ProcessLookupError, PermissionError):
            continue
