"""What the kernel is asked to do to a child: take its privileges, bound its appetite, let it die with its parent.

Linux only. Everything here runs between fork and the integration's first line.
"""

import ctypes
import os
import resource
import signal

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38

_libc = ctypes.CDLL(None, use_errno=True)


def _prctl(option, value):
    if _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl({option}): {os.strerror(number)}")


def adopt_orphans():
    """Become the one whose child a process is when its own parent ends: so nothing that was started can get lost."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with(parent_pid):
    """Be killed when the parent ends; at once when it has ended before this was asked for."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(70)


def close_all_but(kept):
    """Close every descriptor from 3 up except `kept`."""
    highest = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    highest = 1 << 20 if highest == resource.RLIM_INFINITY else highest
    os.closerange(3, kept)
    os.closerange(kept + 1, highest)


def confine(bounds):
    """Give up gaining privileges and set the bounds {memory_bytes, cpu_s, file_bytes, open_files}, None for none; no core dumps."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    for limit, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, bounds["cpu_s"]),
        (resource.RLIMIT_FSIZE, bounds["file_bytes"]),
        (resource.RLIMIT_NOFILE, bounds["open_files"]),
        (resource.RLIMIT_AS, bounds["memory_bytes"]),
    ):
        hard = resource.getrlimit(limit)[1]
        value = hard if value is None else value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (value, value))
