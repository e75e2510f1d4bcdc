"""The warm parent: makes one integration ready and forks a child for each command.

Started as `python -I parent.py <control fd>`. One JSON object {"name", "source", "modules", "idle_s", "skip", "confine"} comes on stdin
(`confine` as in `confinement.py`). Then, on the control socket (SOCK_SEQPACKET), each packet is one order:

    b"R"        with a stream socket attached: fork a child that talks on it
    b"K" + pid  kill that child and all of its process group (4 bytes, network order)

and each packet back is one report: {"event": "ready", …}, {"event": "exit", "pid", "status", "cpu_s", "peak_bytes"} (status as of
waitpid, the rest of all its processes), {"event": "idle"}, {"event": "threaded", "library"}. When the other end closes, everything that is left is killed, and the parent leaves. No secret ever
comes here: parameters go over the child's own socket.
"""

import contextlib
import gc
import json
import os
import select
import signal
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import child  # noqa: E402
import limits  # noqa: E402
import prepared as preparing  # noqa: E402
from confinement import Confinement  # noqa: E402

_PID = struct.Struct("!I")


class Parent:
    """The loop; single-threaded, because a process with threads must not fork."""

    def __init__(self, control, prepared, confinement, idle_s):
        self._control = control
        self._prepared = prepared
        self._confinement = confinement
        self._idle_s = idle_s
        self._children = set()
        self._spare = None  # (number, socket) of a child that stands by for the next command
        self._wakeup, wake = os.pipe()
        for end in (self._wakeup, wake):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)

    def serve(self):
        """Do what is ordered until the control socket closes or nothing came for `idle_s` seconds."""
        busy_at = time.monotonic()
        while True:
            patience = None if self._children else max(0.0, busy_at + self._idle_s - time.monotonic())
            ready, _, _ = select.select([self._control, self._wakeup], [], [], patience)
            if not ready:
                self._report(event="idle")
                return
            busy_at = time.monotonic()
            if self._wakeup in ready:
                os.read(self._wakeup, 4096)
                self._reap()
            if self._control in ready and not self._obey():
                self._kill_all()
                return

    def _obey(self):
        order, fds, _, _ = socket.recv_fds(self._control, 64, 1)
        if not order:
            return False
        if order[:1] == b"R" and fds:
            os.set_inheritable(fds[0], False)  # not for programs that the integration starts
            if not self._hand_over(fds[0]):
                self._fork(fds[0])
            os.close(fds[0])
            self._stand_by()
        elif order[:1] == b"K":
            pid = _PID.unpack(order[1:])[0]
            if pid in self._children:
                _kill_group(pid)
        return True

    def _fork(self, fd):
        if threading.active_count() != 1:
            self._report(event="threaded", library="")
            return
        pid = self._forked(fd)
        if pid > 0:  # else the server sees its socket close without a word, and tries again
            self._children.add(pid)

    def _forked(self, fd, **how):
        """Number of a new child that listens to `fd`; -1 when there can be none now."""
        mine = os.getpid()
        try:
            pid = os.fork()
        except OSError:
            return -1
        if pid == 0:
            child.run(fd, mine, self._prepared, self._confinement, **how)
        return pid

    def _stand_by(self):
        """Fork the child of the next command while this one runs: so no command waits for a fork."""
        if self._spare is not None or threading.active_count() != 1:
            return
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            pid = self._forked(theirs.fileno(), stand_by=True)
        if pid > 0:
            self._spare = pid, ours
        else:
            ours.close()

    def _hand_over(self, fd):
        """Give a command to the child that stands by; False when there is none, or it just died."""
        if self._spare is None:
            return False
        (pid, sock), self._spare = self._spare, None
        self._children.add(pid)  # from now on its end is reported
        with sock:
            try:
                socket.send_fds(sock, [b"R"], [fd])
            except OSError:
                return False
        return True

    def _reap(self):
        """Report each child that ended. Its group goes while its number is still taken; then whatever left the group goes, too."""
        while True:
            ended = _any_ended()
            if ended is None:
                return
            self._spare = None if self._spare and self._spare[0] == ended else self._spare
            ours = ended in self._children
            if ours:
                _kill_group(ended)
            _, status, used = os.wait4(ended, 0)
            if ours:
                self._children.discard(ended)
                used = [used, *self._kill_orphans()]
                cpu_s, peak = sum(u.ru_utime + u.ru_stime for u in used), max(u.ru_maxrss for u in used)
                self._report(event="exit", pid=ended, status=status, cpu_s=round(cpu_s, 6), peak_bytes=peak * 1024)

    def _kill_orphans(self):
        """Processes that a dead child left behind became our children (`adopt_orphans`): kill them and what they leave in turn.

        First all are stopped: what still ran could start others faster than they are killed. Returns what they used.
        """
        used = []
        for _ in range(1000):
            known = {*self._children, self._spare[0] if self._spare else 0}
            orphans = [pid for pid in _own_children() if pid not in known]
            if not orphans:
                break
            _stop_all(orphans)
            for pid in orphans:
                _kill(pid)
                used.append(os.wait4(pid, 0)[2])
        return used

    def _kill_all(self):
        if self._spare is not None:
            self._children.add(self._spare[0])
        for pid in list(self._children):
            _kill_group(pid)
            os.waitpid(pid, 0)
            self._children.discard(pid)
        self._kill_orphans()

    def _report(self, **event):
        with contextlib.suppress(OSError):  # the server is gone: the loop sees it next
            self._control.send(json.dumps(event).encode())


def _any_ended():
    """Number of a child that ended and still waits to be reaped, or None."""
    try:
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    return ended.si_pid if ended else None


def _own_children():
    return _children_of(os.getpid())


def _children_of(pid):
    """Numbers of a process's children, those of all its threads."""
    try:
        found = []
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
                found += map(int, file.read().split())
        return found
    except FileNotFoundError:
        if os.path.exists(f"/proc/self/task/{os.getpid()}/children"):  # the process ended meanwhile
            return []
        return [int(other) for other in os.listdir("/proc") if other.isdigit() and _parent_of(other) == pid]
    except ProcessLookupError:
        return []


def _stop_all(pids):
    """Stop processes and all that they started, until nothing new is found."""
    stopped, waiting = set(), list(pids)
    while waiting:
        new = [pid for pid in waiting if pid not in stopped]
        for pid in new:
            _kill(pid, signal.SIGSTOP)
        stopped.update(new)
        waiting = [pid for known in stopped for pid in _children_of(known) if pid not in stopped]


def _parent_of(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return int(file.read().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _kill_group(pid):
    """Kill a child and its group; the child may not have made its own yet."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    _kill(pid)


def _kill(pid, number=signal.SIGKILL):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _read_order():
    with os.fdopen(0, "rb") as stdin:
        order = json.loads(stdin.read())
    if os.open(os.devnull, os.O_RDONLY) != 0:
        raise RuntimeError("standard input is not the first descriptor")
    os.set_inheritable(0, True)  # programs that an integration starts want one, too
    return order


def main():
    """Prepare, say so, serve."""
    order = _read_order()
    control = socket.socket(fileno=int(sys.argv[1]))
    sys.path.append(preparing.API_MODULES)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    limits.adopt_orphans()
    confinement = Confinement(order["confine"])
    confinement.bind_parent()
    prepared = preparing.Prepared(order["name"], order["source"], order["modules"])
    prepared.import_libraries(set(order["skip"]))
    # libraries come first from here on: an integration's `import limits` means the one that is installed
    sys.path[:] = [*sys.path[1:], sys.path[0]]
    if prepared.threaded:
        control.send(json.dumps({"event": "threaded", "library": prepared.threaded}).encode())
        return
    gc.collect()
    gc.freeze()  # the children's collector leaves these pages alone, so they stay shared
    parent = Parent(control, prepared, confinement, order["idle_s"])
    missing = {name: why[:200] for name, why in list(prepared.missing.items())[:100]}
    control.send(json.dumps({"event": "ready", "missing": missing}).encode())
    parent.serve()


if __name__ == "__main__":
    main()
