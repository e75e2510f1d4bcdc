"""The simulator as an ASGI application: who asks, the rate limit, and the way to the handler."""

import base64
import binascii
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ..common.control import Control
from ..common.gate import Gate, Hangup
from . import errors, issue_api, lists_api
from .accounts import User
from .call import ANONYMOUS, Call
from .instance import Instance
from .rate_limit import Buckets

_API = re.compile(r"/rest/api/(?:2|latest)/(.+?)/?")
_FILE = re.compile(r"/secure/attachment/(\d+)/[^/]*")
_HTML = "<!DOCTYPE html><html><head><title>Log in - Jira</title></head><body>Welcome to Jira</body></html>"
_LOGIN_FAILED = "<html><head><title>Unauthorized (401)</title></head><body>Basic Authentication Failure</body></html>"


class App(Gate):
    def __init__(self, instance: Instance, hang_up: Hangup | None = None) -> None:
        super().__init__(instance.box, _HTML, hang_up)
        self.instance = instance
        self._buckets = Buckets()
        self._control = Control(self.box, instance.writes, self.state, self.reset)

    def state(self, with_issues: bool) -> dict[str, Any]:
        """What the instance holds and what it was asked.

        requests   "METHOD resource" → calls, refused and failed ones included
        answers    HTTP status → answers; "closed" = connection closed without one
        struck     fault → calls that met it
        doubled    comments and attachments that repeat an earlier one of the same issue in every character or byte
        """
        found = self.instance.issues()
        state: dict[str, Any] = {
            "requests": dict(self.tally.requests),
            "answers": dict(self.tally.answers),
            "issues": len(found),
            "comments": sum(len(issue.comments) for issue in found),
            "attachments": sum(len(issue.attachments) for issue in found),
            "struck": dict(self.box.struck),
            "doubled": _repeated((i.id, c.body) for i in found for c in i.comments)
            + _repeated((i.id, f.filename, f.body) for i in found for f in i.attachments),
        }
        return state | ({"tickets": {str(issue.id): _counts(issue) for issue in found}} if with_issues else {})

    def reset(self) -> None:
        """New instance, no counts, first faults."""
        self.instance.reset()
        self.box.clear()
        self.tally.clear()

    async def control(self, request: Request) -> Response:
        return await self._control.handle(request)

    def counted_as(self, request: Request) -> str:
        """`METHOD search`, `METHOD issue`, `METHOD issue/comment`, `METHOD attachment/file`, …"""
        match = _API.fullmatch(request.url.path)
        parts = (
            match[1].split("/") if match else ["attachment", "file"] if _FILE.fullmatch(request.url.path) else ["other"]
        )
        name = "/".join((parts[0], parts[2])) if parts[0] == "issue" and len(parts) > 2 else parts[0]
        return f"{request.method} {'attachment/file' if not match and parts[0] == 'attachment' else name}"

    def unavailable(self) -> errors.ApiError:
        return errors.unavailable()

    def refused(self, retry_after_s: float) -> errors.ApiError:
        return errors.refused_for_now(retry_after_s)

    def broken(self) -> errors.ApiError:
        return errors.broken()

    async def serve(self, request: Request) -> Response:
        user = self._authenticate(request)
        if user is None:
            return _login_failed()
        headers = {"X-AUSERNAME": quote(user.name) or "anonymous"} | self._limited(user)
        match = _API.fullmatch(request.url.path)
        file = _FILE.fullmatch(request.url.path)
        if match is None and file is None:
            return HTMLResponse(_HTML, 404)
        response = self._download(user, file[1]) if file else await self._api(request, user, match[1] if match else "")
        response.headers.update(headers)
        return response

    async def _api(self, request: Request, user: User, path: str) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        call = Call(instance=self.instance, user=user, request=request, method=method, path=tuple(path.split("/")))
        response = await (issue_api.handle(call) if call.path[0] == "issue" else lists_api.handle(call))
        if method != "GET" and call.path != ("search",) and response.status_code < 300:
            await self.after_write()
        return response

    def _download(self, user: User, attachment_id: str) -> Response:
        if user is ANONYMOUS:
            return HTMLResponse(_HTML)  # a redirection to the log-in page, followed
        _, file = self.instance.attachment(attachment_id)
        return Response(file.body, media_type=file.mime_type)

    def _authenticate(self, request: Request) -> User | None:
        """The user of basic or bearer authentication, ANONYMOUS without any; None when it is wrong."""
        scheme, _, credential = request.headers.get("authorization", "").partition(" ")
        users = self.instance.users
        match scheme.lower():
            case "":
                return ANONYMOUS
            case "bearer":
                return next((user for user in users.values() if user.token and user.token == credential.strip()), None)
            case "basic":
                name, password = _basic(credential)
                known = users.get(name.lower())  # the log-in does not mind the case
                return known if known is not None and known.password == password else None
        return None

    def _limited(self, user: User) -> dict[str, str]:
        rule = self.box.now.rate_limit
        if rule is None or user is ANONYMOUS:
            return {}
        return self._buckets.take(rule, user.name, self.instance.clock())


def _basic(credential: str) -> tuple[str, str]:
    try:
        name, _, password = base64.b64decode(credential.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, password


def _login_failed() -> Response:
    headers = {"WWW-Authenticate": 'OAuth realm="http://jira"', "X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}
    return HTMLResponse(_LOGIN_FAILED, 401, headers)


def _counts(issue: Any) -> dict[str, Any]:
    return {
        "key": issue.key,
        "status": issue.status,
        "summary": issue.values["summary"],
        "comments": len(issue.comments),
        "attachments": len(issue.attachments),
    }


def _repeated(keys: Iterable[Any]) -> int:
    return sum(count - 1 for count in Counter(keys).values())
