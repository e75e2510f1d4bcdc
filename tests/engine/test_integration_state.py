"""What a running command is given and may ask for: parameters, context, users, investigation.   MIR-026, 030, 031, 034, 194…205."""

from __future__ import annotations

from typing import Any

import pytest

from casemirror.actions import commands
from casemirror.model.ids import IncidentId
from casemirror.runtime.command import Command
from casemirror.store import content_items, schema
from support.desk import POLL, PULL, PUSH, Remote, died, said
from support.world import ANALYST, World, integration


@pytest.fixture
def desk(world: World) -> Remote:
    return world.instance()


def both(world: World, desk: Remote, **rest: Any) -> IncidentId:
    incident = world.mirror(desk.ticket(), **rest)
    world.cycle(3)
    return incident


def last(desk: Remote, name: str) -> Command:
    return [call.command for call in desk.calls if call.name == name][-1]


def test_a_command_knows_its_instance_and_brand(world: World, desk: Remote) -> None:
    """MIR-026, MIR-197, MIR-205: the name is the one of `dbotMirrorInstance`."""
    incident = both(world, desk)
    command = last(desk, PULL)
    assert (command.name, command.instance, command.brand) == (PULL, "desk", "Desk")
    assert command.instance == world.link(incident).instance_name


def test_a_command_has_its_secrets_in_clear_and_they_are_masked_in_what_comes_back(world: World, desk: Remote) -> None:
    """MIR-194: the runtime is told which texts to mask."""
    both(world, desk)
    for name in (POLL, PULL):
        assert last(desk, name).params["token"] == "s3cret-token"
        assert "s3cret-token" in last(desk, name).secrets
        assert "s3cret-token" not in str(last(desk, name).args)


def test_pulls_and_pushes_run_in_the_context_of_their_incident_and_polls_do_not(world: World, desk: Remote) -> None:
    """MIR-030, MIR-031."""
    incident = both(world, desk)
    world.shut(incident)
    world.cycle(2)
    push = last(desk, PUSH).investigation
    assert (push["id"], push["status"]) == (str(incident), 1)
    assert push["closed"] != push["lastOpen"]
    assert last(desk, PULL).investigation["id"] == str(incident)
    assert last(desk, POLL).investigation["id"] not in {str(i.id) for i in world.all()}


def test_the_context_is_kept_for_each_instance_and_a_stale_write_is_refused(world: World, desk: Remote) -> None:
    """MIR-199, MIR-200: also when the command fails afterwards; a version that somebody overtook loses nothing."""
    other = world.instance("other")
    both(world, desk)
    world.mirror(other.ticket(), instance="other")
    host = last(desk, POLL).host
    assert host.set_context is not None
    assert host.get_context is not None
    _, version = host.get_context()
    assert host.set_context({"page": 1}, version) == version + 1
    with pytest.raises(ValueError, match="stale"):
        host.set_context({"page": 2}, version)
    desk.next_answer(POLL, died())
    world.cycle(2)
    assert last(desk, POLL).context == {"page": 1}
    assert last(other, POLL).context == {}
    host.set_context({"page": 3}, -1)
    assert host.get_context()[0] == {"page": 3}


def test_users_are_found_by_name_and_mail_and_nobody_is_an_empty_dict(world: World, desk: Remote) -> None:
    """MIR-196."""
    world.user("alice", "alice@example.org")
    both(world, desk)
    find = last(desk, POLL).host.find_user
    assert find is not None
    assert find({"username": "alice"})["email"] == "alice@example.org"
    assert find({"email": "alice@example.org"})["username"] == "alice"
    assert find({"username": "nobody"}) == {}


@pytest.mark.parametrize("text", ["!get-modified-remote-data lastUpdate=0", "!get-remote-data id=T1 lastUpdate=0"])
def test_a_mirror_command_run_by_hand_changes_nothing_here(world: World, text: str) -> None:
    """MIR-034: nor does it move the cursor, the sync time or the notebook."""
    declared = {
        "commands": [{"name": n, "arguments": [{"name": a} for a in ("id", "lastUpdate")]} for n in (POLL, PULL)]
    }
    world.content("integration", integration("Desk Declared", **declared))
    desk = world.instance(integration="Desk Declared")
    incident = both(world, desk)
    before = (world.incident(incident), world.link(incident), world.lane().cursor_at)
    desk.next_answer(text[1:].split()[0], said([{"id": "T1", "state": "told"}], last_mirror_run={"page": 7}))
    answer = commands.run(world.app, ANALYST, text, using="desk", incident_id=incident)
    assert answer.entries
    assert (world.incident(incident), world.link(incident), world.lane().cursor_at) == before
    assert world.texts(incident) == []
    desk.change("T1")
    world.cycle()
    assert last(desk, POLL).last_mirror_run == {}


def test_the_transform_language_is_evaluated_here(world: World, desk: Remote) -> None:
    """demisto.dt: nothing found is None; what cannot be evaluated is a ValueError that shows the expression."""
    both(world, desk)
    transform = last(desk, POLL).host.transform
    assert transform is not None
    files = {"File": [{"Name": "a.txt", "Size": 5}, {"Name": "b.txt", "Size": 50}]}
    assert transform(files, "File.Name") == ["a.txt", "b.txt"]
    assert transform(files, "File(val.Size > 10).Name") == "b.txt"
    assert transform(files, "Folder.Name") is None
    with pytest.raises(ValueError, match=r"File\(val"):
        transform(files, "File(val")


def test_the_version_of_a_pack_is_told(world: World, desk: Remote) -> None:
    """Of the one that runs when none is named, of any by its id or name; empty for one that is not installed."""
    both(world, desk)
    told = last(desk, POLL).host.pack_version
    assert told is not None
    with world.app.store.write() as tx:
        tx.execute(schema.pack.update().values(version="1.2.3"))
        [pack] = [pack for pack in content_items.packs(tx) if "integration" in str(pack["items"])]
    assert told("") == told(str(pack["id"])) == told(str(pack["name"])) == "1.2.3"
    assert told("Nowhere") == ""
