"""One command in its own process: forked from the warm parent, it talks on one socket and ends.

The integration runs exactly once, in a fresh namespace that is the module `__main__`. Whatever it prints is a log, whatever it gives
to `demisto.results()` is the answer, and whether it raised is told at the end.   Source: mirroring.md §1.1.
"""

import contextlib
import os
import signal
import socket
import sys
import traceback
import types

import limits
import prepared as preparing
import requests_made
from channel import Channel
from demisto import Demisto
from egress import Egress

_OURS = (
    *("parent", "prepared", "child", "channel", "limits", "demisto", "requests_made"),
    *("confinement", "egress", "landlock"),
)
"""Our modules; an integration that imports a library of such a name must not get these."""

_LONGEST_ERROR = 100_000  # characters; the middle of longer ones is left out


class MainName(str):
    """`"__main__"` that also equals `"builtins"`.

    The vendor runs integrations with `__name__` = "builtins", others are tested as scripts, and their guards accept sometimes only the one,
    sometimes only the other (content.md §1.7, 2). Its hash is that of "__main__", so that `sys.modules[__name__]` finds the module.
    """

    __slots__ = ()

    def __eq__(self, other):
        return str.__eq__(self, other) is True or other == "builtins"

    def __ne__(self, other):
        return not self == other

    __hash__ = str.__hash__

    def __reduce__(self):
        """As plain text: pickles of the integration's objects name their module by it."""
        return str, (str(self),)


def run(fd, parent_pid, prepared, confinement, *, stand_by=False):
    """Serve the one command that comes over the socket `fd`. Never returns.

    stand_by   that socket itself comes over `fd` first, later or never
    """
    try:
        _leave_parent(fd, parent_pid)
        if stand_by:
            fd = _awaited(fd)
        channel = Channel(socket.socket(fileno=fd))
        channel.send({"say": "hello", "pid": os.getpid()})
        command = channel.receive()
        _enter(command)
        egress = _bind(command, confinement)
        demisto = Demisto(channel, command)
        count = requests_made.Count()
        count.begin()
        error = _execute(prepared, demisto)
        _flush()
        told = {"error": error, "requests": count.made, "refused": egress.refused if egress else []}
        channel.send({"say": "end", **told, **_staged(demisto, error)})
    except BaseException:
        traceback.print_exc()
        _flush()
        os._exit(71)
    os._exit(0)


def _awaited(fd):
    """The socket that comes over `fd`; the end of the process when none will."""
    with socket.socket(fileno=fd) as sock:
        _, fds, _, _ = socket.recv_fds(sock, 1, 1)
    if not fds:
        os._exit(0)
    os.set_inheritable(fds[0], False)  # not for programs that the integration starts
    return fds[0]


def _leave_parent(fd, parent_pid):
    """Own session, own fate: nothing of the parent's but the socket is left open."""
    os.setsid()
    limits.die_with(parent_pid)
    limits.adopt_orphans()
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    limits.close_all_but(fd)


def _enter(command):
    """Go to the working folder {"folder", "stdout", "stderr", "environment", "limits"} of the command; from here on prints are logs."""
    for target, path in ((1, command["stdout"]), (2, command["stderr"])):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        os.dup2(opened, target)
        os.close(opened)
    # line by line, so that the last words of a process that dies are there
    sys.stdout.reconfigure(line_buffering=True, errors="backslashreplace")
    sys.stderr.reconfigure(line_buffering=True, errors="backslashreplace")
    os.chdir(command["folder"])
    os.environ.clear()
    os.environ.update(command["environment"])
    sys.argv = [""]
    sys.dont_write_bytecode = True
    limits.confine(command["limits"])


def _bind(command, confinement):
    """Shut all ways but those of the command {"folder", "egress": list of hosts or None, "egress_advice", "may_listen"}."""
    egress = None
    if command["egress"] is not None:
        egress = Egress(command["egress"], command["egress_advice"])
        egress.begin()
    confinement.bind_child(command["folder"], egress.ports if egress else None, command["may_listen"])
    return egress


def _execute(prepared, demisto):
    """Run the integration; "" or the traceback."""
    for name in _OURS:
        sys.modules.pop(name, None)
    sys.modules["demistomock"] = demisto
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    try:
        names = {**_common_names(), "demisto": demisto}
        sys.meta_path.insert(0, preparing.GivenModules(prepared.modules, names))
        if prepared.code is None:
            return f"{prepared.name} cannot be loaded:\n{prepared.broken}"
        vars(module).update(names, __name__=MainName("__main__"))
        exec(prepared.code, vars(module))
    except SystemExit as end:
        # return_error() ends so, after its error entry; also exit codes other than 0 are no failure
        if end.code not in (None, 0):
            demisto.debug(f"the integration ended with sys.exit({end.code!r})")
    except BaseException as error:
        if isinstance(error, MemoryError):
            traceback.clear_frames(error.__traceback__)
        return _shortened(_told(error, prepared))
    return ""


def _common_names():
    """What `from CommonServerPython import *` gives; {} when this interpreter cannot import it (the integration may not need it)."""
    try:
        import CommonServerPython as common
    except ImportError:
        return {}
    begin_run = getattr(common, "begin_run", None)
    if begin_run:
        begin_run()
    names = {}
    exec("from CommonServerPython import *", names)
    del names["__builtins__"]
    special = {n: getattr(common, n) for n in ("__line__", "register_module_line") if hasattr(common, n)}
    return {**names, **special}


def _staged(demisto, error):
    """Last runs that were set: {"last_run"?, "last_mirror_run"?}; none after an error (MIR-038)."""
    return {} if error else dict(demisto.staged)


def _told(error, prepared):
    """The traceback with the integration's own frames only."""
    told = traceback.TracebackException.from_exception(error)
    _keep_own_frames(told, prepared.files, set())
    return "".join(told.format())


def _keep_own_frames(told, files, seen):
    if told is None or id(told) in seen:
        return
    seen.add(id(told))
    own = [frame for frame in told.stack if frame.filename in files or frame.filename.startswith(preparing.API_MODULES)]
    outer = [frame for frame in told.stack if frame.filename != __file__]
    told.stack = traceback.StackSummary.from_list(own or outer)
    for other in (told.__cause__, told.__context__):
        _keep_own_frames(other, files, seen)


def _shortened(text):
    if len(text) <= _LONGEST_ERROR:
        return text
    half = _LONGEST_ERROR // 2
    return f"{text[:half]}\n… {len(text) - 2 * half} characters left out …\n{text[-half:]}"


def _flush():
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # the integration may have closed or replaced it
            stream.flush()
