"""Long-running integrations under real servers: one process, started again whenever it ends, incidents as from a fetch."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from casemirror.actions import doctor, instances
from casemirror.store import instances as instance_store
from casemirror.store import lanes
from support.mirror import ANALYST, QUICK, Mirror, eventually
from support.server import Server

PACK = {
    "pack_metadata.json": '{"name": "Spring", "currentVersion": "1.0.0"}',
    "Integrations/Spring/Spring.yml": """\
commonfields: {id: Spring, version: -1}
name: Spring
display: Spring
category: Case Management
configuration:
- {name: longRunning, display: Long running, type: 8, defaultvalue: 'false'}
- {name: mood, display: Mood, type: 0, defaultvalue: well}
script:
  script: '-'
  type: python
  subtype: python3
  longRunning: true
  isremotesyncin: true
  commands: []
""",
    "Integrations/Spring/Spring.py": """\
import os
import time


def flow():
    number = (demisto.getLastRun() or {}).get("number", 0)
    demisto.updateModuleHealth("" if demisto.params()["mood"] == "well" else "the well is muddy")
    while True:
        number += 1
        mirror = {"dbotMirrorId": f"R{number}", "dbotMirrorInstance": demisto.integrationInstance(), "dbotMirrorDirection": "In"}
        new = {"name": f"drop {number} of {os.getpid()}", "occurred": "2026-01-02T03:04:05Z", **mirror}
        created = demisto.createIncidents([new], lastRun={"number": number})
        assert created[0]["name"] == new["name"], created
        time.sleep(0.2)


if demisto.command() == "long-running-execution":
    flow()
elif demisto.command() == "get-remote-data":
    demisto.results([{"id": demisto.args()["id"]}])
elif demisto.command() == "get-modified-remote-data":
    demisto.results([])
else:
    demisto.results("ok")
""",
}


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    pack = tmp_path / "Spring"
    for name, text in PACK.items():
        (pack / name).parent.mkdir(parents=True, exist_ok=True)
        (pack / name).write_text(text)
    made = Mirror(tmp_path)
    made.set(QUICK)
    made.install(pack)
    made.instance("spring", "Spring", {"longRunning": "true"})
    yield made
    made.close()


@pytest.fixture
def server(tmp_path: Path, mirror: Mirror) -> Iterator[Server]:
    started = Server(tmp_path).start()
    yield started
    started.end()


def names(mirror: Mirror) -> list[str]:
    return [incident.name for incident in mirror.all()]


def pid_of(name: str) -> int:
    """The process that made an incident."""
    return int(name.rsplit(" ", 1)[1])


def numbers(mirror: Mirror) -> list[int]:
    return [int(name.split(" ")[1]) for name in names(mirror)]


def checks(mirror: Mirror) -> dict[str, str]:
    return {check.name: check.text for check in doctor.examine(mirror.app, ANALYST, "spring")}


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_incidents_come_as_from_a_fetch_and_a_killed_process_is_started_again(mirror: Mirror, server: Server) -> None:
    """MIR-044: incidents are created with their links, lastRun is stored with them: none is lost, none comes twice."""
    eventually(lambda: len(names(mirror)) >= 3, what="incidents of the process")
    [link] = mirror.links(mirror.all()[0].id)
    assert (link.remote_id, link.instance_name, str(link.direction)) == ("R1", "spring", "In")
    assert "running since" in checks(mirror)["long-running"]
    first = pid_of(names(mirror)[-1])
    os.kill(first, signal.SIGKILL)
    eventually(lambda: pid_of(names(mirror)[-1]) != first, what="another process")
    assert numbers(mirror) == list(range(1, len(names(mirror)) + 1))
    last = pid_of(names(mirror)[-1])
    assert server.stop() == 0
    assert not is_running(last)


def test_a_killed_server_leaves_no_process_and_the_next_one_goes_on(
    tmp_path: Path, mirror: Mirror, server: Server
) -> None:
    eventually(lambda: len(names(mirror)) >= 2, what="incidents of the process")
    first = pid_of(names(mirror)[-1])
    server.kill()
    eventually(lambda: not is_running(first), what="the end of the process")
    seen = len(names(mirror))
    second = Server(tmp_path).start()
    try:
        eventually(lambda: len(names(mirror)) > seen, what="incidents of the next server")
        assert pid_of(names(mirror)[-1]) != first
        assert numbers(mirror) == list(range(1, len(names(mirror)) + 1))
    finally:
        second.end()


def test_it_follows_the_instance(mirror: Mirror, server: Server) -> None:
    """Changed parameters start it again; disabled or switched off it ends; what it says of itself is shown."""
    eventually(lambda: len(names(mirror)) >= 1, what="incidents of the process")
    first = pid_of(names(mirror)[-1])
    instances.update(mirror.app, ANALYST, "spring", {"mood": "bad"})
    eventually(lambda: pid_of(names(mirror)[-1]) != first, what="another process")
    assert not is_running(first)
    eventually(lambda: "the well is muddy" in checks(mirror)["long-running"], what="its word")
    second = pid_of(names(mirror)[-1])
    instances.disable(mirror.app, ANALYST, "spring")
    eventually(lambda: not is_running(second), what="the end of the process")
    seen = len(names(mirror))
    instances.enable(mirror.app, ANALYST, "spring")
    eventually(lambda: len(names(mirror)) > seen, what="incidents once more")


def test_one_that_fails_waits_longer_each_time_and_its_reason_is_shown(mirror: Mirror, server: Server) -> None:
    pack = mirror.folder / "Spring"
    code = pack / "Integrations" / "Spring" / "Spring.py"
    code.write_text("raise ValueError('no water')\n")
    mirror.install(pack)
    eventually(lambda: "no water" in checks(mirror)["long-running"], what="the reason")

    def tries() -> int:
        with mirror.app.store.read() as tx:
            lane = lanes.find_long(tx, instance_store.by_name(tx, "spring").id)
        return lane.failed_in if lane else 0

    eventually(lambda: tries() >= 2, what="a second try")
    assert "starts again" in checks(mirror)["long-running"]
