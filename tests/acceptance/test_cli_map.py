"""MAP-001…MAP-102 through the command: the tables of `support/mapping_cases.py`, each case a mapper file of its own.

Nearly all runs happen in this process; they share one home with a small pack and an instance.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from casemirror.cli.main import app
from support import mapping_cases as cases
from support.cli import Program
from support.content_pack import write
from support.mapping_cases import BRAND, CALL, INSTANCE, TYPE, chain, condition, selected

SCHEMA = {"Call": {"state": "of the call", "title": "of the call", "ship": {"name": "text", "no": "int"}}}
INTEGRATION = f"""\
commonfields: {{id: {BRAND}, version: -1}}
name: {BRAND}
display: Harbour Office
category: Case Management
configuration:
- {{name: book, display: File with the calls, type: 0, required: true}}
- {{name: isFetch, display: Fetch, type: 8, defaultvalue: 'true'}}
- {{name: incidentType, display: Incident type, type: 13}}
- {{name: broken, display: Has no schema, type: 8}}
script:
  script: '-'
  type: python
  subtype: python3
  dockerimage: demisto/python3:3.10
  isfetch: true
  ismappable: true
  isremotesyncin: true
  isremotesyncout: true
"""
CODE = f"""\
import json
from pathlib import Path
import demistomock as demisto
from CommonServerPython import *

def main():
    command, book = demisto.command(), Path(demisto.params()["book"])
    if command == "get-mapping-fields":
        if demisto.params().get("broken"):
            return return_error("the office is closed")
        return demisto.results({SCHEMA!r})
    if command == "fetch-incidents":
        if not demisto.getLastRun():
            call = json.loads(book.read_text())
            demisto.incidents([{{"name": "a call", "rawJSON": json.dumps(call)}}])
        return demisto.setLastRun({{"seen": True}})
    if command == "get-modified-remote-data":
        return return_results(GetModifiedRemoteDataResponse(["31"]))
    if command == "get-remote-data":
        return return_results(GetRemoteDataResponse(json.loads(book.read_text()), []))
    if command == "update-remote-system":
        sent = UpdateRemoteSystemArgs(demisto.args())
        book.with_suffix(".sent").write_text(json.dumps(sent.delta))
        return return_results(sent.remote_incident_id)
    return return_results("ok")

main()
"""
MIRRORED = {
    "dbotMirrorId": "id",
    "dbotMirrorInstance": f'"{INSTANCE}"',
    "dbotMirrorDirection": '"Both"',
}
"""What a mapper must set so that its incidents are mirrored."""
INSTALLED_IN = {
    "id": "harbour-in",
    "name": "Harbour - Incoming",
    "type": "mapping-incoming",
    "mapping": cases.mapping_of(
        {TYPE: {**MIRRORED, "name": "title", "Berth State": "state", "Remark": "r", "severity": "risk"}}
    ),
}


def pack(folder: Path, name: str, *bodies: dict[str, Any], **files: str) -> Path:
    """A pack folder with mappers and classifiers, and more files."""
    written = {f"Classifiers/file-{number}.json": json.dumps(body) for number, body in enumerate(bodies)}
    metadata = json.dumps({"name": name, "currentVersion": "1.0.0"})
    return write(folder / name, {"pack_metadata.json": metadata, **written, **files})


def fields_pack(folder: Path) -> Path:
    """The fields of the cases, one incident type, the integration, its incoming mapper, a v1 item."""
    files = {
        f"IncidentFields/{body['cliName']}.json": json.dumps(body) for body in cases.field_bodies()
    } | {
        "IncidentTypes/call.json": json.dumps({"id": TYPE, "name": TYPE, "color": "#fff"}),
        "Integrations/Office/Office.yml": INTEGRATION,
        "Integrations/Office/Office.py": CODE,
    }  # fmt: skip
    return pack(folder, "Harbour", INSTALLED_IN, cases.LEGACY, **files)


class Desk:
    """The command on one home, in this process."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home, self.book = folder, folder / "home", folder / "book.json"
        self._runner = CliRunner()
        self.book.write_text("{}")
        self.good("pack", "add", fields_pack(folder / "packs"))
        self.good("instance", "add", INSTANCE, "-i", BRAND, "-p", f"book={self.book}", "--disabled")

    def run(self, *words: Any, stdin: str = "") -> Result:
        """Run one command to its end."""
        environment = {"CASEMIRROR_HOME": str(self.home), "COLUMNS": "200"}
        return self._runner.invoke(app, [str(word) for word in words], input=stdin, env=environment)

    def good(self, *words: Any, stdin: str = "") -> str:
        """What a command prints that must succeed."""
        ran = self.run(*words, stdin=stdin)
        assert ran.exit_code == 0, ran.output
        return ran.stdout

    def json(self, *words: Any, stdin: str = "") -> Any:
        """What a command answers as JSON."""
        return json.loads(self.good(*words, "--json", stdin=stdin))

    def refused(self, *words: Any, stdin: str = "") -> str:
        """The one line of a command that cannot be done as asked."""
        ran = self.run(*words, stdin=stdin)
        assert ran.exit_code == 2, ran.output
        (line,) = ran.stderr.strip().splitlines()
        return line


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("map"))


def table(names: Any, rows: list[Any]) -> pytest.MarkDecorator:
    """A parametrization whose ids are the statements."""
    return pytest.mark.parametrize(names, [row[1:] for row in rows], ids=[row[0] for row in rows])


def dump(path: Path, value: Any) -> Path:
    """A JSON file."""
    path.write_text(json.dumps(value))
    return path


def mapper(folder: Path, sections: dict[str, Any], kind: str = "incoming") -> Path:
    """A mapper file."""
    body = {"id": "tried", "type": f"mapping-{kind}", "mapping": cases.mapping_of(sections)}
    return dump(folder / "mapper.json", body)


class TestStatements:
    """Each case of the tables."""

    @table(("expression", "source", "result"), cases.EXPRESSIONS)
    def test_an_expression_gives_its_value(self, expression, source, result, desk, tmp_path):
        """MAP-001…062: a field of type `internal` shows any JSON."""
        file = mapper(tmp_path, {TYPE: {"Anything": expression}})
        tried = desk.json("map", "-", "--mapper", file, stdin=json.dumps(source))
        assert tried["fields"] == ({} if result is None else {"anything": result})
        assert result is None or type(tried["fields"]["anything"]) is type(result)
        assert tried["warnings"] == []

    @table(("expression", "source", "operator", "expected"), cases.FAILING)
    def test_a_failing_operator_costs_its_field_only(self, expression, source, operator, expected, desk, tmp_path):
        """MAP-063, MAP-078."""
        file = mapper(tmp_path, {TYPE: {"Remark": expression, "name": '"Aurora"'}})
        tried = desk.json("map", dump(tmp_path / "in.json", source), "--mapper", file)
        assert (tried["mapper"], tried["fields"]) == ("tried", {"name": "Aurora"})
        (warning,) = tried["warnings"]
        found = (warning["type"], warning["field"], warning["operator"], warning["expected"])
        assert found == (TYPE, "Remark", operator, expected)

    @table(("body", "event", "of_instance", "of_integration", "result"), cases.CLASSIFIED)
    def test_an_event_gets_its_type(self, body, event, of_instance, of_integration, result, desk, tmp_path):
        """MAP-064…069: the object is a fetched incident, the instance has an incident type."""
        sections = {"Raft Call": {"name": "x"}, "Tug Call": {"name": "x"}}
        words: list[Any] = ["--mapper", mapper(tmp_path, sections)]
        if body:
            words += ["--classifier", dump(tmp_path / "classifier.json", {"id": "c", "type": "classification", **body})]
        fetched = {"name": "a call", "type": of_integration, "rawJSON": json.dumps(event)}
        desk.good("instance", "update", INSTANCE, "-p", f"incidentType={of_instance}")
        tried = desk.json("map", dump(tmp_path / "in.json", fetched), "--instance", INSTANCE, *words)
        desk.good("instance", "update", INSTANCE, "-p", "incidentType=")
        assert tried["type"] == result

    @table(("sections", "event", "expected"), cases.INCOMING)
    def test_an_event_is_mapped_in(self, sections, event, expected, desk, tmp_path):
        """MAP-070…084, MAP-100, MAP-101."""
        words = ["--mapper", mapper(tmp_path, sections), "--instance", INSTANCE, "--type", expected.get("type", TYPE)]
        tried = desk.json("map", dump(tmp_path / "in.json", event), *words)
        assert (tried["fields"], tried["mirror"]) == (expected["fields"], expected.get("mirror", {}))
        assert [warning["field"] for warning in tried["warnings"]] == expected.get("warned", [])
        if "labels" in expected:
            assert tried["labels"] == expected["labels"]

    @table(("sections", "beside", "changed", "data", "delta"), cases.OUTGOING)
    def test_an_incident_is_mapped_out(self, sections, beside, changed, data, delta, desk, tmp_path):
        """MAP-085…091, MAP-093, MAP-094."""
        words = [word for name in changed for word in ("--changed", name)]
        incident = dump(tmp_path / "in.json", {**CALL, **beside})
        tried = desk.json("map", incident, "--mapper", mapper(tmp_path, sections, "outgoing"), *words)
        assert (tried["data"], tried["delta"], tried["warnings"]) == (data, delta, [])

    @table(("kind", "sections", "source", "incident_type", "result"), cases.OBJECTS)
    def test_an_object_is_mapped_flat(self, kind, sections, source, incident_type, result, desk, tmp_path):
        """MAP-099: what an integration is given, `casemirror map` shows."""
        file = mapper(tmp_path, sections, "incoming" if kind == "mapper-in" else "outgoing")
        tried = desk.json("map", dump(tmp_path / "in.json", source), "--mapper", file, "--type", incident_type)
        assert tried["fields" if kind == "mapper-in" else "data"] == result


class TestInstalled:
    """What packs bring, and what the commands that install and list them show."""

    @table(("body", "expected"), cases.KINDS)
    def test_the_kind_of_an_item_is_told_by_its_content(self, body, expected, desk, tmp_path):
        """MAP-095: also with a file that is none beside it."""
        field = {"IncidentFields/x.json": json.dumps(cases.field_bodies()[0])}
        with other_home(desk, tmp_path):
            (added,) = desk.json("pack", "add", pack(tmp_path, "Kinds", body, **field))
        assert added["items"] == {"incidentfield": 1, **dict.fromkeys(expected, 1)}

    @table(("bounds", "is_loaded"), cases.BOUNDS)
    def test_only_items_for_this_server_are_loaded(self, bounds, is_loaded, desk, tmp_path):
        """MAP-096."""
        always = {**cases.REFERRED[1], "fromVersion": "6.0.0"}
        with other_home(desk, tmp_path):
            desk.good("pack", "add", pack(tmp_path, "Bounds", always, {**cases.REFERRED[0], **bounds}))
            listed = desk.json("mapper", "list")
        assert ("decoy" in [each["id"] for each in listed]) is is_loaded

    @table(("reference", "expected"), cases.REFERENCES)
    def test_a_default_reference_is_an_id_before_it_is_a_name(self, reference, expected, desk, tmp_path):
        """MAP-097: a new instance gets the mapper that its integration names, or none."""
        files = {
            "Integrations/Office/Office.yml": f"defaultmapperin: '{reference}'\n{INTEGRATION}",
            "Integrations/Office/Office.py": CODE,
        }
        with other_home(desk, tmp_path):
            desk.good("pack", "add", pack(tmp_path, "References", *cases.REFERRED, **files))
            desk.good("instance", "add", "x", "-i", BRAND, "-p", "book=b", "--disabled")
            event, shown = dump(tmp_path / "in.json", {"a": 1}), desk.json("instance", "show", "x")
            ran = desk.run("map", event, "--instance", "x", "--json")
        assert shown["mapperIn"] == expected
        assert (json.loads(ran.stdout)["mapper"] if ran.exit_code == 0 else "") == expected

    def test_a_legacy_item_is_a_classifier_and_a_mapper(self, desk, tmp_path):
        """MAP-098: both halves work by the one id."""
        event = dump(tmp_path / "in.json", {"kind": "tanker", "cargo": "oil"})
        tried = desk.json("map", event, "--mapper", "harbour-v1", "--classifier", "harbour-v1")
        assert (tried["type"], tried["fields"]) == ("Tanker Call", {"remark": "oil"})
        listed = {each["id"]: each for each in desk.json("mapper", "list")}
        assert listed["harbour-v1"] == {
            "id": "harbour-v1",
            "name": BRAND,
            "direction": "incoming",
            "types": ["Tanker Call"],
        }
        assert "Tanker Call" in desk.good("mapper", "list")

    def test_sections_of_absent_types_are_loaded(self, desk, tmp_path):
        """MAP-100: no error; what the section refers to is told."""
        body = {
            "id": "raft",
            "type": "mapping-incoming",
            "mapping": cases.mapping_of({"Raft Call": {"Remark": "r"}}),
        }
        with other_home(desk, tmp_path):
            desk.good("pack", "add", fields_pack(tmp_path / "f"))
            (added,) = desk.json("pack", "add", pack(tmp_path, "Rafts", body))
            listed = {each["id"]: each["types"] for each in desk.json("mapper", "list")}
        (warning,) = added["warnings"]
        assert "'Raft Call', which is not installed" in warning
        assert listed["raft"] == ["Raft Call"]

    def test_the_schema_of_the_remote_is_shown(self, desk):
        """MAP-102: by remote type, as the integration tells it."""
        assert desk.json("schema", INSTANCE) == SCHEMA
        shown = desk.good("schema", INSTANCE)
        assert all(word in shown for word in ("Call", "state", "title"))

    def test_mirroring_uses_the_same_mapper_in_and_local_names_out(self, desk, tmp_path):
        """MAP-101: what a pull does not tell stays. MAP-092: without an outgoing mapper, `delta` has local names."""
        book = dump(tmp_path / "calls.json", {"id": "31", "title": "Aurora", "state": "moored", "r": "late", "risk": 1})
        words = ["-p", f"book={book}", "--mapper-in", "harbour-in", "-p", f"incidentType={TYPE}"]
        with other_home(desk, tmp_path):
            desk.good("config", "set", "runtime.user", str(os.geteuid()))
            desk.good("config", "set", "runtime.write", str(tmp_path))  # the integration's remote is a file there
            desk.good("pack", "add", fields_pack(tmp_path / "f"))
            desk.good("instance", "add", INSTANCE, "-i", BRAND, *words)
            desk.good("instance", "fetch", INSTANCE)
            dump(book, {"id": "31", "state": "left", "r": None})
            desk.good("instance", "mirror", INSTANCE)
            incident = desk.json("incident", "show", 1)
            desk.good("incident", "edit", 1, "Berth State=moored", "severity=high")
            desk.good("instance", "mirror", INSTANCE)
        assert (incident["name"], incident["severity"]) == ("Aurora", 1)
        assert {"berthstate": "left", "remark": "late"}.items() <= incident["CustomFields"].items()
        _, _, delta = cases.UNMAPPED
        assert json.loads(book.with_suffix(".sent").read_text()) == delta


@contextmanager
def other_home(desk: Desk, folder: Path) -> Iterator[None]:
    """A home that is empty, for as long as it lasts."""
    before, desk.home = desk.home, folder / "other-home"
    try:
        yield
    finally:
        desk.home = before


class TestInput:
    """What `casemirror map` takes, and what it refuses."""

    def test_a_real_process_maps_as_well(self, desk, tmp_path):
        """MAP-070, MAP-101: the program as people call it."""
        event = dump(tmp_path / "in.json", {"id": "31", "title": "Aurora", "state": "moored"})
        tried = Program(desk.home).good("map", event, "--mapper", "Harbour - Incoming", "--json").json
        assert tried["fields"] == {"name": "Aurora", "berthstate": "moored"}
        assert tried["mirror"] == {"dbotMirrorId": "31", "dbotMirrorInstance": INSTANCE, "dbotMirrorDirection": "Both"}

    def test_a_list_is_mapped_one_by_one(self, desk, tmp_path):
        events = dump(tmp_path / "in.json", [{"title": "Aurora"}, {"title": "Beluga"}])
        tried = desk.json("map", events, "--mapper", "harbour-in")
        assert [each["fields"]["name"] for each in tried] == ["Aurora", "Beluga"]
        shown = desk.good("map", events, "--mapper", "harbour-in")
        assert "Aurora" in shown and "Beluga" in shown

    def test_a_fetched_incident_is_its_raw_json(self, desk):
        fetched = {"name": "by the integration", "title": "no", "rawJSON": json.dumps({"title": "Aurora"})}
        tried = desk.json("map", "-", "--mapper", "harbour-in", stdin=json.dumps(fetched))
        assert tried["fields"] == {"name": "Aurora"}
        plain = desk.json("map", "-", "--mapper", "harbour-in", stdin=json.dumps({"title": "x", "rawJSON": "no JSON"}))
        assert plain["fields"] == {"name": "x"}

    def test_the_instance_names_the_mapper(self, desk, tmp_path):
        event = dump(tmp_path / "in.json", {"title": "Aurora"})
        assert "name a mapper" in desk.refused("map", event)
        assert "name a mapper" in desk.refused("map", event, "--instance", INSTANCE)
        assert "nobody" in desk.refused("map", event, "--instance", "nobody")

    def test_a_pack_can_be_used_without_being_installed(self, desk, tmp_path):
        field = {"id": "incident_pilot", "name": "Pilot", "cliName": "pilot", "type": "shortText"}
        extra = pack(tmp_path, "Pilots", **{"IncidentFields/pilot.json": json.dumps(field)})
        words = ["map", "-", "--mapper", mapper(tmp_path, {TYPE: {"Pilot": "p"}})]
        assert desk.json(*words, "--pack", extra, stdin='{"p": "Ida"}')["fields"] == {"pilot": "Ida"}
        assert desk.json(*words, stdin='{"p": "Ida"}')["fields"] == {}

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ('{\n "a": 1,\n "b" 2\n}', "line 3, column 6"),
            ("", "line 1, column 1"),
            ("[" * 100_000, "nested too deeply"),
            ("3", "the input is no JSON object"),
            ("[]", "the input is no JSON object"),
            ('[{"a": 1}, 2]', "item 1 of the list is no JSON object"),
        ],
    )
    def test_what_is_no_object_is_refused(self, text, message, desk, tmp_path):
        assert message in desk.refused("map", "-", "--mapper", "harbour-in", stdin=text)
        (tmp_path / "in.json").write_text(text)
        assert message in desk.refused("map", tmp_path / "in.json", "--mapper", "harbour-in")

    def test_a_file_that_cannot_be_read_is_named(self, desk, tmp_path):
        assert "gone.json" in desk.refused("map", tmp_path / "gone.json", "--mapper", "harbour-in")
        (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
        assert "it is no text" in desk.refused("map", tmp_path / "bytes.json", "--mapper", "harbour-in")

    def test_unknown_names_are_refused_with_near_ones(self, desk, tmp_path):
        event = dump(tmp_path / "in.json", {})
        assert "did you mean harbour-in" in desk.refused("map", event, "--mapper", "harbour - inc")
        assert "did you mean" not in desk.refused("map", event, "--mapper", "quay")
        assert "no classifier 'quay'" in desk.refused("map", event, "--mapper", "harbour-in", "--classifier", "quay")

    def test_a_file_without_a_mapper_is_refused(self, desk, tmp_path):
        file = dump(tmp_path / "c.json", {"id": "c", **cases.SHIP_KINDS})
        assert "holds no mapper-in or mapper-out" in desk.refused("map", "-", "--mapper", file, stdin="{}")

    def test_changed_fields_belong_to_outgoing_mappers(self, desk, tmp_path):
        assert "incoming" in desk.refused("map", "-", "--mapper", "harbour-in", "--changed", "x", stdin="{}")
        file = mapper(tmp_path, {TYPE: {"state": "berthstate", "title": "name"}}, "outgoing")
        words = ["map", "-", "--mapper", file, "--changed", "berthstate"]
        shown = desk.good(*words, stdin=json.dumps(CALL))
        rows = [line.split() for line in shown.splitlines()]
        assert ["state", '"moored"', "yes"] in rows
        assert ["title", '"Aurora', "at", 'pier', '4"'] in rows  # fmt: skip
        assert "in delta" not in desk.good(*words[:-2], stdin=json.dumps(CALL))


class TestExplain:
    """`--explain` tells why a field is what it is."""

    SECTIONS = {  # noqa: RUF012
        TYPE: {
            "Draught": selected("berths", [condition("greaterThan", "berths.no", "4")], accessor="depth"),
            "Remark": chain("ship", ("concat", cases.args(prefix="MS "))),
            "severity": chain("risk", "floor"),
            "Quarantine": "nowhere",
            "Pilot": "ship",
            "status": "ship",
            "Manifest": "ship",
        }
    }  # fmt: skip
    EVENT = {"ship": "Aurora", "risk": "high seas", "berths": [{"no": 4}, {"no": 5, "depth": "7"}]}  # noqa: RUF012

    def test_each_line_is_shown_step_by_step(self, desk, tmp_path):
        words = ["map", dump(tmp_path / "in.json", self.EVENT), "--mapper", mapper(tmp_path, self.SECTIONS)]
        shown = [" ".join(line.split()) for line in desk.good(*words, "--explain").splitlines()]
        for line in (
            f"Draught → draught (number) [{TYPE}]",
            'filter 4 greaterThan "4" does not pass',
            'filter 5 greaterThan "4" passes',
            'berths.depth "7"',
            "as number 7",
            'concat(prefix="MS ") "MS Aurora"',
            'as shortText "MS Aurora"',
            "floor() failed: 'high seas' is no number",
            "nowhere no value",
            "left out no incident field has this name",
            "left out status is kept by casemirror itself; no mapper sets it",
            "left out 'Aurora' is no table",
        ):
            assert line in shown
        assert not any("floor()" in line for line in desk.good(*words).splitlines())

    def test_each_line_is_data_too(self, desk, tmp_path):
        words = ["map", dump(tmp_path / "in.json", self.EVENT), "--mapper", mapper(tmp_path, self.SECTIONS)]
        lines = {line["key"]: line for line in desk.json(*words, "--explain")["lines"]}
        draught = lines["Draught"]
        assert (draught["path"], draught["field"], draught["fieldType"]) == ("berths.depth", "draught", "number")
        assert [step["kind"] for step in draught["steps"]] == ["filter", "filter", "path", "cast"]
        assert [step["after"] for step in draught["steps"]] == [False, True, "7", 7]
        assert draught["result"] == 7
        assert lines["Remark"]["steps"][1]["arguments"] == {"prefix": "MS "}
        assert (lines["severity"]["warning"], lines["severity"]["result"]) == ("'high seas' is no number", None)
        assert lines["severity"]["steps"][-1]["error"] == "'high seas' is no number"
        assert (lines["Quarantine"]["warning"], lines["Quarantine"]["result"]) == ("", None)
        assert lines["Pilot"]["warning"] == "no incident field has this name"
        assert "lines" not in desk.json(*words)

    def test_an_outgoing_mapper_is_explained_as_well(self, desk, tmp_path):
        file = mapper(tmp_path, {cases.COMMON: {"class": cases.CLASS}, TYPE: {"left": cases.LEFT}}, "outgoing")
        words = ["map", dump(tmp_path / "in.json", CALL), "--mapper", file, "--explain"]
        lines = {line["key"]: line for line in desk.json(*words)["lines"]}
        assert (lines["class"]["section"], lines["class"]["result"]) == ("all types", "3 - high")
        assert lines["left"]["result"] is None
        assert "does not pass" in desk.good(*words)

    def test_a_section_that_does_not_apply_is_told(self, desk, tmp_path):
        file = mapper(tmp_path, {cases.COMMON: {"name": "n"}, "Raft Call": {"Remark": "r"}, TYPE: {"Remark": "r"}})
        shown = desk.good("map", "-", "--mapper", file, "--type", "Tug Call", stdin='{"n": "A"}')
        assert f"the mapper has: all types, Raft Call, {TYPE}" in shown

    def test_a_long_value_is_cut_for_people_only(self, desk, tmp_path):
        words = ["map", dump(tmp_path / "in.json", {"title": "x" * 500}), "--mapper", "harbour-in"]
        assert "x" * 400 not in desk.good(*words) and "…" in desk.good(*words)
        assert desk.json(*words)["fields"]["name"] == "x" * 500

    def test_an_empty_source_is_told_beside_the_failure(self, desk, tmp_path):
        """MAP-078: on stderr, so that it never disturbs what a program reads."""
        file = mapper(tmp_path, {TYPE: {"Remark": chain("left", "FormattedDateToEpoch")}})
        ran = desk.run("map", "-", "--mapper", file, stdin='{"left": ""}')
        assert "nothing is mapped" in ran.stdout
        assert "operator FormattedDateToEpoch (its source is empty)" in ran.stderr


BAD_PATTERN = selected("tide", [condition("match", "tide", "(ebb")])
JAVASCRIPT = {"commonfields": {"id": "TideTable"}, "name": "TideTable", "type": "javascript", "script": "return value;"}
WELL = {**MIRRORED, "name": "title"}
"""Lines that leave nothing to say."""

FINDINGS: list[tuple[str, str, dict[str, Any], str, str, list[str]]] = [
    # rule, direction, sections, level, the line it is about, words of the text
    ("unknown field", "incoming", {TYPE: {**WELL, "Remarks": "r"}}, "warning", "Remarks", ["no incident field", "did you mean 'Remark'"]),
    ("unknown field, none near", "incoming", {TYPE: {**WELL, "Pilot": "r"}}, "warning", "Pilot", ["no incident field has this name"]),
    ("protected field", "incoming", {TYPE: {**WELL, "status": "s"}}, "warning", "status", ["kept by casemirror itself"]),
    ("unknown transformer", "incoming", {TYPE: {**WELL, "Remark": chain("r", "toUpperCas")}}, "error", "Remark", ["unknown transformer 'toUpperCas'", "did you mean 'toUpperCase'"]),
    ("unknown filter", "incoming", {TYPE: {**WELL, "Remark": selected("r", [condition("isNotEmty", "r")])}}, "error", "Remark", ["unknown filter 'isNotEmty'", "'isNotEmpty'"]),
    ("JavaScript", "incoming", {TYPE: {**WELL, "Remark": chain("r", "TideTable")}}, "error", "Remark", ["'TideTable' is a script in javascript"]),
    ("bad pattern of a filter", "incoming", {TYPE: {**WELL, "Remark": BAD_PATTERN}}, "error", "Remark", ["match: the pattern cannot be read"]),
    ("bad pattern of a transformer", "incoming", {TYPE: {**WELL, "Remark": chain("r", ("replaceMatch", cases.args(regex="[a", replaceWith="")))}}, "error", "Remark", ["replaceMatch: the pattern cannot be read"]),
    ("empty expression", "incoming", {TYPE: {**WELL, "Remark": ""}}, "note", "Remark", ["its expression is empty"]),
    ("absent type", "incoming", {"Raft Call": WELL}, "warning", "", ["no such incident type is installed"]),
    ("no mirroring", "incoming", {TYPE: {"name": "title", "dbotMirrorId": "id"}}, "warning", "", ["will not mirror because", "dbotMirrorInstance, dbotMirrorDirection"]),
    ("no section", "incoming", {}, "error", "", ["no section"]),
    ("unread field", "outgoing", {TYPE: {"state": "berthstat"}}, "warning", "state", ["'berthstat', which is no field", "'berthstate'"]),
]  # fmt: skip


class TestCheck:
    """`casemirror mapper check`."""

    @staticmethod
    def scripts(folder: Path) -> Path:
        """A pack with a script that casemirror does not run."""
        return pack(folder, "Scripts", **{"Scripts/TideTable/TideTable.yml": json.dumps(JAVASCRIPT)})

    @table(("direction", "sections", "level", "key", "words"), FINDINGS)
    def test_each_finding_names_its_line(self, direction, sections, level, key, words, desk, tmp_path):
        """MAP-063, MAP-072, MAP-100; exit code 1 for errors only."""
        file = mapper(tmp_path, sections, direction)
        ran = desk.run("mapper", "check", file, "--pack", self.scripts(tmp_path), "--json")
        answer = json.loads(ran.stdout)
        assert answer["mapper"] == "tried"
        (finding,) = answer["findings"]
        assert (finding["level"], finding["field"]) == (level, key)
        assert finding["type"] == next(iter(sections), "")
        assert all(word in finding["text"] for word in words)
        assert ran.exit_code == (1 if level == "error" else 0)

    def test_findings_are_a_table_for_people(self, desk, tmp_path):
        file = mapper(tmp_path, {TYPE: {**WELL, "Remark": chain("r", "toUpperCas")}})
        ran = desk.run("mapper", "check", file)
        assert ran.exit_code == 1
        assert all(word in ran.stdout for word in ("mapper tried", "error", TYPE, "Remark", "toUpperCas"))

    def test_a_good_mapper_leaves_nothing_to_note(self, desk):
        assert desk.good("mapper", "check", "harbour-in") == "harbour-in: nothing to note\n"
        assert "no mapper 'quay'" in desk.refused("mapper", "check", "quay")

    def test_an_instance_says_what_its_remote_knows(self, desk, tmp_path):
        """MAP-102: remote names against the schema, types against the classifier."""
        with other_home(desk, tmp_path):
            desk.good("pack", "add", fields_pack(tmp_path / "f"))
            words = ["-p", "book=b", "--classifier", "harbour-v1", "-p", f"incidentType={TYPE}", "--disabled"]
            desk.good("instance", "add", INSTANCE, "-i", BRAND, *words)
            known = mapper(tmp_path, {TYPE: {"state": "berthstate", "titel": "name"}}, "outgoing")
            (unknown,) = desk.json("mapper", "check", known, "--instance", INSTANCE)["findings"]
            other = pack(tmp_path, "Types", **{"IncidentTypes/r.json": json.dumps({"id": "Raft Call", "name": "Raft Call", "color": "#fff"})})  # fmt: skip
            sections = {TYPE: {**WELL, "dbotMirrorId": "ship"}, "Raft Call": {**WELL, "dbotMirrorId": "ship"}}
            words = ["--instance", INSTANCE, "--pack", other]
            (never,) = desk.json("mapper", "check", mapper(tmp_path, sections), *words)["findings"]
        assert (unknown["level"], unknown["field"]) == ("warning", "titel")
        assert "does not know 'titel'" in unknown["text"] and "did you mean 'title'" in unknown["text"]
        assert (never["level"], never["type"]) == ("note", "Raft Call")
        assert "the instance never gives this incident type" in never["text"]

    def test_a_schema_that_cannot_be_read_is_a_note(self, desk, tmp_path):
        with other_home(desk, tmp_path):
            desk.good("pack", "add", fields_pack(tmp_path / "f"))
            words = ["-p", "book=b", "-p", "broken=true", "--disabled"]
            desk.good("instance", "add", INSTANCE, "-i", BRAND, *words)
            (finding,) = desk.json("mapper", "check", "harbour-in", "--instance", INSTANCE)["findings"]
        assert finding["level"] == "note"
        assert "cannot be read" in finding["text"] and "the office is closed" in finding["text"]


def test_mapper_list_shows_direction_and_types(desk, tmp_path):
    """`casemirror mapper list`, also with none."""
    shown = desk.good("mapper", "list")
    assert all(word in shown for word in ("harbour-in", "Harbour - Incoming", "incoming", TYPE))
    with other_home(desk, tmp_path):
        assert "no mappers yet" in desk.good("mapper", "list")
        assert desk.json("mapper", "list") == []
