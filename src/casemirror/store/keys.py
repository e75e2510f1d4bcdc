"""Secrets at rest: an AES-256-GCM envelope. A random data key for each secret, wrapped by the master key.

The additional data binds a ciphertext to its place (instance and parameter), so that it cannot be moved to another one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from casemirror.model.errors import Invalid
from casemirror.store.durable import sync_folder

ENVIRONMENT = "CASEMIRROR_KEY"
"""Environment variable that holds the master key (base64, 32 bytes) instead of the key file."""
_NONCE = 12


@dataclass(frozen=True)
class Sealed:
    """An encrypted secret: the wrapped data key, the ciphertext, and which master key wrapped it."""

    key_id: str
    wrapped: bytes
    sealed: bytes

    @classmethod
    def of(cls, row: Any) -> Sealed:
        """Read a row of a table that keeps them."""
        return cls(key_id=row["key_id"], wrapped=bytes(row["wrapped"]), sealed=bytes(row["sealed"]))

    @property
    def columns(self) -> dict[str, Any]:
        """For a table."""
        return {"key_id": self.key_id, "wrapped": self.wrapped, "sealed": self.sealed}


class KeyRing:
    """The master keys by id; the first one wraps, all of them unwrap.

    One that came from a file follows it: a key that was rotated by another process is known to a running server at once.
    """

    def __init__(self, keys: tuple[bytes, ...], path: Path | None = None) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._take(keys)

    def _take(self, keys: tuple[bytes, ...]) -> None:
        if not keys or any(len(key) != 32 for key in keys):
            raise Invalid("the master key must be 32 bytes (base64 of them in the key file or in CASEMIRROR_KEY)")
        # one assignment: threads see the ring as it was or as it is
        self._ring: tuple[str, Mapping[str, bytes]] = (key_id(keys[0]), {key_id(key): key for key in keys})

    @property
    def current(self) -> str:
        """Id of the key that wraps."""
        return self._ring[0]

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self._ring[1])})"

    @classmethod
    def load(cls, path: Path) -> KeyRing:
        """The keys from the environment, else from a file with mode 0600, which is made when it is missing."""
        given = os.environ.get(ENVIRONMENT, "")
        if given:
            return cls((_decode(given, ENVIRONMENT),))
        if not path.exists():
            _make(path)
        if path.stat().st_mode & 0o077:
            raise Invalid(f"{path} can be read by others; make it private: chmod 600 {path}")
        stamp = _stamp(path)  # before reading: what changes in between is read again
        ring = cls(_read(path), path)
        ring._stamp = stamp
        return ring

    def _follow(self) -> None:
        """Read the file anew when it changed."""
        stamp = _stamp(self._path)
        if self._path is not None and stamp and stamp != self._stamp:
            self._take(_read(self._path))
            self._stamp = stamp

    def seal(self, value: Any, place: str) -> Sealed:
        """Encrypt a JSON value for one place (``instance id/parameter``)."""
        self._follow()
        current, keys = self._ring
        data_key = secrets.token_bytes(32)
        return Sealed(
            key_id=current,
            wrapped=_encrypt(keys[current], data_key, place),
            sealed=_encrypt(data_key, json.dumps(value).encode(), place),
        )

    def open(self, sealed: Sealed, place: str) -> Any:
        """Decrypt. Raises Invalid when the master key is not here, or the ciphertext was changed or moved."""
        return json.loads(_decrypt(self._data_key(sealed, place), sealed.sealed, place))

    def rewrap(self, sealed: Sealed, place: str) -> Sealed:
        """The same secret under the current master key."""
        data_key = self._data_key(sealed, place)
        current, keys = self._ring
        return Sealed(key_id=current, wrapped=_encrypt(keys[current], data_key, place), sealed=sealed.sealed)

    def mark(self, text: str) -> str:
        """A short sign that is the same for the same text, and that nobody without the master key can guess it from."""
        self._follow()
        current, keys = self._ring
        return hmac.new(keys[current], b"mark\0" + text.encode(), "sha256").hexdigest()[:24]

    def _data_key(self, sealed: Sealed, place: str) -> bytes:
        self._follow()
        key = self._ring[1].get(sealed.key_id)
        if key is None:
            raise Invalid(
                f"the secret of {place} was encrypted with master key {sealed.key_id}, which is not in the key file; "
                "put that key back, or give the secret again"
            )
        return _decrypt(key, sealed.wrapped, place)


def add_key(path: Path) -> KeyRing:
    """Put a new master key first in the key file (old ones stay until everything is wrapped anew)."""
    _write(path, [secrets.token_bytes(32), *_read(path)])
    return KeyRing.load(path)


def drop_old_keys(path: Path) -> None:
    """Keep only the current master key in the key file."""
    _write(path, list(_read(path)[:1]))


def _read(path: Path) -> tuple[bytes, ...]:
    lines = [line.strip() for line in path.read_text(errors="replace").splitlines() if line.strip()]
    return tuple(_decode(line, str(path)) for line in lines)


def _stamp(path: Path | None) -> tuple[int, int] | None:
    """Tells one state of a file from another; None when there is none."""
    try:
        found = path.stat() if path else None
    except OSError:
        return None
    return (found.st_ino, found.st_mtime_ns) if found else None


def key_id(key: bytes) -> str:
    """Short name of a key that tells nothing about it."""
    return hashlib.sha256(b"casemirror key id" + key).hexdigest()[:12]


def _write(path: Path, keys: list[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_name(path.name + ".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write("".join(base64.b64encode(key).decode() + "\n" for key in keys))
        out.flush()
        os.fsync(out.fileno())
    new.replace(path)
    sync_folder(path.parent)  # secrets are wrapped by this key next: it must not be the one that a crash forgets


def _make(path: Path) -> None:
    """Make the first key. Of two processes that both do, one wins, and both use its key."""
    own = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    _write(own, [secrets.token_bytes(32)])
    try:
        os.link(own, path)
    except FileExistsError:
        pass
    finally:
        own.unlink()
    sync_folder(path.parent)


def _decode(text: str, where: str) -> bytes:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except ValueError:
        raise Invalid(f"{where}: the master key is no base64 text") from None


def _encrypt(key: bytes, clear: bytes, place: str) -> bytes:
    nonce = secrets.token_bytes(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, clear, place.encode())


def _decrypt(key: bytes, data: bytes, place: str) -> bytes:
    try:
        return AESGCM(key).decrypt(data[:_NONCE], data[_NONCE:], place.encode())
    except (InvalidTag, ValueError):  # a spoiled one may be too short, too
        raise Invalid(f"the secret of {place} cannot be decrypted: it was changed, or belongs elsewhere") from None
