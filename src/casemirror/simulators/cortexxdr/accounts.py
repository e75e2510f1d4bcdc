"""API keys of both kinds, how a request proves that it has one, and the people incidents can be assigned to.

Source: "Get Started with APIs" (standard and advanced keys).
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from . import errors

SKEW_S = 300.0
"""How far an advanced request's time stamp may be off; undocumented."""


@dataclass(frozen=True, kw_only=True)
class Key:
    """advanced   the request shows a hash over key, nonce and time stamp instead of the key itself

    may_write   whether its role may change incidents
    """

    id: str
    key: str
    advanced: bool = True
    may_write: bool = True


DEFAULT_KEYS = (
    Key(id="1", key="casemirror"),
    Key(id="2", key="casemirror", advanced=False),
    Key(id="3", key="viewer", may_write=False),
)

DEFAULT_USERS: Mapping[str, str] = {
    "alice@example.com": "Alice Analyst",
    "bob@example.com": "Bob Builder",
    "casemirror@example.com": "Case Mirror",
}
"""Mail address → full name."""


def authenticate(keys: Mapping[str, Key], headers: Mapping[str, str], now_s: float) -> Key:
    """The key that the request has.  A nonce may come again: callers sign once for all their calls.  Raises ApiError 401."""
    key = keys.get(headers.get("x-xdr-auth-id", ""))
    if key is None or not _proves(key, headers, now_s):
        raise errors.unauthorized()
    return key


def _proves(key: Key, headers: Mapping[str, str], now_s: float) -> bool:
    shown = headers.get("authorization", "")
    if not key.advanced:
        return hmac.compare_digest(shown, key.key)
    nonce, stamp = headers.get("x-xdr-nonce", ""), headers.get("x-xdr-timestamp", "")
    if not nonce or not stamp.isdecimal() or abs(int(stamp) / 1000 - now_s) > SKEW_S:
        return False
    wanted = hashlib.sha256(f"{key.key}{nonce}{stamp}".encode()).hexdigest()
    return hmac.compare_digest(shown, wanted)
