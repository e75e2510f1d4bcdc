"""What authors give on the command line: a remote by its name or file, parameters and secrets of an instance."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from casemirror.actions import scaffold
from casemirror.actions.contract import remote, subject
from casemirror.actions.contract.remote import Remote
from casemirror.actions.contract.subject import Subject
from casemirror.cli import simulated
from casemirror.cli.authoring import Given
from casemirror.model.errors import Invalid, NotFound


@pytest.fixture
def acme(tmp_path: Path) -> Subject:
    return subject.read(scaffold.create("Acme", tmp_path).folder)


def given(**said: Any) -> Given:
    return Given(**{"there": None, "param": None, "params_file": None, "secret": None, **said})


def test_each_source_lies_over_the_one_before(acme: Subject, tmp_path: Path) -> None:
    params = {"url": "http://there", "max_fetch": "1", "credentials.password": "s", "of another": "x"}
    there = cast(Remote, SimpleNamespace(params=params))
    file = tmp_path / "params.yml"
    file.write_text("max_fetch: 2\nfirst_fetch: 1 day\n")
    opened, hidden = given(there=there, params_file=file, param=["first_fetch=2 days"]).for_(acme)
    assert opened == {"url": "http://there", "max_fetch": 2, "first_fetch": "2 days"}
    assert hidden == {"credentials.password": "s"}


def test_a_choice_of_directions_is_said_in_the_integration_s_words(acme: Subject) -> None:
    there = cast(Remote, SimpleNamespace(params={"mirror_direction": "Both"}))
    assert given(there=there).for_(acme)[0] == {"mirror_direction": "Incoming And Outgoing"}


def test_a_secret_is_never_taken_from_the_command_line_and_asked_for_once(
    acme: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Invalid, match="--secret credentials.password"):
        given(param=["credentials.password=x"]).for_(acme)
    monkeypatch.setattr("sys.stdin", io.StringIO("typed\n"))
    said = given(secret=["credentials"])
    assert said.for_(acme)[1] == said.for_(acme)[1] == {"credentials.password": "typed"}


@pytest.mark.parametrize(
    ("text", "words"), [("- a\n", "name: value"), ("a: [", "cannot be read"), (None, "cannot be read")]
)
def test_a_file_of_parameters_that_is_none_is_told(acme: Subject, tmp_path: Path, text: str | None, words: str) -> None:
    file = tmp_path / "params.yml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(Invalid, match=words):
        given(params_file=file).for_(acme)


@pytest.mark.parametrize(
    ("text", "words"), [("x = 1\n", r"has no function simulator\(\)"), ("1/0\n", "cannot be loaded: ZeroDivisionError")]
)
def test_a_file_that_brings_no_simulator_is_told(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "there.py").write_text(text)
    with pytest.raises(Invalid, match=words):
        simulated.opened(str(tmp_path / "there.py"))


def test_a_simulator_that_nobody_knows_is_told_with_those_there_are() -> None:
    with pytest.raises(NotFound, match="no simulator 'acme'; there are cortexxdr, jira, roundup, servicenow"):
        simulated.opened("acme")
    with pytest.raises(NotFound, match="no such file"):
        simulated.opened("acme.py")


@pytest.mark.parametrize("name", ["cortexxdr", "jira", "servicenow"])
def test_each_simulator_is_a_remote_that_people_can_use(name: str) -> None:
    """What it can at all it can really: a ticket's day, as people see it there."""
    with simulated.opened(name) as there:
        made = there.create("First")
        there.change(made, "Second")
        assert there.title(made) == "Second" and there.comments(made) == [] and not there.is_closed(made)
        if remote.can(there, "comment"):
            there.comment(made, "Said")
            assert there.comments(made) == ["Said"]
        if remote.can(there, "attach"):
            there.attach(made, "a.bin", b"\x00\xff")
            assert dict(there.files(made)) == {"a.bin": b"\x00\xff"}
        there.close(made)
        assert there.is_closed(made)
        there.reopen(made)
        assert not there.is_closed(made)
        for switch in (there.limit, there.fail):
            switch(True)
            switch(False)
        there.delete(made)
        with pytest.raises(Exception, match=r".*"):
            there.comment(made, "Too late") if remote.can(there, "comment") else there.title(made)
