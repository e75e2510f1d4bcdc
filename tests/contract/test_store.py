"""Transactions, secrets, versions, content, schema. Over SQLite and PostgreSQL."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from casemirror.content.items import Item
from casemirror.content.pack import Pack
from casemirror.model.errors import Conflict, IncidentChanged, Invalid, NotFound
from casemirror.model.incident import Incident
from casemirror.model.instance import Instance
from casemirror.model.link import Link
from casemirror.model.plan import Decision, Rule
from casemirror.store import (
    audit,
    content_items,
    decisions,
    inbox,
    incidents,
    instances,
    keys,
    payloads,
    schema,
    settings,
    users,
)
from casemirror.store.database import Store
from casemirror.store.keys import KeyRing
from support import postgres, stores

SECRET = "swordfish-4711"


def test_a_transaction_that_fails_leaves_nothing(store: Store, incident: Incident, now: datetime) -> None:
    """MIR-121: all of it or none."""
    with pytest.raises(RuntimeError), store.write() as tx:
        incidents.save(tx, incident.id, incident.version, now=now, fields={"name": "half"})
        settings.put(tx, "mirror.overlap", "1")
        raise RuntimeError
    with store.read() as tx:
        assert incidents.load(tx, incident.id) == incident
        assert settings.get_all(tx) == {}


def test_a_transaction_that_reads_cannot_write(store: Store, incident: Incident, now: datetime) -> None:
    """On either database: what forgot to ask for a write is found by the tests of the other one too."""
    with pytest.raises(DBAPIError, match=r"readonly|read-only"), store.read() as tx:
        settings.put(tx, "mirror.overlap", "1")
    with store.write() as tx:
        settings.put(tx, "mirror.overlap", "2")


def test_a_write_within_a_write_is_refused_at_once(store: Store) -> None:
    """It would wait for itself. The outer one goes on, and the next one is not in its way."""
    with store.write() as tx:
        settings.put(tx, "mirror.overlap", "1")
        with pytest.raises(RuntimeError, match="open already"), store.write():
            pass
    with store.write() as tx:
        assert settings.get_all(tx) == {"mirror.overlap": "1"}


def test_a_stale_version_is_refused(store: Store, incident: Incident, now: datetime) -> None:
    """Two who saw the same version: the second one is told."""
    with store.write() as tx:
        saved = incidents.save(tx, incident.id, 1, now=now, fields={"severity": 3})
    assert (saved.version, saved.fields["severity"], saved.name) == (2, 3, "fire")
    with pytest.raises(IncidentChanged), store.write() as tx:
        incidents.save(tx, incident.id, 1, now=now, fields={"severity": 4})


def test_empty_fields_are_left_out_at_creation(store: Store, incident: Incident) -> None:
    """A field that was never set is absent."""
    assert "details" not in incident.fields
    assert incident.fields["occurred"]


def test_a_secret_is_in_clear_nowhere(store: Store, instance: Instance, tmp_path: Path) -> None:
    """Not in the instance, not in any byte of the database."""
    with store.read() as tx:
        assert instances.secrets(tx, instance.id) == {"credentials": {"password": SECRET}}
        assert SECRET not in repr(instances.load(tx, instance.id))
        row = tx.execute(sa.select(schema.secret)).mappings().one()
        assert SECRET.encode() not in bytes(row["sealed"]) + bytes(row["wrapped"])
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes(), path


def test_without_the_right_key_a_secret_stays_closed(store: Store, instance: Instance) -> None:
    """The error names what is missing and what to do, and shows nothing."""
    store.keys = KeyRing((bytes(32),))
    with pytest.raises(Invalid, match=r"master key .* not in the key file") as error, store.read() as tx:
        instances.secrets(tx, instance.id)
    assert SECRET not in str(error.value)


def test_a_secret_cannot_be_moved_to_another_place(store: Store, instance: Instance, now: datetime) -> None:
    """The ciphertext is bound to its instance and parameter."""
    with store.write() as tx:
        other = instances.add(tx, "other", "ServiceNow", now)
        tx.execute(schema.secret.update().values(instance_id=other.id))
    with pytest.raises(Invalid, match="changed, or belongs elsewhere"), store.read() as tx:
        instances.secrets(tx, other.id)


def test_keys_are_rotated_without_a_gap(store: Store, instance: Instance, tmp_path: Path) -> None:
    """Add the new one, wrap everything anew, drop the old one: secrets can be read between any two steps."""
    path = tmp_path / "key"
    path.write_text(base64.b64encode(stores.KEY).decode() + "\n")
    path.chmod(0o600)
    store.keys = KeyRing.load(path)
    store.keys = keys.add_key(path)
    with store.read() as tx:
        assert instances.secrets(tx, instance.id)["credentials"]
    with store.write() as tx:
        assert instances.rewrap_secrets(tx) == 1
    keys.drop_old_keys(path)
    store.keys = KeyRing.load(path)
    with store.read() as tx:
        assert instances.secrets(tx, instance.id) == {"credentials": {"password": SECRET}}


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is made private when it is missing; the environment may hold the key instead."""
    monkeypatch.delenv(keys.ENVIRONMENT, raising=False)
    path = tmp_path / "home" / "key"
    ring = KeyRing.load(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert KeyRing.load(path).current == ring.current
    path.chmod(0o640)
    with pytest.raises(Invalid, match="chmod 600"):
        KeyRing.load(path)
    monkeypatch.setenv(keys.ENVIRONMENT, base64.b64encode(bytes(32)).decode())
    assert KeyRing.load(path).current == keys.key_id(bytes(32))
    monkeypatch.setenv(keys.ENVIRONMENT, "short")
    with pytest.raises(Invalid):
        KeyRing.load(path)


def test_names_of_instances_are_theirs_alone(store: Store, instance: Instance, now: datetime) -> None:
    """A second one with that name is refused; an unknown name is told what there is."""
    with pytest.raises(Conflict, match="snow"), store.write() as tx:
        instances.add(tx, "snow", "Other", now)
    with store.read() as tx:
        assert instances.find(tx, instance.id) == instances.by_name(tx, "snow")
        with pytest.raises(NotFound, match="there are: snow"):
            instances.by_name(tx, "now")


def test_a_stale_context_is_refused(store: Store, instance: Instance) -> None:
    """MIR-199, MIR-200: who read an old version may not write; −1 forces."""
    with store.write() as tx:
        version = instances.set_context(tx, instance.id, {"a": 1}, 0)
        with pytest.raises(ValueError, match="stale"):
            instances.set_context(tx, instance.id, {"b": 1}, 0)
        assert instances.set_context(tx, instance.id, {"c": 1}, -1) == version + 1
        assert instances.context(tx, instance.id) == ({"c": 1}, version + 1)


def test_a_pack_takes_the_place_of_its_former_version(store: Store, now: datetime) -> None:
    """Installed content changes as a whole, and everybody can see that it did."""

    def item(name: str) -> Item:
        return Item(kind="incidenttype", id=name, name=name, body={"id": name, "name": name, "color": "#000"})

    with store.write() as tx:
        first = content_items.revision(tx)
        assert content_items.install(tx, Pack(id="P", name="P", items=(item("a"), item("b"), item("a"))), now) == 2
        content_items.install(tx, Pack(id="P", name="P", version="2", items=(item("c"),)), now)
        assert content_items.revision(tx) > first
        assert [i.id for i in content_items.all_items(tx)] == ["c"]
        assert [(p["id"], p["version"], p["items"]) for p in content_items.packs(tx)] == [
            ("P", "2", {"incidenttype": 1})
        ]
        assert content_items.remove(tx, "P")
        assert not content_items.remove(tx, "P")


def test_what_was_said_is_kept(store: Store, link: Link, now: datetime) -> None:
    """Payloads and decisions: the same one twice in a row is one."""
    decision = Decision(field="f", rule=Rule.REMOTE_CHANGED, base=None, local="a", remote=["b"])
    with store.write() as tx:
        one = payloads.add(tx, link.id, now, "pull", {"x": 1})
        assert payloads.add(tx, link.id, now, "pull", {"x": 1}) == one
        two = payloads.add(tx, link.id, now, "pull", {"x": 2})
        decisions.add(tx, link, [decision, decision], now, payload_id=two)
        [kept] = decisions.list_for(tx, link.incident_id)
        assert (kept["field"], kept["rule"], kept["remote"], kept["payload_id"]) == ("f", "remote-changed", ["b"], two)
        assert payloads.load(tx, two) == {"x": 2}
        assert payloads.forget_old(tx, now) == 0
        inbox.put(tx, link.id, now, {"object": {"a": 1}})
        [row] = inbox.waiting(tx, link.id)
        assert row.body == {"object": {"a": 1}}
        inbox.remove(tx, [row.id])
        assert inbox.waiting(tx, link.id) == []
        assert payloads.forget_old(tx, now + timedelta(seconds=1)) == 2
        assert [row["payload_id"] for row in decisions.list_for(tx, link.incident_id)] == [None]


def test_users_are_found_by_name_and_address(store: Store) -> None:
    """MIR-196: nobody is None here and `{}` there."""
    with store.write() as tx:
        users.add(tx, "bob", email="Bob@example.org", full_name="Bob B.")
        assert users.find(tx, email="bob@EXAMPLE.org") == users.find(tx, username="bob")
        assert users.find(tx, username="nobody") is None
        assert users.find(tx) is None
        assert users.remove(tx, "bob")


def test_the_audit_tells_who_did_what(store: Store, incident: Incident, now: datetime) -> None:
    """Newest first."""
    with store.write() as tx:
        audit.add(tx, now, "me", "setting.changed", "setting x", {"to": "1"})
        lines = audit.list_all(tx)
    assert [(line["actor"], line["verb"]) for line in lines] == [("me", "setting.changed"), ("me", "incident.created")]


@pytest.mark.parametrize("kind", stores.KINDS)
def test_the_migrations_give_the_schema(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """A fresh schema and the sum of the migrations are the same, on both databases."""
    admin = request.getfixturevalue("postgresql") if kind == "postgresql" else ""
    migrated = stores.new_store(kind, tmp_path, admin)
    where = tmp_path / "fresh.db" if kind == "sqlite" else postgres.new_database(admin)
    fresh = Store.open(where, tmp_path / "files", migrated.clock, migrated.keys)
    try:
        with fresh.write() as tx:
            schema.metadata.create_all(tx)
        assert described(migrated) == described(fresh)
        migrated.migrate()
    finally:
        migrated.close()
        fresh.close()


def only_where(options: dict[str, object]) -> str:
    """The condition of a partial index."""
    return " ".join(str(value) for name, value in options.items() if name.endswith("_where"))


def described(store: Store) -> dict[str, object]:
    """All that an inspector sees of the tables."""
    look = sa.inspect(store.engine)
    return {
        table: (
            sorted((c["name"], str(c["type"]), c["nullable"], str(c["default"])) for c in look.get_columns(table)),
            look.get_pk_constraint(table)["constrained_columns"],
            sorted(
                (i["name"], tuple(i["column_names"]), bool(i["unique"]), only_where(i.get("dialect_options", {})))
                for i in look.get_indexes(table)
            ),
            sorted(tuple(u["column_names"]) for u in look.get_unique_constraints(table)),
            sorted(
                (tuple(f["constrained_columns"]), f["referred_table"], str(f["options"]))
                for f in look.get_foreign_keys(table)
            ),
        )
        for table in look.get_table_names()
        if table != "alembic_version"
    }
