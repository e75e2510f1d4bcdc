"""The points of the files alone: what each of them finds in an integration that is wrong in one way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from casemirror.actions import scaffold
from casemirror.actions.contract import scorecard, subject
from casemirror.actions.contract.bench import Bench
from casemirror.actions.contract.scorecard import Scorecard
from casemirror.actions.contract.source import common_names
from casemirror.model.errors import Invalid, NotFound
from support.scripted import Remote


def look(folder: Path) -> Scorecard:
    return scorecard.check(Bench(subject=subject.read(folder), runtime=Remote(), params={}), live=False)  # type: ignore[arg-type]


@pytest.fixture
def acme(tmp_path: Path) -> Path:
    return scaffold.create("AcmeTickets", tmp_path).folder


CODE, YAML = "Integrations/AcmeTickets/AcmeTickets.py", "Integrations/AcmeTickets/AcmeTickets.yml"
MAPPER = "Classifiers/mapper-incoming-acmetickets.json"


def swap(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return change


def test_the_template_holds_in_every_point(acme: Path) -> None:
    card = look(acme)
    assert card.holds and card.counts["passed"] == len(card.verdicts) == 15 and not card.live


@pytest.mark.parametrize(
    ("file", "change", "point", "words"),
    [
        (CODE, swap("import json\n", "import json\nimport no_such_library\n"), "code.libraries", "no_such_library"),
        (CODE, swap("return ticket_id\n", "return thicket_id\n"), "code.names", "thicket_id (line"),
        (CODE, swap('return "ok"', 'print("ok"); return "ok"'), "code.print", "print() in line"),
        (CODE, swap('("__main__", "__builtin__", "builtins")', '("__main__",)'), "code.guard", "__main__"),
        (CODE, swap("client.who_am_i()", 'demisto.executeCommand("x", {})'), "code.execute", "line"),
        (CODE, lambda text: text + "\n  oops(", "code.runs", "line"),
        (CODE, swap('"test-module"', '"test"'), "flags.test", "test-module"),
        (CODE, swap('"update-remote-system":', '"update":'), "flags.commands", "isremotesyncout is true"),
        (YAML, swap("  ismappable: true\n", ""), "flags.all", "ismappable is not true"),
        (YAML, swap("name: isFetch", "name: fetching"), "params.fetch", "isFetch"),
        (YAML, swap("name: max_fetch", "name: api_key"), "params.secrets", "api_key"),
        (YAML, swap("acmetickets-outgoing", "acme-outgoing"), "content.references", "'acme-outgoing'"),
        (MAPPER, swap('"Acme Tickets State"', '"Acme State"'), "content.references", "'Acme State'"),
        (MAPPER, swap("dbotMirrorId", "details"), "content.mirror", "dbotMirrorId"),
        (MAPPER, lambda text: text[:-5], "files.readable", MAPPER),
    ],
)  # fmt: skip
def test_each_point_finds_what_it_is_for(
    acme: Path, file: str, change: Callable[[str], str], point: str, words: str
) -> None:
    path = acme / file
    path.write_text(change(path.read_text()))
    failed = {verdict.point.name: verdict.text for verdict in scorecard.failed(look(acme).verdicts)}
    assert words in failed[point]


def test_flags_that_are_all_off_are_no_mirroring(acme: Path) -> None:
    path = acme / YAML
    path.write_text(path.read_text().replace("isremotesyncin: true", "").replace("isremotesyncout: true", ""))
    assert "flags.mirror" in {verdict.point.name for verdict in scorecard.failed(look(acme).verdicts)}


def test_an_integration_is_found_from_each_of_its_places(acme: Path) -> None:
    for place in (acme, acme / "Integrations", acme / "Integrations" / "AcmeTickets", acme / CODE, acme / YAML):
        assert subject.read(place).yaml == acme.resolve() / YAML


def test_one_that_stands_alone_is_found_too(acme: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    for name in (CODE, YAML):
        (alone / Path(name).name).write_text((acme / name).read_text())
    for place in (alone, alone / "AcmeTickets.py", alone / "AcmeTickets.yml"):
        assert subject.read(place).integration.id == "Acme Tickets"


def test_what_is_in_a_pack_beside_it_counts_as_there(acme: Path, tmp_path: Path) -> None:
    other = tmp_path / "Common" / "IncidentFields"
    other.mkdir(parents=True)
    field = acme / "IncidentFields" / "incidentfield-Acme_Tickets_State.json"
    field.rename(other / field.name)
    alone, both = subject.read(acme), subject.read(acme, [other.parent])
    cards = [scorecard.check(Bench(subject=each, runtime=Remote(), params={}), live=False) for each in (alone, both)]  # type: ignore[arg-type]
    assert [verdict.point.name for verdict in scorecard.failed(cards[0].verdicts)] == ["content.references"]
    assert cards[1].holds


def test_what_is_no_integration_is_said(acme: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nothing of that name"):
        subject.read(tmp_path / "nowhere")
    with pytest.raises(Invalid, match="no integration"):
        subject.read(acme / "README.md")


def test_names_of_a_mapper_that_is_not_there_break_the_point(acme: Path) -> None:
    found = subject.read(acme)
    found = replace(found, choice=replace(found.choice, mapper_in="nobody's"))
    card = scorecard.check(Bench(subject=found, runtime=Remote(), params={}), live=False)  # type: ignore[arg-type]
    assert "nobody's" in " ".join(verdict.text for verdict in scorecard.failed(card.verdicts))


def test_the_names_of_common_server_python_are_read_without_importing_it() -> None:
    assert {"return_error", "GetRemoteDataResponse", "fileResult", "DemistoException", "timedelta"} <= common_names()
