"""The simulator as an ASGI application: behind the gate come who asks, licence, rights, the limit and the way to the call."""

import json
import time
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from casemirror.simulators.common.control import Control
from casemirror.simulators.common.gate import ApiError, Gate, Hangup

from . import accounts, errors, search
from .accounts import Key
from .rate_limit import RateCounter
from .tenant import Tenant

_PREFIX = "/public_api/v1/incidents/"
_HTML = "<!DOCTYPE html><html><head><title>Cortex XDR</title></head><body>Please sign in.</body></html>"
_ALERTS_LIMIT = 1000
"""Source: "Get Extra Incident Data"."""


class App(Gate):
    """Answers `get_incidents`, `get_incident_extra_data` and `update_incident`, with a slash at the end or without."""

    def __init__(self, tenant: Tenant, hang_up: Hangup | None = None) -> None:
        super().__init__(tenant.box, _HTML, hang_up)
        self.tenant = tenant
        self._rates = RateCounter()
        self._control = Control(tenant.box, tenant.writes, self.state, self.reset)

    def state(self, with_tickets: bool) -> dict[str, Any]:
        """What the tenant holds and what it was asked.

        requests   call → how often, refused and failed ones included
        answers    HTTP status → answers; "closed" = connection closed without one
        struck     fault → calls that met it
        doubled    comments that repeat an earlier one of the same incident in every character
        """
        with self.tenant.lock:
            rows = self.tenant.all()
            comments = {row["incident_id"]: self.tenant.comments(row["incident_id"]) for row in rows}
        texts = [[comment["text"] for comment in each] for each in comments.values()]
        found: dict[str, Any] = {
            "requests": dict(self.tally.requests),
            "answers": dict(self.tally.answers),
            "incidents": len(rows),
            "comments": sum(map(len, texts)),
            "struck": dict(self.box.struck),
            "doubled": sum(len(each) - len(set(each)) for each in texts),
        }
        if with_tickets:
            found["tickets"] = {row["incident_id"]: row | {"comments": comments[row["incident_id"]]} for row in rows}
        return found

    def reset(self) -> None:
        """New tenant, no counts, first faults."""
        self.tenant.reset()
        self.box.clear()
        self.tally.clear()
        self._rates.clear()

    async def control(self, request: Request) -> Response:
        return await self._control.handle(request)

    def counted_as(self, request: Request) -> str:
        """The call's name."""
        return request.url.path.rstrip("/").rpartition("/")[2]

    def unavailable(self) -> ApiError:
        return errors.unavailable()

    def refused(self, retry_after_s: float) -> ApiError:
        return errors.refused_for_now(self.tenant.box.now.rate_limit_status, retry_after_s)

    def broken(self) -> ApiError:
        return errors.broken()

    async def serve(self, request: Request) -> Response:
        path = request.url.path
        if not path.startswith(_PREFIX):
            raise errors.no_such_call(path)
        if request.method != "POST":
            raise errors.method_not_allowed()
        key = self._authenticate(request)
        asked = await _request_data(request)
        match path.removeprefix(_PREFIX).removesuffix("/"):
            case "get_incidents":
                return _reply(self._get_incidents(asked))
            case "get_incident_extra_data":
                return _reply(self._get_extra_data(asked, key))
            case "update_incident":
                reply = self._update(asked, key)
                await self.after_write()
                return _reply(reply)
        raise errors.no_such_call(path)

    def _authenticate(self, request: Request) -> Key:
        """By the machine's clock, as callers sign, also when the tenant's own is turned by hand."""
        faults = self.tenant.box.now
        key = accounts.authenticate(self.tenant.keys, request.headers, time.time() + faults.clock_off_s)
        if faults.no_licence:
            raise errors.no_licence()
        return key

    def _get_incidents(self, asked: Mapping[str, Any]) -> Any:
        cut = search.window(asked)
        page = search.page(search.find(self.tenant.searchable(), asked), cut)
        return page | {"incidents": self.box.disordered(page["incidents"])}

    def _get_extra_data(self, asked: Mapping[str, Any], key: Key) -> Any:
        faults = self.tenant.box.now
        if faults.rate_limit is not None:
            self._rates.take(faults.rate_limit, key.id, self.tenant.clock(), faults.rate_limit_status)
        with self.tenant.lock:
            row = self.tenant.must_get(_incident_id(asked))
            alerts = self.tenant.alerts(row["incident_id"])
        nothing: dict[str, Any] = {"total_count": 0, "data": []}
        shown = alerts[: _limit(asked)]
        return {
            "incident": row,
            "alerts": {"total_count": len(alerts), "data": shown},
            "network_artifacts": nothing,
            "file_artifacts": nothing,
        }

    def _update(self, asked: Mapping[str, Any], key: Key) -> bool:
        if not key.may_write:
            raise errors.forbidden()
        values = asked.get("update_data")
        if not isinstance(values, dict):
            raise errors.invalid("update_data must be an object")
        self.tenant.update(_incident_id(asked), values, by=f"key {key.id}")
        return True


def _reply(reply: Any) -> Response:
    return JSONResponse({"reply": reply})


async def _request_data(request: Request) -> Mapping[str, Any]:
    """`request_data` of the body; nothing at all asks for everything.  Raises ApiError 400, 500."""
    try:
        body = json.loads(await request.body() or b"{}")
    except ValueError:
        raise errors.invalid_json() from None
    asked = body.get("request_data", {}) if isinstance(body, dict) else None
    if not isinstance(asked, dict):
        raise errors.invalid("the body must be an object with an object request_data")
    return asked


def _incident_id(asked: Mapping[str, Any]) -> str:
    found = asked.get("incident_id")
    if not isinstance(found, str | int) or isinstance(found, bool) or found == "":
        raise errors.invalid("incident_id is required")
    return str(found)


def _limit(asked: Mapping[str, Any]) -> int:
    limit = asked.get("alerts_limit", _ALERTS_LIMIT)
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 0:
        raise errors.invalid(f"alerts_limit must be a number from 0, not {limit!r}")
    return limit
