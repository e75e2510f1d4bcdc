"""The server's end of a command's socket: JSON messages behind their length, read against a deadline.

The other end is `guest/channel.py`, which cannot be imported here (it runs without casemirror).
"""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

_LENGTH: Final = struct.Struct("!I")
"""bytes of the JSON text that follows"""


_WATCH_S: Final = 1.0
"""longest wait between two calls of the watch, seconds"""

TOO_MUCH: Final = "the command answered more than it may"


class Closed(Exception):
    """The other end is gone."""


class Late(Exception):
    """The deadline passed."""


class Unreadable(Exception):
    """What came is too big, or not a JSON object."""


class Frames:
    """A conversation with one child.

    sock       connected stream socket; owned: `close()` closes it
    largest    bytes of the largest message that is taken
    """

    def __init__(self, sock: socket.socket, largest: int) -> None:
        self._sock = sock
        self._largest = largest
        self.size = 0
        """bytes of the message received last"""
        self.deadline = time.monotonic() + 60.0
        """`time.monotonic()` at which `send` and `receive` give up; may be infinite"""
        self.watch: Callable[[], None] | None = None
        """called again and again while `receive` waits, whatever comes; what it raises comes through"""

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one message. Raises Closed, Late."""
        body = json.dumps(message, ensure_ascii=False, default=_plain, separators=(",", ":")).encode("utf-8", "replace")
        try:
            self._patience()
            self._sock.sendall(_LENGTH.pack(len(body)) + body)
        except TimeoutError as error:
            raise Late from error
        except OSError as error:
            raise Closed from error

    def receive(self) -> dict[str, Any]:
        """The next message; NaN and infinities come as None, which every store can keep. Raises Closed, Late, Unreadable."""
        self.size = _LENGTH.unpack(self._exactly(_LENGTH.size))[0]
        if self.size > self._largest:
            raise Unreadable(TOO_MUCH)
        body = self._exactly(self.size)
        try:
            message = json.loads(body, parse_constant=lambda _: None)
        except (ValueError, RecursionError) as error:
            raise Unreadable("the command's answer is not readable") from error
        if not isinstance(message, dict):
            raise Unreadable("the command's answer is no object")
        return message

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()

    def _exactly(self, size: int) -> bytearray:
        buffer = bytearray()
        while len(buffer) < size:
            try:
                self._patience()
                part = self._sock.recv(min(size - len(buffer), 1 << 20))
            except TimeoutError:
                continue
            except OSError as error:
                raise Closed from error
            if not part:
                raise Closed
            buffer += part
        return buffer

    def _patience(self) -> None:
        """Let the next call wait until the deadline, or an hour. Raises Late."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise Late
        if self.watch is not None:
            self.watch()
        self._sock.settimeout(min(left, _WATCH_S if self.watch else 3600.0))


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)
