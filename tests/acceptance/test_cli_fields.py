"""Fields and types of one's own, editing, searching and closing by them, as people type it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import casemirror
from support.cli import Program

PACK = Path(casemirror.__file__).parent / "packs" / "CasemirrorServiceNow"


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """A home folder with one pack."""
    made = Program(tmp_path / "home")
    made.good("pack", "add", PACK)
    return made


def test_a_field_is_added_used_searched_and_removed(program: Program, tmp_path: Path) -> None:
    """content.md §5.1, §5.2."""
    assert "Risk score (riskscore)" in program.good("field", "add", "--name", "Risk score", "--kind", "number").out
    grid = {"cliName": "hosts", "name": "Hosts", "type": "grid", "associatedToAll": True, "columns": [{"key": "ip"}]}
    (tmp_path / "fields.json").write_text(json.dumps({"incidentFields": [grid]}))
    program.good("field", "add", tmp_path / "fields.json")
    assert {"Risk score", "Hosts", "Snow State"} <= {f["name"] for f in program.good("field", "list", "--json").json}
    assert "Snow State" not in program.good("field", "list", "--type", "Unclassified").out
    shown = program.good("field", "show", "riskscore", "--json").json
    assert (shown["type"], shown["pack"], shown["types"]) == ("number", "local", "all")
    assert "Hosts" in program.good("field", "show", "Hosts").out

    program.good("incident", "create", "Printer on fire", "Risk score=7", 'hosts=[{"ip": "10.0.0.1"}]')
    program.good("incident", "create", "Quiet")
    for where, found in ((["Risk score>=7"], [1]), (["riskscore="], [2]), (["hosts~10.0", "name~PRINTER"], [1])):
        words = [word for text in where for word in ("--where", text)]
        assert [i["id"] for i in program.good("incident", "list", *words, "--json").json] == [str(n) for n in found]
    assert "did you mean Risk score" in program.refused("incident", "list", "--where", "Risk scor=1")
    assert "no column 'name'; there are ip" in program.refused("incident", "edit", "1", 'Hosts=[{"name": "x"}]')

    assert "used by 1 incident" in program.refused("field", "remove", "Risk score")
    program.good("field", "remove", "Risk score", "--force")
    assert "comes with the pack CasemirrorServiceNow" in program.refused("field", "remove", "Snow State")
    assert "did you mean hosts" in program.refused("field", "show", "Hostz")


def test_refused_fields_say_where_and_why(program: Program, tmp_path: Path) -> None:
    """File, JSON path, what was expected; nothing is added."""
    file = tmp_path / "fields.json"
    good = {"cliName": "good", "name": "Good", "type": "number"}
    bad = {"cliName": "bad", "name": "Bad", "type": "grid", "columns": [{"type": "number"}]}
    file.write_text(json.dumps({"incidentFields": [good, bad]}))
    assert "fields.json (incidentFields[1].columns[0].key): expected the key" in program.refused("field", "add", file)
    file.write_text('{"cliName": "x",\n  oops}')
    assert "fields.json (line 2, column 3)" in program.refused("field", "add", file)
    assert "give files, or" in program.refused("field", "add")
    assert "none of shortText" in program.refused("field", "add", "--name", "x", "--kind", "colour")
    assert "there is a field 'Snow State'" in program.refused("field", "add", "--name", "Snow State")
    assert "no incident field 'good'" in program.refused("field", "show", "good")


def test_a_type_is_added_shown_and_closed_by(program: Program, tmp_path: Path) -> None:
    """content.md §5.5, §5.6."""
    program.good("type", "add", "--name", "Lost laptop")
    cause = {"cliName": "rootcause", "name": "Root cause", "type": "shortText", "closeForm": True, "required": True}
    (tmp_path / "cause.json").write_text(json.dumps({**cause, "associatedTypes": ["Lost laptop"]}))
    program.good("field", "add", tmp_path / "cause.json")
    shown = program.good("type", "show", "Lost laptop", "--json").json
    assert ("Root cause" in shown["closeForm"], "Root cause" in shown["neededToClose"]) == (True, True)
    assert "Root cause" in program.good("type", "show", "Lost laptop").out
    assert "Lost laptop" in program.good("type", "list").out
    assert "Lost laptop" in {t["name"] for t in program.good("type", "list", "--json").json}
    assert "did you mean Lost laptop" in program.refused("type", "show", "Lost laptops")

    program.good("incident", "create", "Mine", "--type", "Lost laptop")
    assert "config set incident.closereasons" in program.refused("incident", "close", "1", "--reason", "Bored")
    assert "first give Root cause" in program.refused("incident", "close", "1", "--reason", "resolved")
    program.good("incident", "edit", "1", "Root cause=left on the train")
    closed = program.good("incident", "close", "1", "--reason", "resolved", "--json").json
    assert (closed["status"], closed["closeReason"]) == (2, "Resolved")
    program.good("config", "set", "incident.closereasons", "Resolved, Bored")
    program.good("incident", "close", "1", "--reason", "bored")

    assert "used by 1 incident" in program.refused("type", "remove", "Lost laptop")
    program.good("type", "remove", "Lost laptop", "--force")
    assert "Lost laptop" not in program.good("type", "list").out
