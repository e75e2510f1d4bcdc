"""The server's end of a command's socket: JSON messages behind their length, read against a deadline.

The other end is `guest/channel.py`, which cannot be imported here (it runs without casemirror).
"""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Mapping
from typing import Any, Final

_LENGTH: Final = struct.Struct("!I")
"""bytes of the JSON text that follows"""


class Closed(Exception):
    """The other end is gone."""


class Late(Exception):
    """The deadline passed."""


class Unreadable(Exception):
    """What came is too big, or not a JSON object."""


class Frames:
    """A conversation with one child.

    sock       connected stream socket; owned: `close()` closes it
    budget     bytes that the child may send in all
    """

    def __init__(self, sock: socket.socket, budget: int) -> None:
        self._sock = sock
        self._budget = budget
        self.deadline = time.monotonic() + 60.0
        """`time.monotonic()` at which `send` and `receive` give up"""

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one message. Raises Closed, Late."""
        body = json.dumps(message, ensure_ascii=False, default=str, separators=(",", ":")).encode("utf-8", "replace")
        try:
            self._patience()
            self._sock.sendall(_LENGTH.pack(len(body)) + body)
        except TimeoutError as error:
            raise Late from error
        except OSError as error:
            raise Closed from error

    def receive(self) -> dict[str, Any]:
        """The next message; NaN and infinities come as None, which every store can keep. Raises Closed, Late, Unreadable."""
        size = _LENGTH.unpack(self._exactly(_LENGTH.size))[0]
        self._budget -= size
        if self._budget < 0:
            raise Unreadable("the command answered more than it may")
        body = self._exactly(size)
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
            except TimeoutError as error:
                raise Late from error
            except OSError as error:
                raise Closed from error
            if not part:
                raise Closed
            buffer += part
        return buffer

    def _patience(self) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)
