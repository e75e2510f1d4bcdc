"""`/_simulator/…`: faults, counts and reset, for demos and tests; answers this machine only and is never counted or made to fail."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from . import faults
from .writes import WriteLog

_LOOPBACK = ("127.0.0.1", "::1")


class Tally:
    """How often was asked what, and how it was answered."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()

    def clear(self) -> None:
        self.requests.clear()
        self.answers.clear()


class Control:
    """state   whether with each ticket → what the remote holds and what it was asked

    reset   brings the remote back to how it was started
    """

    def __init__(
        self,
        box: faults.FaultBox[Any],
        writes: WriteLog,
        state: Callable[[bool], dict[str, Any]],
        reset: Callable[[], None],
    ) -> None:
        self._box = box
        self._writes = writes
        self._state = state
        self._reset = reset

    async def handle(self, request: Request) -> Response:
        """Answer one control request: 403 from elsewhere, 404 for another path, 400 with a sentence for a wrong fault."""
        if request.client is None or request.client.host not in _LOOPBACK:
            return _problem(403, "the simulator's controls answer this machine only")
        match (request.url.path.removeprefix("/_simulator/"), request.method):
            case ("faults", "GET"):
                return JSONResponse(faults.as_json(self._box.now))
            case ("faults", "PUT"):
                return await self._change_faults(request)
            case ("faults", "DELETE"):
                return JSONResponse(faults.as_json(self._box.clear()))
            case ("state", "GET"):
                return JSONResponse(self._state(request.query_params.get("tickets") == "true"))
            case ("writes", "GET"):
                return JSONResponse([write.to_json() for write in self._writes.all()])
            case ("reset", "POST" | "PUT"):
                self._reset()
                return JSONResponse(self._state(False))
        return _problem(404, "there are GET|PUT|DELETE faults, GET state[?tickets=true], GET writes, POST reset")

    async def _change_faults(self, request: Request) -> Response:
        try:
            values = json.loads(await request.body())
            if not isinstance(values, Mapping):
                raise ValueError("the body must be a JSON object: fault → value")
            return JSONResponse(faults.as_json(self._box.change(values)))
        except ValueError as error:
            return _problem(400, str(error))


def _problem(status: int, message: str) -> Response:
    return JSONResponse({"error": message}, status)
