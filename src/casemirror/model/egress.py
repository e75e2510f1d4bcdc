"""Hosts that an instance may reach: how they are written. The child compares them (`guest/egress.py`)."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from casemirror.model.errors import Invalid

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")


def entry(text: str) -> str:
    """A host as it is kept: `host`, `host:port`, `*.domain`, an address, or `[address of IPv6]:port`; of a URL its host and port.

    Raises Invalid.
    """
    clean = text.strip().lower()
    if "://" in clean:
        clean = _of_url(clean)
    host, port = _split(clean)
    if not (_is_address(host) or _is_name(host)):
        raise Invalid(
            f"{text!r} is no host; write it as example.com, example.com:443, *.example.com or [2001:db8::1]:443"
        )
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{port}" if port else shown


def _of_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return ""
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{port}" if port else shown


def _split(text: str) -> tuple[str, int | None]:
    """Host and port; a port that is none stays with the host, which then is none."""
    if _is_address(text):
        return text, None
    host, colon, port = text.rpartition(":")
    if colon and port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536:
        return host.removeprefix("[").removesuffix("]"), int(port)
    return text.removeprefix("[").removesuffix("]"), None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_name(host: str) -> bool:
    labels = host.removeprefix("*.").removesuffix(".").split(".")
    return len(host) < 254 and all(_LABEL.fullmatch(label) for label in labels)
