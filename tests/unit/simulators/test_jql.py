"""The simulator's JQL: what its clauses find, in which order, and what it refuses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from casemirror.simulators.jira import fields, jql
from casemirror.simulators.jira.issues import Comment, Issue
from casemirror.simulators.jira.jql import Asker, Malformed

NOON_S = datetime(2024, 3, 1, 12, tzinfo=UTC).timestamp()
LONDON = Asker(user="alice", time_zone="UTC", now_s=NOON_S)


def issue(number: int, *, key: str = "SOC", status: str = "Open", at_s: float = NOON_S, **values: Any) -> Issue:
    filled = {**fields.EMPTY, "summary": f"No. {number}", "issuetype": "Task", "reporter": "alice", **values}
    return Issue(
        id=10000 + number,
        key=f"{key}-{number}",
        status=status,
        creator="alice",
        created_s=at_s,
        updated_s=at_s,
        values=filled,
    )


ISSUES = [
    issue(1, assignee="bob", labels=("red", "blue"), priority="High"),
    issue(2, status="In Progress", at_s=NOON_S + 30, summary="A burning printer"),
    issue(3, status="Closed", at_s=NOON_S + 90.5, labels=("red",), duedate="2024-03-05"),
    issue(9, key="TASK", status="To Do", at_s=NOON_S - 3600, issuetype="Bug", priority="Lowest"),
]


def found(query: str, asker: Asker = LONDON) -> list[int]:
    return [i.id - 10000 for i in jql.parse(query).select(ISSUES, asker)]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", [9, 3, 2, 1]),
        ("project = SOC", [3, 2, 1]),
        ("project in (soc, 'TASK') ORDER BY key", [1, 2, 3, 9]),
        ("project = SOC AND status != Closed", [2, 1]),
        ("statusCategory = Done", [3]),
        ("statusCategory != Done AND project = SOC", [2, 1]),
        ("labels = red", [3, 1]),
        ("labels in (blue, green)", [1]),
        ("labels != red", []),
        ("labels is EMPTY", [9, 2]),
        ("labels not in (blue) OR labels is empty", [9, 3, 2]),
        ("assignee = bob", [1]),
        ("assignee is not EMPTY", [1]),
        ("reporter = currentUser() AND NOT project = TASK", [3, 2, 1]),
        ("key = SOC-2", [2]),
        ("issuekey in (soc-1, 10003)", [3, 1]),
        ("id >= SOC-2", [3, 2]),
        ('summary ~ "burning"', [2]),
        ("text ~ 'no printer' OR type = Bug", [9]),
        ("resolution = Unresolved AND project = TASK", [9]),
        ("priority in (High, Lowest) ORDER BY priority ASC", [9, 1]),
        ("ORDER BY updated DESC, key ASC", [3, 2, 1, 9]),
        ("(project = TASK OR labels = blue) AND created <= now()", [9, 1]),
        ('due <= "2024-03-05"', [3]),
        ("resolutiondate is EMPTY AND key = SOC-1", [1]),
    ],
)
def test_clauses_find(query: str, ids: list[int]) -> None:
    assert found(query) == ids


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ('updated >= "2024/03/01 12:00" ORDER BY key', [1, 2, 3]),
        ('updated >= "2024-03-01 12:01" ORDER BY key', [3]),
        ('updated > "2024-03-01 12:00" ORDER BY key', [2, 3]),
        ('updated < "2024-03-01" ORDER BY key', []),
        ("updated <= -30m", [9]),
        ("updated >= -1h ORDER BY key", [1, 2, 3, 9]),
    ],
)
def test_dates_are_minutes(query: str, ids: list[int]) -> None:
    """Jira docs "Updated": `yyyy/MM/dd HH:mm`, or relative to now."""
    assert found(query) == ids


def test_dates_are_in_the_asker_s_time_zone() -> None:
    """Jira docs "Updated": the time is relative to the user's time zone."""
    kolkata = Asker(user="x", time_zone="Asia/Kolkata", now_s=NOON_S)
    assert found('updated >= "2024-03-01 17:31"', kolkata) == [3]
    assert found('updated >= "2024-03-01 17:31"') == []


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("colour = red", "Field 'colour' does not exist"),
        ("project = NOPE", "The value 'NOPE' does not exist for the field 'project'."),
        ("project ~ SOC", "The operator '~' is not supported by the 'project' field."),
        ("summary = x", "The operator '=' is not supported by the 'summary' field."),
        ("project SOC", "Expecting operator but got 'SOC'. (line 1, character 8)"),
        ("project = SOC status = Open", "Expecting either 'OR' or 'AND' but got 'status'"),
        ("(project = SOC", "Expecting ')'"),
        ("project =", "ends too early"),
        ('updated >= "soon"', "Date value 'soon' is invalid"),
        ("assignee = membersOf()", "Unable to find JQL function"),
        ("ORDER BY colour", "Not able to sort"),
        ("labels = 'x", "not understood"),
    ],
)
def test_what_is_wrong_is_refused_in_the_vendor_s_words(query: str, words: str) -> None:
    with pytest.raises(Malformed) as caught:
        found(query)
    assert words in str(caught.value)


def test_a_comment_is_searched_by_its_words() -> None:
    said = Comment(id="1", author="bob", body="see ref e-77", created_s=0, updated_s=0, update_author="bob")
    spoken = issue(5)
    query = jql.parse('comment ~ "ref"')
    assert query.select([Issue(**{**vars(spoken), "comments": (said,)}), spoken], LONDON)[0].comments == (said,)
