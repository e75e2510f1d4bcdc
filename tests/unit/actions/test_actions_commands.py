"""How a command line of a war room is read, and what running one keeps."""

from __future__ import annotations

import pytest

from casemirror.actions import case, command_line, commands, incidents
from casemirror.content.items import Argument
from casemirror.engine.app import App
from casemirror.model.actor import Actor
from casemirror.model.errors import Conflict, Invalid, NotFound
from casemirror.store import instances as store
from support.scripted import Remote

DECLARED = (
    Argument(name="id", required=True, is_default=True),
    Argument(name="fields", default="all"),
    Argument(name="limit"),
)


@pytest.mark.parametrize(
    ("typed", "args"),
    [
        ("!get id=1", {"id": "1", "fields": "all"}),
        ("get 1", {"id": "1", "fields": "all"}),
        ('!get id="a b" limit=2', {"id": "a b", "fields": "all", "limit": "2"}),
        ("!get 'a b'", {"id": "a b", "fields": "all"}),
        ('!get id=`{"a": "b c"}`', {"id": '{"a": "b c"}', "fields": "all"}),
        ("!get https://host/?q=1", {"id": "https://host/?q=1", "fields": "all"}),
        ("!get query=x", {"id": "query=x", "fields": "all"}),
        ('!get id="a\nb" fields=""', {"id": "a\nb", "fields": ""}),
    ],
)
def test_arguments_are_read_as_a_shell_does(typed: str, args: dict[str, str]) -> None:
    """content.md §1.4: the default argument needs no name; a missing one takes its default value."""
    assert command_line.arguments(command_line.parse(typed), DECLARED) == args


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("!", "no command"),
        ("!get", "needs id="),
        ('!get id=""', "needs id="),
        ("!get id=1 limt=2", "did you mean limit"),
        ("!get id=1 id=2", "given twice"),
        ('!get id="1', "open quote"),
    ],
)
def test_a_wrong_line_says_what_would_be_right(typed: str, words: str) -> None:
    """Issue: required and unknown arguments."""
    with pytest.raises(Invalid, match=words):
        command_line.arguments(command_line.parse(typed), DECLARED)


def test_mirror_commands_by_hand_change_nothing(app: App, me: Actor, snow: str, remote: Remote) -> None:
    """MIR-034."""
    incident = incidents.create(app, me, {"name": "x"})
    remote.will("get-remote-data", [{"short_description": "y"}], last_mirror_run={"a": 1}, last_run={"b": 2})
    answer = commands.run(app, me, "!get-remote-data id=R1 lastUpdate=0", using=snow, incident_id=incident.id)
    assert "short_description" in answer.entries[0].contents
    assert (answer.stored, answer.failed) == ((), False)
    assert remote.asked[-1].args == {"id": "R1", "lastUpdate": "0"}
    with app.store.read() as tx:
        instance = store.by_name(tx, snow)
    assert (instance.last_run, instance.last_mirror_run) == ({}, {})
    assert case.show(app, me, incident.id).entries == ()


def test_a_failing_command_is_told_as_an_error(app: App, me: Actor, snow: str, remote: Remote) -> None:
    """mirroring.md §1.2."""
    remote.will("get-remote-data", {"Type": 4, "ContentsFormat": "text", "Contents": "no such ticket"})
    answer = commands.run(app, me, "!get-remote-data id=R1 lastUpdate=0", using=snow)
    assert answer.failed
    assert [entry.contents for entry in answer.entries] == ["no such ticket"]


def test_the_instance_must_be_clear(app: App, me: Actor, snow: str, remote: Remote) -> None:
    """The only enabled one that has the command, or the named one."""
    remote.will("get-mapping-fields", {})
    with pytest.raises(NotFound, match="has no command 'nonsense'"):
        commands.run(app, me, "!nonsense", using=snow)
    with pytest.raises(NotFound, match="no enabled instance"):
        commands.run(app, me, "!nonsense")
    assert commands.run(app, me, "!get-mapping-fields").instance == snow
    from casemirror.actions import instances

    given = {"url": "http://127.0.0.1:1/t/", "credentials.identifier": "m"}
    instances.add(app, me, "tracker", "Roundup", given, secrets={"credentials": "pw-pw"})
    with pytest.raises(Conflict, match="--using"):
        commands.run(app, me, "!get-mapping-fields")
    instances.disable(app, me, snow)
    with pytest.raises(Conflict, match="is disabled"):
        commands.run(app, me, "!get-mapping-fields", using=snow)


def test_the_servers_own_commands_answer_as_json(app: App, me: Actor, snow: str) -> None:
    """MIR-187, MIR-189, MIR-190."""
    assert (
        '"totalMirrored": 0'
        in commands.run(app, me, "!getMirrorStatistics dbotMirrorInstance=snow").entries[0].contents
    )
    assert commands.run(app, me, "!getSyncMirrorRecords closed=true").entries[0].contents == "[]"
    assert commands.run(app, me, f"!purgeClosedSyncMirrorRecords dbotMirrorInstance={snow}").entries[0].contents == "0"
    with pytest.raises(Invalid, match="dbotMirrorInstance is missing"):
        commands.run(app, me, "!purgeClosedSyncMirrorRecords")
    with pytest.raises(Invalid, match="neither true nor false"):
        commands.run(app, me, "!getSyncMirrorRecords closed=maybe")
