"""Two at once: nobody is refused, nothing is lost, and nobody sees a half. Over SQLite and PostgreSQL."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from casemirror.content.items import Item
from casemirror.content.pack import Pack
from casemirror.model.clock import ManualClock, SystemClock
from casemirror.model.entry import NewEntry
from casemirror.model.errors import Conflict, IncidentChanged, LaneLost
from casemirror.model.ids import LaneId
from casemirror.model.incident import Incident
from casemirror.model.instance import Instance
from casemirror.model.lane import Lane
from casemirror.model.link import Link
from casemirror.store import (
    content_items,
    entries,
    files,
    heartbeats,
    incidents,
    instances,
    keys,
    lanes,
    links,
    polls,
    settings,
    users,
)
from casemirror.store.database import Store
from casemirror.store.keys import KeyRing
from support import postgres, stores

AT_ONCE = 8
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def together(work: Callable[[int], Any], count: int = AT_ONCE) -> list[Any]:
    """Run the work in as many threads, begun at once; returns what each returned or raised."""
    gate, done = threading.Barrier(count), [None] * count

    def run(number: int) -> None:
        gate.wait(30)
        try:
            done[number] = work(number)
        except Exception as error:  # noqa: BLE001
            done[number] = error  # type: ignore[call-overload]

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return done


WRITES: dict[str, Callable[[Connection, int, Link], Any]] = {
    "setting": lambda tx, n, link: settings.put(tx, "mirror.overlap", str(n)),
    "user": lambda tx, n, link: users.add(tx, "bob", email=f"{n}@example.org"),
    "heartbeat": lambda tx, n, link: heartbeats.beat(tx, "one"),
    "unmatched": lambda tx, n, link: polls.remember_unmatched(tx, link.instance_id, "R9", NOON),  # type: ignore[arg-type]
    "secret": lambda tx, n, link: instances.set_secret(tx, link.instance_id, "credentials", n),  # type: ignore[arg-type]
    "pack": lambda tx, n, link: content_items.install(tx, pack(n), NOON),
}


def pack(number: int) -> Pack:
    item = Item(kind="incidenttype", id=f"t{number}", name="t", body={"id": "t", "name": "t", "color": "#000"})
    return Pack(id="P", name="P", version=str(number), items=(item,))


@pytest.mark.parametrize("what", WRITES)
def test_the_same_row_written_by_many_at_once_is_one_row(store: Store, link: Link, what: str) -> None:
    """The last one counts; none of them fails."""

    def write(number: int) -> None:
        with store.write() as tx:
            WRITES[what](tx, number, link)

    assert together(write) == [None] * AT_ONCE
    with store.read() as tx:
        if what == "pack":
            assert [p["items"] for p in content_items.packs(tx)] == [{"incidenttype": 1}]
            assert content_items.revision(tx) == AT_ONCE
        elif what == "secret":
            assert list(instances.secrets(tx, link.instance_id)) == ["credentials"]  # type: ignore[arg-type]


def test_of_many_instances_with_one_name_one_is_made(store: Store, now: datetime) -> None:
    """The others are told as people are."""

    def add(number: int) -> Instance:
        with store.write() as tx:
            return instances.add(tx, "snow", f"brand {number}", now)

    done = together(add)
    assert [type(d) for d in done].count(Instance) == 1
    assert [type(d) for d in done].count(Conflict) == AT_ONCE - 1
    with store.read() as tx:
        assert len(instances.list_all(tx)) == 1


def test_the_same_file_taken_in_by_many_at_once_is_one(store: Store) -> None:
    """Content-addressed, also at one moment."""
    done = together(lambda n: files.put(store, io.BytesIO(b"same" * 1000), f"{n}.txt", 10_000))
    assert len({ref.id for ref in done}) == 1
    with store.read() as tx:
        assert files.total(tx) == (1, 4000)
    assert [p for p in store.files_folder.rglob("*") if p.is_file()] == [files.path(store, done[0].id)]


def test_entries_of_many_writers_get_numbers_without_gap(store: Store, incident: Incident, now: datetime) -> None:
    """A label names one entry."""

    def say(number: int) -> int:
        with store.write() as tx:
            return entries.add(tx, incident.id, NewEntry(contents=f"{number}"), now).number

    assert sorted(together(say)) == list(range(1, AT_ONCE + 1))


def test_of_many_who_saw_one_version_one_writes(store: Store, incident: Incident, now: datetime) -> None:
    """The others are told that it changed, and their values are nowhere."""

    def edit(number: int) -> Incident:
        with store.write() as tx:
            return incidents.save(tx, incident.id, 1, now=now, fields={"severity": number})

    done = together(edit)
    [saved] = [d for d in done if isinstance(d, Incident)]
    assert [type(d) for d in done].count(IncidentChanged) == AT_ONCE - 1
    with store.read() as tx:
        assert incidents.load(tx, incident.id).fields["severity"] == saved.fields["severity"]


def test_of_two_runs_that_read_one_context_one_writes(store: Store, instance: Instance) -> None:
    """MIR-199: the second one gets ValueError, and what the first one wrote stays."""

    def note(number: int) -> int:
        with store.write() as tx:
            return instances.set_context(tx, instance.id, {"by": number}, 0)

    done = together(note)
    assert [type(d) for d in done].count(ValueError) == AT_ONCE - 1
    with store.read() as tx:
        assert instances.context(tx, instance.id) == ({"by": done.index(1)}, 1)


def test_of_many_workers_one_gets_the_lane(store: Store, instance: Instance) -> None:
    """MIR-019: and the epoch grew once."""

    def take(number: int) -> Lane | None:
        with store.write() as tx:
            heartbeats.beat(tx, f"w{number}")
            return lanes.acquire(tx, LaneId(f"{instance.id}/0"), f"w{number}", 60)

    [owner] = [d for d in together(take) if d is not None]
    assert owner.epoch == 1


@pytest.mark.parametrize("late", ["guard", "save"])
def test_a_late_writer_waits_for_a_takeover_and_is_refused(store: Store, instance: Instance, late: str) -> None:
    """Rule 5: the takeover is not committed yet when the late one comes from another connection."""
    with store.write() as tx:
        ours = lanes.acquire(tx, LaneId(f"{instance.id}/0"), "a", 0)
    assert ours is not None
    told: list[object] = []

    def write() -> None:
        try:
            with store.write() as tx:
                lanes.guard(tx, ours) if late == "guard" else lanes.save(tx, ours, last_error="late")
                told.append("written")
        except LaneLost as error:
            told.append(error)

    thread = threading.Thread(target=write)
    with store.write() as tx:
        assert lanes.acquire(tx, ours.id, "b", 60) is not None
        thread.start()
        thread.join(0.3)
        assert told == []
    thread.join(30)
    assert [type(t) for t in told] == [LaneLost]
    with store.read() as tx:
        assert lanes.load(tx, ours.id).last_error == ""


def test_a_reader_sees_the_database_as_it_was_at_its_first_look(store: Store, link: Link, now: datetime) -> None:
    """Rule 1: an incident and the `wanted` that belongs to it come from one moment."""
    with store.read() as tx:
        assert incidents.load(tx, link.incident_id).version == 1
        with store.write() as other:
            incidents.save(other, link.incident_id, 1, now=now, fields={"severity": 4})
            links.want(other, link.id, now, priority=0)
        assert links.load(tx, link.id).wanted == 0
        assert incidents.load(tx, link.incident_id).version == 1
    with store.read() as tx:
        assert links.load(tx, link.id).wanted == 1


@pytest.fixture(params=stores.KINDS)
def turned(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store whose clock is turned by hand."""
    admin = request.getfixturevalue("postgresql") if request.param == "postgresql" else ""
    made = stores.new_store(request.param, tmp_path, admin, ManualClock(NOON))
    yield made
    made.close()


def test_a_lane_is_free_when_its_lease_ends_or_its_owner_is_silent(turned: Store) -> None:
    """Design §5: the lease, however alive the owner is; eight seconds without a beat, however long the lease."""
    clock = turned.clock
    assert isinstance(clock, ManualClock)

    def take(owner: str, lease_s: float) -> Lane | None:
        with turned.write() as tx:
            return lanes.acquire(tx, LaneId(f"{instance.id}/0"), owner, lease_s)

    def beat(*owners: str) -> None:
        with turned.write() as tx:
            for owner in owners:
                heartbeats.beat(tx, owner)

    def is_due() -> bool:
        with turned.read() as tx:
            return bool(lanes.due(tx, clock.now()))

    with turned.write() as tx:
        instance = instances.add(tx, "snow", "ServiceNow", NOON)
    beat("a", "b")
    assert take("a", 5) is not None
    assert (take("b", 60), is_due()) == (None, False)
    clock.turn(5)
    beat("a", "b")
    assert is_due()
    assert take("b", 3600) is not None
    clock.turn(heartbeats.DEAD_AFTER_S)
    beat("a")
    assert (take("a", 60), is_due()) == (None, False)
    clock.turn(0.1)
    assert is_due()
    taken = take("a", 60)
    assert taken is not None
    assert taken.epoch == 3


@pytest.mark.parametrize("kind", stores.KINDS)
def test_many_processes_may_start_on_an_empty_database(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """One of them makes the tables, the others wait for it."""
    admin = request.getfixturevalue("postgresql") if kind == "postgresql" else ""
    where = tmp_path / "new.db" if kind == "sqlite" else postgres.new_database(admin)

    def start(_: int) -> dict[str, str]:
        own = Store.open(where, tmp_path / "files", SystemClock(), KeyRing((stores.KEY,)))
        try:
            own.migrate()
            with own.read() as tx:
                return settings.get_all(tx)
        finally:
            own.close()

    assert together(start, 4) == [{}] * 4


def test_processes_that_start_at_once_make_one_master_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one of them encrypts, all can read."""
    monkeypatch.delenv(keys.ENVIRONMENT, raising=False)
    path = tmp_path / "home" / "key"
    rings = together(lambda _: KeyRing.load(path))
    assert {ring.current for ring in rings} == {KeyRing.load(path).current}
    assert [p.name for p in path.parent.iterdir()] == ["key"]


def test_lanes_of_one_incident_and_a_person_do_not_lock_each_other_out(
    store: Store, link: Link, incident: Incident, now: datetime
) -> None:
    """Design §1.5: two links of one incident are reconciled at once while a person edits it; no deadlock, nothing lost."""
    with store.write() as tx:
        other = instances.add(tx, "other", "ServiceNow", now)
        given = {"instance_id": other.id, "instance_name": "other", "remote_id": "X", "direction": link.direction}
        second = links.add(tx, incident_id=incident.id, since_at=now, primary=False, **given)  # type: ignore[arg-type]
        owned = {made.id: lanes.acquire(tx, LaneId(f"{made.instance_id}/0"), "w", 60) for made in (link, second)}

    def apply(own: Link) -> None:
        with store.write() as tx:
            lane = owned[own.id]
            assert lane is not None
            lanes.guard(tx, lane)
            fresh = links.load(tx, own.id)
            entries.add(tx, incident.id, NewEntry(contents="came in", link_id=own.id), now)
            links.want_others(tx, incident.id, own.id, now)
            links.save(tx, own.id, base={**fresh.base, "n": 1})
            lanes.save(tx, lane, last_error="")

    def edit() -> None:
        with store.write() as tx:
            seen = incidents.load(tx, incident.id)
            incidents.save(tx, incident.id, seen.version, now=now, fields={"severity": 1})
            links.want_incident(tx, incident.id, now)

    def work(number: int) -> int:
        edits = 0
        for _ in range(15):
            try:
                edit() if number == 2 else apply((link, second)[number])
                edits += number == 2
            except IncidentChanged:
                pass
        return edits

    edits = together(work, 3)[2]
    assert isinstance(edits, int)
    with store.read() as tx:
        assert [links.load(tx, made.id).wanted for made in (link, second)] == [15 + edits] * 2
        assert len(entries.list_for(tx, incident.id)) == 30
