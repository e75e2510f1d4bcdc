"""Why a command ended, in words that say which limit it met."""

import signal

import pytest

from casemirror.runtime import deaths
from casemirror.runtime.command import Code, Command

COMMAND = Command(
    code=Code(key="k", name="I", source=""), name="c", timeout_setting="mapping.script.timeout", memory_bytes=5
)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (3 << 8, "exit code 3 and no answer"),
        (signal.SIGKILL, "killed by SIGKILL (out of memory?)"),
        (signal.SIGSEGV, "killed by SIGSEGV"),
        (signal.SIGXCPU, "SIGXCPU: it used more CPU time than twice its time limit; casemirror config set mapping.script.timeout"),
        (signal.SIGXFSZ, "casemirror config set runtime.disk BYTES"),
        (45, "killed by signal 45"),
        (None, "the warm process was killed"),
    ],
)  # fmt: skip
def test_a_status_is_put_in_words(status: int | None, words: str) -> None:
    """Limits name their setting."""
    assert words in deaths.cause(COMMAND, status)


@pytest.mark.parametrize(
    ("last", "setting"),
    [
        ("MemoryError", "may use 5 bytes of memory; casemirror config set runtime.memory"),
        ("numpy.core._exceptions._ArrayMemoryError: Unable to allocate", "runtime.memory"),
        ("RuntimeError: can't start new thread", "may have 7 processes and threads; casemirror config set runtime.processes"),
        ("BlockingIOError: [Errno 11] Resource temporarily unavailable", "runtime.processes"),
        ("OSError: [Errno 27] File too large", "may write 6 bytes; casemirror config set runtime.disk"),
        ("PermissionError: [Errno 13] Permission denied: '/tmp/x'", "runtime.read"),
    ],
)  # fmt: skip
def test_a_traceback_of_a_limit_says_how_to_raise_it(last: str, setting: str) -> None:
    """The traceback itself stays."""
    trace = f"Traceback (most recent call last):\n  File x\n{last}\n"
    told = deaths.of_limit(trace, COMMAND, disk=6, processes=7)
    assert told.startswith(trace)
    assert setting in told


@pytest.mark.parametrize(
    "last", ["ValueError: MemoryError", "PermissionError: [Errno 13] Permission denied", "KeyError: 1"]
)
def test_other_tracebacks_stay_as_they_are(last: str) -> None:
    """Nothing is guessed."""
    assert deaths.of_limit(f"Traceback\n{last}\n", COMMAND, disk=6, processes=7) == f"Traceback\n{last}\n"
