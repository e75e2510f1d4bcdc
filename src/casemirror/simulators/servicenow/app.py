"""The simulator as an ASGI application: the gate that every request passes, and the way to its handler.

Order of the gate: count, closed connection, slowness, HTML page, failure before; then who asks, the rate limit, the handler,
and the failure after a write.
"""

import asyncio
import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import NoReturn
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from . import attachment_api, control, errors, oauth, table_api
from .accounts import User
from .call import Call
from .instance import Instance
from .rate_limit import RateCounter

_API = re.compile(r"/api/now(?:/(v\d+))?/(.+?)/?")
_HTML = "<!DOCTYPE html><html><head><title>Instance Hibernating page</title></head><body>Please sign in.</body></html>"
_NAMES = {"table": "Table API", "attachment": "Attachment API"}

Hangup = Callable[[Scope], None]


class Unanswered(Exception):
    """This call gets no answer."""


class App:
    """hang_up   closes the connection of a request without an answer; None = answer 503 (servers without that means)"""

    def __init__(self, instance: Instance, clients: Mapping[str, str], hang_up: Hangup | None = None) -> None:
        self.instance = instance
        self.tally = control.Tally()
        self._clients = clients
        self._hang_up = hang_up
        self._rates = RateCounter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        if request.url.path.startswith("/_simulator/"):
            await (await control.handle(request, self.instance, self.tally))(scope, receive, send)
            return
        self.tally.requests[_counted_as(request)] += 1
        if self.instance.box.now.down and self._hang_up is not None:
            self.instance.box.note("down")
            await self._close(scope, receive)
            return
        try:
            response = await self._answer(request)
        except (asyncio.CancelledError, ClientDisconnect, Unanswered):
            await self._close(
                scope, receive
            )  # the server stops while a call waits, its caller is gone, or it was to hang
            return
        self.tally.answers[str(response.status_code)] += 1
        await response(scope, receive, send)

    async def _close(self, scope: Scope, receive: Receive) -> None:
        self.tally.answers["closed"] += 1
        if self._hang_up is not None:
            self._hang_up(scope)
            while (await receive())["type"] != "http.disconnect":
                pass

    async def _answer(self, request: Request) -> Response:
        faults = self.instance.box.now
        if faults.slow_s:
            self.instance.box.note("slow")
            await asyncio.sleep(faults.slow_s)
        if faults.html:
            self.instance.box.note("html")
            return HTMLResponse(_HTML)
        try:
            if faults.down:
                raise errors.ApiError(503, "Service Unavailable")
            if self.instance.box.hangs_before():
                await self._hang()
            if self.instance.box.refuses():
                raise errors.refused_for_now(self.instance.box.now.retry_after_s)
            if self.instance.box.fails_before():
                raise errors.broken()
            if request.url.path == "/oauth_token.do":
                return await self._token(request)
            return await self._api(request)
        except errors.ApiError as error:
            return JSONResponse(error.body(), error.status, error.headers)

    async def _hang(self) -> NoReturn:
        await asyncio.sleep(self.instance.box.now.hang_s)
        raise Unanswered

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
            if self.instance.box.hangs_after_write():
                await self._hang()
            if self.instance.box.fails_after_write():
                raise errors.broken()
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


def _counted_as(request: Request) -> str:
    """`METHOD table` or `METHOD attachment`; elsewhere the last part of the path."""
    match = _API.fullmatch(request.url.path)
    parts = match[2].split("/") if match else request.url.path.rsplit("/", 1)[-1:]
    name = parts[1] if parts[0] == "table" and len(parts) > 1 else parts[0]
    return f"{_method(request)} {name}"
