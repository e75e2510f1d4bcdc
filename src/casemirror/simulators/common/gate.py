"""The gate that every request passes, and the faults that strike there; a simulator's ASGI application derives from it.

Order: count, closed connection, slowness, HTML page, hanging, refusal, failure before; then the simulator serves; then,
after a write, hanging and failure.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NoReturn

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from .control import Tally
from .faults import FaultBox

Hangup = Callable[[Scope], None]


class ApiError(Exception, ABC):
    """Ends the request with this status, these headers and what `body` says."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}

    @abstractmethod
    def body(self) -> Any:
        """In the vendor's envelope."""


class Unanswered(Exception):
    """This call gets no answer."""


class Gate(ABC):
    """hang_up   closes the connection of a request without an answer; None = answer 503 (servers without that means)

    html      the page of the fault `html`
    """

    def __init__(self, box: FaultBox[Any], html: str, hang_up: Hangup | None = None) -> None:
        self.box = box
        self.tally = Tally()
        self._html = html
        self._hang_up = hang_up

    @abstractmethod
    async def control(self, request: Request) -> Response:
        """Answer a request to `/_simulator/…`."""

    @abstractmethod
    def counted_as(self, request: Request) -> str:
        """The request's name in the counts."""

    @abstractmethod
    async def serve(self, request: Request) -> Response:
        """Answer a request that came through.  Raises ApiError."""

    @abstractmethod
    def unavailable(self) -> ApiError:
        """503, for the fault `down` where no connection can be closed."""

    @abstractmethod
    def refused(self, retry_after_s: float) -> ApiError:
        """Too many requests, by the switch."""

    @abstractmethod
    def broken(self) -> ApiError:
        """500, by the switch."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        if request.url.path.startswith("/_simulator/"):
            await (await self.control(request))(scope, receive, send)
            return
        self.tally.requests[self.counted_as(request)] += 1
        if self.box.now.down and self._hang_up is not None:
            self.box.note("down")
            await self._close(scope, receive)
            return
        try:
            response = await self._answer(request)
        except (asyncio.CancelledError, ClientDisconnect, Unanswered):
            # the server stops while a call waits, its caller is gone, or it was to hang
            await self._close(scope, receive)
            return
        self.tally.answers[str(response.status_code)] += 1
        await response(scope, receive, send)

    async def after_write(self) -> None:
        """Strike after a write that was done.  Raises ApiError."""
        if self.box.hangs_after_write():
            await self._hang()
        if self.box.fails_after_write():
            raise self.broken()

    async def _close(self, scope: Scope, receive: Receive) -> None:
        self.tally.answers["closed"] += 1
        if self._hang_up is not None:
            self._hang_up(scope)
            while (await receive())["type"] != "http.disconnect":
                pass

    async def _answer(self, request: Request) -> Response:
        faults = self.box.now
        if faults.slow_s:
            self.box.note("slow")
            await asyncio.sleep(faults.slow_s)
        if faults.html:
            self.box.note("html")
            return HTMLResponse(self._html)
        try:
            await self._strike()
            return await self.serve(request)
        except ApiError as error:
            return JSONResponse(error.body(), error.status, error.headers)

    async def _strike(self) -> None:
        faults = self.box.now
        if faults.down:
            raise self.unavailable()
        if self.box.hangs_before():
            await self._hang()
        if self.box.refuses():
            raise self.refused(faults.retry_after_s)
        if self.box.fails_before():
            raise self.broken()

    async def _hang(self) -> NoReturn:
        await asyncio.sleep(self.box.now.hang_s)
        raise Unanswered
