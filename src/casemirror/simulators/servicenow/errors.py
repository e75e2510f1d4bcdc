"""The Table and Attachment APIs' errors, in the documented envelope.

Source: ServiceNow docs "REST API HTTP response codes", "Inbound REST API rate limiting"; KB1479016.  Texts of 401, 403 and 404 as observed.
"""

import math
from typing import Any

from casemirror.simulators.common import gate


class ApiError(gate.ApiError):
    """Ends the request with this status and `{"error": {message, detail}, "status": "failure"}`."""

    def __init__(
        self, status: int, message: str, detail: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(status, message, headers)
        self.detail = detail

    def body(self) -> dict[str, Any]:
        return {"error": {"message": self.message, "detail": self.detail}, "status": "failure"}


def bad_request(message: str, detail: str | None = None) -> ApiError:
    return ApiError(400, message, detail)


def no_such_table(name: str) -> ApiError:
    return ApiError(400, f"Invalid table {name}")


def no_such_resource() -> ApiError:
    return ApiError(400, "Requested URI does not represent any resource")


def not_authenticated() -> ApiError:
    headers = {"WWW-Authenticate": 'BASIC realm="Service-now"'}
    return ApiError(401, "User Not Authenticated", "Required to provide Auth information", headers)


def refused(operation: str) -> ApiError:
    """operation   Insert, Update or Delete"""
    return ApiError(403, "Operation Failed", f"ACL Exception {operation} Failed due to security constraints")


def data_policy(columns: list[str]) -> ApiError:
    names = ", ".join(column.replace("_", " ").capitalize() for column in columns)
    return ApiError(403, "Operation Failed", f"Data Policy Exception: The following fields are mandatory: {names}")


def not_found() -> ApiError:
    """Also for a record that the user may not see: the API does not tell the two apart."""
    return ApiError(404, "No Record found", "Record doesn't exist or ACL restricts the record retrieval")


def method_not_allowed(allowed: tuple[str, ...]) -> ApiError:
    return ApiError(405, "Method not supported", None, {"Allow": ", ".join(allowed)})


def not_acceptable(accept: str) -> ApiError:
    return ApiError(406, f"Invalid response content-type: {accept}", "The simulator answers in application/json only")


def unsupported_media(content_type: str) -> ApiError:
    return ApiError(415, f"Unsupported Media Type: {content_type}", "The simulator reads application/json only")


def rate_limited(limit: int, api: str, headers: dict[str, str]) -> ApiError:
    return ApiError(429, "Rate limit exceeded", f"Rate limit of {limit} requests per hour for {api} exceeded", headers)


def refused_for_now(retry_after_s: float) -> ApiError:
    """429 by the switch; retry_after_s 0 = without the header."""
    headers = {"Retry-After": str(math.ceil(retry_after_s))} if retry_after_s else {}
    return ApiError(429, "Rate limit exceeded", "The simulator was told to refuse (fault injection)", headers)


def broken() -> ApiError:
    return ApiError(500, "Transaction cancelled", "The simulator was told to fail (fault injection)")
