"""The simulator's rows: who reads one by id sees the truth, who lists sees what the search index has caught up with."""

import random
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

from . import query as queries
from . import tables
from .search_index import SearchIndex
from .storage import Storage

Row = dict[str, str]

NUMBERS = "sys_number"
"""Hidden table: the last number given in each table.  Hidden tables have no columns in `tables` and are not reachable by the API."""


class Records:
    """All tables of one instance.  Rows handed out must not be changed; write a new one with `put`.

    data      SQLite file that survives a restart; None = in memory only
    clock     seconds since the epoch
    lag_s     how late list queries are now (fault `late_index_s`)
    `lock` may be held over several calls to make them one step.
    """

    def __init__(
        self, *, data: Path | str | None, clock: Callable[[], float], lag_s: Callable[[], float], seed: int | None
    ) -> None:
        self.lock = threading.RLock()
        self._clock = clock
        self._lag_s = lag_s
        self._dice = random.Random(seed)
        self._rows: dict[str, dict[str, Row]] = defaultdict(dict)
        self._files: dict[str, bytes] = {}
        self._index = SearchIndex()
        self._storage = None if data is None else Storage(data)
        if self._storage is not None:
            self._load(self._storage)

    def _load(self, storage: Storage) -> None:
        for table, row in storage.load_rows():
            self._rows[table][row["sys_id"]] = row
            self._index.note(0.0, table, row["sys_id"], row)
        self._files.update(storage.load_files())

    def get(self, table: str, sys_id: str) -> Row | None:
        """The row as it is now; None when there is none."""
        return self._rows[table].get(sys_id)

    def all(self, table: str) -> Iterable[Row]:
        """Every row as it is now, oldest first."""
        with self.lock:
            return list(self._rows[table].values())

    def find(self, sys_id: str) -> tuple[str, Row] | None:
        """The ticket with this id and its table, whichever that is."""
        for table in tables.TASKS:
            row = self._rows[table].get(sys_id)
            if row is not None:
                return table, row
        return None

    def put(self, table: str, row: Row, *, durable: bool = True) -> None:
        """Insert or replace; `durable=False` for rows that every start makes anew."""
        with self.lock:
            self._rows[table][row["sys_id"]] = row
            self._index.note(self._clock() if durable else 0.0, table, row["sys_id"], row)
            if self._storage is not None and durable:
                self._storage.save_row(table, row)

    def remove(self, table: str, sys_id: str) -> None:
        with self.lock:
            del self._rows[table][sys_id]
            self._index.note(self._clock(), table, sys_id, None)
            if self._storage is not None:
                self._storage.drop_row(table, sys_id)

    def search(self, table: tables.Table, query: queries.Query) -> list[Row]:
        """The matching rows that list queries see now, in the query's order, else in no promised but a stable one."""
        with self.lock:
            self._index.catch_up(self._clock() - self._lag_s())
            rows = self._index.candidates(table.name, query)
            found = query.select(rows, self._read_from(table))
        for column, descending in reversed(query.order):
            self._sort(table, found, column, descending)
        return found

    def _sort(self, table: tables.Table, rows: list[Row], column: str, descending: bool) -> None:
        key, read = queries.sort_key(tables.kind(table, column)), self._read_from(table)
        rows.sort(key=lambda row: key(read(row, column)), reverse=descending)

    def _read_from(self, table: tables.Table) -> queries.Read:
        def read(row: queries.Row, path: str) -> str:
            return row[path] if path in row else self.walk(table, row, path)

        return read

    def walk(self, table: tables.Table, row: queries.Row, path: str) -> str:
        """The value at a dot-walked path (`caller_id.email`; `caller_id.` is the display value); "" where it leads nowhere."""
        head, _, rest = path.partition(".")
        column = table.columns.get(head)
        target = None if column is None else tables.find(column.reference)
        found = None if target is None else self.get(target.name, row.get(head, ""))
        if target is None or found is None:
            return row.get(head, "") if rest == "" else ""
        rest = rest or target.display_column
        return found[rest] if rest in found else self.walk(target, found, rest)

    def new_id(self) -> str:
        """32 hexadecimal digits that no row has yet."""
        while True:
            sys_id = f"{self._dice.getrandbits(128):032x}"
            if not any(sys_id in rows for rows in self._rows.values()):
                return sys_id

    def next_number(self, table: str) -> str:
        """The next task number (INC0010001, …); numbers of deleted tickets are not given again."""
        with self.lock:
            last = self._rows[NUMBERS].get(table, {"last": "10000"})
            self.put(NUMBERS, {"sys_id": table, "last": str(int(last["last"]) + 1)})
            return f"{tables.NUMBER_PREFIXES[table]}{int(last['last']) + 1:07d}"

    def file(self, attachment_id: str) -> bytes | None:
        return self._files.get(attachment_id)

    def put_file(self, attachment_id: str, body: bytes) -> None:
        with self.lock:
            self._files[attachment_id] = body
            if self._storage is not None:
                self._storage.save_file(attachment_id, body)

    def remove_file(self, attachment_id: str) -> None:
        with self.lock:
            self._files.pop(attachment_id, None)
            if self._storage is not None:
                self._storage.drop_file(attachment_id)

    def wipe(self) -> None:
        """Forget everything, on disk too."""
        with self.lock:
            self._rows.clear()
            self._files.clear()
            self._index = SearchIndex()
            if self._storage is not None:
                self._storage.wipe()

    def close(self) -> None:
        """Let go of the data file until the next write."""
        with self.lock:
            if self._storage is not None:
                self._storage.close()
