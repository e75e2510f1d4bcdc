"""The API's errors in its envelope: `{"errorMessages": [...], "errors": {field: text}}`.

Source: Jira REST API reference, "Error collection".  The texts are as observed.
"""

import math
from collections.abc import Mapping
from typing import Any

from ..common import gate


class ApiError(gate.ApiError):
    """messages   about the whole request; fields   field → what is wrong with it"""

    def __init__(
        self,
        status: int,
        *messages: str,
        fields: Mapping[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(status, "; ".join([*messages, *(fields or {}).values()]), headers)
        self.messages = messages
        self.fields = dict(fields or {})

    def body(self) -> Any:
        return {"errorMessages": list(self.messages), "errors": self.fields}


def bad_request(*messages: str) -> ApiError:
    return ApiError(400, *messages)


def bad_fields(fields: Mapping[str, str]) -> ApiError:
    return ApiError(400, fields=fields)


def not_settable(field: str) -> str:
    """Why a field is refused that the project's screen does not have, or nobody has."""
    return f"Field '{field}' cannot be set. It is not on the appropriate screen, or unknown."


def no_such_issue() -> ApiError:
    return ApiError(404, "Issue Does Not Exist")


def no_such_resource() -> ApiError:
    return ApiError(404, "null for uri: there is no such resource")


def not_allowed(what: str) -> ApiError:
    return ApiError(403, f"You do not have permission to {what}.")


def log_in_first() -> ApiError:
    return ApiError(401, "You are not authenticated. Authentication required to perform this operation.")


def rate_limited(headers: dict[str, str]) -> ApiError:
    return ApiError(429, "Rate limit exceeded.", headers=headers)


def refused_for_now(retry_after_s: float) -> ApiError:
    """429 by the switch; retry_after_s 0 = without the header."""
    headers = {"Retry-After": str(math.ceil(retry_after_s))} if retry_after_s else {}
    return ApiError(429, "Rate limit exceeded. The simulator was told to refuse (fault injection)", headers=headers)


def broken() -> ApiError:
    return ApiError(500, "Internal server error. The simulator was told to fail (fault injection)")


def unavailable() -> ApiError:
    return ApiError(503, "Service Unavailable")
