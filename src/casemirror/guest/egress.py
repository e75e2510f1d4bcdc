"""The hosts that an instance may reach: what Python code resolves and connects to is compared with its list.

It holds against code that does what Python code does. Native code that makes system calls itself does not pass here; of it Landlock
refuses the other TCP ports, where the kernel has that.
"""

import _socket
import os
import socket
import sys

_CONNECTS = ("socket.connect", "socket.sendto", "socket.sendmsg")
_RESOLVES = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")


class Refused(RuntimeError):
    """The host is not on the list; no OSError, since network libraries would wrap it and try again."""


class Egress:
    """A list of hosts in force.

    allowed   `host`, `host:port`, `*.domain` or `*.domain:port`; an address stands as a host, that of IPv6 in brackets
    advice    what a refusal says after the host, with `{host}` for what is missing
    """

    def __init__(self, allowed, advice):
        self._allowed = [_parts(entry) for entry in allowed]
        self._advice = advice
        self._own = _name(socket.gethostname())
        self._known = {}
        self.refused = []

    @property
    def ports(self):
        """Ports that the list names; None: a host without a port allows them all."""
        ports = {port for _, port in self._allowed}
        return None if None in ports else ports

    def begin(self):
        """Watch; an audit hook stays until the process ends."""
        for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
            resolving = self._remembering(getattr(_socket, name))
            setattr(_socket, name, resolving)
            if name != "getaddrinfo":
                setattr(socket, name, resolving)
        sys.addaudithook(self._hear)

    def _remembering(self, resolve):
        """The same function, which also notes that the addresses belong to the name."""

        def resolving(host, *more, **named):
            found = resolve(host, *more, **named)
            for address in _addresses(found):
                self._known.setdefault(address, set()).add(_name(host))
            return found

        return resolving

    def _hear(self, event, arguments):
        if event in _RESOLVES:
            if _name(arguments[0]) not in ("", self._own):
                self._check(_name(arguments[0]), _port(arguments[1]) if len(arguments) > 1 else None)
        elif event in _CONNECTS:
            self._connecting(arguments[1])

    def _connecting(self, address):
        if isinstance(address, tuple) and len(address) >= 2:
            self._check(_name(address[0]), _port(address[1]))
        elif isinstance(address, str | bytes):
            self._refuse(os.fsdecode(address) or "a local socket", None)

    def _check(self, host, port):
        names = self._known.get(host, ())
        if not any(self._allows(name, port) for name in (host, *names)):
            self._refuse(min(names, default=host), port)

    def _allows(self, host, port):
        return any(_fits(host, name) and (port is None or wanted in (None, port)) for name, wanted in self._allowed)

    def _refuse(self, host, port):
        missing = f"[{host}]" if ":" in host else host
        missing = f"{missing}:{port}" if port else missing
        self.refused = list(dict.fromkeys([*self.refused, missing]))[:20]
        raise Refused(f"{missing} {self._advice.replace('{host}', missing)}")


def _parts(entry):
    """(host, port or None) of an entry."""
    host, colon, port = entry.rpartition(":")
    if not colon or not port.isdigit():
        host, port = entry, ""
    return _name(host.removeprefix("[").removesuffix("]")), int(port) if port else None


def _fits(host, name):
    return host.endswith(name[1:]) if name.startswith("*.") else host == name


def _name(host):
    """A host as it is compared."""
    text = host.decode("ascii", "replace") if isinstance(host, bytes | bytearray) else str(host or "")
    return text.partition("%")[0].rstrip(".").lower()


def _port(port):
    if isinstance(port, bytes):
        port = port.decode("ascii", "replace")
    if isinstance(port, str) and not port.isdigit():
        try:
            return socket.getservbyname(port)
        except OSError:
            return None
    return int(port) if port else None


def _addresses(found):
    """Addresses in what a resolver answered."""
    if isinstance(found, str):
        return [found]
    if isinstance(found, tuple):
        return found[2]
    return [item[4][0].partition("%")[0] for item in found]
