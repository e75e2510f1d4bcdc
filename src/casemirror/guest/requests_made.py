"""Counts the HTTP requests that this process makes, whichever library makes them (all common ones stand on `http.client`).

Only the number is kept: neither addresses nor contents are looked at beyond the first line.
"""

import re
import sys

_METHOD = re.compile(rb"(?!CONNECT )[A-Z]+ [^\r\n]* HTTP/\d")


class Count:
    """`made` grows from `begin` on. CONNECT, which only opens a tunnel, is no request."""

    def __init__(self):
        self.made = 0

    def begin(self):
        """Listen; an audit hook stays until the process ends."""
        sys.addaudithook(self._hear)

    def _hear(self, event, arguments):
        if event == "http.client.send":
            data = arguments[1]
            if isinstance(data, bytes) and _METHOD.match(data):
                self.made += 1
