"""Instances, packs, settings, users, keys: what is checked, what is kept, what is never shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from casemirror.actions import instances, keys, mirror, packs, probes, settings, users
from casemirror.engine.app import App
from casemirror.model.actor import Actor
from casemirror.model.errors import CommandFailed, Conflict, Invalid, NotFound
from casemirror.model.values import ZERO_TIME
from casemirror.runtime.command import Reply
from casemirror.store import audit
from casemirror.store import instances as store
from casemirror.store.database import Store
from casemirror.store.keys import KeyRing
from support.scripted import Remote

GIVEN = {"url": "http://127.0.0.1:1", "credentials.identifier": "mirror"}


def test_an_instance_gets_the_integrations_own_mappers_and_defaults(app: App, me: Actor, snow: str) -> None:
    """MAP-097; content.md §1.3."""
    found = instances.show(app, me, snow)
    assert found.instance.classifier == "casemirror-servicenow-classifier"
    assert (found.instance.mapper_in, found.instance.mapper_out) == (
        "casemirror-servicenow-incoming",
        "casemirror-servicenow-outgoing",
    )
    shown = {parameter.name: value for parameter, value in found.parameters}
    assert (shown["max_fetch"], shown["isFetch"], shown["credentials"]) == ("50", False, "(set)")


def test_secrets_are_stored_encrypted_and_told_to_nobody(app: App, me: Actor, snow: str, tmp_path: Path) -> None:
    """Issue: secrets encrypted at rest."""
    with app.store.read() as tx:
        instance = store.by_name(tx, snow)
        assert store.secrets(tx, instance.id)["credentials"]["password"] == "hush-hush"  # type: ignore[index,call-overload]
        assert "hush-hush" not in json.dumps(audit.list_all(tx), default=str)
    assert "hush-hush" not in repr(instances.show(app, me, snow))
    assert b"hush-hush" not in b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_an_update_keeps_what_is_not_named(app: App, me: Actor, snow: str) -> None:
    """One half of credentials alone, a parameter alone, a mapper alone."""
    instances.update(app, me, snow, {"max_fetch": "7"}, secrets={"credentials": "new-new-new"})
    instances.update(app, me, snow, {}, choice=instances.Choice(mapper_in=""))
    with app.store.read() as tx:
        instance = store.by_name(tx, snow)
        credentials: Any = store.secrets(tx, instance.id)["credentials"]
    assert (credentials["identifier"], credentials["password"]) == ("mirror", "new-new-new")
    assert (instance.params["max_fetch"], instance.mapper_in, instance.mapper_out) == (
        "7",
        "",
        "casemirror-servicenow-outgoing",
    )


@pytest.mark.parametrize(
    ("error", "name", "integration", "given", "words"),
    [
        (Conflict, "snow", "casemirror ServiceNow", GIVEN, "already"),
        (Invalid, " ", "casemirror ServiceNow", GIVEN, "needs a name"),
        (NotFound, "b", "Nonsense", GIVEN, "no integration"),
        (Invalid, "b", "casemirror ServiceNow", {**GIVEN, "urll": "x"}, "did you mean url"),
        (Invalid, "b", "casemirror ServiceNow", {"url": "x"}, "needs: User name"),
    ],
)
def test_a_wrong_instance_is_refused_and_leaves_nothing(
    app: App,
    me: Actor,
    snow: str,
    error: type[Exception],
    name: str,
    integration: str,
    given: dict[str, str],
    words: str,
) -> None:
    """Issue: an instance name twice, bad parameters."""
    with pytest.raises(error, match=words):
        instances.add(app, me, name, integration, given, secrets={} if "urll" not in given else {"credentials": "x"})
    assert [each.instance.name for each in instances.list_all(app, me)] == ["snow"]


def test_an_integration_for_python_2_is_refused(app: App, me: Actor, tmp_path: Path) -> None:
    """MIR-020."""
    pack = tmp_path / "Old" / "Integrations"
    pack.mkdir(parents=True)
    (pack / "integration-Old.yml").write_text(
        "commonfields: {id: Old, version: -1}\nname: Old\ndisplay: Old\nconfiguration: []\n"
        "script: {script: 'print 1', type: python, subtype: python2, commands: []}\n"
    )
    packs.add(app, me, tmp_path / "Old")
    with pytest.raises(Invalid, match="needs Python 2"):
        instances.add(app, me, "old", "Old", {})


def test_a_test_notes_the_health(app: App, me: Actor, snow: str, remote: Remote) -> None:
    """MIR-035, MIR-036."""
    remote.will("test-module", "ok")
    probes.test(app, me, snow)
    assert instances.show(app, me, snow).instance.health == "ok"
    remote.will("test-module", "Verify your credentials")
    with pytest.raises(CommandFailed, match="Verify your credentials"):
        probes.test(app, me, snow)
    assert instances.show(app, me, snow).instance.health == "Verify your credentials"


def test_a_schema_is_shown(app: App, me: Actor, snow: str, remote: Remote) -> None:
    """MIR-059, MIR-195."""
    remote.answers["get-mapping-fields"] = lambda _: Reply(results=({"incident": {"state": "State"}},))
    assert probes.schema(app, me, snow) == {"incident": {"state": "State"}}


def test_a_removed_instance_leaves_orphans_that_a_new_one_takes_up(app: App, me: Actor, snow: str) -> None:
    """MIR-015."""
    from casemirror.actions import incidents

    incidents.create(app, me, {"name": "x", "dbotMirrorInstance": snow, "dbotMirrorDirection": "Both"})
    instances.remove(app, me, snow)
    assert [row["state"] for row in mirror.records(app, me)] == ["orphan"]
    assert mirror.statistics(app, me)[-1]["instance"] == "total"
    instances.add(app, me, snow, "casemirror ServiceNow", GIVEN, secrets={"credentials": "hush-hush"})
    (row,) = mirror.records(app, me)
    assert (row["state"], row["dbotMirrorLastSync"], row["queued"]) == ("active", ZERO_TIME, True)
    instances.disable(app, me, snow)
    assert [row["state"] for row in mirror.records(app, me)] == ["disabled"]
    assert instances.enable(app, me, snow).instance.enabled


def test_a_pack_twice_replaces_itself(app: App, me: Actor) -> None:
    """content.md §2.2."""
    before = packs.list_all(app, me)
    packs.add(app, me, packs.BUNDLED / "CasemirrorRoundup")
    assert [(p.id, p.items) for p in packs.list_all(app, me)] == [(p.id, p.items) for p in before]
    with pytest.raises(NotFound):
        packs.add(app, me, Path("nowhere"))


def test_our_own_packs_are_complete(app: App, me: Actor) -> None:
    """MAP-100: installing them warns of nothing."""
    found = packs.add(app, me, packs.BUNDLED)
    assert len(found) == len(list(packs.BUNDLED.glob("*/pack_metadata.json")))
    assert [pack.warnings for pack in found] == [()] * len(found)


def test_settings_are_checked_when_they_are_set(app: App, me: Actor) -> None:
    """mirroring.md §5.1."""
    assert settings.put(app, me, "sync.mirror.job.delay", "5").value == 5
    assert settings.reset(app, me, "sync.mirror.job.delay").value == 1
    with pytest.raises(Invalid):
        settings.put(app, me, "sync.mirror.job.delay", "soon")
    with pytest.raises(NotFound, match="did you mean"):
        settings.get(app, me, "mirror.job.delay")


def test_users_are_found_by_integrations(app: App, me: Actor) -> None:
    """MIR-114, MIR-196."""
    users.add(app, me, "alice", email="alice@example.invalid", full_name="Alice Archer")
    with pytest.raises(Conflict):
        users.add(app, me, "alice")
    assert [user["name"] for user in users.list_all(app, me)] == ["Alice Archer"]
    users.remove(app, me, "alice")
    with pytest.raises(NotFound):
        users.remove(app, me, "alice")


def test_a_rotated_key_opens_every_secret(app: App, me: Actor, snow: str, tmp_path: Path) -> None:
    """Issue: rotation; a running server goes on by the new key."""
    old = (tmp_path / "key").read_text()
    server = Store.open(tmp_path / "casemirror.db", tmp_path / "files", app.clock, KeyRing.load(tmp_path / "key"))
    assert keys.rotate(app, me, tmp_path / "key") == 1
    assert (tmp_path / "key").read_text() != old
    with server.read() as tx:
        assert store.secrets(tx, store.by_name(tx, snow).id)["credentials"]["password"] == "hush-hush"  # type: ignore[index,call-overload]
    server.close()
    with app.store.read() as tx:
        assert store.secrets(tx, store.by_name(tx, snow).id)["credentials"]["password"] == "hush-hush"  # type: ignore[index,call-overload]


def test_a_key_from_the_environment_is_not_rotated(
    app: App, me: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could not be changed there."""
    monkeypatch.setenv("CASEMIRROR_KEY", (tmp_path / "key").read_text().strip())
    with pytest.raises(Conflict, match="CASEMIRROR_KEY"):
        keys.rotate(app, me, tmp_path / "key")
