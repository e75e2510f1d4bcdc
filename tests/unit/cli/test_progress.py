"""Progress goes to stderr: a line that changes on a terminal, a line for every hundred steps else."""

from __future__ import annotations

import io
import sys

import pytest

from casemirror.cli import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_one_line_that_is_gone_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with progress.shown("looking at snow\x1b") as tell:
        tell(99, 100)
        tell(7, 9)
    assert screen.getvalue() == (
        "\rlooking at snow\ufffd: 99 of 100\rlooking at snow\ufffd: 7 of 9   \r" + " " * 24 + "\r"
    )


def test_a_file_gets_a_line_for_every_hundred_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    monkeypatch.setattr(sys, "stderr", file)
    with progress.shown("looking") as tell:
        for step in range(251):
            tell(step, 250)
    assert file.getvalue() == "looking: 100 of 250\nlooking: 200 of 250\n"
