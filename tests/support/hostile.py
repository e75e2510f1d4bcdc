"""Hostile integrations, and a server that runs them. It needs nothing but the runtime: any user's Python can play it."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from casemirror.runtime.command import Code, Command, Ending, HostCalls
from casemirror.runtime.pool import ProcessRuntime

TRY = """
def tried(what, *args):
    try:
        what(*args)
    except OSError as error:
        return error.strerror
    except ValueError as error:
        return str(error)
    return "done"
"""

ATTACK = (
    TRY
    + """
import ctypes, json, os, signal, socket
server, parent, sibling = demisto.args()["server"], os.getppid(), demisto.args()["sibling"]

def read(path):
    with open(path, "rb") as file:
        file.read(1)

def write(path):
    with open(path, "ab") as file:
        file.write(b"x")

def ptrace(pid):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(16, pid, None, None) == 0:  # PTRACE_ATTACH
        libc.ptrace(17, pid, None, None)
        return
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

def through_a_link(path):
    os.symlink(path, "link")
    try:
        read("link")
    finally:
        os.unlink("link")

said = {}
for name, path in demisto.args()["files"].items():
    said["read " + name] = tried(read, path)
    said["write " + name] = tried(write, path)
    said["link to " + name] = tried(through_a_link, path)
    said["list around " + name] = tried(os.listdir, os.path.dirname(path))
for name, pid in (("server", server), ("parent", parent), ("sibling", sibling)):
    for file in ("environ", "mem", "maps"):
        said[f"{file} of {name}"] = tried(read, f"/proc/{pid}/{file}")
    said[f"root of {name}"] = tried(os.listdir, f"/proc/{pid}/cwd/")
    said[f"ptrace {name}"] = tried(ptrace, pid)
    said[f"signal {name}"] = tried(os.kill, pid, 0)
said["write /tmp"] = tried(write, f"/tmp/casemirror-was-here-{server}")
said["own folder"] = tried(write, os.path.join(os.getcwd(), "own"))
said["own list"] = tried(os.listdir, os.getcwd())
said["semaphore"] = tried(lambda: __import__("multiprocessing").Lock())
said["list of semaphores"] = tried(os.listdir, "/dev/shm")
said["resolver"] = tried(read, "/etc/hosts")
demisto.results(said)
demisto.results([os.getuid(), os.getgid(), os.getgroups()])
"""
)
"""Answers for each thing that it tried "done" or why not; `own …`, `semaphore` and `resolver` must be done."""

MAY = {"own folder", "own list", "semaphore", "resolver"}

STAY = "import os\nopen('private', 'w').write('x')\ndemisto.findUser(username=f'{os.getpid()} {os.getcwd()}')\n"
"""Writes a file and lets the server attack it meanwhile."""


def command(source: str, key: str = "", **more: Any) -> Command:
    """A command that runs this code."""
    text = textwrap.dedent(source)
    return Command(code=Code(key=key or text, name="Integration", source=text), name="some-command", **more)


def attacked(runtime: ProcessRuntime, home: Path, *, open_to_all: bool) -> tuple[Mapping[str, str], list[Any]]:
    """What a hostile command of one instance could do while a command of another one ran; and who it was.

    open_to_all   the database and the key have modes that would let everybody read them
    """
    files = {"database": home / "casemirror.db", "key": home / "key"}
    home.chmod(0o711)  # an operator may be generous: it must not matter
    for path in files.values():
        path.write_text("secret")
        path.chmod(0o666 if open_to_all else 0o600)
    replies: list[Any] = []

    def attack(by: Mapping[str, str]) -> Mapping[str, Any]:
        sibling, folder = by["username"].split()
        targets = {**files, "sibling's file": Path(folder) / "private"}
        args = {"server": os.getpid(), "sibling": int(sibling), "files": {n: str(p) for n, p in targets.items()}}
        replies.append(runtime.run(command(ATTACK, args=args)))
        return {}

    outer = runtime.run(command(STAY, host=HostCalls(find_user=attack)))
    outer.discard()
    assert (outer.ending, outer.error) == (Ending.NORMAL, "")
    (reply,) = replies
    reply.discard()
    assert reply.ending is Ending.NORMAL, reply.error
    said, who = reply.results
    return said, who


def succeeded(said: Mapping[str, str]) -> dict[str, str]:
    """What worked and should not have, and what should have and did not."""
    return {what: came for what, came in said.items() if (came == "done") != (what in MAY)}
