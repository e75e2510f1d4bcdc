"""What our packs consist of fits together: references, mappers that undo each other, README."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.packs import PACKS

OURS = ("CasemirrorCortexXDR", "CasemirrorJira", "CasemirrorRoundup", "CasemirrorServiceNow")
NEVER_LOOKS = ("CasemirrorCortexXDR",)
"""Its API shows no comments, so nobody can look whether one arrived."""
COMMON = "dbot_classification_incident_type_all"
SYSTEM = {"name", "details", "severity", "occurred", "guid"}


@pytest.fixture(params=OURS)
def pack(request: pytest.FixtureRequest) -> Path:
    return PACKS / str(request.param)


def documents(pack: Path, folder: str) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((pack / folder).glob("*.json"))]


def integration(pack: Path) -> dict[str, Any]:
    (path,) = pack.glob("Integrations/*/*.yml")
    found: dict[str, Any] = yaml.safe_load(path.read_text())
    return found


def mapping(pack: Path, kind: str) -> dict[str, Any]:
    (found,) = (d for d in documents(pack, "Classifiers") if d["type"] == f"mapping-{kind}")
    lines: dict[str, Any] = found["mapping"][COMMON]["internalMapping"]
    return lines


def table_of(expression: dict[str, Any]) -> dict[str, str]:
    """Of a MapValuesTransformer: input → output."""
    (transformer,) = expression["complex"]["transformers"]
    texts = [transformer["args"][name]["value"]["simple"].split(",") for name in ("input_values", "mapped_values")]
    return dict(zip(*texts, strict=True))


def source(expression: dict[str, Any]) -> str:
    return str(expression["simple"] or expression["complex"]["root"])


def test_the_integration_names_its_classifier_and_mappers(pack: Path) -> None:
    described, ids = integration(pack), {d["id"] for d in documents(pack, "Classifiers")}
    assert {described[name] for name in ("defaultclassifier", "defaultmapperin", "defaultmapperout")} == ids
    script = described["script"]
    assert all(script[flag] for flag in ("isfetch", "ismappable", "isremotesyncin", "isremotesyncout"))
    assert script["casemirror"] == {"resends_safely": pack.name not in NEVER_LOOKS, "creates_safely": True}


def test_the_classifier_names_the_pack_s_incident_type(pack: Path) -> None:
    (kind,) = documents(pack, "IncidentTypes")
    (classifier,) = (d for d in documents(pack, "Classifiers") if d["type"] == "classification")
    assert classifier["defaultIncidentType"] == kind["name"] == kind["id"]


def test_mappers_name_fields_that_the_pack_brings(pack: Path) -> None:
    fields = documents(pack, "IncidentFields")
    names, machine_names = {f["name"] for f in fields}, {f["cliName"] for f in fields}
    targets = {t for t in mapping(pack, "incoming") if not t.startswith("dbotMirror")}
    assert targets - SYSTEM == names
    assert {source(e) for e in mapping(pack, "outgoing").values()} - SYSTEM <= machine_names
    assert all(f["id"] == "incident_" + f["cliName"] for f in fields)


def test_each_outgoing_line_undoes_an_incoming_one(pack: Path) -> None:
    """An echo of what we pushed must map in to the value we have."""
    incoming, fields = mapping(pack, "incoming"), {f["name"]: f["cliName"] for f in documents(pack, "IncidentFields")}
    there = {fields.get(target, target): expression for target, expression in incoming.items()}
    for remote, expression in mapping(pack, "outgoing").items():
        if remote == "casemirror_reference":
            assert source(expression) == "guid"
            continue
        back = there[source(expression)]
        assert source(back) == remote
        if expression.get("complex"):
            assert table_of(back) == {told: sent for sent, told in table_of(expression).items()}


def test_the_readme_tells_of_every_parameter_and_field(pack: Path) -> None:
    text = (pack / "README.md").read_text()
    missing = [p["name"] for p in integration(pack)["configuration"] if f"`{p['name']}`" not in text]
    missing += [f["cliName"] for f in documents(pack, "IncidentFields") if f"`{f['cliName']}`" not in text]
    assert missing == []
