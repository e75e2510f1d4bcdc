"""The simulator as an ASGI application: behind the gate come who asks, the rate limit and the way to the handler."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from casemirror.simulators.common.control import Control
from casemirror.simulators.common.gate import ApiError, Gate, Hangup

from . import attachment_api, control, errors, oauth, table_api
from .accounts import User
from .call import Call
from .instance import Instance
from .rate_limit import RateCounter

_API = re.compile(r"/api/now(?:/(v\d+))?/(.+?)/?")
_HTML = "<!DOCTYPE html><html><head><title>Instance Hibernating page</title></head><body>Please sign in.</body></html>"
_NAMES = {"table": "Table API", "attachment": "Attachment API"}


class App(Gate):
    """clients   OAuth client_id → client_secret"""

    def __init__(self, instance: Instance, clients: Mapping[str, str], hang_up: Hangup | None = None) -> None:
        super().__init__(instance.box, _HTML, hang_up)
        self.instance = instance
        self._clients = clients
        self._rates = RateCounter()
        self._control = Control(instance.box, instance.writes, self.state, self.reset)

    def state(self, with_tickets: bool) -> dict[str, Any]:
        """See `control.state`."""
        return control.state(self.instance, self.tally, with_tickets=with_tickets)

    def reset(self) -> None:
        """New instance, no counts, first faults."""
        self.instance.reset()
        self.box.clear()
        self.tally.clear()

    async def control(self, request: Request) -> Response:
        return await self._control.handle(request)

    def counted_as(self, request: Request) -> str:
        """`METHOD table` or `METHOD attachment`; elsewhere the last part of the path."""
        match = _API.fullmatch(request.url.path)
        parts = match[2].split("/") if match else request.url.path.rsplit("/", 1)[-1:]
        name = parts[1] if parts[0] == "table" and len(parts) > 1 else parts[0]
        return f"{_method(request)} {name}"

    def unavailable(self) -> ApiError:
        return errors.ApiError(503, "Service Unavailable")

    def refused(self, retry_after_s: float) -> ApiError:
        return errors.refused_for_now(retry_after_s)

    def broken(self) -> ApiError:
        return errors.broken()

    async def serve(self, request: Request) -> Response:
        if request.url.path == "/oauth_token.do":
            return await self._token(request)
        return await self._api(request)

    async def _token(self, request: Request) -> Response:
        if request.method != "POST":
            raise errors.method_not_allowed(("POST",))
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))
        client = _basic(request)
        if client is not None and "client_secret" not in form:
            form |= {"client_id": client[0], "client_secret": client[1]}
        status, body = oauth.grant(self.instance, self._clients, form)
        return JSONResponse(body, status)

    async def _api(self, request: Request) -> Response:
        user = self._authenticate(request)
        match = _API.fullmatch(request.url.path)
        if match is None:
            raise errors.no_such_resource()
        path = tuple(match[2].split("/"))
        headers = self._count_rate(user, path[0])
        method = _method(request)
        call = Call(
            instance=self.instance, user=user, request=request, method=method, version=match[1] or "", path=path
        )
        response = await self._handle(call)
        if method != "GET" and response.status_code < 300:
            await self.after_write()
        response.headers.update(headers)
        return response

    async def _handle(self, call: Call) -> Response:
        if call.path[-1] != "file":
            _check_accept(call.request)
        match call.path[0]:
            case "table":
                return await table_api.handle(call)
            case "attachment":
                return await attachment_api.handle(call)
        raise errors.no_such_resource()

    def _authenticate(self, request: Request) -> User:
        """The user of basic or bearer authentication.  Raises ApiError 401."""
        scheme, _, credential = request.headers.get("authorization", "").partition(" ")
        user = oauth.user_of(self.instance, credential.strip()) if scheme.lower() == "bearer" else None
        basic = _basic(request)
        if basic is not None:
            known = self.instance.users.get(basic[0])
            user = known if known is not None and known.password == basic[1] else None
        if user is None:
            raise errors.not_authenticated()
        return user

    def _count_rate(self, user: User, api: str) -> Mapping[str, str]:
        rule = self.instance.box.now.rate_limit
        if rule is None:
            return {}
        return self._rates.take(rule, user.user_name, _NAMES.get(api, api), self.instance.clock())


def _basic(request: Request) -> tuple[str, str] | None:
    scheme, _, credential = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, password = base64.b64decode(credential.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return name, password


def _method(request: Request) -> str:
    """The method that counts: HEAD is a GET without a body; X-HTTP-Method-Override replaces any."""
    method = request.headers.get("x-http-method-override", request.method).upper()
    return "GET" if method == "HEAD" else method


def _check_accept(request: Request) -> None:
    accept = request.headers.get("accept", "*/*")
    if not any(offer in accept for offer in ("application/json", "*/*", "application/*")):
        raise errors.not_acceptable(accept)
