"""`/oauth_token.do`: password and refresh_token grants, and which user a bearer token stands for.

Source: ServiceNow docs "OAuth 2.0 with inbound REST", "OAuth tokens" (access token 30 minutes, refresh token 100 days); error bodies as observed.
Tokens are rows of the hidden table oauth_credential, so they survive a restart like everything else.
"""

import secrets
from collections.abc import Mapping
from typing import Any

from .accounts import User
from .instance import Instance

EXPIRES_IN_S = 1799
_REFRESH_LIFE_S = 100 * 24 * 3600
_TOKENS = "oauth_credential"

Answer = tuple[int, dict[str, Any]]


def grant(instance: Instance, clients: Mapping[str, str], form: Mapping[str, str]) -> Answer:
    """Answer one token request as (HTTP status, JSON).

    clients   client_id → client_secret; form   the request's fields, client credentials included
    """
    if clients.get(form.get("client_id", "")) != form.get("client_secret"):
        return 401, {"error": "invalid_client", "error_description": "access_denied"}
    match form.get("grant_type"):
        case "password":
            user = instance.users.get(form.get("username", ""))
            if user is None or user.password != form.get("password"):
                return 401, {"error": "server_error", "error_description": "access_denied"}
            return 200, _issue(instance, user, _new_token(instance, user, "refresh", _REFRESH_LIFE_S))
        case "refresh_token":
            refresh = form.get("refresh_token", "")
            user = _user_of(instance, refresh, "refresh")
            if user is None:
                return 401, {"error": "invalid_grant", "error_description": "refresh token is not valid"}
            return 200, _issue(instance, user, refresh)
    return 400, {"error": "unsupported_grant_type", "error_description": "grant_type must be password or refresh_token"}


def user_of(instance: Instance, access_token: str) -> User | None:
    """The user whom this access token stands for; None when it is unknown or has expired."""
    return _user_of(instance, access_token, "access")


def _issue(instance: Instance, user: User, refresh: str) -> dict[str, Any]:
    access = _new_token(instance, user, "access", EXPIRES_IN_S)
    return {
        "access_token": access,
        "refresh_token": refresh,
        "scope": "useraccount",
        "token_type": "Bearer",
        "expires_in": EXPIRES_IN_S,
    }


def _new_token(instance: Instance, user: User, kind: str, life_s: float) -> str:
    token = secrets.token_urlsafe(48)
    expires_at_s = str(instance.clock() + life_s)
    instance.records.put(
        _TOKENS, {"sys_id": token, "user_name": user.user_name, "kind": kind, "expires_at_s": expires_at_s}
    )
    return token


def _user_of(instance: Instance, token: str, kind: str) -> User | None:
    row = instance.records.get(_TOKENS, token)
    if row is None or row["kind"] != kind or float(row["expires_at_s"]) <= instance.clock():
        return None
    return instance.users.get(row["user_name"])
