"""What list queries see: a copy of the rows that may lag behind, with the two indexes that keep a mirror's queries fast.

Rows are never changed in place, so the copy shares them with the store.  Not thread-safe: the store calls it under its lock.
"""

from bisect import bisect_left, insort
from collections import defaultdict, deque
from collections.abc import Iterable

from . import query as queries
from . import tables

Row = dict[str, str]

_BY_VALUE = ("number", "user_name", "element_id", "table_sys_id")
_BY_TIME = ("sys_updated_on", "sys_created_on")


class SearchIndex:
    def __init__(self) -> None:
        self._rows: dict[str, dict[str, Row]] = defaultdict(dict)
        self._by_value: dict[tuple[str, str, str], dict[str, None]] = defaultdict(dict)
        self._by_time: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
        self._waiting: deque[tuple[float, str, str, Row | None]] = deque()

    def note(self, at_s: float, table: str, sys_id: str, row: Row | None) -> None:
        """Remember a write (None = deletion) until `catch_up` lets queries see it."""
        self._waiting.append((at_s, table, sys_id, row))

    def catch_up(self, until_s: float) -> None:
        """Make every write up to this moment visible, in the order of writing."""
        while self._waiting and self._waiting[0][0] <= until_s:
            _, table, sys_id, row = self._waiting.popleft()
            self._apply(table, sys_id, row)

    def rows(self, table: str) -> dict[str, Row]:
        return self._rows[table]

    def candidates(self, table: str, query: queries.Query) -> Iterable[Row]:
        """The rows that may match: all of the table, or fewer when an index answers one of the required conditions."""
        rows = self._rows[table]
        for condition in query.required():
            if condition.operator == "=" and condition.column == "sys_id":
                return [rows[condition.value]] if condition.value in rows else []
            if condition.operator == "=" and condition.column in _BY_VALUE:
                return [rows[sys_id] for sys_id in self._by_value.get((table, condition.column, condition.value), ())]
        for condition in query.required():
            if condition.operator in (">", ">=") and condition.column in _BY_TIME:
                since = queries.moment(condition.value) or ""
                ordered = self._by_time[table, condition.column]
                return [rows[sys_id] for _, sys_id in ordered[bisect_left(ordered, (since, "")) :]]
        return rows.values()

    def _apply(self, table: str, sys_id: str, row: Row | None) -> None:
        old = self._rows[table].get(sys_id)
        if old is not None:
            self._forget(table, old)
        if row is None:
            self._rows[table].pop(sys_id, None)
            return
        self._rows[table][sys_id] = row
        for column in _BY_VALUE:
            if column in row:
                self._by_value[table, column, row[column]][sys_id] = None
        for column in _BY_TIME:
            if column in row and tables.find(table) is not None:
                insort(self._by_time[table, column], (row[column], sys_id))

    def _forget(self, table: str, row: Row) -> None:
        for column in _BY_VALUE:
            if column in row:
                self._by_value[table, column, row[column]].pop(row["sys_id"], None)
        for column in _BY_TIME:
            ordered = self._by_time[table, column]
            at = bisect_left(ordered, (row.get(column, ""), row["sys_id"]))
            if at < len(ordered) and ordered[at] == (row.get(column), row["sys_id"]):
                del ordered[at]
