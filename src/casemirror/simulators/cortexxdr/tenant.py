"""One simulated tenant: incidents, their alerts and comments, and what happens when somebody changes them, whoever asked."""

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from casemirror.simulators.common.writes import Write, WriteLog

from . import errors, faults, incident, update
from .accounts import Key
from .incident import Row

TABLE = "incident"
"""What the write log calls the only kind of thing that is written."""


class Tenant:
    """clock    seconds since the epoch

    users    mail address → full name
    first    incidents that are there after the start and after every reset (fields, and `alerts`)
    Rows handed out must not be changed.
    """

    def __init__(
        self,
        *,
        keys: Iterable[Key],
        users: Mapping[str, str],
        first: Sequence[Mapping[str, Any]],
        box: faults.FaultBox,
        clock: Callable[[], float],
    ) -> None:
        self.lock = threading.RLock()
        self.keys = {key.id: key for key in keys}
        self.users = dict(users)
        self.box = box
        self.clock = clock
        self.writes = WriteLog()
        self.url = "https://xdr.example.com"
        self._first = first
        self._begin()

    def _begin(self) -> None:
        self._rows: dict[str, Row] = {}
        self._alerts: dict[str, list[Row]] = {}
        self._comments: dict[str, list[Row]] = {}
        self._shown: dict[str, Row] = {}
        self._unshown: deque[tuple[float, str, Row | None]] = deque()
        self._ids, self._alert_ids = itertools.count(1), itertools.count(1)
        for given in self._first:
            self.create(given, by="")

    def reset(self) -> None:
        """Back to a new tenant with its first incidents."""
        with self.lock:
            self.writes.clear()
            self._begin()

    def now_ms(self) -> int:
        return int(self.clock() * 1000)

    def get(self, incident_id: str) -> Row | None:
        """The incident as it is now; None when there is none."""
        return self._rows.get(incident_id)

    def must_get(self, incident_id: str) -> Row:
        """Raises ApiError 500."""
        row = self._rows.get(incident_id)
        if row is None:
            raise errors.no_incident(incident_id)
        return row

    def all(self) -> list[Row]:
        """Every incident as it is now, oldest first."""
        with self.lock:
            return list(self._rows.values())

    def searchable(self) -> list[Row]:
        """Every incident as searches see it: late by the fault `late_index_s`."""
        with self.lock:
            seen_until = self.clock() - self.box.now.late_index_s
            while self._unshown and self._unshown[0][0] <= seen_until:
                self._show(*self._unshown.popleft()[1:])
            return list(self._shown.values())

    def alerts(self, incident_id: str) -> list[Row]:
        return list(self._alerts.get(incident_id, ()))

    def comments(self, incident_id: str) -> list[Row]:
        """text, by (key or mail address) and at_ms, oldest first.  No call of the API shows them."""
        return list(self._comments.get(incident_id, ()))

    def create(self, given: Mapping[str, Any], *, by: str) -> Row:
        """A new incident: fields, and `alerts` as their fields.  XDR makes incidents itself; no call of the API does."""
        with self.lock:
            incident_id = str(next(self._ids))
            fields = dict(given)
            alerts = fields.pop("alerts", [{}])
            self._alerts[incident_id] = [self._new_alert(incident_id, each) for each in alerts]
            self._comments[incident_id] = []
            row = incident.new(incident_id, self.now_ms(), self.url)
            row |= incident.derived(self._alerts[incident_id]) | fields
            self._put(row)
            self._log(incident_id, "create", by, given)
            return row

    def update(self, incident_id: str, asked: Mapping[str, Any], *, by: str) -> Row:
        """Do what `update_data` says.  Raises ApiError 500."""
        with self.lock:
            row = self.must_get(incident_id)
            changed, comment = update.applied(row, asked, self.users, self.now_ms())
            is_change = changed != row or comment is not None
            self._log(incident_id, "update", by, asked, changed=is_change)
            if comment is not None:
                self._comments[incident_id].append({"text": comment, "by": by, "at_ms": self.now_ms()})
            if is_change or self.box.now.idle_write_touches:
                self._touch(changed)
            return self._rows[incident_id]

    def set(self, incident_id: str, values: Mapping[str, Any], *, by: str) -> Row:
        """Change fields that the API cannot, as XDR itself or a person in the console does.  Raises ApiError 500."""
        with self.lock:
            row = self.must_get(incident_id)
            self._log(incident_id, "update", by, values)
            self._touch(row | dict(values))
            return self._rows[incident_id]

    def add_alert(self, incident_id: str, given: Mapping[str, Any]) -> Row:
        """XDR found one more; moves modification_time (undocumented).  Raises ApiError 500."""
        with self.lock:
            row = self.must_get(incident_id)
            self._alerts[incident_id].append(self._new_alert(incident_id, given))
            self._log(incident_id, "alert", "", given)
            self._touch(row | incident.derived(self._alerts[incident_id]))
            return self._alerts[incident_id][-1]

    def delete(self, incident_id: str, *, by: str) -> None:
        """Raises ApiError 500."""
        with self.lock:
            self.must_get(incident_id)
            del self._rows[incident_id], self._alerts[incident_id], self._comments[incident_id]
            self._unshown.append((self.clock(), incident_id, None))
            self._log(incident_id, "delete", by, {})

    def _new_alert(self, incident_id: str, given: Mapping[str, Any]) -> Row:
        return incident.alert(str(next(self._alert_ids)), incident_id, self.now_ms(), given)

    def _touch(self, row: Row) -> None:
        self._put(row | {"modification_time": self.now_ms()})

    def _put(self, row: Row) -> None:
        self._rows[row["incident_id"]] = row
        self._unshown.append((self.clock(), row["incident_id"], row))

    def _show(self, incident_id: str, row: Row | None) -> None:
        if row is None:
            self._shown.pop(incident_id, None)
        else:
            self._shown[incident_id] = row

    def _log(self, incident_id: str, verb: str, by: str, values: Mapping[str, Any], *, changed: bool = True) -> None:
        at = time.time()
        said = {name: str(value) for name, value in values.items()}
        self.writes.add(Write(at=at, by=by, verb=verb, table=TABLE, sys_id=incident_id, values=said, changed=changed))
