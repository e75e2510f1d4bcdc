"""Kill anything at any time: nothing is lost, nothing is doubled.

Real processes, a real database, the ServiceNow simulator. While two people work on both sides, a random process is
killed with SIGKILL again and again: the server, a warm process, a child in the middle of a command. Then people stop,
and both sides must say the same. CASEMIRROR_KILLS and CASEMIRROR_SEED repeat or lengthen a run.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from casemirror.model.incident import Status
from casemirror.simulators.servicenow import ServiceNowSimulator
from support.mirror import PACKS, QUICK, Mirror, eventually
from support.server import Server, children_of, kill_quietly

KILLS = int(os.environ.get("CASEMIRROR_KILLS", "40"))
SEED = int(os.environ.get("CASEMIRROR_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
FIELDS = {"details": "description", "name": "short_description"}


@dataclass
class People:
    """Two people at work, and what they said."""

    mirror: Mirror
    snow: ServiceNowSimulator
    dice: random.Random
    said_here: Counter[tuple[int, str]] = field(default_factory=Counter)
    said_there: Counter[tuple[str, str]] = field(default_factory=Counter)
    files_here: list[tuple[int, str]] = field(default_factory=list)
    files_there: list[tuple[str, str]] = field(default_factory=list)
    made_here: list[int] = field(default_factory=list)
    made_there: list[str] = field(default_factory=list)
    count: int = 0

    def act(self) -> None:
        """One person does one thing."""
        self.count += 1
        act = self.dice.choice(
            [self.edit_here, self.edit_there] * 3
            + [self.say_here, self.say_there] * 3
            + [self.attach_here, self.attach_there, self.create_here, self.create_there, self.close, self.reopen]
        )
        act()

    def _incident(self) -> int | None:
        linked = [i.id for i in self.mirror.all()]
        return self.dice.choice(linked) if linked else None

    def edit_here(self) -> None:
        incident = self._incident()
        if incident:
            self.mirror.edit(incident, **{self.dice.choice(list(FIELDS)): f"here {self.count}"})

    def edit_there(self) -> None:
        if self.made_there:
            self.snow.update(
                self.dice.choice(self.made_there), **{self.dice.choice(list(FIELDS.values())): f"there {self.count}"}
            )

    def say_here(self) -> None:
        incident = self._incident()
        if incident and self.mirror.incident(incident).status is Status.ACTIVE:
            self.mirror.say(incident, f"word {self.count} from here")
            self.said_here[incident, f"word {self.count} from here"] += 1

    def say_there(self) -> None:
        if self.made_there:
            ticket = self.dice.choice(self.made_there)
            self.snow.comment(ticket, f"word {self.count} from there")
            self.said_there[ticket, f"word {self.count} from there"] += 1

    def attach_here(self) -> None:
        incident = self._incident()
        if incident and self.mirror.incident(incident).status is Status.ACTIVE:
            self.mirror.attach(incident, f"here{self.count}.txt", f"{self.count}".encode(), tags=("ForServiceNow",))
            self.files_here.append((incident, f"here{self.count}.txt"))

    def attach_there(self) -> None:
        if self.made_there:
            ticket = self.dice.choice(self.made_there)
            self.snow.attach(ticket, f"there{self.count}.txt", f"{self.count}".encode())
            self.files_there.append((ticket, f"there{self.count}.txt"))

    def create_here(self) -> None:
        if len(self.made_here) < 6:
            incident = self.mirror.create(name=f"made here {self.count}", details="new")
            self.mirror.link(incident, "snow", tags=("comments", "ForServiceNow"))
            self.made_here.append(incident)

    def create_there(self) -> None:
        if len(self.made_there) < 6:
            self.made_there.append(self.snow.create("incident", short_description=f"made there {self.count}")["sys_id"])

    def close(self) -> None:
        incident = self._incident()
        if incident and self.dice.random() < 0.4 and self.mirror.incident(incident).status is Status.ACTIVE:
            self.mirror.shut(incident)

    def reopen(self) -> None:
        incident = self._incident()
        if incident and self.mirror.incident(incident).status is Status.CLOSED:
            self.mirror.reopen(incident)


def kill_something(server: Server, dice: random.Random) -> str:
    """Kill the server, a warm process or a child in the middle of a command; returns what it was."""
    kind = dice.choice(["server", "child", "child", "warm process"])
    victim = wait_for_victim(server, kind, dice)
    if victim and kill_quietly(victim):
        return kind
    server.kill()
    server.start()
    return "server"


def wait_for_victim(server: Server, kind: str, dice: random.Random) -> int | None:
    """Process id of a child or warm process; None when the server's turn has come, or none showed up."""
    if kind == "server":
        time.sleep(dice.uniform(0, 1.5))
        return None
    ends = time.monotonic() + 4
    while time.monotonic() < ends:
        warm = [p for p in children_of(server.pid) if _is_warm(p)]
        found = warm if kind == "warm process" else [c for p in warm for c in children_of(p) if not _stands_by(c)]
        if found:
            time.sleep(dice.uniform(0, 0.02))
            return dice.choice(found)
        time.sleep(0.001)
    return None


def _stands_by(pid: int) -> bool:
    """A child without a command is in no folder of one yet."""
    try:
        return os.readlink(f"/proc/{pid}/cwd") == "/"
    except OSError:
        return True


def _is_warm(pid: int) -> bool:
    try:
        return b"guest" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


@pytest.fixture
def snow() -> Iterator[ServiceNowSimulator]:
    with ServiceNowSimulator(seed=SEED) as simulator:
        yield simulator


@pytest.fixture
def mirror(tmp_path: Path, snow: ServiceNowSimulator) -> Iterator[Mirror]:
    made = Mirror(tmp_path)
    made.set(QUICK)
    made.install(PACKS / "CasemirrorServiceNow")
    given = {
        "url": snow.url,
        "credentials.identifier": "casemirror",
        "credentials.password": "casemirror",
        "isFetch": "true",
        "mirror_direction": "Incoming And Outgoing",
        "close_ticket": "true",
        "close_incident": "true",
        "query": "",
    }
    made.instance("snow", "casemirror ServiceNow", given)
    yield made
    made.close()


@pytest.mark.timeout(1500)
def test_nothing_is_lost_and_nothing_doubled_whatever_is_killed(
    tmp_path: Path, mirror: Mirror, snow: ServiceNowSimulator
) -> None:
    """Design rules 1–8: after any number of kills both sides agree, and each word, file and ticket is there once."""
    print(f"CASEMIRROR_SEED={SEED}")
    dice = random.Random(SEED)
    people, killed = People(mirror, snow, dice), Counter[str]()
    server = Server(tmp_path).start()
    try:
        people.create_there()
        eventually(mirror.all, what="the first fetch")
        while killed.total() < KILLS:
            people.act()
            time.sleep(dice.uniform(0, 0.25))
            killed[kill_something(server, dice)] += 1
        left = settle(people)
    finally:
        server.end()
    print(f"killed {dict(killed)}, people did {people.count} things")
    assert left == [], f"seed {SEED}:\n" + "\n".join(left) + "\n" + server.said()[-4000:]


def settle(people: People) -> list[str]:
    """Wait until both sides agree and stay so; returns what still differs when they do not within two minutes."""
    ends, calm = time.monotonic() + 120, 0
    found = ["never looked"]
    while time.monotonic() < ends and calm < 6:
        found = differences(people)
        calm = calm + 1 if not found else 0
        time.sleep(0.4)
    return found


def differences(people: People) -> list[str]:
    """All that is not the same on both sides, or is not there exactly once."""
    mirror, snow = people.mirror, people.snow
    found, remote_of, local_of = [], {}, {}
    for incident in mirror.all():
        [link] = mirror.links(incident.id)
        if not link.remote_id:
            found.append(f"incident {incident.id} has no ticket yet ({link.error_out or link.held_reason})")
            continue
        if link.remote_id in local_of:
            found.append(f"ticket {link.remote_id} has two incidents")
        remote_of[int(incident.id)], local_of[link.remote_id] = link.remote_id, int(incident.id)
        row = snow.get(link.remote_id)
        for here, there in FIELDS.items():
            if (incident.get(here) or "") != row[there]:
                found.append(f"incident {incident.id} {here}: {incident.get(here)!r} here, {row[there]!r} there")
        if (incident.status is Status.CLOSED) != (row["state"] == "7"):
            found.append(f"incident {incident.id} is {incident.status.name} here, in state {row['state']} there")
    found += [f"ticket {t} was not fetched" for t in people.made_there if t not in local_of]
    tickets = [row["correlation_id"] for row in snow.rows("incident") if row["correlation_id"]]
    found += [f"{n} tickets for reference {r}" for r, n in Counter(tickets).items() if n != 1]
    if len(tickets) != len(people.made_here):
        found.append(f"{len(people.made_here)} incidents made here, {len(tickets)} tickets made for them")
    return found + words(people, remote_of, local_of)


def words(people: People, remote_of: dict[int, str], local_of: dict[str, int]) -> list[str]:
    """Comments and files that are not there exactly once."""
    found = []
    there = {t: [c["value"] for c in people.snow.comments(t)] for t in local_of}
    files = {t: [a["file_name"] for a in people.snow.attachments(t)] for t in local_of}
    here = {i: people.mirror.texts(i) for i in remote_of}
    for (incident, text), _ in people.said_here.items():
        count = sum(text in value for value in there.get(remote_of.get(incident, ""), []))
        if count != 1:
            found.append(f"{text!r} of incident {incident} is there {count} times")
    for (ticket, text), _ in people.said_there.items():
        count = sum(text in value for value in here.get(local_of.get(ticket, 0), []))
        if count != 1:
            found.append(f"{text!r} of ticket {ticket} is here {count} times")
    for incident, name in people.files_here:
        count = files.get(remote_of.get(incident, ""), []).count(name)
        if count != 1:
            found.append(f"file {name} of incident {incident} is there {count} times")
    for ticket, name in people.files_there:
        count = here.get(local_of.get(ticket, 0), []).count(name)
        if count != 1:
            found.append(f"file {name} of ticket {ticket} is here {count} times")
    return found
