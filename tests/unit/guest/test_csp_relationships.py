"""How two indicators are related."""

import CommonServerPython as csp
import pytest

Relationships = csp.EntityRelationship.Relationships


def _link(**given):
    ends = {"entity_a": "1.1.1.1", "entity_a_type": "IP", "entity_b": "x.org", "entity_b_type": "Domain"}
    return csp.EntityRelationship(**{"name": "resolves-to", **ends, **given})


def test_entry_has_both_ends_and_both_names():
    """Reliability and brand only when given."""
    entry = _link().to_entry()
    assert entry == {
        "name": "resolves-to",
        "reverseName": "resolved-from",
        "type": "IndicatorToIndicator",
        "entityA": "1.1.1.1",
        "entityAFamily": "Indicator",
        "entityAType": "IP",
        "entityB": "x.org",
        "entityBFamily": "Indicator",
        "entityBType": "Domain",
        "fields": {},
    }
    full = _link(source_reliability="B - Usually reliable", brand="B", fields={"f": 1}, reverse_name="of").to_entry()
    assert (full["reliability"], full["brand"], full["fields"], full["reverseName"]) == (
        "B - Usually reliable",
        "B",
        {"f": 1},
        "of",
    )


def test_feeds_get_it_without_the_source():
    """The server knows the source of a feed."""
    assert _link(source_reliability="B - Usually reliable", brand="B").to_indicator() == _link().to_entry()


def test_context_of_an_indicator_names_the_other_end():
    """The keys that packs document under `<indicator>.Relationships`."""
    score = csp.Common.DBotScore("1.1.1.1", "ip", "V", 0)
    context = csp.Common.IP("1.1.1.1", score, relationships=[_link()]).to_context()
    assert context[csp.outputPaths["ip"]]["Relationships"] == [
        {
            "Relationship": "resolves-to",
            "EntityA": "1.1.1.1",
            "EntityAType": "IP",
            "EntityB": "x.org",
            "EntityBType": "Domain",
        }
    ]


def test_answer_brings_relationships_beside_the_context():
    """An incomplete one is left out."""
    links = [_link(), _link(entity_b="")]
    answer = csp.CommandResults(readable_output="r", relationships=links).to_context()
    assert answer["Relationships"] == [_link().to_entry()]
    assert answer["EntryContext"] == {}
    assert links[1].to_context() == links[1].to_indicator() == {}


def test_every_name_has_a_constant_and_another_side():
    """RELATED_TO is 'related-to'."""
    assert (Relationships.RELATED_TO, Relationships.COMMUNICATED_WITH) == ("related-to", "communicated-with")
    for name in Relationships.RELATIONSHIPS_NAMES:
        assert getattr(Relationships, name.upper().replace("-", "_")) == name
        assert Relationships.is_valid(name)
        assert Relationships.get_reverse(name)
    assert Relationships.get_reverse("part-of") == "contains"


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "likes"},
        {"relationship_type": "IndicatorToIncident"},
        {"entity_a_family": "Incident"},
        {"source_reliability": "high"},
    ],
)
def test_unknown_words_are_refused(wrong):
    """The text says which."""
    with pytest.raises(ValueError, match="|".join(wrong.values())):
        _link(**wrong)
