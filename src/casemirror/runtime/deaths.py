"""Why a command ended badly, in words that say which limit it met and how to raise that."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Mapping
from typing import Final

from casemirror.runtime.command import Command

_OUT_OF: Final = (
    (
        re.compile(r"^[\w.]*MemoryError\b"),
        "The command may use {memory} bytes of memory; casemirror config set runtime.memory BYTES allows more.",
    ),
    (
        re.compile(r"^RuntimeError: can't start new thread|^BlockingIOError: \[Errno 11\]"),
        "The command may have {processes} processes and threads; casemirror config set runtime.processes NUMBER allows more.",
    ),
    (
        re.compile(r"^OSError: \[Errno 27\]"),
        "The command may write {disk} bytes; casemirror config set runtime.disk BYTES allows more.",
    ),
    (
        re.compile(r"^PermissionError: \[Errno 13\] Permission denied: ['\"]/"),
        "Integrations reach nothing but their own folder and the system's libraries; casemirror config set runtime.read (or "
        "runtime.write) PATHS allows more, casemirror doctor runtime shows what is in force.",
    ),
)
"""Last line of a traceback → what to say of it."""


def of_limit(trace: str, command: Command, disk: int, processes: int) -> str:
    """The traceback, with a line about the limit that it shows, if it shows one."""
    last = trace.rstrip().rpartition("\n")[2]
    for pattern, words in _OUT_OF:
        if pattern.match(last):
            told = words.format(memory=command.memory_bytes, disk=disk, processes=processes)
            return f"{trace.rstrip()}\n{told}\n"
    return trace


def late(command: Command) -> str:
    """It ran too long."""
    return (
        f"{command.name} took longer than {command.timeout_s:g} s and was killed; "
        f"casemirror config set {command.timeout_setting} SECONDS allows more"
    )


def cause(command: Command, status: int | None) -> str:
    """What a wait status says; None: the warm process went, and the command with it."""
    if status is None:
        return "the warm process was killed and the command with it"
    if not os.WIFSIGNALED(status):
        return f"the command left with exit code {os.WEXITSTATUS(status)} and no answer"
    number = os.WTERMSIG(status)
    name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
    return f"the command was killed by {name}{_HINTS.get(number, '').format(setting=command.timeout_setting)}"


_HINTS: Final[Mapping[int, str]] = {
    signal.SIGKILL: " (out of memory?)",
    signal.SIGXCPU: ": it used more CPU time than twice its time limit; casemirror config set {setting} SECONDS allows more",
    signal.SIGXFSZ: ": it wrote a file that is too large; casemirror config set runtime.disk BYTES allows more",
}
