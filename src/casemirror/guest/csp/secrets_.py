"""Which texts of the parameters are secrets, and the forms in which they may turn up in a log."""

import base64
import json
from urllib.parse import quote, quote_plus

SECRET_WORDS = ("key", "private", "password", "secret", "token", "credentials", "service_account")

# Masking shorter texts would shred ordinary words, and with them the error texts that the engine reads.
SHORTEST_SECRET = 4


def find(params):
    """The secret texts in a dict of parameters, at any depth, and `user:password` in base64 for each pair of credentials."""
    found = []
    for name, value in params.items():
        if isinstance(value, dict):
            found += find(value) + _basic_auth(value)
        elif isinstance(value, str) and _is_secret_name(name):
            found.append(value)
    return found


def forms(secret):
    """The secret as it is, and as it looks in base64, in a URL and inside JSON text; [] when it is too short to be masked."""
    if len(secret) < SHORTEST_SECRET:
        return []
    as_json = json.dumps(secret)[1:-1]
    quoted = [
        quote(secret, errors="replace"),
        quote(secret, "", errors="replace"),
        quote_plus(secret, errors="replace"),
    ]
    every = [secret, _base64(secret), *quoted, as_json]
    return list(dict.fromkeys(every))


def _is_secret_name(name):
    return any(word in str(name).lower() for word in SECRET_WORDS)


def _basic_auth(credentials):
    user, password = credentials.get("identifier"), credentials.get("password")
    if isinstance(user, str) and isinstance(password, str) and user and password:
        return [_base64(f"{user}:{password}")]
    return []


def _base64(text):
    return base64.b64encode(text.encode("utf-8", "surrogatepass")).decode("ascii")
