"""Messages between the child and the server: JSON objects, each behind its length.

Whatever an integration hands over can be sent: what JSON has no form for is written as text rather than failing the command.
"""

import base64
import datetime
import enum
import json
import os
import struct
from collections.abc import Iterable, Mapping

LENGTH = struct.Struct("!I")  # bytes of the JSON text that follows
_DEEPEST = 200  # levels; what lies deeper (or in a circle) is written as text


class Channel:
    """Sends and receives messages on a connected stream socket; not thread-safe, the `demisto` object locks around it."""

    def __init__(self, sock):
        self._sock = sock

    def send(self, message):
        """Send one message. A server that is gone ends the process: nobody is left who could want the answer."""
        body = encode(message)
        try:
            self._sock.sendall(LENGTH.pack(len(body)))
            self._sock.sendall(body)
        except OSError:
            os._exit(70)

    def receive(self):
        """The next message; the end of the process when the server is gone."""
        try:
            return json.loads(self._exactly(LENGTH.unpack(self._exactly(LENGTH.size))[0]))
        except (OSError, EOFError):
            os._exit(70)

    def _exactly(self, size):
        buffer = bytearray(size)
        view, got = memoryview(buffer), 0
        while got < size:
            count = self._sock.recv_into(view[got:])
            if not count:
                raise EOFError
            got += count
        return buffer


def encode(message):
    """The message as JSON in UTF-8; lone surrogates become question marks, since no store could keep them."""
    try:
        text = json.dumps(message, default=plain, ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        text = json.dumps(_rebuilt(message, _DEEPEST), ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def plain(value):
    """The nearest JSON form of a value that has none of its own."""
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, bytes | bytearray | memoryview):
        return _bytes_text(bytes(value))
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    if isinstance(value, Iterable) and not isinstance(value, str):
        return list(value)
    return _text(value)


def _bytes_text(value):
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return base64.b64encode(value).decode("ascii")


def _text(value):
    try:
        return str(value)
    except Exception as error:
        return f"<{type(value).__name__} without a text: {type(error).__name__}>"


def _rebuilt(value, levels):
    """The value once more from plain parts: keys as text, nothing deeper than `levels`."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if levels == 0:
        return f"<{type(value).__name__} nested too deep>"
    if isinstance(value, Mapping):
        return {_text(key): _rebuilt(item, levels - 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rebuilt(item, levels - 1) for item in value]
    try:
        return _rebuilt(plain(value), levels - 1)
    except Exception as error:
        return f"<{type(value).__name__} not readable: {type(error).__name__}>"
