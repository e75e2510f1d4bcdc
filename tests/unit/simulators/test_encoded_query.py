"""The encoded query language of the simulated Table API, by tables of cases and against an independent evaluation."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casemirror.simulators.servicenow import query as queries
from casemirror.simulators.servicenow import tables
from casemirror.simulators.servicenow.records import Records

KINDS = {
    "number": "string",
    "state": "integer",
    "opened_at": "glide_date_time",
    "active": "boolean",
    "caller_id": "reference",
    "order": "integer",
}
ROWS: list[dict[str, str]] = [
    {
        "number": "INC1",
        "state": "1",
        "opened_at": "2024-03-01 10:00:00",
        "active": "true",
        "caller_id": "ann",
        "order": "",
    },
    {
        "number": "INC2",
        "state": "10",
        "opened_at": "2024-03-02 00:00:00",
        "active": "true",
        "caller_id": "",
        "order": "3",
    },
    {"number": "INC3", "state": "7", "opened_at": "", "active": "false", "caller_id": "bob", "order": "-2"},
    {
        "number": "REQ3",
        "state": "2",
        "opened_at": "2024-03-02 12:30:00",
        "active": "false",
        "caller_id": "ann",
        "order": "20",
    },
]
NAMES = {"ann": "Ann Ace", "bob": "Bob Best", "": ""}


def _read(row: queries.Row, path: str) -> str:
    return NAMES[row["caller_id"]] if path == "caller_id." else row[path]


def _found(text: str, rows: list[dict[str, str]] = ROWS) -> str:
    """The numbers of the rows that the query selects, in its order, shortened to their last two characters."""
    query = queries.parse(text, KINDS.get)
    found = query.select(rows, _read)
    for column, descending in reversed(query.order):
        key = queries.sort_key(KINDS[column])
        found.sort(key=lambda row, column=column, key=key: key(row[column]), reverse=descending)  # type: ignore[misc]
    return " ".join(row["number"].removeprefix("IN") for row in found)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "C1 C2 C3 REQ3"),
        ("state=1", "C1"),
        ("state!=1", "C2 C3 REQ3"),
        ("state>2", "C2 C3"),
        ("state>=2", "C2 C3 REQ3"),
        ("state<7", "C1 REQ3"),
        ("state<=7", "C1 C3 REQ3"),
        ("order>-5", "C2 C3 REQ3"),
        ("stateIN1,7", "C1 C3"),
        ("stateNOT IN1,7", "C2 REQ3"),
        ("numberLIKEC", "C1 C2 C3"),
        ("numberNOT LIKEC", "REQ3"),
        ("numberSTARTSWITHINC", "C1 C2 C3"),
        ("numberENDSWITH3", "C3 REQ3"),
        ("numberLIKEinc", ""),
        ("opened_atISEMPTY", "C3"),
        ("opened_atISNOTEMPTY", "C1 C2 REQ3"),
        ("opened_atANYTHING", "C1 C2 C3 REQ3"),
        ("opened_at>2024-03-01 10:00:00", "C2 REQ3"),
        ("opened_at>=2024-03-02", "C2 REQ3"),
        ("opened_at<2024-03-02", "C1"),
        ("opened_at=2024-03-02", "C2"),
        ("opened_atBETWEEN2024-03-01 00:00:00@2024-03-02 00:00:00", "C1 C2"),
        ("caller_idISEMPTY", "C2"),
        ("caller_id=ann", "C1 REQ3"),
        ("caller_idLIKEBest", "C3"),
    ],
)
def test_an_operator_selects_what_its_documentation_says(text: str, found: str) -> None:
    """ServiceNow docs "Operators available for filters and queries"; an empty value is neither greater nor less."""
    assert _found(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("active=true^state=1", "C1"),
        ("state=1^ORstate=7", "C1 C3"),
        ("active=false^state=1^ORstate=7", "C3"),
        ("state=1^ORstate=7^active=true", "C1"),
        ("state=1^ORstate=7^caller_id=ann^ORcaller_id=bob", "C1 C3"),
        ("active=true^state=1^NQactive=false^state=2", "C1 REQ3"),
        ("state=1^EQ", "C1"),
        ("^state=1^", "C1"),
    ],
)
def test_or_binds_to_the_condition_before_it_and_nq_starts_anew(text: str, found: str) -> None:
    assert _found(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ORDERBYorder", "C1 C3 C2 REQ3"),
        ("ORDERBYDESCorder", "REQ3 C2 C3 C1"),
        ("ORDERBYactive^ORDERBYDESCstate", "C3 REQ3 C2 C1"),
        ("ORDERBYopened_at^opened_at>2024-03-01 00:00:00", "C1 C2 REQ3"),
    ],
)
def test_rows_come_in_the_order_asked_for(text: str, found: str) -> None:
    """Integers by number, an empty value first; the first ORDERBY counts most, wherever it stands."""
    assert _found(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "nonsense=1",
        "state~1",
        "state>high",
        "opened_at>yesterday",
        "ORDERBYnonsense",
        "order",
        "caller_idINSTANCEOFtask",
    ],
)
def test_an_invalid_part_is_ignored_and_remembered(text: str) -> None:
    """ServiceNow docs "Table API": a typo returns everything that the rest of the query allows."""
    assert _found(text) == "C1 C2 C3 REQ3"
    assert _found(f"{text}^active=false") == "C3 REQ3"
    assert queries.parse(text, KINDS.get).had_invalid


def test_an_or_after_an_invalid_part_stands_alone() -> None:
    assert _found("active=true^nonsense=1^ORstate=10") == "C2"


# --- against an independent evaluation

_VALUES = {"state": st.integers(-3, 12).map(str), "number": st.text("INC19 =^"[:5], min_size=1, max_size=3)}
_LEAVES = st.sampled_from(["state", "number"]).flatmap(
    lambda column: st.tuples(
        st.just(column), st.sampled_from(["=", "!=", ">", "<=", "LIKE", "ENDSWITH"]), _VALUES[column]
    )
)
_GROUPS = st.lists(_LEAVES, min_size=1, max_size=3)
_QUERIES = st.lists(st.lists(_GROUPS, min_size=1, max_size=3), min_size=1, max_size=2)
_TABLES = st.lists(st.fixed_dictionaries({**_VALUES}), max_size=6)


def _truth(leaf: tuple[str, str, str], row: dict[str, str]) -> bool:
    column, operator, value = leaf
    left: Any = row[column]
    right: Any = value
    if operator in (">", "<=") and column == "state":
        left, right = int(left), int(right)
    return bool(
        {
            "=": lambda: left == right,
            "!=": lambda: left != right,
            ">": lambda: left > right,
            "<=": lambda: left <= right,
            "LIKE": lambda: left.find(right) >= 0,
            "ENDSWITH": lambda: left[len(left) - len(right) :] == right and len(left) >= len(right),
        }[operator]()
    )


@given(_QUERIES, _TABLES)
def test_a_query_selects_exactly_the_rows_that_its_logic_says(
    query: list[list[list[tuple[str, str, str]]]], rows: list[dict[str, str]]
) -> None:
    text = "^NQ".join("^".join("^OR".join("".join(leaf) for leaf in group) for group in groups) for groups in query)
    wanted = [
        row
        for row in rows
        if any(all(any(_truth(leaf, row) for leaf in group) for group in groups) for groups in query)
    ]
    parsed = queries.parse(text, KINDS.get)
    assert not parsed.had_invalid
    assert parsed.select(rows, _read) == wanted


@given(st.text(alphabet="stateINLKORDEBYQN^=<>!@1 _.j", max_size=40))
def test_any_text_is_a_query(text: str) -> None:
    """Nothing that a caller sends may break the server."""
    query = queries.parse(text, KINDS.get)
    query.select([dict(row) for row in ROWS], lambda row, path: row.get(path, ""))


# --- the indexes behind it

_STAMPS = st.integers(0, 5).map(lambda second: f"2024-03-01 10:00:0{second}")
_WRITES = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from("abcd"), _STAMPS, st.sampled_from(["t1", "t2"])),
        st.tuples(st.just("remove"), st.sampled_from("abcd"), st.just(""), st.just("")),
    ),
    max_size=20,
)
_SEARCHES = st.sampled_from(
    [
        "",
        "element_id=t1",
        "sys_created_on>2024-03-01 10:00:02",
        "sys_id=a",
        "element_id=t2^sys_created_on>=2024-03-01 10:00:03",
    ]
)


@given(_WRITES, _SEARCHES)
def test_an_index_finds_what_a_full_scan_finds(writes: list[tuple[str, str, str, str]], search: str) -> None:
    journal = tables.must_find("sys_journal_field")
    records = Records(data=None, clock=lambda: 0.0, lag_s=lambda: 0.0, seed=1)
    for action, sys_id, stamp, ticket in writes:
        if action == "put":
            records.put(
                journal.name, {**journal.blank, "sys_id": sys_id, "sys_created_on": stamp, "element_id": ticket}
            )
        elif records.get(journal.name, sys_id) is not None:
            records.remove(journal.name, sys_id)
    query = queries.parse(search, lambda path: tables.kind(journal, path))
    wanted = query.select(records.all(journal.name), lambda row, path: row[path])
    assert sorted(row["sys_id"] for row in records.search(journal, query)) == sorted(row["sys_id"] for row in wanted)
