"""Landlock by system calls: which files, TCP ports, signals and abstract sockets a process, and what it starts, may reach.

It needs no privileges and cannot be taken back. Source: Linux, Documentation/userspace-api/landlock.rst.
"""

import ctypes
import errno
import os
import struct

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # system calls; the same numbers on all machines but Alpha
_VERSION = 1  # flag of _CREATE_RULESET
_BENEATH, _PORT = 1, 2  # kinds of rules

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_MAKE_CHAR, _MAKE_BLOCK = 1 << 6, 1 << 11
_TRUNCATE = 1 << 14
_IOCTL_DEV = 1 << 15
BIND_TCP, CONNECT_TCP = 1 << 0, 1 << 1
_ABSTRACT_SOCKET, _SIGNAL = 1 << 0, 1 << 1

READ = _EXECUTE | _READ_FILE | _READ_DIR
ALL = (1 << 16) - 1 & ~(_MAKE_CHAR | _MAKE_BLOCK)
USE_DEVICE = _READ_FILE | _WRITE_FILE | _TRUNCATE | _IOCTL_DEV
UNLISTED = ALL & ~(_READ_DIR | _EXECUTE)
"""Make, write and remove files in a folder whose list stays unknown."""
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV

_syscall = ctypes.CDLL(None, use_errno=True).syscall
_syscall.restype = ctypes.c_long


def abi():
    """Version of Landlock that the kernel has; 0: none, or it is switched off."""
    try:
        return _call(_CREATE_RULESET, None, 0, _VERSION)
    except OSError:
        return 0


class Ruleset:
    """Rules in the making; what no rule allows is refused from `restrict` on.

    abi      what `abi()` said; what that version does not know is left out
    net      which of BIND_TCP and CONNECT_TCP need a rule
    """

    def __init__(self, abi, net=0):
        self._files = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(abi, 16)) - 1
        self._net = net if abi >= 4 else 0
        scoped = _ABSTRACT_SOCKET | _SIGNAL if abi >= 6 else 0
        attributes = struct.pack("=QQQ", self._files, self._net, scoped)[: 8 if abi < 4 else 16 if abi < 6 else 24]
        self._fd = _call(_CREATE_RULESET, attributes, len(attributes), 0)

    def allow(self, path, rights):
        """Allow `rights` at a file, or in a folder and beneath; a path that is not there is left out."""
        try:
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            return
        try:
            self._add(rights & self._files, fd)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            self._add(rights & self._files & _OF_FILES, fd)  # it is no folder
        finally:
            os.close(fd)

    def _add(self, rights, fd):
        _call(_ADD_RULE, self._fd, _BENEATH, struct.pack("=Qi", rights, fd), 0)

    def allow_port(self, port, rights):
        """Allow BIND_TCP or CONNECT_TCP at a port; nothing happens when none needs a rule."""
        if rights & self._net:
            _call(_ADD_RULE, self._fd, _PORT, struct.pack("=QQ", rights & self._net, port), 0)

    def restrict(self):
        """Bind this process by the rules, for good. New privileges must have been given up before."""
        _call(_RESTRICT_SELF, self._fd, 0)
        os.close(self._fd)


def _call(number, first, *more):
    # numbers beyond the first must be given as long: the kernel sees all 64 bits of a register
    done = _syscall(number, first, *[ctypes.c_long(a) if type(a) is int else a for a in more])
    if done < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"Landlock: {errno.errorcode.get(code, code)}")
    return done
