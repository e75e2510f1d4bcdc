"""What remotes and people send that databases do not like. Over SQLite and PostgreSQL, with the same outcome."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from casemirror.model.entry import NewEntry
from casemirror.model.errors import NotFound
from casemirror.model.ids import IncidentId, LinkId
from casemirror.model.incident import Incident, NewIncident, Status
from casemirror.model.instance import Instance
from casemirror.model.link import Direction, Link
from casemirror.store import clean, entries, files, inbox, incidents, instances, links, payloads
from casemirror.store.database import Store

ODD = "a\x00b\ud800c😀\\u0000"
KEPT = "a\ufffdb\ufffdc😀\\u0000"
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=20)
ANY_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=True) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)


def test_unkeepable_characters_do_not_stop_a_lane(store: Store, incident: Incident, now: datetime) -> None:
    """NUL and half a character become U+FFFD in texts and in JSON, as keys too; nothing raises."""
    with store.write() as tx:
        entry = entries.add(tx, incident.id, NewEntry(contents=ODD, tags=(ODD,), context={ODD: [ODD]}), now)
        saved = incidents.save(tx, incident.id, 1, now=now, fields={ODD: {"x": ODD}}, raw_json=ODD)
    assert (entry.contents, entry.tags, entry.context) == (KEPT, (KEPT,), {KEPT: [KEPT]})
    assert (saved.fields[KEPT], saved.raw_json) == ({"x": KEPT}, KEPT)


def test_links_are_found_by_an_odd_remote_id(
    store: Store, instance: Instance, incident: Incident, now: datetime
) -> None:
    """What is looked for is cleaned as what was kept."""
    with store.write() as tx:
        given = {"instance_id": instance.id, "instance_name": "snow", "remote_id": ODD, "direction": Direction.BOTH}
        made = links.add(tx, incident_id=incident.id, since_at=now, **given)  # type: ignore[arg-type]
        assert [found.id for found in links.by_remote(tx, instance.id, ODD)] == [made.id]


def test_numbers_that_are_none_become_null(store: Store, instance: Instance, link: Link, now: datetime) -> None:
    """JSON has no NaN; Python writes one."""
    with store.write() as tx:
        inbox.put(tx, link.id, now, {"a": [math.nan, math.inf, 1.5]})
        instances.save_last_run(tx, instance.id, {"n": -math.inf, "big": 2**60})
        assert inbox.waiting(tx, link.id)[0].body == {"a": [None, None, 1.5]}
        assert instances.load(tx, instance.id).last_run == {"n": None, "big": 2**60}


@hypothesis(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(value=ANY_JSON)
def test_any_value_is_kept_alike(store: Store, instance: Instance, value: Any) -> None:
    """What comes back is what was cleaned, on both databases, and cleaning it again changes nothing."""
    with store.write() as tx:
        instances.set_context(tx, instance.id, {"value": value}, -1)
        found, _ = instances.context(tx, instance.id)
    written = clean.to_json(found)
    assert clean.text(written) == written
    with store.write() as tx:
        instances.set_context(tx, instance.id, found, -1)
        assert instances.context(tx, instance.id)[0] == found


def test_an_integration_may_empty_its_context(store: Store, instance: Instance) -> None:
    """`setIntegrationContext(None)` leaves none."""
    with store.write() as tx:
        instances.set_context(tx, instance.id, None, -1)
        assert instances.context(tx, instance.id) == ({}, 1)


def test_the_first_moment_of_time_can_be_read_in_any_zone(store: Store) -> None:
    """Remotes send the year 1 for "never"; the zone of the database server does not matter."""
    first = datetime(1, 1, 1, tzinfo=UTC)
    if store.is_postgresql:
        with store.engine.connect() as connection:
            connection.exec_driver_sql("ALTER ROLE postgres SET timezone = 'America/New_York'")
            connection.commit()
        store.engine.dispose()
    try:
        with store.write() as tx:
            new = NewIncident(fields={}, occurred_at=first)
            made = incidents.create(tx, new, store.clock.now(), status=Status.ACTIVE, actor="me")
            assert made.occurred_at == first
    finally:
        if store.is_postgresql:
            with store.engine.connect() as connection:
                connection.exec_driver_sql("ALTER ROLE postgres RESET timezone")
                connection.commit()


@pytest.mark.parametrize("number", [0, -1, 2**31, 2**63, 10**30])
def test_a_number_that_no_row_has_is_not_found(store: Store, number: int) -> None:
    """However large it is."""
    with store.read() as tx:
        with pytest.raises(NotFound):
            incidents.load(tx, IncidentId(number))
        with pytest.raises(NotFound):
            links.load(tx, LinkId(number))
        for label in (f"{number}@1", f"1@{number}"):
            with pytest.raises(NotFound):
                entries.by_label(tx, label)


@pytest.mark.parametrize("label", ["²@1", "1@²", "１@1", "+1@1", " 1@1", "1@1@1", "1_0@1"])
def test_a_label_is_digits_at_digits(store: Store, incident: Incident, now: datetime, label: str) -> None:
    """Other signs that count as digits somewhere are none here."""
    with store.write() as tx:
        entries.add(tx, incident.id, NewEntry(contents="x"), now)
        with pytest.raises(NotFound):
            entries.by_label(tx, label)


def test_a_payload_whose_time_is_over_is_told(store: Store, link: Link, now: datetime) -> None:
    """NotFound names the setting; the newer one stays."""
    with store.write() as tx:
        old = payloads.add(tx, link.id, datetime(2020, 1, 1, tzinfo=UTC), "pull", {"a": 1})
        new = payloads.add(tx, link.id, now, "pull", {"a": 2})
        assert payloads.forget_old(tx, now) == 1
        assert payloads.load(tx, new) == {"a": 2}
        with pytest.raises(NotFound, match=r"mirror\.payload\.keep"):
            payloads.load(tx, old)


@pytest.mark.parametrize(
    ("given", "safe"),
    [
        ("x" * 300 + ".txt", "x" * 196 + ".txt"),
        ("é" * 300, "é" * 100),
        ("x" + "é" * 100, "é" * 100),
        ("😀" * 60 + ".png", "😀" * 49 + ".png"),
        ("a/", "file"),
        (".. /.ssh", "ssh"),
        ("a\u202egpj.exe", "agpj.exe"),
        ("\ud800.txt", "txt"),
        ("  report 1.pdf ", "report 1.pdf"),
    ],
)
def test_long_and_odd_names_fit_any_file_system(given: str, safe: str) -> None:
    """At most 200 bytes with the end that tells the kind, no direction marks, no leading dot."""
    assert files.safe_name(given) == safe
    assert len(files.safe_name(given).encode()) <= files.NAME_BYTES
