"""Incidents by the values of their fields, the same on both databases."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

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
