"""What the kernel is asked to do to a child: take its privileges, bound its appetite, let it die with its parent.

Linux only. Everything here runs before the integration's first line.
"""

import ctypes
import os
import resource
import signal

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_CAPBSET_DROP = 24
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_CAPABILITIES_3 = 0x20080522  # version of the structures of capset: two sets of 32 bits
_LAST_CAPABILITY = 63

_libc = ctypes.CDLL(None, use_errno=True)


def _prctl(option, value):
    if _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        _fail(f"prctl({option})")


def _fail(what):
    number = ctypes.get_errno()
    raise OSError(number, f"{what}: {os.strerror(number)}")


def adopt_orphans():
    """Become the one whose child a process is when its own parent ends: so nothing that was started can get lost."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with(parent_pid):
    """Be killed when the parent ends; at once when it has ended before this was asked for."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(70)


def give_up_privileges():
    """Never gain privileges again, have no capability (also as root), and let no other process of this user look in."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _prctl(_PR_SET_DUMPABLE, 0)
    if os.geteuid() == 0:
        for number in range(_LAST_CAPABILITY + 1):
            _libc.prctl(_PR_CAPBSET_DROP, ctypes.c_ulong(number), 0, 0, 0)  # fails for those that the kernel lacks
        header, nothing = (ctypes.c_uint32 * 2)(_CAPABILITIES_3, 0), (ctypes.c_uint32 * 6)()
        if _libc.capset(header, nothing) != 0:
            _fail("capset")


def close_all_but(kept):
    """Close every descriptor from 3 up except `kept`."""
    highest = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    highest = 1 << 20 if highest == resource.RLIM_INFINITY else highest
    os.closerange(3, kept)
    os.closerange(kept + 1, highest)


def confine(bounds):
    """Set the bounds {memory_bytes, cpu_s, file_bytes, open_files, processes}, None for none; no core dumps.

    At `cpu_s` a process is told by SIGXCPU, so that the cause can be seen, and a second later it is killed.
    """
    cpu_s = bounds["cpu_s"]
    for limit, soft, value in (
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_CPU, cpu_s, None if cpu_s is None else cpu_s + 1),
        (resource.RLIMIT_FSIZE, bounds["file_bytes"], bounds["file_bytes"]),
        (resource.RLIMIT_NOFILE, bounds["open_files"], bounds["open_files"]),
        (resource.RLIMIT_NPROC, *[_tasks() + bounds["processes"]] * 2),
        (resource.RLIMIT_AS, bounds["memory_bytes"], bounds["memory_bytes"]),
    ):
        hard = resource.getrlimit(limit)[1]
        value = _least(value, hard)
        resource.setrlimit(limit, (_least(soft, value), value))


def _least(value, hard):
    return hard if value is None else value if hard == resource.RLIM_INFINITY else min(value, hard)


def _tasks():
    """All processes and threads of the machine: the kernel counts those of the user, whoever started them, and these are no fewer."""
    try:
        fd = os.open("/proc/loadavg", os.O_RDONLY | os.O_CLOEXEC)
        try:
            return int(os.read(fd, 200).split()[3].partition(b"/")[2])
        finally:
            os.close(fd)
    except (OSError, ValueError, IndexError):
        return 1 << 15
