"""One API request after the gate: who asks, what was sent, how the answer shall look.  The handlers' common ground."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from . import errors
from .accounts import User
from .display import View
from .instance import Instance
from .issues import Issue

ANONYMOUS = User(name="", password="", writes=False)


@dataclass(frozen=True, kw_only=True)
class Call:
    """path   the parts behind /rest/api/2; user   ANONYMOUS when nobody logged in"""

    instance: Instance
    user: User
    request: Request
    method: str
    path: tuple[str, ...]

    @property
    def params(self) -> QueryParams:
        return self.request.query_params

    def view(self) -> View:
        return View(base=str(self.request.base_url).rstrip("/"), me=self.user, users=self.instance.users)

    def issue(self, id_or_key: str) -> Issue:
        """The issue as it is now.  Raises ApiError 401, 404."""
        if self.user is ANONYMOUS:
            raise errors.log_in_first()
        issue = self.instance.find(id_or_key)
        if issue is None:
            raise errors.no_such_issue()
        return issue

    def must_write(self, what: str) -> None:
        """Raises ApiError 403 when the user only looks; 401 when nobody logged in."""
        if self.user is ANONYMOUS:
            raise errors.log_in_first()
        if not self.user.writes:
            raise errors.not_allowed(what)

    def number(self, name: str, default: int, given: Mapping[str, Any] | None = None) -> int:
        """A whole number from 0 of the query, or of a body; empty = default.  Raises ApiError 400."""
        value = (self.params if given is None else given).get(name)
        text = str(default if value in (None, "") else value)
        if not text.isdecimal():
            raise errors.bad_request(f"The value for '{name}' must be a number from 0: {text}")
        return int(text)

    async def json_object(self) -> dict[str, Any]:
        """The body.  Raises ApiError 400, 415."""
        if self.request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise errors.ApiError(415, "Unsupported Media Type")
        try:
            value = json.loads(await self.request.body())
        except ValueError as error:
            raise errors.bad_request(f"Unexpected character in the JSON body: {error}") from None
        if not isinstance(value, dict):
            raise errors.bad_request("The body must be a JSON object")
        return value

    def answer(self, content: Any, status: int = 200) -> Response:
        return JSONResponse(content, status)


def empty() -> Response:
    """204"""
    return Response(status_code=204)
