"""A new integration: its names, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from casemirror.actions import scaffold
from casemirror.actions.contract import subject
from casemirror.model.errors import Conflict, Invalid


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("AcmeTickets", "Acme Tickets"),
        ("Acme", "Acme"),
        ("Jira2", "Jira2"),
        ("OTRSMirror", "OTRSMirror"),
        ("V2Api", "V2 Api"),
    ],
)
def test_a_name_is_read_as_words(name: str, title: str) -> None:
    assert scaffold.title_of(name) == title


@pytest.mark.parametrize(
    "name", ["", "acme", "Acme Tickets", "Acme-Tickets", "../Acme", "9Lives", "Ácme", "None", "MyApiModule", "A" * 61]
)
def test_a_name_that_will_not_do_is_refused_in_words(name: str, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="name"):
        scaffold.create(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_never_overwritten(tmp_path: Path) -> None:
    kept = tmp_path / "Acme" / "mine.txt"
    kept.parent.mkdir()
    kept.write_text("mine")
    with pytest.raises(Conflict, match="is there already"):
        scaffold.create("Acme", tmp_path)
    assert [path.name for path in kept.parent.iterdir()] == ["mine.txt"]


def test_nothing_of_the_template_s_name_is_left(tmp_path: Path) -> None:
    made = scaffold.create("AcmeTickets", tmp_path / "deep")
    texts = [name + (made.folder / name).read_text() for name in made.files]
    assert made.integration == "Acme Tickets" and len(made.files) == 13
    for text in texts:
        assert "newintegration" not in text.lower().replace(" ", "").replace("_", "")
    found = subject.read(made.folder)
    assert found.integration.id == "Acme Tickets" and not found.pack.problems
    assert found.mapper_in and found.mapper_out and found.classifier
