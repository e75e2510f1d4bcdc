"""Integrations, fields, mappers as values, and the catalog that indexes them (content.md §1, §3.1, §5; MAP-097, MAP-100)."""

import pytest

from casemirror.content import dependencies, documents, items
from casemirror.content.catalog import Catalog
from casemirror.content.loading import load
from casemirror.model.errors import Invalid, MappingFailed, NotFound
from support.content_pack import CODE, FIELD, MAPPER_IN


@pytest.fixture
def catalog(pack_folder):
    return Catalog.of(load(pack_folder)[0].items)


def test_an_integration_says_what_it_can(catalog):
    """content.md §1.2, §1.5; mirroring.md §0.1: absent flags are false."""
    acme = catalog.integration("Acme")
    assert (acme.id, acme.name, acme.display, acme.category) == ("Acme", "Acme", "Acme Tickets", "Case Management")
    assert (acme.fetch, acme.mirror_in, acme.mirror_out, acme.mappable, acme.long_running) == (
        True,
        True,
        False,
        False,
        False,
    )
    assert (acme.resends_safely, acme.creates_safely) == (True, False)
    assert (acme.docker_image, acme.runnable, acme.source) == ("demisto/python3:3.10", "", CODE)
    assert acme.path == "Integrations/AcmeV1/Acme.yml"


def test_parameters_have_defaults_of_their_run_time_type(catalog):
    """content.md §1.3."""
    found = {p.name: p for p in catalog.integration("Acme").params}
    assert found["url"].default == "https://acme.example"
    assert found["isFetch"].default is True
    assert found["kinds"].default == ["bug", "task"]
    assert found["limit"].default == "50"
    assert found["incidentType"].default is None
    assert found["mirror_direction"].options == ("None", "Incoming", "No")
    assert [name for name, p in found.items() if p.is_secret] == ["credentials", "token"]
    assert found["token"].hidden is False
    assert found["titel"].has_value is False


def test_commands_have_arguments(catalog):
    """content.md §1.6."""
    command = catalog.integration("Acme").command("acme-get")
    assert [(a.name, a.required, a.is_default, a.default) for a in command.arguments] == [
        ("id", True, True, None),
        ("since", False, False, "7"),
    ]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ({"type": "python", "script": "x"}, "Python 2"),
        ({"type": "python", "subtype": "python2", "script": "x"}, "Python 2"),
        ({"type": "javascript", "script": "x"}, "javascript"),
        ({"type": "python", "subtype": "python3", "script": ""}, "no code"),
    ],
)
def test_what_cannot_run_says_why(script, reason):
    """content.md §1.5, §1.7."""
    assert reason in items.parse("integration", {"name": "X", "script": script}).runnable


def test_default_references_are_resolved_by_id_then_name(catalog):
    """MAP-097: the text `null` and what is not installed mean none."""
    acme = catalog.integration("Acme")
    assert acme.default_classifier == ""
    assert catalog.find_mapper(acme.default_mapper_in).id == "acme-in"
    assert catalog.find_mapper(acme.default_mapper_out).id == "acme-out"
    assert catalog.find_mapper("nowhere") is None
    assert catalog.find_classifier("acme").id == "acme"


def test_a_chosen_mapper_that_is_gone_is_an_error(catalog):
    """Going on without it would send everything under wrong names."""
    assert catalog.mapper("") is None
    assert catalog.mapper("null") is None
    assert catalog.mapper("Acme - Incoming Mapper").id == "acme-in"
    with pytest.raises(MappingFailed, match="nowhere"):
        catalog.mapper("nowhere")
    with pytest.raises(MappingFailed):
        catalog.classifier("nowhere")


def test_an_unknown_integration_names_near_ones(catalog):
    with pytest.raises(NotFound, match="did you mean Acme"):
        catalog.integration("Acmee")


def test_api_modules_are_found_transitively(catalog):
    """content.md §1.1: the one that is not installed is left out."""
    assert catalog.api_modules_for(catalog.integration("Acme").source) == {"AcmeApiModule": "X = 1\n"}
    deep = [
        items.make("apimodule", {"name": "AApiModule", "script": "from BApiModule import *"}),
        items.make("apimodule", {"name": "BApiModule", "script": "from AApiModule import *\nfrom CApiModule import *"}),
        items.make("integration", {"name": "I", "script": {"script": "from AApiModule import *  # noqa\n"}}),
    ]
    indexed = Catalog.of(deep)
    assert indexed.api_modules_for(indexed.integration("I").source).keys() == {"AApiModule", "BApiModule"}


def field(name, cli_name, **more):
    return items.make("incidentfield", {"name": name, "cliName": cli_name, **more})


def test_a_field_is_found_by_display_name_then_cli_name_then_any_case():
    """content.md §5.1; MAP-072."""
    catalog = Catalog.of([field("Agent ID", "agentid"), field("agentid", "other"), field("Timer", "t", type="timer")])
    assert catalog.field("Agent ID").cli_name == "agentid"
    assert catalog.field("agentid").cli_name == "other"
    assert catalog.field("AGENT ID").cli_name == "agentid"
    assert catalog.field("T").cli_name == "t"
    assert catalog.field("nope") is None
    assert catalog.is_timer("t")
    assert not catalog.is_timer("nope")


def test_the_first_installed_of_two_fields_wins_and_the_other_name_is_an_alias():
    """content.md §5.1."""
    catalog = Catalog.of(
        [field("Host Name", "hostname", type="shortText"), field("Hostname", "hostname", type="multiSelect")]
    )
    assert catalog.field("Hostname").name == "Host Name"
    assert catalog.field_by_cli("hostname").type == "shortText"


def test_a_body_that_cannot_be_understood_is_as_if_not_installed():
    catalog = Catalog.of(
        [
            field("A", "a"),
            items.Item(kind="incidentfield", id="x", name="x", body={}),
            items.Item(kind="what", id="y", name="y", body={}),
        ]
    )
    assert list(catalog.fields) == ["a"]
    assert [p.file for p in catalog.problems] == ["incidentfield/x", "what/y"]


def test_unknown_keys_are_ignored_and_odd_values_are_empty():
    """content.md §1.2: newer files carry keys that older servers do not know."""
    found = items.parse(
        "incidentfield", {**FIELD, "selectValues": "open", "columns": [1, {"key": "k"}], "new": {"x": 1}}
    )
    assert found.select_values == ()
    assert [c.key for c in found.columns] == ["k"]
    assert (
        items.parse("mapper-in", {**MAPPER_IN, "mapping": {"T": 3, "U": {"internalMapping": []}}}).sections["U"].mapping
        == {}
    )
    with pytest.raises(Invalid, match="unknown kind"):
        items.parse("dashboard", {})


def test_marketplace_suffixes_are_folded():
    """content.md §1.3: ours replace, others vanish, colons of other kinds stay."""
    folded = documents.fold({"a": 1, "a:xsoar": 2, "b": [{"c:marketplacev2": 3, "c": 4}], "ext:1.0": 5})
    assert folded == {"a": 2, "b": [{"c": 4}], "ext:1.0": 5}


def test_yaml_keeps_words_and_dates_as_text():
    """Options named No, defaults that look like dates."""
    assert documents.read_yaml("- No\n- yes\n- true\n- 2022-01-01\n- 010\n- .inf\n") == [
        "No",
        "yes",
        True,
        "2022-01-01",
        8,
        "inf",
    ]


def test_what_refers_to_nothing_is_listed(catalog):
    """content.md §2.3: warnings, not errors."""
    missing = dependencies.missing(catalog)
    assert [str(m) for m in missing] == []
    without = Catalog.of(
        i
        for i in (
            items.make("mapper-in", MAPPER_IN),
            items.make("classifier", {"id": "c", "defaultIncidentType": "Gone"}),
        )
    )
    assert {(m.kind, m.name) for m in dependencies.missing(without)} == {
        ("incident field", "Acme State"),
        ("incident type", "Acme Ticket"),
        ("incident type", "Gone"),
    }


def test_missing_knows_operators_and_modules():
    """content.md §2.3."""
    steps = {
        "complex": {
            "root": "a",
            "filters": [[{"operator": "string.isEqual"}]],
            "transformers": [{"operator": "X.uniq"}, {"operator": "Odd"}],
        }
    }
    catalog = Catalog.of([
        items.make("mapper-out", {"id": "m", "mapping": {items.COMMON: {"internalMapping": {"k": steps}}}}),
        items.make("integration", {"name": "I", "defaultmapperin": "gone", "script": {"script": "from QApiModule import *\nfrom RApiModule import *"}}),
    ])  # fmt: skip
    found = dependencies.missing(catalog, operators={"uniq", "isEqual"}, api_modules={"QApiModule"})
    assert {(m.kind, m.name) for m in found} == {("operator", "Odd"), ("mapper", "gone"), ("API module", "RApiModule")}
