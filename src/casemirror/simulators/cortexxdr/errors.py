"""The API's errors in the documented envelope: `{"reply": {"err_code", "err_msg", "err_extra"}}`.

Source: "Responses" of every call in "Cortex XDR REST API": 400, 401, 402, 403, 500.  Texts and the limit's answer are undocumented.
"""

import math
from typing import Any

from casemirror.simulators.common import gate


class ApiError(gate.ApiError):
    """Ends the request with this status; err_code repeats it."""

    def __init__(self, status: int, message: str, extra: Any = None, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, message, headers)
        self.extra = extra

    def body(self) -> dict[str, Any]:
        return {"reply": {"err_code": self.status, "err_msg": self.message, "err_extra": self.extra}}


def invalid_json() -> ApiError:
    return ApiError(400, "Bad Request. Got an invalid JSON.")


def unauthorized() -> ApiError:
    return ApiError(401, "Public API request Unauthorized")


def no_licence() -> ApiError:
    return ApiError(402, "User does not have the required license type to run this API")


def forbidden() -> ApiError:
    return ApiError(403, "The provided API Key does not have the required RBAC permissions to run this API")


def no_such_call(path: str) -> ApiError:
    return ApiError(404, "Not Found", f"there is no {path}")


def method_not_allowed() -> ApiError:
    return ApiError(405, "Method Not Allowed", None, {"Allow": "POST"})


def invalid(extra: str) -> ApiError:
    """Wrong parameters are an internal error, as documented."""
    return ApiError(500, "An error occurred while processing XDR public API", extra)


def no_incident(incident_id: str) -> ApiError:
    return invalid(f"Incident {incident_id} was not found")


def rate_limited(status: int) -> ApiError:
    return ApiError(status, "Rate limit exceeded")


def refused_for_now(status: int, retry_after_s: float) -> ApiError:
    """By the switch; retry_after_s 0 = without the header."""
    headers = {"Retry-After": str(math.ceil(retry_after_s))} if retry_after_s else {}
    extra = "The simulator was told to refuse (fault injection)"
    return ApiError(status, "Rate limit exceeded", extra, headers)


def broken() -> ApiError:
    return ApiError(500, "Internal server error", "The simulator was told to fail (fault injection)")


def unavailable() -> ApiError:
    return ApiError(503, "Service Unavailable")
