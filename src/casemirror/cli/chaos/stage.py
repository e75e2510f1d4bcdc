"""The stage: two simulators with their clocks and zones, a casemirror of its own, and its processes."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from casemirror.actions import incidents, instances, packs, settings
from casemirror.cli import build, session
from casemirror.cli.chaos.fleet import Fleet
from casemirror.cli.chaos.ledger import Ledger
from casemirror.engine.app import App
from casemirror.model.actor import Actor
from casemirror.model.errors import Conflict
from casemirror.simulators.servicenow import DEFAULT_USERS, ServiceNowSimulator, User

SYSTEMS: Final = ("alpha", "beta")
"""Names of the two instances."""
TAGS: Final = (
    "comments",
    "work_notes",
    "ForServiceNow",
    "servicenow-comment",
    "servicenow-work-note",
    "servicenow-file",
)
"""What each link takes: what is said here, and what came from the other system."""
TIMEOUT_S: Final = 8.0
HANG_S: Final = 12.0
"""Longer than the time limit of a command."""


@dataclass(frozen=True, kw_only=True)
class Weather:
    """What does not change during a run, drawn from the seed.

    clocks      system → seconds that its clock is ahead of ours
    zones       system → time zone of the user that casemirror logs in with
    longest_lag_s   how late a list may become
    conflict    who wins when a field changed on both sides
    """

    clocks: Mapping[str, float]
    zones: Mapping[str, str]
    longest_lag_s: float
    conflict: str

    @property
    def overlap_s(self) -> float:
        """What `mirror.overlap` must be then: the worst clock behind ours, the latest list, and what a call may take."""
        return max(0.0, *(-ahead for ahead in self.clocks.values())) + self.longest_lag_s + TIMEOUT_S + 2


def weather(seed: int) -> Weather:
    """Draw it."""
    dice = random.Random(f"weather {seed}")
    zones = ["America/Los_Angeles", dice.choice(["UTC", "Asia/Kolkata", "America/Los_Angeles"])]
    dice.shuffle(zones)
    return Weather(
        clocks={name: round(dice.choice([0, 0, dice.uniform(-3, 3), dice.uniform(-300, 300)]), 1) for name in SYSTEMS},
        zones=dict(zip(SYSTEMS, zones, strict=True)),
        longest_lag_s=dice.choice([3.0, 10.0, 30.0, 110.0]),
        conflict=dice.choice(["local", "local", "remote", "newest", "ask"]),
    )


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What runs."""

    home: Path
    database_url: str
    app: App
    me: Actor
    simulators: Mapping[str, ServiceNowSimulator]
    fleet: Fleet
    weather: Weather

    @property
    def database_file(self) -> Path:
        """The SQLite file."""
        return self.home / "casemirror.db"


@contextmanager
def running(home: Path, database_url: str, seed: int, ledger: Ledger) -> Iterator[Stage]:
    """Everything set up and the simulators started; casemirror's processes are the caller's to start. All ended at the end.

    Raises Conflict for a database that is in use.
    """
    drawn = weather(seed)
    with contextlib.ExitStack() as stack:
        simulators = {
            name: stack.enter_context(_simulator(seed + number, drawn.clocks[name], drawn.zones[name]))
            for number, name in enumerate(SYSTEMS)
        }
        options = build.Options(home=home, database_url=database_url, log_level="error")
        app = stack.enter_context(build.opened(options))
        me = session.me()
        if instances.list_all(app, me) or incidents.list_all(app, me, limit=1):
            raise Conflict("this database holds instances or incidents already; chaos wants one of its own")
        set_up(app, me, simulators, drawn)
        fleet = Fleet(home=home, database_url=database_url, ledger=ledger)
        try:
            yield Stage(
                home=home,
                database_url=database_url,
                app=app,
                me=me,
                simulators=simulators,
                fleet=fleet,
                weather=drawn,
            )
        finally:
            fleet.stop()


def _simulator(seed: int, ahead_s: float, zone: str) -> ServiceNowSimulator:
    return ServiceNowSimulator(seed=seed, clock=_clock(ahead_s), users=[_in_zone(u, zone) for u in DEFAULT_USERS])


def _clock(ahead_s: float) -> Callable[[], float]:
    return lambda: time.time() + ahead_s


def _in_zone(user: User, zone: str) -> User:
    return replace(user, time_zone=zone) if user.user_name == "casemirror" else user


def set_up(app: App, me: Actor, simulators: Mapping[str, ServiceNowSimulator], drawn: Weather) -> None:
    """Install our pack, configure an instance for each system, and make everything quick."""
    packs.add(app, me, packs.BUNDLED)
    for name, value in {
        "sync.mirror.job.delayAdvanced": "1",
        "incidents.fetch.delayAdvanced": "1.5",
        "mirror.overlap": f"{drawn.overlap_s:g}",
        "mirror.command.timeout": f"{TIMEOUT_S:g}",
        "mirror.retry.max": "0.05",
        "mirror.echo.guard": "2",
        "mirror.conflict": drawn.conflict,
        "mirror.brake.closed": "0",
        "mirror.budget.learn": "false",
    }.items():
        settings.put(app, me, name, value)
    for name, simulator in simulators.items():
        given = {
            "url": simulator.url,
            "credentials.identifier": "casemirror",
            "isFetch": "true",
            "query": "",
            "mirror_direction": "Incoming And Outgoing",
        }
        instances.add(app, me, name, "casemirror ServiceNow", given, secrets={"credentials": "casemirror"})
