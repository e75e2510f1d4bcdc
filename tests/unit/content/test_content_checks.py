"""What is odd about content files: told by file and JSON path, with what was expected; the rest is loaded."""

import json

import pytest

from casemirror.content.checks import oddities
from casemirror.content.loading import load

GOOD = {"complex": {"root": "a", "filters": [], "transformers": [{"operator": "trim", "args": {}}]}}


def mapper(rule, key="Note"):
    return {"id": "m", "mapping": {"T 1": {"internalMapping": {key: rule}}}}


ODD = [
    ("mapper-in", {"mapping": []}, "mapping", "a section for each incident type"),
    ("mapper-in", {"mapping": {"T": "x"}}, "mapping.T", "found a text"),
    ("mapper-in", {"mapping": {"T": {"internalMapping": []}}}, "mapping.T.internalMapping", "found a list"),
    ("mapper-in", mapper("path"), 'mapping["T 1"].internalMapping.Note', "found a text"),
    ("mapper-in", mapper({"simple": []}, "A b"), 'mapping["T 1"].internalMapping["A b"].simple', "expected a text"),
    ("mapper-out", mapper({"complex": "x"}), 'mapping["T 1"].internalMapping.Note.complex', "or null"),
    ("mapper-out", mapper({"complex": {"root": 1}}), 'mapping["T 1"].internalMapping.Note.complex.root', "a path"),
    ("mapper-in", mapper({"complex": {"filters": {}}}), 'mapping["T 1"].internalMapping.Note.complex.filters', "a list"),
    ("mapper-in", mapper({"complex": {"filters": [1]}}), 'mapping["T 1"].internalMapping.Note.complex.filters[0]', "a list"),
    ("mapper-in", mapper({"complex": {"filters": [[{"operator": " "}]]}}), 'mapping["T 1"].internalMapping.Note.complex.filters[0][0].operator', "name of an operator"),
    ("mapper-in", mapper({"complex": {"transformers": ["x"]}}), 'mapping["T 1"].internalMapping.Note.complex.transformers[0]', "with an operator"),
    ("mapper-in", mapper({"complex": {"transformers": [{"operator": "x", "args": []}]}}), 'mapping["T 1"].internalMapping.Note.complex.transformers[0].args', "an object"),
    ("mapper-in", mapper({"complex": {"transformers": [{"operator": "x", "args": {"y": 1}}]}}), 'mapping["T 1"].internalMapping.Note.complex.transformers[0].args.y', "found a number"),
    ("classifier", {"transformer": True}, "transformer", "found a boolean"),
    ("classifier", {"keyTypeMap": {"a b": 1}}, 'keyTypeMap["a b"]', "name of an incident type"),
    ("classifier", {"keyTypeMap": [1]}, "keyTypeMap", "an object"),
    ("incidentfield", {"cliName": "a-b", "type": "shortText"}, "cliName", "letters and digits"),
    ("incidentfield", {"cliName": "a", "type": "colour"}, "type", "none of shortText"),
    ("incidentfield", {"cliName": "a", "type": "grid"}, "columns", "needs columns"),
    ("incidentfield", {"cliName": "a", "type": "grid", "columns": [{"key": "k"}, {"x": 1}]}, "columns[1].key", "key of the column"),
    ("incidentfield", {"cliName": "a", "type": "singleSelect", "selectValues": "x,y"}, "selectValues", "found a text"),
    ("incidentfield", {"cliName": "größe"}, "cliName", "a to z"),
    ("incidentfield", {"cliName": 7}, "cliName", "expected a text, found a number"),
    ("incidentfield", {"cliName": "a", "name": {}}, "name", "expected a text, found an object"),
    ("incidentfield", {"cliName": "a", "selectValues": ["x", None, {}]}, "selectValues[2]", "expected a text, found an object"),
    ("incidentfield", {"cliName": "a", "associatedTypes": "T"}, "associatedTypes", "a list"),
    ("incidentfield", {"cliName": "a", "type": "grid", "columns": [1]}, "columns[0]", "found a number"),
    ("incidentfield", {"cliName": "a", "type": "grid", "columns": [{"key": "k", "type": "grid"}]}, "columns[0].type", "'grid' is none of"),
    ("incidentfield", {"cliName": "a", "type": "grid", "columns": [{"key": "k", "selectValues": [[]]}]}, "columns[0].selectValues[0]", "a text"),
    ("incidenttype", {"color": 7}, "color", "expected a text"),
    ("integration", {"script": "x"}, "script", "an object, found a text"),
    ("integration", {"script": {}, "defaultmapperin": ["m"]}, "defaultmapperin", "id or a name"),
    ("integration", {"script": {}, "configuration": {"a": 1}}, "configuration", "a list"),
    ("integration", {"script": {}, "configuration": [{"type": 0}]}, "configuration[0].name", "name of the parameter"),
    ("integration", {"script": {}, "configuration": [{"name": "url", "type": "text"}]}, "configuration[0].type", "found 'text'"),
    ("integration", {"script": {"isfetch": "perhaps"}}, "script.isfetch", "true or false, found 'perhaps'"),
    ("integration", {"script": {"commands": [{"name": "a"}, {}]}}, "script.commands[1].name", "name of the command"),
    ("integration", {"script": {"commands": ["a"]}}, "script.commands[0]", "found a text"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "body", "path", "expected"), ODD)
def test_an_oddity_is_told_by_its_path(kind, body, path, expected):
    """content.md §3.2, §5.1, §5.5."""
    [(found, text)] = oddities(kind, body)
    assert found == path
    assert expected in text


@pytest.mark.parametrize("kind", ["mapper-in", "mapper-out", "classifier", "incidentfield", "incidenttype", "script"])
def test_a_good_body_is_not_odd(kind):
    """What exports of the product hold: null for what is not there."""
    body = {
        "transformer": {"simple": "a", "complex": None},
        "keyTypeMap": {"a": "T"},
        "cliName": "a",
        "type": "shortText",
    }
    assert oddities(kind, {**body, **mapper(GOOD), "columns": None, "color": "#fff"}) == ()


def test_no_depth_makes_it_fail():
    """Operands may be complex themselves."""
    rule = {"complex": {"root": "a"}}
    for _ in range(50):
        rule = {"complex": {"root": "a", "transformers": [{"operator": "x", "args": {"y": {"value": rule}}}]}}
    assert oddities("mapper-in", mapper(rule)) == ()


def test_the_file_and_the_path_are_named_and_the_rest_is_loaded(tmp_path):
    """A pack with one broken and one odd file."""
    folder = tmp_path / "P" / "IncidentFields"
    folder.mkdir(parents=True)
    fields = [
        {"cliName": "good", "name": "Good", "type": "number"},
        {"cliName": "odd", "name": "Odd", "type": "colour"},
    ]
    (folder / "fields.json").write_text(json.dumps(fields))
    (folder / "broken.json").write_text('{"cliName": "x",\n  oops}')
    [pack] = load(tmp_path / "P")
    assert [item.name for item in pack.items] == ["Good", "Odd"]
    told = [str(problem) for problem in pack.problems]
    assert any(t.startswith("IncidentFields/broken.json (line 2, column 3): ") for t in told)
    assert any(t.startswith("IncidentFields/fields.json ([1].type): 'colour' is none of") for t in told)


def test_one_item_of_a_list_that_is_none_does_not_take_the_others_along(tmp_path):
    """Each has its own problem, with its path in an export as well as in a bare list."""
    folder = tmp_path / "P" / "IncidentFields"
    folder.mkdir(parents=True)
    good, none = {"cliName": "good", "name": "Good"}, {"cliName": "", "name": ""}
    odd = {"cliName": "odd", "name": "Odd", "type": "grid", "columns": [{"key": "a"}, {}]}
    (folder / "export.json").write_text(json.dumps({"incidentFields": [none, good, odd]}))
    (folder / "list.json").write_text(json.dumps([none, {**good, "cliName": "better", "name": "Better"}]))
    [pack] = load(tmp_path / "P")
    assert [item.name for item in pack.items] == ["Good", "Odd", "Better"]
    assert [str(problem).partition(": ")[0] for problem in pack.problems] == [
        "IncidentFields/export.json (incidentFields[0])",
        "IncidentFields/export.json (incidentFields[2].columns[1].key)",
        "IncidentFields/list.json ([0])",
    ]
