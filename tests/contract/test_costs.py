"""What a question costs must follow from its answer, not from how much there is. Over SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from casemirror.model.ids import IncidentId, InstanceId, LinkId
from casemirror.store import decisions, entries, health, incidents, instances, lanes, links, metrics, schema
from casemirror.store.database import Store

MANY = 20_000
HOUR = timedelta(hours=1)
PLACE = InstanceId("i3")
BIG = ("link", "incident", "entry", "delivery", "decision", "payload", "poll_ledger")

Question = Callable[[Connection, datetime], Any]


@pytest.fixture
def crowd(store: Store) -> Store:
    """Ten instances with many links that were mirrored long ago, and one link with work."""
    now = store.clock.now()
    with store.write() as tx:
        numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :many) "
        time = sa.bindparam("now", now, type_=schema.UtcTime())

        def fill(statement: str) -> None:
            text = sa.text(numbers + statement).bindparams(many=MANY)
            tx.execute(text.bindparams(time) if ":now" in statement else text)

        for number in range(10):
            instance = {"id": f"i{number}", "name": f"n{number}", "created_at": now, "modified_at": now}
            tx.execute(schema.instance.insert().values(**instance))
            tx.execute(schema.lane.insert().values(id=f"i{number}/0", instance_id=f"i{number}"))
            lanes.ask(tx, f"i{number}/0", next_poll_at=now + HOUR, next_fetch_at=now + HOUR)  # type: ignore[arg-type]
        fill(
            "INSERT INTO incident (guid, status, created_at, modified_at, occurred_at) "
            "SELECT 'g' || i, 1, :now, :now, :now FROM n"
        )
        fill(
            "INSERT INTO link (incident_id, instance_id, instance_name, remote_id, direction, since_at, wanted, done, "
            "due_at, last_sync_at) SELECT i, 'i' || (i % 10), 'n' || (i % 10), 'R' || i, 'Both', :now, 7, 7, :now, :now "
            "FROM n"
        )
        fill(
            "INSERT INTO entry (incident_id, number, created_at, modified_at, kind, link_id, fingerprint) "
            "SELECT i, 1, :now, :now, 1, i, 'f' || i FROM n"
        )
        fill("INSERT INTO delivery (link_id, entry_id) SELECT i, i FROM n")
        fill("INSERT INTO decision (link_id, incident_id, at, field) SELECT i, i, :now, 'f' FROM n")
        links.want(tx, LinkId(MANY - 7), now, priority=5)
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    return store


@contextmanager
def plans(tx: Connection) -> Iterator[list[str]]:
    """Collect how the database answers each statement."""
    told: list[str] = []
    how = "EXPLAIN " if tx.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "

    def explain(connection: Connection, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        with connection.connection.cursor() if how == "EXPLAIN " else _closing(connection) as other:
            other.execute(how + statement, parameters)
            told.extend(str(row[-1]).strip() for row in other.fetchall())

    sa.event.listen(tx, "before_cursor_execute", explain)
    try:
        yield told
    finally:
        sa.event.remove(tx, "before_cursor_execute", explain)


@contextmanager
def _closing(connection: Connection) -> Iterator[Any]:
    cursor = connection.connection.cursor()
    try:
        yield cursor
    finally:
        cursor.close()


def reads_all(line: str) -> bool:
    """The line tells of reading a big table from one end to the other."""
    table = line.split(" on ", 1)[-1] if "Seq Scan on " in line else line.removeprefix("SCAN ")
    whole = "Seq Scan on " in line or line.startswith("SCAN ")
    return whole and table.split()[0] in BIG


QUESTIONS: dict[str, Question] = {
    "which lanes are due": lambda tx, now: lanes.due(tx, now),
    "which link comes first": lambda tx, now: links.due(tx, PLACE, now),
    "how much work is left": lambda tx, now: links.due_count(tx, PLACE),
    "whose remote id is it": lambda tx, now: links.by_remote(tx, PLACE, "R13"),
    "when did mirroring begin": lambda tx, now: links.first_since(tx, PLACE),
    "who was not seen for long": lambda tx, now: links.stale(tx, PLACE, now - HOUR, 20),
    "what is linked": lambda tx, now: links.of_incident(tx, IncidentId(5)),
    "what is to be said": lambda tx, now: entries.unsent(tx, links.load(tx, LinkId(5))),
    "what was said": lambda tx, now: entries.list_for(tx, IncidentId(5)),
    "what is known": lambda tx, now: entries.known_fingerprints(tx, LinkId(5), ["f5", "f6"], now),
    "what was sent": lambda tx, now: entries.recently_sent(tx, LinkId(5), now),
    "how is each instance": lambda tx, now: health.counts(tx, now),
    "how much waits": lambda tx, now: metrics.work(tx, now),
    "why": lambda tx, now: decisions.list_for(tx, IncidentId(5)),
    "what belongs to an instance": lambda tx, now: links.statistics(tx, "nobody"),
}


def test_no_daily_question_reads_a_whole_table(crowd: Store) -> None:
    """Design §6: a cycle stays proportional to the change."""
    slow: dict[str, list[str]] = {}
    for name, question in QUESTIONS.items():
        with crowd.write() as tx, plans(tx) as told:
            question(tx, crowd.clock.now())
        assert told, name
        if any(reads_all(line) for line in told):
            slow[name] = told
    assert not slow


def test_the_one_link_with_work_is_found_in_the_crowd(crowd: Store) -> None:
    """Its lane, and no other one."""
    now = crowd.clock.now()
    with crowd.read() as tx:
        assert lanes.due(tx, now) == ["i3/0"]
        found = links.due(tx, PLACE, now)
        assert found is not None
        assert (found.id, links.due_count(tx, PLACE)) == (MANY - 7, 1)
        assert links.inbound_count(tx, PLACE) == MANY // 10


def test_deleting_one_incident_reads_no_whole_table(crowd: Store) -> None:
    """MIR-184: what refers to it is found by an index. The rows that it takes along are counted."""
    with crowd.write() as tx:
        look = sa.inspect(tx)
        for table in schema.metadata.sorted_tables:
            for key in table.foreign_keys:
                covered = {index["column_names"][0] for index in look.get_indexes(table.name)}
                covered |= {unique["column_names"][0] for unique in look.get_unique_constraints(table.name)}
                covered |= {table.primary_key.columns.keys()[0]}
                assert table.name not in BIG or key.parent.name in covered, f"{table.name}.{key.parent.name}"
        incidents.delete(tx, IncidentId(5))
        assert incidents.count(tx) == MANY - 1
        assert entries.list_for(tx, IncidentId(5)) == []


def test_removing_an_instance_leaves_its_links_as_orphans(crowd: Store) -> None:
    """MIR-015: also when there are many."""
    with crowd.write() as tx:
        instances.remove(tx, PLACE)
        again = instances.add(tx, "n3", "ServiceNow", crowd.clock.now())
        assert links.inbound_count(tx, again.id) == MANY // 10
