"""How two indicators are related, in the words that integrations and the vendor's server share."""

from csp import indicator_types

# name: the same, read from the other side
_REVERSE = {
    "applied": "applied-on",
    "attachment-of": "attaches",
    "attaches": "attachment-of",
    "attribute-of": "owns",
    "attributed-by": "attributed-to",
    "attributed-to": "attributed-by",
    "authored-by": "author-of",
    "beacons-to": "communicated-by",
    "bundled-in": "bundles",
    "bundles": "bundled-in",
    "communicated-by": "communicated-with",
    "communicated-with": "communicated-by",
    "communicates-with": "communicated-by",
    "compromised-by": "compromises",
    "compromises": "compromised-by",
    "contains": "part-of",
    "controls": "controlled-by",
    "created-by": "creates",
    "creates": "created-by",
    "delivered-by": "delivers",
    "delivers": "delivered-by",
    "downloads": "downloaded-by",
    "downloads-from": "hosts",
    "dropped-by": "drops",
    "drops": "dropped-by",
    "duplicate-of": "duplicate-of",
    "embedded-in": "embeds",
    "embeds": "embedded-in",
    "executed": "executed-by",
    "executed-by": "executes",
    "exfiltrates-to": "exfiltrated-from",
    "exploits": "exploited-by",
    "has": "seen-on",
    "hosted-on": "hosts",
    "hosts": "hosted-on",
    "impersonates": "impersonated-by",
    "indicated-by": "indicator-of",
    "indicator-of": "indicated-by",
    "injected-from": "injects-into",
    "injects-into": "injected-from",
    "investigates": "investigated-by",
    "is-also": "is-also",
    "located-at": "locates",
    "mitigated-by": "mitigates",
    "mitigates": "mitigated-by",
    "originated-from": "source-of",
    "owned-by": "owns",
    "owns": "owned-by",
    "part-of": "contains",
    "related-to": "related-to",
    "remediates": "remediated-by",
    "resolved-by": "resolves",
    "resolved-from": "resolves-to",
    "resolves-to": "resolved-from",
    "seen-on": "has",
    "sent": "attached-to",
    "sent-by": "sent",
    "sent-from": "received-by",
    "sent-to": "received-by",
    "similar-to": "similar-to",
    "sub-domain-of": "supra-domain-of",
    "subtechnique-of": "parent-technique-of",
    "parent-technique-of": "subtechnique-of",
    "supra-domain-of": "sub-domain-of",
    "targeted-by": "targets",
    "targets": "targeted-by",
    "uploaded-to": "hosts",
    "used-by": "uses",
    "used-on": "targeted-by",
    "uses": "used-by",
    "variant-of": "variant-of",
}


class Relationships:
    """Names of relationships: `RELATED_TO` is 'related-to', and so on for each of the table above."""

    RELATIONSHIPS_NAMES = dict(_REVERSE)

    @classmethod
    def is_valid(cls, _type):
        """Whether the name is one of these."""
        return _type in cls.RELATIONSHIPS_NAMES

    @classmethod
    def get_reverse(cls, name):
        """The relationship as it is called from the other side; ValueError for a name that is none of these."""
        if not cls.is_valid(name):
            raise ValueError(f"{name!r} is no relationship; there are: {', '.join(sorted(cls.RELATIONSHIPS_NAMES))}")
        return cls.RELATIONSHIPS_NAMES[name]


for _name in _REVERSE:
    setattr(Relationships, _name.upper().replace("-", "_"), _name)
# the one name whose constant is not the name in capitals
Relationships.SUB_TECHNIQUE_OF = "subtechnique-of"


class RelationshipsTypes:
    """What kinds of things a relationship joins."""

    INDICATOR_TO_INDICATOR = "IndicatorToIndicator"

    @staticmethod
    def is_valid_type(_type):
        """Whether the text is one of these."""
        return _type == RelationshipsTypes.INDICATOR_TO_INDICATOR


class RelationshipsFamily:
    """What one of the two ends may be."""

    INDICATOR = "Indicator"

    @staticmethod
    def is_valid_type(_type):
        """Whether the text is one of these."""
        return _type == RelationshipsFamily.INDICATOR


class EntityRelationship:
    """One relationship between two indicators. ValueError when a name, type, family or reliability is not known.

    name                             one of `Relationships`, as seen from entity_a
    entity_a, entity_b               the indicators' values; entity_a_type, entity_b_type: a FeedIndicatorType each
    reverse_name                     as seen from entity_b; what belongs to `name` when not given
    source_reliability, brand        how far the source is to be trusted, and its name
    fields                           {field: value} of the relationship itself
    """

    Relationships = Relationships
    RelationshipsTypes = RelationshipsTypes
    RelationshipsFamily = RelationshipsFamily

    def __init__(
        self,
        name,
        entity_a,
        entity_a_type,
        entity_b,
        entity_b_type,
        reverse_name="",
        relationship_type=RelationshipsTypes.INDICATOR_TO_INDICATOR,
        entity_a_family=RelationshipsFamily.INDICATOR,
        entity_b_family=RelationshipsFamily.INDICATOR,
        source_reliability="",
        fields=None,
        brand="",
    ):
        _must(RelationshipsTypes.is_valid_type(relationship_type), "relationship type", relationship_type)
        for family in (entity_a_family, entity_b_family):
            _must(RelationshipsFamily.is_valid_type(family), "family", family)
        if source_reliability:
            is_known = indicator_types.DBotScoreReliability.is_valid_type(source_reliability)
            _must(is_known, "reliability", source_reliability)
        own_reverse = Relationships.get_reverse(name)
        self._name = name
        self._reverse_name = reverse_name or own_reverse
        self._relationship_type = relationship_type
        self._entity_a = entity_a
        self._entity_a_type = entity_a_type
        self._entity_a_family = entity_a_family
        self._entity_b = entity_b
        self._entity_b_type = entity_b_type
        self._entity_b_family = entity_b_family
        self._source_reliability = source_reliability
        self._fields = fields or {}
        self._brand = brand

    def to_entry(self):
        """The relationship in a war-room entry; {} when an end is missing."""
        entry = self.to_indicator()
        if entry and self._source_reliability:
            entry["reliability"] = self._source_reliability
        if entry and self._brand:
            entry["brand"] = self._brand
        return entry

    def to_indicator(self):
        """The relationship among those of an indicator for createIndicators; {} when an end is missing."""
        if not self._entity_a or not self._entity_b:
            return {}
        return {
            "name": self._name,
            "reverseName": self._reverse_name,
            "type": self._relationship_type,
            "entityA": self._entity_a,
            "entityAFamily": self._entity_a_family,
            "entityAType": self._entity_a_type,
            "entityB": self._entity_b,
            "entityBFamily": self._entity_b_family,
            "entityBType": self._entity_b_type,
            "fields": self._fields,
        }

    def to_context(self):
        """The relationship in an indicator's context; {} when an end is missing."""
        if not self._entity_a or not self._entity_b:
            return {}
        return {
            "Relationship": self._name,
            "EntityA": self._entity_a,
            "EntityAType": self._entity_a_type,
            "EntityB": self._entity_b,
            "EntityBType": self._entity_b_type,
        }


def _must(is_known, what, value):
    if not is_known:
        raise ValueError(f"{value!r} is no known {what} of a relationship")
