"""What this machine gives to keep integrations in, found out by trying: a command of our own runs as integrations do, and attacks.

Nothing of the machine is changed, no remote is called.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from casemirror.actions.doctor_values import Check, State
from casemirror.engine.app import App
from casemirror.model.settings import Settings
from casemirror.runtime.command import Code, Command, Ending, Reply
from casemirror.runtime.confinement import AUTOMATIC, hidden_from

ABOUT: Final = "runtime"
PROBE: Final = """
import os, pwd, resource, landlock

def tried(what, *args):
    try:
        what(*args)
    except OSError as error:
        return error.strerror
    return ""

def read(path):
    with open(path, "rb") as file:
        file.read(1)

with open("/proc/self/status") as file:
    status = {name: value.strip() for name, _, value in (line.partition(":") for line in file)}
server = demisto.args()["server"]
try:
    name = pwd.getpwuid(os.geteuid()).pw_name
except KeyError:
    name = str(os.geteuid())
demisto.results({
    "abi": landlock.abi(),
    "user": name,
    "uid": os.geteuid(),
    "capabilities": int(status.get("CapEff", "0"), 16),
    "no_new_privs": status.get("NoNewPrivs"),
    "files": {path: tried(read, path) for path in demisto.args()["files"]},
    "list": tried(os.listdir, demisto.args()["folder"]),
    "memory": tried(read, f"/proc/{server}/mem") and tried(read, f"/proc/{server}/environ"),
    "signal": tried(os.kill, server, 0),
    "outside": tried(lambda: os.close(os.open("/var/tmp", os.O_TMPFILE | os.O_WRONLY))),
    "limits": {n: resource.getrlimit(getattr(resource, "RLIMIT_" + n))[0] for n in ("AS", "CPU", "FSIZE", "NOFILE", "NPROC")},
})
"""
"""Answers with what it is, and for each thing that it tried why it could not, empty when it could."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What the probe answered, and the settings that it ran under."""

    settings: Settings
    said: Mapping[str, Any] = field(default_factory=dict)

    @property
    def abi(self) -> int:
        """Version of Landlock in force; 0: none."""
        return int(self.said["abi"]) if self.settings.flag("runtime.landlock") else 0


def examine(app: App) -> Iterator[Check]:
    """Run the probe and look at its answer."""
    settings = app.settings()
    yield _check("machine", f"Linux {platform.release()} on {platform.machine()}, Python {platform.python_version()}")
    reply = _probe(app, settings)
    reply.discard()
    if reply.ending is not Ending.NORMAL:
        text = f"a command of our own did not run: {reply.error.strip()}"
        yield _check("command", text, State.MISSING, "mend that: no integration runs")
        return
    found = Found(settings=settings, said=reply.results[0])
    yield _check("command", "a command of our own ran, in a child of a warm process")
    yield _user(found)
    yield _privileges(found)
    yield from _landlock(found)
    yield from _attacks(app, found)
    yield _limits(found)
    yield _unused()


def _probe(app: App, settings: Settings) -> Reply:
    code = Code(key=f"doctor {hash(PROBE)}", name="Doctor", source=PROBE)
    args = {"server": os.getpid(), "files": [str(path) for path in _secrets(app)], "folder": str(_home(app))}
    memory = settings.count("runtime.memory")
    return app.runtime.run(
        Command(code=code, name="doctor", args=args, instance="doctor", memory_bytes=memory, timeout_s=60)
    )


def _home(app: App) -> Path:
    return app.store.files_folder.parent


def _secrets(app: App) -> list[Path]:
    """Files that no integration may read."""
    return [path for path in (_home(app) / "casemirror.db", _home(app) / "key") if path.exists()]


def _check(name: str, text: str, state: State = State.OK, todo: str = "") -> Check:
    return Check(name=name, state=state, text=text, todo=todo, about=ABOUT)


def _user(found: Found) -> Check:
    said, is_root = found.said, os.geteuid() == 0
    if said["uid"] != os.geteuid():
        return _check("user", f"casemirror runs as {_me()}, integrations as {said['user']}")
    if not is_root:
        text = f"integrations run as {said['user']}, as casemirror does; Landlock keeps them from its files"
        return _check("user", text, State.OK if found.abi else State.UNKNOWN)
    python = Path(sys.executable)
    hidden = hidden_from(AUTOMATIC, (python, python.parent.parent))
    why = f", who cannot read {hidden}" if hidden else ""
    return _check(
        "user",
        f"integrations run as root without its privileges, not as {AUTOMATIC}{why}",
        State.UNKNOWN if found.abi else State.MISSING,
        "install Python and casemirror where every user can read them, or run casemirror as a user of its own",
    )


def _me() -> str:
    return "root" if os.geteuid() == 0 else f"user {os.geteuid()}"


def _privileges(found: Found) -> Check:
    said = found.said
    if said["no_new_privs"] == "1" and not said["capabilities"]:
        return _check(
            "privileges", "integrations have no privileges and cannot gain any (no_new_privs, no capabilities)"
        )
    return _check("privileges", "integrations can gain privileges", State.MISSING, "update the kernel")


_SINCE: Final = ((1, "files", "5.13"), (4, "TCP ports", "6.7"), (6, "signals and abstract sockets", "6.12"))
"""Version of Landlock → what it keeps in, and since which kernel."""


def _landlock(found: Found) -> Iterator[Check]:
    if not found.settings.flag("runtime.landlock"):
        text = "Landlock is switched off (runtime.landlock): what its user can read and write, an integration can"
        yield _check(
            "Landlock", text, State.MISSING, "casemirror config set runtime.landlock true, then restart the server"
        )
        return
    has = [what for since, what, _ in _SINCE if found.abi >= since]
    if has:
        yield _check("Landlock", f"version {found.abi}: it keeps in {', '.join(has)}")
    for since, what, kernel in _SINCE:
        if found.abi < since:
            text = f"this kernel's Landlock (version {found.abi}) does not keep in {what}"
            todo = f"Linux {kernel} or newer does, with landlock among its security modules (lsm=landlock,… at boot)"
            yield _check("Landlock", text, State.UNKNOWN if has else State.MISSING, todo)


def _attacks(app: App, found: Found) -> Iterator[Check]:
    said = found.said
    for path, refused in said["files"].items():
        yield _attack(f"reading {path}", refused)
    yield _attack(f"listing {_home(app)}", said["list"])
    yield _attack("reading the server's memory and environment", said["memory"])
    yield _attack("signalling the server", said["signal"])
    if found.abi:
        yield _attack("writing outside its own folder", said["outside"])


def _attack(what: str, refused: str) -> Check:
    if refused:
        return _check("attack", f"{what} was refused: {refused}")
    todo = "see docs/isolation.md: run integrations as another user, or on a kernel with a newer Landlock"
    return _check("attack", f"{what} was possible", State.MISSING, todo)


def _limits(found: Found) -> Check:
    settings, limits = found.settings, found.said["limits"]
    text = (
        f"a command may take {settings.count('runtime.memory'):,} bytes of memory (runtime.memory), "
        f"{limits['FSIZE']:,} bytes of files (runtime.disk), {settings.count('runtime.processes')} processes and threads "
        f"(runtime.processes), {limits['NOFILE']} open files, {settings.seconds('mirror.command.timeout'):g} s "
        "(mirror.command.timeout) and twice that of CPU"
    )
    return _check("limits", text)


def _unused() -> Check:
    """What casemirror leaves to the operator."""
    path = shutil.which("bwrap")
    bubblewrap = f"bubblewrap ({path})" if path else "bubblewrap (not installed)"
    seccomp = "seccomp" if Path("/proc/sys/kernel/seccomp").exists() else "seccomp (this kernel lacks it)"
    text = f"casemirror itself uses neither {seccomp} nor {bubblewrap} nor namespaces; put them around the whole server"
    return _check("not used", text)
