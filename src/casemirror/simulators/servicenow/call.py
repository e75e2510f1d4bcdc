"""One API request after the gate: who asks, what was sent, how the answer shall look.  The handlers' common ground."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from . import accounts, display, errors, journal, tables
from .accounts import User
from .instance import Instance
from .records import Row


@dataclass(frozen=True, kw_only=True)
class Call:
    """path   the parts behind /api/now[/version]; version   "v1", "v2" or "" (latest)"""

    instance: Instance
    user: User
    request: Request
    method: str
    version: str
    path: tuple[str, ...]

    @property
    def params(self) -> QueryParams:
        return self.request.query_params

    @property
    def base(self) -> str:
        """How the caller addresses the API, for links."""
        return f"{str(self.request.base_url).rstrip('/')}/api/now"

    def view(self) -> display.View:
        """How the caller wants rows shown.  An unknown sysparm_display_value counts as false."""
        mode, fields = self.params.get("sysparm_display_value", "false").lower(), self.params.get("sysparm_fields")
        records = self.instance.records
        return display.View(
            mode=mode if mode in ("true", "all") else "false",
            base=self.base,
            zone=self.user.time_zone,
            exclude_links=self.flag("sysparm_exclude_reference_link"),
            fields=tuple(name.strip() for name in fields.split(",")) if fields else None,
            walk=records.walk,
            journal=lambda row, element: journal.as_text(records, row, element, self.user.time_zone),
        )

    def flag(self, name: str) -> bool:
        return self.params.get(name, "").lower() == "true"

    def number(self, name: str, default: int) -> int:
        """A parameter that must be a whole number from 0.  Raises ApiError 400 (the vendor says not to pass a negative one)."""
        text = self.params.get(name) or str(default)
        if not text.isdecimal():
            raise errors.bad_request(f"Invalid value for {name}", f"{text} is not a number from 0")
        return int(text)

    def table(self, name: str) -> tables.Table:
        table = tables.find(name)
        if table is None:
            raise errors.no_such_table(name)
        return table

    def readable(self, table: str, row: Row) -> bool:
        related = row.get("element_id") or row.get("table_sys_id")
        ticket = self.instance.records.find(related) if related else None
        return accounts.may_read(self.user, table, row, None if ticket is None else ticket[1])

    def record(self, table: str, sys_id: str) -> Row:
        """The record as it is now.  Raises ApiError 404 when it does not exist or the caller may not see it."""
        row = self.instance.records.get(table, sys_id)
        if row is None or not self.readable(table, row):
            raise errors.not_found()
        return row

    async def json_object(self) -> Mapping[str, Any]:
        """The body; an empty one is {}; of a list only the first record counts, as documented.  Raises ApiError 400, 415."""
        body = await self.request.body()
        if not body:
            return {}
        content_type = self.request.headers.get("content-type", "")
        if not content_type:
            raise errors.bad_request("Content-Type header is required")
        if content_type.partition(";")[0].strip() != "application/json":
            raise errors.unsupported_media(content_type)
        try:
            value = json.loads(body)
        except ValueError:
            raise errors.bad_request("Exception while reading request", "The payload is not valid JSON.") from None
        first = value[0] if isinstance(value, list) and value else value
        if not isinstance(first, dict):
            raise errors.bad_request("Exception while reading request", "The payload is not a JSON object.")
        return first

    def answer(self, result: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
        return JSONResponse({"result": result}, status, dict(headers or {}))
