"""What commands tell becomes one object for each incident.   content.md §1.6."""

from __future__ import annotations

from typing import Any

import pytest

from casemirror.mapping import outputs

BY_ID = "Desk.Ticket(val.ID && val.ID == obj.ID)"


def told(*entries: dict[str, Any]) -> Any:
    context: Any = {}
    for entry in entries:
        context = outputs.merge(context, entry)
    return context


def test_the_first_word_stands_as_it_is() -> None:
    assert told({BY_ID: {"ID": 1, "State": "new"}}) == {"Desk": {"Ticket": {"ID": 1, "State": "new"}}}
    assert told({BY_ID: [{"ID": 1}]}) == {"Desk": {"Ticket": [{"ID": 1}]}}


def test_what_the_condition_finds_is_brought_up_to_date() -> None:
    both = told({BY_ID: [{"ID": 1, "State": "new", "Who": "ann"}, {"ID": 2}]}, {BY_ID: {"ID": 1, "State": "done"}})
    assert both == {"Desk": {"Ticket": [{"ID": 1, "State": "done", "Who": "ann"}, {"ID": 2}]}}


def test_what_it_does_not_find_comes_beside_it() -> None:
    assert told({BY_ID: {"ID": 1}}, {BY_ID: {"ID": 2}}) == {"Desk": {"Ticket": [{"ID": 1}, {"ID": 2}]}}


def test_without_a_condition_values_gather_and_equal_ones_are_there_once() -> None:
    assert told({"Ping": "a"}, {"Ping": "b"}, {"Ping": "a"}) == {"Ping": ["a", "b"]}


def test_an_ever_true_condition_overwrites() -> None:
    assert told({"Page(true)": {"Next": 1}}, {"Page(true)": {"Next": 2}}) == {"Page": {"Next": 2}}


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("val.ID == obj.ID", True),
        ("val.ID === obj.ID && val.Kind == obj.Kind", False),
        ("val.Kind == obj.Kind || val.ID == obj.ID", True),
        ("val.Deep.ID && val.Deep.ID == obj.Deep.ID", True),
        ("val.Name == 'ann'", True),
        ("val.Missing == obj.Missing", False),
        ("alert('x')", False),
        ("", False),
    ],
)
def test_conditions(test: str, expected: bool) -> None:  # noqa: FBT001
    val = {"ID": 1, "Kind": "a", "Deep": {"ID": "x"}, "Name": "ann"}
    obj = {"ID": 1, "Kind": "b", "Deep": {"ID": "x"}}
    assert outputs.holds(test, val, obj) is expected


def test_neither_argument_is_changed() -> None:
    first: Any = {"Desk": {"Ticket": {"ID": 1}}}
    outputs.merge(first, {BY_ID: {"ID": 2}, "Desk.Other": 3})
    assert first == {"Desk": {"Ticket": {"ID": 1}}}


def test_nothing_told_changes_nothing() -> None:
    assert told({"A": 1}, {"A": None, "": 2}) == {"A": 1}


def test_look_up_goes_through_lists() -> None:
    context = told({BY_ID: [{"ID": 1}, {"ID": 2}]})
    assert outputs.look_up(context, "Desk.Ticket.ID") == [1, 2]
    assert outputs.look_up(context, "Desk.Nothing") is None
    assert outputs.look_up(context, "") == context
