"""Where the warm parent and its children may go: to the interpreter, its libraries, what a network client needs, and their own folder.

The parent is bound before it imports any library; each child binds itself once more, to its own folder, before the integration's
first line. What was given up once never comes back.
"""

import glob
import os
import sys

import landlock
import limits

_SYSTEM = (
    *("/usr", "/lib", "/lib32", "/lib64", "/libx32", "/bin", "/sbin", "/nix/store", "/gnu/store"),
    *("/etc/ld.so.*", "/etc/alternatives", "/etc/python3*", "/etc/localtime", "/etc/timezone", "/etc/mime.types"),
    *("/etc/ssl", "/etc/pki", "/etc/ca-certificates*", "/etc/crypto-policies", "/etc/gnutls", "/etc/krb5.conf*"),
    *("/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services"),
    *("/etc/protocols", "/etc/passwd", "/etc/group", "/etc/os-release", "/etc/debian_version", "/etc/locale*"),
    *("/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager/*resolv.conf"),
    *("/proc", "/sys/devices/system/cpu", "/dev/random", "/dev/urandom"),
)
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full")
_SEMAPHORES = "/dev/shm"
"""`multiprocessing` makes its locks there, under names that nobody can guess; it cannot be listed."""
_ETC = "/etc"
_DNS_PORT = 53


class Confinement:
    """What is common to a parent and its children.

    order   {"landlock": whether to use it, "read": further paths, "write": further folders, "private": folders of which nothing
            may be read unless it is the interpreter itself, "work": the folder of the folders of all commands}

    What bounds the parent bounds its children, too. So a child's own rules need be exact only where the parent's are not: for the
    folders of commands, and for `/etc`, whose files may be replaced while the parent lives (a rule holds for a file, not its name).
    """

    def __init__(self, order):
        self._abi = landlock.abi() if order["landlock"] else 0
        self._work, self._write = order["work"], order["write"]
        read = list(readable(order["read"], order["private"])) if self._abi else []
        etc, others = _parted(read)
        self._parent = [*(_without(_ETC, _real(order["private"])) if self._abi else ()), *others]
        self._child = [*etc, *dict.fromkeys(_wide(path, os.path.realpath(self._work)) for path in others)]

    def bind_parent(self):
        """Give up privileges; go nowhere but to libraries and to the folders of commands."""
        limits.give_up_privileges()
        if not self._abi:
            return
        rules = landlock.Ruleset(self._abi)
        for path in self._parent:
            rules.allow(path, landlock.READ)
        for path in _DEVICES:
            rules.allow(path, landlock.USE_DEVICE)
        rules.allow(_SEMAPHORES, landlock.UNLISTED)
        for path in (self._work, *self._write):
            rules.allow(path, landlock.ALL)
        rules.restrict()

    def bind_child(self, folder, ports, may_listen):
        """Go nowhere but to libraries and one folder.

        ports        TCP ports that may be connected to; None: all
        may_listen   it may be a server on any port
        """
        if not self._abi:
            return
        net = (0 if may_listen else landlock.BIND_TCP) | (0 if ports is None else landlock.CONNECT_TCP)
        rules = landlock.Ruleset(self._abi, net)
        for path in self._child:
            rules.allow(path, landlock.READ)
        for path in ("/dev", folder, *self._write):
            rules.allow(path, landlock.ALL)
        if net:
            rules.allow_port(0, landlock.BIND_TCP)
            for port in {*(ports or ()), _DNS_PORT}:
                rules.allow_port(port, landlock.CONNECT_TCP)
        rules.restrict()


def readable(more, private):
    """Paths that may be read: the system's libraries, this interpreter with its packages, and `more`; nothing `private`."""
    own = (sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix, *sys.path)
    own = [path for path in (*own, os.path.dirname(os.path.realpath(sys.executable))) if path.startswith("/")]
    system = [path for pattern in _SYSTEM for path in glob.glob(pattern)]
    hidden = _real(private)
    for path in dict.fromkeys([*system, *own, *more]):
        if os.path.exists(path):
            yield from _without(path, hidden)


def _real(paths):
    return [os.path.realpath(path) for path in paths]


def _parted(paths):
    """Those in `/etc`, and the others."""
    etc = [path for path in paths if path.startswith(f"{_ETC}/")]
    return etc, [path for path in paths if path not in etc]


def _wide(path, work):
    """The widest folder around a path that does not hold the folder of commands."""
    wide = os.path.realpath(path)
    while os.path.dirname(wide) != "/" and not work.startswith(os.path.dirname(wide) + "/"):
        wide = os.path.dirname(wide)
    return wide


def _without(path, hidden):
    """The path; when something hidden lies in it, what lies beside that."""
    real = os.path.realpath(path)
    inside = [h for h in hidden if h == real or h.startswith(real.rstrip("/") + "/")]
    if not inside:
        yield path
    elif real not in inside:
        for name in os.listdir(real):
            yield from _without(os.path.join(real, name), hidden)
