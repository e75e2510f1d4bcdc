"""Incidents by the values of their fields, the same on both databases."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from casemirror.actions import fields
from casemirror.content import items
from casemirror.content.catalog import Catalog
from casemirror.content.checks import FIELD_TYPES
from casemirror.model.errors import Invalid
from casemirror.model.incident import NewIncident, Status
from casemirror.model.values import Json
from casemirror.store import incidents
from casemirror.store.database import Store
from casemirror.store.search import Condition

INCIDENTS: dict[str, dict[str, Json]] = {
    "a": {"severity": 3, "details": "Printer on Fire 100%", "hosts": ["ws-1", "WS-2"], "flag": True, "seen": "2026-01-02T10:00:00Z"},
    "b": {"severity": 0.5, "details": 'a "quoted" text', "hosts": ["ws-1"], "flag": False, "seen": "2026-01-02T09:59:59.5Z"},
    "c": {"details": "", "hosts": [], "score": 10},
    "d": {"severity": 4, "score": 9.5, "odd'key": "x", "hosts": "no list"},
}  # fmt: skip

CASES = [
    ("details", "=", "Printer on Fire 100%", "a"),
    ("details", "!=", "Printer on Fire 100%", "bcd"),
    ("details", "~", "FIRE 100%", "a"),
    ("details", "~", "%", "a"),
    ("details", "~", '"quoted"', "b"),
    ("details", "=", "", "cd"),
    ("details", "!=", "", "ab"),
    ("severity", "=", 3, "a"),
    ("severity", "=", 0.5, "b"),
    ("severity", "!=", 3, "bcd"),
    ("severity", ">=", 3, "ad"),
    ("severity", "<", 1, "b"),
    ("score", ">", 9, "cd"),
    ("score", "<=", 9.5, "d"),
    ("details", "=", 3, ""),
    ("flag", "=", True, "a"),
    ("flag", "=", False, "b"),
    ("flag", "!=", True, "bcd"),
    ("seen", ">", "2026-01-02T10:00:00Z", ""),
    ("seen", ">=", "2026-01-02T10:00:00Z", "a"),
    ("seen", "<", "2026-01-02T10:00:00Z", "b"),
    ("hosts", "=", ["ws-1"], "ab"),
    ("hosts", "=", "ws-2", ""),
    ("hosts", "~", "ws-2", "a"),
    ("hosts", "!=", "ws-1", "cd"),
    ("hosts", "=", "", "c"),
    ("odd'key", "=", "x", "d"),
    ("gone", "=", "", "abcd"),
]


@pytest.fixture
def filled(store: Store, now: datetime) -> Store:
    with store.write() as tx:
        for name, fields in INCIDENTS.items():
            new = NewIncident(fields={"name": name, **fields})
            incidents.create(tx, new, now, status=Status.ACTIVE, actor="me")
    return store


@pytest.mark.parametrize(("field", "operator", "value", "names"), CASES)
def test_incidents_are_found_by_their_fields(filled: Store, field: str, operator: str, value: Any, names: str) -> None:
    """content.md §5: every kind is searchable."""
    is_list = field == "hosts" and value != ""
    condition = Condition(field=field, operator=operator, value=value, is_list=is_list)
    with filled.read() as tx:
        assert "".join(sorted(i.name for i in incidents.find(tx, conditions=[condition]))) == names


def test_all_conditions_must_hold_and_values_are_counted(filled: Store) -> None:
    both = [
        Condition(field="hosts", operator="=", value="ws-1", is_list=True),
        Condition(field="severity", operator=">", value=1),
    ]
    with filled.read() as tx:
        assert [i.name for i in incidents.find(tx, conditions=both)] == ["a"]
        assert incidents.count_with(tx, "hosts") == 3
        assert incidents.count_of_type(tx, "Nope") == 0


@pytest.mark.parametrize(
    "condition",
    [
        Condition(field="hosts", operator=">", value=["x"], is_list=True),
        Condition(field="flag", operator=">", value=True),
        Condition(field="details", operator="~", value=""),
    ],
)
def test_what_makes_no_sense_is_refused(filled: Store, condition: Condition) -> None:
    with filled.read() as tx, pytest.raises(Invalid):
        incidents.find(tx, conditions=[condition])


CATALOG = Catalog.of(
    items.make("incidentfield", {"name": f"F {k}", "cliName": k.lower(), "type": k}) for k in FIELD_TYPES
)
STORED: dict[str, Json] = {
    **dict.fromkeys("shortText longText markdown html singleSelect user".split(), "Größe ÄRGER 100%"),
    "url": "https://example.com/a?b=1",
    "number": 9.5,
    "boolean": False,
    "date": "2026-01-02T10:00:00.500000Z",
    **dict.fromkeys("multiSelect tagsSelect role".split(), ["Ä b", "c,d"]),
    "attachments": [{"name": "Report.pdf", "path": "x"}],
    "grid": [{"host": "WS-1", "load": 5}, {"host": "ws-2"}],
    "timer": {"sla": 20, "runStatus": "running"},
    "internal": {"deep": [1, {"er": "Inside"}]},
}
FOUND = [
    *((kind, c) for kind in "shortText longText markdown html singleSelect user".split() for c in ("=Größe ÄRGER 100%", "~ärger 100%", "!=x")),
    *(("url", c) for c in ("=https://example.com/a?b=1", "~EXAMPLE.com")),
    *(("number", c) for c in ("=9.5", "=9.50", "!=9", ">9", ">=9.5", "<10", "<=9.5")),
    *(("boolean", c) for c in ("=no", "=false", "!=yes")),
    *(("date", c) for c in ("=2026-01-02T10:00:00.5Z", "=2026-01-02 12:00:00.5+02:00", ">2026-01-02T10:00:00Z", ">=2026-01-02", "<2026-01-02T10:00:00.51Z", "~2026-01", "!=2026-01-02")),
    *((kind, c) for kind in "multiSelect tagsSelect role".split() for c in ("=Ä b", "=c,d", "~ä", "!=c")),
    *(("attachments", c) for c in ("=Report.pdf", "~report", "!=other.pdf")),
    *(("grid", c) for c in ("=WS-1", "=5", "~ws-1", "!=ws-1")),
    *(("timer", c) for c in ("=running", "=20", "!=ended")),
    *(("internal", c) for c in ("=Inside", "=1", "~side", "!=deep")),
]  # fmt: skip
NOT_FOUND = [
    *((kind, c) for kind in "shortText longText markdown html singleSelect user".split() for c in ("=ärger", "~100_", "!=Größe ÄRGER 100%")),
    *(("number", c) for c in ("=9", ">9.5", "<9.5", "!=9.5")),
    *(("boolean", c) for c in ("=yes", "!=false")),
    *(("date", c) for c in ("=2026-01-02T10:00:00Z", "<2026-01-02T10:00:00Z", "<=2026-01-02T10:00:00.4Z", "!=2026-01-02T10:00:00.5Z")),
    *((kind, c) for kind in "multiSelect tagsSelect role".split() for c in ("=c", "!=c,d")),
    *(("attachments", c) for c in ("=report.pdf", "=other.pdf")),
    *(("grid", c) for c in ("=ws-1", "=host", "~host", "!=5")),
    *(("timer", c) for c in ("=sla", "=ended")),
]  # fmt: skip


@pytest.fixture
def every_kind(store: Store, now: datetime) -> Store:
    """One incident with a field of every kind, and one with none."""
    with store.write() as tx:
        full = {"name": "full", **{kind.lower(): value for kind, value in STORED.items()}}
        for each in (full, {"name": "none"}):
            incidents.create(tx, NewIncident(fields=each), now, status=Status.ACTIVE, actor="me")
    return store


def search(store: Store, text: str) -> set[str]:
    with store.read() as tx:
        return {i.name for i in incidents.find(tx, conditions=[fields.condition(text, CATALOG)])}


def test_every_kind_is_found_as_people_ask(every_kind: Store) -> None:
    """content.md §5.2: all kinds, by display name and by machine name."""
    assert set(STORED) == set(FIELD_TYPES)
    assert [(k, c) for k, c in FOUND if "full" not in search(every_kind, f"F {k}{c}")] == []
    assert [(k, c) for k, c in NOT_FOUND if "full" in search(every_kind, f"{k.lower()}{c}")] == []
    for kind in FIELD_TYPES:
        assert (search(every_kind, f"F {kind}="), search(every_kind, f"F {kind}!=")) == ({"none"}, {"full"})


def test_times_are_compared_whatever_their_digits(store: Store, now: datetime) -> None:
    """`occurred` is stored with six fraction digits, mapped dates with those that they have."""
    with store.write() as tx:
        new = NewIncident(fields={"name": "x"}, occurred_at=datetime(2026, 1, 2, tzinfo=UTC))
        incidents.create(tx, new, now, status=Status.ACTIVE, actor="me")
    assert [bool(search(store, f"occurred{c}2026-01-02")) for c in ("=", ">=", "<=", ">", "<", "!=")] == [
        *(True, True, True),
        *(False, False, False),
    ]


def test_a_table_of_nothing_is_no_value(store: Store, now: datetime) -> None:
    """content.md §5.2: an unset grid is stored as `[{}]`."""
    with store.write() as tx:
        new = NewIncident(fields={"name": "x", "grid": [{}]})
        incidents.create(tx, new, now, status=Status.ACTIVE, actor="me")
    assert search(store, "grid=") == {"x"}
