"""Killed anywhere, full disks, lost keys: what was promised still holds. Over SQLite and PostgreSQL."""

from __future__ import annotations

import errno
import io
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from casemirror.model.clock import SystemClock
from casemirror.model.entry import NewEntry
from casemirror.model.errors import Invalid
from casemirror.model.ids import IncidentId, InstanceId
from casemirror.model.incident import Incident, NewIncident, Status
from casemirror.model.instance import Instance
from casemirror.model.link import Link
from casemirror.store import (
    database,
    entries,
    files,
    identity,
    incidents,
    instances,
    keys,
    lanes,
    links,
    schema,
    settings,
)
from casemirror.store.database import Store
from casemirror.store.keys import KeyRing
from support import postgres, stores

SECRET = "swordfish-4711"
HALF = """
import sys
from pathlib import Path
from casemirror.model.clock import SystemClock
from casemirror.store import links, settings
from casemirror.store.database import Store
from casemirror.store.keys import KeyRing

store = Store.open(sys.argv[1], Path(sys.argv[2]), SystemClock(), KeyRing((bytes(range(32)),)))
with store.write() as tx:
    settings.put(tx, "half", "1")
    links.want(tx, int(sys.argv[3]), store.clock.now(), priority=0)
    print("half", flush=True)
    sys.stdin.read()
"""


def address(store: Store) -> str:
    return store.engine.url.render_as_string(hide_password=False).replace("+psycopg", "")


def test_a_process_killed_inside_a_transaction_leaves_nothing(store: Store, link: Link) -> None:
    """MIR-121: kill -9 in the middle; the next writer is not kept waiting."""
    command = [sys.executable, "-c", HALF, address(store), str(store.files_folder), str(link.id)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"half\n"
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    with store.write() as tx:
        assert settings.get_all(tx) == {}
        assert links.load(tx, link.id).wanted == 0
        links.want(tx, link.id, store.clock.now(), priority=0)


def test_a_database_that_is_full_loses_nothing_that_was_there(tmp_path: Path) -> None:
    """SQLite: the write that did not fit is gone as a whole; later ones fit again."""
    store = stores.new_store("sqlite", tmp_path)
    with pytest.raises(sa.exc.OperationalError, match="full"), store.write() as tx:
        pages = tx.exec_driver_sql("PRAGMA page_count").scalar_one()
        tx.exec_driver_sql(f"PRAGMA max_page_count={pages + 2}")
        settings.put(tx, "half", "1")
        settings.put(tx, "large", "x" * 100_000)
    store.close()
    with store.write() as tx:
        assert settings.get_all(tx) == {}
        settings.put(tx, "large", "x" * 100_000)
    store.close()


TOO_BIG = """
import resource, sys
from pathlib import Path
from casemirror.model.clock import SystemClock
from casemirror.store import files
from casemirror.store.database import Store
from casemirror.store.keys import KeyRing

store = Store.open(sys.argv[1], Path(sys.argv[2]), SystemClock(), KeyRing((bytes(range(32)),)))
resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))
try:
    files.put(store, Path(sys.argv[3]), "big.bin", 1 << 30)
except files.DiskFull as error:
    print(error.message)
"""


def test_a_file_that_does_not_fit_on_the_disk_leaves_nothing(store: Store, tmp_path: Path) -> None:
    """The kernel itself ends the writing; the message says where, and the link tries again."""
    source = tmp_path / "source.bin"
    source.write_bytes(b"x" * 4_000_000)
    command = [sys.executable, "-c", TOO_BIG, address(store), str(store.files_folder), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "could not be written" in done.stdout
    assert os.strerror(errno.EFBIG) in done.stdout
    assert [p for p in store.files_folder.rglob("*") if p.is_file()] == []
    with store.read() as tx:
        assert files.total(tx) == (0, 0)


def test_a_file_whose_row_cannot_be_written_is_tried_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes without a row are no file; the same bytes are taken in later."""

    def broken(self: Path, target: Path) -> Path:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", broken)
        with pytest.raises(files.DiskFull):
            files.put(store, io.BytesIO(b"bytes"), "a.txt", 100)
    with store.read() as tx:
        assert files.total(tx) == (0, 0)
    assert files.path(store, files.put(store, io.BytesIO(b"bytes"), "a.txt", 100).id).read_bytes() == b"bytes"


def test_what_is_no_file_is_refused_at_once(store: Store, tmp_path: Path) -> None:
    """A folder, or a pipe that nobody writes to."""
    os.mkfifo(tmp_path / "pipe")
    for source in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(files.FileRefused, match="is no file"):
            files.put(store, source, "a.txt", 100)


def test_forgetting_leaves_what_is_shown_and_what_is_new(store: Store, incident: Incident, link: Link) -> None:
    """A file that was just taken in is not deleted before its entry is written; halves of killed processes are."""
    shown = files.put(store, io.BytesIO(b"shown"), "a.txt", 100)
    with store.write() as tx:
        entries.add(tx, incident.id, NewEntry(file=shown), store.clock.now())
    before = store.clock.now()
    fresh = files.put(store, io.BytesIO(b"fresh"), "b.txt", 100)
    half = store.files_folder / ".part-old"
    half.write_bytes(b"ha")
    os.utime(half, (0, 0))
    assert files.forget_unreferenced(store, before) == 1
    assert not half.exists()
    assert files.path(store, fresh.id).exists()
    assert files.forget_unreferenced(store) == 1
    assert files.path(store, shown.id).exists()
    assert not files.path(store, fresh.id).exists()


def test_no_byte_of_the_database_shows_a_secret(store: Store, instance: Instance, incident: Incident) -> None:
    """Not a page, not the write-ahead log, not a column of any table; what is no secret is found that way."""
    with store.write() as tx:
        instances.set_secret(tx, instance.id, "token", SECRET + "-2")
    everything = b""
    if store.is_postgresql:
        with store.read() as tx:
            for table in schema.metadata.sorted_tables:
                for row in tx.exec_driver_sql(f'SELECT t::text FROM "{table.name}" t').scalars():
                    everything += row.encode() + b"\n"
    else:
        folder = Path(str(store.engine.url.database)).parent
        assert (folder / "casemirror.db-wal").exists()
        everything = b"".join(p.read_bytes() for p in folder.iterdir() if p.is_file())
    assert b"fire" in everything
    assert SECRET.encode() not in everything
    assert SECRET.encode().hex().encode() not in everything


def test_nobody_else_may_read_the_database(tmp_path: Path) -> None:
    """Incidents are nobody's business either: the file and its log are the owner's."""
    made = stores.new_store("sqlite", tmp_path)
    with made.write() as tx:
        settings.put(tx, "a", "1")
        assert {oct(p.stat().st_mode & 0o077) for p in tmp_path.glob("casemirror.db*")} == {"0o0"}
    made.close()


@pytest.fixture
def key_file(store: Store, instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store whose secrets are under the key of a file."""
    monkeypatch.delenv(keys.ENVIRONMENT, raising=False)
    path = tmp_path / "key"
    store.keys = KeyRing.load(path)
    with store.write() as tx:
        instances.set_secret(tx, instance.id, "credentials", {"password": SECRET})
    return path


def secrets_after_restart(store: Store, instance: Instance, path: Path) -> object:
    store.keys = KeyRing.load(path)
    with store.read() as tx:
        return instances.secrets(tx, instance.id)


STEPS: dict[str, Callable[[Store, Path], None]] = {
    "a new key": lambda store, path: setattr(store, "keys", keys.add_key(path)),
    "half wrapped": lambda store, path: rewrap(store, ends_well=False),
    "wrapped": lambda store, path: rewrap(store, ends_well=True),
    "old keys dropped": lambda store, path: keys.drop_old_keys(path),
}


def rewrap(store: Store, *, ends_well: bool) -> None:
    try:
        with store.write() as tx:
            assert instances.rewrap_secrets(tx) == 1
            if not ends_well:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass


@pytest.mark.parametrize("last", STEPS)
def test_a_rotation_killed_after_any_step_can_be_read_and_begun_again(
    store: Store, instance: Instance, key_file: Path, last: str
) -> None:
    """Between any two steps every secret can be opened by the key file as it is."""
    first, good = store.keys.current, {"credentials": {"password": SECRET}}
    for name, step in STEPS.items():
        step(store, key_file)
        if name == last:
            break
    assert secrets_after_restart(store, instance, key_file) == good
    for step in STEPS.values():
        step(store, key_file)
        assert secrets_after_restart(store, instance, key_file) == good
    assert len(key_file.read_text().split()) == 1
    assert store.keys.current != first


def test_a_secret_given_during_a_rotation_is_under_the_new_key(
    store: Store, instance: Instance, key_file: Path
) -> None:
    """A server that began before the rotation writes one while the others are wrapped: dropping the old key loses none."""
    server = Store(store.engine, store.files_folder, SystemClock(), KeyRing.load(key_file))

    def give() -> None:
        with server.write() as tx:
            instances.set_secret(tx, instance.id, "token", "given meanwhile")

    thread = threading.Thread(target=give)
    store.keys = keys.add_key(key_file)
    with store.write() as tx:
        instances.rewrap_secrets(tx)
        thread.start()
        thread.join(0.3)
    thread.join(30)
    keys.drop_old_keys(key_file)
    assert secrets_after_restart(store, instance, key_file) == {
        "credentials": {"password": SECRET},
        "token": "given meanwhile",
    }


def test_a_lost_key_is_told_with_what_to_do(store: Store, instance: Instance, key_file: Path) -> None:
    """A new key file does not open old secrets; the text names the parameter and no value."""
    key_file.unlink()
    with pytest.raises(Invalid, match=r"the secret of .*/credentials .*put that key back, or give the secret again"):
        secrets_after_restart(store, instance, key_file)
    with store.write() as tx:
        instances.set_secret(tx, instance.id, "credentials", "again")
    assert secrets_after_restart(store, instance, key_file) == {"credentials": "again"}


@pytest.mark.parametrize("content", [b"", b"short\n", b"not base64 !\n", b"\xff\xfe\n"])
def test_a_broken_key_file_is_named_and_its_content_is_not(key_file: Path, content: bytes) -> None:
    """What stands in it may be most of a key."""
    key_file.write_bytes(content)
    with pytest.raises(Invalid, match="master key") as error:
        KeyRing.load(key_file)
    assert not content.strip() or content.strip() not in error.value.message.encode()


SECOND = """
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = "9999", "{head}", None, None
def upgrade():
    for table in ("instance", "incident", "link", "entry"):
        with op.batch_alter_table(table, recreate="{recreate}") as batch:
            batch.add_column(sa.Column("extra", sa.Text(), server_default="x", nullable=False))
    {last}
"""


@pytest.fixture
def migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """The migrations of a later version: one more, which rebuilds tables."""
    folder = tmp_path / "migrations"
    shutil.copytree(database.MIGRATIONS, folder)

    def make(recreate: str, last: str) -> None:
        head = max(p.name[:4] for p in (folder / "versions").glob("0*.py"))
        text = SECOND.format(head=head, recreate=recreate, last=last)
        (folder / "versions" / "9999_more.py").write_text(text)
        monkeypatch.setattr(database, "MIGRATIONS", folder)

    yield make


def counts(store: Store) -> dict[str, int]:
    with store.read() as tx:
        tables = ("instance", "secret", "lane", "incident", "link", "audit")
        query = {name: sa.select(sa.func.count()).select_from(schema.metadata.tables[name]) for name in tables}
        return {name: tx.execute(query[name]).scalar_one() for name in tables}


def test_a_migration_that_rebuilds_tables_loses_no_row(
    store: Store, link: Link, migrations: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite rebuilds a table to change it; what refers to it is not taken along. An older version refuses the result."""
    before = counts(store)
    migrations("auto" if store.is_postgresql else "always", "pass")
    store.migrate()
    assert counts(store) == before
    monkeypatch.undo()
    with pytest.raises(Invalid, match="newer"):
        store.migrate()
    with store.write() as tx:
        instances.remove(tx, links.load(tx, link.id).instance_id)  # type: ignore[arg-type]
    assert counts(store) == {**before, "instance": 0, "secret": 0, "lane": 0}


def test_a_migration_that_fails_changes_nothing(
    store: Store, link: Link, migrations: Callable[[str, str], None]
) -> None:
    """The schema is the old one as a whole, and work goes on."""
    before, tables = counts(store), sa.inspect(store.engine).get_columns("instance")
    migrations("auto" if store.is_postgresql else "always", "raise RuntimeError('no')")
    with pytest.raises(RuntimeError, match="no"):
        store.migrate()
    assert [c["name"] for c in sa.inspect(store.engine).get_columns("instance")] == [c["name"] for c in tables]
    assert counts(store) == before
    with store.write() as tx:
        incidents.create(tx, NewIncident(fields={}), store.clock.now(), status=Status.ACTIVE, actor="me")


def test_an_address_that_is_none_is_refused_without_showing_it(tmp_path: Path) -> None:
    """It may hold a password. A file may be named as it likes."""
    with pytest.raises(Invalid, match="no URL") as error:
        Store.open("postgresql://bob:pass word@host:port/x", tmp_path, SystemClock(), KeyRing((stores.KEY,)))
    assert "pass" not in error.value.message.replace("password", "")
    odd = Store.open(tmp_path / "postgres.db", tmp_path / "files", SystemClock(), KeyRing((stores.KEY,)))
    assert not odd.is_postgresql
    odd.close()


_AT = "'2026-01-02 03:04:05'"
FIRST_ROWS = (
    f"INSERT INTO instance (id, name, brand, created_at, modified_at) VALUES ('i', 'snow', 'ServiceNow', {_AT}, {_AT})",
    "INSERT INTO lane (id, instance_id) VALUES ('i/0', 'i')",
    "INSERT INTO incident (id, guid, status, fields, created_at, modified_at, occurred_at) "
    f"VALUES (1, 'g', 1, '{{\"name\": \"fire\"}}', {_AT}, {_AT}, {_AT})",
    "INSERT INTO link (incident_id, instance_id, instance_name, remote_id, direction, base, since_at) "
    f"VALUES (1, 'i', 'snow', 'R1', 'Both', '{{\"name\": \"fire\"}}', {_AT})",
)


@pytest.mark.parametrize("kind", stores.KINDS)
def test_a_database_of_the_first_version_is_brought_forward_with_all_its_rows(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What people have is kept, and works with the code of today; the schema is the same as that of a new database."""
    admin = request.getfixturevalue("postgresql") if kind == "postgresql" else ""
    where = tmp_path / "old.db" if kind == "sqlite" else postgres.new_database(admin)
    old = Store.open(where, tmp_path / "files", SystemClock(), KeyRing((stores.KEY,)))
    folder = tmp_path / "first"
    shutil.copytree(database.MIGRATIONS, folder)
    for later in (folder / "versions").glob("0*.py"):
        if not later.name.startswith("0001"):
            later.unlink()
    with monkeypatch.context() as patch:
        patch.setattr(database, "MIGRATIONS", folder)
        old.migrate()
    with old.write() as tx:
        for statement in FIRST_ROWS:
            tx.exec_driver_sql(statement)
    old.migrate()
    with old.write() as tx:
        [found] = links.of_incident(tx, IncidentId(1))
        assert (found.instance_name, found.remote_id, found.base, found.trail) == ("snow", "R1", {"name": "fire"}, ())
        assert lanes.of_instance(tx, InstanceId("i")).may_ask(old.clock.now())
        assert len(identity.server_id(tx)) == 32
        links.want(tx, found.id, old.clock.now(), priority=0, named=True)
        assert incidents.load(tx, IncidentId(1)).name == "fire"
    with old.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, schema.metadata) == []
    old.close()
