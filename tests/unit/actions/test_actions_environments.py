"""Environments as people meet them: how each integration stands, what building needs and leaves, what waits for it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from casemirror.actions import commands, cycles, doctor, environments, incidents, instances, links, packs, probes
from casemirror.actions import health as health_action
from casemirror.actions.environments import State, Status
from casemirror.engine import lane
from casemirror.engine.app import App
from casemirror.model.actor import Actor, Role
from casemirror.model.errors import Forbidden, Invalid, NotFound
from casemirror.model.health import State as Health
from casemirror.model.link import LinkState
from casemirror.runtime.command import Ending
from casemirror.runtime.environments.building import EnvironmentFailed
from casemirror.runtime.environments.folder import EnvironmentMissing, Environments
from casemirror.store import audit, lanes
from casemirror.store import instances as instance_store
from support.scripted import Remote
from support.tiny_pack import write_pack, write_uv


@pytest.fixture
def here(app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> App:
    """The app with environments, and with a program that stands in for uv."""
    write_uv(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return replace(app, environments=Environments(tmp_path / "environments"))


def install(app: App, me: Actor, folder: Path, *, named: str = "tiny", **what: str) -> Status:
    """Install the pack, with an instance unless there is one; how it stands."""
    packs.add(app, me, write_pack(folder, **what))
    with app.store.read() as tx:
        there = instance_store.find(tx, named)
    if there is None:
        instances.add(app, me, named, "Tiny", {})
    return environments.show(app, me, named)


def audited(app: App) -> list[tuple[str, str]]:
    with app.store.read() as tx:
        return [(row["verb"], row["detail"]["source"]) for row in audit.list_all(tx) if "environment" in row["verb"]]


def test_each_state_is_told(here: App, me: Actor, tmp_path: Path) -> None:
    """Our own packages, useful, missing, built, failed."""
    assert install(here, me, tmp_path, image="demisto/python3:3.11.1.1").state is State.BASE
    unknown = install(here, me, tmp_path, top="import tinydist")
    assert (unknown.state, unknown.need.missing, unknown.requirements) == (State.BASE, ("tinydist",), ())
    image = "demisto/pyotrs:1.0.0.1"
    useful = install(here, me, tmp_path, image=image, inner="import tinydist")
    assert useful.state is State.USEFUL
    missing = install(here, me, tmp_path, image=image, top="import tinydist")
    assert (missing.state, missing.instances, missing.key) == (State.MISSING, ("tiny",), useful.key)
    (built,) = environments.build(here, me, ["tiny"])
    assert built.state is State.BUILT and built.built and built.built.key == missing.key
    install(here, me, tmp_path, requirements__txt="broken\n")
    with pytest.raises(
        EnvironmentFailed, match="environment of Tiny Tickets could not be built: uv: error: No solution"
    ):
        environments.build(here, me, ["Tiny"])
    failed = environments.show(here, me, "Tiny")
    assert failed.state is State.FAILED and "broken is nowhere" in failed.failure
    shelf = environments.list_all(here, me)
    assert [s.integration.id for s in shelf.statuses] == ["Tiny"]
    assert [b.key for b in shelf.unused] == [built.key]
    assert [b.key for b in environments.prune(here, me)] == [built.key]
    assert environments.list_all(here, me).unused == ()


def test_building_is_audited_and_needs_an_administrator(here: App, me: Actor, tmp_path: Path) -> None:
    """Whether it went well or not; nothing is written when there was nothing to build."""
    install(here, me, tmp_path, requirements__txt="tinydist\n")
    for role, verb in ((Role.ANALYST, environments.build), (Role.READ_ONLY, environments.prune)):
        with pytest.raises(Forbidden):
            verb(here, Actor("bob", role))
    environments.show(here, Actor("bob", Role.READ_ONLY), "tiny")
    environments.build(here, me, everything=True)
    environments.build(here, me, everything=True)
    install(here, me, tmp_path, requirements__txt="broken\n")
    with pytest.raises(EnvironmentFailed):
        environments.build(here, me, ["tiny"])
    source = "Integrations/Tiny/requirements.txt"
    assert audited(here) == [("environment.failed", source), ("environment.built", source)]


def test_what_to_build_must_be_said(here: App, me: Actor) -> None:
    """By name or all, not both; by a name that is there."""
    for names, everything in (((), False), (("Tiny",), True)):
        with pytest.raises(Invalid, match="--all"):
            environments.build(here, me, names, everything=everything)
    with pytest.raises(NotFound, match="no instance is called 'tinny', and no integration 'tinny' is installed"):
        environments.build(here, me, ["tinny"])


def test_a_test_builds_what_it_needs_and_notes_when_that_fails(
    here: App, me: Actor, remote: Remote, tmp_path: Path
) -> None:
    """The instance's health has uv's words, as it has those of a remote."""
    install(here, me, tmp_path, requirements__txt="broken\n")
    with pytest.raises(EnvironmentFailed):
        probes.test(here, me, "tiny")
    assert "broken is nowhere" in instances.show(here, me, "tiny").instance.health
    install(here, me, tmp_path, requirements__txt="tinydist\n")
    remote.will("test-module", "ok")
    told: list[tuple[str, str]] = []
    probes.test(here, me, "tiny", lambda what, line: told.append((what, line)))
    assert told[0] == ("Tiny Tickets", "")
    assert instances.show(here, me, "tiny").instance.health == probes.HEALTHY
    assert remote.asked[-1].code.python == str(environments.show(here, me, "tiny").built.interpreter)  # type: ignore[union-attr]


def test_packs_that_change_build_what_instances_need(here: App, me: Actor, tmp_path: Path) -> None:
    """One that cannot be built is told, and costs the others nothing."""
    install(here, me, tmp_path, requirements__txt="broken\n")
    snow = {"url": "http://127.0.0.1:1", "credentials.identifier": "mirror"}
    instances.add(here, me, "snow", "casemirror ServiceNow", snow, secrets={"credentials": "hush"})
    (failure,) = environments.ensure_all(here, me)
    assert failure.startswith("the Python environment of Tiny Tickets could not be built")
    install(here, me, tmp_path, requirements__txt="tinydist\n")
    assert environments.ensure_all(here, me) == []
    assert environments.show(here, me, "tiny").state is State.BUILT
    assert environments.show(here, me, "snow").state is State.BASE


def test_a_lane_waits_for_its_environment_and_goes_on_when_it_is_there(
    here: App, me: Actor, remote: Remote, tmp_path: Path
) -> None:
    """No link is touched, nothing is asked; health and doctor name the command that helps."""
    install(here, me, tmp_path, requirements__txt="tinydist\n")
    with here.store.read() as tx:
        line = lanes.of_instance(tx, instance_store.by_name(tx, "tiny").id)
    assert lane.drain(here, line.id) == 0 and remote.asked == []
    (found,) = health_action.show(here, me, "tiny")
    assert found.health.state is Health.FAILING and "`casemirror env build tiny`" in found.health.reason
    (check,) = [c for c in doctor.examine(here, me, "tiny") if c.name == "environment"]
    assert check.todo == "casemirror env build tiny" and "not built" in check.text
    for ask in (cycles.mirror_now, cycles.fetch_now):
        with pytest.raises(EnvironmentMissing, match="`casemirror env build tiny`"):
            ask(here, me, "tiny")
    with pytest.raises(EnvironmentMissing):
        commands.run(here, me, "!tiny-where")
    environments.build(here, me, ["tiny"])
    here.clock.sleep(61)
    assert lane.drain(here, line.id) > 0
    (found,) = health_action.show(here, me, "tiny")
    assert found.health.state is Health.OK
    (check,) = [c for c in doctor.examine(here, me, "tiny") if c.name == "environment"]
    assert check.state.value == "ok"


def test_an_environment_that_goes_in_the_middle_of_a_turn_holds_no_link(
    here: App, me: Actor, remote: Remote, tmp_path: Path
) -> None:
    """As while it is built again: the lane waits for the next cycle, and no person need let the link go on."""
    install(here, me, tmp_path, requirements__txt="tinydist\n")
    (built,) = environments.build(here, me, ["tiny"])
    incident = incidents.create(here, me, {"name": "Printer on fire"})
    links.add(here, me, incident.id, "tiny", remote_id="T-1")
    with here.store.read() as tx:
        line = lanes.of_instance(tx, instance_store.by_name(tx, "tiny").id)
    turn = lane.take(here, line.id)
    assert turn and built.built and here.environments
    here.environments.remove(built.built)
    lane.work_off(turn)
    (link,) = links.list_all(here, me, incident.id)
    assert remote.asked == [] and link.state is LinkState.ACTIVE and link.tries == 0


def test_a_missing_module_is_told_with_its_distribution(here: App, me: Actor, remote: Remote, tmp_path: Path) -> None:
    """In what escaped and in an error entry; what the image has is built, anything else is named in a file."""
    install(here, me, tmp_path)
    trace = "Traceback (most recent call last):\nModuleNotFoundError: No module named 'bs4'"
    remote.will("tiny-where", ending=Ending.RAISED, error=trace)
    (entry,) = commands.run(here, me, "!tiny-where").entries
    assert entry.contents.endswith(
        "The Python module 'bs4' is missing here; the distribution beautifulsoup4 brings it. Name it in a requirements.txt "
        "beside the integration's YAML, install the pack again, then `casemirror env build tiny`."
    )
    install(here, me, tmp_path, image="demisto/pyotrs:1", inner="import bs4")
    told = {"Type": 4, "ContentsFormat": "text", "Contents": "Failed: No module named 'bs4'"}
    remote.will("tiny-where", told, {"Type": 1, "Contents": "No module named 'data'"})
    entries = commands.run(here, me, "!tiny-where").entries
    assert [e.contents for e in entries] == [
        "Failed: No module named 'bs4'\nThe Python module 'bs4' is missing here; "
        "`casemirror env build tiny` builds the environment that image demisto/pyotrs describes.",
        "No module named 'data'",
    ]
    remote.will("test-module", ending=Ending.RAISED, error="No module named 'GoneApiModule'")
    with pytest.raises(Exception, match="comes with the pack ApiModules"):
        probes.test(here, me, "tiny")
